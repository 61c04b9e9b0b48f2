"""A scan of the whole archive is complete, also when the server restarts in the middle of it."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

import orjson
import pytest
import redis
from faults import server_pid
from servers import new_server

from features.analysis import analyse
from recommender.errors import StoreUnavailable
from recommender.storage import scan
from recommender.storage.connections import Connection
from recommender.storage.store import Store

COUNT = 3_000
DELETED = 300
IDS = [f"a{number}" for number in range(COUNT)]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server of this file's own, since it is killed, with an archive of a few batches."""
    with new_server() as lease:
        connection = Connection(lease.url)
        store = Store(connection)
        title = "Flag raised over Sudzha"
        for start in range(0, COUNT, 500):
            ids = IDS[start : start + 500]
            store.put("main", [analyse({"id": one, "title": title}) for one in ids])
        for article_id in IDS[:DELETED]:
            store.delete("main", article_id)
        connection.close()
        yield lease.url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    connection = Connection(url, read_seconds=5)
    yield Store(connection)
    connection.close()


@pytest.fixture
def raw(url: str) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(url) as client:
        yield client


def restart(url: str) -> None:
    """Kill the server, and wait until its keeper has started another one that has read its file."""
    killed = server_pid(url)
    os.kill(killed, signal.SIGKILL)
    while True:
        with suppress(redis.RedisError), redis.Redis.from_url(url) as client:
            client.dbsize()
            if server_pid(url) != killed:
                return


def ids_of_stored(store: Store) -> Iterator[list[str]]:
    return ([*batch] for batch in store.all_stored("main"))


def ids_of_cards(store: Store) -> Iterator[list[str]]:
    return ([*batch] for batch in store.all_cards("main"))


def ids_of_articles(store: Store) -> Iterator[list[str]]:
    return ([one["id"]] for one in store.all_articles("main"))


def ids_of_texts(store: Store) -> Iterator[list[str]]:
    batches = store.texts("main", due_only=False)
    return ([orjson.loads(text)["id"] for text in texts] for _, texts in batches)


READERS = [ids_of_stored, ids_of_cards, ids_of_articles, ids_of_texts]


def with_disturbance(
    batches: Iterable[list[str]], disturb: Callable[[], object], after: int
) -> list[str]:
    """All ids of a scan, with something happening after so many of them."""
    ids: list[str] = []
    is_disturbed = False
    for batch in batches:
        ids += batch
        if len(ids) >= after and not is_disturbed:
            is_disturbed = True
            disturb()
    return ids


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("after", [1, 1_500, 2_600])
def test_a_scan_is_complete_and_repeats_nothing_when_the_server_restarts(
    url: str, store: Store, read: Callable[[Store], Iterator[list[str]]], after: int
) -> None:
    ids = with_disturbance(read(store), lambda: restart(url), after)

    assert sorted(IDS[DELETED:]) == sorted(ids)


@pytest.mark.parametrize("read", READERS)
def test_a_scan_is_complete_when_the_server_restarts_between_its_last_two_batches(
    url: str, store: Store, read: Callable[[Store], Iterator[list[str]]]
) -> None:
    ids = with_disturbance(read(store), lambda: restart(url), COUNT - DELETED - 100)

    assert sorted(IDS[DELETED:]) == sorted(ids)


def test_a_scan_without_a_restart_asks_each_batch_once(store: Store, raw: "redis.Redis") -> None:
    raw.config_resetstat()
    batches = list(store.all_cards("main"))
    calls = raw.info("commandstats")

    assert COUNT - DELETED == sum(map(len, batches))
    assert len(batches) == calls["cmdstat_hscan"]["calls"] == calls["cmdstat_mget"]["calls"]
    assert (2, 2) == (calls["cmdstat_hlen"]["calls"], calls["cmdstat_info"]["calls"])


def test_articles_that_come_during_a_scan_do_not_make_it_start_over(
    store: Store, raw: "redis.Redis"
) -> None:
    heads = raw.hgetall("see:{main}:heads")
    raw.config_resetstat()

    def add() -> None:
        raw.hset("see:{main}:heads", mapping={f"new{n}": "live|||" for n in range(40)})

    try:
        ids = with_disturbance(ids_of_cards(store), add, after=1_000)
    finally:
        raw.hdel("see:{main}:heads", *{*raw.hkeys("see:{main}:heads")} - heads.keys())

    assert sorted(IDS[DELETED:]) == sorted(ids)
    assert 2 == raw.info("commandstats")["cmdstat_hlen"]["calls"]


def test_a_store_that_is_emptied_during_a_scan_ends_it(url: str, store: Store) -> None:
    with new_server() as other:
        connection = Connection(other.url)
        client = redis.Redis.from_url(other.url)
        client.hset("see:{main}:heads", mapping={f"a{n}": "live|||" for n in range(COUNT)})
        batches = Store(connection).texts("main", due_only=False)
        next(batches)
        client.flushall()

        assert sum(1 for _ in batches) < COUNT // 500
        client.close()
        connection.close()


def test_a_server_that_restarts_in_every_pass_is_given_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = iter(range(1000))
    monkeypatch.setattr(scan, "_run_and_size", lambda *_: (str(next(runs)), COUNT))

    with pytest.raises(StoreUnavailable, match="restarts again and again"):
        list(store.all_cards("main"))


def test_a_server_that_tells_nothing_about_itself_is_scanned_by_the_count(
    store: Store, raw: "redis.Redis"
) -> None:
    raw.acl_setuser("default", enabled=True, commands=["+@all", "-info"], keys=["*"], nopass=True)
    try:
        ids = [one for batch in ids_of_cards(store) for one in batch]
    finally:
        raw.acl_setuser("default", enabled=True, commands=["+@all"], keys=["*"], nopass=True)

    assert sorted(IDS[DELETED:]) == sorted(ids)
