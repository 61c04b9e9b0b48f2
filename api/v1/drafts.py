"""Links for a draft: what its text could link to, and which older articles could link to it."""

from flask import Blueprint, request

from api.http.operation import operation
from api.http.request import backend, read_json
from api.lists.links import Links, SentLinkDraft, read_draft, suggestions
from api.lists.options import options_from_draft
from recommender.policy.list_options import LinkOptions

blueprint = Blueprint("links", __name__, url_prefix="/v1/<site>")


@blueprint.post("/links")
@operation(
    "linksOfDraft",
    scope="look",
    query=LinkOptions,
    offered_by=("links",),
    body=SentLinkDraft,
    answer=Links,
    problems=(413, 415),
)
def links(site: str) -> Links:
    """What a draft could link to, or what could link to it; and whether it was published before."""
    data = read_json()
    draft = read_draft(data, backend().defaults.of(site))
    options = options_from_draft(data, draft.id, request.args, LinkOptions)
    return suggestions(backend().site(site), draft, options, backend().clock.now())
