"""Tests on a machine of any speed: moments that wait for it, and costs beside a control."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

Result = TypeVar("Result")

LEADS_SECONDS = (0.5, 4.0, 20.0)


def before_and_at(attempt: Callable[[datetime], Result]) -> Result:
    """
    Call *attempt* with a moment in the near future; return its result when the moment has come.

    An attempt that ends after its moment has seen nothing of the time before it: on a slow machine
    it is repeated with a later moment.
    """
    for seconds in LEADS_SECONDS:
        moment = datetime.now(UTC) + timedelta(seconds=seconds)
        result = attempt(moment)
        rest = (moment - datetime.now(UTC)).total_seconds()
        if rest > 0:
            time.sleep(rest + 0.01)
            return result
    raise AssertionError(f"one attempt takes more than {LEADS_SECONDS[-1]} s")


def million_steps() -> float:
    """Processor seconds that a plain loop of a million steps takes in this thread just now."""
    began = time.thread_time()
    for _ in range(1_000_000):
        pass
    return time.thread_time() - began
