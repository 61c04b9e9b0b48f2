"""The one pipeline: what belongs beside this article, by every rule that readers see."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.vectorizer import TermCounts
from recommender.corpus import Corpus
from recommender.errors import NotFound
from recommender.index import Neighbours
from recommender.ranking import newest
from recommender.store import Card

ANY_LANGUAGE = "any"
# Fetched beyond what is asked for: a card can be missing when its article is being deleted.
SPARE = 5

Cards = Callable[[Sequence[str]], dict[str, Card]]


@dataclass(frozen=True, slots=True)
class ListParameters:
    """
    What a caller may ask of a list. Values of one field are alternatives, fields add up.

    A `timedelta` as a date means that long ago. `languages` of None means the source's own.
    """

    limit: int = 5
    offset: int = 0
    sections: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    languages: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    published_after: datetime | timedelta | None = None
    published_before: datetime | timedelta | None = None
    sort: Literal["score", "published_at"] = "score"
    min_score: float = 0.0
    fallback: bool = True


class Item(NamedTuple):
    """One place of a list; *score* is the cosine, 0 where similarity played no part."""

    card: Card
    score: float
    reason: Literal["similar", "recent"]


@dataclass(frozen=True, slots=True)
class RelatedList:
    """
    The items in order.

    Fields:
        source: the card of the article that the list stands beside; None for other lists.
        fallback: whether some items only fill the list up.
        expires_at: when an article with a future date may change it, or None.
    """

    source: Card | None
    items: list[Item]
    fallback: bool
    expires_at: datetime | None


class Recommender:
    """
    Lists over a corpus, by the same steps for readers, previews and evaluation:
    eligibility, retrieval, order, fallback, page.

    Equal scores stand newer first, then by id. The source is never in its own list.

    Args:
        corpus: the site's articles.
        cards: gives the cards of ids; an article without a card is passed over.
    """

    def __init__(self, corpus: Corpus, cards: Cards) -> None:
        self._corpus = corpus
        self._cards = cards

    def related(self, article_id: str, wanted: ListParameters, now: datetime) -> RelatedList:
        """
        The list beside a stored article.

        Raises:
            NotFound: when the site has no such article.
        """
        slot = self._corpus.index.slot(article_id)
        if slot is None:
            raise NotFound(f"no article {article_id!r}")
        eligible = self._eligible(wanted, now, self._corpus.catalogue.language(slot))
        eligible[slot] = False
        similar = self._corpus.index.similar(article_id, _depth(wanted), eligible)
        return self._list(similar, eligible, wanted, now, article_id)

    def related_to(
        self, counts: TermCounts, language: str | None, wanted: ListParameters, now: datetime
    ) -> RelatedList:
        """The list beside a draft, which is not stored."""
        eligible = self._eligible(wanted, now, language)
        similar = self._corpus.index.similar_to(counts, _depth(wanted), eligible)
        return self._list(similar, eligible, wanted, now)

    def recent(self, wanted: ListParameters, now: datetime) -> RelatedList:
        """The newest articles; `sort`, `min_score` and `fallback` play no part."""
        eligible = self._eligible(wanted, now, None)
        ranked = [(slot, 0.0) for slot in self._newest(eligible, _depth(wanted))]
        items = self._items(ranked, self._cards_of(ranked), "recent")
        page = items[wanted.offset : wanted.offset + wanted.limit]
        return RelatedList(None, page, False, self._corpus.catalogue.next_publication(now))

    def _eligible(
        self, wanted: ListParameters, now: datetime, own_language: str | None
    ) -> NDArray[np.bool_]:
        """Which articles may stand in the list; shape (slots,)."""
        catalogue = self._corpus.catalogue
        after, before = (
            _instant(wanted.published_after, now),
            _instant(wanted.published_before, now),
        )
        mask = catalogue.published_between(after, before, now)
        for name, values in (
            ("section", wanted.sections),
            ("tag", wanted.tags),
            ("author", wanted.authors),
            ("language", _languages(wanted, own_language)),
        ):
            if values:
                mask &= catalogue.having(name, values)
        mask[self._corpus.slots(wanted.exclude)] = False
        return mask

    def _list(
        self,
        similar: Neighbours,
        eligible: NDArray[np.bool_],
        wanted: ListParameters,
        now: datetime,
        source_id: str | None = None,
    ) -> RelatedList:
        scored = zip(similar.slots.tolist(), similar.scores.tolist(), strict=True)
        ranked = self._in_order(
            (slot, score) for slot, score in scored if score >= wanted.min_score
        )
        ranked = ranked[: _depth(wanted)]
        cards = self._cards_of(ranked, source_id)
        if source_id is not None and source_id not in cards:
            raise NotFound(f"no article {source_id!r}")
        items = self._items(ranked, cards, "similar")
        if wanted.fallback:
            items += self._filling(items, eligible, wanted.offset + wanted.limit - len(items))
        page = _page(items, wanted)
        fallback = any(item.reason == "recent" for item in page)
        source = cards[source_id] if source_id is not None else None
        if source is not None and not self._is_out(source_id, now):
            source = {"id": source_id}  # its title is nobody's business yet
        return RelatedList(source, page, fallback, self._corpus.catalogue.next_publication(now))

    def _is_out(self, article_id: str | None, now: datetime) -> bool:
        slots = self._corpus.slots([article_id] if article_id is not None else [])
        return self._corpus.catalogue.are_out(slots, now)

    def _filling(self, items: list[Item], eligible: NDArray[np.bool_], missing: int) -> list[Item]:
        """The newest eligible articles that are not among *items*."""
        if missing <= 0:
            return []
        rest = eligible.copy()
        rest[self._corpus.slots(item.card["id"] for item in items)] = False
        ranked = [(slot, 0.0) for slot in self._newest(rest, missing + SPARE)]
        return self._items(ranked, self._cards_of(ranked), "recent")[:missing]

    def _newest(self, eligible: NDArray[np.bool_], k: int) -> list[int]:
        slots = newest(self._corpus.catalogue.published, eligible, k)
        return [slot for slot, _ in self._in_order((s, 0.0) for s in slots.tolist())][:k]

    def _in_order(self, scored: Iterable[tuple[int, float]]) -> list[tuple[int, float]]:
        published, ids = self._corpus.catalogue.published, self._corpus.index.ids
        return sorted(scored, key=lambda pair: (-pair[1], -int(published[pair[0]]), ids[pair[0]]))

    def _cards_of(self, ranked: Sequence[tuple[int, float]], *more: str | None) -> dict[str, Card]:
        ids = self._corpus.ids(slot for slot, _ in ranked)
        return self._cards([*(i for i in more if i is not None), *ids])

    def _items(
        self,
        ranked: Sequence[tuple[int, float]],
        cards: dict[str, Card],
        reason: Literal["similar", "recent"],
    ) -> list[Item]:
        ids = self._corpus.ids(slot for slot, _ in ranked)
        scored = zip(ids, (score for _, score in ranked), strict=True)
        return [Item(cards[i], score, reason) for i, score in scored if i in cards]


def _page(items: list[Item], wanted: ListParameters) -> list[Item]:
    page = items[wanted.offset : wanted.offset + wanted.limit]
    if wanted.sort == "published_at":
        page.sort(key=lambda item: _published(item.card), reverse=True)
    return page


def _published(card: Card) -> datetime:
    date = card["published_at"]  # as text, 12:00:00.5Z would stand before 12:00:00Z
    return datetime.fromisoformat(date) if date else datetime.min.replace(tzinfo=UTC)


def _depth(wanted: ListParameters) -> int:
    return wanted.offset + wanted.limit + SPARE


def _languages(wanted: ListParameters, own: str | None) -> tuple[str, ...]:
    if wanted.languages is None:
        return (own,) if own else ()
    return () if ANY_LANGUAGE in wanted.languages else wanted.languages


def _instant(limit: datetime | timedelta | None, now: datetime) -> datetime | None:
    return now - limit if isinstance(limit, timedelta) else limit
