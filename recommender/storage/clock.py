"""
The time by the store's clock, which is the same for all machines of an install.

The clocks of machines differ. By its own clock, a machine that is ten minutes ahead would show an
article ten minutes too early, and keep that list for the others.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from recommender.storage.connections import Connection

# The store is asked again after so long, and as soon as the machine's own clock jumps.
ASK_AGAIN_SECONDS = 10.0
JUMP_SECONDS = 0.25
RETRY_SECONDS = 1.0  # after a question without an answer


class _Reading(NamedTuple):
    """
    What the clocks showed at one moment, in seconds.

    Fields:
        store, wall: since 1970.
        monotonic: since some moment in the past.
    """

    store: float
    wall: float
    monotonic: float


class StoreClock:
    """
    The store's clock, read every ten seconds and carried on by the machine's own.

    Without an answer of the store the last reading counts on; before the first one, the clock of
    the machine. If that jumps while the store is away, the earlier of both times counts, because an
    article that comes too late does less harm than one that comes too early.

    Args:
        wall: the machine's clock, in seconds since 1970.
        monotonic: its clock that never jumps.
    """

    def __init__(
        self,
        connection: Connection,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._wall = wall
        self._monotonic = monotonic
        self._reading: _Reading | None = None
        self._retry_at = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time as a UTC datetime; may ask the store."""
        return datetime.fromtimestamp(self.time(), UTC)

    def time(self) -> float:
        """Seconds since 1970; may ask the store. Raises nothing."""
        known = self.known_time()
        if known is not None:
            return known
        if self._monotonic() >= self._retry_at and self._lock.acquire(blocking=False):
            try:
                self._ask()
            finally:
                self._lock.release()
        return self._carried_on()

    def known_time(self) -> float | None:
        """Seconds since 1970, without a question to the store; None if it should be asked."""
        reading = self._reading
        if reading is None:
            return None
        passed = self._monotonic() - reading.monotonic
        if passed > ASK_AGAIN_SECONDS or abs(self._wall() - reading.wall - passed) > JUMP_SECONDS:
            return None
        return reading.store + passed

    def ahead_seconds(self) -> float | None:
        """How far the machine's clock is ahead of the store's now; None without an answer."""
        reading = self._ask()
        return None if reading is None else reading.wall - reading.store

    def _ask(self) -> _Reading | None:
        """Read the store's clock; None without an answer, or if the machine's clock jumped."""
        wall_before = self._wall()
        asked_at = self._monotonic()
        reply = self._connection.try_command("TIME")
        answered_at = self._monotonic()
        wall = self._wall()
        # A reading across a jump would be wrong until the next one.
        has_jumped = abs(wall - wall_before - (answered_at - asked_at)) > JUMP_SECONDS
        if reply is None or has_jumped:
            self._retry_at = answered_at + (0 if has_jumped else RETRY_SECONDS)
            return None
        seconds, microseconds = (int(part) for part in reply)
        # By then it is later at the store, by the way of the answer: too late does less harm.
        self._reading = _Reading(seconds + microseconds / 1e6, wall, answered_at)
        return self._reading

    def _carried_on(self) -> float:
        """The time by the last reading, however old it is."""
        reading = self._reading
        wall = self._wall()
        if reading is None:
            return wall
        by_monotonic = reading.store + self._monotonic() - reading.monotonic
        by_wall = reading.store + wall - reading.wall
        has_jumped = abs(by_wall - by_monotonic) > JUMP_SECONDS
        return min(by_wall, by_monotonic) if has_jumped else by_monotonic
