"""An immutable batch of articles, readable by row (what it says) and by term (who says it)."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, vstack

from features.vectorizer import TermCounts, tf_weights


class Segment:
    """
    The rows of some articles and their inverted index.

    Attributes:
        slots: shape (n,), int64, the index-wide number of each row, ascending.
        terms: shape (t,), uint32, ascending: the hashed term ids of the columns.
        rows: CSR (n, t) of float32 sublinear term frequencies; idf is applied at query time.
        postings: the same by column.
        df: shape (t,), int64, how many rows that were not forgotten hold each term.
    """

    def __init__(
        self, slots: NDArray[np.int64], terms: NDArray[np.uint32], rows: csr_array
    ) -> None:
        self.slots = slots
        self.terms = terms
        self.rows = rows
        self.postings = csc_array(rows)
        self.df = np.diff(self.postings.indptr).astype(np.int64)

    @classmethod
    def of(cls, slots: NDArray[np.int64], rows: Sequence[TermCounts]) -> Self:
        """Invert *rows*, which belong to *slots* in the same order."""
        ends = np.cumsum([0, *(row.terms.size for row in rows)])
        hashed = np.concatenate([row.terms for row in rows] or [np.empty(0, np.uint32)])
        counts = np.concatenate([row.counts for row in rows] or [np.empty(0, np.float32)])
        weights = tf_weights(TermCounts(hashed, counts))
        terms, columns = numbered(hashed)
        matrix = csr_array((weights, columns, ends.astype(np.int32)), (len(rows), terms.size))
        return cls(slots, terms, matrix)

    @classmethod
    def merged(cls, segments: Sequence[Self], live: NDArray[np.bool_]) -> Self:
        """One segment with the rows of all *segments* that are still *live* (by slot)."""
        slots = np.concatenate([s.slots for s in segments])
        terms = distinct(np.concatenate([s.terms for s in segments]))
        rows = vstack([s._with_columns(terms) for s in segments], format="csr")[live[slots]]
        used = np.flatnonzero(np.bincount(rows.indices, minlength=terms.size))
        return cls(slots[live[slots]], terms[used], rows[:, used])

    def _with_columns(self, terms: NDArray[np.uint32]) -> csr_array:
        """The rows with a column for each of *terms*, which hold all of this segment's."""
        columns = np.searchsorted(terms, self.terms).astype(np.int32)[self.rows.indices]
        shape = (self.slots.size, terms.size)
        return csr_array((self.rows.data, columns, self.rows.indptr), shape)

    def row(self, slot: int) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """The term ids and term-frequency weights of one article of this segment."""
        place = int(np.searchsorted(self.slots, slot))
        start, end = self.rows.indptr[place], self.rows.indptr[place + 1]
        return self.terms[self.rows.indices[start:end]], self.rows.data[start:end]

    def squares(self) -> csr_array:
        """The squared weights in float64."""
        squared = self.rows.data.astype(np.float64) ** 2
        return csr_array((squared, self.rows.indices, self.rows.indptr), self.rows.shape)

    def forget(self, slot: int) -> NDArray[np.uint32]:
        """Stop counting an article in `df`, and return its terms; its row stays until a merge."""
        terms, _ = self.row(slot)
        self.df[np.searchsorted(self.terms, terms)] -= 1
        return terms

    def find(self, terms: NDArray[np.uint32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Which of *terms* occur here, and in which columns; both shape (found,)."""
        if not self.terms.size:
            return np.empty(0, np.intp), np.empty(0, np.intp)
        columns = np.minimum(np.searchsorted(self.terms, terms), self.terms.size - 1)
        found = np.flatnonzero(self.terms[columns] == terms)
        return found, columns[found]


def distinct(terms: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """
    Return the distinct *terms*, ascending.

    `np.unique` hashes since NumPy 2.3: 8 s for 7 million terms, where sorting takes half a second.
    """
    ordered = np.sort(terms)
    return ordered[_first_of_equals(ordered)]


def numbered(hashed: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """
    Return the distinct ids, ascending, and the place of each of *hashed* among them.

    To sort ids with their positions as one number takes a third of the time of
    `np.unique(hashed, return_inverse=True)`, which sorts positions by the ids they point to.
    """
    pairs = hashed.astype(np.uint64) << np.uint64(32)
    pairs |= np.arange(hashed.size, dtype=np.uint64)
    pairs.sort()
    positions = pairs.astype(np.uint32)  # the lower half
    pairs >>= np.uint64(32)
    first = _first_of_equals(pairs)
    places = np.empty(hashed.size, dtype=np.int32)
    places[positions] = np.cumsum(first, dtype=np.int32) - 1
    return pairs[first].astype(np.uint32), places


def _first_of_equals(ordered: NDArray[np.unsignedinteger]) -> NDArray[np.bool_]:
    first = np.ones(ordered.size, dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return first
