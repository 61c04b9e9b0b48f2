"""Our own system in an evaluation, and the names of all systems."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np

from recommender.evaluation import baselines
from recommender.evaluation.archive import Archive
from recommender.evaluation.protocol import Judged, Protocol
from recommender.evaluation.trec import Run, known_id
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
            # With the ids of the list: a reader waits for them too.
            started = time.perf_counter()
            ranking = recommender.related(query, options, moment(archive, query, protocol))
            articles = ranking.by_id(corpus)
            seconds.append(time.perf_counter() - started)
            run[query] = [(article_id, one.score) for article_id, one in articles.items()]
            on_query()
        return run, seconds

    return system


def _options(archive: Archive, query: str, protocol: Protocol, mode: Mode) -> ListOptions:
    published = archive.articles[archive.place[query]].published_at
    before = published if protocol.candidates == "older" else None
    return ListOptions(limit=LIST_LENGTH, mode=mode, published_before=before)


def moment(archive: Archive, query: str, protocol: Protocol) -> datetime:
    """When the list is made: at the query's publication, or after the last one of the archive."""
    own_date = archive.articles[archive.place[query]].published_at
    last_date = archive.articles[-1].published_at  # undated articles come first
    if own_date is not None and protocol.as_of == "publication":
        return own_date
    # The last date is that of the query or later.
    return last_date or datetime.max.replace(tzinfo=UTC)


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
        # `right`: articles of the same moment are published by then, as `Protocol.eligible` has it.
        due = int(np.searchsorted(archive.published, moment, side="right"))
        _enter(archive, corpus, entered, due)
        entered = due
        yield query


def _enter(archive: Archive, corpus: Corpus, first: int, end: int) -> None:
    if end > first:
        article_ids = [article.id for article in archive.articles[first:end]]
        corpus.apply(archive.stored_articles(article_ids))


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
        given = {known_id(query, archive.place): places for query, places in run.items()}
        for query in judged.qrels:
            eligible = protocol.eligible(archive, archive.place[query])
            lists[query] = []
            for name, score in given.get(query, [])[: baselines.DEPTH]:
                article = known_id(name, archive.place)
                place = archive.place.get(article)
                if place is not None and eligible[place]:
                    lists[query].append((article, score))
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
    "alsosee-background": ranked_by(mode="background"),
    "alsosee-followup": ranked_by(mode="followup"),
    "alsosee-recent": ranked_by(mode="recent"),
}
"""The other modes of our own lists, which take part only if they are named."""
