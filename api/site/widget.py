"""The scripts of `<also-see>`, each at a stable address and at one for its version, and words."""

from base64 import b64encode
from functools import cache
from hashlib import sha256, sha384
from importlib.resources import files
from typing import NamedTuple

from flask import Blueprint, Response, abort, jsonify, render_template, request
from markupsafe import escape

from api.http.request import backend
from api.lists.words import box_words

blueprint = Blueprint("widget", __name__)

# Browsers ask again after five minutes, so that a new version soon arrives everywhere.
STABLE = "public, max-age=300, stale-while-revalidate=86400, stale-if-error=604800"
VERSIONED = "public, max-age=31536000, immutable"
WORDS = "public, max-age=86400, stale-while-revalidate=604800, stale-if-error=604800"
SERVICE = "https://related.your.site"  # stands for the address of the service
PAGE_POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"


class Script(NamedTuple):
    """A script of the box, its address for this version alone, and its integrity hash."""

    content: bytes
    path: str
    integrity: str


@cache
def script(name: str) -> Script:
    """`widget`, the box, or `widget-extras`, what few pages need."""
    content = files("api").joinpath(f"static/{name}.js").read_bytes()
    version = sha256(content).hexdigest()[:12]
    integrity = "sha384-" + b64encode(sha384(content).digest()).decode()
    return Script(content, f"/widget/{version}/{name}.js", integrity)


def widget() -> Script:
    return script("widget")


def tags(service: str, site: str, pinned: bool = True) -> str:
    """The HTML that a page needs: the script of the *service* at this address, and a box."""
    path = "/widget.js"
    more = ""
    if pinned:
        path = widget().path
        more = f'\n  integrity="{widget().integrity}"\n  crossorigin="anonymous"'
    return (
        f'<script async src="{escape(service)}{path}"{more}></script>\n'
        f'<also-see site="{site}" article="ID"></also-see>'
    )


@blueprint.get("/widget.js", defaults={"name": "widget"})
@blueprint.get("/widget-extras.js", defaults={"name": "widget-extras"})
def newest(name: str) -> Response:
    return _response(script(name), STABLE)


@blueprint.get("/widget/<version>/widget.js", defaults={"name": "widget"})
@blueprint.get("/widget/<version>/widget-extras.js", defaults={"name": "widget-extras"})
def versioned(version: str, name: str) -> Response:
    if script(name).path != f"/widget/{version}/{name}.js":
        abort(404, "This version is gone. /widget shows the current one.")
    return _response(script(name), VERSIONED)


@blueprint.get("/widget/words/<language>.json")
def words(language: str) -> Response:
    """The words of a box on a page in this language, for the script."""
    response = jsonify(box_words(language)._asdict())
    response.headers["Cache-Control"] = WORDS
    return response


@blueprint.get("/widget")
def page() -> Response:
    """A page for people: what to paste."""
    site = backend().sites()[0].site
    simple = tags(SERVICE, site, pinned=False)
    pinned = tags(SERVICE, site)
    response = Response(render_template("widget.html", simple=simple, pinned=pinned))
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return response


def _response(served: Script, cache_control: str) -> Response:
    response = Response(served.content, content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = cache_control
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.set_etag(served.integrity.removeprefix("sha384-"))
    response.make_conditional(request)
    return response
