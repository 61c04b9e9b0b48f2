"""Reads the term ids of those articles that may be duplicates."""

from functools import cached_property
from itertools import combinations
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recommender.articles import NO_PAGE
from recommender.index.corpus import Corpus
from recommender.pipeline.signals import Source
from recommender.pipeline.stories import (
    BENEFIT_OF_DOUBT,
    Fingerprint,
    IsDuplicate,
    Pairs,
    candidate_pairs,
    is_duplicate,
)


class Fingerprints:
    """
    Some articles, by number, to compare them by their terms.

    Args:
        slots: of the articles.
        draft: a text that is not stored; it gets the last number.
    """

    def __init__(
        self, corpus: Corpus, slots: NDArray[np.intp], draft: Source | None = None
    ) -> None:
        self._corpus = corpus
        self._slots = slots
        self._draft = draft

    @classmethod
    def with_source(cls, corpus: Corpus, slots: NDArray[np.intp], source: Source) -> Self:
        """
        The articles in *slots*, and the source of their list as the last number.

        A source of several parts has none: `several.without_own_stories` compares with each.
        """
        if source.parts:
            return cls(corpus, slots)
        if source.slot is None:
            return cls(corpus, slots, source)
        return cls(corpus, np.append(slots, source.slot))

    def candidate_pairs(self) -> Pairs:
        """The pairs that share enough terms to be compared in full."""
        draft = None if self._draft is None else self._draft.counts
        return candidate_pairs(self._corpus.index.in_common(self._slots, BENEFIT_OF_DOUBT, draft))

    def with_same_page(self, pairs: Pairs) -> Pairs:
        """The *pairs*, and those of articles with one address, which are duplicates."""
        if not self._same_page.size:
            return pairs
        return np.unique(np.concatenate((pairs, self._same_page)), axis=0)

    def comparison(self, pairs: Pairs) -> IsDuplicate:
        """A function that compares two articles of one of the *pairs*."""
        fingerprints = self.of(pairs)
        same_page = set(map(tuple, self._same_page.tolist()))

        def is_one(one: int, other: int) -> bool:
            pair = max(one, other), min(one, other)  # the later article comes first in pairs
            return pair in same_page or is_duplicate(fingerprints[one], fingerprints[other])

        return is_one

    @cached_property
    def _same_page(self) -> Pairs:
        """The pairs of articles with one address."""
        # Two articles at one address are one page to readers, whatever their texts are.
        pages = self._corpus.facets.pages[self._slots]
        ordered = np.sort(pages[pages != NO_PAGE])
        repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        pairs = []
        for page in repeated:
            same = np.flatnonzero(pages == page).tolist()
            pairs += [(later, earlier) for earlier, later in combinations(same, 2)]
        return np.array(pairs, np.intp).reshape(-1, 2)

    def of(self, pairs: Pairs) -> dict[int, Fingerprint]:
        """Number → fingerprint of every article in one of the *pairs*."""
        # To read the terms of all articles would take longer than to rank them.
        numbers = np.unique(pairs)
        stored = numbers[numbers < self._slots.size]
        counts = self._corpus.index.term_counts(self._slots[stored])
        titles = map(self._corpus.title_terms, self._slots[stored].tolist())
        fingerprints = dict(zip(stored.tolist(), map(Fingerprint.of, counts, titles), strict=True))
        if self._draft is not None:
            own = Fingerprint.of(self._draft.counts, self._draft.title)
            fingerprints[self._slots.size] = own
        return fingerprints
