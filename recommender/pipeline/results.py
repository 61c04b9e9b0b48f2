"""What a list is made of: its places, before and after their cards are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from recommender.articles import Card
from recommender.pipeline.explain import Contributions
from recommender.policy.rules import Rule

Reason = Literal["similar", "pinned", "relaxed", "same_section", "recent", "other_language"]
FALLBACKS = frozenset({"relaxed", "same_section", "recent", "other_language"})
NOTHING: Mapping[str, Any] = MappingProxyType({})


class RankedArticle(NamedTuple):
    """
    One place of a list before its card is known.

    Fields:
        score: what the list is ordered by; 0 where similarity played no part.
        similarity: the cosine.
        factors: name → what it contributes; their product is the score.
        same_story: slots of the articles that this one speaks for.
        diversity_penalty: `diversity` times its highest cosine with those chosen before it, which
            is subtracted when places are given, and no part of the score.
    """

    slot: int
    reason: Reason
    score: float = 0.0
    similarity: float = 0.0
    factors: Mapping[str, float] = NOTHING
    same_story: Sequence[int] = ()
    diversity_penalty: float = 0.0


class ListItem(NamedTuple):
    """
    A place with the card that stands there.

    Fields:
        same_story: ids of the articles that this one speaks for.
        shared: what the source has in common with it; only with `ListOptions.trace`.
    """

    card: Card
    score: float
    reason: Reason
    similarity: float = 0.0
    factors: Mapping[str, float] = NOTHING
    same_story: tuple[str, ...] = ()
    shared: Contributions | None = None
    diversity_penalty: float = 0.0


class ShownExclusion(NamedTuple):
    """Why an article is not in the list; *by_id* is the article that stands for it, if any."""

    code: str
    by_id: str | None = None


class Explanation(NamedTuple):
    """
    Where one article stands beside another.

    Fields:
        position: in the whole ranking, from 1; None when it has no place.
        place: what brought it there.
        dropped: why it has no place on the page that was asked for, None when it has.
        shared: what the two have in common; None when the site has no such article.
        rule: the editors' rule that decided, if one did.
    """

    position: int | None
    place: RankedArticle | None
    dropped: ShownExclusion | None
    shared: Contributions | None
    rule: Rule | None


@dataclass(frozen=True, slots=True)
class RelatedList:
    """
    The items in order.

    Fields:
        source: the card of the article that the list stands beside; None for other lists.
        fallback: whether some items only fill the list up.
        expires_at: when a date, or the end of a rule, may change it, or None.
        dropped: id → why it is not in the list; only with `ListOptions.trace`.
    """

    source: Card | None
    items: list[ListItem]
    fallback: bool
    expires_at: datetime | None
    dropped: Mapping[str, ShownExclusion] | None = None
