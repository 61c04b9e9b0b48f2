"""A service for boxes in a browser whose answers a test writes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from browser_pages import Answer, HostSite, host_site

from api.site.widget import widget

OPEN = {"Access-Control-Allow-Origin": "*"}
JSON = {**OPEN, "Content-Type": "application/json"}
HEAD = {"recommendation_id": "5a1f0c2b9d3e4f6071", "version": 1, "fallback": False}


def item(number: int = 1, **fields: Any) -> dict[str, Any]:
    fields_of_all = {
        "id": f"story-{number}",
        "url": f"https://news.example/{number}",
        "title": f"Story {number}",
        "excerpt": "An excerpt.",
        "image": None,
        "published_at": "2025-03-13T07:12:44Z",
        "language": "en",
    }
    return fields_of_all | fields


@contextmanager
def scripted_service() -> Iterator[HostSite]:
    """A service of which a test says what it answers."""
    with host_site() as service:
        script = {**OPEN, "Content-Type": "text/javascript"}
        service.pages["/widget.js"] = (200, script, widget().content)
        service.pages["/v1/main/events"] = (204, OPEN, b"")
        yield service


def answers(*items: Any, **more: Any) -> Answer:
    # The standard library's, for lone surrogates.
    return 200, JSON, json.dumps({**HEAD, "items": items, **more}).encode()


# What a broken service answers.
BROKEN: dict[str, Any] = {
    "an error": (500, JSON, b'{"title": "Internal Server Error"}'),
    "not found": (404, JSON, b'{"title": "Not Found"}'),
    "unavailable": (503, OPEN, b""),
    "nothing": (200, JSON, b""),
    "no list": (200, JSON, b"{}"),
    "null": (200, JSON, b"null"),
    "an empty list": answers(),
    "a list of null": answers(None),
    "a list of text": (200, JSON, b'{"items": "abc"}'),
    "a page": (200, {**OPEN, "Content-Type": "text/html"}, b"<script>alert(1)</script>"),
    "half an answer": (200, JSON, b'{"items": [{"id": "a", "tit'),
    "noise": (200, JSON, bytes(range(256)) * 100),
    "no leave to read": (200, {"Content-Type": "application/json"}, answers(item())[2]),
    "an endless redirect": (302, {**OPEN, "Location": "?"}, b""),
}
