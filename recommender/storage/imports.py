"""
The log of imports: counts of each, and the first problems.

    see:{site}:imports   list of the last imports, newest first, JSON

It holds neither text nor title of an article: an id, the line, the field and the reason.
"""

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from recommender.errors import StoreUnavailable
from recommender.storage.connections import Connection
from recommender.storage.keyspace import site_key

MAX_IMPORTS = 20
MAX_CHARS = 200  # of an id, a file name, or a reason


class ImportProblem(BaseModel):
    """Why an article was refused; *field* is empty when the reason concerns the whole line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: int
    id: str | None
    field: str
    reason: str


class Import(BaseModel):
    """
    One import.

    Fields:
        source: the file's name without its folder, or `upload` for an import over HTTP.
        broke_off: why the import ended early; empty when it did not.
        warned: how many of the stored articles lack a part that could not be read.
        problems: the first ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime
    source: str
    added: int
    changed: int
    unchanged: int
    refused: int
    warned: int = 0
    broke_off: str = ""
    problems: tuple[ImportProblem, ...] = ()


class ImportLog:
    """The last imports of all sites."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, site: str, finished: Import | None) -> None:
        """Keep the report of an import. While the store is away, it is lost without an error."""
        if finished is None:
            return
        try:
            with self._connection.using("write") as client:
                pipeline = client.pipeline(transaction=True)
                pipeline.lpush(_key(site), finished.model_dump_json())
                pipeline.ltrim(_key(site), 0, MAX_IMPORTS - 1)
                pipeline.execute()
        except StoreUnavailable:
            return

    def last(self, site: str) -> list[Import]:
        """The last imports, newest first. Raises StoreUnavailable."""
        with self._connection.using("read") as client:
            records = client.lrange(_key(site), 0, MAX_IMPORTS - 1)
        imports = [_parse(record) for record in records]
        return [one for one in imports if one is not None]


def _parse(record: bytes) -> Import | None:
    try:
        return Import.model_validate_json(record)
    except ValidationError:  # damaged, or written by another version
        return None


def _key(site: str) -> str:
    return site_key(site, "imports")
