"""A list in the requested format: JSON, HTML, RSS, JSON Feed or JSON-LD."""

import re
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Literal, NamedTuple, get_args
from urllib.parse import urlsplit

import orjson
from flask import Request, render_template

from api.http.request import single
from api.lists.document import List, ListedArticle
from api.lists.words import RIGHT_TO_LEFT, box_words
from features.schemas import Schema
from recommender.errors import InvalidInput

FormatKind = Literal["list", "html", "rss", "feed", "jsonld"]
Layout = Literal["sidebar", "list", "grid", "inline"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)

CONTENT_TYPES: dict[FormatKind, str] = {
    "list": "application/json",
    "html": "text/html; charset=utf-8",
    "rss": "application/rss+xml; charset=utf-8",
    "feed": "application/feed+json",
    "jsonld": "application/ld+json",
}
OTHER_FORMATS: dict[str, Schema] = {
    "text/html": {"type": "string"},
    "application/rss+xml": {"type": "string"},
    "application/feed+json": {"type": "object", "required": ["version", "title", "items"]},
    "application/ld+json": {
        "type": "object",
        "required": ["@context", "@type", "itemListElement"],
    },
}
ENDINGS: dict[str, FormatKind] = {"html": "html", "rss": "rss", "json": "feed", "jsonld": "jsonld"}
_OFFERED: dict[str, FormatKind] = {}
for _kind, _content_type in CONTENT_TYPES.items():
    _OFFERED[_content_type.partition(";")[0]] = _kind
# For a page in a frame: it may show pictures and run our script, which reports its height.
EMBED_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src http: https: data:;"
    " base-uri 'none'; form-action 'none'"
)
# XML 1.0 allows no other characters, not even as references (section 2.2).
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class ListFormat(NamedTuple):
    """
    How a list is written.

    Fields:
        layout: of the box; HTML only.
        embedded: a whole page for a frame instead of a fragment; HTML only.
        negotiated: whether the `Accept` header chose the format; otherwise the path did.
    """

    kind: FormatKind = "list"
    layout: Layout = "sidebar"
    embedded: bool = False
    negotiated: bool = False

    @property
    def links_to_page(self) -> bool:
        """Whether the format names a page that the list belongs to."""
        return self.kind in ("rss", "feed", "jsonld")

    @property
    def name(self) -> str:
        """Part of cache keys."""
        return ":".join((self.kind, self.layout, str(int(self.embedded))))

    @property
    def headers(self) -> dict[str, str]:
        headers = {"Content-Type": CONTENT_TYPES[self.kind]}
        if self.embedded:
            headers["Content-Security-Policy"] = EMBED_POLICY
        if self.negotiated:  # only then: caches keep one list for each `Accept` header
            headers["Vary"] = "Accept"
        return headers


def requested_format(request: Request, ending: str) -> ListFormat:
    """
    The format that the *ending* of the path names or, if it is empty, the `Accept` header.

    Raises:
        InvalidInput: for an unknown `layout` or `embed`.
    """
    kind = ENDINGS[ending] if ending else _accepted(request)
    if kind != "html":
        return ListFormat(kind, negotiated=not ending)
    layout = single(request.args, "layout") or "sidebar"
    if layout not in LAYOUTS:
        raise InvalidInput.at("layout", f"expected one of {', '.join(LAYOUTS)}")
    embed = (single(request.args, "embed") or "0").lower()
    if embed not in ("0", "1", "false", "true"):
        raise InvalidInput.at("embed", "expected 1 or 0")
    return ListFormat(kind, layout, embed in ("1", "true"), negotiated=not ending)


def _accepted(request: Request) -> FormatKind:
    """
    The format that the client prefers; our own JSON if it has no preference.

    A browser's address bar prefers HTML but takes anything (`*/*`): a person who opens the address
    of the data wants to see the data.
    """
    best = request.accept_mimetypes.best_match(_OFFERED, default=CONTENT_TYPES["list"])
    kind = _OFFERED[best]
    is_browser = kind == "html" and request.accept_mimetypes["application/json"] > 0
    return "list" if is_browser else kind


def render(
    list_format: ListFormat, document: List, language: str | None, home: str | None
) -> bytes:
    """
    Write the list.

    Args:
        language: of the words around the list.
        home: a page of the site, for a list without a source; feeds need a link.
    """
    if list_format.kind == "list":
        return orjson.dumps(document)
    if list_format.kind == "html":
        return _html(list_format, document, language)
    source_url = document["source"]["url"] if document["source"] else None
    page = source_url or home or _origin(document["items"])
    if list_format.kind == "rss":
        return _rss(document, page)
    feed = _feed(document, page) if list_format.kind == "feed" else _item_list(document)
    # "<" only occurs in texts. Escaped, the document is safe inside a <script> too.
    return orjson.dumps(feed).replace(b"<", b"\\u003c")


def _html(list_format: ListFormat, document: List, language: str | None) -> bytes:
    template = "embed.html" if list_format.embedded else "box.html"
    return render_template(
        template,
        **document,
        layout=list_format.layout,
        words=box_words(language),
        right_to_left=RIGHT_TO_LEFT,
    ).encode()


def _title(document: List) -> str:
    title = document["source"]["title"] if document["source"] else None
    return f"Also See: {title}" if title else "Recent"


def _origin(items: Sequence[ListedArticle]) -> str:
    """The site of the first item that has an address."""
    for item in items:
        if item["url"]:
            parts = urlsplit(item["url"])
            return f"{parts.scheme}://{parts.netloc}/" if parts.netloc else "about:blank"
    return "about:blank"  # a feed without a link is invalid


def _rss(document: List, page: str) -> bytes:
    dates = {}
    for item in document["items"]:
        if item["published_at"]:
            dates[item["id"]] = format_datetime(datetime.fromisoformat(item["published_at"]))
    # RSS has dates as RFC 822 writes them.
    text = render_template("feed.xml", **document, title=_title(document), page=page, dates=dates)
    return _NOT_XML.sub("", text).encode()


def _feed(document: List, page: str) -> dict[str, Any]:
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": _title(document),
        "home_page_url": page,
        "items": [_feed_item(item) for item in document["items"]],
        "_also_see": {
            "recommendation_id": document["recommendation_id"],
            "version": document["version"],
            "fallback": document["fallback"],
        },
    }


def _feed_item(item: ListedArticle) -> dict[str, Any]:
    return _without_empty(
        {
            "id": item["id"],
            "url": item["url"],
            "title": item["title"],
            "content_text": item["excerpt"] or item["title"],
            "summary": item["excerpt"],
            "image": item["image"] and item["image"]["url"],
            "date_published": item["published_at"],
            "date_modified": item["updated_at"],
            "authors": [{"name": name} for name in item["authors"]],
            "tags": item["tags"],
            "language": item["language"],
            "_also_see": {
                "position": item["position"],
                "score": item["score"],
                "reason": item["reason"],
                "section": item["section"],
                "image": item["image"],
            },
        }
    )


def _item_list(document: List) -> dict[str, Any]:
    return {
        "@context": "https://schema.org",
        "@type": "ItemList",
        "name": _title(document),
        "numberOfItems": len(document["items"]),
        "itemListElement": [
            {"@type": "ListItem", "position": item["position"], "item": _article(item)}
            for item in document["items"]
        ],
    }


def _article(item: ListedArticle) -> dict[str, Any]:
    image = item["image"]
    return _without_empty(
        {
            "@type": "NewsArticle",
            "identifier": item["id"],
            "url": item["url"],
            "headline": item["title"],
            "description": item["excerpt"],
            "image": image
            and _without_empty(
                {
                    "@type": "ImageObject",
                    "url": image["url"],
                    "width": image["width"],
                    "height": image["height"],
                    "caption": image["alt"],
                }
            ),
            "datePublished": item["published_at"],
            "dateModified": item["updated_at"],
            "articleSection": item["section"],
            "keywords": item["tags"],
            "author": [{"@type": "Person", "name": name} for name in item["authors"]],
            "inLanguage": item["language"],
        }
    )


def _without_empty(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, [])}
