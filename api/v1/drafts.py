"""Links for a draft: what its text could link to, and which older articles could link to it."""

from datetime import UTC, datetime

from flask import Blueprint, Response, request

from api.http.auth import require
from api.http.context import backend
from api.http.request import read_json
from api.http.responses import json_response
from api.lists.links import read_draft, suggestions
from api.lists.options import options_from_draft
from recommender.policy.list_options import LinkOptions

blueprint = Blueprint("links", __name__, url_prefix="/v1/<site>")


@blueprint.post("/links")
def links(site: str) -> Response:
    live = backend().site(site)
    require(site, "look")
    data = read_json()
    draft = read_draft(data, backend().defaults.of(site))
    query = options_from_draft(data, draft.id, request.args, LinkOptions)
    return json_response(suggestions(live, draft, query, datetime.now(UTC)))
