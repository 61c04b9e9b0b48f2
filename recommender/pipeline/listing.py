"""Pages of all articles that pass some filters, embargoed ones too, by id."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.articles import Card
from recommender.index.corpus import Corpus
from recommender.policy.list_options import ListingOptions, moment_of

# Before this moment everything is published, also what is under an embargo.
LAST_MOMENT = datetime.max.replace(tzinfo=UTC)


class CardPage(NamedTuple):
    """
    A page of cards.

    Fields:
        next: the id behind which the next page starts; None on the last page.
    """

    cards: list[Card]
    next: str | None


class ListedSlots(NamedTuple):
    """A page as slots; articles deleted before their cards are read are not in its cards."""

    page: list[int]
    has_more: bool

    def slots(self) -> list[int]:
        return self.page

    def with_cards(self, corpus: Corpus, cards: Mapping[int, Card]) -> CardPage:
        listed = [cards[slot] for slot in self.page if slot in cards]
        return CardPage(listed, corpus.index.ids[self.page[-1]] if self.has_more else None)


def listing(corpus: Corpus, options: ListingOptions, now: datetime) -> ListedSlots:
    """One page, in the order of the ids."""
    in_order = corpus.index.ids.in_order(_passed(corpus, options, now), options.cursor)
    page = list(islice(in_order, options.limit + 1))  # one more shows whether a page follows
    return ListedSlots(page[: options.limit], len(page) > options.limit)


def _passed(corpus: Corpus, options: ListingOptions, now: datetime) -> NDArray[np.bool_]:
    """Which articles pass all filters, shape (slots,)."""
    facets = corpus.facets
    after = moment_of(options.published_after, now)
    before = moment_of(options.published_before, now)
    mask = facets.published_between(after, before, LAST_MOMENT)
    filters = {"section": options.section, "tag": options.tag, "author": options.author}
    for field, values in (filters | {"language": options.lang}).items():
        if values:
            mask &= facets.mask(field, values)
    return mask
