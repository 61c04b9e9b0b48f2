"""Our own system in an evaluation, and the names of all systems."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np

from recommender.evaluation import baselines
from recommender.evaluation.archive import Archive
from recommender.evaluation.protocol import Judged, Protocol
from recommender.evaluation.trec import Run
from recommender.index.corpus import Corpus
from recommender.pipeline.recommender import Recommender
from recommender.policy.list_options import ListOptions
from recommender.policy.option_types import Mode
from recommender.policy.ranking_model import DEFAULTS, RankingModel

LIST_LENGTH = 50  # as many as a caller may ask for

System = Callable[[Archive, Judged, Protocol, Callable[[], None]], tuple[Run, list[float]]]
"""
Makes the lists of all queries, best first, at most `baselines.DEPTH` long, never with the query
itself; returns the run and the seconds that each list took. Calls its last argument once a list.
"""


def ranked_by(model: RankingModel = DEFAULTS, mode: Mode = "balanced") -> System:
    """
    The production pipeline with the numbers of *model*.

    As of publication, articles enter the corpus in order of their dates, and each list is made at
    the date of its query.
    """

    def system(
        archive: Archive, judged: Judged, protocol: Protocol, on_query: Callable[[], None]
    ) -> tuple[Run, list[float]]:
        corpus = Corpus(archive.stored_articles)
        recommender = Recommender(corpus, model)
        run: Run = {}
        seconds = []
        for query in through_time(archive, judged, protocol, corpus):
            options = _options(archive, query, protocol, mode)
            started = time.perf_counter()
            ranking = recommender.related(query, options, moment(archive, query, protocol))
            articles = ranking.by_id(corpus)
            seconds.append(time.perf_counter() - started)
            run[query] = [(i, article.score) for i, article in articles.items()]
            on_query()
        return run, seconds

    return system


def _options(archive: Archive, query: str, protocol: Protocol, mode: Mode) -> ListOptions:
    published = archive.articles[archive.place[query]].published_at
    before = published if protocol.candidates == "older" else None
    return ListOptions(limit=LIST_LENGTH, mode=mode, published_before=before)


def moment(archive: Archive, query: str, protocol: Protocol) -> datetime:
    """When the list is made: at the query's publication, or after the last one of the archive."""
    dated = [
        a.published_at
        for a in (archive.articles[archive.place[query]], archive.articles[-1])
        if a.published_at is not None
    ]
    if not dated:
        return datetime.max.replace(tzinfo=UTC)
    return dated[0] if protocol.as_of == "publication" else max(dated)


def through_time(
    archive: Archive, judged: Judged, protocol: Protocol, corpus: Corpus
) -> Iterator[str]:
    """The queries in order of publication; *corpus* then holds what was published by then."""
    queries = sorted(judged.qrels, key=lambda query: archive.place[query])
    if protocol.as_of == "all":
        _enter(archive, corpus, 0, len(archive.articles))
        yield from queries
        return
    entered = 0
    for query in queries:
        moment = archive.published[archive.place[query]]
        due = int(np.searchsorted(archive.published, moment, side="right"))
        _enter(archive, corpus, entered, due)
        entered = due
        yield query


def _enter(archive: Archive, corpus: Corpus, first: int, end: int) -> None:
    if end > first:
        corpus.apply({archive.articles[p].id: archive.stored(p) for p in range(first, end)})


def baseline(build: Callable[[Archive, Judged, Protocol], baselines.Scorer]) -> System:
    def system(
        archive: Archive, judged: Judged, protocol: Protocol, on_query: Callable[[], None]
    ) -> tuple[Run, list[float]]:
        return baselines.rank(build(archive, judged, protocol), archive, judged, protocol, on_query)

    return system


def given_run(run: Run) -> System:
    """A run from a file: its lists without the articles that may not answer."""

    def system(
        archive: Archive, judged: Judged, protocol: Protocol, on_query: Callable[[], None]
    ) -> tuple[Run, list[float]]:
        lists: Run = {}
        for query in judged.qrels:
            eligible = protocol.eligible(archive, archive.place[query])
            lists[query] = [
                (article, score)
                for article, score in run.get(query, [])[: baselines.DEPTH]
                if article in archive.place and eligible[archive.place[article]]
            ]
            on_query()
        return lists, []

    return system


SYSTEMS: dict[str, System] = {
    "alsosee": ranked_by(),
    "recent": baseline(baselines.recent),
    "random": baseline(baselines.random),
    "same-section": baseline(baselines.same_section),
    "popular-links": baseline(baselines.popular_links),
    "bm25": baseline(baselines.bm25),
    "more-like-this": baseline(baselines.more_like_this),
    "tfidf": baseline(baselines.tfidf),
    "lsa": baseline(baselines.lsa),
}

MODES: dict[str, System] = {
    f"alsosee-{mode}": ranked_by(mode=mode) for mode in ("background", "followup", "recent")
}
"""The other modes of our own lists, which take part only if they are named."""
