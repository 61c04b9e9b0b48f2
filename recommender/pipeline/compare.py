"""What other settings would change: in one list, and in those of a sample of articles."""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import chain
from statistics import fmean, median
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.articles import UNDATED, instant
from recommender.index.corpus import Corpus
from recommender.pipeline.candidates import in_order
from recommender.pipeline.diversity import newest
from recommender.pipeline.recommender import Recommender
from recommender.pipeline.results import FALLBACKS, RelatedList
from recommender.pipeline.signals import MICROSECONDS_A_DAY
from recommender.policy.list_options import ListOptions
from recommender.policy.site_settings import ListDefaults

MAX_SAMPLE = 200
AS_SETTLED = ListOptions()


class Movement(NamedTuple):
    """What becomes of an item from list A to list B; *places* is how far up or down it goes."""

    code: Literal["same", "up", "down", "in", "out"]
    places: int = 0


class Compared(NamedTuple):
    """
    The lists beside one article by settings A and by settings B.

    Fields:
        movements: by article id, of every item of the two lists.
        overlap: Jaccard index of the two as sets; 1 when both are empty.
    """

    a: RelatedList
    b: RelatedList
    movements: dict[str, Movement]
    overlap: float


class ListFigures(NamedTuple):
    """
    A list in figures.

    Fields:
        ids: of the items, in order.
        age_days: of each dated item, at the moment of asking.
        distance_days: between each dated item and the source, if that has a date too.
        cosine: mean of all pairs of items; None with fewer than two.
        sections: how many different ones the items have.
        fallbacks: how many items only fill the list up.
    """

    ids: tuple[str, ...]
    age_days: tuple[float, ...]
    distance_days: tuple[float, ...]
    cosine: float | None
    sections: int
    fallbacks: int


class SampleFigures(NamedTuple):
    """
    The lists of a sample in figures; None where there is nothing to take a mean of.

    Fields:
        items: in a list, on average.
        age_days: median over all items.
        distance_days: median over all items, to the article they stand beside.
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
    How two settings differ over a sample of articles; None where nothing can be said.

    Fields:
        articles: how many had their lists made.
        changed: share of the lists in which any place differs.
        overlap: mean Jaccard index of the two lists as sets.
        moved: by how many places, up or down, the items of both lists go on average.
    """

    articles: int
    changed: float | None
    overlap: float | None
    moved: float | None
    a: SampleFigures
    b: SampleFigures


def compared(
    recommender: Recommender, article_id: str, a: ListDefaults, b: ListDefaults, now: datetime
) -> Compared:
    """
    Both lists beside an article.

    Raises:
        NotFound: when the site has no such article.
    """
    one, other = _both(recommender, article_id, a, b, now)
    return Compared(one, other, movements(_ids(one), _ids(other)), overlap(_ids(one), _ids(other)))


def figures_of_both(
    recommender: Recommender,
    corpus: Corpus,
    article_id: str,
    a: ListDefaults,
    b: ListDefaults,
    now: datetime,
) -> tuple[ListFigures, ListFigures]:
    """Both lists beside an article in figures. Raises NotFound, as `compared` does."""
    one, other = _both(recommender, article_id, a, b, now)
    found = list_figures(corpus, article_id, one, now)
    same = _ids(one) == _ids(other)  # then only fallbacks may differ, and cosines take time
    return found, (
        found._replace(fallbacks=_fallbacks(other))
        if same
        else list_figures(corpus, article_id, other, now)
    )


def list_figures(corpus: Corpus, article_id: str, made: RelatedList, now: datetime) -> ListFigures:
    slots = corpus.slots(_ids(made))
    published = corpus.facets.published[slots]
    dated = published[published != UNDATED]
    own = corpus.facets.published[corpus.slots([article_id])]
    origin = own[own != UNDATED][:1]
    sections = {corpus.facets.of(slot).section for slot in slots.tolist()} - {()}
    return ListFigures(
        _ids(made),
        _days(dated, instant(now)),
        _days(dated, int(origin[0])) if origin.size else (),
        _mean_cosine(corpus, slots),
        len(sections),
        _fallbacks(made),
    )


def sampled(pairs: Sequence[tuple[ListFigures, ListFigures]]) -> Sampled:
    moves = [movements(a.ids, b.ids).values() for a, b in pairs]
    in_both = [m.places for m in chain.from_iterable(moves) if m.code not in ("in", "out")]
    return Sampled(
        len(pairs),
        _mean([float(a.ids != b.ids) for a, b in pairs]),
        _mean([overlap(a.ids, b.ids) for a, b in pairs]),
        _mean(in_both),
        _sample_figures([a for a, _ in pairs]),
        _sample_figures([b for _, b in pairs]),
    )


def movements(a: Sequence[str], b: Sequence[str]) -> dict[str, Movement]:
    """What becomes of each id from list *a* to list *b*."""
    before, after = ({i: place for place, i in enumerate(ids)} for ids in (a, b))
    return {i: _movement(before.get(i), after.get(i)) for i in (*a, *b)}


def overlap(a: Sequence[str], b: Sequence[str]) -> float:
    """Jaccard index of the two as sets; 1 when both are empty."""
    either = {*a, *b}
    return len({*a} & {*b}) / len(either) if either else 1.0


def sample(corpus: Corpus, size: int, now: datetime) -> list[str]:
    """
    The ids of *size* articles that are out by *now*: half of them the newest, for these are read
    most, and half from anywhere in the archive. The same archive has the same sample.
    """
    out = corpus.facets.published_between(None, None, now)
    published = corpus.facets.published
    latest = newest(published, out & (published != UNDATED), size // 2)
    latest = latest[in_order(corpus, latest, np.zeros(latest.size))][: size // 2]
    anywhere = [slot for slot in corpus.sample(2 * size).tolist() if out[slot]]
    return corpus.ids(list(dict.fromkeys((*latest.tolist(), *anywhere)))[:size])


def _both(
    recommender: Recommender, article_id: str, a: ListDefaults, b: ListDefaults, now: datetime
) -> tuple[RelatedList, RelatedList]:
    one, other = (recommender.trying(s).related(article_id, AS_SETTLED, now) for s in (a, b))
    return one, other


def _movement(before: int | None, after: int | None) -> Movement:
    if before is None:
        return Movement("in")
    if after is None:
        return Movement("out")
    if before == after:
        return Movement("same")
    return Movement("up" if after < before else "down", abs(after - before))


def _ids(made: RelatedList) -> tuple[str, ...]:
    return tuple(item.card["id"] for item in made.items)


def _fallbacks(made: RelatedList) -> int:
    return sum(item.reason in FALLBACKS for item in made.items)


def _days(published: NDArray[np.int64], origin: int) -> tuple[float, ...]:
    return tuple((np.abs(published - origin) / MICROSECONDS_A_DAY).tolist())


def _mean_cosine(corpus: Corpus, slots: NDArray[np.intp]) -> float | None:
    if slots.size < 2:
        return None
    pairs = corpus.index.cosines(slots)[np.triu_indices(slots.size, 1)]
    return float(pairs.mean())


def _sample_figures(lists: Sequence[ListFigures]) -> SampleFigures:
    items = sum(len(one.ids) for one in lists)
    return SampleFigures(
        _mean([len(one.ids) for one in lists]),
        _median(lambda one: one.age_days, lists),
        _median(lambda one: one.distance_days, lists),
        _mean([one.cosine for one in lists if one.cosine is not None]),
        _mean([one.sections for one in lists if one.ids]),
        sum(one.fallbacks for one in lists) / items if items else None,
    )


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def _median(
    of: Callable[[ListFigures], tuple[float, ...]], lists: Sequence[ListFigures]
) -> float | None:
    values = [*chain.from_iterable(map(of, lists))]
    return median(values) if values else None
