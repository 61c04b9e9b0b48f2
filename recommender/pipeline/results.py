"""Results of the pipeline: ranked slots with numbers, and lists with cards."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar

from recommender.articles import Card
from recommender.errors import NotFound
from recommender.index.corpus import Corpus
from recommender.pipeline.explain import Contributions, contributions_of
from recommender.pipeline.signals import Source
from recommender.policy.list_options import ListOptions
from recommender.policy.rules import Rule

Reason = Literal["similar", "pinned", "relaxed", "same_section", "recent", "other_language"]
FALLBACKS = frozenset({"relaxed", "same_section", "recent", "other_language"})
NO_FACTORS: Mapping[str, float] = MappingProxyType({})

ArticleName = TypeVar("ArticleName", int, str)
Shown_co = TypeVar("Shown_co", covariant=True)


class NeedsCards(Protocol[Shown_co]):
    """A result by slots, which becomes what readers see once the cards are joined."""

    def slots(self) -> Iterable[int]:
        """The articles whose cards it needs."""
        ...

    def with_cards(self, corpus: Corpus, cards: Mapping[int, Card]) -> Shown_co:
        """
        Join the cards.

        Args:
            corpus: the one that the result was made from, unchanged since.
            cards: by slot; an article without a card is left out.
        """
        ...


class RankedArticle(NamedTuple):
    """
    One article of a ranking.

    Fields:
        score: the list is ordered by it; 0 if similarity played no part.
        similarity: the cosine.
        factors: name → what it contributes; their product is the score.
        same_story: slots of the articles whose story this one represents.
        diversity_penalty: `diversity` times its highest cosine with the articles chosen before it.
            It is subtracted when places are given, and is no part of the score.
    """

    slot: int
    reason: Reason
    score: float = 0.0
    similarity: float = 0.0
    factors: Mapping[str, float] = NO_FACTORS
    same_story: Sequence[int] = ()
    diversity_penalty: float = 0.0


class Exclusion(NamedTuple, Generic[ArticleName]):
    """
    Why an article is not in a list.

    Fields:
        code: a key of `explain.WHY_NOT`.
        by: the article that represents its story, where that is the reason; its slot in the
            pipeline, its id in a list with cards.
    """

    code: str
    by: ArticleName | None = None


class Explanation(NamedTuple):
    """
    The place of one article in the list of another.

    Fields:
        position: in the whole ranking, from 1; None if it has no place.
        place: its scores there.
        exclusion: why it is not on the requested page; None when it is.
        shared: what the two have in common; None when the site has no such article.
        rule: the editors' rule that decided, if one did.
    """

    position: int | None
    place: RankedArticle | None
    exclusion: Exclusion[str] | None
    shared: Contributions | None
    rule: Rule | None


class ListItem(NamedTuple):
    """
    A `RankedArticle` with its card.

    Fields:
        same_story: ids of the articles whose story this one represents.
        shared: what the source has in common with it; only with `ListOptions.explain`.
    """

    card: Card
    score: float
    reason: Reason
    similarity: float = 0.0
    factors: Mapping[str, float] = NO_FACTORS
    same_story: tuple[str, ...] = ()
    shared: Contributions | None = None
    diversity_penalty: float = 0.0


@dataclass(frozen=True, slots=True)
class RelatedList:
    """
    One page of a `Ranking` with cards.

    Fields:
        source: the card of the article that the list belongs to, or only its id before its
            publication; None for other lists.
        fallback: whether some items only fill the list up.
        expires_at: when a date, or the end of a rule, may change it, or None.
        exclusions: id → why it is not in the list; only with `ListOptions.explain`.
        has_several_sources: see `several.combined`.
    """

    source: Mapping[str, Any] | None
    items: list[ListItem]
    fallback: bool
    expires_at: datetime | None
    exclusions: Mapping[str, Exclusion[str]] | None = None
    has_several_sources: bool = False


@dataclass(frozen=True, slots=True)
class Ranking:
    """
    Articles in list order, by slot.

    Fields:
        source: the article or draft that the list belongs to; None for the newest articles.
        is_source_published: whether readers may see the title of the source.
        places: from the first place to some after the page, which move up if a card is missing.
        options: with the settings of surface and site.
        expires_at: when a date, or the end of a rule, may change it, or None.
        exclusions: slot → why it is not in the list; only with `ListOptions.explain`.
    """

    source: Source | None
    is_source_published: bool
    places: list[RankedArticle]
    options: ListOptions
    expires_at: datetime | None
    exclusions: Mapping[int, Exclusion[int]] | None = None

    def page(self, corpus: Corpus, without: Collection[int] = ()) -> list[RankedArticle]:
        """
        The articles of the requested page, in its order.

        Args:
            without: slots to leave out; the places behind them move up.
        """
        places = [place for place in self.places if place.slot not in without]
        # Cut first: sorting by date must not change which articles are on the page.
        page = places[self.options.offset : self.options.last_place]
        if self.options.sort == "published_at":
            page.sort(key=lambda place: int(corpus.facets.published[place.slot]), reverse=True)
        return page

    def by_id(self, corpus: Corpus) -> dict[str, RankedArticle]:
        """The articles of the page by id, in its order; for lists without cards."""
        return {corpus.index.ids[place.slot]: place for place in self.page(corpus)}

    def slots(self) -> list[int]:
        # The list shows the title of its source, so that card is needed too.
        source = self._source_slot
        own = [] if source is None else [source]
        return own + [place.slot for place in self.places]

    def with_cards(self, corpus: Corpus, cards: Mapping[int, Card]) -> RelatedList:
        """Raises NotFound when the source is stored and has no card, as `NeedsCards` says else."""
        source = self._source_slot
        if source is not None and source not in cards:
            raise NotFound(f"no article {corpus.index.ids[source]!r}")
        page = self.page(corpus, {place.slot for place in self.places} - cards.keys())
        # Only for the page, because each needs the vectors of both articles.
        shared: Sequence[Contributions | None] = [None] * len(page)
        if self.options.explain and self.source is not None:
            shared = contributions_of(corpus, self.source, [place.slot for place in page])
        items = []
        for place, contributions in zip(page, shared, strict=True):
            card = cards[place.slot]
            items.append(_item(corpus, place, card, contributions))
        return RelatedList(
            self._shown_source(cards),
            items,
            # The newest articles are the list itself where it has no source.
            self.source is not None and any(item.reason in FALLBACKS for item in items),
            self.expires_at,
            None if self.exclusions is None else _by_id(corpus, self.exclusions),
            self.source is not None and bool(self.source.parts),
        )

    @property
    def _source_slot(self) -> int | None:
        return None if self.source is None else self.source.slot

    def _shown_source(self, cards: Mapping[int, Card]) -> Mapping[str, Any] | None:
        slot = self._source_slot
        if slot is None:
            return None
        return cards[slot] if self.is_source_published else {"id": cards[slot]["id"]}


def _item(
    corpus: Corpus, place: RankedArticle, card: Card, shared: Contributions | None
) -> ListItem:
    return ListItem(
        card,
        place.score,
        place.reason,
        place.similarity,
        place.factors,
        tuple(corpus.ids(place.same_story)),
        shared,
        place.diversity_penalty,
    )


def _by_id(corpus: Corpus, exclusions: Mapping[int, Exclusion[int]]) -> dict[str, Exclusion[str]]:
    ids = corpus.index.ids
    return {ids[slot]: named_exclusion(corpus, why) for slot, why in exclusions.items()}


def named_exclusion(corpus: Corpus, exclusion: Exclusion[int]) -> Exclusion[str]:
    """The same with the id of the article in place of its slot."""
    by = exclusion.by
    return Exclusion(exclusion.code, None if by is None else corpus.index.ids[by])
