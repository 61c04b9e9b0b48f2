"""Articles that came after the base was built: plain rows, and inverted segments of them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.vectorizer import TermCounts, tf_weights
from recommender.index.jit import compiled
from recommender.index.postings import places_after
from recommender.index.reader import TermRows, spans
from recommender.index.writer import by_term, distinct

# A newer segment joins the one before it once it holds this share of its articles, so that
# there are never more than about log(articles) segments and an article is moved as often.
MERGE_SHARE = 0.25


class GrowingArray:
    """An array with room behind its last row, so that adding rows does not copy it each time."""

    def __init__(self, values: NDArray[Any]) -> None:
        self._room = values
        self.values = values

    def extend(self, more: NDArray[Any]) -> None:
        size = len(self.values)
        end = size + len(more)
        if end > len(self._room):
            self._room = np.empty((end + end // 4 + 16, *more.shape[1:]), self._room.dtype)
            self._room[:size] = self.values
        self._room[size:end] = more
        self.values = self._room[:end]


class Delta:
    """
    Rows in the order in which they came, and who says which term.

    Attributes:
        ends: shape (n + 1,), int64, where each row starts, and the end of the last one.
        terms: uint32, the hashed ids of all rows, ascending within a row.
        weights: float32, the sublinear term frequencies.
        segments: every row is in one of them, in order.
    """

    def __init__(self) -> None:
        self._ends = GrowingArray(np.zeros(1, np.int64))
        self._terms = GrowingArray(np.empty(0, np.uint32))
        self._weights = GrowingArray(np.empty(0, np.float32))
        self._counts = GrowingArray(np.empty(0, np.float32))
        self._numbers = GrowingArray(np.empty(0, np.int64))
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

    def rows(self, places: NDArray[np.intp]) -> TermRows:
        """The rows that came as number *places*."""
        starts, ends = self.ends[places], self.ends[places + 1]
        flat = spans(starts, ends - starts)
        columns = (self._numbers, self._terms, self._weights, self._counts)
        row_ends = np.append(0, np.cumsum(ends - starts))
        return TermRows(row_ends, *(column.values[flat] for column in columns))

    def append(self, rows: Sequence[TermCounts], numbers: NDArray[np.int64]) -> None:
        """Add *rows*, of whose terms, end to end, these are the *numbers* in the base or -1."""
        first = len(self)
        self._ends.extend(self.ends[-1] + np.cumsum([row.terms.size for row in rows]))
        self._terms.extend(np.concatenate([row.terms for row in rows]))
        self._weights.extend(np.concatenate([tf_weights(row) for row in rows]))
        self._counts.extend(np.concatenate([row.counts for row in rows]))
        self._numbers.extend(numbers)
        self.segments.append(self._inverted(first, len(self)))
        while len(self.segments) > 1:
            older, newer = self.segments[-2:]
            if newer.articles < MERGE_SHARE * older.articles:
                return
            self.segments[-2:] = [self._inverted(older.first, len(self))]

    def _inverted(self, first: int, end: int) -> "Segment":
        part = slice(self.ends[first], self.ends[end])
        places = np.repeat(np.arange(first, end), np.diff(self.ends[first : end + 1]))
        order = by_term(self.terms[part])
        terms, starts, _ = distinct(self.terms[part][order])
        starts = np.append(starts, order.size)
        return Segment(first, end - first, terms, starts, places[order], self.weights[part][order])


class Segment(NamedTuple):
    """
    Some rows by term.

    Fields:
        first: the number of the first row.
        articles: how many rows there are.
        terms: uint32, ascending.
        starts: int64, where each term's postings start, and the end.
        places: int64, the numbers of the rows, by term, ascending for each.
        weights: float32, of the same postings.
    """

    first: int
    articles: int
    terms: NDArray[np.uint32]
    starts: NDArray[np.int64]
    places: NDArray[np.int64]
    weights: NDArray[np.float32]


@compiled
def _postings_of(
    segment: Segment, terms: NDArray[np.uint32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the postings of each term start and end; none of a term that does not occur."""
    starts, ends = np.zeros(terms.size, np.int64), np.zeros(terms.size, np.int64)
    after = np.empty(terms.size, np.int64)
    places_after(segment.terms, terms, after)
    for i in range(terms.size):
        if after[i] and segment.terms[after[i] - 1] == terms[i]:
            starts[i], ends[i] = segment.starts[after[i] - 1], segment.starts[after[i]]
    return starts, ends


@compiled
def add_segment(
    segment: Segment,
    terms: NDArray[np.uint32],
    query: NDArray[np.float64],
    scores: NDArray[np.float32],
) -> None:
    """Add `query · weight` for every posting of *terms*; *scores* are the tail's."""
    starts, ends = _postings_of(segment, terms)
    for i in range(terms.size):
        for p in range(starts[i], ends[i]):
            scores[segment.places[p]] += np.float32(query[i] * segment.weights[p])


@compiled
def move_tail_sums(
    segment: Segment,
    terms: NDArray[np.uint32],
    changes: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    """As `base.move_sums`; *sums* are the tail's."""
    starts, ends = _postings_of(segment, terms)
    for i in range(terms.size):
        for p in range(starts[i], ends[i]):
            square = np.float64(segment.weights[p]) ** 2
            sums[segment.places[p], 1] += square * changes[i, 0]
            sums[segment.places[p], 2] += square * changes[i, 1]


@compiled
def tail_products(
    ends: NDArray[np.int64],
    row_terms: NDArray[np.uint32],
    row_weights: NDArray[np.float32],
    terms: NDArray[np.uint32],
    query: NDArray[np.float64],
    places: NDArray[np.int64],
) -> NDArray[np.float64]:
    """As `search.products`, with rows of the tail; *terms* ascend."""
    found = np.zeros(places.size)
    for s in range(places.size):
        i = 0
        for j in range(ends[places[s]], ends[places[s] + 1]):
            while i < terms.size and terms[i] < row_terms[j]:
                i += 1
            if i == terms.size:
                break
            if terms[i] == row_terms[j]:
                found[s] += query[i] * np.float64(row_weights[j])
    return found
