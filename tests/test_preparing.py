"""Articles are analysed in processes of their own, and come out as if there were none."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest
import redis
from news import STORIES, article

from features.site_defaults import NO_DEFAULTS
from recommender import preparing
from recommender.errors import InvalidInput
from recommender.ingest import ingest
from recommender.preparing import (
    ENOUGH_RECORDS,
    WAITING_BATCHES,
    Preparation,
    PreparationFailed,
    prepared_batches,
)
from recommender.sources.frames import decoded, encoded
from recommender.sources.records import Record
from recommender.storage.store import Store

UNUSUAL: list[object] = [
    None,
    7,
    "kursk",
    [],
    {},
    {"id": 10**30, "title": "A long number"},
    {"id": "a", "title": "caf\udce9"},
    {"id": "b", "title": "NUL \0"},
    {"id": "c", "title": "T", "published_at": "never", "tags": ["x", None]},
    {"id": "d", "title": "No language", "body": "一" * 30},
    InvalidInput.at("", "not readable as JSON"),
]


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes start after five records, and take them in small batches."""
    monkeypatch.setattr(preparing, "ENOUGH_RECORDS", 3)
    monkeypatch.setattr(preparing, "BATCH", 5)
    monkeypatch.setattr(preparing, "SENT_BATCH", 5)


def records(count: int) -> Iterator[Record]:
    """Stories in several languages, with what is unusual among them."""
    for number in range(count):
        if number % 4 == 3:
            yield Record(number, UNUSUAL[number // 4 % len(UNUSUAL)])
        else:
            story = [*STORIES][number % len(STORIES)]
            yield Record(number, article(story, id=f"s{number}", language=None))


def contents(server: "redis.Redis") -> dict[bytes, Any]:
    """All that is stored, but for the moments of the writes."""
    read = {
        b"hash": server.hgetall,
        b"string": server.get,
        b"stream": lambda key: [(i, f[b"id"], f[b"op"]) for i, f in server.xrange(key)],
    }
    return {
        key: read[server.type(key)](key)
        for key in server.scan_iter()
        if not key.endswith((b":at", b":format"))
    }


def test_what_is_stored_and_told_is_the_same_with_and_without_processes(
    eager: None, backend: Any, raw_redis: "redis.Redis"
) -> None:
    alone = list(ingest(backend.store, "main", records(100)))
    stored = contents(raw_redis)
    raw_redis.flushall()
    together = list(ingest(backend.store, "main", records(100), processes=2))

    assert alone == together
    assert stored == contents(raw_redis)
    assert 100 == len(alone) and 75 <= sum(r.outcome == "added" for r in alone)


def test_a_short_import_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(preparing, "ProcessPoolExecutor", refuse)
    monkeypatch.setattr(preparing, "_context", refuse)
    few = records(ENOUGH_RECORDS - 1)
    batches = list(prepared_batches(Preparation("main", NO_DEFAULTS), few, 2))

    assert [ENOUGH_RECORDS - 1] == list(map(len, batches))


@pytest.mark.parametrize(
    ("module", "unneeded"),
    [("api.cli.import_", "numba"), ("recommender.preparing", "redis")],
)
def test_an_import_starts_without_what_it_does_not_need(module: str, unneeded: str) -> None:
    program = f"import sys, {module}; print({unneeded!r} in sys.modules)"

    assert b"False\n" == subprocess.check_output([sys.executable, "-c", program])


def test_few_records_are_taken_before_the_first_results_come(eager: None) -> None:
    taken = []

    def counted() -> Iterator[Record]:
        for record in records(500):
            taken.append(record.line)
            yield record

    results = prepared_batches(Preparation("main", NO_DEFAULTS), counted(), 2)
    first = [next(results) for _ in range(3)]  # one here, and two from processes
    results.close()

    assert [0, 5, 10] == [batch[0].line for batch in first]
    assert len(taken) <= 10 + (2 + WAITING_BATCHES) * 5


def test_a_batch_of_large_records_is_a_small_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "MAX_BATCH_BYTES", 1000)
    large = iter([Record(n, {"body": "x" * 400}) for n in range(10)])

    assert [3, 3, 3, 1] == [len(preparing._encoded_batch(large)) for _ in range(4)]


def test_a_process_that_is_killed_ends_the_import_in_words(
    eager: None, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    pools: list[Any] = []

    class Noted(ProcessPoolExecutor):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            pools.append(self)

    monkeypatch.setattr(preparing, "ProcessPoolExecutor", Noted)
    results = ingest(store, "main", records(10_000), processes=2)
    done = [next(results) for _ in range(30)]
    for pid in [*pools[0]._processes]:
        os.kill(pid, signal.SIGKILL)

    with pytest.raises(PreparationFailed, match="a process that analyses articles has ended"):
        done.extend(results)
    assert [*range(len(done))] == [result.line for result in done]


@pytest.fixture
def store(backend: Any) -> Store:
    found: Store = backend.store
    return found


@pytest.mark.parametrize("data", UNUSUAL)
def test_any_record_reaches_another_process(data: object) -> None:
    back = decoded(encoded(Record(3, data)))

    assert (3, repr(data)) == (back.line, repr(back.data))
