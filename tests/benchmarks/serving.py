"""
What requests cost over HTTP: `alsosee serve` with one worker, beside Flask's hello-world and a bare
WSGI application on the same web server, in turns. CPU is that of the server's processes, which the
kernel counts; the client's and the store's are not in it.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from uuid import uuid4

import orjson
from archive import records
from corpora import Corpus
from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from lists import SITE, forget_lists, list_paths
from measure import OURS, Row, against_ours, family

from recommender.backend import Backend
from recommender.config import Settings

HITS, HITS_A_TURN = 10_000, 250
MISSES, MISSES_A_TURN = 601, 20
NEW, PUTS, BULK = 3_100, 100, 100
STARTS = 5
CONNECTIONS = (1, 4)
READY_SECONDS = 600.0  # index files of another format are made first
FLASK, BARE = "Flask hello", "bare WSGI hello"


class Served(NamedTuple):
    """A server, and connections to it that stay open."""

    pid: int
    port: int
    lines: list[socket.socket]

    def ask(self, path: str) -> list[bytes]:
        """The answers to a GET on every connection at once."""
        for line in self.lines:
            line.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        return [_answer(line) for line in self.lines]

    def send(self, method: str, path: str, body: bytes, *headers: str) -> bytes:
        """The answer to a request with a body."""
        first = (f"{method} {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}")
        self.lines[0].sendall("\r\n".join((*first, *headers, "", "")).encode() + body)
        return _answer(self.lines[0])

    def cpu_seconds(self) -> float:
        """What the server's process, its threads and its workers have used so far."""
        return sum(map(_cpu_seconds, family(self.pid)))


def cached(url: str, corpus: Corpus) -> list[Row]:
    """A list that was asked for before, by one client and by several at once."""
    rows: list[Row] = []
    for connections in CONNECTIONS:
        with ExitStack() as stack:
            calls = {
                OURS: _asking(stack.enter_context(ours(url, connections)), f"/v1/{SITE}/recent"),
                FLASK: _asking(stack.enter_context(hello("flask", connections)), "/"),
                BARE: _asking(stack.enter_context(hello("bare", connections)), "/"),
            }
            figures = in_turns(calls, [""] * HITS, HITS_A_TURN)
        each = {name: figure / connections for name, figure in figures.items()}
        path = "cached GET over HTTP" + (f", {connections} at once" if connections > 1 else "")
        rows += against_ours(path, corpus.name, "µs CPU", each)
    return rows


def uncached(url: str, corpus: Corpus) -> list[Row]:
    """A list that was not asked for before: query, order, cards, page, storing it in the cache."""
    forget_lists(url)
    with Backend(Settings(redis_url=url)) as backend:
        paths = list_paths(backend, MISSES)
    with ours(url, 1) as server, hello("flask", 1) as flask:
        server.ask(paths.pop())
        calls = {OURS: _asking(server, ""), FLASK: _asking(flask, "/", with_argument=False)}
        figures = in_turns(calls, paths, MISSES_A_TURN)
    return against_ours("uncached GET over HTTP", corpus.name, "µs CPU", figures)


def ingesting(url: str, corpus: Corpus) -> list[Row]:
    """Articles over HTTP into the whole archive; after each request the newest has its list."""
    with Backend(Settings(redis_url=url)) as backend, ours(url, 1) as server:
        key = f"Authorization: Bearer {backend.keys.create(SITE, ['ingest'])}"
        new = [{**record, "id": f"new-{uuid4()}", "url": None} for record in records(corpus, NEW)]
        base = f"/v1/{SITE}/articles"
        puts = []
        for article in new[:PUTS]:
            started = time.perf_counter()
            answer = server.send("PUT", f"{base}/{article['id']}", orjson.dumps(article), key)
            puts.append(1000 * (time.perf_counter() - started))
            assert b" 201 " in answer.partition(b"\r\n")[0]
            assert _has_list(server, article)
        started = time.perf_counter()
        for first in range(PUTS, NEW, BULK):
            batch = new[first : first + BULK]
            answer = server.send("POST", base, b"\n".join(map(orjson.dumps, batch)), key)
            assert answer.count(b'"added"') == len(batch)
            assert _has_list(server, batch[-1])
        seconds = time.perf_counter() - started
        for article in new:
            backend.store.delete(SITE, article["id"])
    return [
        Row("ingest over HTTP: one PUT, p50", corpus.name, OURS, median(puts), "ms"),
        Row(
            f"ingest over HTTP: {BULK} a request, each visible",
            corpus.name,
            OURS,
            (NEW - PUTS) / seconds,
            "articles/s",
        ),
    ]


def starting(url: str, corpus: Corpus) -> list[Row]:
    """`alsosee serve` with index files and a store that is there, until the first list."""
    with Backend(Settings(redis_url=url)) as backend:
        [path] = list_paths(backend, 1)
    with ours(url, 1):  # makes the files
        pass
    found = []
    for _ in range(STARTS):
        started = time.perf_counter()
        with ours(url, 1, path):
            found.append(time.perf_counter() - started)
    return [Row("start: until the first list", corpus.name, OURS, median(found), "s")]


def _asking(server: Served, path: str, with_argument: bool = True) -> Callable[[str], object]:
    def ask(more: str) -> None:
        for answer in server.ask(path + more if with_argument else path):
            assert answer.startswith(b"HTTP/1.1 200")

    ask.cpu_seconds = server.cpu_seconds  # type: ignore[attr-defined]
    return ask


def _has_list(server: Served, article: dict[str, Any]) -> bool:
    answer = server.ask(f"/v1/{SITE}/articles/{article['id']}/related")[0]
    return answer.startswith(b"HTTP/1.1 200")


def in_turns(
    calls: dict[str, Callable[[str], object]], arguments: Sequence[str], a_turn: int
) -> dict[str, float]:
    """Microseconds of a server's CPU for each call, the median of many turns."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for start in range(0, len(arguments), a_turn):
        turn = arguments[start : start + a_turn]
        for name, call in calls.items():
            before = call.cpu_seconds()  # type: ignore[attr-defined]
            for argument in turn:
                call(argument)
            spent = call.cpu_seconds() - before  # type: ignore[attr-defined]
            found[name].append(1e6 * spent / len(turn))
    return {name: median(values[1:] or values) for name, values in found.items()}


@contextmanager
def ours(url: str, connections: int, path: str = "/readyz") -> Iterator[Served]:
    """`alsosee serve` on the store at *url*, once it has an answer at *path*."""
    port = _free_port()
    environment = {
        "ALSOSEE_REDIS_URL": url,
        "ALSOSEE_PORT": str(port),
        "ALSOSEE_WORKERS": "1",
        "ALSOSEE_LOG_LEVEL": "warning",
    }
    command = [sys.executable, "-P", "-m", "api.cli.main", "serve"]
    with _process(command, environment) as pid, _connected(pid, port, connections) as served:
        _wait_for(lambda: served.ask(path)[0].startswith(b"HTTP/1.1 200"))
        yield served


@contextmanager
def hello(kind: str, connections: int) -> Iterator[Served]:
    port = _free_port()
    command = [sys.executable, __file__, kind, str(port)]
    with _process(command, {}) as pid, _connected(pid, port, connections) as served:
        yield served


@contextmanager
def _process(command: Sequence[str], environment: dict[str, str]) -> Iterator[int]:
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.DEVNULL, process_group=0
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _connected(pid: int, port: int, connections: int) -> Iterator[Served]:
    with ExitStack() as stack:

        def connect() -> bool:
            try:
                line = socket.create_connection(("127.0.0.1", port), timeout=10)
            except OSError:
                return False
            lines.append(stack.enter_context(line))
            return True

        lines: list[socket.socket] = []
        for _ in range(connections):
            _wait_for(connect)
        yield Served(pid, port, lines)


def _wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + READY_SECONDS
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError("the server does not come up")
        time.sleep(0.01)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _answer(line: socket.socket) -> bytes:
    """One whole answer with a Content-Length."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += line.recv(65536)
    head, _, body = got.partition(b"\r\n\r\n")
    length = next(
        int(field.partition(b":")[2])
        for field in head.lower().split(b"\r\n")
        if field.startswith(b"content-length:")
    )
    while len(body) < length:
        body += line.recv(65536)
    return head + b"\r\n\r\n" + body


def _cpu_seconds(pid: int) -> float:
    spent = 0
    for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        spent += int(thread.read_text().split()[0])
    return spent / 1e9


def _flask() -> Flask:
    app = Flask("hello")
    app.add_url_rule("/", "hello", lambda: "Hello, World!")
    return app


def _bare(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "13")])
    return [b"Hello, World!"]


def _serve(kind: str, port: int) -> None:
    """As `api.wsgi` does."""
    app = _flask() if kind == "flask" else _bare
    server = Granian(
        "hello",
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=1,
        blocking_threads=4,
        backpressure=1024,
        log_enabled=False,
    )
    server.serve(target_loader=lambda: app, wrap_loader=False)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
