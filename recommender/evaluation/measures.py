"""Measures of lists: against judged pairs (by ir-measures), and of freshness, variety, exposure."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain

import ir_measures
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon

from recommender.errors import InvalidInput
from recommender.evaluation.archive import Archive
from recommender.evaluation.protocol import Judged
from recommender.evaluation.trec import Run
from recommender.evaluation.truth import Qrels

SHOWN = 5  # as many as the box has places
NEAR_DUPLICATE_COSINE = 0.9
STORY = "story-"  # prefix of a measure against the truth with stories collapsed
MAX_EXPONENT = 10
# The gain of Burges et al. 2005: a link from the text counts three times as much as one to it.
_EXPONENTIAL_GAINS = {grade: 2**grade - 1 for grade in range(MAX_EXPONENT + 1)}
_GRADES_AS_GAINS: dict[int, int] = {}  # the library takes a grade that is not here for its gain

DEFAULT_MEASURES = (
    "nDCG@5", "nDCG@10", "story-nDCG@10", "MAP", "recall@10", "recall@50", "MRR", "hit@5",
    "judged@5", "condensed-nDCG@10", "diversity@5", "near-duplicates@5", "self@5",
    "language-purity@5", "median-age-days@5", "under-48h@5", "under-7d@5", "coverage@5", "gini@5",
    "section-calibration@5",
)  # fmt: skip

QueryValues = NDArray[np.float64]
"""One value for each query, in the order of `Judged.qrels`; nan where a measure says nothing."""


def per_query(name: str, archive: Archive, judged: Judged, run: Run) -> QueryValues:
    """
    The measure called *name* for every query.

    Raises:
        InvalidInput: for a name that is neither here nor in `OVERALL`.
    """
    if name in LIST_MEASURES:
        measure = LIST_MEASURES[name]
        return np.array([measure(archive, query, _shown(run, query)) for query in judged.qrels])
    if name.startswith(STORY):
        return _with_stories_collapsed(name.removeprefix(STORY), archive, judged, run)
    return _against_truth(_ir_measure(name, gains_of(judged)), judged.qrels, run)


def has_exponential_gains(judged: Judged) -> bool:
    """
    Whether the gain of a grade is 2^grade - 1, and not the grade itself.

    Collections with grades such as 16 or 100 (TREC News, sliders) have exponential grades already.
    """
    return judged.highest_grade <= MAX_EXPONENT


def gains_of(judged: Judged) -> Mapping[int, int]:
    return _EXPONENTIAL_GAINS if has_exponential_gains(judged) else _GRADES_AS_GAINS


def _against_truth(measure: ir_measures.Measure, qrels: Qrels, run: Run) -> QueryValues:
    """The measure of each query; 0 for a query without a list."""
    # Ranks stand in for scores: the library would order equal scores in its own way.
    ranks = {}
    for query, places in run.items():
        if places:
            ranks[query] = {article: 1.0 / rank for rank, (article, _) in enumerate(places, 1)}
    values = {}
    for metric in ir_measures.iter_calc([measure], qrels, ranks):
        values[metric.query_id] = metric.value
    return np.array([values.get(query, 0.0) for query in qrels])


def _with_stories_collapsed(name: str, archive: Archive, judged: Judged, run: Run) -> QueryValues:
    """As plain, with each story once; nan for a query whose answers all tell its own story."""
    qrels, collapsed_run = archive.stories.collapsed(judged.qrels, run)
    values = _against_truth(_ir_measure(name, gains_of(judged)), qrels, collapsed_run)
    is_answerable = [any(grades.values()) for grades in qrels.values()]
    return np.where(is_answerable, values, np.nan)


def _shown(run: Run, query: str) -> list[str]:
    """The articles in the box."""
    return [article for article, _ in run.get(query, [])[:SHOWN]]


def check_measure(name: str) -> str:
    """Return *name*; raises InvalidInput when no such measure exists."""
    if name not in LIST_MEASURES and name not in OVERALL:
        _ir_measure(name.removeprefix(STORY), _EXPONENTIAL_GAINS)
    return name


def _ir_measure(name: str, gains: Mapping[int, int]) -> ir_measures.Measure:
    family, _, cutoff = name.partition("@")
    if family in _FIXED and not cutoff:
        return _FIXED[family]
    if family in _AT_CUTOFF and re.fullmatch(r"[1-9]\d{0,2}", cutoff):
        measure: ir_measures.Measure = _AT_CUTOFF[family] @ int(cutoff)
        return measure(gains=dict(gains)) if measure.NAME == "nDCG" else measure
    with_cutoff = [f"{family}@k" for family in _AT_CUTOFF]
    against_truth = ", ".join((*with_cutoff, *_FIXED))
    others = ", ".join((*LIST_MEASURES, *OVERALL))
    known = f"{against_truth} (each also with the prefix {STORY}), {others}"
    raise InvalidInput.at("measures", f"no measure {name!r}; there are {known}")


_FIXED = {"MAP": ir_measures.AP, "MRR": ir_measures.RR}
_AT_CUTOFF = {
    "nDCG": ir_measures.nDCG,
    "condensed-nDCG": ir_measures.nDCG(judged_only=True),
    "MAP": ir_measures.AP,
    "recall": ir_measures.R,
    "precision": ir_measures.P,
    "MRR": ir_measures.RR,
    "hit": ir_measures.Success,
    "judged": ir_measures.Judged,
}


def _diversity(archive: Archive, query: str, shown: list[str]) -> float:
    """One minus the mean cosine of the list's pairs (intra-list diversity, Ziegler et al. 2005)."""
    if len(shown) < 2:
        return float("nan")
    cosines = _cosines(archive, shown)
    return float(1 - cosines[np.triu_indices(len(shown), 1)].mean())


def _near_duplicates(archive: Archive, query: str, shown: list[str]) -> float:
    """Share of places whose article repeats the query or an earlier place."""
    if not shown:
        return float("nan")
    repeats = np.triu(_cosines(archive, [query, *shown]), 1) >= NEAR_DUPLICATE_COSINE
    # The query is row 0 and no place itself; above the diagonal are the rows before a place.
    return float(np.any(repeats[:, 1:], axis=0).mean())


def _self(archive: Archive, query: str, shown: list[str]) -> float:
    return float(query in shown)


def _language_purity(archive: Archive, query: str, shown: list[str]) -> float:
    """Share of places in the query's language."""
    language = archive.cards[query]["language"]
    if not shown or not language:
        return float("nan")
    same = 0
    for article in shown:
        same += archive.cards[article]["language"] == language
    return same / len(shown)


def _median_age_days(archive: Archive, query: str, shown: list[str]) -> float:
    ages = _ages_days(archive, query, shown)
    return float(np.median(ages)) if ages.size else float("nan")


def _under_days(days: float, archive: Archive, query: str, shown: list[str]) -> float:
    ages = _ages_days(archive, query, shown)
    return float((ages < days).mean()) if ages.size else float("nan")


LIST_MEASURES: dict[str, Callable[[Archive, str, list[str]], float]] = {
    "diversity@5": _diversity,
    "near-duplicates@5": _near_duplicates,
    "self@5": _self,
    "language-purity@5": _language_purity,
    "median-age-days@5": _median_age_days,
    "under-48h@5": partial(_under_days, 2.0),
    "under-7d@5": partial(_under_days, 7.0),
}


def _coverage(archive: Archive, shown: Mapping[str, list[str]]) -> float:
    """Share of the archive that is in any list."""
    return len(set().union(*shown.values())) / len(archive.articles)


def _gini(archive: Archive, shown: Mapping[str, list[str]]) -> float:
    """Gini coefficient of exposure over the archive: 0 all alike, 1 one article has all places."""
    lists = Counter(chain.from_iterable(shown.values()))
    counts = np.sort([lists.get(article.id, 0) for article in archive.articles])
    if not counts.sum():
        return float("nan")
    # Of the sorted counts, by ranks: the mean difference of all pairs would take n² steps.
    places = np.arange(1, counts.size + 1)
    return float((2 * places - counts.size - 1) @ counts / (counts.size * counts.sum()))


def _section_calibration(archive: Archive, shown: Mapping[str, list[str]]) -> float:
    """
    Jensen–Shannon distance (base 2) between the sections of what is shown and of the queries:
    0 when lists have the same mix, 1 when they share nothing (after Steck 2018).
    """
    # Sorted, so that the sum has the same rounding in every run.
    sections = sorted({article.section or "" for article in archive.articles})
    queries = _mix(archive, list(shown), sections)
    items = _mix(archive, list(chain.from_iterable(shown.values())), sections)
    return float(jensenshannon(queries, items, base=2)) if items.sum() else float("nan")


OVERALL: dict[str, Callable[[Archive, Mapping[str, list[str]]], float]] = {
    "coverage@5": _coverage,
    "gini@5": _gini,
    "section-calibration@5": _section_calibration,
}


def overall(name: str, archive: Archive, judged: Judged, run: Run) -> float:
    """The measure called *name* of `OVERALL`, which is of all lists together."""
    return OVERALL[name](archive, {query: _shown(run, query) for query in judged.qrels})


def _mix(archive: Archive, articles: list[str], sections: list[str]) -> NDArray[np.float64]:
    counts = Counter[str]()
    for article in articles:
        counts[archive.cards[article]["section"] or ""] += 1
    return np.array([counts[section] for section in sections], dtype=np.float64)


def _ages_days(archive: Archive, query: str, shown: list[str]) -> NDArray[np.float64]:
    moment = archive.published[archive.place[query]]
    dates = archive.published[[archive.place[article] for article in shown]]
    known = dates[np.isfinite(dates)] if np.isfinite(moment) else dates[:0]
    # An article that was published later, as with `--all`, counts as new.
    ages: NDArray[np.float64] = np.maximum(moment - known, 0.0) / 86_400.0
    return ages


def _cosines(archive: Archive, articles: list[str]) -> NDArray[np.float64]:
    rows = archive.vectors[[archive.place[article] for article in articles]]
    return np.asarray((rows @ rows.T).toarray())
