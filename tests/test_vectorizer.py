"""Counts and weights, held against scikit-learn on the same terms."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from news import article
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils import murmurhash3_32

from features.article import parse_article
from features.vectorizer import (
    TITLE_WEIGHT,
    TWO_WORD_BIT,
    TermCounts,
    count_terms,
    hash_counts,
    idf,
    tf_weights,
    tfidf,
)

documents = st.lists(
    st.lists(
        st.sampled_from(["sudzha", "kursk", "talks", "g7", "停火", "30", "région"]), max_size=9
    ),
    min_size=1,
    max_size=6,
)


def as_counts(terms: list[str]) -> TermCounts:
    return hash_counts(Counter(terms), {})


@given(documents)
def test_weights_are_those_of_scikit_learns_tfidf_vectorizer(corpus):
    reference = TfidfVectorizer(analyzer=lambda terms: terms, sublinear_tf=True, smooth_idf=True)
    if not any(corpus):
        return  # scikit-learn refuses an empty vocabulary
    expected = reference.fit_transform(corpus)
    rows = [as_counts(terms) for terms in corpus]
    df = Counter(term for row in rows for term in row.terms.tolist())

    for row, terms, theirs in zip(rows, corpus, expected, strict=True):
        frequencies = np.array([df[t] for t in row.terms.tolist()], dtype=np.int64)
        ours = dict(zip(row.terms.tolist(), tfidf(row, frequencies, len(corpus), 1.0), strict=True))
        for term in set(terms):
            hashed = int(as_counts([term]).terms[0])
            assert theirs[0, reference.vocabulary_[term]] == pytest.approx(ours[hashed], abs=1e-6)


@given(documents)
def test_rows_have_length_one(corpus):
    for terms in filter(None, corpus):
        row = as_counts(terms)
        weights = tfidf(row, np.ones(row.terms.size, dtype=np.int64), len(corpus))
        assert weights @ weights == pytest.approx(1.0)


@given(st.lists(st.text(min_size=1), max_size=20))
def test_term_ids_ascend_and_every_occurrence_counts(terms):
    row = as_counts(terms)

    assert row.terms.tolist() == sorted(set(row.terms.tolist()))
    assert len(terms) == row.counts.sum()


@given(st.text(min_size=1))
def test_term_ids_are_the_hashes_of_scikit_learn(term):
    theirs = murmurhash3_32(term, positive=True) & ~int(TWO_WORD_BIT)

    assert [theirs] == as_counts([term]).terms.tolist()


def test_two_word_terms_are_told_apart_from_words():
    row = hash_counts(Counter(["sudzha"]), Counter(["sudzha kursk"]))

    assert [False, True] == [bool(term & TWO_WORD_BIT) for term in row.terms]


def test_two_word_terms_weigh_less():
    row = hash_counts(Counter(["sudzha"]), Counter(["sudzha kursk"]))

    assert [1.0, pytest.approx(0.7)] == tf_weights(row).tolist()


def test_a_title_word_counts_as_three_of_the_body():
    found = count_terms(parse_article(article(title="Sudzha", body="Kyiv hopes", language="en")))
    weights = dict(zip(found.terms.tolist(), found.counts.tolist(), strict=True))

    assert TITLE_WEIGHT == weights[int(as_counts(["sudzha"]).terms[0])]


def test_a_headline_that_is_the_first_sentence_weighs_as_a_sentence():
    text = "Flag raised over Sudzha. It was filmed."
    headed = count_terms(parse_article(article(title="Flag raised over Sudzha", body=text)))
    weights = dict(zip(headed.terms.tolist(), headed.counts.tolist(), strict=True))

    assert 1.0 == weights[int(as_counts(["sudzha"]).terms[0])]


def test_a_name_never_seen_before_counts_from_its_first_article():
    assert idf(np.array([0]), 10)[0] > idf(np.array([1]), 10)[0] > idf(np.array([10]), 10)[0] == 1.0
