"""A store that is killed or paused under writers: nothing is lost, and nothing counts twice."""

import contextlib
import itertools
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256

import orjson
import pytest
from news import article
from running_service import Record, Service, beside, kill, wait_until

pytestmark = pytest.mark.chaos

WRITERS = 4


def test_no_acknowledged_put_is_lost_when_the_store_is_killed(
    service: Service, record: Record
) -> None:
    sent: dict[str, str] = {}
    acknowledged: dict[str, str] = {}
    chance = random.Random(5)
    names = itertools.count()

    def write(stop: threading.Event) -> None:
        while not stop.is_set():
            body = " ".join(f"word{chance.random()}" for _ in range(50))
            fields = article(f"w{next(names)}", body=body)
            sent[fields["id"]] = digest(fields["body"])
            if service.put(fields).status in (200, 201):
                acknowledged[fields["id"]] = sent[fields["id"]]

    def kill_once() -> None:
        time.sleep(chance.uniform(0.5, 4.0))
        kill(service.store_pid())
        wait_until(lambda: service.put(article("alive")).status in (200, 201))

    with beside(write, threads=WRITERS):
        for _ in range(10):
            kill_once()

    with service.backend() as backend:
        stored = {one: backend.store.article("main", one) for one in sent}
    digests = {one: digest(fields["body"]) for one, fields in stored.items() if fields}
    lost = [one for one, expected in acknowledged.items() if digests.get(one) != expected]
    unacknowledged = digests.keys() - acknowledged.keys()
    record(
        1,
        f"10 kills under {WRITERS} writers: {len(acknowledged):,} acknowledged PUTs, {len(lost)}"
        f" lost; {len(unacknowledged)} stored without an acknowledgement",
    )
    assert lost == []
    # What the server had written when it died, and could not tell any more.
    assert len(unacknowledged) <= 10 * WRITERS
    assert all(digests[one] == sent[one] for one in unacknowledged)


def test_a_put_that_is_repeated_until_it_is_acknowledged_counts_once(
    service: Service, record: Record
) -> None:
    outcomes: Counter[str] = Counter()
    attempts: Counter[str] = Counter()
    names = itertools.count()

    def write(stop: threading.Event) -> None:
        while not stop.is_set():
            fields = article(f"w{next(names)}", version=1)
            status = 0
            while status not in (200, 201):
                attempts[fields["id"]] += 1
                reply = service.put(fields)
                status = reply.status
            outcomes[orjson.loads(reply.body)["outcome"]] += 1

    chance = random.Random(7)
    with beside(write, threads=WRITERS):
        for _ in range(10):
            time.sleep(chance.uniform(0.1, 0.5))
            with paused(service):
                time.sleep(chance.uniform(0.1, 3.0))
            kill(service.store_pid())
            wait_until(lambda: service.put(article("alive")).status in (200, 201))

    with service.backend() as backend:
        changes = backend.store.change_log.changes("main", 0) or []
    accepted = Counter(one.article_id for one in changes if one.article_id in attempts)
    repeated = sum(attempts.values()) - len(attempts)
    record(
        7,
        f"10 pauses and 10 kills under {WRITERS} writers: {len(attempts):,} PUTs sent"
        f" {repeated:,} times more, {len(accepted):,} accepted, {max(accepted.values())} time each;"
        f" {outcomes['unchanged']} learned from a repeat that they were stored",
    )
    assert accepted == Counter(dict.fromkeys(attempts, 1))
    assert set(outcomes) <= {"added", "unchanged"}


@contextlib.contextmanager
def paused(service: Service) -> Iterator[None]:
    pid = service.store_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
