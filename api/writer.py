"""
Writes of articles, handed to the one process that checks, analyses and stores them.

That process is one more worker of the web server, which listens on a Unix socket (`api.wsgi`). So
no reader waits for the analysis of an article.
"""

import re
import socket
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast
from urllib.parse import quote

import structlog

from api.http.responses import problem

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger()

WsgiAnswer = tuple[str, list[tuple[str, str]], bytes]
"""Status line, headers and body."""

ARTICLES = re.compile(r"/v1/[^/]+/articles(/[\s\S]*)?")
WRITES = ("PUT", "POST", "DELETE")
ANSWER_SECONDS = 600.0  # for an upload of the longest kind
RETRY_AFTER_SECONDS = 1
# The web server that answers the client writes its own.
HOP_HEADERS = frozenset({"connection", "date", "keep-alive", "server", "transfer-encoding"})


class ArticleWrites:
    """
    A WSGI application that sends writes of articles to the process that stores them.

    Args:
        inner: answers all other requests.
        writer: the socket on which that process listens.
    """

    def __init__(self, inner: "WSGIApplication", writer: Path) -> None:
        self._inner = inner
        self._writer = str(writer)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        is_write = environ["REQUEST_METHOD"] in WRITES and ARTICLES.fullmatch(environ["PATH_INFO"])
        if not is_write:
            return self._inner(environ, start_response)
        try:
            status, headers, body = self._forward_again(environ)
        except (OSError, HTTPException) as error:
            log.warning("cannot store articles", reason=repr(error))
            return _away()(environ, start_response)
        start_response(status, headers)
        return [body]

    def _forward_again(self, environ: "WSGIEnvironment") -> WsgiAnswer:
        """Forward a request; once more if a process that is about to end did not read it."""
        try:
            return self._forward(environ)
        except (ConnectionResetError, BrokenPipeError):  # one is http.client.RemoteDisconnected
            cast(IO[bytes], environ["wsgi.input"]).seek(0)
            return self._forward(environ)

    def _forward(self, environ: "WSGIEnvironment") -> WsgiAnswer:
        connection = _UnixConnection(self._writer)
        try:
            body = cast(IO[bytes], environ["wsgi.input"])
            connection.request(environ["REQUEST_METHOD"], _target(environ), body, _headers(environ))
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        headers = [(n, value) for n, value in response.getheaders() if n.lower() not in HOP_HEADERS]
        return f"{response.status} {response.reason}", headers, content


class _UnixConnection(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _target(environ: "WSGIEnvironment") -> str:
    path = quote(environ["PATH_INFO"].encode("latin-1"), safe="/:@!$&'()*+,;=~")
    query = environ["QUERY_STRING"]
    return f"{path}?{query}" if query else path


def _headers(environ: "WSGIEnvironment") -> Mapping[str, str]:
    """The headers of the request; its body has been read, so its length is known."""
    headers = {"Content-Length": environ.get("CONTENT_LENGTH", "0")}
    if "CONTENT_TYPE" in environ:
        headers["Content-Type"] = environ["CONTENT_TYPE"]
    for name, value in environ.items():
        if name.startswith("HTTP_") and name != "HTTP_CONNECTION":
            headers[name.removeprefix("HTTP_").replace("_", "-")] = value
    return headers


def _away() -> "WSGIApplication":
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The process that stores articles does not answer. Repeating this request is safe.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )
