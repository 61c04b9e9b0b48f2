"""Finished lists: in Redis while they are current, and a stale copy while the store is away."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
import redis
from clocks import before_and_at
from faults import stopped
from news import article
from servers import copied, emptied, new_server, put_back

from api.caches import lists as lists_module
from api.caches.lists import FinishedList, ListCache
from features.analysis import analyse
from recommender.errors import StoreUnavailable
from recommender.storage.change_signal import ChangeSignal
from recommender.storage.clock import StoreClock
from recommender.storage.connections import Connection
from recommender.storage.store import Store

TTL_SECONDS = 300
NOWHERE = "unix:///nowhere/valkey.sock"


@pytest.fixture
def store(backend) -> Store:
    return backend.store


@pytest.fixture(scope="module")
def second_url() -> Iterator[str]:
    """Another server, for the lists alone."""
    with new_server() as held:
        yield held.url


@pytest.fixture
def second_redis(second_url: str) -> Iterator["redis.Redis"]:
    with emptied(second_url) as client:
        yield client


@pytest.fixture
def caches(redis_url, raw_redis) -> Iterator[Callable[..., ListCache]]:
    """Make the list cache of one more worker, over this or another cache or store."""
    made: list[Connection] = []

    def make(cache_url: str | None = None, store_url: str = redis_url) -> ListCache:
        made.append(Connection(store_url))
        store = made[-1]
        if cache_url is None:
            return ListCache(store, store, TTL_SECONDS, StoreClock(store))
        made.append(Connection(cache_url))
        return ListCache(store, made[-1], TTL_SECONDS, StoreClock(store))

    yield make
    for connection in made:
        connection.close()


def write(store: Store, article_id: str = "kursk", site: str = "main") -> int:
    """Make a change and return the site's version."""
    [written] = store.put(site, [analyse(article(article_id, title=f"Title {random.random()}"))])
    return written.version


def finished(
    version: int, body: bytes = b"[]", age_seconds: float = 0.0, life_seconds: float = 60.0
) -> FinishedList:
    now = time.time()
    return FinishedList.of(body, ("kursk",), version, now - age_seconds, now + life_seconds)


def test_a_list_is_shared_by_all_workers(store, caches):
    made = finished(write(store))
    caches().put("main", "a", made)

    assert made == caches().get("main", "a")


def test_keeping_a_list_sends_no_change_signal(store, redis_url, tmp_path):
    signal = ChangeSignal(tmp_path / "signal")
    connection = Connection(redis_url, signal=signal)
    cache = ListCache(connection, connection, TTL_SECONDS, StoreClock(connection))
    made = finished(write(store))
    before = signal.current()
    cache.put("main", "a", made)

    assert cache.get("main", "a") is not None
    assert before == signal.current()
    connection.close()
    signal.close()


def test_a_list_is_kept_after_the_server_closed_the_connection(store, caches, raw_redis):
    cache = caches()
    kept = []
    for _ in range(3):
        made = finished(write(store))
        cache.put("main", "a", made)
        kept.append(caches().get("main", "a") == made)
        raw_redis.client_kill_filter(_type="normal", skipme=True)

    assert [True] * 3 == kept


def test_a_list_that_was_never_kept_is_a_miss(store, caches):
    write(store)

    assert caches().get("main", "a") is None


@pytest.mark.parametrize("separate", [False, True])
def test_a_list_is_a_miss_once_anything_on_the_site_has_changed(
    store, caches, second_url, second_redis, separate
):
    cache = caches(second_url if separate else None)
    write(store)
    cache.put("main", "a", finished(write(store)))
    store.delete("main", "kursk")

    assert cache.get("main", "a") is None


def test_a_list_from_before_the_store_was_restored_is_a_miss(
    store, caches, raw_redis, second_url, second_redis
):
    cache = caches(second_url)
    write(store)
    copy = copied(raw_redis)
    cache.put("main", "a", finished(write(store)))
    put_back(raw_redis, copy)

    assert 2 == write(store)
    assert cache.get("main", "a") is None


def test_a_change_on_another_site_does_not_concern_a_list(store, caches):
    cache = caches()
    cache.put("main", "a", finished(write(store)))
    write(store, site="other")

    assert cache.get("main", "a")


def test_sites_do_not_share_lists(store, caches):
    cache = caches()
    write(store, site="other")
    cache.put("main", "a", finished(write(store)))

    assert cache.get("other", "a") is None
    assert cache.stale_copy("other", "a", 60) is None


@pytest.mark.parametrize("stamp", [-1, 1])
def test_a_list_of_any_other_version_is_a_miss(store, caches, stamp):
    cache = caches()
    cache.put("main", "a", finished(write(store) + stamp))

    assert cache.get("main", "a") is None


def test_a_list_expires_when_a_future_article_will_change_it(store, caches, raw_redis):
    cache = caches()

    def put_and_get(moment: datetime) -> tuple[FinishedList | None, bool]:
        # The list ends at that very moment, however long the write takes.
        expiring = finished(write(store))._replace(expires_at=moment.timestamp())
        life_seconds = moment.timestamp() - time.time()
        cache.put("main", "a", expiring)
        expires_in_time = 0 < raw_redis.pttl("see:{main}:list:a") <= 1000 * life_seconds
        return cache.get("main", "a"), expires_in_time

    before, expires_in_time = before_and_at(put_and_get)

    assert before
    assert expires_in_time
    assert cache.get("main", "a") is None

    # The server counts from when it got the list, which is later.
    give_up_at = time.monotonic() + 30
    while raw_redis.keys("*:list:*") and time.monotonic() < give_up_at:
        time.sleep(0.01)

    assert [] == raw_redis.keys("*:list:*")


def test_an_expired_list_is_not_kept(store, caches, raw_redis):
    caches().put("main", "a", finished(write(store), life_seconds=-1))

    assert [] == raw_redis.keys("*:list:*")


def test_an_expired_list_is_a_miss_while_the_cache_still_has_it(store, caches, raw_redis):
    """The clock of the server may be behind."""
    cache = caches()
    cache.put("main", "a", finished(write(store), life_seconds=0.05))
    raw_redis.persist("see:{main}:list:a")
    time.sleep(0.06)

    assert cache.get("main", "a") is None


def test_a_list_from_before_the_clock_was_set_back_is_a_miss(store, caches):
    caches().put("main", "a", finished(write(store), age_seconds=-3_600, life_seconds=3_700))

    assert caches().get("main", "a") is None


def test_the_clocks_of_two_machines_may_differ_by_a_second(store, caches):
    caches().put("main", "a", finished(write(store), age_seconds=-0.5))

    assert caches().get("main", "a") is not None


def test_no_list_stays_longer_than_the_ttl(store, caches, raw_redis):
    caches().put("main", "a", finished(write(store), life_seconds=1e6))

    assert TTL_SECONDS - 5 < raw_redis.ttl("see:{main}:list:a") <= TTL_SECONDS


@pytest.mark.parametrize("record", [b"", b"[]", b"\x80\x04N.", b"AR\x01\x00\0\0\0\0", bytes(200)])
def test_a_damaged_list_is_a_miss(store, caches, raw_redis, record):
    write(store)
    raw_redis.set("see:{main}:list:a", record)

    assert caches().get("main", "a") is None


@pytest.mark.parametrize("separate", [False, True])
def test_a_look_up_takes_one_command_of_the_store(store, caches, raw_redis, second_url, separate):
    cache = caches(second_url if separate else None)
    cache.put("main", "a", finished(write(store)))
    cache.get("main", "a")
    raw_redis.config_resetstat()
    cache.get("main", "a")
    sent = raw_redis.info("commandstats").keys() - {"cmdstat_info", "cmdstat_config|resetstat"}

    assert {"cmdstat_mget"} == sent


def test_a_separate_cache_holds_all_lists_and_nothing_else(
    store, caches, raw_redis, second_url, second_redis
):
    caches(second_url).put("main", "a", finished(write(store)))

    assert [b"see:{main}:list:a"] == second_redis.keys()
    assert [] == raw_redis.keys("*:list:*")


def test_the_cache_may_be_emptied_at_any_time(store, caches, second_url, second_redis):
    cache = caches(second_url)
    made = finished(write(store))
    cache.put("main", "a", made)
    second_redis.flushall()

    assert cache.get("main", "a") is None
    cache.put("main", "a", made)
    assert made == cache.get("main", "a")


@pytest.mark.parametrize("how", ["absent", "stopped"])
def test_without_a_cache_every_look_up_is_a_miss(store, caches, second_url, how):
    made = finished(write(store))
    if how == "absent":
        cache = caches(NOWHERE)
        cache.put("main", "a", made)
        missed = [cache.get("main", "a") for _ in range(5)]
    else:
        cache = caches(second_url)
        with stopped(second_url):
            cache.put("main", "a", made)
            missed = [cache.get("main", "a") for _ in range(5)]

    assert [None] * 5 == missed
    assert made == cache.stale_copy("main", "a", 60)


def test_a_full_cache_is_no_error(store, caches, raw_redis):
    cache = caches()
    made = finished(write(store))
    raw_redis.config_set("maxmemory", 1)
    try:
        cache.put("main", "a", made)
    finally:
        raw_redis.config_set("maxmemory", 0)

    assert cache.get("main", "a") is None
    assert made == cache.stale_copy("main", "a", 60)


def test_without_the_store_no_list_counts_as_current(caches, second_url):
    cache = caches(second_url, store_url=NOWHERE)
    made = finished(1)
    cache.put("main", "a", made)

    with pytest.raises(StoreUnavailable):
        cache.get("main", "a")
    assert made == cache.stale_copy("main", "a", 60)


def test_lists_of_a_store_that_was_emptied_are_misses(
    store, caches, raw_redis, second_url, second_redis
):
    cache = caches(second_url)
    cache.put("main", "a", finished(write(store, "kursk"), b"kursk"))
    raw_redis.flushall()
    write(store, "sudzha")

    assert cache.get("main", "a") is None


def test_the_stale_copy_is_the_last_list_that_was_made_or_read(store, caches):
    one, other = caches(), caches()
    older, newer = finished(write(store), b"older"), finished(write(store), b"newer")
    one.put("main", "a", older)
    other.put("main", "a", newer)
    before = one.stale_copy("main", "a", 60)
    one.get("main", "a")

    assert (older, newer) == (before, one.stale_copy("main", "a", 60))


def test_the_stale_copy_may_be_of_an_older_version(store, caches):
    cache = caches()
    made = finished(write(store))
    cache.put("main", "a", made)
    write(store)
    cache.get("main", "a")

    assert made == cache.stale_copy("main", "a", 60)


def test_a_stale_copy_has_an_age_limit(caches):
    cache = caches()
    cache.put("main", "a", finished(1, age_seconds=50))

    assert (True, False, False) == tuple(
        cache.stale_copy("main", "a", limit) is not None for limit in (60, 40, 0)
    )


def test_a_worker_has_no_stale_copies_of_another_worker(store, caches):
    caches().put("main", "a", finished(write(store)))

    assert caches().stale_copy("main", "a", 60) is None


def test_stale_copies_have_a_limited_memory(store, caches, monkeypatch):
    monkeypatch.setattr(lists_module, "STALE_BYTES", 1000)
    monkeypatch.setattr(lists_module, "ENTRY_BYTES", 0)
    cache = caches()
    version = write(store)
    for name in ("a", "b", "c"):
        cache.put("main", name, finished(version, bytes(300)))
    cache.get("main", "a")
    cache.put("main", "d", finished(version, bytes(300)))

    assert ["a", "c", "d"] == [n for n in "abcd" if cache.stale_copy("main", n, 60)]
