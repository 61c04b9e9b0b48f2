"""Writes of articles reach the process that stores them, unchanged, and all else stays here."""

import json
import socketserver
import tempfile
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import Client, EnvironBuilder, TestResponse, run_wsgi_app

from api.writer import ArticleWrites


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked; closes as many connections unread as the server says."""

    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        if self.server.to_close:  # type: ignore[attr-defined]
            self.server.to_close -= 1  # type: ignore[attr-defined]
            self.rfile.read(1)
        else:
            super().handle()

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        shown = {
            "method": self.command,
            "target": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body.decode("latin-1"),
        }
        content = json.dumps(shown).encode()
        self.send_response(409, "Conflict")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Answer", "yes")
        self.end_headers()
        self.wfile.write(content)

    do_PUT = do_POST = do_DELETE = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


class EchoServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    to_close = 0


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="alsosee-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[EchoServer]:
    with EchoServer(str(folder / "writer.sock"), Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def client(server: EchoServer, folder: Path) -> Client:
    return Client(ArticleWrites(here, folder / "writer.sock"))


def here(_: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"here"]


def echoed(response: TestResponse) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(response.data)
    return shown


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/main/articles/kursk"),
        ("DELETE", "/v1/main/articles/kursk"),
        ("POST", "/v1/main/articles"),
        ("PUT", "/v1/main/articles/kursk/related"),
    ],
)
def test_a_write_is_answered_by_the_process_that_stores_articles(
    client: Client, method: str, path: str
) -> None:
    headers = {"Authorization": "Bearer k", "If-Match": '"x"', "Connection": "close"}
    response = client.open(
        path, method=method, data=b"\x00\xff", query_string="version=3", headers=headers
    )
    shown = echoed(response)

    assert (response.status, response.headers["X-Answer"]) == ("409 Conflict", "yes")
    assert (shown["method"], shown["target"]) == (method, f"{path}?version=3")
    assert (shown["headers"]["authorization"], shown["headers"]["if-match"]) == ("Bearer k", '"x"')
    assert shown["headers"]["host"] == "localhost"
    assert shown["body"] == "\x00\xff"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/main/articles/kursk"),
        ("GET", "/v1/main/articles/kursk/related"),
        ("POST", "/v1/main/links"),
        ("POST", "/v1/main/events"),
        ("POST", "/editor/main/articles"),
    ],
)
def test_everything_else_is_answered_here(client: Client, method: str, path: str) -> None:
    assert client.open(path, method=method).data == b"here"


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_any_id_arrives_as_it_was_sent(client: Client, article_id: str) -> None:
    environ = EnvironBuilder("/", method="PUT", data=b"{}").get_environ()
    environ["PATH_INFO"] = f"/v1/main/articles/{article_id}".encode().decode("latin-1")
    parts, _, _ = run_wsgi_app(client.application, environ)
    target = json.loads(b"".join(parts))["target"]

    assert target.isascii()
    assert unquote(target) == f"/v1/main/articles/{article_id}"


def test_a_connection_that_was_closed_unread_is_asked_again(
    client: Client, server: EchoServer
) -> None:
    server.to_close = 1
    response = client.put("/v1/main/articles/kursk", data=b"abc" * 100_000)

    assert len(echoed(response)["body"]) == 300_000


@pytest.mark.parametrize("closed", [2, None])
def test_without_that_process_a_client_is_told_to_repeat(
    client: Client, server: EchoServer, folder: Path, closed: int | None
) -> None:
    if closed is None:
        client = Client(ArticleWrites(here, folder / "nobody.sock"))
    else:
        server.to_close = closed
    response = client.put("/v1/main/articles/kursk", data=b"abc")

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert response.content_type == "application/problem+json"
