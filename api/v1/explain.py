"""Why an article is in a list, or why it is not."""

from datetime import UTC, datetime

from flask import Blueprint, Response, request

from api.http.auth import require
from api.http.context import backend
from api.http.request import checked_id, single
from api.http.responses import json_response
from api.lists.explanation import pair, ranking
from api.lists.options import options_from_query
from recommender.policy.list_options import ListOptions

blueprint = Blueprint("explain", __name__, url_prefix="/v1/<site>")


@blueprint.get("/articles/<article_id:article_id>/related/explain")
def explain(site: str, article_id: str) -> Response:
    live = backend().site(site)
    require(site, "look")
    known_id, target = checked_id(article_id), single(request.args, "target")
    query = options_from_query(request.args, ListOptions).replacing(explain=True)
    if target is None:
        return json_response(ranking(live, known_id, query))
    target = checked_id(target)
    now = datetime.now(UTC)
    standing, _ = live.read(
        lambda recommender: recommender.explanation(known_id, target, query, now)
    )
    return json_response(pair(standing, live.texts((known_id, target)), known_id, target))
