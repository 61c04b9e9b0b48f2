"""Whether this process is alive, and whether it can answer."""

from typing import Annotated

from flask import Blueprint, Response
from pydantic import Field
from typing_extensions import TypedDict

from api.http.operation import operation
from api.http.request import backend
from api.http.responses import json_response

blueprint = Blueprint("health", __name__)


class Health(TypedDict):
    """The process is alive."""

    status: str


class Readiness(TypedDict):
    """The state of each site, and of writes: `ready`, or why not."""

    ready: bool
    sites: dict[str, str]
    writes: Annotated[str, Field(description="`ready`, or why articles cannot be stored now")]


@blueprint.get("/healthz")
@operation("healthz", answer=Health)
def healthz() -> Health:
    """Whether the process is alive."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@operation("readyz", answer=Readiness, statuses=(200, 503))
def readyz() -> Response:
    """
    Whether it can answer: 200 once all archives are loaded and the store answers, else 503.

    `writes` says whether articles can be stored. It does not change the status: readers can be
    answered without.
    """
    sites = {live.site: backend().readiness(live) for live in backend().sites()}
    ready = all(state == "ready" for state in sites.values())
    writes = backend().write_readiness()
    answer: Readiness = {"ready": ready, "sites": sites, "writes": writes}
    return json_response(answer, 200 if ready else 503)
