"""Every article of a site, as an import reads it."""

from collections.abc import Iterator

import orjson
import structlog
from flask import Blueprint, Response

from api.http.operation import NDJSON, operation
from api.http.request import backend
from features.article import Article
from features.exporting import JsonLines
from recommender.errors import AlsoSeeError
from recommender.storage.store import Store

blueprint = Blueprint("export", __name__, url_prefix="/v1/<site>")
log = structlog.get_logger()

CHUNK_BYTES = 2**18


@blueprint.get("/export")
@operation("exportArticles", scope="ingest", answer=Article, answer_type=NDJSON)
def export(site: str) -> Response:
    """
    Every article, one JSON object a line, in the form in which articles are sent.

    Lines are sent while they are read. Where an article cannot be read, the last line is an object
    with the one field `problem`, and says so.
    """
    response = Response(_chunks(_lines(backend().store, site)), content_type=NDJSON)
    response.headers["Cache-Control"] = "no-store"
    return response


def _lines(store: Store, site: str) -> Iterator[bytes]:
    # The store counts damaged records since the process started.
    damaged_before = store.corrupt_records
    lines = JsonLines(lambda problem: log.warning("not exported", site=site, problem=problem))
    try:
        yield from lines.of(store.all_articles(site))
    except AlsoSeeError as error:
        log.warning("export not finished", site=site, error=str(error))
        yield orjson.dumps({"problem": f"this export is not complete: {error}"})
        return
    damaged = lines.left_out + store.corrupt_records - damaged_before
    if damaged:
        yield orjson.dumps({"problem": f"{damaged} articles are damaged and left out"})


def _chunks(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in larger pieces."""
    chunk = bytearray()
    for line in lines:
        chunk += line
        if len(chunk) >= CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)
