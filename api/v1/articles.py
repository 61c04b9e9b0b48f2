"""Articles in and out: one by one, and many as NDJSON."""

from collections.abc import Iterator
from http import HTTPStatus
from io import BufferedReader
from typing import IO, Any

import orjson
from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from api.http.auth import require
from api.http.context import backend
from api.http.request import checked_id, read_json, single
from api.http.responses import json_response
from features.analysis import analyse
from recommender.errors import Conflict, InvalidInput, NotFound
from recommender.ingest import REFUSALS, ImportCounter, IngestResult, ingest
from recommender.sources.records import Record, json_record, numbered_lines

blueprint = Blueprint("articles", __name__, url_prefix="/v1/<site>/articles")

MAX_BULK_BYTES = 64 * 2**20
MAX_BULK_LINES = 100_000
NDJSON = "application/x-ndjson"
BULK_PATIENCE_SECONDS = 2.0  # then 503: the client repeats, and what is stored stays


@blueprint.put("/<article_id:article_id>")
def put_article(site: str, article_id: str) -> Response:
    backend().site(site)
    require(site, "ingest")
    article_id = checked_id(article_id)
    analysed = analyse(_with_id(read_json(), article_id), backend().defaults.of(site))
    [written] = backend().store.put(site, [analysed])
    if written.outcome in REFUSALS:
        raise Conflict(f"{article_id}: {REFUSALS[written.outcome].detail}")
    status = HTTPStatus.CREATED if written.outcome == "added" else HTTPStatus.OK
    warnings = [warning._asdict() for warning in analysed.warnings]
    answer = {"id": article_id, **written._asdict(), "warnings": warnings}
    return json_response(answer, status)


@blueprint.get("/<article_id:article_id>")
def article(site: str, article_id: str) -> Response:
    backend().site(site)
    require(site, "ingest")
    found = backend().store.article(site, checked_id(article_id))
    if found is None:
        raise NotFound(f"no article {article_id!r}")
    return json_response(found)


@blueprint.delete("/<article_id:article_id>")
def delete_article(site: str, article_id: str) -> Response:
    backend().site(site)
    require(site, "ingest")
    written = backend().store.delete(site, checked_id(article_id), _version_arg())
    if written.outcome == "missing":
        raise NotFound(f"no article {article_id!r}")
    if written.outcome == "stale":
        raise Conflict(f"{article_id}: {REFUSALS['stale'].detail}")
    return Response(status=HTTPStatus.NO_CONTENT)


@blueprint.post("")
def put_articles(site: str) -> Response:
    """
    Store every good line of NDJSON as it comes in, and answer one line for each.

    The answer waits for the last line: a client that sends all before it reads would
    otherwise wait for us while we wait for it.
    """
    backend().site(site)
    require(site, "ingest")
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
        lines = b"".join(map(_result_line, counter.counting(results)))
    except RequestEntityTooLarge:
        backend().imports.record(site, counter.report("the upload was longer than the limit"))
        raise
    backend().imports.record(site, counter.report())
    return Response(lines, content_type=NDJSON)


def _with_id(data: object, article_id: str) -> object:
    """The id stands in the path; a body that names another one is a mistake."""
    if not isinstance(data, dict):
        return data
    named = data.get("id", article_id)
    if named is not None and (str(named) if type(named) is int else named) != article_id:
        raise InvalidInput.at("id", "differs from the id in the path")
    return {**data, "id": article_id}


def _version_arg() -> int | None:
    version = single(request.args, "version")
    if version is not None and not (version.isascii() and version.isdigit() and len(version) < 17):
        raise InvalidInput.at("version", "expected a whole number")
    return None if version is None else int(version)


def _lines(stream: IO[bytes]) -> Iterator[Record]:
    # Unbuffered, `readline` fetches byte by byte and takes half the time of a bulk write.
    for number, line in numbered_lines(BufferedReader(stream)):  # type: ignore[type-var]
        if number > MAX_BULK_LINES:
            raise RequestEntityTooLarge(f"Expected at most {MAX_BULK_LINES} lines.")
        if line.strip():
            yield json_record(number, line)


def _result_line(result: IngestResult) -> bytes:
    answer: dict[str, Any] = {
        "line": result.line,
        "id": result.article_id,
        "status": result.outcome or "rejected",
    }
    if result.problems:
        answer["errors"] = [problem._asdict() for problem in result.problems]
    if result.warnings:
        answer["warnings"] = [warning._asdict() for warning in result.warnings]
    return orjson.dumps(answer) + b"\n"
