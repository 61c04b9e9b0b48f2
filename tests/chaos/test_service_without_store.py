"""The whole service while its store is away."""

import os
import signal
import threading
import time
from collections import Counter

import pytest
from running_service import Record, Service, beside, percentile

pytestmark = pytest.mark.chaos


def test_readers_are_answered_while_the_store_is_paused(service: Service, record: Record) -> None:
    paths = [f"/v1/main/articles/a{n}/related" for n in range(8)]
    for path in paths:
        for _ in range(10):  # so that every worker has each list
            assert service.get(path).status == 200
    times: list[float] = []
    statuses: Counter[int] = Counter()

    def read(stop: threading.Event) -> None:
        path = paths[threading.get_ident() % len(paths)]
        while not stop.is_set():
            reply = service.get(path)
            times.append(reply.seconds)
            statuses[reply.status] += 1

    os.kill(service.store_pid(), signal.SIGSTOP)
    try:
        with beside(read, threads=8):
            time.sleep(10.0)
    finally:
        os.kill(service.store_pid(), signal.SIGCONT)

    record(
        13,
        f"store paused for 10 s under 8 readers: {statuses[200]:,} of {sum(statuses.values()):,}"
        f" answered with 200, p99 {1000 * percentile(times, 0.99):.0f} ms",
    )
    assert set(statuses) == {200}
