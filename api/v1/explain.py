"""Why an article is in a list, or why it is not."""

from flask import Blueprint, request

from api.http.operation import Parameter, operation
from api.http.request import backend, checked_id, single
from api.lists.explanation import ExplainedPair, ExplainedRanking, explained_pair, explained_ranking
from api.lists.options import options_from_query
from features.values import MAX_ID_BYTES
from recommender.policy.list_options import ListOptions

blueprint = Blueprint("explain", __name__, url_prefix="/v1/<site>")

TARGET = Parameter(
    "target",
    "Explain only the article with this id",
    {"type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES},
    example="2025/03/13/kursk",
)


@blueprint.get("/articles/<article_id:article_id>/related/explain")
@operation(
    "explainRelated",
    scope="look",
    query=ListOptions,
    parameters=(TARGET,),
    answer=ExplainedPair | ExplainedRanking,
)
def explain(site: str, article_id: str) -> ExplainedPair | ExplainedRanking:
    """Why articles are in a list, or are not; with a target, why that article is."""
    live = backend().site(site)
    source_id = checked_id(article_id)
    target = single(request.args, TARGET.name)
    options = options_from_query(request.args, ListOptions).replacing(explain=True)
    if target is None:
        return explained_ranking(live, source_id, options)
    target_id = checked_id(target)
    now = backend().clock.now()
    explanation, _ = live.read(
        lambda recommender: recommender.explanation(source_id, target_id, options, now)
    )
    return explained_pair(explanation, live.texts((source_id, target_id)), source_id, target_id)
