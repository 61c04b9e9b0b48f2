"""What a list costs: by the index alone, made anew, from the cache, and for a draft."""

import random
from collections.abc import Sequence
from urllib.parse import quote

import numpy as np
import redis
from corpora import SEED, Corpus
from flask import Flask, Response
from flask.testing import FlaskClient
from measure import OURS, Row, against_ours, times
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array
from sklearn.metrics.pairwise import linear_kernel

from api.app import create_app
from features.article import parse_draft
from features.vectorizer import TWO_WORD_BIT, TWO_WORD_WEIGHT, TermCounts, count_terms
from recommender.backend import Backend
from recommender.config import Settings
from recommender.index import ArticleIndex, Neighbours

SITE = "main"
K = 10
QUERIES = 30  # of systems that take half a second each
SOURCES = 300
HITS = 2_000
DRAFTS = 100
DRAFT_CHARS = 3_000
SAME_SCORE = 1e-6


def similar(url: str, corpus: Corpus) -> list[Row]:
    """The index alone, beside scikit-learn and SciPy, and checked against a float64 brute force."""
    with Backend(Settings(redis_url=url)) as backend:
        counts: dict[str, TermCounts] = {}
        for batch in backend.store.all_stored(SITE):
            counts |= {article_id: stored.counts for article_id, stored in batch.items()}
    index = ArticleIndex()
    index.apply(counts)
    vectors = tfidf_rows(list(counts.values()))  # a row is an article's slot
    float32_rows = vectors.astype(np.float32)
    columns = csc_array(float32_rows)

    def by_sklearn(slot: int) -> NDArray[np.intp]:
        return best(linear_kernel(vectors[[slot]], vectors)[0], slot)

    def by_scipy(slot: int) -> NDArray[np.intp]:
        start, end = float32_rows.indptr[slot : slot + 2]
        terms, weights = float32_rows.indices[start:end], float32_rows.data[start:end]
        return best(columns[:, terms] @ weights, slot)

    slots = random.Random(SEED).sample(range(len(index)), min(QUERIES, len(index)))
    calls = {
        OURS: lambda slot: index.similar(index.ids[slot], K),
        "scipy CSC slice + argpartition": by_scipy,
        "scikit-learn linear_kernel + argpartition": by_sklearn,
    }
    figures = times(calls, slots).cpu
    right = [agreement(index.similar(index.ids[s], K), vectors, s) for s in slots]
    return [
        *against_ours("similar: top 10", corpus.name, "ms CPU", figures),
        Row("similar: agrees with float64", corpus.name, OURS, float(np.mean(right)), "of places"),
    ]


def tfidf_rows(counts: Sequence[TermCounts]) -> csr_array:
    """The l2-normalised TF-IDF rows in float64, by the textbook formula and nothing of ours."""
    terms, columns = np.unique(np.concatenate([row.terms for row in counts]), return_inverse=True)
    ends = np.cumsum([0, *(row.terms.size for row in counts)])
    weights = 1.0 + np.log(np.concatenate([row.counts for row in counts]).astype(np.float64))
    weights[(terms[columns] & TWO_WORD_BIT) != 0] *= TWO_WORD_WEIGHT
    df = np.bincount(columns)
    weights *= (np.log((1 + len(counts)) / (1 + df)) + 1.0)[columns]
    lengths = np.sqrt(np.add.reduceat(weights**2, ends[:-1]))
    weights /= np.repeat(lengths, np.diff(ends))
    return csr_array((weights, columns.astype(np.int32), ends), shape=(len(counts), terms.size))


def best(scores: NDArray[np.floating], leave_out: int) -> NDArray[np.intp]:
    scores[leave_out] = 0.0
    top = np.argpartition(scores, -K)[-K:]
    return top[np.argsort(-scores[top])]


def agreement(ours: Neighbours, vectors: csr_array, slot: int) -> float:
    """The share of places that hold an article with the score which that place deserves."""
    exact = vectors @ vectors[[slot]].toarray()[0]
    exact[slot] = 0.0
    wanted = np.sort(exact)[::-1][:K]
    wanted = wanted[wanted > SAME_SCORE]
    shown, said = ours.slots[: wanted.size], ours.scores[: wanted.size]
    if shown.size < wanted.size:
        return 0.0
    right = (abs(exact[shown] - wanted) <= SAME_SCORE) & (abs(said - wanted) <= SAME_SCORE)
    return float(right.mean())


def uncached(url: str, corpus: Corpus) -> list[Row]:
    """A list that no cache has, through the whole Flask route: every article is asked once."""
    _forget_lists(url)
    with Backend(Settings(redis_url=url)) as backend:
        client, paths = _client(backend), _paths(backend, SOURCES)
        found = times({OURS: lambda path: _list(client, path, "fwd=miss")}, paths)
    return [
        Row("uncached list", corpus.name, OURS, found.cpu[OURS], "ms CPU"),
        Row("uncached list, with waiting", corpus.name, OURS, found.wall[OURS], "ms"),
    ]


def cached(url: str, corpus: Corpus) -> list[Row]:
    """A list from the cache, beside the least that Flask can do with the same test client."""
    with Backend(Settings(redis_url=url)) as backend, redis.Redis.from_url(url) as server:
        client, hello = _client(backend), _hello(server).test_client()
        path = _paths(backend, 1)[0]
        client.get(path)
        server.set("benchmark:list", client.get(path).data)
        calls = {
            OURS: lambda _: _list(client, path, "hit"),
            "Flask hello": lambda _: hello.get("/"),
            "Flask + redis-py GET": lambda _: hello.get("/redis"),
        }
        found = times(calls, range(HITS))
        server.delete("benchmark:list")
    return [
        *against_ours("cached list", corpus.name, "ms CPU", found.cpu),
        *against_ours("cached list, with waiting", corpus.name, "ms", found.wall),
    ]


def _hello(server: "redis.Redis") -> Flask:
    app = Flask("hello")
    app.add_url_rule("/", "hello", lambda: "Hello, World!")
    app.add_url_rule(
        "/redis",
        "redis",
        lambda: Response(server.get("benchmark:list"), content_type="application/json"),
    )
    return app


def drafting(url: str, corpus: Corpus) -> list[Row]:
    """A story of 3 kB that is not stored: its terms, its list, and both through the route."""
    with Backend(Settings(redis_url=url)) as backend:
        client = _client(backend)
        key = {"Authorization": f"Bearer {backend.keys.create(SITE, ['edit'])}"}
        drafts = _drafts(backend)
        count = times({OURS: lambda draft: count_terms(parse_draft(draft))}, drafts).cpu

        def post(draft: dict[str, str]) -> None:
            answer = client.post(f"/v1/{SITE}/related", json=draft, headers=key)
            assert answer.status_code == 200

        route = times({OURS: post}, drafts).cpu
    return [
        Row("draft of 3 kB: check, analyze, count", corpus.name, OURS, count[OURS], "ms CPU"),
        Row("draft of 3 kB: the whole answer", corpus.name, OURS, route[OURS], "ms CPU"),
    ]


def _client(backend: Backend) -> FlaskClient:
    backend.site(SITE).sync()
    return create_app(backend=backend).test_client()


def _list(client: FlaskClient, path: str, state: str) -> None:
    answer = client.get(path)
    assert answer.headers["Cache-Status"] == f"AlsoSee; {state}"


def _ids(backend: Backend, count: int) -> list[str]:
    """Some articles by chance, the same ones in every run."""
    ids = sorted(article_id for batch in backend.store.all_stored(SITE) for article_id in batch)
    return random.Random(SEED).sample(ids, min(count, len(ids)))


def _paths(backend: Backend, count: int) -> list[str]:
    ids = _ids(backend, count)
    return [f"/v1/{SITE}/articles/{quote(i, safe='')}/related" for i in ids]


def _drafts(backend: Backend) -> list[dict[str, str]]:
    """Stories of 3,000 characters, pieced together from stored ones."""
    stored = [backend.store.article(SITE, article_id) for article_id in _ids(backend, 10 * DRAFTS)]
    pieces = iter([article for article in stored if article])
    drafts = []
    for first in pieces:
        body = str(first["body"])
        while len(body) < DRAFT_CHARS and (more := next(pieces, None)):
            body += "\n\n" + str(more["body"])
        drafts.append({"title": str(first["title"]), "body": body[:DRAFT_CHARS]})
    return drafts[:DRAFTS]


def _forget_lists(url: str) -> None:
    with redis.Redis.from_url(url) as server:
        for key in server.scan_iter(f"see:{{{SITE}}}:list:*"):
            server.delete(key)
