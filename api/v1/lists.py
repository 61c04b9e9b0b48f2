"""Lists: related articles, by id, by address or for a draft; and the newest articles."""

from datetime import datetime
from functools import partial
from typing import Any

from flask import Blueprint, Response, request

from api.http.operation import Parameter, operation
from api.http.request import backend, checked_id, read_json, single
from api.http.responses import forward
from api.lists.answer import list_response
from api.lists.document import List, document, texts_to_explain
from api.lists.examples import SentSources, read_sources, sources_of_ids
from api.lists.formats import LAYOUTS, OTHER_FORMATS, requested_format
from api.lists.options import options_from_draft
from features.article import UNSAVED_ID, parse_draft
from features.values import MAX_ID_BYTES
from recommender.articles import StoredArticle
from recommender.errors import InvalidInput, NotFound
from recommender.pipeline.results import RelatedList
from recommender.policy.list_options import ListOptions

blueprint = Blueprint("related", __name__, url_prefix="/v1/<site>")

MAX_SOURCES = 10  # of a request without a key
BY_ID = Parameter(
    "article",
    f"Id of an article. Repeat it for one list of several, up to {MAX_SOURCES}",
    {
        "type": "array",
        "maxItems": MAX_SOURCES,
        "items": {"type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES},
    },
    example="2025/03/12/sudzha",
)
BY_URL = Parameter(
    "url",
    "Address of an article's page, in any spelling; in place of `article`",
    example="https://www.news.example/2025/03/12/sudzha?utm_source=mail",
)
LAYOUT = Parameter(
    "layout",
    "How the box is laid out; HTML only",
    {"type": "string", "enum": list(LAYOUTS), "default": "sidebar"},
)
EMBED = Parameter(
    "embed",
    "`1` for a whole page, to be shown in a frame; HTML only",
    {"type": "string", "enum": ["0", "1", "false", "true"], "default": "0"},
)
# A path of its own for each format, and an operation of its own in the description of the API.
IN_FORM = "<any(html,rss,json,jsonld):form>"

list_operation = partial(
    operation,
    scope="look",
    key_is_optional=True,
    query=ListOptions,
    statuses=(200, 304),
    other_answers=OTHER_FORMATS,
    headers={
        "ETag": "For `If-None-Match`",
        "Cache-Control": "How long any cache may keep it",
        "Cache-Status": "Where it comes from (RFC 9211)",
    },
)


@blueprint.get("/articles/<article_id:article_id>/related")
@list_operation("relatedArticles", answer=List)
def related(site: str, article_id: str) -> Response:
    """Related articles."""
    return _list_or_article(site, article_id, "")


@blueprint.get(f"/articles/<article_id:article_id>/related.{IN_FORM}")
@list_operation("relatedArticlesInForm", parameters=(LAYOUT, EMBED))
def related_in_form(site: str, article_id: str, form: str) -> Response:
    """Related articles as HTML, RSS, JSON Feed or JSON-LD."""
    return _list_or_article(site, article_id, form)


@blueprint.get("/related")
@list_operation("relatedByUrl", parameters=(BY_ID, BY_URL), answer=List)
def related_by_url(site: str) -> Response:
    """Related articles, by page address or for several articles."""
    return _related_list(site, _source_ids(site), "")


@blueprint.get(f"/related.{IN_FORM}")
@list_operation("relatedByUrlInForm", parameters=(BY_ID, BY_URL, LAYOUT, EMBED))
def related_by_url_in_form(site: str, form: str) -> Response:
    """Related articles, by page address or for several, as HTML, RSS, JSON Feed or JSON-LD."""
    return _related_list(site, _source_ids(site), form)


@blueprint.get("/recent")
@list_operation("recentArticles", answer=List)
def recent(site: str) -> Response:
    """The newest articles."""
    return _recent_list(site, "")


@blueprint.get(f"/recent.{IN_FORM}")
@list_operation("recentArticlesInForm", parameters=(LAYOUT, EMBED))
def recent_in_form(site: str, form: str) -> Response:
    """The newest articles as HTML, RSS, JSON Feed or JSON-LD."""
    return _recent_list(site, form)


@blueprint.post("/related")
@operation(
    "relatedToDraft",
    scope="look",
    query=ListOptions,
    body=SentSources,
    answer=List,
    problems=(413, 415),
)
def related_to_draft(site: str) -> List:
    """
    Related articles of a draft, which is not stored, or of several articles and texts.

    With `like` or `unlike`, the list belongs to the draft, if there is one, and to all articles of
    `like`. None of them is in it.
    """
    data = read_json()
    if isinstance(data, dict) and (data.get("like") or data.get("unlike")):
        return _related_to_several(site, data)
    draft = parse_draft(data, backend().defaults.of(site))
    options = options_from_draft(data, draft.id, request.args, ListOptions)
    # A saved draft has the rules of its article, and is not in its own list.
    draft_of = None if draft.id == UNSAVED_ID else draft.id
    stored = StoredArticle.of_draft(draft)
    now = backend().clock.now()
    live = backend().site(site)
    related_list, version = live.read_with_cards(
        lambda recommender: recommender.related_to(stored, options, now, draft_of)
    )
    texts = texts_to_explain(live, related_list) if options.explain else None
    return document(related_list, version, "draft", options, draft, texts)


def _related_to_several(site: str, data: dict[str, Any]) -> List:
    live = backend().site(site)
    sources = read_sources(data, live, backend().defaults.of(site))
    options = options_from_draft(data, UNSAVED_ID, request.args, ListOptions)
    options = options.replacing(exclude=(*options.exclude, *sources.own_ids()))
    now = backend().clock.now()
    related_list, version = live.read_with_cards(
        lambda recommender: recommender.related_to_several(sources.examples, options, now)
    )
    stored = live.texts(sources.ids)
    texts = None
    if options.explain:
        texts = {**stored, **texts_to_explain(live, related_list)}
    return document(related_list, version, "several", options, sources.text(stored), texts)


def _list_or_article(site: str, article_id: str, form: str) -> Response:
    """The list or, without one, the article whose id ends like the path of a list."""
    try:
        return _related_list(site, (checked_id(article_id),), form)
    except (NotFound, InvalidInput):
        # Ids may contain slashes, so an article's own id can look like the path of a list.
        path_as_id = f"{article_id}/related" + (f".{form}" if form else "")
        if backend().store.cards(site, [path_as_id]):
            return forward("articles.article", site=site, article_id=path_as_id)
        raise


def _source_ids(site: str) -> tuple[str, ...]:
    """The articles that a query string names, by id or by address."""
    ids = dict.fromkeys(request.args.getlist(BY_ID.name))
    if not ids:
        return (_id_by_url(site),)
    if BY_URL.name in request.args:
        raise InvalidInput.at(BY_URL.name, f"expected either this or {BY_ID.name!r}")
    if len(ids) > MAX_SOURCES:
        raise InvalidInput.at(BY_ID.name, f"expected at most {MAX_SOURCES} articles")
    return tuple(map(checked_id, ids))


def _id_by_url(site: str) -> str:
    url = single(request.args, BY_URL.name)
    if not url:
        raise InvalidInput.at(BY_URL.name, "expected the address of an article's page")
    article_id = backend().site(site).id_of_url(url)
    if article_id is None:
        raise NotFound(f"no article with the address {url!r}")
    return article_id


def _related_list(site: str, source_ids: tuple[str, ...], form: str) -> Response:
    live = backend().site(site)

    def make(options: ListOptions, now: datetime) -> tuple[RelatedList, int]:
        if len(source_ids) == 1:
            return live.read_with_cards(
                lambda recommender: recommender.related(source_ids[0], options, now)
            )
        examples = sources_of_ids(source_ids).examples
        return live.read_with_cards(
            lambda recommender: recommender.related_to_several(examples, options, now)
        )

    return list_response(live, source_ids, requested_format(request, form), make)


def _recent_list(site: str, form: str) -> Response:
    live = backend().site(site)

    def make(options: ListOptions, now: datetime) -> tuple[RelatedList, int]:
        return live.read_with_cards(lambda recommender: recommender.recent(options, now))

    return list_response(live, (), requested_format(request, form), make)
