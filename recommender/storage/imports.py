"""
The log of imports: counts of each, and the first problems.

    see:{site}:imports   list of the last imports, newest first, JSON

It holds neither text nor title of an article: an id, the line, the field and the reason.
"""

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from recommender.errors import StoreUnavailable
from recommender.storage.article_records import site_key
from recommender.storage.connections import Connection

MAX_IMPORTS = 20
MAX_CHARS = 200  # of an id, a file name, or a reason


class ImportProblem(BaseModel):
    """Why an article was refused; *field* is empty when the reason concerns the whole line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: int
    id: str | None
    field: str
    reason: str


class FieldReport(BaseModel):
    """
    How many articles have a field, and from where.

    Fields:
        computed: how many values we added: detected languages, excerpts from the body.
        sources: the sender's name → how many values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str
    filled: int
    computed: int = 0
    sources: dict[str, int] = {}


class WarningReport(BaseModel):
    """In how many articles a field was left out or cut, with the line and reason of the first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    line: int
    field: str
    articles: int
    reason: str


class Repeats(BaseModel):
    """How many articles repeat what an earlier one has, and the id of the first of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int = 0
    first_id: str = ""


class ContentReport(BaseModel):
    """
    Facts about the articles of an import, without their text.

    Fields:
        unused: names of columns that are not read → the number of records with them.
        languages: code → articles; empty for an unknown language.
        zone: in which dates without one are read.
        boilerplate_share: of the text of the first articles.
        same_id: the last of the articles with one id is stored.
        notes: what was read that is no article → how often.
        first_ids: of ten articles.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    articles: int
    fields: tuple[FieldReport, ...] = ()
    unused: dict[str, int] = {}
    languages: dict[str, int] = {}
    first_date: str | None = None
    last_date: str | None = None
    dates_without_zone: int = 0
    zone: str = "UTC"
    boilerplate_share: float = 0.0
    same_id: Repeats = Repeats()
    same_address: Repeats = Repeats()
    same_text: Repeats = Repeats()
    warnings: tuple[WarningReport, ...] = ()
    notes: dict[str, int] = {}
    first_ids: tuple[str, ...] = ()


class Import(BaseModel):
    """
    One import.

    Fields:
        source: the file's name without its folder, or `upload` for an import over HTTP.
        broke_off: why the import ended early; empty when it did not.
        warned: how many of the stored articles lack a part that could not be read.
        problems: the first ones.
        contents: of imports by command.
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
    contents: ContentReport | None = None


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
            # The articles are stored; a lost report must not make the import fail.
            return

    def forget(self, site: str, article_id: str) -> None:
        """Delete the reports that name an article."""
        with self._connection.using("batch") as client:
            for record in client.lrange(_key(site), 0, -1):
                report = _parse(record)
                # A report that cannot be read may name the article too.
                if report is None or _names(report, article_id):
                    client.lrem(_key(site), 0, record)

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


def _names(report: Import, article_id: str) -> bool:
    contents = report.contents or ContentReport(articles=0)
    repeats = (contents.same_id, contents.same_address, contents.same_text)
    ids = [problem.id for problem in report.problems]
    ids += [*contents.first_ids, *(one.first_id for one in repeats)]
    texts = [warning.reason for warning in contents.warnings]
    # Reports cut long ids, see `ingest`.
    return article_id[:MAX_CHARS] in ids or any(article_id in text for text in texts)


def _key(site: str) -> str:
    return site_key(site, "imports")
