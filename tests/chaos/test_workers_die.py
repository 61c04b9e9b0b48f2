"""Reloads and deaths of workers under readers."""

import os
import signal
import threading
import time
from collections import Counter

import pytest
from running_service import LIST, Record, Service, beside, kill, wait_until

pytestmark = pytest.mark.chaos


def test_the_death_of_a_worker_fails_its_own_requests_at_most(
    service: Service, record: Record
) -> None:
    statuses: Counter[int] = Counter()

    def read(stop: threading.Event) -> None:
        while not stop.is_set():
            statuses[service.get(LIST).status] += 1

    with beside(read, threads=4):
        for _ in range(3):
            time.sleep(1.0)
            kill(min(service.workers()))
            wait_until(lambda: len(service.workers()) == 2)
        time.sleep(1.0)

    failed = sum(statuses.values()) - statuses[200]
    record(20, f"3 workers killed under 4 readers: {failed} of {sum(statuses.values()):,} failed")
    assert failed <= 3 * 4


def test_reloads_fail_no_request(service: Service, record: Record) -> None:
    statuses: Counter[int] = Counter()

    def read(stop: threading.Event) -> None:
        while not stop.is_set():
            reply = service.get(LIST)
            # A connection that was closed unread may be asked again (RFC 9110, 9.2.2).
            statuses[reply.status or service.get(LIST).status] += 1

    with beside(read, threads=4):
        for _ in range(3):
            os.kill(service.process.pid, signal.SIGHUP)
            time.sleep(5.0)

    record(20, f"3 reloads under 4 readers: statuses {dict(statuses)}")
    assert set(statuses) == {200}
