"""The gateway between the web server and Flask, with the real web server on a real socket."""

import json
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from api.gateway import MAX_BODY_BYTES, MAX_BULK_BYTES, MAX_STREAMS, QUEUED_A_THREAD

THREADS = 2
BULKS_BYTES = 1_700_000
DISK_BYTES = 1_850_000
CAPACITY = THREADS * (1 + QUEUED_A_THREAD)

# A WSGI application that says what it was asked. "slow" paths wait until "/open" is called.
SERVER = f"""
import json, resource, sys, threading, time
from collections import Counter
from granian import Granian
from granian.constants import HTTPModes, Interfaces
import api.gateway as gateway
from api.caches.hot import RecentAnswer

gateway.BODY_PAUSE_SECONDS = 1.0
gateway.BULKS_BYTES = {BULKS_BYTES}
resource.setrlimit(resource.RLIMIT_FSIZE, ({DISK_BYTES}, {DISK_BYTES}))  # as on a full disk
calls = []
arrived = []
gate = threading.Event()

def parts(path):
    yield b"first "
    gate.wait(30)
    yield b"x" * (8 * 2**20 if "long" in path else 1)

def application(environ, start):
    path = environ["PATH_INFO"]
    calls.append(path)
    if path == "/open":
        gate.set()
    if path == "/close":
        gate.clear()
    if "slow" in path:
        gate.wait(30)
    if path.startswith("/stream"):
        start("200 OK", [("Content-Type", "text/plain")])
        return parts(path)
    shown = {{k: v for k, v in environ.items() if isinstance(v, str)}}
    shown["body"] = len(environ["wsgi.input"].read())
    shown["calls"] = calls.count(path)
    shown["recent"] = sum("recent" in call for call in calls)
    shown["arrived"] = Counter(arrived)
    content = json.dumps(shown).encode()
    start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]

class Recent:
    # Lists with "recent" in their path were current a moment ago.

    def at_once(self, key):
        return None

    def recent(self, key):
        answer = 200, [], b"recent"
        return RecentAnswer(answer, True) if "recent" in key.path else None

class Counting(gateway.Gateway):
    async def __rsgi__(self, scope, protocol):
        arrived.append(scope.path)
        await super().__rsgi__(scope, protocol)

if __name__ == "__main__":
    def gateway_of_worker():
        return Counting(application, {THREADS}, Recent())

    Granian(
        "x", port=int(sys.argv[1]), interface=Interfaces.RSGI, http=HTTPModes.http1,
        websockets=False, workers=1, backpressure=1024, log_enabled=False,
    ).serve(target_loader=gateway_of_worker, wrap_loader=False)
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = int(probe.getsockname()[1])
    root = Path(__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", SERVER, str(number)], cwd=root) as server:
        try:
            _wait_for(number)
            yield number
        finally:
            server.terminate()


def _wait_for(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the web server did not start")


def request(
    port: int, path: str, method: str = "GET", body: Any = None, **headers: str
) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, names, encode_chunked=isinstance(body, Iterator))
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def environ(port: int, path: str, **arguments: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(request(port, path, **arguments)[1])
    return answer


def half_sent(port: int) -> socket.socket:
    """A connection whose request announces 1,000 bytes and has sent three."""
    client = socket.create_connection(("127.0.0.1", port), 60)
    client.sendall(b"POST /events HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc")
    return client


def test_an_answer_of_unknown_length_is_sent_while_it_is_made(port: int) -> None:
    request(port, "/close")
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/stream")
    response = connection.getresponse()

    assert b"first " == response.read1()
    request(port, "/open")
    assert b"x" == response.read()
    connection.close()


def test_clients_that_leave_or_read_nothing_hold_no_stream_up(port: int) -> None:
    request(port, "/open")
    for _ in range(MAX_STREAMS):
        client = socket.create_connection(("127.0.0.1", port), 60)
        client.sendall(b"GET /stream-long HTTP/1.1\r\nHost: h\r\n\r\n")
        client.close()
    idle = socket.create_connection(("127.0.0.1", port), 60)
    idle.sendall(b"GET /stream-long HTTP/1.1\r\nHost: h\r\n\r\n")

    # Those that left are noticed when the next piece is sent.
    for _ in range(600):
        response, content = request(port, "/stream-long")
        if response.status == 200:
            break
        time.sleep(0.05)

    idle.close()
    assert 6 + 8 * 2**20 == len(content)


def test_more_streams_than_may_be_sent_at_the_same_time_are_refused(port: int) -> None:
    request(port, "/close")
    clients = [HTTPConnection("127.0.0.1", port, timeout=60) for _ in range(MAX_STREAMS)]
    streams = []
    for client in clients:
        client.request("GET", "/stream")
        streams.append(client.getresponse())
        assert b"first " == streams[-1].read1()

    refused, _ = request(port, "/stream")

    assert 503 == refused.status
    request(port, "/open")
    for client, stream in zip(clients, streams, strict=True):
        stream.close()
        client.close()


def test_the_path_is_decoded_and_the_query_is_not(port: int) -> None:
    shown = environ(port, "/a%2Fb//caf%C3%A9?q=%20%2B")

    assert shown["PATH_INFO"].encode("latin-1").decode() == "/a/b//café"
    assert shown["QUERY_STRING"] == "q=%20%2B"


def test_a_path_that_is_not_utf_8_is_refused(port: int) -> None:
    response, content = request(port, "/caf%E9")

    assert response.status == 400
    assert json.loads(content)["detail"] == "The path is not UTF-8."


def test_headers_arrive_as_cgi_names_them(port: int) -> None:
    shown = environ(port, "/", x_page="1", cookie="a=b", content_type="text/plain")

    assert (shown["HTTP_X_PAGE"], shown["HTTP_COOKIE"]) == ("1", "a=b")
    assert shown["CONTENT_TYPE"] == "text/plain"
    assert shown["REMOTE_ADDR"] == "127.0.0.1"


def test_repeated_headers_are_joined(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 60) as client:
        client.sendall(
            b"GET / HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nX-A: 2\r\nCookie: a=1\r\nCookie: b=2\r\n"
            b"Connection: close\r\n\r\n"
        )
        content = b"".join(iter(lambda: client.recv(65_536), b"")).partition(b"\r\n\r\n")[2]
    shown = json.loads(content)

    assert (shown["HTTP_X_A"], shown["HTTP_COOKIE"]) == ("1,2", "a=1; b=2")


def test_head_has_the_headers_and_no_body(port: int) -> None:
    response, content = request(port, "/", method="HEAD")

    assert response.status == 200
    assert content == b""
    assert int(response.headers["Content-Length"]) > 0


@pytest.mark.parametrize("size", [0, 1, 100_000, 1_500_000])
def test_a_body_arrives_whole(port: int, size: int) -> None:
    shown = environ(port, "/v1/main/articles", method="POST", body=bytes(size))

    assert (shown["body"], shown["CONTENT_LENGTH"]) == (size, str(size))


def test_the_length_of_a_chunked_body_is_known(port: int) -> None:
    shown = environ(port, "/", method="POST", body=iter([b"abc", b"defg"]))

    assert (shown["body"], shown["CONTENT_LENGTH"]) == (7, "7")
    assert "HTTP_TRANSFER_ENCODING" not in shown


@pytest.mark.parametrize(
    ("target", "limit"),
    [("PUT /v1/main/articles/a", MAX_BODY_BYTES), ("POST /v1/main/articles", MAX_BULK_BYTES)],
)
def test_a_body_that_announces_too_much_is_refused_unread(
    port: int, target: str, limit: int
) -> None:
    with socket.create_connection(("127.0.0.1", port), 60) as client:
        head = f"{target} HTTP/1.1\r\nHost: h\r\nContent-Length: {limit + 1}\r\n\r\n"
        client.sendall(head.encode())

        assert client.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_stops_is_refused(port: int) -> None:
    with half_sent(port) as client:
        answer = client.recv(4096)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer


def test_bulk_bodies_have_a_limited_room_together_and_give_it_back(port: int) -> None:
    for _ in range(3):
        refused, _ = request(port, "/v1/main/articles", "POST", b"x" * (BULKS_BYTES + 1))
        accepted, _ = request(port, "/v1/main/articles", "POST", b"x" * BULKS_BYTES)
        other, _ = request(port, "/v1/main/events", "POST", b"x" * BULKS_BYTES)

        assert [503, 200, 200] == [refused.status, accepted.status, other.status]
        assert refused.headers["Retry-After"]


def test_a_body_for_which_the_disk_has_no_room_is_refused(port: int) -> None:
    response, content = request(port, "/", "POST", b"x" * (DISK_BYTES + 1))

    assert response.status == 503
    assert json.loads(content)["detail"] == "There is no room for this body."
    assert 200 == request(port, "/", "POST", b"x" * 1_000_000)[0].status


@pytest.mark.parametrize("name", ["If_Match", "If_None_Match", "Content_Length", "X_Forwarded_For"])
def test_headers_with_an_underscore_are_dropped(port: int, name: str) -> None:
    """They would look like others to Flask, and not to what shares answers among readers."""
    with socket.create_connection(("127.0.0.1", port), 60) as client:
        client.sendall(
            f"GET /u HTTP/1.1\r\nHost: h\r\n{name}: 7\r\nConnection: close\r\n\r\n".encode()
        )
        content = b"".join(iter(lambda: client.recv(65_536), b"")).partition(b"\r\n\r\n")[2]
    shown = json.loads(content)

    assert {"HTTP_HOST"} == {key for key in shown if key.startswith(("HTTP_", "CONTENT_"))} - {
        "HTTP_CONNECTION"
    }


def test_a_client_that_leaves_in_the_middle_harms_nothing(port: int) -> None:
    for _ in range(50):
        half_sent(port).close()

    assert environ(port, "/after")["calls"] == 1


def test_a_body_that_ends_early_is_no_request(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 60) as client:
        client.sendall(b"POST /cut HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc")
        client.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: client.recv(65_536), b""))

    assert not answer.startswith(b"HTTP/1.1 200 ")
    assert environ(port, "/cut")["calls"] == 1  # that one


def test_slow_bodies_occupy_no_thread(port: int) -> None:
    clients = [half_sent(port) for _ in range(200)]
    idle = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(200)]

    statuses = [request(port, f"/beside/{number}")[0].status for number in range(100)]

    assert statuses == [200] * 100
    for client in clients + idle:
        client.close()


class Held:
    """Requests to slow paths, which are answered when `release` is called."""

    def __init__(self, port: int, paths: list[str], **headers: str) -> None:
        self._port = port
        self._paths = Counter(paths)
        self._arrived = self._arrivals()
        environ(port, "/close", method="POST", body=b"")
        self._pool = ThreadPoolExecutor(len(paths))
        self.answers = [self._pool.submit(request, port, path, **headers) for path in paths]

    def wait_until_done(self, count: int) -> None:
        deadline = time.monotonic() + 60
        while sum(answer.done() for answer in self.answers) < count:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def _arrivals(self) -> Counter[str]:
        """How many requests for these paths the gateway has seen."""
        answer = environ(self._port, "/other", method="POST", body=b"")
        return Counter({path: answer["arrived"].get(path, 0) for path in self._paths})

    def release(self) -> list[tuple[HTTPResponse, bytes]]:
        environ(self._port, "/open", method="POST", body=b"")
        answers = [answer.result(60) for answer in self.answers]
        self._pool.shutdown()
        return answers

    def calls(self) -> int:
        """How often the application was called for one path, after the release."""
        deadline = time.monotonic() + 60
        while self._arrivals() - self._arrived != self._paths:  # who comes late makes one more call
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return max(json.loads(content)["calls"] for _, content in self.release())


def test_equal_requests_for_a_list_are_answered_once(port: int) -> None:
    held = Held(port, ["/v1/main/articles/slow/related"] * 32)

    assert held.calls() <= 2


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/main/articles/slow-keyed/related", {"authorization": "Bearer k"}),
        ("/v1/main/articles/slow-cookie/related", {"cookie": "a=b"}),
        ("/slow-page", {}),
    ],
)
def test_requests_that_may_differ_are_answered_each(
    port: int, path: str, headers: dict[str, str]
) -> None:
    held = Held(port, [path] * 4, **headers)

    assert held.calls() == 4


def test_readers_get_the_last_form_of_a_list_while_one_request_makes_it_again(port: int) -> None:
    environ(port, "/close", method="POST", body=b"")
    contents = [request(port, "/v1/main/articles/slow-recent/related")[1] for _ in range(20)]
    made_again = 0
    while not made_again:
        made_again = environ(port, "/other")["recent"]
    environ(port, "/open", method="POST", body=b"")

    assert contents == [b"recent"] * 20
    assert made_again == 1


def test_beyond_the_queue_requests_are_refused_at_once_and_health_answers(port: int) -> None:
    held = Held(port, [f"/slow/{number}" for number in range(2 * CAPACITY)])
    held.wait_until_done(CAPACITY)  # while nothing that was accepted can be answered
    health = request(port, "/healthz")[0].status
    responses = [response for response, _ in held.release()]
    refused = [response for response in responses if response.status == 503]

    assert health == 200
    assert [200] * CAPACITY == [r.status for r in responses if r not in refused]
    assert ["1"] * CAPACITY == [response.headers["Retry-After"] for response in refused]


def test_writes_do_not_wait_for_reads(port: int) -> None:
    held = Held(port, [f"/slow/beside/{number}" for number in range(CAPACITY)])
    written = request(port, "/write", method="POST", body=b"x")[0].status
    answered = sum(answer.done() for answer in held.answers)
    held.release()

    assert (written, answered) == (200, 0)
