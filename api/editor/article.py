"""The page of one article: its box as readers see it, its candidates, and its rules."""

from flask import Blueprint, Response, g, request

from api.editor import labels
from api.editor.article_names import id_named
from api.editor.list_effects import movements_since
from api.editor.pages import page, take_note
from api.http.request import backend, checked_id
from api.lists.explanation import CANDIDATES, ExplainedRanking, explained_ranking
from api.lists.formats import LAYOUTS
from api.lists.options import options_from_query
from recommender.articles import Card
from recommender.errors import NotFound
from recommender.policy.list_options import ListOptions
from recommender.storage.rule_changes import Overrides

blueprint = Blueprint("article", __name__, url_prefix="/<site>")

# How the box can be shown; the first value of each is the default.
VIEWS = {"layout": LAYOUTS, "scheme": ("light", "dark"), "width": ("phone", "desktop")}


@blueprint.get("/article")
def article(site: str) -> Response:
    article_id = id_named(site, request.args.get("id", ""))
    options = options_from_query(request.args, ListOptions)
    ranking = explained_ranking(
        backend().site(site), article_id, options.replacing(limit=CANDIDATES, explain=True)
    )
    overrides = backend().store.rulebook.overrides(site, article_id, backend().clock.now())
    cards = _cards(site, ranking, overrides)
    if article_id not in cards:
        raise NotFound("this article is not in the archive")
    note = take_note(f"article:{article_id}")
    return page(
        "article.html",
        movements=movements_since(site, article_id, note),
        card=cards[article_id],
        cards=cards,
        ranking=ranking,
        best_score=max((item["score"] for item in ranking["items"]), default=0.0) or 1.0,
        overrides=overrides,
        note=note,
        views=VIEWS,
        view=_view(),
        query=request.args.to_dict(flat=False),
        rule_label=labels.rule_label,
        factor_labels=labels.FACTORS,
    )


@blueprint.get("/frame")
def frame(site: str) -> Response:
    """The box as on the newspaper's pages, for the frame of the article's page."""
    g.may_be_framed = True
    article_id = checked_id(request.args.get("id", ""))
    # Checked here, because the box would show nothing for a bad option, and no reason.
    options = options_from_query(request.args, ListOptions)
    return page("frame.html", id=article_id, view=_view(), attributes=_attributes(options))


def _view() -> dict[str, str]:
    view = {}
    for name, values in VIEWS.items():
        value = request.args.get(name, "")
        view[name] = value if value in values else values[0]
    return view


def _attributes(options: ListOptions) -> dict[str, str]:
    """The options of the request as attributes of the box."""
    attributes = {}
    for name in sorted(options.model_fields_set & request.args.keys()):
        attributes[name.replace("_", "-")] = ",".join(request.args.getlist(name))
    return attributes


def _cards(site: str, ranking: ExplainedRanking, overrides: Overrides) -> dict[str, Card]:
    """The cards of all articles that the page names."""
    ids = [ranking["source"]["id"]]
    ids += [item["id"] for item in ranking["items"]]
    for excluded in ranking["dropped"]:
        ids.append(excluded["id"])
        if "by" in excluded["reason"]:
            ids.append(excluded["reason"]["by"])
    for rule in overrides.rules:
        ids += rule.articles
    return backend().store.cards(site, list(dict.fromkeys(ids)))
