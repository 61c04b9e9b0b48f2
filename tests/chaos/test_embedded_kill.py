"""Four writers, one kill -9 of the embedded server in their midst: nothing acknowledged is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from servers import new_server

from recommender.storage.embedded import EmbeddedLease

WRITERS = 4
WRITES_EACH = 1_250


@pytest.fixture
def held() -> Iterator[EmbeddedLease]:
    with new_server() as held:
        yield held


def client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=1)


def write(url: str, writer: int) -> list[str]:
    """Write until every write is acknowledged; return the keys in the order of acknowledgement."""
    acknowledged: list[str] = []
    with client(url) as connection:
        while len(acknowledged) < WRITES_EACH:
            key = f"{writer}:{len(acknowledged)}"
            try:
                connection.set(key, key)
                acknowledged.append(key)
            except redis.ConnectionError:
                time.sleep(0.01)
    return acknowledged


def kill_when(url: str, keys: int) -> int:
    """Kill the server when it has so many keys; return the process id it had."""
    with client(url) as connection:
        while connection.dbsize() < keys:
            time.sleep(0.005)
        server = int(connection.info("server")["process_id"])
        os.kill(server, signal.SIGKILL)
        return server


def test_no_acknowledged_write_is_lost_and_every_writer_carries_on(held: EmbeddedLease) -> None:
    with ThreadPoolExecutor(WRITERS + 1) as pool:
        killed = pool.submit(kill_when, held.url, WRITERS * WRITES_EACH // 2)
        ledgers = list(pool.map(write, [held.url] * WRITERS, range(WRITERS)))

    with client(held.url) as connection:
        for ledger in ledgers:
            assert connection.mget(ledger) == [key.encode() for key in ledger]
        assert connection.info("server")["process_id"] != killed.result()
