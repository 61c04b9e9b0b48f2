"""Crowds, slow clients, and readers beside writers."""

import contextlib
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median
from typing import Any

import pytest
from readers_and_writers import Answers, Crowd, crowd, put, put_bulk, read
from running_service import (
    LIST,
    Record,
    Service,
    half_sent,
    percentile,
    read_for,
    wait_until,
)

pytestmark = pytest.mark.chaos

OVERLOAD_SECONDS = 10.0


def test_slow_clients_do_not_slow_readers(service: Service, record: Record) -> None:
    quiet, _ = read_for(service, 4.0)
    slow = [half_sent(service.port, f"/v1/main/{path}") for path in ("events", "links") * 100]
    idle = [half_sent(service.port, "/editor/main/sign-in") for _ in range(50)]
    with contextlib.ExitStack() as stack:
        for client in (*slow, *idle):
            stack.callback(client.close)
        beside_slow, statuses = read_for(service, 4.0)  # before their deadline of five seconds
    quiet_again, _ = read_for(service, 4.0)

    before = max(percentile(quiet, 0.99), percentile(quiet_again, 0.99))
    after = percentile(beside_slow, 0.99)
    record(
        19,
        f"250 half-sent bodies, no proxy: readers' p99 {1000 * after:.1f} ms, {1000 * before:.1f}"
        f" without (x {after / before:.1f}); statuses {dict(statuses)}",
    )
    assert set(statuses) == {200}
    # A reader that is held by one of them waits for its deadline, five seconds.
    assert after < 5 * before + 0.5


def test_overload_is_refused_at_once_and_passes(service: Service, record: Record) -> None:
    def ask(seconds: float, **how: float) -> Crowd:
        return processes.submit(crowd, service.port, seconds, **how).result()

    with ProcessPoolExecutor(1, get_context("spawn")) as processes:
        ask(3.0, readers=8)  # to warm up
        peak = len(ask(5.0, readers=8).times[200]) / 5.0
        crowded = ask(OVERLOAD_SECONDS, a_second=4 * peak)
        ended = time.monotonic()
        wait_until(lambda: service.get(f"{LIST}?offset=0").status == 200)
        recovery = time.monotonic() - ended
        after = len(ask(5.0, readers=8).times[200]) / 5.0
    goodput = len(crowded.times[200]) / OVERLOAD_SECONDS
    refused = crowded.times[503]

    record(
        18,
        f"4 times the peak of {peak:.0f} new lists a second: {goodput / peak:.0%} of the peak are"
        f" answered, {crowded.share(503):.0%} of the requests refused, half of them in"
        f" {1000 * percentile(refused, 0.5):.0f} ms and 99 % in"
        f" {1000 * percentile(refused, 0.99):.0f} ms; the next list came {recovery:.2f} s after the"
        f" end, and then {after / peak:.0%} of the peak",
    )
    assert set(crowded.times) == {200, 503}
    assert crowded.hints == len(refused)
    assert goodput > peak / 2


WRITERS: dict[str, tuple[Any, ...]] = {
    "10 PUTs a second": (put, 10.0),
    "50 PUTs a second": (put, 50.0),
    "uploads of 500 articles without pause": (put_bulk,),
}


@pytest.mark.parametrize("name", WRITERS)
def test_readers_beside_writers(service: Service, name: str, record: Record) -> None:
    """Turns with and without a writer; the assertion is about which lists the readers got."""
    writer, *rate = WRITERS[name]
    quiet: list[Answers] = []
    busy: list[Answers] = []
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        processes.submit(read, service.port, 2.0).result()  # every worker has the list now
        for _ in range(3):
            quiet.append(processes.submit(read, service.port, 2.0).result())
            written = processes.submit(writer, service.port, service.key, 5.0, *rate)
            time.sleep(1.5)  # until every worker has noticed
            busy.append(processes.submit(read, service.port, 3.0).result())
            assert written.result(60) > 0
    statuses = sum((answers.statuses for answers in busy), Counter[int]())
    waits = sum(answers.waits for answers in busy) / sum(statuses.values())
    before, after = (median(turn.percentile(0.99) for turn in turns) for turns in (quiet, busy))

    record(
        18,
        f"readers beside {name}: p99 {1000 * after:.1f} ms, {1000 * before:.1f} without"
        f" (x {after / before:.1f}); {waits:.2%} of the answers waited for a new list;"
        f" statuses {dict(statuses)}",
    )
    assert set(statuses) == {200}
    assert waits < 0.1  # at 50 PUTs a second 0.7, when every change makes readers wait
