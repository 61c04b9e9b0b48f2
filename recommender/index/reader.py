"""The bulk of an index as Python sees it: what its articles and its terms are."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.vectorizer import TWO_WORD_BIT, TermCounts, tf_weights
from recommender.index.postings import (
    SINGLE,
    Entries,
    Postings,
    describe,
    find,
    frequencies,
    gap_bits,
    mark_two_word,
    name,
    read_article,
    read_rows,
    rows_size,
    sum_levels,
)

Arrays = Mapping[str, NDArray[Any]]


class Base:
    """
    The articles of a site at one moment, in slots from 0 on.

    Args:
        arrays: as `inverting.invert` made them.

    Attributes:
        postings: what queries read.
        counts: float32, by code.
        sums: shape (n, 3), float64: of tf², tf²·g and tf²·g², see `ArticleIndex`.
        tails: shape (LEVELS, n), uint8: the length of the terms above each level as a share of
            the article's whole length, in 255ths, rounded up.
    """

    def __init__(self, arrays: Arrays) -> None:
        arrays = {name: readonly(array.view()) for name, array in arrays.items()}
        self.counts: NDArray[np.float32] = arrays["counts"]
        given = {name: arrays[name] for name in Postings._fields if name in arrays}
        articles, df = int(arrays["articles"][0]), arrays["common_df"]
        self.postings = Postings(
            **given,
            common_ids=readonly(arrays["common_terms"][arrays["common_order"]]),
            run_gaps=arrays["run_slots"].view(np.uint8),
            weights=readonly(_weights(arrays["counts"])),
            gap_bits=readonly(gap_bits(articles)),
            levels=readonly(sum_levels(df, articles)),
        )
        self.sums: NDArray[np.float64] = arrays["sums"]
        self.tails: NDArray[np.uint8] = arrays["tails"]

    def __len__(self) -> int:
        return int(self.postings.articles[0])

    @property
    def terms(self) -> int:
        """How many different terms there are; their numbers are below."""
        return int(self.postings.firsts[-1])

    @property
    def first_single(self) -> int:
        """The lowest number of a term that a single article has."""
        return int(self.postings.firsts[SINGLE])

    def rows(self, slots: NDArray[np.intp]) -> "TermRows":
        """The articles in *slots*; their terms stand by number, and by no id."""
        ends = np.zeros(slots.size + 1, np.int64)
        room = rows_size(self.postings, slots)
        numbers, codes = np.empty((2, room), np.int64)
        weights = np.empty(room, np.float32)
        size = read_rows(self.postings, slots, ends[1:], numbers, codes, weights)
        no_terms = np.zeros(size, np.uint32)
        return TermRows(ends, numbers[:size], no_terms, weights[:size], self.counts[codes[:size]])

    def article(self, slot: int) -> tuple[Entries, NDArray[np.float32]]:
        """
        The terms of one article, by number, and their sublinear frequencies.

        Those from `first_single` on stand without id and place, which would take a third of
        the time; `entries` looks them up.
        """
        numbers, terms, df, places, weights = read_article(self.postings, slot)
        return Entries(numbers, terms, df, places), weights

    def most_common(self) -> Entries:
        """The terms above the first level."""
        return self.entries(np.flatnonzero(self.postings.levels))

    def numbers(self, terms: NDArray[np.uint32]) -> NDArray[np.int64]:
        """The numbers of hashed ids, -1 for those that no article has; shape of *terms*."""
        numbers = np.empty(terms.size, np.int64)
        find(self.postings, terms, numbers)
        return numbers

    def hashed(self, numbers: NDArray[np.int64]) -> NDArray[np.uint32]:
        """The hashed ids of terms, by number; 0 for -1."""
        terms = np.zeros(numbers.size, np.uint32)
        name(self.postings, numbers, terms)
        return terms

    def two_word(self, rows: "TermRows") -> NDArray[np.bool_]:
        """Which of the terms of some rows are of two words, end to end."""
        marked: NDArray[np.bool_] = rows.terms >= TWO_WORD_BIT
        mark_two_word(self.postings, rows.numbers, marked)
        return marked

    def frequencies(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """The document frequencies of terms, by number; 0 for -1."""
        df = np.zeros(numbers.size, np.int64)
        frequencies(self.postings, numbers, df)
        return df

    def entries(self, numbers: NDArray[np.int64]) -> Entries:
        """What the dictionary says of terms, by number."""
        terms, df = np.zeros(numbers.size, np.uint32), np.zeros(numbers.size, np.int64)
        places = np.full(numbers.size, -1)
        describe(self.postings, numbers, self.terms, terms, df, places)
        return Entries(numbers, terms, df, places)


class TermRows(NamedTuple):
    """
    Some articles, end to end.

    Fields:
        ends: int64, shape (n + 1,), where each one's terms start, and where the last one's end.
        numbers: int64, of the terms in the base, -1 where it has none.
        terms: uint32, the hashed ids where the number is -1.
        weights: float32, the sublinear term frequencies.
        counts: float32.
    """

    ends: NDArray[np.int64]
    numbers: NDArray[np.int64]
    terms: NDArray[np.uint32]
    weights: NDArray[np.float32]
    counts: NDArray[np.float32]

    def then(self, other: "TermRows") -> "TermRows":
        """These, and after them the *other* ones."""
        return TermRows(
            np.append(self.ends, self.ends[-1] + other.ends[1:]),
            np.concatenate((self.numbers, other.numbers)),
            np.concatenate((self.terms, other.terms)),
            np.concatenate((self.weights, other.weights)),
            np.concatenate((self.counts, other.counts)),
        )

    def mixed_with(self, others: "TermRows", mine: NDArray[np.bool_]) -> "TermRows":
        """These where *mine* is set and *others* elsewhere, both in their order."""
        both = self.then(others)
        sizes = np.diff(both.ends)
        order = np.argsort(np.concatenate((np.flatnonzero(mine), np.flatnonzero(~mine))))
        flat = spans(both.ends[:-1][order], sizes[order])
        return TermRows(
            np.append(0, np.cumsum(sizes[order])),
            both.numbers[flat],
            both.terms[flat],
            both.weights[flat],
            both.counts[flat],
        )


def spans(starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Every position from each start on, as many as its size says, end to end."""
    ends = np.cumsum(sizes)
    return np.repeat(starts - ends + sizes, sizes) + np.arange(ends[-1] if ends.size else 0)


def _weights(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    kinds = (np.full(counts.size, term, np.uint32) for term in (0, TWO_WORD_BIT))
    return np.stack([tf_weights(TermCounts(terms, counts)) for terms in kinds])


def readonly(array: NDArray[Any]) -> NDArray[Any]:
    """Like all others, read-only: a compiled function is made for one of the two."""
    array.flags.writeable = False
    return array
