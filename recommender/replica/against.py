"""Compares all lists of a site in two versions: by other settings, or of another release."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from operator import attrgetter
from statistics import fmean
from typing import NamedTuple

from recommender.errors import NotFound
from recommender.pipeline.compare import BY_SETTINGS, compared, distances, overlap
from recommender.pipeline.recommender import Recommender
from recommender.policy.site_settings import ListDefaults
from recommender.replica.sampling import sample_ids
from recommender.replica.site import SiteReplica
from recommender.replica.survey import MAX_LISTS, BetweenLists, patiently

SHOWN = 10  # articles in each table


class ListPair(NamedTuple):
    """The ids in the list of one article, before and after."""

    article: str
    before: Sequence[str]
    after: Sequence[str]


class ArticleExposure(NamedTuple):
    """The number of lists that an article is in."""

    article: str
    before: int
    after: int


class LinkedInList(NamedTuple):
    """The number of articles linked by the newsroom that are in the list of an article."""

    article: str
    linked: int
    before: int
    after: int


class TwoVersions(NamedTuple):
    """
    How the lists change; means are None where there is nothing to average.

    Fields:
        lists: how many were compared.
        changed: how many of them differ in any place.
        overlap: mean Jaccard index of the two lists as sets.
        moved: how many places, up or down, an item of both lists moves on average.
        gained: articles that are in more lists than before, the largest gain first.
        lost: articles that are in fewer, the largest loss first.
        linked: the sum over all articles whose newsroom links are known.
        better: in how many of these lists more linked articles are than before.
        worse: in how many, fewer.
        worst: those that lose most, the largest loss first.
    """

    lists: int
    changed: int
    overlap: float | None
    moved: float | None
    gained: list[ArticleExposure]
    lost: list[ArticleExposure]
    linked: LinkedInList | None
    better: int
    worse: int
    worst: list[LinkedInList]


def two_versions(
    pairs: Iterable[ListPair], links: Mapping[str, Collection[str]] | None = None
) -> TwoVersions:
    """
    Sum up two versions of the lists.

    Equal gains and losses are in the order of their ids.

    Args:
        links: article → the articles that the newsroom linked from it.
    """
    kept = list(pairs)
    known = {} if links is None else links
    moved: list[int] = []
    for pair in kept:
        moved += distances(pair.before, pair.after)
    linked = [_linked(pair, known[pair.article]) for pair in kept if pair.article in known]
    exposures = _exposures(kept)
    worst = sorted((one for one in linked if one.after < one.before), key=_change)
    gained = sorted((one for one in exposures if one.after > one.before), key=_opposite_change)
    lost = sorted((one for one in exposures if one.after < one.before), key=_change)
    return TwoVersions(
        len(kept),
        sum(pair.before != pair.after for pair in kept),
        _mean([overlap(pair.before, pair.after) for pair in kept]),
        _mean(moved),
        gained[:SHOWN],
        lost[:SHOWN],
        _total(linked),
        sum(one.after > one.before for one in linked),
        len(worst),
        worst[:SHOWN],
    )


def with_settings(
    replica: SiteReplica, a: ListDefaults, b: ListDefaults, now: datetime, between: BetweenLists
) -> Iterator[ListPair]:
    """
    The lists by settings *a* and by settings *b*, of all articles or of a sample.

    Args:
        between: see `survey.survey`.
    """
    for article_id in _each(patiently(partial(sample_ids, replica, MAX_LISTS, now)), between):

        def both(recommender: Recommender, name: str = article_id) -> tuple[list[str], list[str]]:
            rankings = compared(recommender, name, a, b, now)
            corpus = recommender.corpus
            return [*rankings.a.by_id(corpus)], [*rankings.b.by_id(corpus)]

        try:
            (before, after), _ = patiently(partial(replica.read, both))
        except NotFound:  # deleted just now
            continue
        yield ListPair(article_id, before, after)


def with_lists(
    replica: SiteReplica, lists: Mapping[str, Sequence[str]], now: datetime, between: BetweenLists
) -> Iterator[ListPair]:
    """The *lists* of another release or time, by article, and those that are made now."""
    for article_id in _each(sorted(lists), between):

        def present(recommender: Recommender, name: str = article_id) -> list[str]:
            ranking = recommender.related(name, BY_SETTINGS, now)
            return [*ranking.by_id(recommender.corpus)]

        try:
            after, _ = patiently(partial(replica.read, present))
        except NotFound:  # deleted since
            continue
        yield ListPair(article_id, lists[article_id], after)


def _each(ids: Sequence[str], between: BetweenLists) -> Iterator[str]:
    for done, article_id in enumerate(ids):
        between(done, len(ids))
        yield article_id


def _exposures(pairs: Iterable[ListPair]) -> list[ArticleExposure]:
    """Of every article in any list."""
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for pair in pairs:
        before.update(pair.before)
        after.update(pair.after)
    return [ArticleExposure(name, before[name], after[name]) for name in before | after]


def _change(one: ArticleExposure | LinkedInList) -> tuple[int, str]:
    return one.after - one.before, one.article


def _opposite_change(one: ArticleExposure) -> tuple[int, str]:
    return one.before - one.after, one.article


def _linked(pair: ListPair, targets: Collection[str]) -> LinkedInList:
    linked = set(targets)
    before = len(linked.intersection(pair.before))
    after = len(linked.intersection(pair.after))
    return LinkedInList(pair.article, len(linked), before, after)


def _total(linked: Sequence[LinkedInList]) -> LinkedInList | None:
    if not linked:
        return None
    return LinkedInList(
        "",
        sum(map(attrgetter("linked"), linked)),
        sum(map(attrgetter("before"), linked)),
        sum(map(attrgetter("after"), linked)),
    )


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None
