"""Counts and weights, held against scikit-learn on the same terms."""

from collections import Counter

import numpy as np
import pytest
from counting import hash_counts
from hypothesis import given
from hypothesis import strategies as st
from news import article
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils import murmurhash3_32

from features.analyzer import analyze
from features.article import parse_article
from features.vectorizer import (
    TAG_WEIGHT,
    TITLE_WEIGHT,
    TWO_WORD_BIT,
    TermCounts,
    count_terms,
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
        ours = dict(
            zip(row.terms.tolist(), tfidf(row, frequencies, len(corpus), 1.0, 1.0), strict=True)
        )
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
    made = parse_article(article(title="Sudzha", body="Kyiv hopes", language="en"))
    found = count_terms(made).counts
    weights = dict(zip(found.terms.tolist(), found.counts.tolist(), strict=True))

    assert TITLE_WEIGHT == weights[int(as_counts(["sudzha"]).terms[0])]


def test_a_headline_that_is_the_first_sentence_weighs_as_a_sentence():
    text = "Flag raised over Sudzha. It was filmed."
    made = parse_article(article(title="Flag raised over Sudzha", body=text))
    headed = count_terms(made).counts
    weights = dict(zip(headed.terms.tolist(), headed.counts.tolist(), strict=True))

    assert 1.0 == weights[int(as_counts(["sudzha"]).terms[0])]


def test_a_name_never_seen_before_counts_from_its_first_article():
    assert idf(np.array([0]), 10)[0] > idf(np.array([1]), 10)[0] > idf(np.array([10]), 10)[0] == 0.5


def test_what_everybody_says_counts_in_a_small_archive_and_hardly_in_a_large_one():
    assert idf(np.array([2]), 2)[0] > 0.8
    assert idf(np.array([10_000]), 10_000)[0] < 0.001


def test_the_idf_of_a_term_that_everybody_uses_is_the_offset():
    assert [0.25] == idf(np.array([10]), 10, offset=0.25).tolist()


@pytest.mark.parametrize("weight", [TITLE_WEIGHT, TAG_WEIGHT])
def test_sums_of_field_weights_are_exact(weight):
    assert (2 * weight).is_integer()


def test_a_title_is_known_by_its_terms_also_where_it_opens_the_body():
    for body in ("Kyiv hopes", "Flag raised over Sudzha. It was filmed."):
        made = parse_article(article(title="Flag raised over Sudzha", body=body))
        words, pairs = analyze(made.title, "en")

        assert hash_counts(Counter(words), Counter(pairs)).terms.tolist() == (
            count_terms(made).title.tolist()
        )


@given(st.lists(st.sampled_from(["Sudzha fell", "and Kursk.", "", "停火 talks", "G7"]), max_size=6))
def test_the_terms_of_all_fields_and_lines_are_counted(lines):
    body = "\n".join(lines)
    made = parse_article(article(title="Title", body=body, tags=["war", "war crimes"], excerpt="–"))
    texts = {"Title": TITLE_WEIGHT, "war": TAG_WEIGHT, "war crimes": TAG_WEIGHT, made.body: 1.0}
    words, pairs = Counter(), Counter()
    for text, weight in texts.items():
        found = analyze(text, "en")
        for counter, terms in ((words, found.words), (pairs, found.pairs)):
            for term in terms:
                counter[term] += weight
    expected = hash_counts(words, pairs)

    assert expected.terms.tolist() == count_terms(made).counts.terms.tolist()
    assert expected.counts.tolist() == count_terms(made).counts.counts.tolist()
