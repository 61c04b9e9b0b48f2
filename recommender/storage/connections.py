"""Clients of the store and the cache: built here and nowhere else, with timeouts and a breaker."""

import math
import queue
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from recommender.errors import StoreUnavailable
from recommender.storage.change_signal import ChangeSignal

Pace = Literal["read", "write", "batch"]

READ_SECONDS = 0.1
# (connect, socket), in what a read may take. redis-py's own defaults hold a request for up to a
# minute when a server hangs (ten retries of five seconds).
_TIMEOUTS: dict[Pace, tuple[float, float]] = {
    "read": (1, 1),
    "write": (5, 10),
    "batch": (5, 50),
}
_POOL_WAIT = 0.5

# What a server says that can be reached and does not do it. Some have a class of their own, and
# lose the word; in a pipeline the word stands behind the command.
_REFUSALS = (
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.NoPermissionError,
    redis.exceptions.MasterDownError,
    redis.exceptions.ClusterDownError,
)
_REFUSAL = re.compile(r"(^|caused error: )(MISCONF|NOREPLICAS|BUSY) ")


class Breaker:
    """
    Stops asking a server that does not answer: no request waits for what is known to be away.

    Opens after *failures* in a row and then lets one caller through about every *pause_seconds*.
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
        """What `failed` is told of when the waiting began."""
        return self._clock()

    @property
    def is_sure(self) -> bool:
        """Whether the last that was heard of the server is good."""
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
            self._failures, self._counted_at = 0, -math.inf

    def failed(self, silent_since: float | None = None) -> None:
        """Count a request in vain, which has waited since then, or was refused."""
        with self._lock:
            if silent_since is not None and silent_since < self._counted_at:
                return  # the silence that another thread has met too
            self._failures, self._counted_at = self._failures + 1, self._clock()
            if self._failures >= self._limit:
                self._plan_probe()

    def _plan_probe(self) -> None:
        # ±20 %, so that the workers do not all knock at once
        self._next_probe = self._clock() + self._pause_seconds * random.uniform(0.8, 1.2)


class _Waiting(threading.local):
    """Of a thread: whether it answers a reader, and for whom it has waited in vain."""

    def __init__(self) -> None:
        self.for_reader = False
        self.in_vain: set[Connection] = set()


_waiting = _Waiting()


@contextmanager
def waiting_once() -> Iterator[None]:
    """
    In this block, which answers a reader, this thread waits for each silent server only once.

    A server that it `Connection.ask`ed in vain just before is waited for no more.
    """
    _waiting.for_reader = True
    try:
        yield
    finally:
        _waiting.for_reader = False
        _waiting.in_vain.clear()


class Connection:
    """
    One server in one role, with a client for each pace: quick reads, writes, and batches.

    All use of a client happens inside `using`, which turns every way of being away into
    `StoreUnavailable` and tells the breaker.

    Args:
        bell: rung after everything that may have changed something.
        read_seconds: how long a read may take; a write has ten times as long, a batch fifty.
    """

    def __init__(
        self,
        url: str,
        threads: int = 8,
        bell: ChangeSignal | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self.bell = bell
        self._clients = {pace: _client(url, pace, threads, read_seconds) for pace in _TIMEOUTS}
        self._breaker = Breaker()
        self._reason = ""  # of the last failure
        # redis-py connections that nobody talks on just now
        self._lines: dict[Pace, list[Any]] = {pace: [] for pace in _TIMEOUTS}
        self._closed = False

    @contextmanager
    def using(self, pace: Pace) -> Iterator[Any]:
        """
        Lend the redis-py client of this *pace*. Replies are bytes, which its types cannot say.

        Raises:
            StoreUnavailable: when the server cannot be reached, hangs, is still loading
                its data, or refuses a write (full disk or memory, read-only replica).
        """
        if self._has_waited():
            raise StoreUnavailable("the store does not answer", self._reason)
        if not self._breaker.allows():
            waiting = "the store does not answer; waiting before the next try"
            raise StoreUnavailable(waiting, self._reason)
        began = self._breaker.now()
        try:
            yield self._clients[pace]
        except redis.ResponseError as error:
            self._breaker.succeeded()  # no is an answer too
            if not (isinstance(error, _REFUSALS) or _REFUSAL.search(str(error))):
                raise
            raise StoreUnavailable("the store refuses", str(error)) from error
        except (redis.RedisError, OSError) as error:
            if isinstance(error.__context__, queue.Empty):  # says nothing about the server
                raise StoreUnavailable("all connections to the store are in use") from error
            is_silence = isinstance(error, redis.TimeoutError)
            self._breaker.failed(began if is_silence else None)
            self._reason = str(error)
            if _waiting.for_reader and is_silence:
                _waiting.in_vain.add(self)
            raise StoreUnavailable("the store does not answer", str(error)) from error
        else:
            self._breaker.succeeded()
        finally:
            if self.bell is not None and pace != "read":
                self.bell.ring()

    def read(self, *command: str) -> Any:
        """
        The reply to one command of reading, in half the time that the client takes.

        Raises:
            StoreUnavailable: as `using` does.
        """
        reply = self.ask(*command)
        if reply is None:  # which also says that there is nothing
            if not _waiting.for_reader:
                _waiting.in_vain.discard(self)  # or it would turn away this thread's next reader
            with self.using("read") as client:
                reply = client.execute_command(*command)
        return reply

    def ask(self, *command: str | bytes, pace: Pace = "read") -> Any:
        """
        The reply to one command, or None when it does not come; never an error, nor the bell.

        It takes half of what `using` takes or less, and is for what is asked all the time. Callers
        who are told nothing go the usual way, which finds out why.
        """
        if not self._breaker.is_sure or self._has_waited():
            return None
        try:
            line = self._lines[pace].pop()
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
                self._reason = str(error)
                _waiting.in_vain.add(self)
            return None
        self._lines[pace].append(line)
        if self._closed:  # meanwhile
            self._hang_up()
        return reply

    def _has_waited(self) -> bool:
        """Whether this thread's reader has waited for this server in vain."""
        return _waiting.for_reader and self in _waiting.in_vain

    def close(self) -> None:
        self._closed = True
        for client in self._clients.values():
            client.connection_pool.disconnect()  # which `close` leaves to whoever made the pool
        self._hang_up()

    def _hang_up(self) -> None:
        for lines in self._lines.values():
            with suppress(IndexError):
                while True:
                    lines.pop().disconnect()

    def _new_line(self, pace: Pace) -> Any:
        pool = self._clients[pace].connection_pool
        return pool.connection_class(**pool.connection_kwargs)


def _client(url: str, pace: Pace, threads: int, read_seconds: float) -> "redis.Redis":
    connect, answer = (share * read_seconds for share in _TIMEOUTS[pace])
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=threads,
        timeout=_POOL_WAIT * read_seconds,
        socket_connect_timeout=connect,
        socket_timeout=answer,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,  # to say which library this is takes two thirds of connecting
    )
    return redis.Redis(connection_pool=pool)
