"""How long a request may take: loops that can be long check, and stop when the time is over."""

import time
from contextvars import ContextVar

from recommender.errors import TookTooLong

_ends_at: ContextVar[float] = ContextVar("ends_at", default=float("inf"))


def start_deadline(seconds: float) -> None:
    """Let whatever runs in this context from now on take so long, and no longer."""
    _ends_at.set(time.monotonic() + seconds)


def end_deadline() -> None:
    """Let whatever runs in this context take as long as it needs."""
    _ends_at.set(float("inf"))


def check_deadline() -> None:
    """Raise `TookTooLong` when the time is over. Costs .1 µs: call it in every long loop."""
    if time.monotonic() > _ends_at.get():
        raise TookTooLong("This request took too long. Send a shorter text.")
