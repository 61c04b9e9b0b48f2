"""
The lists of a brute force, over thousands of articles, where common terms are read last.

And the cut of a list at its k-th score.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from features.vectorizer import TWO_WORD_BIT, TermCounts, tfidf
from recommender.index.ids import SortedIds
from recommender.index.index import SCORE_DECIMALS, ArticleIndex, Neighbours
from recommender.index.reader import Base
from recommender.index.search import CHUNK, kth_best, top_k
from recommender.index.writer import build_index

ARTICLES, VOCABULARY, LENGTH = 3_000, 4_000, 30
QUERIES = 60


def story(rng: np.random.Generator) -> TermCounts:
    """Words as a language has them: a few in every second article, most in hardly any."""
    words = np.exp(rng.random(LENGTH) * np.log(VOCABULARY)).astype(np.uint32)
    pairs = rng.integers(0, 3 * VOCABULARY, LENGTH // 2, dtype=np.uint32) | TWO_WORD_BIT
    terms, counts = np.unique(np.concatenate((words, pairs)), return_counts=True)
    return TermCounts(terms, counts.astype(np.float32))


def index_of(rows: list[TermCounts], ids: list[str]) -> ArticleIndex:
    ends = np.cumsum([0, *(row.terms.size for row in rows)])
    terms = np.concatenate([row.terms for row in rows])
    arrays = build_index(ends, terms, np.concatenate([row.counts for row in rows]))
    return ArticleIndex(Base(arrays), SortedIds.of(ids))


class Oracle:
    """Every cosine, from float64 rows."""

    def __init__(self, rows: dict[str, TermCounts]) -> None:
        self.ids = list(rows)
        terms = np.concatenate([row.terms for row in rows.values()])
        self._known, self._df = np.unique(terms, return_counts=True)
        weights = [self._unit(row) for row in rows.values()]
        ends = np.cumsum([0, *(row.terms.size for row in rows.values())])
        columns = np.searchsorted(self._known, terms)
        shape = (len(rows), self._known.size)
        self._matrix = csr_array((np.concatenate(weights), columns, ends), shape)

    def _unit(self, row: TermCounts) -> np.ndarray:
        df = self._df[np.searchsorted(self._known, row.terms)]
        return tfidf(row, df, len(self.ids))

    def best(self, row: TermCounts, k: int, among: set[str]) -> dict[str, float]:
        query = np.zeros(self._known.size)
        query[np.searchsorted(self._known, row.terms)] = self._unit(row)
        scores = np.minimum(np.round(self._matrix @ query, SCORE_DECIMALS), 1.0)
        scored = zip(self.ids, scores, strict=True)
        positive = {i: score for i, score in scored if i in among and score > 0}
        least = sorted(positive.values(), reverse=True)[:k][-1]
        return {i: score for i, score in positive.items() if score >= least}


def by_id(index: ArticleIndex, near: Neighbours) -> dict[str, float]:
    return {index.ids[s]: score for s, score in zip(near.slots, near.scores, strict=True)}


@pytest.mark.parametrize("k", [1, 10, 200])
@pytest.mark.parametrize("changes", [0, 1, 300], ids="{} changes".format)
def test_lists_of_a_large_archive_are_those_of_a_brute_force(k, changes):
    rng = np.random.default_rng(k * 1_000 + changes)
    ids = [f"a{number:05}" for number in range(ARTICLES)]
    rows = {article_id: story(rng) for article_id in ids}
    index = index_of(list(rows.values()), ids)
    changed = {f"a{number:05}": story(rng) for number in rng.integers(0, ARTICLES + 200, changes)}
    removed = {f"a{number:05}" for number in rng.integers(0, ARTICLES, changes)} - changed.keys()
    index.apply(changed, removed)
    rows = {i: row for i, row in (rows | changed).items() if i not in removed}
    oracle = Oracle(rows)
    mask = rng.random(index.slots) < 0.3

    for article_id in rng.choice(oracle.ids, QUERIES).tolist():
        others = rows.keys() - {article_id}
        expected = oracle.best(rows[article_id], k, others)
        assert expected == by_id(index, index.similar(article_id, k))
        some = {i for i in others if mask[index.slot(i)]}
        expected = oracle.best(rows[article_id], k, some)
        assert expected == by_id(index, index.similar(article_id, k, mask))
        assert oracle.best(rows[article_id], k, {*rows}) == by_id(
            index, index.similar_to(rows[article_id], k)
        )


@given(
    st.integers(1, 20 * CHUNK),
    st.integers(1, 40),
    st.sampled_from([0.0, 0.01, 0.5, 1.0]),
    st.integers(1, 30),
    st.integers(0, 2**32 - 1),
)
def test_the_kth_best_is_that_of_a_sort(slots, different, share, k, seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, different, slots).astype(np.float32)
    inverse = rng.random(slots).astype(np.float32)
    mask = rng.random(slots) < share if share < 1 else np.empty(0, np.bool_)
    excluded = int(rng.integers(-1, slots))
    chunks = np.split(scores * inverse, range(CHUNK, slots, CHUNK))
    best = np.array([chunk.max() for chunk in chunks], np.float32)

    eligible = np.ones(slots, np.bool_) if mask.size == 0 else mask.copy()
    eligible[excluded if excluded >= 0 else []] = False
    allowed = np.sort((scores * inverse)[eligible])[::-1]
    expected = max(float(allowed[k - 1]), 0.0) if allowed.size >= k else 0.0
    assert kth_best(scores, inverse, mask, excluded, k, best) == expected


few_values = st.lists(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0]), max_size=12)


@given(few_values, st.integers(-1, 14))
def test_top_k_is_the_head_of_a_stable_sort_with_its_ties(scores, k):
    ranked = sorted((i for i, s in enumerate(scores) if s > 0), key=lambda i: -scores[i])
    last = scores[ranked[min(k, len(ranked)) - 1]] if k > 0 and ranked else 2.0

    expected = [i for i in ranked if scores[i] >= last]
    assert expected == top_k(np.array(scores), k).tolist()
