"""Reloads and deaths of workers under readers."""

import contextlib
import os
import re
import signal
import socket
import threading
import time
from collections import Counter

import pytest
from running_service import LIST, PATIENCE_SECONDS, Record, Service, beside, kill, wait_until

pytestmark = pytest.mark.chaos

REQUEST = f"GET {LIST}?offset=0 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode()


def test_the_death_of_a_worker_fails_its_own_requests_at_most(
    service: Service, record: Record
) -> None:
    statuses: Counter[int] = Counter()

    def read(stop: threading.Event) -> None:
        while not stop.is_set():
            statuses[service.get(LIST).status] += 1

    slowest = 0.0
    with beside(read, threads=4):
        for _ in range(3):
            time.sleep(1.0)
            victim = min(service.workers())
            killed_at = time.monotonic()
            kill(victim)
            wait_until(lambda: victim not in service.workers() and len(service.workers()) == 2)  # noqa: B023
            slowest = max(slowest, time.monotonic() - killed_at)
        time.sleep(1.0)

    failed = sum(statuses.values()) - statuses[200]
    record(
        20,
        f"3 workers killed under 4 readers: {failed} of {sum(statuses.values()):,} failed, each"
        f" worker replaced after {slowest:.1f} s at most",
    )
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


def test_the_end_of_the_service_breaks_no_answer_off(service: Service, record: Record) -> None:
    answers: list[bytes] = []

    def read(stop: threading.Event) -> None:
        """Ask for lists that must be made, until the service takes no more connections."""
        while not stop.is_set():
            try:
                client = socket.create_connection(("127.0.0.1", service.port), 30)
            except ConnectionRefusedError:
                return
            with client:
                answers.append(answer_of(client))

    with beside(read, threads=8):
        wait_until(lambda: len(answers) > 50)
        told_at = time.monotonic()
        service.process.terminate()
        status = service.process.wait(PATIENCE_SECONDS)
        seconds = time.monotonic() - told_at

    cut = [answer for answer in answers if answer and not is_whole(answer)]
    unread = answers.count(b"")
    record(
        20,
        f"SIGTERM under 8 readers: ended after {seconds:.1f} s, {len(cut)} of {len(answers):,}"
        f" answers broken off, {unread} connections closed unread",
    )
    assert status == 0
    assert cut == []


def answer_of(client: socket.socket) -> bytes:
    """What the server sends until it closes the connection, or resets it without a word."""
    received = b""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        client.sendall(REQUEST)
        while part := client.recv(65_536):
            received += part
    return received


def is_whole(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return length is not None and int(length[1]) == len(body)
