"""Figures of archive, lists, readers and service."""

from datetime import UTC, datetime

from flask import Blueprint, Response

from api.http.auth import require
from api.http.context import backend
from api.http.responses import json_response
from recommender.overview import figures

blueprint = Blueprint("overview", __name__, url_prefix="/v1/<site>")


@blueprint.get("/overview")
def overview(site: str) -> Response:
    live = backend().site(site)
    require(site, "look")
    return json_response(figures(backend(), live, datetime.now(UTC)))
