"""The postings of common terms, in more than one block of slots, however they are written."""

from bisect import bisect_right

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.vectorizer import TWO_WORD_BIT
from recommender.index.postings import (
    AS_GAPS,
    LEVELS,
    add_common,
    move_sums,
    places_after,
)
from recommender.index.reader import Base
from recommender.index.writer import build_index

ARTICLES = 70_000
TERMS = np.arange(4, dtype=np.uint32)


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    """Of each term (a row) in each article: everywhere, often, rarely, and in one long stretch."""
    rng = np.random.default_rng(5)
    shares = np.array([0.98, 0.2, 0.03, 0.0])[:, None]
    found = np.where(rng.random((TERMS.size, ARTICLES)) < shares, 1, 0)
    found[3, 30_000:66_000] = 1
    return found * rng.choice([1, 1, 1, 2, 7], found.shape)


@pytest.fixture(scope="module")
def base(counts) -> Base:
    articles, terms = np.nonzero(counts.T)
    ends = np.searchsorted(articles, np.arange(ARTICLES + 1))
    return Base(build_index(ends, TERMS[terms], counts.T[articles, terms].astype(np.float32)))


def weights_of(counts: np.ndarray) -> np.ndarray:
    return np.where(counts, 1 + np.log(np.maximum(counts, 1)), 0)


def test_every_posting_adds_its_weight(base, counts):
    entries = base.entries(base.numbers(TERMS))
    query = np.array([1.0, 10.0, 100.0, 1000.0])
    scores = np.zeros(ARTICLES, np.float32)
    for level in range(LEVELS + 1):
        add_common(base.postings, entries, query, level, scores)

    np.testing.assert_allclose(scores, query @ weights_of(counts), rtol=1e-5)


def test_every_posting_moves_the_sums_of_its_article(base, counts):
    entries = base.entries(base.numbers(TERMS))
    sums = np.zeros((ARTICLES, 3))
    move_sums(base.postings, entries, np.array([[1.0, 2.0]] * TERMS.size), sums)

    squares = np.sum(weights_of(counts) ** 2, axis=0)
    np.testing.assert_allclose(sums, np.outer(squares, [0, 1, 2]), rtol=1e-5)


def test_what_is_common_enough_is_written_as_gaps(base):
    gaps = base.postings.run_keys & np.uint32(AS_GAPS) > 0
    starts = base.postings.common_runs

    assert [(0, True), (1, True), (2, True), (3, False)] == [
        (number, bool(gaps[starts[number] : starts[number + 1]].any())) for number in range(4)
    ]


def test_common_terms_are_numbered_by_how_common_they_are(base, counts):
    df = np.count_nonzero(counts, axis=1)

    assert np.argsort(-df).tolist() == base.hashed(np.arange(4)).tolist()
    assert sorted(df, reverse=True) == base.postings.common_df.tolist()


@given(
    st.lists(st.integers(0, 2**32 - 1), max_size=60).map(sorted),
    st.lists(st.integers(0, 2**32 - 1), max_size=20),
)
def test_places_of_many_terms_are_found_at_once(known, wanted):
    wanted = np.array([*wanted, *known[:5]], np.uint32)
    places = np.empty(wanted.size, np.int64)
    places_after(np.array(known, np.uint32), wanted, places)

    assert [bisect_right(known, term) for term in wanted.tolist()] == places.tolist()


def test_the_dictionary_tells_every_term():
    rng = np.random.default_rng(3)
    drawn = np.exp(rng.random((900, 40)) * np.log(6_000)).astype(np.uint32) * 7 + 3
    drawn[:, 20:] |= TWO_WORD_BIT
    rows = [np.unique(row) for row in drawn]
    terms = np.concatenate(rows)
    ends = np.cumsum([0, *map(len, rows)])
    base = Base(build_index(ends, terms, np.ones(terms.size, np.float32)))
    known, df = np.unique(terms, return_counts=True)
    numbers = base.numbers(known)

    assert sorted(numbers) == list(range(base.terms)) == list(range(known.size))
    assert {1, 2} <= {*df.tolist()} and df.max() > 100
    assert known.tolist() == base.hashed(numbers).tolist()
    assert df.tolist() == base.frequencies(numbers).tolist() == base.entries(numbers).df.tolist()
    others = np.setdiff1d(np.arange(0, 2**32, 90_001, np.uint32), known)
    assert {-1} == {*base.numbers(others).tolist()}
    mixed = rng.permutation(np.concatenate((known, others)))
    assert base.numbers(mixed).tolist() == [int(base.numbers(one)[0]) for one in mixed[:, None]]
    assert [-1, -1] == base.numbers(np.array([0, 2**32 - 1], np.uint32)).tolist()
    assert [0, df[0]] == base.frequencies(np.array([-1, numbers[0]])).tolist()
