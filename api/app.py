"""The Flask application, built from settings."""

import re
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from werkzeug.routing import BaseConverter

from api import editor
from api.caches.hot import LIST_PATH, HotAnswers
from api.caches.lists import ListCache
from api.http import errors
from api.http.dates import day, moment
from api.http.request import MAX_BODY_BYTES
from api.http.responses import problem
from api.site import demo, widget
from api.v1 import (
    articles,
    drafts,
    events,
    explain,
    export,
    health,
    lists,
    openapi,
    overview,
    rules,
    search,
)
from api.v1 import settings as site_settings
from recommender.backend import Backend
from recommender.config import Settings
from recommender.deadline import end_deadline, start_deadline

API = (
    lists,
    drafts,
    explain,
    articles,
    export,
    rules,
    site_settings,
    events,
    overview,
    search,
    health,
    openapi,
)
MAX_FORM_PARTS = 20
REQUEST_SECONDS = 5.0  # for the steps that can be long; other limits hold for the store
_WIDGET_PATH = re.compile(r"(/widget/[^/]+)?/widget(-extras)?\.js|/widget/words/[^/]+\.json")


class ArticleIdConverter(BaseConverter):
    """Any text, including slashes: sites choose the ids of their articles. Views check them."""

    regex = r"[\s\S]*?"
    part_isolating = False


def create_app(settings: Settings | None = None, backend: Backend | None = None) -> Flask:
    """
    Build the application.

    Args:
        settings: read from the environment by default.
        backend: closed by the caller; made from the settings by default.
    """
    settings = settings or (backend.settings if backend else Settings.from_environment())
    app = Flask("api", static_url_path="/static")
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES, MAX_FORM_PARTS=MAX_FORM_PARTS)
    backend = app.extensions["alsosee"] = backend or Backend(settings)
    app.extensions["alsosee_lists"] = ListCache(
        backend.connection, backend.cache_connection, settings.list_ttl_seconds, backend.clock
    )
    app.wsgi_app = HotAnswers(app.wsgi_app, backend.store, settings.sites)  # type: ignore[method-assign]
    app.before_request(_start_deadline)
    app.teardown_request(_end_deadline)
    app.before_request(_refuse_broken_paths)
    app.before_request(_refuse_compressed_bodies)
    app.before_request(_drop_if_match_any)
    app.after_request(_harden)
    app.after_request(_redirect_by_path)
    errors.register(app)
    app.add_template_filter(day)
    app.add_template_filter(moment)
    register_api(app)
    app.register_blueprint(widget.blueprint)
    app.register_blueprint(editor.blueprint)
    if settings.demo:
        app.register_blueprint(demo.blueprint)
    return app


def register_api(app: Flask) -> None:
    """Add the views of the public API; they need a backend only to answer."""
    # "//" may be part of an id, and must not be redirected.
    app.url_map.merge_slashes = False
    app.url_map.converters["article_id"] = ArticleIdConverter
    for module in API:
        app.register_blueprint(module.blueprint)


def _start_deadline() -> None:
    start_deadline(REQUEST_SECONDS)


def _end_deadline(_: BaseException | None) -> None:
    # The thread may do something else next, which has no deadline.
    end_deadline()


def _refuse_broken_paths() -> Response | None:
    try:
        request.environ["PATH_INFO"].encode("latin-1").decode()
    except UnicodeError:
        return problem(400, "The path is not UTF-8.")
    return None


def _refuse_compressed_bodies() -> Response | None:
    encoding = request.headers.get("Content-Encoding", "").strip()
    if encoding.lower() in ("", "identity") or request.method not in ("POST", "PUT", "PATCH"):
        return None
    detail = f"Expected a body that is not compressed; its Content-Encoding is {encoding[:40]!r}."
    return problem(415, detail, headers={"Accept-Encoding": "identity"})


def _drop_if_match_any() -> None:
    """`If-Match: *` asks for what exists; Werkzeug would refuse it like an unknown ETag."""
    if request.headers.get("If-Match", "").strip() == "*":
        del request.environ["HTTP_IF_MATCH"]


def _redirect_by_path(response: Response) -> Response:
    """
    Redirect to a path. Our own redirects do; Werkzeug's, which add a slash, name scheme and host.

    It takes both from the request: anyone can send another host, and behind a proxy the scheme is
    wrong.
    """
    if response.status_code == HTTPStatus.PERMANENT_REDIRECT and response.location:
        target = urlsplit(response.location)
        # Several slashes at the beginning would name a host again.
        path = "/" + target.path.lstrip("/")
        response.location = path + (f"?{target.query}" if target.query else "")
        response.data = b""  # a page with a link to the address
    return response


def _harden(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    public = _is_public(request.path) and "needs_key" not in g
    if public and request.method in ("GET", "HEAD", "OPTIONS"):
        response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _is_public(path: str) -> bool:
    """Whether pages of other origins may read this: lists and the script, which need no key."""
    return any(pattern.fullmatch(path) for pattern in (LIST_PATH, _WIDGET_PATH))
