"""What a list costs: by the index alone, made anew, from the cache, and for a draft."""

import math
import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import numpy as np
import peers
import redis
from corpora import SEED, Corpus
from measure import OURS, Row, against_ours, times
from numpy.typing import NDArray
from scipy.sparse import csr_array
from werkzeug.test import EnvironBuilder, run_wsgi_app

from api.app import create_app
from features.article import parse_draft
from features.vectorizer import TWO_WORD_BIT, TWO_WORD_WEIGHT, TermCounts, count_terms
from recommender.backend import Backend
from recommender.config import Settings
from recommender.index.ids import SortedIds
from recommender.index.index import ArticleIndex, Neighbours, warm
from recommender.index.reader import Base
from recommender.index.writer import build_index
from recommender.pipeline.warm import warm as warm_all
from recommender.policy.list_options import ListOptions

SITE = "main"
K = 10
BULK = 1_500
BULK_TURNS = 5
TURN = 10  # a process has one index, and no other system that empties the processor's caches
QUERIES = 30  # of systems that take half a second each
SOURCES = 300
DRAFTS = 100
DRAFT_CHARS = 3_000
SAME_SCORE = 1e-6
DIVERSITY = 0.3


def similar(url: str, corpus: Corpus) -> list[Row]:
    """The index alone, beside peers with the same vectors or texts, and a float64 brute force."""
    ids, counts, texts = _archive(url)
    index = base_index(ids, counts)
    vectors = tfidf_rows(counts)  # a row is an article's slot
    slots = random.Random(SEED).sample(range(len(index)), min(SOURCES, len(index)))
    calls = {OURS: lambda slot: index.similar(ids[slot], K)}
    with ExitStack() as stack:
        calls |= peers.by_vectors(vectors, K, stack) | peers.by_texts(texts, K, stack)
        slow = {name: call for name, call in calls.items() if name == OURS or "kernel" in name}
        fast = {name: call for name, call in calls.items() if name == OURS or name not in slow}
        figures = times(fast, slots, in_a_row=TURN).cpu
        against_slow = times(slow, slots[:QUERIES]).cpu
    right = [agreement(index.similar(ids[s], K), vectors, s) for s in slots]
    path = "similar: top 10"
    rows = against_ours(path, corpus.name, "ms CPU", figures)
    rows += against_ours(path, corpus.name, "ms CPU", against_slow)[1:]
    rows += [
        Row(path, corpus.name, f"{name} (not installed)", math.nan, "ms CPU")
        for name in peers.missing()
    ]
    deeper = times({OURS: lambda slot: index.similar(ids[slot], 10 * K)}, slots).cpu[OURS]
    return [
        *rows,
        Row("similar: top 100", corpus.name, OURS, deeper, "ms CPU"),
        Row("similar: agrees with float64", corpus.name, OURS, float(np.mean(right)), "of places"),
    ]


def bulk(url: str, corpus: Corpus) -> list[Row]:
    """Every article's ten nearest on one core: a sample, in turns, as articles a second of CPU."""
    ids, counts, _ = _archive(url)
    index = base_index(ids, counts)
    theirs = peers.sparse_dot_topn(tfidf_rows(counts), K)
    chosen = random.Random(SEED).sample(range(len(index)), min(BULK, len(index)))
    parts = [np.sort(part) for part in np.array_split(np.array(chosen), BULK_TURNS)]

    def ours(slots: NDArray[np.intp]) -> None:
        for slot in slots.tolist():
            index.similar(ids[slot], K)

    calls: dict[str, Callable[[NDArray[np.intp]], object]] = {OURS: ours}
    if theirs is not None:
        calls["sparse_dot_topn"] = theirs
    milliseconds = times(calls, parts).cpu
    size = len(chosen) / BULK_TURNS
    return [
        Row(
            "bulk: top 10 of all",
            corpus.name,
            name,
            1000 * size / ms,
            "articles/CPU s",
            ms / milliseconds[OURS],
        )
        for name, ms in milliseconds.items()
    ]


def _archive(url: str) -> tuple[list[str], list[TermCounts], list[str]]:
    """Ids, ascending, with the terms and texts of their articles."""
    with Backend(Settings(redis_url=url)) as backend:
        counts = {
            article_id: stored.features.counts
            for batch in backend.store.all_stored(SITE)
            for article_id, stored in batch.items()
        }
        texts = {
            str(article["id"]): f"{article['title']}\n{article['body']}"
            for article in backend.store.all_articles(SITE)
        }
    ids = sorted(counts)
    return ids, [counts[i] for i in ids], [texts[i] for i in ids]


def base_index(ids: Sequence[str], counts: Sequence[TermCounts]) -> ArticleIndex:
    """An index as a worker has it that has just started from a file."""
    warm()
    ends = np.cumsum([0, *(row.terms.size for row in counts)])
    terms = np.concatenate([row.terms for row in counts])
    found = build_index(ends, terms, np.concatenate([row.counts for row in counts]))
    return ArticleIndex(Base(found), SortedIds.of(ids))


def tfidf_rows(counts: Sequence[TermCounts]) -> csr_array:
    """The l2-normalised TF-IDF rows in float64, by the textbook formula and nothing of ours."""
    terms, columns = np.unique(np.concatenate([row.terms for row in counts]), return_inverse=True)
    ends = np.cumsum([0, *(row.terms.size for row in counts)])
    weights = 1.0 + np.log(np.concatenate([row.counts for row in counts]).astype(np.float64))
    weights[(terms[columns] & TWO_WORD_BIT) != 0] *= TWO_WORD_WEIGHT
    df = np.bincount(columns)
    weights *= (np.log((1 + len(counts)) / (1 + df)) + 10 / (10 + len(counts)))[columns]
    lengths = np.sqrt(np.add.reduceat(weights**2, ends[:-1]))
    weights /= np.repeat(lengths, np.diff(ends))
    return csr_array((weights, columns.astype(np.int32), ends), shape=(len(counts), terms.size))


def agreement(ours: Neighbours, vectors: csr_array, slot: int) -> float:
    """The share of places that hold an article with the score which that place deserves."""
    exact = vectors @ vectors[[slot]].toarray()[0]
    exact[slot] = 0.0
    options = np.sort(exact)[::-1][:K]
    options = options[options > SAME_SCORE]
    shown, said = ours.slots[: options.size], ours.scores[: options.size]
    if shown.size < options.size:
        return 0.0
    right = (abs(exact[shown] - options) <= SAME_SCORE) & (abs(said - options) <= SAME_SCORE)
    return float(right.mean())


def pipeline(url: str, corpus: Corpus) -> list[Row]:
    """A list by every step of `Recommender`, 100 candidates, beside its bare neighbours."""
    warm_all()
    diverse = ListOptions(limit=K, diversity=DIVERSITY)
    with Backend(Settings(redis_url=url)) as backend:
        live = backend.site(SITE)
        now = datetime.now(UTC)
        live.sync()

        def related(article_id: str, options: ListOptions) -> object:
            return live.read_with_cards(lambda maker: maker.related(article_id, options, now))

        calls = {
            OURS: lambda i: related(i, diverse),
            "without diversity": lambda i: related(i, ListOptions(limit=K)),
            "its nearest 100 alone": lambda i: live._corpus.index.similar(i, 10 * K),
        }
        figures = times(calls, _ids(backend, SOURCES)).cpu
    return against_ours("pipeline: diversity 0.3", corpus.name, "ms CPU", figures)


def drafting(url: str, corpus: Corpus) -> list[Row]:
    """A story of 3 kB that is not stored: its terms, its list through the route, its links."""
    with Backend(Settings(redis_url=url)) as backend:
        backend.site(SITE).sync()
        app = create_app(backend=backend)
        key = {"Authorization": f"Bearer {backend.keys.create(SITE, ['edit'])}"}
        drafts = _drafts(backend)
        checked = [parse_draft(draft) for draft in drafts]
        alone = times({OURS: count_terms}, checked).cpu
        count = times({OURS: lambda draft: count_terms(parse_draft(draft))}, drafts).cpu

        def answer(request: dict[str, Any]) -> None:
            assert run_wsgi_app(app, request)[1].startswith("200")

        def requests(path: str) -> list[dict[str, Any]]:
            """As the web server hands them over."""
            builders = (EnvironBuilder(path, method="POST", json=d, headers=key) for d in drafts)
            return [builder.get_environ() for builder in builders]

        route = times({OURS: answer}, requests(f"/v1/{SITE}/related")).cpu
        placing = times({OURS: answer}, requests(f"/v1/{SITE}/links")).cpu
    return [
        Row("draft of 3 kB: analyze, count", corpus.name, OURS, alone[OURS], "ms CPU"),
        Row("draft of 3 kB: the same, check, detect", corpus.name, OURS, count[OURS], "ms CPU"),
        Row("draft of 3 kB: the whole answer", corpus.name, OURS, route[OURS], "ms CPU"),
        Row("draft of 3 kB: five links in it", corpus.name, OURS, placing[OURS], "ms CPU"),
    ]


def _ids(backend: Backend, count: int) -> list[str]:
    """Some articles by chance, the same ones in every run."""
    ids = sorted(article_id for batch in backend.store.all_stored(SITE) for article_id in batch)
    return random.Random(SEED).sample(ids, min(count, len(ids)))


def list_paths(backend: Backend, count: int) -> list[str]:
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


def forget_lists(url: str) -> None:
    with redis.Redis.from_url(url) as server:
        for key in server.scan_iter(f"see:{{{SITE}}}:list:*"):
            server.delete(key)
