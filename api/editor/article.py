"""One article: its list as readers see it, and all that stands behind that list."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, g, request

from api.editor import desk
from api.editor.audit import told
from api.editor.overrides import shown
from api.http.context import backend
from api.http.request import checked_id
from api.lists.explanation import CANDIDATES, ExplainedRanking, explained_ranking
from api.lists.formats import LAYOUTS
from api.lists.options import options_from_query
from recommender.errors import NotFound
from recommender.pipeline.compare import Movement, movements
from recommender.policy.list_options import ListOptions
from recommender.storage.rule_changes import Overrides

blueprint = Blueprint("article", __name__, url_prefix="/<site>")

# How the box can be looked at; the first of each is usual.
VIEWS = {"layout": LAYOUTS, "scheme": ("light", "dark"), "width": ("phone", "desktop")}
FACTOR_NAMES = {
    "similarity": "words in common",
    "time": "nearness in time",
    "newer": "came after it",
    "author": "author",
    "section": "section",
    "tags": "tags",
    "title": "words of the title",
    "mention": "named in the text",
    "boost": "boosted or buried by editors",
}


@blueprint.get("/article")
def article(site: str) -> Response:
    article_id = asked_id()
    options = options_from_query(request.args, ListOptions)
    query = options.replacing(limit=CANDIDATES, explain=True)
    found = explained_ranking(backend().site(site), article_id, query)
    overrides = backend().store.rulebook.overrides(site, article_id, datetime.now(UTC))
    cards = _cards(site, found, overrides)
    if article_id not in cards:
        raise NotFound("this article is not in the archive, or no more")
    note = desk.take_note(f"article:{article_id}")
    return desk.page(
        "article.html",
        moved=_moved(site, article_id, note),
        card=cards[article_id],
        cards=cards,
        ranking=found,
        highest=max((item["score"] for item in found["items"]), default=0.0) or 1.0,
        overrides=overrides,
        note=note,
        views=VIEWS,
        view=_view(),
        asked=request.args.to_dict(flat=False),
        told=told,
        factor_names=FACTOR_NAMES,
    )


@blueprint.get("/frame")
def frame(site: str) -> Response:
    """The box alone, as it stands on the newspaper's pages, for a frame of the article's page."""
    g.may_be_framed = True
    # Checked here, because the box would show nothing for a bad option, and no reason.
    asked = options_from_query(request.args, ListOptions)
    return desk.page("frame.html", id=asked_id(), view=_view(), attributes=_attributes(asked))


def _moved(site: str, article_id: str, note: dict[str, Any] | None) -> list[tuple[str, Movement]]:
    """What the change that *note* tells of did to the list, by title; what is gone comes last."""
    before = (note or {}).get("before")
    if before is None:
        return []
    after = shown(site, article_id)
    found = movements([item["id"] for item in before], [item["id"] for item in after])
    gone = (item for item in before if found[item["id"]].code == "out")
    return [(item["title"], found[item["id"]]) for item in (*after, *gone)]


def asked_id() -> str:
    return checked_id(request.args.get("id", ""))


def _view() -> dict[str, str]:
    """How the box is looked at: layout, light or dark, how wide."""
    asked = {name: request.args.get(name, "") for name in VIEWS}
    return {
        name: asked[name] if asked[name] in known else known[0] for name, known in VIEWS.items()
    }


def _attributes(asked: ListOptions) -> dict[str, str]:
    """What was asked for, as attributes of the box."""
    names = asked.model_fields_set & request.args.keys()
    return {n.replace("_", "-"): ",".join(request.args.getlist(n)) for n in sorted(names)}


def _cards(site: str, found: ExplainedRanking, overrides: Overrides) -> dict[str, Any]:
    """Of every article that the page names."""
    shown = [item["id"] for item in (found["source"], *found["items"], *found["dropped"])]
    shown += [drop["reason"]["by"] for drop in found["dropped"] if "by" in drop["reason"]]
    shown += [i for rule in overrides.rules for i in rule.articles]
    return backend().store.cards(site, list(dict.fromkeys(shown)))
