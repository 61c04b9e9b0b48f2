"""Lists: the related articles of a story, of a page address, of a draft; and the newest ones."""

from datetime import UTC, datetime

from flask import Blueprint, Response, request

from api.http.auth import require
from api.http.context import backend
from api.http.request import checked_id, read_json, single
from api.http.responses import forward, json_response
from api.lists.answer import document, list_response
from api.lists.formats import form_of
from api.lists.options import options_from_draft
from features.article import UNSAVED_ID, Article, parse_draft
from recommender.articles import StoredArticle
from recommender.errors import InvalidInput, NotFound
from recommender.pipeline.results import RelatedList
from recommender.policy.list_options import ListOptions

blueprint = Blueprint("related", __name__, url_prefix="/v1/<site>")


@blueprint.get("/articles/<article_id:article_id>/related")
@blueprint.get("/articles/<article_id:article_id>/related.<any(html,rss,json,jsonld):form>")
def related(site: str, article_id: str, form: str | None = None) -> Response:
    """The list; or, if there is none, the article whose id itself ends like the path of a list."""
    try:
        return _beside(site, article_id, form)
    except (NotFound, InvalidInput):
        itself = f"{article_id}/related" + (f".{form}" if form else "")
        if backend().store.cards(site, [itself]):
            return forward("articles.article", site=site, article_id=itself)
        raise


@blueprint.get("/related")
@blueprint.get("/related.<any(html,rss,json,jsonld):form>")
def related_by_url(site: str, form: str | None = None) -> Response:
    live = backend().site(site)
    url = single(request.args, "url")
    if not url:
        raise InvalidInput.at("url", "expected the address of an article's page")
    article_id = live.id_of_url(url)
    if article_id is None:
        raise NotFound(f"no article with the address {url!r}")
    return _beside(site, article_id, form)


@blueprint.get("/recent")
@blueprint.get("/recent.<any(html,rss,json,jsonld):form>")
def recent(site: str, form: str | None = None) -> Response:
    live = backend().site(site)

    def make(query: ListOptions, now: datetime) -> tuple[RelatedList, int]:
        return live.read_with_cards(lambda recommender: recommender.recent(query, now))

    return list_response(live, "", form_of(request, form), make)


@blueprint.post("/related")
def related_to_draft(site: str) -> Response:
    live = backend().site(site)
    require(site, "look")
    data = read_json()
    draft = parse_draft(data, backend().defaults.of(site))
    query = options_from_draft(data, draft.id, request.args, ListOptions)
    draft_of = None if draft.id == UNSAVED_ID else draft.id
    stored = StoredArticle.of_draft(draft)
    now = datetime.now(UTC)
    made, version = live.read_with_cards(
        lambda recommender: recommender.related_to(stored, query, now, draft_of)
    )
    texts: dict[str, Article] | None = {} if query.explain else None
    return json_response(document(made, version, "draft", query, draft, texts))


def _beside(site: str, article_id: str, form: str | None) -> Response:
    live = backend().site(site)
    known_id = checked_id(article_id)

    def make(query: ListOptions, now: datetime) -> tuple[RelatedList, int]:
        return live.read_with_cards(lambda recommender: recommender.related(known_id, query, now))

    return list_response(live, known_id, form_of(request, form), make)
