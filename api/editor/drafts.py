"""The page for a draft: its list, links for its text, and articles that could link to it."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, NamedTuple

import regex
from flask import Blueprint, Response, request

from api.editor.pages import page
from api.http.request import backend
from api.http.responses import field_errors, json_response
from api.lists.document import List, ListedArticle, document
from api.lists.links import Draft, SuggestedLink, read_draft, suggestions
from features.text import looks_like_html
from recommender.errors import InvalidInput
from recommender.policy.list_options import LinkOptions, ListOptions

blueprint = Blueprint("drafts", __name__, url_prefix="/<site>")

FIELDS = ("title", "body", "tags", "section", "language")
LINKS = 5
CONTEXT_CHARS = 90  # shown on each side of an anchor
_BLANK_LINE = regex.compile(r"\n\s*\n")


class LinkedPiece(NamedTuple):
    """A part of the text; *link* is the suggested link that is placed on it."""

    text: str
    link: SuggestedLink | None = None


@blueprint.get("/draft")
def draft(site: str) -> Response:
    return page("draft.html", form=_form(), suggestions=None, problems=[])


@blueprint.post("/draft")
def draft_suggestions(site: str) -> Response:
    """The page with lists and links; the draft is not stored."""
    form = _form()
    try:
        draft = _draft(site, form)
    except InvalidInput as error:
        return page("draft.html", 400, form=form, suggestions=None, problems=error.problems)
    return page(
        "draft.html", form=form, suggestions=_suggestions(site, draft, form["body"]), problems=[]
    )


@blueprint.post("/draft.json")
def draft_json(site: str) -> Response:
    """List and duplicates for the script, which shows them while an editor types."""
    try:
        draft = _draft(site, _form())
    except InvalidInput as error:
        problems = field_errors(error.problems)
        return json_response({"items": [], "duplicates": [], "problems": problems})
    # One link is the least that can be asked for; the script only shows the duplicates.
    links = suggestions(backend().site(site), draft, LinkOptions(limit=1), backend().clock.now())
    listed = _list(site, draft)["items"]
    items = [_line(item) for item in listed]
    return json_response({"items": items, "duplicates": links["duplicates"], "problems": []})


def _form() -> dict[str, str]:
    # Browsers send "\r\n"; the offsets of links count in the text that is shown.
    return {name: request.form.get(name, "").replace("\r\n", "\n") for name in FIELDS}


def _draft(site: str, form: dict[str, str]) -> Draft:
    """Raises InvalidInput."""
    filled = {name: text for name, text in form.items() if text.strip()}
    return read_draft(filled, backend().defaults.of(site))


def _suggestions(site: str, draft: Draft, body: str) -> dict[str, Any]:
    live = backend().site(site)
    now = backend().clock.now()
    outgoing = suggestions(live, draft, LinkOptions(limit=LINKS), now)
    incoming = suggestions(live, draft, LinkOptions(limit=LINKS, direction="in"), now)
    pieces = list(linked(body, outgoing["items"]))
    return {
        "list": _list(site, draft)["items"],
        "outgoing": outgoing["items"],
        "incoming": [_with_context(site, link) for link in incoming["items"]],
        "duplicates": outgoing["duplicates"],
        "pieces": pieces,
        "html": as_html(body, pieces),
    }


def _list(site: str, draft: Draft) -> List:
    options = ListOptions(explain=True)
    now = backend().clock.now()
    live = backend().site(site)
    related, version = live.read_with_cards(
        lambda recommender: recommender.related_to(draft.stored, options, now)
    )
    return document(related, version, "draft", options, draft.article, {})


def linked(body: str, links: Sequence[SuggestedLink]) -> Iterator[LinkedPiece]:
    """The text in pieces: the anchors of suggested links, and the text between them."""
    anchored = [(link["anchor"], link) for link in links if link["anchor"] is not None]
    # Links come best first, but the text is cut from its start to its end.
    anchored.sort(key=lambda pair: pair[0]["start"])
    end = 0
    for anchor, link in anchored:
        yield LinkedPiece(body[end : anchor["start"]])
        yield LinkedPiece(body[anchor["start"] : anchor["end"]], link)
        end = anchor["end"]
    yield LinkedPiece(body[end:])


def as_html(body: str, pieces: Sequence[LinkedPiece]) -> str:
    """The text with its links as HTML; plain text gets paragraphs."""
    is_html = looks_like_html(body)
    text = ""
    for piece in pieces:
        text += _piece_html(piece, is_html)
    if is_html:  # it has its paragraphs
        return text
    paragraphs = [part.strip() for part in _BLANK_LINE.split(text)]
    return "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs if paragraph)


def _piece_html(piece: LinkedPiece, is_html: bool) -> str:
    anchor = piece.link["anchor"] if piece.link else None
    if anchor is not None and anchor["html"] is not None:
        return anchor["html"]
    return piece.text if is_html else escape(piece.text, quote=False)


def _line(item: ListedArticle) -> dict[str, Any]:
    return {
        "id": item["id"],
        "title": item["title"],
        "section": item["section"],
        "published_at": item["published_at"],
        "reason": item["reason"],
    }


def _with_context(site: str, link: SuggestedLink) -> dict[str, Any]:
    """An older article with the words around the place for its link."""
    anchor = link["anchor"]
    source_id = link["source"]["id"]
    source = backend().site(site).texts([source_id]).get(source_id)
    if anchor is None or source is None:
        return {**link, "before": "", "after": ""}
    before = source.body[max(0, anchor["start"] - CONTEXT_CHARS) : anchor["start"]]
    after = source.body[anchor["end"] : anchor["end"] + CONTEXT_CHARS]
    return {**link, "before": before.rpartition("\n")[2], "after": after.partition("\n")[0]}
