"""Finds the articles of the archive that tell the story of a draft in the same words."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.articles import Card
from recommender.index.corpus import Corpus
from recommender.pipeline.candidates import POOL, nearest
from recommender.pipeline.fingerprints import Fingerprints
from recommender.pipeline.selection import SAME_STORY_COSINE, UNINFORMATIVE_COSINE
from recommender.pipeline.signals import Source
from recommender.pipeline.stories import is_duplicate, overlap


class RankedDuplicate(NamedTuple):
    """
    An article that tells the story of a draft in the same words.

    Fields:
        similarity: the cosine.
        overlap: the share of the shorter text's word pairs that the longer one has too.
    """

    slot: int
    similarity: float
    overlap: float


class Duplicate(NamedTuple):
    """A `RankedDuplicate` with its card."""

    card: Card
    similarity: float
    overlap: float


class Duplicates(NamedTuple):
    """The duplicates of a draft, the most similar first."""

    articles: list[RankedDuplicate]

    def slots(self) -> list[int]:
        return [article.slot for article in self.articles]

    def with_cards(self, _: Corpus, cards: Mapping[int, Card]) -> list[Duplicate]:
        with_card = [article for article in self.articles if article.slot in cards]
        return [Duplicate(cards[one.slot], one.similarity, one.overlap) for one in with_card]


def duplicates(corpus: Corpus, draft: Source, eligible: NDArray[np.bool_]) -> Duplicates:
    """
    Find the draft's duplicates, by the same comparison as in lists.

    Args:
        eligible: which articles count; shape (slots,).
    """
    # One pool is enough: an author needs no more than a hundred duplicates.
    neighbours = nearest(corpus, draft, POOL, eligible)
    cosines = neighbours.scores
    is_near = (cosines >= SAME_STORY_COSINE) | (cosines < UNINFORMATIVE_COSINE)
    slots = neighbours.slots[is_near]
    fingerprints = Fingerprints(corpus, slots, draft)
    pairs = fingerprints.candidate_pairs()
    # The draft has the last number, and the later article of a pair comes first.
    pairs = pairs[pairs[:, 0] == slots.size]
    texts = fingerprints.of(pairs)
    own = texts[slots.size]
    ranked = []
    for number in pairs[:, 1].tolist():
        if is_duplicate(texts[number], own):
            similarity = float(cosines[is_near][number])
            shared = overlap(texts[number], own)
            ranked.append(RankedDuplicate(int(slots[number]), similarity, shared))
    return Duplicates(ranked)
