"""The articles that came after the base was built: rows, and inverted segments of them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.vectorizer import TermCounts, tf_weights
from recommender.index.jit import compiled
from recommender.index.postings import search_sorted_right
from recommender.index.reader import TermRows, flat_ranges, group_sorted, sort_order

# A newer segment is merged into the one before it once it holds this share of its articles. So
# there are at most about log(articles) segments, and each article is moved as often.
MERGE_SHARE = 0.25


class GrowingArray:
    """An array with spare room at its end, so that appending does not copy it each time."""

    def __init__(self, values: NDArray[Any]) -> None:
        self._buffer = values
        self.values = values

    def extend(self, more: NDArray[Any]) -> None:
        size = len(self.values)
        end = size + len(more)
        if end > len(self._buffer):
            self._buffer = np.empty((end + end // 4 + 16, *more.shape[1:]), self._buffer.dtype)
            self._buffer[:size] = self.values
        self._buffer[size:end] = more
        self.values = self._buffer[:end]


class Delta:
    """
    Rows in the order of their arrival, and postings lists of them in segments.

    Attributes:
        ends: int64, shape (n + 1,), where each row starts, and the end of the last one.
        terms: uint32, the term ids of all rows, ascending within a row.
        weights: float32, the sublinear term frequencies.
        segments: each row is in one of them, in order.
    """

    def __init__(self) -> None:
        self._ends = GrowingArray(np.zeros(1, np.int64))
        self._terms = GrowingArray(np.empty(0, np.uint32))
        self._weights = GrowingArray(np.empty(0, np.float32))
        self._counts = GrowingArray(np.empty(0, np.float32))
        self._ordinals = GrowingArray(np.empty(0, np.int64))
        self.segments: list[Segment] = []

    def __len__(self) -> int:
        return self.ends.size - 1

    @property
    def ends(self) -> NDArray[np.int64]:
        return self._ends.values

    @property
    def terms(self) -> NDArray[np.uint32]:
        return self._terms.values

    @property
    def weights(self) -> NDArray[np.float32]:
        return self._weights.values

    def rows(self, positions: NDArray[np.intp]) -> TermRows:
        """The rows at those *positions* in the order of arrival."""
        starts = self.ends[positions]
        sizes = self.ends[positions + 1] - starts
        flat = flat_ranges(starts, sizes)
        columns = (self._ordinals, self._terms, self._weights, self._counts)
        row_ends = np.append(0, np.cumsum(sizes))
        return TermRows(row_ends, *(column.values[flat] for column in columns))

    def append(self, rows: Sequence[TermCounts], ordinals: NDArray[np.int64]) -> None:
        """
        Add *rows* as a segment, and merge segments that have become alike in size.

        Args:
            ordinals: of the terms of all rows, end to end, in the base; -1 for unknown terms.
        """
        first = len(self)
        self._ends.extend(self.ends[-1] + np.cumsum([row.terms.size for row in rows]))
        self._terms.extend(np.concatenate([row.terms for row in rows]))
        # Computed once: a query would otherwise take a logarithm for every posting.
        self._weights.extend(np.concatenate([*map(tf_weights, rows)]))
        self._counts.extend(np.concatenate([row.counts for row in rows]))
        self._ordinals.extend(ordinals)
        self.segments.append(self._invert(first, len(self)))
        # One merge can make the next one necessary, as a carry does in a sum.
        while len(self.segments) > 1:
            older, newer = self.segments[-2:]
            if newer.articles < MERGE_SHARE * older.articles:
                return
            self.segments[-2:] = [self._invert(older.first, len(self))]

    def _invert(self, first: int, end: int) -> "Segment":
        part = slice(self.ends[first], self.ends[end])
        positions = np.repeat(np.arange(first, end), np.diff(self.ends[first : end + 1]))
        order = sort_order(self.terms[part])
        terms, starts, _ = group_sorted(self.terms[part][order])
        starts = np.append(starts, order.size)
        weights = self.weights[part][order]
        return Segment(first, end - first, terms, starts, positions[order], weights)


class Segment(NamedTuple):
    """
    The postings lists of some consecutive rows.

    Fields:
        first: the position of the first row.
        articles: how many rows there are.
        terms: uint32, ascending.
        starts: int64, where each term's postings start, and the end of the last ones.
        positions: int64, of the rows, ascending for each term.
        weights: float32, of the same postings.
    """

    first: int
    articles: int
    terms: NDArray[np.uint32]
    starts: NDArray[np.int64]
    positions: NDArray[np.int64]
    weights: NDArray[np.float32]


@compiled
def _postings_ranges(
    segment: Segment, terms: NDArray[np.uint32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the postings of each term start and end; an empty range for a term not there."""
    starts = np.zeros(terms.size, np.int64)
    ends = np.zeros(terms.size, np.int64)
    positions = np.empty(terms.size, np.int64)
    search_sorted_right(segment.terms, terms, positions)
    for i in range(terms.size):
        if positions[i] and segment.terms[positions[i] - 1] == terms[i]:
            starts[i] = segment.starts[positions[i] - 1]
            ends[i] = segment.starts[positions[i]]
    return starts, ends


@compiled
def add_segment(
    segment: Segment,
    terms: NDArray[np.uint32],
    query: NDArray[np.float64],
    scores: NDArray[np.float32],
) -> None:
    """Add `query · weight` to *scores* (by row of the delta) for every posting of *terms*."""
    starts, ends = _postings_ranges(segment, terms)
    for i in range(terms.size):
        for p in range(starts[i], ends[i]):
            scores[segment.positions[p]] += np.float32(query[i] * segment.weights[p])


@compiled
def shift_segment_sums(
    segment: Segment,
    terms: NDArray[np.uint32],
    changes: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    """As `postings.shift_sums`, for *sums* by row of the delta."""
    starts, ends = _postings_ranges(segment, terms)
    for i in range(terms.size):
        for p in range(starts[i], ends[i]):
            square = np.float64(segment.weights[p]) ** 2
            sums[segment.positions[p], 1] += square * changes[i, 0]
            sums[segment.positions[p], 2] += square * changes[i, 1]


@compiled
def delta_products(
    ends: NDArray[np.int64],
    row_terms: NDArray[np.uint32],
    row_weights: NDArray[np.float32],
    terms: NDArray[np.uint32],
    query: NDArray[np.float64],
    positions: NDArray[np.int64],
) -> NDArray[np.float64]:
    """As `search.products`, for rows of the delta; *terms* ascend."""
    products = np.zeros(positions.size)
    # Both lists of terms ascend, so one pass over each row is enough.
    for s in range(positions.size):
        i = 0
        for j in range(ends[positions[s]], ends[positions[s] + 1]):
            while i < terms.size and terms[i] < row_terms[j]:
                i += 1
            if i == terms.size:
                break
            if terms[i] == row_terms[j]:
                products[s] += query[i] * np.float64(row_weights[j])
    return products
