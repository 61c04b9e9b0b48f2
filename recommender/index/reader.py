"""The base of an index as Python code uses it: its articles and its terms."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.vectorizer import TWO_WORD_BIT, TermCounts, tf_weights
from recommender.index.postings import (
    SINGLE,
    Entries,
    Postings,
    gap_bits,
    levels_of,
    look_up,
    mark_two_word,
    max_terms_of_rows,
    read_article,
    read_document_frequencies,
    read_entries,
    read_rows,
    read_term_ids,
)


class Base:
    """
    The articles of a site when its index was built, in slots from 0 on.

    Args:
        arrays: as `writer.build_index` made them.

    Attributes:
        postings: what queries read.
        counts: float32, by count code.
        sums: float64, shape (n, 3): of tf², tf²·g and tf²·g², see `ArticleIndex`.
        common_shares: uint8, shape (LEVELS, n): the length of the part in terms above each level
            as a share of the article's whole length, in 255ths, rounded up.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        # Views, because the arrays themselves belong to the caller.
        arrays = {name: readonly(array.view()) for name, array in arrays.items()}
        self.counts: NDArray[np.float32] = arrays["counts"]
        # Fields that are missing in the file are computed below.
        stored = {name: arrays[name] for name in Postings._fields if name in arrays}
        articles = int(arrays["articles"][0])
        self.postings = Postings(
            **stored,
            common_ids=readonly(arrays["common_terms"][arrays["common_order"]]),
            run_gaps=arrays["run_slots"].view(np.uint8),
            weights=readonly(_weights(arrays["counts"])),
            gap_bits=readonly(gap_bits(articles)),
            levels=readonly(levels_of(arrays["common_df"], articles)),
        )
        self.sums: NDArray[np.float64] = arrays["sums"]
        self.common_shares: NDArray[np.uint8] = arrays["common_shares"]

    def __len__(self) -> int:
        return int(self.postings.articles[0])

    @property
    def terms(self) -> int:
        """How many different terms there are; their ordinals are below."""
        return int(self.postings.group_starts[-1])

    @property
    def first_single(self) -> int:
        """The lowest ordinal of a term that only one article has."""
        return int(self.postings.group_starts[SINGLE])

    def rows(self, slots: NDArray[np.intp]) -> "TermRows":
        """The articles in *slots*; their terms have ordinals, and no ids."""
        ends = np.zeros(slots.size + 1, np.int64)
        capacity = max_terms_of_rows(self.postings, slots)
        ordinals, codes = np.empty((2, capacity), np.int64)
        weights = np.empty(capacity, np.float32)
        size = read_rows(self.postings, slots, ends[1:], ordinals, codes, weights)
        # Ids are needed only of terms that the base does not have.
        no_terms = np.zeros(size, np.uint32)
        return TermRows(ends, ordinals[:size], no_terms, weights[:size], self.counts[codes[:size]])

    def article(self, slot: int) -> tuple[Entries, NDArray[np.float32]]:
        """
        The terms of one article, by ordinal, and their sublinear frequencies.

        Those from `first_single` on come without id and offset, which would take a third of
        the time; `entries` looks them up.
        """
        ordinals, terms, df, offsets, weights = read_article(self.postings, slot)
        return Entries(ordinals, terms, df, offsets), weights

    def most_common(self) -> Entries:
        """The terms above the first level."""
        return self.entries(np.flatnonzero(self.postings.levels))

    def ordinals(self, terms: NDArray[np.uint32]) -> NDArray[np.int64]:
        """The ordinals of term ids, -1 for terms that no article has; shape of *terms*."""
        ordinals = np.empty(terms.size, np.int64)
        look_up(self.postings, terms, ordinals)
        return ordinals

    def term_ids(self, ordinals: NDArray[np.int64]) -> NDArray[np.uint32]:
        """The ids of terms; 0 for ordinal -1."""
        terms = np.zeros(ordinals.size, np.uint32)
        read_term_ids(self.postings, ordinals, terms)
        return terms

    def two_word(self, rows: "TermRows") -> NDArray[np.bool_]:
        """Which of the terms of some rows, end to end, are of two words."""
        marks: NDArray[np.bool_] = rows.terms >= TWO_WORD_BIT
        mark_two_word(self.postings, rows.ordinals, marks)
        return marks

    def document_frequencies(self, ordinals: NDArray[np.int64]) -> NDArray[np.int64]:
        """In how many articles of the base each term is; 0 for ordinal -1."""
        df = np.zeros(ordinals.size, np.int64)
        read_document_frequencies(self.postings, ordinals, df)
        return df

    def entries(self, ordinals: NDArray[np.int64]) -> Entries:
        """The dictionary entries of terms."""
        terms = np.zeros(ordinals.size, np.uint32)
        df = np.zeros(ordinals.size, np.int64)
        offsets = np.full(ordinals.size, -1)
        read_entries(self.postings, ordinals, self.terms, terms, df, offsets)
        return Entries(ordinals, terms, df, offsets)


class TermRows(NamedTuple):
    """
    The terms of some articles, end to end.

    Fields:
        ends: int64, shape (n + 1,), where each article's terms start, and the end of the last.
        ordinals: int64, of the terms in the base, -1 for terms that it does not have.
        terms: uint32, the term ids where the ordinal is -1.
        weights: float32, the sublinear term frequencies.
        counts: float32.
    """

    ends: NDArray[np.int64]
    ordinals: NDArray[np.int64]
    terms: NDArray[np.uint32]
    weights: NDArray[np.float32]
    counts: NDArray[np.float32]

    def followed_by(self, other: "TermRows") -> "TermRows":
        """These rows, and then the *other* ones."""
        return TermRows(
            np.append(self.ends, self.ends[-1] + other.ends[1:]),
            np.concatenate((self.ordinals, other.ordinals)),
            np.concatenate((self.terms, other.terms)),
            np.concatenate((self.weights, other.weights)),
            np.concatenate((self.counts, other.counts)),
        )

    def interleaved_with(self, other: "TermRows", own: NDArray[np.bool_]) -> "TermRows":
        """These rows where *own* is set and the *other* ones elsewhere, both in their order."""
        both = self.followed_by(other)
        sizes = np.diff(both.ends)
        # Row i of `both` belongs in position i of this concatenation; argsort inverts that.
        order = np.argsort(np.concatenate((np.flatnonzero(own), np.flatnonzero(~own))))
        flat = flat_ranges(both.ends[:-1][order], sizes[order])
        return TermRows(
            np.append(0, np.cumsum(sizes[order])),
            both.ordinals[flat],
            both.terms[flat],
            both.weights[flat],
            both.counts[flat],
        )


def flat_ranges(starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The positions of ranges with these starts and sizes, end to end."""
    ends = np.cumsum(sizes)
    return np.repeat(starts - ends + sizes, sizes) + np.arange(ends[-1] if ends.size else 0)


def sort_order(terms: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """
    The positions that sort *terms*; equal ones keep their order.

    To sort ids and their positions as one number takes a third of the time of an argsort.
    """
    pairs = terms.astype(np.uint64) << np.uint64(32)
    pairs |= np.arange(terms.size, dtype=np.uint64)
    pairs.sort()
    return pairs.astype(np.uint32)


def unique_inverse(
    values: NDArray[np.uint32],
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The distinct *values*, ascending, and the position of each value among them."""
    order = sort_order(values)
    distinct, _, counts = group_sorted(values[order])
    positions = np.empty(values.size, np.int64)
    positions[order] = np.repeat(np.arange(distinct.size), counts)
    return distinct, positions


def group_sorted(
    ordered: NDArray[np.uint32],
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64]]:
    """The distinct values of a sorted array, where each starts, and how often it occurs."""
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: ordered.size])
    return ordered[starts], starts, np.diff(np.append(starts, ordered.size))


def _weights(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    kinds = (np.full(counts.size, term, np.uint32) for term in (0, TWO_WORD_BIT))
    return np.stack([tf_weights(TermCounts(terms, counts)) for terms in kinds])


def readonly(array: NDArray[Any]) -> NDArray[Any]:
    """Mark *array* read-only, as all are: a function is compiled once for either kind."""
    array.flags.writeable = False
    return array
