"""
What was imported last, and what of it could not be used.

    see:{site}:imports   list of the last imports, the newest first, JSON

Neither text nor title of an article is part of it: an id, the line, the field and what is wrong.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from recommender.errors import StoreUnavailable
from recommender.storage.connections import Connection
from recommender.storage.ingest import Ingested
from recommender.storage.keyspace import site_key

KEPT = 20
MOST_PROBLEMS = 10  # of one import
MOST_CHARS = 200  # of an id, a file's name, or what is wrong


class ImportProblem(BaseModel):
    """Why an article was refused; *field* is empty where it is about the whole line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: int
    id: str | None
    field: str
    reason: str


class Import(BaseModel):
    """
    One import.

    Fields:
        source: the file's name without its folder, or `upload` for one over HTTP.
        broke_off: why it did not come to its end; empty when it did.
        problems: the first ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    source: str
    added: int
    changed: int
    unchanged: int
    refused: int
    broke_off: str = ""
    problems: tuple[ImportProblem, ...] = ()


class ImportTally:
    """Counts what becomes of the records of one import."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._counts: Counter[str] = Counter()
        self._problems: list[ImportProblem] = []

    def counting(self, results: Iterable[Ingested]) -> Iterator[Ingested]:
        """The same *results*, counted as they pass."""
        for result in results:
            self.add(result)
            yield result

    def add(self, result: Ingested) -> None:
        self._counts[result.outcome or "refused"] += 1
        for pointer, reason in result.problems:
            if len(self._problems) < MOST_PROBLEMS:
                self._problems.append(_problem(result, pointer, reason))

    def finished(self, now: datetime, broke_off: str = "") -> Import | None:
        """All of it; None when there was nothing."""
        if not self._counts and not broke_off:
            return None
        return Import(
            at=now,
            source=self._source[:MOST_CHARS],
            **{name: self._counts[name] for name in ("added", "changed", "unchanged", "refused")},
            broke_off=broke_off[:MOST_CHARS],
            problems=tuple(self._problems),
        )


class ImportLog:
    """The last imports of all sites."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, site: str, tally: ImportTally, broke_off: str = "") -> None:
        """Note an import that has ended; a store that is away keeps nothing, and stops nobody."""
        ended = tally.finished(datetime.now(UTC), broke_off)
        if ended is None:
            return
        try:
            with self._connection.using("write") as client:
                pipeline = client.pipeline(transaction=True)
                pipeline.lpush(_key(site), ended.model_dump_json())
                pipeline.ltrim(_key(site), 0, KEPT - 1)
                pipeline.execute()
        except StoreUnavailable:
            return

    def last(self, site: str) -> list[Import]:
        """The last imports, the newest first. Raises StoreUnavailable."""
        with self._connection.using("read") as client:
            records = client.lrange(_key(site), 0, KEPT - 1)
        return [found for record in records if (found := _read(record)) is not None]


def _problem(result: Ingested, pointer: str, reason: str) -> ImportProblem:
    article_id = result.article_id
    return ImportProblem(
        line=result.line,
        id=None if article_id is None else article_id[:MOST_CHARS],
        field=pointer.removeprefix("/")[:MOST_CHARS],
        reason=reason[:MOST_CHARS],
    )


def _read(record: bytes) -> Import | None:
    try:
        return Import.model_validate_json(record)
    except ValidationError:  # of another version
        return None


def _key(site: str) -> str:
    return site_key(site, "imports")
