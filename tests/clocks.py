"""For tests on machines of any speed: moments that wait, and costs compared with a control."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

Result = TypeVar("Result")

LEADS_SECONDS = (0.5, 4.0, 20.0)


def before_and_at(attempt: Callable[[datetime], Result]) -> Result:
    """
    Call *attempt* with a moment in the near future; return its result when the moment has come.

    If an attempt ends after its moment, it did not test the time before. On a slow machine it is
    therefore repeated with a later moment.
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
    """The processor seconds that a loop of a million steps takes in this thread now."""
    began = time.thread_time()
    for _ in range(1_000_000):
        pass
    return time.thread_time() - began
