"""
The application that the web server calls: it keeps slow clients and crowds away from Flask.

The web server's event loop runs `Gateway`. It reads a request's body there, with a deadline, and
hands the whole request to a thread, where Flask answers it (as WSGI). So a client that sends its
body slowly occupies no thread. Reads, writes and health checks have threads of their own, and each
kind of request has a limited queue: a request beyond it gets 503 at once. An answer whose length is
not known is sent while it is made, by threads of its own too.
"""

import asyncio
import re
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from http import HTTPStatus
from io import SEEK_END, BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TypeVar

import structlog
from granian._granian import RSGIProtocolClosed as ProtocolClosed

from api.caches.hot import LIST_PATH, HotAnswers, HttpAnswer, RequestKey
from api.http.request import MAX_BODY_BYTES
from api.http.responses import problem
from api.v1.articles import MAX_BULK_BYTES

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment
    from granian._granian import RSGIHTTPProtocol as HTTPProtocol
    from granian.rsgi import Scope

log = structlog.get_logger()

READS = ("GET", "HEAD", "OPTIONS")
# The headers that a list depends on, and those with which no answer is shared.
LIST_HEADERS = ("accept", "host", "if-none-match", "origin")
PRIVATE_HEADERS = ("authorization", "cookie", "if-match", "range")
BROKEN_CHARACTER = "\ufffd"  # what the web server puts in place of bytes that are not UTF-8
BULK_PATH = re.compile(r"/v1/[^/]+/articles")
SPOOL_BYTES = 2**20  # a longer body waits in a temporary file
# A body must begin within the pause, may never stop for longer, and must keep up the rate.
BODY_PAUSE_SECONDS = 5.0
BODY_SECONDS = 15.0
BODY_BYTES_A_SECOND = 100_000
MAX_BODIES = 512  # read at the same time by one worker
# What the bodies of one worker may take together. Anyone can begin a bulk upload, so they leave the
# other bodies their room.
BODIES_BYTES = 64 * 2**20
BULKS_BYTES = 2 * MAX_BULK_BYTES
QUEUED_A_THREAD = 8
RETRY_AFTER_SECONDS = 1

MAX_STREAMS = 8  # sent at the same time by one worker
CHUNK_SECONDS = 15.0  # that a client may take for one chunk of a streamed answer

TOO_MANY = "Too many requests are waiting."

Headers = list[tuple[str, str]]
Result = TypeVar("Result")


class Answer(NamedTuple):
    status: int
    headers: Headers
    body: bytes


class Stream(NamedTuple):
    """An answer that is sent while it is made."""

    status: int
    headers: Headers
    parts: Iterable[bytes]


class Refused(Exception):
    """The request is refused before Flask sees it."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def _too_many() -> Refused:
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, TOO_MANY)


class BodyRoom:
    """
    The room for one kind of bodies, while they are read and answered.

    Args:
        size: of all together, in bytes.
        limit: the most bytes that one may have.
    """

    def __init__(self, size: int, limit: int) -> None:
        self.limit = limit
        self._left = size

    @contextmanager
    def place(self) -> Iterator[Callable[[int], None]]:
        """A function that takes so many more bytes for this block, or raises `Refused`."""
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if size > self._left:
                raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "Too many bodies are being read.")
            self._left -= size
            taken += size

        try:
            yield take
        finally:
            self._left += taken


class Lane:
    """
    Threads for one kind of request, and the number of requests that may wait for them.

    Args:
        threads: how many requests run at the same time.
    """

    def __init__(self, name: str, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._limit = threads * (1 + QUEUED_A_THREAD)
        self._pending = 0

    def check(self) -> None:
        """Raises `Refused` (503) when the queue is full."""
        if self._pending >= self._limit:
            raise _too_many()

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run *work* in a thread; raises `Refused` (503) when the queue is full."""
        self.check()
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._pending -= 1


class Gateway:
    """
    An RSGI application around a WSGI one.

    Args:
        wsgi: answers the requests.
        threads: that answer reads; half as many answer writes.
        hot: lists that are answered at once, on the event loop.
    """

    def __init__(
        self, wsgi: "WSGIApplication", threads: int, hot: HotAnswers | None = None
    ) -> None:
        self._wsgi = wsgi
        self._hot = hot
        self._reads = Lane("reads", threads)
        self._writes = Lane("writes", max(1, threads // 2))
        self._health = Lane("health", 1)
        self._streams = Lane("streams", MAX_STREAMS)
        self._streaming = 0
        self._bodies = 0
        self._room = BodyRoom(BODIES_BYTES, MAX_BODY_BYTES)
        self._bulk_room = BodyRoom(BULKS_BYTES, MAX_BULK_BYTES)
        self._is_making_again = False
        self._flights: dict[tuple[str | None, ...], asyncio.Future[Answer | Stream]] = {}

    async def __rsgi__(self, scope: "Scope", protocol: "HTTPProtocol") -> None:
        hot = self._hot_answer(scope)
        if hot is not None:
            protocol.response_bytes(*hot)
            return
        try:
            answer = await self._answer(scope, protocol)
        except Refused as error:
            answer = _refusal(error.status, str(error))
        if isinstance(answer, Answer):
            protocol.response_bytes(*answer)
        elif self._streaming >= MAX_STREAMS:
            _close(answer.parts)
            protocol.response_bytes(*_refusal(HTTPStatus.SERVICE_UNAVAILABLE, TOO_MANY))
        else:
            await self._stream(protocol, answer)

    async def _stream(self, protocol: "HTTPProtocol", answer: Stream) -> None:
        """Send an answer while it is made; a client that takes nothing for too long is left."""
        chunks = iter(answer.parts)
        self._streaming += 1
        try:
            transport = protocol.response_stream(answer.status, answer.headers)
            while chunk := await self._streams.run(lambda: next(chunks, b"")):
                async with asyncio.timeout(CHUNK_SECONDS):
                    await transport.send_bytes(chunk)
        except (TimeoutError, ProtocolClosed):
            pass
        finally:
            self._streaming -= 1
            await self._streams.run(lambda: _close(answer.parts))

    def _hot_answer(self, scope: "Scope") -> HttpAnswer | None:
        if self._hot is None or scope.method not in ("GET", "HEAD"):
            return None
        shown: dict[str, str] = {}
        for name, value in scope.headers.items():
            if name == "if-match":
                return None  # Flask decides
            if name in ("accept", "if-none-match"):
                shown[name] = f"{shown[name]},{value}" if name in shown else value
        path = _path_info(scope)
        accept = shown.get("accept")
        tags = shown.get("if-none-match")
        key = RequestKey(scope.method, path, scope.query_string, accept, tags)
        answer = self._hot.at_once(key)
        if answer is not None:
            return answer
        recent = self._hot.recent(key)
        if recent is None:
            return None
        if recent.is_due:
            self._make_again(scope)
        return recent.answer

    def _make_again(self, scope: "Scope") -> None:
        """Make a list again while readers get its last form; one list at a time."""
        flight = _flight(scope)
        if flight is None or self._is_making_again:
            return
        self._is_making_again = True
        task = asyncio.ensure_future(
            self._shared(flight, self._reads.run(lambda: self._call(scope, None)))
        )
        task.add_done_callback(self._made_again)

    def _made_again(self, task: "asyncio.Future[Answer | Stream]") -> None:
        self._is_making_again = False
        task.exception()  # a list that was not made now is made for the next reader

    async def _answer(self, scope: "Scope", protocol: "HTTPProtocol") -> Answer | Stream:
        if BROKEN_CHARACTER in scope.path:
            raise Refused(HTTPStatus.BAD_REQUEST, "The path is not UTF-8.")
        lane = self._lane(scope)
        length = scope.headers.get("content-length", "0")
        if length != "0" or "transfer-encoding" in scope.headers:
            room = self._bulk_room if _is_bulk(scope) else self._room
            with room.place() as take, await self._body(scope, protocol, room.limit, take) as body:
                return await lane.run(lambda: self._call(scope, body))
        flight = _flight(scope)
        if flight is None:
            return await lane.run(lambda: self._call(scope, None))
        if flight not in self._flights:
            lane.check()  # a crowd is refused at once, without a task for each request
        return await self._shared(flight, lane.run(lambda: self._call(scope, None)))

    def _lane(self, scope: "Scope") -> Lane:
        if scope.path in ("/healthz", "/readyz"):
            return self._health
        return self._reads if scope.method in READS else self._writes

    async def _shared(
        self, flight: tuple[str | None, ...], answer: Coroutine[Any, Any, Answer | Stream]
    ) -> Answer | Stream:
        """One answer for all equal requests that wait at the same time."""
        future = self._flights.get(flight)
        if future is None:
            future = asyncio.ensure_future(answer)
            self._flights[flight] = future
            future.add_done_callback(lambda _: self._flights.pop(flight))
        else:
            answer.close()
        # A client that goes away does not cancel what others wait for.
        return await asyncio.shield(future)

    async def _body(
        self, scope: "Scope", protocol: "HTTPProtocol", limit: int, take: Callable[[int], None]
    ) -> IO[bytes]:
        """Read the body of a request; raises `Refused` when it is too long or too slow."""
        if self._bodies >= MAX_BODIES:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "Too many requests are being read.")
        announced = scope.headers.get("content-length", "")
        length = int(announced) if announced.isdigit() else None
        if length is not None and length > limit:
            raise _too_long(limit)
        self._bodies += 1
        try:
            return await _read(protocol, limit, length, take)
        finally:
            self._bodies -= 1

    def _call(self, scope: "Scope", body: IO[bytes] | None) -> Answer | Stream:
        """Let the WSGI application answer. Runs in a thread of a lane."""
        started: list[Any] = []

        def start(status: str, headers: Headers, *_: object) -> Any:
            started[:] = int(status[:3]), headers

        parts = self._wsgi(_environ(scope, body), start)
        status, headers = started
        if _is_streamed(status, headers):
            return Stream(status, headers, parts)
        try:
            content = b"".join(parts)
        finally:
            _close(parts)
        return Answer(status, headers, content)


def _is_bulk(scope: "Scope") -> bool:
    return scope.method == "POST" and BULK_PATH.fullmatch(scope.path) is not None


def _too_long(limit: int) -> Refused:
    return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"Expected at most {limit} bytes.")


async def _read(
    protocol: "HTTPProtocol", limit: int, length: int | None, take: Callable[[int], None]
) -> IO[bytes]:
    """
    Read a body into a file in memory, or on disk when it is long.

    Raises:
        Refused: it is longer than the limit; it stops for longer than the pause; all of it takes
            longer than a slow line would need; it ends before its *length*; or there is no room.
    """
    body = SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115  # its reader closes it
    size = 0
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        async with asyncio.timeout(BODY_PAUSE_SECONDS) as deadline:
            async for chunk in protocol:
                size += len(chunk)
                if size > limit:
                    raise _too_long(limit)
                take(len(chunk))
                body.write(chunk)
                last = started + BODY_SECONDS + size / BODY_BYTES_A_SECOND
                deadline.reschedule(min(last, loop.time() + BODY_PAUSE_SECONDS))
        if length is not None and size < length:  # the client has gone
            raise Refused(HTTPStatus.BAD_REQUEST, "The body ended before its announced length.")
        body.seek(0)
    except TimeoutError:
        body.close()
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, "The body came too slowly.") from None
    except OSError as error:  # the folder for temporary files is full
        with suppress(OSError):
            body.close()
        log.error("a body could not be kept", error=str(error))
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "There is no room for this body.") from None
    except BaseException:
        body.close()
        raise
    return body


def _flight(scope: "Scope") -> tuple[str | None, ...] | None:
    """What equal requests for a list have in common; None for requests that are not shared."""
    headers = scope.headers
    if scope.method != "GET" or not LIST_PATH.fullmatch(scope.path):
        return None
    if any(name in headers for name in PRIVATE_HEADERS):
        return None
    return (scope.path, scope.query_string, *(headers.get(name) for name in LIST_HEADERS))


def _environ(scope: "Scope", body: IO[bytes] | None) -> "WSGIEnvironment":
    """The request as PEP 3333 describes it."""
    client, _, _ = scope.client.rpartition(":")
    host, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": _path_info(scope),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": client,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": body or BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        # `If_Match` would become what `If-Match` becomes, behind the back of all who look for that.
        if "_" not in name:
            _add_header(environ, name, value)
    if body is not None:
        environ["CONTENT_LENGTH"] = str(body.seek(0, SEEK_END))
        body.seek(0)
    return environ


def _path_info(scope: "Scope") -> str:
    return scope.path.encode().decode("latin-1")


def _add_header(environ: dict[str, Any], name: str, value: str) -> None:
    key = name.upper().replace("-", "_")
    if key == "TRANSFER_ENCODING":
        return  # the body has been read, and its length is known
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = f"HTTP_{key}"
    separator = "; " if key == "HTTP_COOKIE" else ","
    environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value


@cache  # there are few, and a crowd gets the same one
def _refusal(status: HTTPStatus, detail: str) -> Answer:
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    else:
        headers = {"Connection": "close"}  # the rest of the body is not read
    response = problem(status, detail, headers=headers)
    return Answer(response.status_code, list(response.headers), response.get_data())


def _is_streamed(status: int, headers: Headers) -> bool:
    """Whether the length of the body is not known yet."""
    names = {name.lower() for name, _ in headers}
    return status == HTTPStatus.OK and "content-length" not in names


def _close(parts: Iterable[bytes]) -> None:
    """End a WSGI response."""
    close = getattr(parts, "close", None)
    if close is not None:
        close()
