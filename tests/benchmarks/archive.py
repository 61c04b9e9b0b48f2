"""What the archive costs: importing it, holding it in a worker, and adding one article to it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import islice
from statistics import median
from uuid import uuid4

import redis
from corpora import Corpus
from measure import OURS, Row, against_ours, peak_rss_mib, rss_mib, spent

from api.app import create_app
from features.analysis import AnalysedArticle, analyse
from features.analyzer import analyze
from features.article import Article, parse_article
from features.language import detect_language
from features.vectorizer import count_terms
from recommender.backend import Backend
from recommender.config import Settings
from recommender.errors import InvalidInput
from recommender.ingest import ingest
from recommender.preparing import BATCH
from recommender.replica.site import SiteReplica
from recommender.sources.files import ArticleFile
from recommender.sources.records import Record
from recommender.storage.article_records import article_key

SITE, SCRATCH = "main", "scratch"
STEPS_SAMPLE = 2_000
ADDITIONS = 30
DIGEST_BATCH = 2_000


def importing(url: str, corpus: Corpus) -> list[Row]:
    """`alsosee import` of the whole file into an empty store, and what each step of it takes."""
    with Backend(Settings(redis_url=url)) as backend, ArticleFile(str(corpus.file)) as file:
        with redis.Redis.from_url(url) as server:
            before = server_cpu(server)
            with spent() as took:
                outcomes = Counter(r.outcome for r in ingest(backend.store, SITE, file.records()))
            store_cpu = server_cpu(server) - before
        added = outcomes["added"]
        figures = [
            ("articles", float(added), "articles"),
            ("rejected", float(outcomes[None]), "articles"),
            ("speed", added / took.wall, "articles/s"),
            ("speed by CPU", added / took.cpu, "articles/CPU s"),
            ("peak memory", peak_rss_mib(), "MiB"),
            ("store's own CPU", 1e6 * store_cpu / added, "µs/article"),
        ]
        figures += _steps(backend, corpus)
    return [
        Row(f"import: {what}", corpus.name, OURS, figure, unit) for what, figure, unit in figures
    ]


def _steps(backend: Backend, corpus: Corpus) -> Iterator[tuple[str, float, str]]:
    """CPU time of each step on the way, and how long it waits for the store."""
    with ArticleFile(str(corpus.file)) as file, spent() as reading:
        records = list(islice(file.records(), STEPS_SAMPLE))
    with spent() as parsing:
        pairs = list(_accepted(records))
    unlabelled = [article for article, labelled in pairs if not labelled]
    articles = [article for article, _ in pairs]
    with spent() as detecting:
        for article in unlabelled:
            detect_language(f"{article.title}\n{article.body}")
    with spent() as analysing:
        for article in articles:
            for text in (article.title, article.body, *article.tags):
                analyze(text, article.language)
    with spent() as counting:
        counted = [AnalysedArticle(article, count_terms(article)) for article in articles]
    with spent() as writing:
        for start in range(0, len(counted), BATCH):
            backend.store.put(SCRATCH, counted[start : start + BATCH])
    each = 1e6 / len(articles)
    yield "gunzip, read JSON", reading.cpu * each, "µs CPU/article"
    yield "check and clean", (parsing.cpu - detecting.cpu) * each, "µs CPU/article"
    yield "detect language", detecting.cpu * each, "µs CPU/article"
    yield "analyze", analysing.cpu * each, "µs CPU/article"
    yield "count and hash", (counting.cpu - analysing.cpu) * each, "µs CPU/article"
    yield "pack and send", writing.cpu * each, "µs CPU/article"
    yield "wait for the store", (writing.wall - writing.cpu) * each, "µs/article"


def _accepted(records: Iterable[Record]) -> Iterator[tuple[Article, bool]]:
    """The articles that pass, and whether each came with its language."""
    for record in records:
        try:
            yield parse_article(record.data), bool(record.data.get("language"))
        except InvalidInput:
            continue


def server_cpu(server: "redis.Redis") -> float:
    used = server.info("cpu")
    return used["used_cpu_user"] + used["used_cpu_sys"]


def loading(url: str, corpus: Corpus) -> list[Row]:
    """A worker reads the archive and inverts it."""
    with Backend(Settings(redis_url=url)) as backend:
        live = SiteReplica(SITE, backend.store)
        empty = rss_mib()
        with spent() as took:
            live.sync()
        figures = [
            ("time", took.wall, "s"),
            ("CPU", took.cpu, "s CPU"),
            ("peak memory", peak_rss_mib(), "MiB"),
            ("memory after", rss_mib(), "MiB"),
            ("memory before", empty, "MiB"),
        ]
    return [Row(f"load: {what}", corpus.name, OURS, figure, unit) for what, figure, unit in figures]


def adding(url: str, corpus: Corpus) -> list[Row]:
    """
    One article more, many times over: the write, and the next list, which must catch up first.

    Besides, no record of another article may change by a byte.
    """
    # What was deleted does not come back, so every run needs ids of its own.
    new = {f"added-{uuid4()}": record for record in records(corpus, ADDITIONS)}
    with Backend(Settings(redis_url=url)) as backend, redis.Redis.from_url(url) as server:
        backend.site(SITE).sync()
        client = create_app(backend=backend).test_client()
        others = stored_digest(server, new)
        put_cpu, put_wall, first, again = [], [], [], []
        for article_id, record in new.items():
            with spent() as took:
                backend.store.put(SITE, [analyse(record | {"id": article_id, "url": None})])
            put_cpu.append(1000 * took.cpu)
            put_wall.append(1000 * took.wall)
            # `min_score` makes a list that is never cached.
            path = f"/v1/{SITE}/articles/{article_id}/related?min_score=0"
            for times in (first, again):
                with spent() as took:
                    assert client.get(path).status_code == 200
                times.append(1000 * took.cpu)
        changed = float(stored_digest(server, new) != others)
        for article_id in new:
            backend.store.delete(SITE, article_id)
    lists = {OURS: median(first), "a list with nothing new": median(again)}
    return [
        Row("add: write", corpus.name, OURS, median(put_cpu), "ms CPU"),
        Row("add: write, with fsync", corpus.name, OURS, median(put_wall), "ms"),
        *against_ours("add: next list", corpus.name, "ms CPU", lists),
        Row("add: other records changed", corpus.name, OURS, changed, "1 = yes"),
    ]


def records(corpus: Corpus, count: int) -> list[dict[str, object]]:
    """The first articles of the file, as they stand there."""
    with ArticleFile(str(corpus.file)) as file:
        return [record.data for record in islice(file.records(), count)]  # type: ignore[misc]


def stored_digest(server: "redis.Redis", besides: Iterable[str] = ()) -> bytes:
    """One number for every card, text, vector and head of a site but those of the ids *besides*."""
    left_out = {article_key(SITE, article_id).encode() for article_id in besides}
    prefix = f"see:{{{SITE}}}:"
    heads = server.hgetall(prefix + "heads")
    digest = blake2b()
    keys = sorted(heads.keys() - left_out)
    for start in range(0, len(keys), DIGEST_BATCH):
        batch = keys[start : start + DIGEST_BATCH]
        names = [
            f"{prefix}{kind}:{k.decode()}" for kind in ("card", "text", "vector") for k in batch
        ]
        for value in (*map(heads.get, batch), *server.mget(names)):
            digest.update(b"%d:" % len(value))
            digest.update(value)
    return digest.digest()
