"""Rate limits inside one process; they need no store."""

import time
from collections.abc import Callable
from threading import Lock


class TokenBucket:
    """Allows *burst* calls at once, and *rate* a second after that."""

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._lock = Lock()
        self._tokens = burst
        self._filled_at = clock()

    def take(self) -> bool:
        """Use one token; False when there is none."""
        with self._lock:
            now = self._clock()
            filled = self._tokens + (now - self._filled_at) * self._rate
            self._tokens = min(self._burst, filled)
            self._filled_at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
