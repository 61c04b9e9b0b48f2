"""What readers saw and clicked, as the widget reports when they leave a page."""

from http import HTTPStatus
from typing import Annotated

from flask import Blueprint, Response, request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from werkzeug.exceptions import UnsupportedMediaType

from api.http.operation import operation
from api.http.request import backend, client_network, parse_body, read_json
from features.values import check_article_id
from recommender.storage.events import MAX_POSITION, Event, EventKind

blueprint = Blueprint("events", __name__, url_prefix="/v1/<site>/events")

MAX_BATCH = 100
MAX_BATCH_BYTES = 128 * 2**10  # 100 events with the longest ids
# `sendBeacon` sends text as text/plain, which needs no CORS preflight.
CONTENT_TYPES = ("", "text/plain", "application/json")


class SentEvent(BaseModel):
    """A card was half in view for a second, or was clicked."""

    model_config = ConfigDict(extra="ignore")

    type: EventKind
    article: Annotated[str, BeforeValidator(check_article_id)]
    position: int = Field(strict=True, ge=1, le=MAX_POSITION)


class EventBatch(BaseModel):
    """What readers did with one list on one page."""

    model_config = ConfigDict(extra="ignore")

    recommendation_id: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{1,40}$", description="Of the list that was shown"
    )
    events: tuple[SentEvent, ...] = Field(max_length=MAX_BATCH)


@blueprint.post("")
@operation(
    "countEvents",
    body=EventBatch,
    body_types=("application/json", "text/plain"),
    statuses=(204,),
    problems=(400, 404, 413, 415, 429, 503),
)
def count(site: str) -> Response:
    """
    Count impressions and clicks.

    Nothing is counted for browsers that send DNT or Sec-GPC, and for unknown articles.
    """
    backend().events.admit(site, client_network())
    if request.mimetype not in CONTENT_TYPES:
        raise UnsupportedMediaType("Expected application/json or text/plain.")
    request.max_content_length = MAX_BATCH_BYTES
    batch = parse_body(EventBatch, read_json())
    if not _wants_privacy():
        known = backend().site(site).known({event.article for event in batch.events})
        events = [Event(e.type, e.article, e.position) for e in batch.events if e.article in known]
        backend().events.add(site, events, backend().clock.now().date())
    return Response(status=HTTPStatus.NO_CONTENT, headers={"Cache-Control": "no-store"})


@blueprint.after_request
def allow_any_page(response: Response) -> Response:
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Headers"] = "Content-Type"
    response.headers["Access-Control-Allow-Methods"] = "POST"
    return response


def _wants_privacy() -> bool:
    """Whether the browser sends Do Not Track or Global Privacy Control."""
    return "1" in (request.headers.get("DNT"), request.headers.get("Sec-GPC"))
