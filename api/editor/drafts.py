"""A story that is not published yet: what would stand beside it, and what it should link to."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, NamedTuple

import regex
from flask import Blueprint, Response, request

from api.editor import desk
from api.http.context import backend
from api.http.responses import json_response
from api.lists.document import List, ListedArticle, document, texts_to_explain
from api.lists.links import Draft, Link, read_draft, suggestions
from features.text import looks_like_html
from recommender.errors import InvalidInput
from recommender.policy.list_options import LinkOptions, ListOptions

blueprint = Blueprint("drafts", __name__, url_prefix="/<site>")

FIELDS = ("title", "body", "tags", "section", "language")
LINKS = 5
_BLANK_LINE = regex.compile(r"\n\s*\n")


class Piece(NamedTuple):
    """A stretch of the text as it was sent; *link* is the suggestion that it belongs to."""

    text: str
    link: Link | None = None


@blueprint.get("/draft")
def draft(site: str) -> Response:
    return desk.page("draft.html", typed=_typed(), made=None, problems=[])


@blueprint.post("/draft")
def draft_lists(site: str) -> Response:
    """Nothing is stored: the page holds the text, and nothing else does."""
    typed = _typed()
    try:
        read = read_draft(_as_sent(typed), backend().defaults.of(site))
    except InvalidInput as error:
        return desk.page("draft.html", 400, typed=typed, made=None, problems=error.problems)
    return desk.page("draft.html", typed=typed, made=_made(site, read, typed), problems=[])


@blueprint.post("/draft.json")
def draft_as_typed(site: str) -> Response:
    """List and warnings for the script, which shows them while somebody types."""
    try:
        read = read_draft(_as_sent(_typed()), backend().defaults.of(site))
    except InvalidInput as error:
        problems = [found._asdict() for found in error.problems]
        return json_response({"items": [], "duplicates": [], "problems": problems})
    items = [_line(item) for item in _list(site, read)["items"]]
    told = suggestions(backend().site(site), read, LinkOptions(limit=1), datetime.now(UTC))
    answer = {"items": items, "duplicates": told["duplicates"], "problems": []}
    return json_response(answer)


def _made(site: str, read: Draft, typed: dict[str, str]) -> dict[str, Any]:
    live, now = backend().site(site), datetime.now(UTC)
    outward = suggestions(live, read, LinkOptions(limit=LINKS), now)
    inward = suggestions(live, read, LinkOptions(limit=LINKS, direction="in"), now)
    pieces = list(linked(typed["body"], outward["items"]))
    return {
        "list": _list(site, read)["items"],
        "outward": outward["items"],
        "inward": [_with_surroundings(site, item) for item in inward["items"]],
        "duplicates": outward["duplicates"],
        "pieces": pieces,
        "html": as_html(typed["body"], pieces),
    }


def _list(site: str, read: Draft) -> List:
    query = ListOptions(explain=True)
    live = backend().site(site)
    made, version = live.read_with_cards(
        lambda recommender: recommender.related_to(read.stored, query, datetime.now(UTC))
    )
    return document(made, version, "draft", query, read.article, texts_to_explain(live, made))


def linked(sent: str, links: Sequence[Link]) -> Iterator[Piece]:
    """The text in pieces: the anchors of suggested links, and the text between them."""
    anchored = [(link["anchor"], link) for link in links if link["anchor"] is not None]
    end = 0
    for anchor, link in sorted(anchored, key=lambda pair: pair[0]["start"]):
        yield Piece(sent[end : anchor["start"]])
        yield Piece(sent[anchor["start"] : anchor["end"]], link)
        end = anchor["end"]
    yield Piece(sent[end:])


def as_html(sent: str, pieces: Sequence[Piece]) -> str:
    """The text with its links, to be copied; a plain one gets its paragraphs."""
    is_html = looks_like_html(sent)
    text = "".join(
        _anchor_html(piece) or (piece.text if is_html else escape(piece.text, quote=False))
        for piece in pieces
    )
    if is_html:
        return text
    return "\n".join(f"<p>{part.strip()}</p>" for part in _BLANK_LINE.split(text) if part.strip())


def _anchor_html(piece: Piece) -> str | None:
    anchor = piece.link["anchor"] if piece.link else None
    return anchor["html"] if anchor else None


def _line(item: ListedArticle) -> dict[str, Any]:
    return {
        "id": item["id"],
        "title": item["title"],
        "section": item["section"],
        "published_at": item["published_at"],
        "reason": item["reason"],
    }


def _with_surroundings(site: str, item: Link) -> dict[str, Any]:
    """An older article with the words around the place where its link would stand."""
    anchor = item["anchor"]
    found = backend().site(site).texts([item["source"]["id"]]).get(item["source"]["id"])
    if anchor is None or found is None:
        return {**item, "before": "", "after": ""}
    body, reach = found.body, 90
    before = body[max(0, anchor["start"] - reach) : anchor["start"]].rpartition("\n")[2]
    after = body[anchor["end"] : anchor["end"] + reach].partition("\n")[0]
    return {**item, "before": before, "after": after}


def _typed() -> dict[str, str]:
    # Browsers send "\r\n"; the places of links are counted in what is stored and shown.
    return {name: request.form.get(name, "").replace("\r\n", "\n") for name in FIELDS}


def _as_sent(typed: dict[str, str]) -> dict[str, Any]:
    return {name: value for name, value in typed.items() if value.strip()}
