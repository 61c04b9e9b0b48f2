"""Kills of the store under writers: what was acknowledged stays."""

import itertools
import random
import threading
import time
from hashlib import sha256

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


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
