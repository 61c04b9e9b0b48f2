"""The index against a slow oracle: the cosine of every pair from dense TF-IDF vectors."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.vectorizer import TWO_WORD_BIT, TWO_WORD_WEIGHT, TermCounts
from recommender.index import writer
from recommender.index.ids import SortedIds
from recommender.index.index import ArticleIndex, Neighbours
from recommender.index.reader import Base

IDS = [f"a{n}" for n in range(8)]
TERMS = [0, 1, 2, 3, 5, 8, int(TWO_WORD_BIT) + 1, int(TWO_WORD_BIT) + 2]

Archive = dict[str, dict[int, int]]
History = list[tuple[Archive, set[str], bool]]

rows = st.dictionaries(
    st.sampled_from(IDS), st.dictionaries(st.sampled_from(TERMS), st.integers(1, 9)), max_size=4
)
# What is changed, what is removed, and whether a new base is built then.
histories = st.lists(
    st.tuples(rows, st.sets(st.sampled_from(IDS), max_size=2), st.booleans()), max_size=12
)


@pytest.fixture(autouse=True, params=[1, 64], ids=["common terms", "rare terms"])
def _common(request, monkeypatch):
    """Of a few articles, no term is common at the real limit; at limit 1 nearly every term is."""
    monkeypatch.setattr(writer, "COMMON_DF_PER_PAGE", request.param)


def counts(row: dict[int, int]) -> TermCounts:
    ordered = sorted(row.items())
    return TermCounts(
        np.array([term for term, _ in ordered], dtype=np.uint32),
        np.array([count for _, count in ordered], dtype=np.float32),
    )


def rebuilt(index: ArticleIndex) -> ArticleIndex:
    """The same articles, all in a base."""
    ids = sorted({i for i in index.ids if i in index})
    slots = np.array([index.slot(i) for i in ids], np.intp)
    return ArticleIndex(Base(index.arrays(slots)), SortedIds.of(ids))


def built(history: History) -> tuple[ArticleIndex, Archive]:
    index, stored = ArticleIndex(), {}
    for changed, candidates, rebuilds in history:
        removed = candidates - changed.keys()
        index.apply({i: counts(row) for i, row in changed.items()}, removed)
        stored = {i: row for i, row in (stored | changed).items() if i not in removed}
        if rebuilds:
            index = rebuilt(index)
    return index, stored


def cosine(a: dict[int, int], b: dict[int, int], stored: Archive) -> float:
    other = unit(b, stored)
    return sum(weight * other.get(term, 0) for term, weight in unit(a, stored).items())


def unit(row: dict[int, int], stored: Archive) -> dict[int, float]:
    """Paper and pencil: (1 + ln tf) · idf, two-word terms weighted, then length 1."""
    articles = len(stored)
    weights = {}
    for term, count in row.items():
        df = sum(term in other for other in stored.values())
        idf = math.log((1 + articles) / (1 + df)) + 10 / (10 + articles)
        two_word = TWO_WORD_WEIGHT if term & int(TWO_WORD_BIT) else 1
        weights[term] = (1 + math.log(count)) * two_word * idf
    length = math.hypot(*weights.values())
    return {term: weight / length for term, weight in weights.items()}


def by_id(index: ArticleIndex, near: Neighbours) -> dict[str, float]:
    return {index.ids[s]: score for s, score in zip(near.slots, near.scores, strict=True)}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories)
def test_scores_are_the_cosines_of_the_current_articles(history):
    index, stored = built(history)

    for article_id, row in stored.items():
        expected = {i: cosine(row, r, stored) for i, r in stored.items() if i != article_id}
        expected = {
            i: pytest.approx(score, abs=2e-6) for i, score in expected.items() if score > 1e-6
        }
        assert expected == by_id(index, index.similar(article_id, len(IDS)))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories, st.dictionaries(st.sampled_from(TERMS), st.integers(1, 9), min_size=1))
def test_a_draft_is_compared_as_a_stored_article_is(history, draft):
    index, stored = built(history)

    expected = {i: cosine(draft, row, stored) for i, row in stored.items()}
    expected = {i: pytest.approx(score, abs=2e-6) for i, score in expected.items() if score > 1e-6}
    assert expected == by_id(index, index.similar_to(counts(draft), len(IDS)))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories)
def test_only_the_current_articles_count_not_their_history(history):
    index, stored = built(history)
    fresh, _ = built([(stored, set(), False)])

    for article_id in stored:
        assert by_id(fresh, fresh.similar(article_id, 9)) == by_id(
            index, index.similar(article_id, 9)
        )


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories)
def test_cosines_are_those_of_all_pairs(history):
    index, stored = built(history)
    slots = np.array([index.slot(i) for i in stored], np.intp)

    expected = [cosine(a, b, stored) for a in stored.values() for b in stored.values()]
    assert pytest.approx(expected, abs=1e-6) == index.cosines(slots).ravel()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories)
def test_document_frequencies_count_live_articles(history):
    index, stored = built(history)

    expected = [sum(term in row for row in stored.values()) for term in TERMS]
    assert expected == index.document_frequencies(np.array(TERMS, dtype=np.uint32)).tolist()


@given(histories)
def test_the_vector_of_an_article_has_length_one_and_its_own_terms(history):
    index, stored = built(history)

    for article_id, row in stored.items():
        terms, weights = index.vector(index.slot(article_id))
        expected = {term: pytest.approx(w, abs=2e-6) for term, w in unit(row, stored).items()}
        assert expected == dict(zip(terms.tolist(), weights.tolist(), strict=True))


@given(histories)
def test_the_terms_of_an_article_are_those_of_its_last_version(history):
    index, stored = built(history)

    for article_id, row in stored.items():
        assert sorted(row) == index.terms(index.slot(article_id)).tolist()
    counts_of = index.term_counts(np.array([index.slot(i) for i in stored], dtype=np.intp))
    rows = [dict(zip(terms.tolist(), counts.tolist(), strict=True)) for terms, counts in counts_of]
    assert [*stored.values()] == rows


@given(
    histories,
    st.dictionaries(st.sampled_from([*TERMS, 9, int(TWO_WORD_BIT) + 9]), st.integers(1, 9)),
    st.integers(0, 3),
)
def test_word_pairs_in_common_are_counted_as_by_sets(history, draft, few):
    index, stored = built(history)
    articles = [*map(set, [*stored.values(), draft])]
    pairs = [{term for term in article if term & int(TWO_WORD_BIT)} for article in articles]
    counted = [two if len(two) >= few else all_ for two, all_ in zip(pairs, articles, strict=True)]
    expected = [
        [len(one & other) * (j <= i) for j, other in enumerate(counted)]
        for i, one in enumerate(counted)
    ]

    slots = np.array([index.slot(i) for i in stored], dtype=np.intp)
    assert expected == index.in_common(slots, few, counts(draft)).tolist()
    assert [row[:-1] for row in expected[:-1]] == index.in_common(slots, few).tolist()


@settings(
    deadline=None,
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(0, 2**32 - 1))
def test_many_small_changes_leave_few_segments(seed):
    rng = np.random.default_rng(seed)
    index = ArticleIndex()
    for number in range(120):
        row = counts(dict.fromkeys(rng.choice(50, 5, replace=False).tolist(), 1))
        index.apply({f"a{number}": row}, {f"a{rng.integers(0, 120)}"} - {f"a{number}"})

    assert len(index._delta.segments) <= 1 + math.log(120, 4)


def test_an_article_is_never_similar_to_itself():
    same = counts({1: 1, 2: 2})
    index = ArticleIndex()
    index.apply({"a": same, "b": same, "c": same})

    assert {"b": 1.0, "c": 1.0} == by_id(index, index.similar("a", 10))


def test_a_term_of_one_article_is_not_taken_for_a_later_one():
    first = ArticleIndex()
    first.apply({"a": counts({5: 1, 6: 1}), "b": counts({7: 1})})
    index = rebuilt(first)
    index.apply({"c": counts({0: 1, 9: 1})})

    assert {} == by_id(index, index.similar("a", 10))


def test_all_that_tie_with_the_last_one_are_returned():
    index = ArticleIndex()
    index.apply({name: counts({1: 1}) for name in ("a", "b", "c", "d")})

    assert ["b", "c", "d"] == [index.ids[slot] for slot in index.similar("a", 1).slots]


def test_a_mask_limits_the_answer_without_changing_scores():
    index = ArticleIndex()
    index.apply({"a": counts({1: 1, 2: 1}), "b": counts({1: 1}), "c": counts({2: 1, 3: 1})})
    unmasked = by_id(index, index.similar("a", 10))
    only_c = np.array([False, False, True])

    assert {"c": unmasked["c"]} == by_id(index, index.similar("a", 10, only_c))


def test_an_unknown_article_is_a_key_error():
    with pytest.raises(KeyError):
        ArticleIndex().similar("nowhere", 5)


@pytest.mark.parametrize("k", [0, -1])
def test_a_limit_of_zero_or_less_returns_none(k):
    index = ArticleIndex()
    index.apply({"a": counts({1: 1}), "b": counts({1: 1})})

    assert 0 == index.similar("a", k).slots.size
