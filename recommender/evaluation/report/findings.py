"""Findings of a report besides the measures: ages, exposure, best and worst stories, the truth."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.measures import SHOWN
from recommender.evaluation.report.figures import MAIN_MEASURE, Figures

MOST_MISSED = 6
EXTREMES = 20
FAVOURITES = 5

AGE_BANDS = ("under 48 hours", "2 to 7 days", "7 to 30 days", "1 to 12 months", "over a year")
_AGE_EDGES = (2.0, 7.0, 30.0, 365.0)


class Ages(NamedTuple):
    """
    How old listed articles are when the source story is published.

    Fields:
        places: how many ages there are; the other figures are nan when there are none.
        shares: of each of `AGE_BANDS`; they add up to 1.
    """

    places: int
    shares: tuple[float, ...]
    median_days: float
    under_48h: float
    under_7d: float


def shown_ages(figures: Figures, system: str) -> Ages:
    pairs = []
    for query, articles in figures.shown(system).items():
        pairs += [(query, article) for article in articles]
    return _ages(figures, pairs)


def linked_ages(figures: Figures) -> Ages:
    """The ages of the editors' own choices: every judged article with a grade above 0."""
    pairs = []
    for query, judged in figures.evaluation.judged.qrels.items():
        pairs += [(query, article) for article, grade in judged.items() if grade]
    return _ages(figures, pairs)


def _ages(figures: Figures, pairs: Sequence[tuple[str, str]]) -> Ages:
    archive = figures.evaluation.archive
    moments = archive.published[[archive.place[query] for query, _ in pairs]]
    dates = archive.published[[archive.place[article] for _, article in pairs]]
    known = np.isfinite(moments) & np.isfinite(dates)
    # As in `measures`: an article that was published later counts as new.
    days = np.maximum(moments[known] - dates[known], 0.0) / 86_400.0
    if not days.size:
        return Ages(0, (float("nan"),) * len(AGE_BANDS), *(float("nan"),) * 3)
    band = np.searchsorted(_AGE_EDGES, days, side="right")
    shares = np.bincount(band, minlength=len(AGE_BANDS)) / days.size
    return Ages(
        places=int(days.size),
        shares=tuple(shares.tolist()),
        median_days=float(np.median(days)),
        under_48h=float((days < 2).mean()),
        under_7d=float((days < 7).mean()),
    )


class Exposure(NamedTuple):
    """
    How the places of all lists are spread over the archive.

    Fields:
        coverage: share of the archive that is in any list; gini: see `measures`.
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
    articles = figures.evaluation.archive.articles
    lists = Counter[str]()
    for shown in figures.shown(system).values():
        lists.update(shown)
    counts = np.sort([lists.get(article.id, 0) for article in articles])
    cumulated = np.concatenate(([0], np.cumsum(counts))) / max(counts.sum(), 1)
    top = max(1, round(counts.size / 100))
    favourites = sorted(lists.items(), key=lambda item: (-item[1], item[0]))
    return Exposure(
        coverage=figures.mean(system, "coverage@5"),
        gini=figures.mean(system, "gini@5"),
        top_percent=float(1 - cumulated[-1 - top]) if counts.sum() else float("nan"),
        curve=_curve(cumulated, points),
        favourites=favourites[:FAVOURITES],
    )


def _curve(cumulated: NDArray[np.float64], points: int) -> list[tuple[float, float]]:
    articles = cumulated.size - 1
    places = np.array(_curve_places(articles, points))
    return list(zip((places / articles).tolist(), cumulated[places].tolist(), strict=True))


def _curve_places(articles: int, points: int) -> list[int]:
    """Equal steps, and smaller ones in the last two percent, where the curve is steep."""
    steps = np.concatenate((np.linspace(0, 0.98, points), np.linspace(0.98, 1, points // 2)))
    places: list[int] = np.unique(np.round(steps * articles).astype(int)).tolist()
    return places


class Shown(NamedTuple):
    """An article in a list; *grade* is None for an unjudged one."""

    id: str
    grade: int | None


class Missed(NamedTuple):
    """An article that editors linked, with its place in each system's list, None beyond."""

    id: str
    grade: int
    places: list[int | None]


class Case(NamedTuple):
    """One query with the list of each system, and the links that the first system leaves out."""

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
    queries = list(figures.evaluation.judged.qrels)
    numbers = range(len(queries))
    best = sorted(numbers, key=_case_order(figures, systems, 1))
    best = best[: min(EXTREMES, (len(queries) + 1) // 2)]
    # With few queries, the best ones are not shown again among the worst.
    others = set(numbers).difference(best)
    worst = sorted(others, key=_case_order(figures, systems, -1))[:EXTREMES]

    def case(number: int) -> Case:
        return _case(figures, systems, queries[number], number)

    return [*map(case, best)], [*map(case, worst)]


CaseOrder = Callable[[int], tuple[float, float, int, str]]


def _case_order(figures: Figures, systems: Sequence[str], sign: int) -> CaseOrder:
    """A sort key for numbers of queries: with *sign* 1 the best come first, with -1 the worst."""
    qrels = figures.evaluation.judged.qrels
    queries = list(qrels)
    ours = figures.values(systems[0], MAIN_MEASURE)
    theirs = figures.values(systems[1], MAIN_MEASURE) if len(systems) > 1 else np.zeros_like(ours)

    def order(number: int) -> tuple[float, float, int, str]:
        query = queries[number]
        # Rounded, or the order of additions would decide between equals.
        first = -sign * round(float(ours[number]), 9)
        second = sign * round(float(theirs[number]), 9)
        return first, second, -len(qrels[query]), query

    return order


def _case(figures: Figures, systems: Sequence[str], query: str, number: int) -> Case:
    judged = figures.evaluation.judged.qrels[query]
    lists = []
    for system in systems:
        run = figures.evaluation.systems[system].run
        lists.append([*map(itemgetter(0), run.get(query, []))])
    missed = _missed(judged, lists)
    return Case(
        query=query,
        values=[float(figures.values(system, MAIN_MEASURE)[number]) for system in systems],
        lists=[_box(one, judged) for one in lists],
        missed=missed[:MOST_MISSED],
        more_missed=len(missed[MOST_MISSED:]),
    )


def _box(articles: Sequence[str], judged: Mapping[str, int]) -> list[Shown]:
    return [Shown(article, judged.get(article)) for article in articles[:SHOWN]]


def _missed(judged: dict[str, int], lists: Sequence[Sequence[str]]) -> list[Missed]:
    """The relevant articles outside the first list's box, the highest grade first."""
    missed = []
    for article, grade in judged.items():
        if grade and article not in lists[0][:SHOWN]:
            places = [_place_in(one, article) for one in lists]
            missed.append(Missed(article, grade, places))
    missed.sort(key=lambda one: (-one.grade, one.places[0] or 10**9, one.id))
    return missed


def _place_in(articles: Sequence[str], article: str) -> int | None:
    return articles.index(article) + 1 if article in articles else None


class TruthStatistics(NamedTuple):
    """
    The judged pairs themselves.

    Fields:
        grades: (grade, pairs), highest first.
        per_query: (how many relevant articles, queries) in bands.
        ages: of the linked articles when the linking story was published.
    """

    queries: int
    pairs: int
    grades: list[tuple[int, int]]
    unknown_ids: list[str]
    unanswerable: int
    median_per_query: float
    per_query: list[tuple[str, int]]
    ages: Ages


_LINK_BANDS = (
    ("1", 1, 1),
    ("2", 2, 2),
    ("3 to 5", 3, 5),
    ("6 to 10", 6, 10),
    ("over 10", 11, 10**9),
)


def _in_band(sizes: NDArray[np.intp], low: int, high: int) -> int:
    return int(((low <= sizes) & (sizes <= high)).sum())


def truth_statistics(figures: Figures) -> TruthStatistics:
    judged = figures.evaluation.judged
    grades = Counter[int]()
    for pairs in judged.qrels.values():
        grades.update(pairs.values())
    sizes = np.array([np.count_nonzero([*pairs.values()]) for pairs in judged.qrels.values()])
    per_query = [(name, _in_band(sizes, low, high)) for name, low, high in _LINK_BANDS]
    return TruthStatistics(
        queries=len(judged.qrels),
        pairs=grades.total(),
        grades=sorted(grades.items(), reverse=True),
        unknown_ids=judged.unknown_ids,
        unanswerable=judged.unanswerable,
        median_per_query=float(np.median(sizes)),
        per_query=per_query,
        ages=linked_ages(figures),
    )
