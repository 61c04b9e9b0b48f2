"""Has the archive told this already, in the same words?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.articles import Card
from recommender.index.corpus import Corpus
from recommender.pipeline.candidates import POOL
from recommender.pipeline.fingerprints import Fingerprints
from recommender.pipeline.selection import SAME_STORY_COSINE, TOLD_BY_NOTHING
from recommender.pipeline.signals import Source
from recommender.pipeline.stories import is_same_story, overlap


class Copy(NamedTuple):
    """
    An article that tells the story of a draft in the same words.

    Fields:
        similarity: the cosine.
        overlap: which part of the shorter text's word pairs the longer one has too.
    """

    slot: int
    similarity: float
    overlap: float


class Duplicate(NamedTuple):
    """A `Copy` with the card of its article."""

    card: Card
    similarity: float
    overlap: float


def copies(corpus: Corpus, draft: Source, among: NDArray[np.bool_]) -> list[Copy]:
    """
    What tells the draft's story, the most similar first, by the measure that lists go by.

    Args:
        among: which articles count; shape (slots,).
    """
    found = corpus.index.similar_to(draft.counts, POOL, among)
    # Where most of the archive is one text, that text has no weight, and cosines tell nothing.
    near = (found.scores >= SAME_STORY_COSINE) | (found.scores < TOLD_BY_NOTHING)
    slots, scores = found.slots[near], found.scores[near]
    wordings, own = Fingerprints(corpus, slots, draft), slots.size
    pairs = wordings.in_common()
    pairs = pairs[pairs[:, 0] == own]
    said = wordings.of(pairs)
    return [
        Copy(int(slots[n]), float(scores[n]), overlap(said[n], said[own]))
        for n in pairs[:, 1].tolist()
        if is_same_story(said[n], said[own])
    ]
