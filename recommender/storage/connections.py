"""
Connections to the store and the cache, with timeouts and a circuit breaker; the names of keys.

Only this module imports redis.
"""

import math
import queue
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from recommender.disk_space import DiskSpace
from recommender.errors import StoreUnavailable
from recommender.storage.change_signal import ChangeSignal

Pace = Literal["read", "load", "write", "batch"]

READ_SECONDS = 0.1
# (connect, answer), as multiples of the time that a read may take; a reply whose bytes come one
# by one has twice the time for an answer (`_DeadlineSocket`). redis-py's own defaults hold
# a request for up to a minute when a server hangs: ten retries of five seconds.
_TIMEOUTS: dict[Pace, tuple[float, float]] = {
    "read": (1, 1),
    "load": (5, 50),
    "write": (5, 10),
    "batch": (5, 50),
}
_POOL_WAIT = 0.5
NO_ROOM = "the disk is nearly full: nothing is stored until there is room"
# A reply may take so many times the timeout of the socket.
TIMEOUTS_PER_REPLY = 2

# Errors of a server that is reachable and does not carry out the command. redis-py has classes
# for some of them and drops their code; in a pipeline the code follows the command.
_REFUSALS = (
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.NoPermissionError,
    redis.exceptions.MasterDownError,
    redis.exceptions.ClusterDownError,
)
_REFUSAL = re.compile(r"(^|caused error: )(MISCONF|NOREPLICAS|BUSY) ")
# Errors about what is stored, and not about our command: a key of another type, a number that is
# none, a script that meets such a value.
_DAMAGE = re.compile(
    r"(^|caused error: |Error: )?WRONGTYPE|not an integer|not a valid float|user_script"
    r"|Invalid stream ID|ID specified in XADD is equal or smaller"
)


class Breaker:
    """
    A circuit breaker: stops sending requests to a server that does not answer.

    It opens after *failures* in a row, and then lets one caller through about every
    *pause_seconds*.
    """

    def __init__(
        self,
        failures: int = 3,
        pause_seconds: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = failures
        self._pause_seconds = pause_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._counted_at = -math.inf
        self._next_probe = 0.0

    def now(self) -> float:
        """The time that `failed` expects as the start of a request."""
        return self._clock()

    @property
    def has_no_failures(self) -> bool:
        """Whether the last request was answered."""
        return self._failures == 0

    def allows(self) -> bool:
        with self._lock:
            if self._failures < self._limit:
                return True
            if self._clock() < self._next_probe:
                return False
            self._plan_probe()
            return True

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0
            self._counted_at = -math.inf

    def failed(self, silent_since: float | None = None) -> None:
        """
        Count a failed request.

        Args:
            silent_since: when a request that timed out was sent; None for one that was refused.
        """
        with self._lock:
            if silent_since is not None and silent_since < self._counted_at:
                return  # another thread has already counted the same silence
            self._failures += 1
            self._counted_at = self._clock()
            if self._failures >= self._limit:
                self._plan_probe()

    def _plan_probe(self) -> None:
        # ±20 %, so that the workers do not all try at the same moment
        self._next_probe = self._clock() + self._pause_seconds * random.uniform(0.8, 1.2)


class _ThreadWaits(threading.local):
    """Whether this thread answers a reader, and which servers have timed out on it."""

    def __init__(self) -> None:
        self.for_reader = False
        self.timed_out: set[Connection] = set()


_waits = _ThreadWaits()


@contextmanager
def one_wait_per_server() -> Iterator[None]:
    """
    In this block, which answers a reader, the thread waits for each silent server only once.

    This includes a `Connection.try_command` that timed out just before the block.
    """
    _waits.for_reader = True
    try:
        yield
    finally:
        _waits.for_reader = False
        _waits.timed_out.clear()


class Connection:
    """
    One server in one role, with a client for each pace: quick reads, reads of many records, writes,
    and batches of them.

    All use of a client happens inside `using`, which turns every failure to get an answer into
    `StoreUnavailable` and reports it to the breaker.

    Args:
        signal: sent after every command that may have changed something.
        read_seconds: how long a quick read may take; a write has ten times as long, many records
            have fifty.
        disk: where the server keeps its files, if that is known.
    """

    def __init__(
        self,
        url: str,
        threads: int = 8,
        signal: ChangeSignal | None = None,
        read_seconds: float = READ_SECONDS,
        disk: DiskSpace | None = None,
    ) -> None:
        self.signal = signal
        self._disk = disk
        self._clients = {pace: _client(url, pace, threads, read_seconds) for pace in _TIMEOUTS}
        self._breaker = Breaker()
        self._last_failure = ""
        # Idle redis-py connections of `try_command`.
        self._idle: dict[Pace, list[Any]] = {pace: [] for pace in _TIMEOUTS}
        self._closed = False

    @contextmanager
    def using(self, pace: Pace, removes: bool = False, grows: bool = False) -> Iterator[Any]:
        """
        Lend the redis-py client of this *pace*. Replies are bytes, which its types cannot express.

        Args:
            removes: whether an article may have to leave lists because of the commands.
            grows: whether the commands add to the archive; then they are refused before the disk is
                full. A store whose disk is full ends with each write, and readers with it.

        Raises:
            StoreUnavailable: when the server cannot be reached, hangs, is still loading
                its data, or refuses a write (full disk or memory, read-only replica); also when
                a record is damaged so that the command fails.
        """
        if grows and not self.has_room:
            raise StoreUnavailable(NO_ROOM)
        if self._has_timed_out():
            raise StoreUnavailable("the store does not answer", self._last_failure)
        if not self._breaker.allows():
            pausing = "the store does not answer; waiting before the next try"
            raise StoreUnavailable(pausing, self._last_failure)
        began = self._breaker.now()
        try:
            yield self._clients[pace]
        except redis.ResponseError as error:
            self._breaker.succeeded()  # an error is an answer too
            if isinstance(error, _REFUSALS) or _REFUSAL.search(str(error)):
                raise StoreUnavailable("the store refuses", str(error)) from error
            if _DAMAGE.search(str(error)):
                raise StoreUnavailable("a record in the store is damaged", str(error)) from error
            raise
        except (redis.RedisError, OSError) as error:
            raise self._unavailable(error, began) from error
        else:
            self._breaker.succeeded()
        finally:
            if self.signal is not None and pace in ("write", "batch"):
                self.signal.send(removal=removes)

    @property
    def has_room(self) -> bool:
        """Whether the disk of the server, if it is known, has room for more."""
        return self._disk is None or self._disk.allows_writes

    def _unavailable(self, error: Exception, began: float) -> StoreUnavailable:
        """Report a failure to the breaker, and return the error to raise for it."""
        if isinstance(error.__context__, queue.Empty):  # does not concern the server
            return StoreUnavailable("all connections to the store are in use")
        is_silence = isinstance(error, redis.TimeoutError)
        self._breaker.failed(began if is_silence else None)
        self._last_failure = str(error)
        if _waits.for_reader and is_silence:
            _waits.timed_out.add(self)
        return StoreUnavailable("the store does not answer", str(error))

    def read(self, *command: str) -> Any:
        """
        The reply to one command that reads, in half the time that the redis-py client takes.

        Raises:
            StoreUnavailable: as `using` does.
        """
        reply = self.try_command(*command)
        if reply is None:  # no answer, or an answer that says there is nothing
            if not _waits.for_reader:
                # A time-out outside of a reader's request must not count for the next reader.
                _waits.timed_out.discard(self)
            with self.using("read") as client:
                reply = client.execute_command(*command)
        return reply

    def try_command(self, *command: str | bytes, pace: Pace = "read") -> Any:
        """
        The reply to one command, or None when it fails. Raises nothing and sends no signal.

        It takes at most half the time of `using` and serves the hot paths. On None, fall back to
        `using`, which raises the cause.
        """
        if not self._breaker.has_no_failures or self._has_timed_out():
            return None
        try:
            line = self._idle[pace].pop()
        except IndexError:
            line = self._new_line(pace)
        began = self._breaker.now()
        try:
            line.send_command(*command, check_health=False)
            reply = line.read_response(disable_decoding=True)
        except redis.ResponseError:
            reply = None
        except (redis.RedisError, OSError) as error:
            line.disconnect()
            if isinstance(error, redis.TimeoutError):
                self._breaker.failed(began)
                self._last_failure = str(error)
                _waits.timed_out.add(self)
            return None
        self._idle[pace].append(line)
        if self._closed:  # by another thread, while the command ran
            self._disconnect_idle()
        return reply

    def _has_timed_out(self) -> bool:
        """Whether this thread has waited for the server during the same request."""
        return _waits.for_reader and self in _waits.timed_out

    def close(self) -> None:
        self._closed = True
        for client in self._clients.values():
            # `client.close` would leave the pool open, because we made it.
            client.connection_pool.disconnect()
        self._disconnect_idle()

    def _disconnect_idle(self) -> None:
        for lines in self._idle.values():
            with suppress(IndexError):
                while True:
                    lines.pop().disconnect()

    def _new_line(self, pace: Pace) -> Any:
        pool = self._clients[pace].connection_pool
        return pool.connection_class(**pool.connection_kwargs)


def _client(url: str, pace: Pace, threads: int, read_seconds: float) -> "redis.Redis":
    connect_seconds, answer_seconds = (share * read_seconds for share in _TIMEOUTS[pace])
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=threads,
        timeout=_POOL_WAIT * read_seconds,
        socket_connect_timeout=connect_seconds,
        socket_timeout=answer_seconds,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,  # sending the library's name takes two thirds of connecting
    )
    pool.connection_class = _with_reply_deadline(pool.connection_class)
    return redis.Redis(connection_pool=pool)


class _DeadlineSocket:
    """A socket whose `recv` fails when the reply to the last `sendall` takes too long."""

    def __init__(self, connected: socket.socket, reply_seconds: float) -> None:
        self._socket = connected
        self._reply_seconds = reply_seconds
        self._deadline = time.monotonic() + reply_seconds

    def sendall(self, data: bytes) -> None:
        self._deadline = time.monotonic() + self._reply_seconds
        self._socket.sendall(data)

    def recv(self, size: int, flags: int = 0) -> bytes:
        # Without a timeout, redis-py only looks whether the server has closed the connection.
        if time.monotonic() > self._deadline and self._socket.gettimeout():
            raise TimeoutError("the reply takes too long")
        return self._socket.recv(size, flags)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


def _with_reply_deadline(connection_class: type[Any]) -> type[Any]:
    """The same class of redis-py connections, with a deadline for each reply."""

    class DeadlineConnection(connection_class):  # type: ignore[misc]
        def _connect(self) -> _DeadlineSocket:
            reply_seconds = TIMEOUTS_PER_REPLY * self.socket_timeout
            return _DeadlineSocket(super()._connect(), reply_seconds)

    return DeadlineConnection
