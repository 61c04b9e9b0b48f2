"""Is this process alive, and can it answer?"""

from flask import Blueprint, Response

from api.http.context import backend
from api.http.responses import json_response

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    return json_response({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """200 once all archives are loaded and the store answers; 503 with the reasons before."""
    sites = {live.site: backend().readiness(live) for live in backend().sites()}
    ready = all(state == "ready" for state in sites.values())
    return json_response({"ready": ready, "sites": sites}, 200 if ready else 503)
