"""Plain systems to compare with: by date, at random, by links, and by common text similarities."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.preprocessing import normalize

from recommender.evaluation.archive import Archive
from recommender.evaluation.protocol import Judged, Protocol
from recommender.evaluation.trec import Run

DEPTH = 100
LSA_DIMENSIONS = 100
BM25_K1 = 1.2  # Lucene's defaults
BM25_B = 0.75

Scores = NDArray[np.float64]
Scorer = Callable[[int], Scores]
"""Position of a query → a score for every article, shape (n,); -inf is never shown."""


def rank(
    scorer: Scorer,
    archive: Archive,
    judged: Judged,
    protocol: Protocol,
    on_query: Callable[[], None],
) -> tuple[Run, list[float]]:
    """
    Rank the eligible articles for every query by *scorer*; ties newer first, then by id.

    Returns:
        the run, and the seconds that each list took.
    """
    run: Run = {}
    seconds = []
    for query in judged.qrels:
        place = archive.place[query]
        started = time.perf_counter()
        scores = np.where(protocol.eligible(archive, place), scorer(place), -np.inf)
        best = _best(scores)
        seconds.append(time.perf_counter() - started)
        run[query] = [(archive.articles[p].id, float(scores[p])) for p in best]
        on_query()
    return run, seconds


def _best(scores: Scores) -> list[int]:
    # Positions are in order of date and id, so the higher position is the newer article.
    shown = np.flatnonzero(scores > -np.inf)
    order = np.lexsort((-shown, -scores[shown]))
    places: list[int] = shown[order[:DEPTH]].tolist()
    return places


def recent(archive: Archive, judged: Judged, protocol: Protocol) -> Scorer:
    """Newest first, as most sites do."""
    positions = np.arange(len(archive.articles), dtype=np.float64)
    return lambda query: positions


def random(archive: Archive, judged: Judged, protocol: Protocol) -> Scorer:
    size = len(archive.articles)
    # A seed for each query, so that a list does not depend on which queries came before it.
    return lambda query: np.random.default_rng((protocol.seed, query)).random(size)


def same_section(archive: Archive, judged: Judged, protocol: Protocol) -> Scorer:
    """The newest of the query's section, and nothing else."""
    sections = np.array([article.section or "" for article in archive.articles])
    positions = np.arange(sections.size, dtype=np.float64)
    return lambda query: np.where(
        (sections == sections[query]) & (sections[query] != ""), positions, -np.inf
    )


def popular_links(archive: Archive, judged: Judged, protocol: Protocol) -> Scorer:
    """The articles with most links from others, counting links published by the query's date."""
    place = archive.place
    links = []
    for source, target in sorted(judged.links):
        if target in place:
            links.append((place[source], place[target]))
    # Reshaped, or without links there would be nothing to unpack.
    sources, targets = np.array(links, dtype=np.intp).reshape(-1, 2).T

    def scorer(query: int) -> Scores:
        is_published = archive.published[sources] <= archive.published[query]
        # Without the query's own links, which are the truth that the list is measured by.
        counted = (is_published | (protocol.as_of == "all")) & (sources != query)
        counts = np.bincount(targets[counted], minlength=len(archive.articles)).astype(np.float64)
        return np.where(counts > 0, counts, -np.inf)

    return scorer


def tfidf(archive: Archive, judged: Judged, protocol: Protocol) -> Scorer:
    """scikit-learn's TfidfVectorizer with its defaults, and the cosine."""
    rows = csr_array(TfidfVectorizer().fit_transform(_texts(archive)))
    return lambda query: _matches(rows @ rows[[query]].toarray()[0])


def lsa(archive: Archive, judged: Judged, protocol: Protocol) -> Scorer:
    """Latent semantic analysis: TF-IDF rows in a hundred dimensions (Deerwester et al. 1990)."""
    rows = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit_transform(_texts(archive))
    # A small archive has fewer dimensions than that.
    dimensions = max(2, min(LSA_DIMENSIONS, min(rows.shape) - 1))
    svd = TruncatedSVD(dimensions, random_state=protocol.seed)
    dense = normalize(svd.fit_transform(rows))
    return lambda query: dense @ dense[query]


def bm25(archive: Archive, judged: Judged, protocol: Protocol) -> Scorer:
    """BM25 with the whole text as the query (Robertson & Zaragoza 2009, Lucene's idf)."""
    counts = csr_array(CountVectorizer().fit_transform(_texts(archive)))
    weights = _bm25_weights(counts)
    return lambda query: _matches(weights @ counts[[query]].toarray()[0])


def more_like_this(archive: Archive, judged: Judged, protocol: Protocol) -> Scorer:
    """
    Lucene's MoreLikeThis with its defaults: the 25 terms of the text with the highest tf·idf,
    of those that occur twice in it and in five articles, as an unweighted BM25 query.
    """
    counts = csr_array(CountVectorizer().fit_transform(_texts(archive)))
    weights = _bm25_weights(counts)
    df = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = np.log(counts.shape[0] / (df + 1)) + 1

    def scorer(query: int) -> Scores:
        row = counts[[query]]
        usable = (row.data >= 2) & (df[row.indices] >= 5)
        terms = row.indices[usable]
        tf_idf = row.data[usable] * idf[terms]
        term_query = np.zeros(counts.shape[1])
        term_query[terms[np.argsort(-tf_idf, kind="stable")[:25]]] = 1.0
        return _matches(weights @ term_query)

    return scorer


def _texts(archive: Archive) -> list[str]:
    return [f"{article.title}\n{article.body}" for article in archive.articles]


def _matches(scores: Scores) -> Scores:
    return np.where(scores > 0, scores, -np.inf)


def _bm25_weights(counts: csr_array) -> csr_array:
    lengths = np.asarray(counts.sum(axis=1)).ravel()
    df = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = np.log(1 + (counts.shape[0] - df + 0.5) / (df + 0.5))
    norms = BM25_K1 * (1 - BM25_B + BM25_B * lengths / max(lengths.mean(), 1e-9))
    # Computed for each entry of the sparse matrix: a dense one would not fit in memory.
    tf = counts.data.astype(np.float64)
    saturated = tf * (BM25_K1 + 1) / (tf + np.repeat(norms, np.diff(counts.indptr)))
    return csr_array((saturated * idf[counts.indices], counts.indices, counts.indptr), counts.shape)
