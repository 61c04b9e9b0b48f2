"""Articles from outside into the store: check, analyse, write, and say what became of each."""

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

import orjson

from features.article import Article, FieldProblem, InvalidArticle, parse_article
from features.vectorizer import ArticleFeatures, count_terms
from recommender.articles import Facets, StoredArticle, card_of
from recommender.errors import StoreUnavailable
from recommender.sources.records import Record
from recommender.storage.store import Outcome, Store, Written

BATCH = 200
PATIENCE_SECONDS = 30.0  # a store that was killed first reads its file again
PAUSE_SECONDS = 0.4

Analysed = tuple[Article, ArticleFeatures]


class Ingested(NamedTuple):
    """
    What became of one record.

    Fields:
        article_id: None where not even that could be read.
        outcome: None when the record was rejected, with *problems* saying why.
    """

    line: int
    article_id: str | None
    outcome: Outcome | None
    problems: list[FieldProblem]


def ingest(
    store: Store, site: str, records: Iterable[Record], patience_seconds: float = PATIENCE_SECONDS
) -> Iterator[Ingested]:
    """
    Store *records* in batches, one result for each, in order. A bad record stops no other.

    Raises:
        StoreUnavailable: when the store stays away for *patience_seconds*. What was yielded is
            stored, and doing all again is safe: nothing is written twice.
    """
    iterator = iter(records)
    # Read one by one: of what was sent only the article stays, for JSON of empty lists takes twenty
    # times its size as Python objects.
    while batch := [_read(record) for record in islice(iterator, BATCH)]:
        good = [found for *_, found in batch if not isinstance(found, InvalidArticle)]
        written = iter(_put_patiently(store, site, good, patience_seconds) if good else [])
        for line, sent_id, found in batch:
            yield _result(line, sent_id, found, written)


def as_stored(draft: Article) -> StoredArticle:
    """A draft as lists are made from it, though nobody stores it."""
    return StoredArticle(Facets.of(card_of(draft)), count_terms(draft))


def analyse(data: object) -> Analysed:
    """Check one article from outside and count its terms. Raises InvalidArticle."""
    article = parse_article(data)
    return article, count_terms(article)


def reindex(store: Store, site: str, everything: bool = False) -> Iterator[tuple[int, int]]:
    """
    Analyse stored articles anew whose features are outdated or damaged, or else *everything*.

    Nothing else about them changes. Stopped at any moment, it goes on when it is called again.

    Yields:
        after each batch, how many articles were looked at and how many of them written.
    """
    for articles, texts in store.texts(site, due_only=not everything):
        made = [(text, count_terms(stored_article(orjson.loads(text)))) for text in texts]
        yield articles, store.put_features(site, made) if made else 0


def stored_article(fields: Mapping[str, Any]) -> Article:
    """The article with these stored *fields*, dates as text."""
    # Not parsed: that would take for markup what an article says about markup.
    return Article.model_construct(**fields)


def _analysed(data: object) -> Analysed | InvalidArticle:
    try:
        if isinstance(data, InvalidArticle):
            return data
        return analyse(data)
    except InvalidArticle as error:
        return error


def _read(record: Record) -> tuple[int, str | None, Analysed | InvalidArticle]:
    return record.line, _id_of(record.data), _analysed(record.data)


def _result(
    line: int, sent_id: str | None, found: Analysed | InvalidArticle, written: Iterator[Written]
) -> Ingested:
    if isinstance(found, InvalidArticle):
        return Ingested(line, sent_id, None, found.problems)
    article_id, outcome = found[0].id, next(written).outcome
    if outcome in ("stale", "deleted"):
        return Ingested(line, article_id, None, [REFUSALS[outcome]])
    return Ingested(line, article_id, outcome, [])


REFUSALS = {
    "stale": FieldProblem("/version", "older than the version that is stored"),
    "deleted": FieldProblem(
        "/version", "was deleted; a higher version or a later updated_at brings it back"
    ),
}


def _id_of(data: object) -> str | None:
    found = data.get("id") if isinstance(data, dict) else None
    return found if isinstance(found, str) else None


def _put_patiently(
    store: Store, site: str, articles: list[Analysed], patience_seconds: float
) -> list[Written]:
    """Try again while the store restarts; writing the same twice changes nothing."""
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            return store.put(site, articles)
        except StoreUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)
