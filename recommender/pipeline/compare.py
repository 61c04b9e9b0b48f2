"""Compares the lists of two settings: of one article, and of a sample of articles."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from operator import attrgetter
from statistics import fmean, median
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.articles import UNDATED, Card, instant
from recommender.index.corpus import Corpus
from recommender.pipeline.candidates import in_order
from recommender.pipeline.diversity import newest
from recommender.pipeline.recommender import Recommender
from recommender.pipeline.results import FALLBACKS, RankedArticle, Ranking, RelatedList
from recommender.pipeline.signals import MICROSECONDS_A_DAY
from recommender.policy.list_options import ListOptions
from recommender.policy.site_settings import ListDefaults

MAX_SAMPLE = 200
BY_SETTINGS = ListOptions()

Name = TypeVar("Name", bound=Hashable)


class Movement(NamedTuple):
    """How an item differs between lists A and B; *places* is how far it moves up or down."""

    code: Literal["same", "up", "down", "in", "out"]
    places: int = 0


class Compared(NamedTuple):
    """
    The lists of one article by settings A and by settings B.

    Fields:
        movements: by article id, of every item of the two lists.
        overlap: Jaccard index of the two as sets; 1 when both are empty.
    """

    a: RelatedList
    b: RelatedList
    movements: dict[str, Movement]
    overlap: float


@dataclass(frozen=True, slots=True)
class ComparedRankings:
    """The same before the cards are joined."""

    a: Ranking
    b: Ranking

    def slots(self) -> list[int]:
        return list(dict.fromkeys((*self.a.slots(), *self.b.slots())))

    def with_cards(self, corpus: Corpus, cards: Mapping[int, Card]) -> Compared:
        """Raises NotFound when the source has no card."""
        a = self.a.with_cards(corpus, cards)
        b = self.b.with_cards(corpus, cards)
        return Compared(a, b, movements(_ids(a), _ids(b)), overlap(_ids(a), _ids(b)))


class ListFigures(NamedTuple):
    """
    Figures about one list.

    Fields:
        slots: of the items, in order.
        age_days: of each dated item, at the moment of the request.
        distance_days: between each dated item and the source, if that has a date too.
        cosine: mean of all pairs of items; None with fewer than two.
        sections: how many different ones the items have.
        fallbacks: how many items only fill the list up.
    """

    slots: tuple[int, ...]
    age_days: tuple[float, ...]
    distance_days: tuple[float, ...]
    cosine: float | None
    sections: int
    fallbacks: int


class SampleFigures(NamedTuple):
    """
    Figures about the lists of a sample; None if there is nothing to average.

    Fields:
        items: in a list, on average.
        age_days: median over all items.
        distance_days: median over all items, to the source of their list.
        cosine: how alike the items of a list are, on average over lists of two and more.
        sections: different ones in a list that is not empty, on average.
        fallback: share of the items that only fill a list up.
    """

    items: float | None
    age_days: float | None
    distance_days: float | None
    cosine: float | None
    sections: float | None
    fallback: float | None


class Sampled(NamedTuple):
    """
    How two settings differ over a sample of articles; None where there is nothing to compare.

    Fields:
        articles: how many were compared.
        changed: share of the lists in which any place differs.
        overlap: mean Jaccard index of the two lists as sets.
        moved: how many places, up or down, an item of both lists moves on average.
    """

    articles: int
    changed: float | None
    overlap: float | None
    moved: float | None
    a: SampleFigures
    b: SampleFigures


def compared(
    recommender: Recommender, article_id: str, a: ListDefaults, b: ListDefaults, now: datetime
) -> ComparedRankings:
    """
    Both lists of an article.

    Raises:
        NotFound: when the site has no such article.
    """
    return ComparedRankings(
        recommender.with_settings(a).related(article_id, BY_SETTINGS, now),
        recommender.with_settings(b).related(article_id, BY_SETTINGS, now),
    )


def figures_of_both(
    recommender: Recommender, article_id: str, a: ListDefaults, b: ListDefaults, now: datetime
) -> tuple[ListFigures, ListFigures]:
    """Figures about both lists of an article. Raises NotFound, as `compared` does."""
    corpus = recommender.corpus
    rankings = compared(recommender, article_id, a, b, now)
    one = list_figures(corpus, rankings.a, now)
    page = rankings.b.page(corpus)
    if one.slots == _slots(page):
        # Only fallbacks may differ, and cosines take time.
        return one, one._replace(fallbacks=_fallbacks(page))
    return one, list_figures(corpus, rankings.b, now)


def list_figures(corpus: Corpus, ranking: Ranking, now: datetime) -> ListFigures:
    page = ranking.page(corpus)
    slots = np.array(_slots(page), dtype=np.intp)
    published = corpus.facets.published[slots]
    dated = published[published != UNDATED]
    origin = UNDATED if ranking.source is None else ranking.source.facets.published
    # Articles without a section are not a section of their own.
    sections = {corpus.facets.of(place.slot).section for place in page} - {()}
    return ListFigures(
        _slots(page),
        _days(dated, instant(now)),
        () if origin == UNDATED else _days(dated, origin),
        _mean_cosine(corpus, slots),
        len(sections),
        _fallbacks(page),
    )


def sampled(pairs: Sequence[tuple[ListFigures, ListFigures]]) -> Sampled:
    changed: list[float] = []
    overlaps: list[float] = []
    moved: list[int] = []
    lists_a: list[ListFigures] = []
    lists_b: list[ListFigures] = []
    for a, b in pairs:
        lists_a.append(a)
        lists_b.append(b)
        changed.append(a.slots != b.slots)
        overlaps.append(overlap(a.slots, b.slots))
        moved += distances(a.slots, b.slots)
    return Sampled(
        len(pairs),
        _mean(changed),
        _mean(overlaps),
        _mean(moved),
        _sample_figures(lists_a),
        _sample_figures(lists_b),
    )


def movements(a: Sequence[Name], b: Sequence[Name]) -> dict[Name, Movement]:
    """How the place of each article differs between lists *a* and *b*."""
    before = _places(a)
    after = _places(b)
    return {name: _movement(before.get(name), after.get(name)) for name in (*a, *b)}


def distances(a: Sequence[Name], b: Sequence[Name]) -> list[int]:
    """By how many places each item of both lists moves; items of only one list do not move."""
    moves = movements(a, b).values()
    return [move.places for move in moves if move.code not in ("in", "out")]


def overlap(a: Sequence[Name], b: Sequence[Name]) -> float:
    """Jaccard index of the two as sets; 1 when both are empty."""
    either = {*a, *b}
    return len({*a} & {*b}) / len(either) if either else 1.0


def sample(corpus: Corpus, size: int, now: datetime) -> list[str]:
    """
    The ids of *size* articles that are published by *now*.

    Half of them are the newest, which are read most, and half are from anywhere in the archive. The
    same archive has the same sample.
    """
    is_published = corpus.facets.published_between(None, None, now)
    published = corpus.facets.published
    latest = newest(published, is_published & (published != UNDATED), size // 2)
    latest = latest[in_order(corpus, latest, np.zeros(latest.size))][: size // 2]
    # Twice as many, because some of them are not published or among the newest.
    anywhere = [slot for slot in corpus.sample(2 * size).tolist() if is_published[slot]]
    return corpus.ids(list(dict.fromkeys((*latest.tolist(), *anywhere)))[:size])


def _places(names: Iterable[Name]) -> dict[Name, int]:
    return {name: place for place, name in enumerate(names)}


def _movement(before: int | None, after: int | None) -> Movement:
    if before is None:
        return Movement("in")
    if after is None:
        return Movement("out")
    if before == after:
        return Movement("same")
    return Movement("up" if after < before else "down", abs(after - before))


def _slots(page: Sequence[RankedArticle]) -> tuple[int, ...]:
    return tuple(map(attrgetter("slot"), page))


def _fallbacks(page: Sequence[RankedArticle]) -> int:
    return sum(place.reason in FALLBACKS for place in page)


def _ids(related_list: RelatedList) -> list[str]:
    return [item.card["id"] for item in related_list.items]


def _days(published: NDArray[np.int64], origin: int) -> tuple[float, ...]:
    return tuple((np.abs(published - origin) / MICROSECONDS_A_DAY).tolist())


def _mean_cosine(corpus: Corpus, slots: NDArray[np.intp]) -> float | None:
    if slots.size < 2:
        return None
    pairs = corpus.index.cosines(slots)[np.triu_indices(slots.size, 1)]
    return float(pairs.mean())


def _sample_figures(lists: Sequence[ListFigures]) -> SampleFigures:
    items = sum(len(one.slots) for one in lists)
    return SampleFigures(
        _mean([len(one.slots) for one in lists]),
        _median(lambda one: one.age_days, lists),
        _median(lambda one: one.distance_days, lists),
        _mean([one.cosine for one in lists if one.cosine is not None]),
        _mean([one.sections for one in lists if one.slots]),
        sum(one.fallbacks for one in lists) / items if items else None,
    )


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def _median(
    of: Callable[[ListFigures], tuple[float, ...]], lists: Sequence[ListFigures]
) -> float | None:
    values = [*chain.from_iterable(map(of, lists))]
    return median(values) if values else None
