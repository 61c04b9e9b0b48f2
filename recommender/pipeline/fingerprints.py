"""What articles of the archive say, read of as few of them as can tell one story."""

import numpy as np
from numpy.typing import NDArray

from recommender.index.corpus import Corpus
from recommender.pipeline.signals import Source
from recommender.pipeline.stories import (
    BENEFIT_OF_DOUBT,
    Fingerprint,
    IsDuplicate,
    Pairs,
    candidate_pairs,
    is_same_story,
)


class Fingerprints:
    """
    Some articles by number, to be held against each other word pair by word pair.

    Args:
        slots: of the articles.
        draft: a text that is not stored, as the last number.
    """

    def __init__(
        self, corpus: Corpus, slots: NDArray[np.intp], draft: Source | None = None
    ) -> None:
        self._corpus = corpus
        self._slots = slots
        self._draft = draft

    @classmethod
    def beside(cls, corpus: Corpus, slots: NDArray[np.intp], source: Source) -> "Fingerprints":
        """The articles in *slots*, and the source of their list as the last number."""
        if source.slot is None:
            return cls(corpus, slots, source)
        return cls(corpus, np.append(slots, source.slot))

    def in_common(self) -> Pairs:
        """Those that have enough in common to be worth reading."""
        draft = None if self._draft is None else self._draft.counts
        return candidate_pairs(self._corpus.index.in_common(self._slots, BENEFIT_OF_DOUBT, draft))

    def compared(self, pairs: Pairs) -> IsDuplicate:
        """Tells of each of the *pairs* whether they tell one story."""
        said = self.of(pairs)
        return lambda one, other: is_same_story(said[one], said[other])

    def of(self, pairs: Pairs) -> dict[int, Fingerprint]:
        """What those say that stand in one of the *pairs*."""
        numbers = np.unique(pairs)
        stored = numbers[numbers < self._slots.size]
        terms = self._corpus.index.term_lists(self._slots[stored])
        titles = map(self._corpus.title_terms, self._slots[stored].tolist())
        said = dict(zip(stored.tolist(), map(Fingerprint, terms, titles), strict=True))
        if self._draft is not None:
            said[self._slots.size] = Fingerprint(self._draft.counts.terms, self._draft.title)
        return said
