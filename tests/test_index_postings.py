"""Postings of common terms across pages of slots, and the dictionary of all other terms."""

from bisect import bisect_right

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.vectorizer import TWO_WORD_BIT
from recommender.index.postings import (
    GAP_CODED,
    LEVELS,
    add_common_terms,
    search_sorted_right,
    shift_sums,
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
    table = np.where(rng.random((TERMS.size, ARTICLES)) < shares, 1, 0)
    table[3, 30_000:66_000] = 1
    return table * rng.choice([1, 1, 1, 2, 7], table.shape)


@pytest.fixture(scope="module")
def base(counts) -> Base:
    articles, terms = np.nonzero(counts.T)
    ends = np.searchsorted(articles, np.arange(ARTICLES + 1))
    return Base(build_index(ends, TERMS[terms], counts.T[articles, terms].astype(np.float32)))


def weights_of(counts: np.ndarray) -> np.ndarray:
    return np.where(counts, 1 + np.log(np.maximum(counts, 1)), 0)


def test_every_posting_adds_its_weight(base, counts):
    entries = base.entries(base.ordinals(TERMS))
    query = np.array([1.0, 10.0, 100.0, 1000.0])
    scores = np.zeros(ARTICLES, np.float32)
    for level in range(LEVELS + 1):
        add_common_terms(base.postings, entries, query, level, scores)

    np.testing.assert_allclose(scores, query @ weights_of(counts), rtol=1e-5)


def test_every_posting_shifts_the_sums_of_its_article(base, counts):
    entries = base.entries(base.ordinals(TERMS))
    sums = np.zeros((ARTICLES, 3))
    shift_sums(base.postings, entries, np.array([[1.0, 2.0]] * TERMS.size), sums)

    squares = np.sum(weights_of(counts) ** 2, axis=0)
    np.testing.assert_allclose(sums, np.outer(squares, [0, 1, 2]), rtol=1e-5)


def test_runs_of_the_most_common_terms_are_gap_coded(base):
    gap_coded = base.postings.run_keys & np.uint32(GAP_CODED) > 0
    starts = base.postings.common_runs

    assert [(0, True), (1, True), (2, True), (3, False)] == [
        (ordinal, bool(gap_coded[starts[ordinal] : starts[ordinal + 1]].any()))
        for ordinal in range(4)
    ]


def test_ordinals_of_common_terms_follow_document_frequency(base, counts):
    df = np.count_nonzero(counts, axis=1)

    assert np.argsort(-df).tolist() == base.term_ids(np.arange(4)).tolist()
    assert sorted(df, reverse=True) == base.postings.common_df.tolist()


@given(
    st.lists(st.integers(0, 2**32 - 1), max_size=60).map(sorted),
    st.lists(st.integers(0, 2**32 - 1), max_size=20),
)
def test_binary_searches_that_advance_together_agree_with_bisect(known, others):
    terms = np.array([*others, *known[:5]], np.uint32)
    positions = np.empty(terms.size, np.int64)
    search_sorted_right(np.array(known, np.uint32), terms, positions)

    assert [bisect_right(known, term) for term in terms.tolist()] == positions.tolist()


def test_the_dictionary_knows_every_term_and_no_other():
    rng = np.random.default_rng(3)
    drawn = np.exp(rng.random((900, 40)) * np.log(6_000)).astype(np.uint32) * 7 + 3
    drawn[:, 20:] |= TWO_WORD_BIT
    rows = [np.unique(row) for row in drawn]
    terms = np.concatenate(rows)
    ends = np.cumsum([0, *map(len, rows)])
    base = Base(build_index(ends, terms, np.ones(terms.size, np.float32)))
    known, df = np.unique(terms, return_counts=True)
    ordinals = base.ordinals(known)

    assert sorted(ordinals) == list(range(base.terms)) == list(range(known.size))
    assert {1, 2} <= {*df.tolist()} and df.max() > 100
    assert known.tolist() == base.term_ids(ordinals).tolist()
    assert df.tolist() == base.document_frequencies(ordinals).tolist()
    assert df.tolist() == base.entries(ordinals).df.tolist()
    others = np.setdiff1d(np.arange(0, 2**32, 90_001, np.uint32), known)
    assert {-1} == {*base.ordinals(others).tolist()}
    mixed = rng.permutation(np.concatenate((known, others)))
    assert base.ordinals(mixed).tolist() == [int(base.ordinals(one)[0]) for one in mixed[:, None]]
    assert [-1, -1] == base.ordinals(np.array([0, 2**32 - 1], np.uint32)).tolist()
    assert [0, df[0]] == base.document_frequencies(np.array([-1, ordinals[0]])).tolist()
