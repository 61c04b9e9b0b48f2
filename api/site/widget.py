"""The script of `<also-see>`, at an address that stays and at one that never changes."""

from base64 import b64encode
from functools import cache
from hashlib import sha256, sha384
from importlib.resources import files
from typing import NamedTuple

from flask import Blueprint, Response, abort, render_template, request
from markupsafe import escape

from api.http.context import backend

blueprint = Blueprint("widget", __name__)

# The one address is asked again after five minutes, so that a new version is soon everywhere.
FRESH = "public, max-age=300, stale-while-revalidate=86400, stale-if-error=604800"
FOR_EVER = "public, max-age=31536000, immutable"
PAGE_POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"


class Widget(NamedTuple):
    """The script, and what names exactly these bytes."""

    script: bytes
    path: str
    integrity: str


@cache
def widget() -> Widget:
    script = files("api").joinpath("static/widget.js").read_bytes()
    version = sha256(script).hexdigest()[:12]
    integrity = "sha384-" + b64encode(sha384(script).digest()).decode()
    return Widget(script, f"/widget/{version}/widget.js", integrity)


def tags(service: str, site: str, pinned: bool = True) -> str:
    """What a page needs, as HTML: the script of the service at this address, and a box."""
    integrity = f'\n  integrity="{widget().integrity}"\n  crossorigin="anonymous"'
    path, more = (widget().path, integrity) if pinned else ("/widget.js", "")
    return (
        f'<script async src="{escape(service)}{path}"{more}></script>\n'
        f'<also-see site="{site}" article="ID"></also-see>'
    )


@blueprint.get("/widget.js")
def newest() -> Response:
    return _script(FRESH)


@blueprint.get("/widget/<version>/widget.js")
def versioned(version: str) -> Response:
    if widget().path != f"/widget/{version}/widget.js":
        abort(404, "This version is no longer here; /widget shows the present one.")
    return _script(FOR_EVER)


@blueprint.get("/widget")
def page() -> Response:
    """For people: what to paste, with the present version's integrity hash."""
    site = backend().sites()[0].site
    simple, pinned = (tags("https://related.your.site", site, choice) for choice in (False, True))
    response = Response(render_template("widget.html", simple=simple, pinned=pinned))
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return response


def _script(caching: str) -> Response:
    response = Response(widget().script, content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = caching
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.set_etag(widget().integrity.removeprefix("sha384-"))
    response.make_conditional(request)
    return response
