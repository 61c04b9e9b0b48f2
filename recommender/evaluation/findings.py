"""What an evaluation found beyond its measures: where and when, how fresh, how spread."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import regex

from recommender.evaluation.evaluate import Evaluation
from recommender.evaluation.intervals import Bootstrap, Difference, Interval
from recommender.evaluation.measures import OVERALL, SHOWN, Values, overall, per_query

MAIN_MEASURE = "nDCG@10"
MOST_SECTIONS = 12
MOST_MONTHS = 24
MOST_YEARS = 20
MOST_MISSED = 6
EXTREMES = 20
# As word processors count: an ideogram is a word, for there are no blanks to go by.
_WORD = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]|\w+")


class Figures:
    """
    Values and intervals of *evaluation*, also of measures that it was not asked for.

    Each is worked out once: an interval costs thousands of draws.
    """

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self._values: dict[tuple[str, str], Values] = {}
        self._intervals: dict[tuple[str, str], Interval] = {}

    def values(self, system: str, measure: str) -> Values:
        """One value for each query, in the order of the judged queries."""
        key = system, measure
        if key not in self._values:
            result = self.evaluation.systems[system]
            known = result.values.get(measure)
            if known is None:
                known = per_query(
                    measure, self.evaluation.archive, self.evaluation.judged, result.run
                )
            self._values[key] = known
        return self._values[key]

    def interval(self, system: str, measure: str) -> Interval:
        key = system, measure
        if key not in self._intervals:
            self._intervals[key] = self._interval(system, measure)
        return self._intervals[key]

    def mean(self, system: str, measure: str) -> float:
        return self.interval(system, measure).mean

    def difference(self, system: str, rival: str) -> Difference:
        """By how much *system* is above *rival* in the main measure."""
        ours, theirs = (self.values(name, MAIN_MEASURE) for name in (system, rival))
        return self.evaluation.bootstrap.difference(ours, theirs)

    def _interval(self, system: str, measure: str) -> Interval:
        if measure not in OVERALL:
            return self.evaluation.bootstrap.interval(self.values(system, measure))
        result = self.evaluation.systems[system]
        total = result.overall.get(measure)
        if total is None:
            total = overall(measure, self.evaluation.archive, self.evaluation.judged, result.run)
        return Interval(total, float("nan"), float("nan"))


class Group(NamedTuple):
    """Some of the queries, and each system's main measure over them; no intervals for none."""

    name: str
    queries: int
    intervals: dict[str, Interval]


def by_section(figures: Figures, systems: Sequence[str]) -> list[Group]:
    """Sections with most queries first; beyond `MOST_SECTIONS`, and those without, come last."""
    archive = figures.evaluation.archive
    sections = [archive.articles[place].section or "" for place in _places(figures)]
    ordered = [s for s, _ in sorted(Counter(sections).items(), key=lambda i: (-i[1], i[0])) if s]
    named, rest = ordered[:MOST_SECTIONS], frozenset(ordered[MOST_SECTIONS:])
    if not named:
        return []
    groups = [_group(figures, systems, s, [i == s for i in sections]) for s in named]
    more = [
        (f"{len(rest)} smaller sections", [s in rest for s in sections]),
        ("no section", [not s for s in sections]),
    ]
    return groups + [_group(figures, systems, name, mask) for name, mask in more if any(mask)]


def by_period(figures: Figures, systems: Sequence[str]) -> list[Group]:
    """
    Months in order, or years where there are more than `MOST_MONTHS`; empty when undated.

    Of more than `MOST_YEARS` years, the last that have queries: a wrong date must not
    push all others off the chart.
    """
    archive = figures.evaluation.archive
    dates = [archive.articles[place].published_at for place in _places(figures)]
    known = [date.astimezone(UTC) for date in dates if date]
    if not known:
        return []
    months = [_month(date) for date in known]
    by_month = max(months) - min(months) < MOST_MONTHS
    periods = [_period(date, by_month) for date in dates]
    found = sorted({period for period in periods if period is not None})
    numbers = list(range(found[0], found[-1] + 1))
    if not by_month and len(numbers) > MOST_YEARS:
        numbers = found[-MOST_YEARS:]
    groups = []
    for number in numbers:
        name = f"{number // 12}-{number % 12 + 1:02}" if by_month else f"{number}"
        groups.append(_group(figures, systems, name, [p == number for p in periods]))
    return groups


def _period(date: datetime | None, by_month: bool) -> int | None:
    if date is None:
        return None
    return _month(date) if by_month else date.astimezone(UTC).year


def _month(date: datetime) -> int:
    return date.astimezone(UTC).year * 12 + date.astimezone(UTC).month - 1


def by_length(figures: Figures, systems: Sequence[str]) -> list[Group]:
    """Quarters of the queries, from short to long; fewer where many are equally long."""
    archive = figures.evaluation.archive
    lengths = np.array([words(archive.articles[place].body) for place in _places(figures)])
    edges = np.unique(np.quantile(lengths, (0.25, 0.5, 0.75), method="higher"))
    quarter = np.searchsorted(edges, lengths, side="left")
    groups = []
    for number in np.unique(quarter):
        mask = quarter == number
        low, high = lengths[mask].min(), lengths[mask].max()
        name = f"{low:,}–{high:,} words" if low < high else f"{low:,} words"
        groups.append(_group(figures, systems, name, mask.tolist()))
    return groups


def words(text: str) -> int:
    return sum(1 for _ in _WORD.finditer(text))


def _group(figures: Figures, systems: Sequence[str], name: str, mask: Sequence[bool]) -> Group:
    chosen = np.flatnonzero(mask)
    if not chosen.size:
        return Group(name, 0, {})
    bootstrap = Bootstrap(chosen.size, figures.evaluation.protocol.seed)
    intervals = {
        system: bootstrap.interval(figures.values(system, MAIN_MEASURE)[chosen])
        for system in systems
    }
    return Group(name, int(chosen.size), intervals)


AGE_BANDS = ("under 48 hours", "2 to 7 days", "7 to 30 days", "1 to 12 months", "over a year")
_AGE_EDGES = (2.0, 7.0, 30.0, 365.0)


class Ages(NamedTuple):
    """
    How old articles are when the story beside them comes out.

    Fields:
        shares: of each of `AGE_BANDS`; they add up to 1.
        places: how many ages there are; the other figures are nan when there are none.
    """

    places: int
    shares: tuple[float, ...]
    median_days: float
    under_48h: float
    under_7d: float


def shown_ages(figures: Figures, system: str) -> Ages:
    shown = _shown(figures, system)
    return _ages(figures, [(query, article) for query in shown for article in shown[query]])


def linked_ages(figures: Figures) -> Ages:
    """Of what editors chose themselves: every judged article with a grade above 0."""
    qrels = figures.evaluation.judged.qrels
    return _ages(figures, [(q, a) for q in qrels for a, grade in qrels[q].items() if grade])


def _ages(figures: Figures, pairs: Sequence[tuple[str, str]]) -> Ages:
    archive = figures.evaluation.archive
    moments = archive.published[[archive.place[query] for query, _ in pairs]]
    dates = archive.published[[archive.place[article] for _, article in pairs]]
    known = np.isfinite(moments) & np.isfinite(dates)
    # As in `measures`: what came out later is no older than new.
    days = np.maximum(moments[known] - dates[known], 0.0) / 86_400.0
    if not days.size:
        return Ages(0, (float("nan"),) * len(AGE_BANDS), *(float("nan"),) * 3)
    band = np.searchsorted(_AGE_EDGES, days, side="right")
    shares = np.bincount(band, minlength=len(AGE_BANDS)) / days.size
    return Ages(
        int(days.size),
        tuple(float(share) for share in shares),
        float(np.median(days)),
        float((days < 2).mean()),
        float((days < 7).mean()),
    )


class Exposure(NamedTuple):
    """
    Who gets the places of all lists.

    Fields:
        coverage: share of the archive that stands in any list; gini: see `measures`.
        top_percent: share of the places that the most shown hundredth of the archive has.
        curve: (share of articles, share of places), least shown first (Lorenz 1905).
        favourites: the articles shown most often, and in how many lists.
    """

    coverage: float
    gini: float
    top_percent: float
    curve: list[tuple[float, float]]
    favourites: list[tuple[str, int]]


def exposure(figures: Figures, system: str, points: int = 50) -> Exposure:
    archive = figures.evaluation.archive
    seen = Counter(a for shown in _shown(figures, system).values() for a in shown)
    counts = np.sort([seen.get(article.id, 0) for article in archive.articles])
    cumulated = np.concatenate(([0], np.cumsum(counts))) / max(counts.sum(), 1)
    # Equal steps, and every one of the last percent, where the curve is steep.
    steps = np.concatenate((np.linspace(0, 0.98, points), np.linspace(0.98, 1, points // 2)))
    at = np.unique(np.round(steps * counts.size).astype(int))
    top = max(1, round(counts.size / 100))
    order = sorted(seen.items(), key=lambda item: (-item[1], item[0]))
    return Exposure(
        figures.mean(system, "coverage@5"),
        figures.mean(system, "gini@5"),
        float(1 - cumulated[-1 - top]) if counts.sum() else float("nan"),
        [(float(place / counts.size), float(cumulated[place])) for place in at],
        order[:5],
    )


class Shown(NamedTuple):
    """An article in a list, or one that is missing there; *grade* is None when nobody judged it."""

    id: str
    grade: int | None


class Missed(NamedTuple):
    """An article that editors linked, with its place in each system's list, None beyond."""

    id: str
    grade: int
    places: list[int | None]


class Case(NamedTuple):
    """One query with what each system shows beside it, and what the first system leaves out."""

    query: str
    values: list[float]
    lists: list[list[Shown]]
    missed: list[Missed]
    more_missed: int


def cases(figures: Figures, systems: Sequence[str]) -> tuple[list[Case], list[Case]]:
    """
    The best and the worst queries of the first of *systems*, at most `EXTREMES` each, none twice.

    Of equally good ones those come first on which the second system is worst; of equally bad
    ones, those on which it is best. Then those with more judged answers, then by id.
    """
    qrels = figures.evaluation.judged.qrels
    queries = list(qrels)
    ours = figures.values(systems[0], MAIN_MEASURE)
    theirs = figures.values(systems[1], MAIN_MEASURE) if len(systems) > 1 else np.zeros_like(ours)

    def order(sign: int) -> list[int]:
        return sorted(
            range(len(queries)),
            key=lambda n: (
                -sign * round(float(ours[n]), 9),
                sign * round(float(theirs[n]), 9),
                -len(qrels[queries[n]]),
                queries[n],
            ),
        )

    best = order(1)[: min(EXTREMES, (len(queries) + 1) // 2)]
    worst = [n for n in order(-1) if n not in set(best)][:EXTREMES]
    return (
        [_case(figures, systems, queries[n], n) for n in best],
        [_case(figures, systems, queries[n], n) for n in worst],
    )


def _case(figures: Figures, systems: Sequence[str], query: str, number: int) -> Case:
    judged = figures.evaluation.judged.qrels[query]
    lists = [
        [a for a, _ in figures.evaluation.systems[system].run.get(query, [])] for system in systems
    ]
    places = [{article: place for place, article in enumerate(found, 1)} for found in lists]
    missed = [
        Missed(article, grade, [found.get(article) for found in places])
        for article, grade in judged.items()
        if grade and article not in lists[0][:SHOWN]
    ]
    missed.sort(key=lambda m: (-m.grade, m.places[0] or 10**9, m.id))
    return Case(
        query,
        [float(figures.values(system, MAIN_MEASURE)[number]) for system in systems],
        [[Shown(a, judged.get(a)) for a in found[:SHOWN]] for found in lists],
        missed[:MOST_MISSED],
        len(missed[MOST_MISSED:]),
    )


class TruthStatistics(NamedTuple):
    """
    The judged pairs themselves.

    Fields:
        grades: (grade, pairs), highest first.
        per_query: (how many relevant articles, queries) in bands.
        ages: of the linked articles when the linking story came out.
    """

    queries: int
    pairs: int
    grades: list[tuple[int, int]]
    unknown_ids: list[str]
    unanswerable: int
    median_per_query: float
    per_query: list[tuple[str, int]]
    ages: Ages


def truth_statistics(figures: Figures) -> TruthStatistics:
    judged = figures.evaluation.judged
    grades = Counter(grade for pairs in judged.qrels.values() for grade in pairs.values())
    sizes = np.array([sum(g > 0 for g in pairs.values()) for pairs in judged.qrels.values()])
    bands = (("1", 1, 1), ("2", 2, 2), ("3 to 5", 3, 5), ("6 to 10", 6, 10), ("over 10", 11, 10**9))
    return TruthStatistics(
        len(judged.qrels),
        sum(map(len, judged.qrels.values())),
        sorted(grades.items(), reverse=True),
        judged.unknown_ids,
        judged.unanswerable,
        float(np.median(sizes)),
        [(name, int(((low <= sizes) & (sizes <= high)).sum())) for name, low, high in bands],
        linked_ages(figures),
    )


def best_rival(figures: Figures, system: str) -> str | None:
    """The best other system by the main measure; of equals, the one that was asked first."""
    others = [name for name in figures.evaluation.systems if name != system]
    return max(others, key=lambda name: figures.mean(name, MAIN_MEASURE), default=None)


def _places(figures: Figures) -> Iterable[int]:
    return [figures.evaluation.archive.place[query] for query in figures.evaluation.judged.qrels]


def _shown(figures: Figures, system: str) -> dict[str, list[str]]:
    """What stands in the box; a run from elsewhere may name articles that the archive lacks."""
    run, place = figures.evaluation.systems[system].run, figures.evaluation.archive.place
    return {
        query: [a for a, _ in run.get(query, [])[:SHOWN] if a in place]
        for query in figures.evaluation.judged.qrels
    }
