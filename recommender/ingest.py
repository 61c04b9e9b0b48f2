"""Articles from outside into the store: check, analyse, write, and report on each."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from features.site_defaults import NO_DEFAULTS, SiteDefaults
from features.vectorizer import count_terms
from recommender.articles import article_from_record
from recommender.errors import FieldProblem, StoreUnavailable
from recommender.preparing import Preparation, Prepared, prepared_batches
from recommender.record_facts import RecordFacts
from recommender.sources.records import Record
from recommender.storage.article_records import ScriptCall
from recommender.storage.imports import MAX_CHARS, ContentReport, Import, ImportProblem
from recommender.storage.store import REFUSALS, Outcome, Store, WriteResult

PATIENCE_SECONDS = 30.0  # a store that was killed first reads its file again
PAUSE_SECONDS = 0.4
MAX_PROBLEMS = 10  # that the record of one import names


class IngestResult(NamedTuple):
    """
    What happened to one record.

    Fields:
        article_id: None when the record has no readable id.
        outcome: None when the record was refused; *problems* then say why.
        warnings: about optional fields of a stored article that were left out or cut.
        facts: of a stored article, where they were asked for.
    """

    line: int
    article_id: str | None
    outcome: Outcome | None
    problems: Sequence[FieldProblem]
    warnings: Sequence[FieldProblem] = ()
    facts: RecordFacts | None = None


def ingest(
    store: Store,
    site: str,
    records: Iterable[Record],
    patience_seconds: float = PATIENCE_SECONDS,
    defaults: SiteDefaults = NO_DEFAULTS,
    processes: int = 0,
    with_facts: bool = False,
) -> Iterator[IngestResult]:
    """
    Store *records* in batches and yield one result for each, in order.

    A bad record stops no other.

    Args:
        defaults: what the site settles where articles do not say.
        processes: how many analyse articles while this one writes; 0 for none.
        with_facts: whether results tell what an `ImportReport` adds up.

    Raises:
        PreparationFailed: when one of these processes ends.
        StoreUnavailable: when the store stays away for *patience_seconds*. Everything yielded
            before is stored. Repeating the whole ingest is safe: unchanged articles are not
            written again.
    """
    preparation = Preparation(site, defaults, with_facts)
    for batch in prepared_batches(preparation, records, processes):
        yield from _store_batch(store, site, batch, patience_seconds)


def check(
    site: str, records: Iterable[Record], defaults: SiteDefaults, processes: int = 0
) -> Iterator[tuple[IngestResult, ScriptCall | None]]:
    """
    What `ingest` would do with *records*, and what would store each article; nothing is stored.

    The outcome of every accepted article is `added`.
    """
    preparation = Preparation(site, defaults, with_facts=True)
    for batch in prepared_batches(preparation, records, processes):
        for line, article_id, call, problems, warnings, facts in batch:
            if call is None:
                yield IngestResult(line, article_id, None, problems), None
            else:
                result = IngestResult(line, article_id, "added", (), warnings, facts)
                yield result, call


def reindex(store: Store, site: str, everything: bool = False) -> Iterator[tuple[int, int]]:
    """
    Analyse stored articles whose features are outdated or damaged again, or *everything*.

    Nothing else about them changes. After an interruption, call it again to go on.

    Yields:
        after each batch, how many articles were checked and how many were written.
    """
    for checked, texts in store.texts(site, due_only=not everything):
        analysed = []
        for text in texts:
            article = article_from_record(orjson.loads(text))
            analysed.append((text, count_terms(article)))
        yield checked, store.put_features(site, analysed) if analysed else 0


class ImportCounter:
    """Counts the results of one import, and keeps the first problems."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._counts: Counter[str] = Counter()
        self._problems: list[ImportProblem] = []

    def counting(self, results: Iterable[IngestResult]) -> Iterator[IngestResult]:
        """Yield the same *results*, and count each."""
        for result in results:
            self.add(result)
            yield result

    def add(self, result: IngestResult) -> None:
        self._counts[result.outcome or "refused"] += 1
        self._counts["warned"] += bool(result.warnings)
        for pointer, reason in result.problems:
            # A file whose records are all refused must not fill the store with reasons.
            if len(self._problems) < MAX_PROBLEMS:
                self._problems.append(_import_problem(result, pointer, reason))

    def report(self, broke_off: str = "", contents: ContentReport | None = None) -> Import | None:
        """Return the counts for the log of imports; None for an import without a record."""
        if not self._counts and not broke_off:
            return None
        return Import(
            at=datetime.now(UTC),
            source=self._source[:MAX_CHARS],
            added=self._counts["added"],
            changed=self._counts["changed"],
            unchanged=self._counts["unchanged"],
            refused=self._counts["refused"],
            warned=self._counts["warned"],
            broke_off=broke_off[:MAX_CHARS],
            problems=tuple(self._problems),
            contents=contents,
        )


def _store_batch(
    store: Store, site: str, batch: list[Prepared], patience_seconds: float
) -> Iterator[IngestResult]:
    # The store is called once for all records that are good; results keep the order.
    calls = [record.call for record in batch if record.call is not None]
    written = iter(_put_patiently(store, calls, patience_seconds) if calls else [])
    for record in batch:
        if record.call is None:
            yield IngestResult(record.line, record.article_id, None, record.problems)
        else:
            yield _written_result(record, next(written))


def _written_result(record: Prepared, written: WriteResult) -> IngestResult:
    line, article_id, outcome = record.line, record.article_id, written.outcome
    # Only the store knows these reasons, such as a newer version of the article.
    if outcome in REFUSALS:
        return IngestResult(line, article_id, None, [REFUSALS[outcome]])
    warnings = [*record.warnings, *written.warnings]
    return IngestResult(line, article_id, outcome, [], warnings, record.facts)


def _put_patiently(
    store: Store, calls: list[ScriptCall], patience_seconds: float
) -> list[WriteResult]:
    """Try again while the store restarts; writing the same twice changes nothing."""
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            return store.put_prepared(calls)
        except StoreUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)


def _import_problem(result: IngestResult, pointer: str, reason: str) -> ImportProblem:
    article_id = result.article_id
    return ImportProblem(
        line=result.line,
        id=None if article_id is None else article_id[:MAX_CHARS],
        field=pointer.removeprefix("/")[:MAX_CHARS],
        reason=reason[:MAX_CHARS],
    )
