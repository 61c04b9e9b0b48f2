"""Articles: one by one, or many as NDJSON."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import IO, Annotated, Any, NotRequired

import orjson
from flask import Blueprint, Response, request
from pydantic import ConfigDict, Field
from typing_extensions import TypedDict
from werkzeug.exceptions import RequestEntityTooLarge

from api.http.operation import NDJSON, Parameter, operation
from api.http.request import backend, checked_id, read_json, single, without_mark
from api.http.responses import FieldError, field_errors, json_response
from api.http.schemas import NextCursor
from api.lists.options import options_from_query
from features.analysis import analyse
from features.article import Article
from features.schemas import ID, accepts
from recommender.articles import Card
from recommender.errors import Conflict, InvalidInput, NotFound
from recommender.ingest import ImportCounter, IngestResult, ingest
from recommender.pipeline.listing import listing
from recommender.policy.list_options import ListingOptions
from recommender.sources.records import Record, json_record, numbered_lines
from recommender.storage.store import REFUSALS

blueprint = Blueprint("articles", __name__, url_prefix="/v1/<site>/articles")

MAX_BULK_BYTES = 64 * 2**20
MAX_BULK_LINES = 100_000
BULK_PATIENCE_SECONDS = 2.0  # then 503; the client repeats, and stored articles stay
VERSION = Parameter(
    "version",
    "Do not delete a newer version than this",
    {"type": "integer", "minimum": 0, "exclusiveMaximum": 10**16},
)


class SentArticle(Article):
    """
    An article as it is sent: `parse_article` reads it, under other names of its fields too.

    docs/fields.md lists the other names.
    """

    model_config = ConfigDict(extra="ignore")

    id: Annotated[str, accepts(ID)] = ""


Warnings = Annotated[
    list[FieldError], Field(description="Optional fields that were left out or cut")
]


class Stored(TypedDict):
    """What became of one article."""

    id: str
    outcome: Annotated[str, Field(description="`added`, `changed` or `unchanged`")]
    version: Annotated[int, Field(description="Number of the site's last change")]
    warnings: Warnings


class LineResult(TypedDict):
    """What became of one line."""

    line: Annotated[int, Field(ge=1)]
    id: str | None
    status: Annotated[str, Field(description="`added`, `changed`, `unchanged` or `rejected`")]
    errors: NotRequired[list[FieldError]]
    warnings: NotRequired[Warnings]


class ArticlePage(TypedDict):
    """Articles in the order of their ids, without their bodies."""

    items: list[Card]
    next: NextCursor


@blueprint.get("")
@operation("listArticles", scope="ingest", query=ListingOptions, answer=ArticlePage)
def articles(site: str) -> ArticlePage:
    """All articles, or those that pass the filters, in the order of their ids."""
    options = options_from_query(request.args, ListingOptions)
    now = backend().clock.now()
    page, _ = (
        backend()
        .site(site)
        .read_with_cards(lambda recommender: listing(recommender.corpus, options, now))
    )
    return {"items": page.cards, "next": page.next}


@blueprint.put("/<article_id:article_id>")
@operation(
    "putArticle",
    scope="ingest",
    body=SentArticle,
    answer=Stored,
    statuses=(200, 201),
    problems=(409, 413, 415),
)
def put_article(site: str, article_id: str) -> Response:
    """Store an article."""
    article_id = checked_id(article_id)
    analysed = analyse(_with_id(read_json(), article_id), backend().defaults.of(site))
    [written] = backend().store.put(site, [analysed])
    if written.outcome in REFUSALS:
        raise Conflict(f"{article_id}: {REFUSALS[written.outcome].detail}")
    answer: Stored = {
        "id": article_id,
        "outcome": written.outcome,
        "version": written.version,
        "warnings": field_errors([*analysed.warnings, *written.warnings]),
    }
    status = HTTPStatus.CREATED if written.outcome == "added" else HTTPStatus.OK
    return json_response(answer, status)


@blueprint.get("/<article_id:article_id>")
@operation("getArticle", scope="ingest", answer=Article)
def article(site: str, article_id: str) -> dict[str, Any]:
    """The article as stored."""
    stored = backend().store.article(site, checked_id(article_id))
    if stored is None:
        raise NotFound(f"no article {article_id!r}")
    return stored


@blueprint.delete("/<article_id:article_id>")
@operation("deleteArticle", scope="ingest", parameters=(VERSION,), statuses=(204,), problems=(409,))
def delete_article(site: str, article_id: str) -> Response:
    """Delete an article."""
    written = backend().store.delete(site, checked_id(article_id), _version_arg())
    if written.outcome == "missing":
        raise NotFound(f"no article {article_id!r}")
    if written.outcome == "stale":
        raise Conflict(f"{article_id}: {REFUSALS['stale'].detail}")
    return Response(status=HTTPStatus.NO_CONTENT)


@blueprint.post("")
@operation(
    "putArticles",
    scope="ingest",
    body=SentArticle,
    body_types=(NDJSON,),
    answer=LineResult,
    answer_type=NDJSON,
    problems=(413, 415),
)
def put_articles(site: str) -> Response:
    """Store many articles: NDJSON in, and one result line out for each line that is not blank."""
    request.max_content_length = MAX_BULK_BYTES
    results = ingest(
        backend().store,
        site,
        _lines(request.stream),
        BULK_PATIENCE_SECONDS,
        backend().defaults.of(site),
    )
    counter = ImportCounter("upload")
    try:
        # Joined, not streamed: a client that sends everything before it reads would wait for us
        # while we wait for it.
        lines = b"".join(map(_result_line, counter.counting(results)))
    except RequestEntityTooLarge:
        backend().imports.record(site, counter.report("the upload was longer than the limit"))
        raise
    backend().imports.record(site, counter.report())
    return Response(lines, content_type=NDJSON)


def _with_id(data: object, article_id: str) -> object:
    """The fields with the id of the path; another id in the body is a mistake."""
    if not isinstance(data, dict):
        return data
    sent_id = data.get("id")
    # isinstance would accept true and false.
    if type(sent_id) is int:
        sent_id = str(sent_id)
    if sent_id not in (None, article_id):
        raise InvalidInput.at("id", "differs from the id in the path")
    return {**data, "id": article_id}


def _version_arg() -> int | None:
    version = single(request.args, VERSION.name)
    if version is not None and not (version.isascii() and version.isdigit() and len(version) < 17):
        raise InvalidInput.at(VERSION.name, "expected a whole number")
    return None if version is None else int(version)


def _lines(stream: IO[bytes]) -> Iterator[Record]:
    for number, line in numbered_lines(stream):
        if number > MAX_BULK_LINES:
            raise RequestEntityTooLarge(f"Expected at most {MAX_BULK_LINES} lines.")
        yield json_record(number, without_mark(line) if number == 1 else line)


def _result_line(result: IngestResult) -> bytes:
    answer: LineResult = {
        "line": result.line,
        "id": result.article_id,
        "status": result.outcome or "rejected",
    }
    if result.problems:
        answer["errors"] = field_errors(result.problems)
    if result.warnings:
        answer["warnings"] = field_errors(result.warnings)
    return orjson.dumps(answer) + b"\n"
