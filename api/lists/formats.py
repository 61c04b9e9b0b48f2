"""One list in the form that somebody asked for: JSON, HTML, RSS, JSON Feed or JSON-LD."""

import re
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Literal, NamedTuple, get_args
from urllib.parse import urlsplit

import orjson
from flask import Request, render_template

from api.http.request import single
from api.lists.words import RIGHT_TO_LEFT, words
from recommender.errors import InvalidInput

Kind = Literal["list", "html", "rss", "feed", "jsonld"]
Layout = Literal["sidebar", "list", "grid", "inline"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)

CONTENT_TYPES: dict[Kind, str] = {
    "list": "application/json",
    "html": "text/html; charset=utf-8",
    "rss": "application/rss+xml; charset=utf-8",
    "feed": "application/feed+json",
    "jsonld": "application/ld+json",
}
ENDINGS: dict[str, Kind] = {"html": "html", "rss": "rss", "json": "feed", "jsonld": "jsonld"}
_OFFERED: dict[str, Kind] = {name.partition(";")[0]: kind for kind, name in CONTENT_TYPES.items()}
# A frame of another page's: it may show this and nothing else, and tell its height.
EMBED_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src http: https: data:;"
    " base-uri 'none'; form-action 'none'"
)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Form(NamedTuple):
    """
    What a list shall look like.

    Fields:
        layout: of HTML alone.
        embedded: a whole page for a frame instead of a fragment; of HTML alone.
        negotiated: whether the `Accept` header chose it; otherwise the path did.
    """

    kind: Kind = "list"
    layout: Layout = "sidebar"
    embedded: bool = False
    negotiated: bool = False

    @property
    def name(self) -> str:
        """Part of cache keys."""
        return ":".join((self.kind, self.layout, str(int(self.embedded))))

    @property
    def headers(self) -> dict[str, str]:
        policy = {"Content-Security-Policy": EMBED_POLICY} if self.embedded else {}
        # Only then: a cache keeps one list for each `Accept` header that it meets.
        vary = {"Vary": "Accept"} if self.negotiated else {}
        return {"Content-Type": CONTENT_TYPES[self.kind], **policy, **vary}


def form_of(request: Request, ending: str | None) -> Form:
    """
    The form that a path with this *ending* asks for, or without one, the `Accept` header.

    Raises:
        InvalidInput: for `layout` or `embed` with a value that there is not.
    """
    kind = ENDINGS[ending] if ending else _accepted(request)
    if kind != "html":
        return Form(kind, negotiated=ending is None)
    layout = single(request.args, "layout") or "sidebar"
    if layout not in LAYOUTS:
        raise InvalidInput.at("layout", f"expected one of {', '.join(LAYOUTS)}")
    embed = (single(request.args, "embed") or "0").lower()
    if embed not in ("0", "1", "false", "true"):
        raise InvalidInput.at("embed", "expected 1 or 0")
    return Form(kind, layout, embed in ("1", "true"), negotiated=ending is None)


def _accepted(request: Request) -> Kind:
    """
    What the client likes best of what we have; our own JSON if it likes all the same.

    A browser's address bar takes anything (`*/*`) after HTML: somebody who opens the address of
    the data wants to see the data.
    """
    best = request.accept_mimetypes.best_match(_OFFERED, default=CONTENT_TYPES["list"])
    kind = _OFFERED[best]
    from_a_browser = kind == "html" and request.accept_mimetypes["application/json"] > 0
    return "list" if from_a_browser else kind


def render(form: Form, answer: dict[str, Any], language: str | None, home: str | None) -> bytes:
    """
    Write the list.

    Args:
        answer: as our own JSON has it.
        language: of the words around the list.
        home: a page of the site, where the list has no source; feeds want a link.
    """
    if form.kind == "list":
        return orjson.dumps(answer)
    if form.kind == "html":
        return _html(form, answer, language)
    page = (answer["source"] or {}).get("url") or home or _origin(answer["items"])
    if form.kind == "rss":
        return _rss(answer, page)
    document = _feed(answer, page) if form.kind == "feed" else _item_list(answer)
    # "<" stands in texts only: escaped, the document may stand inside a <script> too.
    return orjson.dumps(document).replace(b"<", b"\\u003c")


def _html(form: Form, answer: dict[str, Any], language: str | None) -> bytes:
    template = "embed.html" if form.embedded else "box.html"
    spoken, heading, more = words(language)
    return render_template(
        template,
        **answer,
        layout=form.layout,
        spoken=spoken,
        heading=heading,
        more=more,
        right_to_left=RIGHT_TO_LEFT,
    ).encode()


def _title(answer: dict[str, Any]) -> str:
    title = (answer["source"] or {}).get("title")
    return f"Also See: {title}" if title else "Recent"


def _origin(items: list[dict[str, Any]]) -> str:
    parts = urlsplit(next((item["url"] for item in items if item["url"]), ""))
    return f"{parts.scheme}://{parts.netloc}/" if parts.netloc else "about:blank"


def _rss(answer: dict[str, Any], page: str) -> bytes:
    dates = {
        item["id"]: format_datetime(datetime.fromisoformat(item["published_at"]))
        for item in answer["items"]
        if item["published_at"]
    }
    text = render_template("feed.xml", **answer, title=_title(answer), page=page, dates=dates)
    return _NOT_XML.sub("", text).encode()


def _feed(answer: dict[str, Any], page: str) -> dict[str, Any]:
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": _title(answer),
        "home_page_url": page,
        "items": [_feed_item(item) for item in answer["items"]],
        "_also_see": {key: answer[key] for key in ("recommendation_id", "version", "fallback")},
    }


def _feed_item(item: dict[str, Any]) -> dict[str, Any]:
    return _without_nothing(
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
                key: item[key] for key in ("position", "score", "reason", "section", "image")
            },
        }
    )


def _item_list(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "@context": "https://schema.org",
        "@type": "ItemList",
        "name": _title(answer),
        "numberOfItems": len(answer["items"]),
        "itemListElement": [
            {"@type": "ListItem", "position": item["position"], "item": _article(item)}
            for item in answer["items"]
        ],
    }


def _article(item: dict[str, Any]) -> dict[str, Any]:
    image = item["image"]
    return _without_nothing(
        {
            "@type": "NewsArticle",
            "identifier": item["id"],
            "url": item["url"],
            "headline": item["title"],
            "description": item["excerpt"],
            "image": image
            and _without_nothing(
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


def _without_nothing(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, [])}
