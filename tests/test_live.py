"""Workers over one store: what was written is in the next list of every one of them."""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from news import STORIES, article

from recommender import store as store_module
from recommender.connections import Connection
from recommender.errors import NotFound
from recommender.ingest import analyse
from recommender.live import FOLLOW_SECONDS, Follower, LiveSite
from recommender.related import ListParameters
from recommender.store import Store, article_key

NOW = datetime(2025, 3, 20, tzinfo=UTC)
LIST = ListParameters(limit=20, languages=("any",))
WORDS = " ".join(title for title, _ in STORIES.values()).split()
IDS = [f"a{n}" for n in range(40)]


@pytest.fixture
def store(backend) -> Store:
    return backend.store


@pytest.fixture
def worker(redis_url, raw_redis) -> Iterator[Callable[..., LiveSite]]:
    """Start one more worker, with connections of its own."""
    with ExitStack() as stack:

        def start(site: str = "main") -> LiveSite:
            connection = Connection(redis_url)
            stack.callback(connection.close)
            return LiveSite(site, Store(connection))

        yield start


def put(store: Store, *ids: str, **fields: object) -> int:
    """Store articles and return the site's version."""
    written = store.put("main", [analyse(article(i, **fields)) for i in ids])
    return written[-1].version


def shown(live: LiveSite, article_id: str = "kursk") -> list[str]:
    """The ids of the list beside an article."""
    made, _ = live.related(article_id, LIST, NOW)
    return [item.card["id"] for item in made.items]


def everything(live: LiveSite, ids: Iterable[str] = IDS) -> list[object]:
    """Every list that a worker would give out now, with all that stands in it."""
    lists: list[object] = [live.recent(LIST, NOW)]
    for article_id in ids:
        try:
            lists.append(live.related(article_id, LIST, NOW))
        except NotFound:
            lists.append(None)
    return lists


class Newsroom:
    """Adds, edits and deletes articles at random, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def change(self, store: Store) -> None:
        if self._chance.random() < 0.25:
            store.delete("main", self._chance.choice(IDS))
        else:
            count = self._chance.choice([1, 1, 1, 5])
            store.put("main", [analyse(self._story()) for _ in range(count)])

    def _story(self) -> dict[str, object]:
        words = self._chance.choices(WORDS, k=self._chance.randrange(30))
        return {
            "id": self._chance.choice(IDS),
            "title": " ".join(self._chance.choices(WORDS, k=3)),
            "body": " ".join(words),
            "published_at": f"2025-03-{self._chance.randrange(1, 28):02}",
            "section": self._chance.choice(["World", "Local", None]),
            "language": self._chance.choice(["en", "es"]),
        }


@pytest.mark.parametrize("seed", range(3))
def test_workers_agree_on_every_list_whatever_happens_in_between(store, worker, seed):
    newsroom, chance = Newsroom(seed), random.Random(seed)
    workers = [worker(), worker()]
    for _ in range(40):
        newsroom.change(store)
        if chance.random() < 0.5:  # the others catch up on several changes at once
            everything(chance.choice(workers), ["a1"])

    one, other = (everything(live) for live in workers)
    assert one == other


def test_lists_after_300_changes_are_those_of_a_worker_that_has_just_loaded(store, worker):
    newsroom, live = Newsroom(seed=7), worker()
    for _ in range(300):
        newsroom.change(store)
        live.sync()

    assert everything(worker()) == everything(live)


@pytest.mark.parametrize("log_length", [1, 100])
def test_a_worker_that_has_missed_more_than_the_log_holds_reads_all_anew(
    store, worker, monkeypatch, log_length
):
    monkeypatch.setattr(store_module, "LOG_LENGTH", log_length)
    live = worker()
    put(store, *STORIES)
    live.sync()
    for first in range(0, 400, 100):
        put(store, *(f"a{n}" for n in range(first, first + 100)))
    store.delete("main", "final")

    assert store.changes("main", 5) is None
    assert everything(worker(), STORIES) == everything(live, STORIES)


def test_a_write_is_in_the_next_list_of_another_worker(store, worker):
    live, other = worker(), worker()
    put(store, "kursk", "budget")
    before = shown(live), shown(other)
    put(store, "sudzha")

    assert (["budget"], ["budget"]) == before
    assert (["sudzha", "budget"], ["sudzha", "budget"]) == (shown(live), shown(other))


def test_an_edit_is_in_the_next_list(store, worker):
    live = worker()
    put(store, "kursk", "sudzha")
    shown(live)
    put(store, "sudzha", title="Another flag over Sudzha")

    made, _ = live.related("kursk", LIST, NOW)
    assert ["Another flag over Sudzha"] == [item.card["title"] for item in made.items]


def test_a_deleted_article_is_in_no_list_and_has_none(store, worker):
    live = worker()
    put(store, *STORIES)
    live.sync()
    store.delete("main", "sudzha")
    lists = [shown(live, i) for i in STORIES if i != "sudzha"]

    assert not any("sudzha" in ids for ids in lists)
    with pytest.raises(NotFound, match="no article 'sudzha'"):
        shown(live, "sudzha")


def test_a_list_names_a_version_that_is_not_behind(store, worker):
    live = worker()
    version = put(store, *STORIES)

    assert (version, version) == (live.related("kursk", LIST, NOW)[1], live.version)


def test_nothing_is_read_when_nothing_has_changed(store, worker, raw_redis):
    live = worker()
    put(store, *STORIES)
    live.related("kursk", ListParameters(limit=1), NOW)
    raw_redis.config_resetstat()
    live.related("kursk", ListParameters(limit=1), NOW)
    sent = raw_redis.info("commandstats")

    assert 2 == sent["cmdstat_mget"]["calls"]  # the site's state, and the cards
    assert {"cmdstat_mget"} == sent.keys() - {"cmdstat_info", "cmdstat_config|resetstat"}


def test_a_new_article_costs_a_worker_three_more_commands_however_big_the_archive(
    store, worker, raw_redis
):
    live = worker()
    put(store, *STORIES, *IDS)
    live.sync()
    put(store, "sudzha", title="News")
    raw_redis.config_resetstat()
    live.related("kursk", ListParameters(limit=1), NOW)
    sent = raw_redis.info("commandstats")

    assert {"get": 1, "xrange": 1, "mget": 3} == {
        name: sent[f"cmdstat_{name}"]["calls"] for name in ("get", "xrange", "mget")
    }


@pytest.mark.parametrize("kind", ["card", "vector"])
@pytest.mark.parametrize("loaded", [False, True])
@pytest.mark.parametrize("how", ["damaged", "gone"])
def test_one_damaged_record_breaks_no_list(store, worker, raw_redis, kind, loaded, how):
    live = worker()
    put(store, *STORIES)
    if loaded:
        live.sync()
    key = f"see:{{main}}:{kind}:{article_key('main', 'sudzha')}"
    raw_redis.setrange(key, 30, b"\xff\xff") if how == "damaged" else raw_redis.delete(key)
    lists = [shown(live, i) for i in STORIES if i != "sudzha"]

    # A vector that was read before it was damaged still serves.
    still_there = kind == "vector" and loaded
    assert [4 if still_there else 3] * 4 == [len(ids) for ids in lists]
    assert still_there == any("sudzha" in ids for ids in lists)


def test_a_damaged_article_that_is_imported_again_is_back_in_the_lists(store, worker, raw_redis):
    live = worker()
    put(store, *STORIES)
    raw_redis.set(f"see:{{main}}:vector:{article_key('main', 'sudzha')}", b"rubbish")
    before = shown(live)
    put(store, *STORIES)

    assert "sudzha" not in before
    assert "sudzha" in shown(live)


def test_an_emptied_store_is_noticed(store, worker, raw_redis):
    live = worker()
    put(store, *STORIES)
    live.sync()
    raw_redis.flushall()

    assert [] == live.recent(LIST, NOW)[0].items
    with pytest.raises(NotFound):
        shown(live)


@pytest.mark.parametrize(
    "refill",
    [
        ["final"],
        ["final", "budget"],
        ["final", "budget", "ceasefire"],
    ],
    ids=["to less", "to the same number", "to more"],
)
def test_a_store_that_was_emptied_and_filled_again_is_noticed(store, worker, raw_redis, refill):
    live = worker()
    put(store, "kursk", "sudzha")
    live.sync()
    raw_redis.flushall()
    put(store, *refill)

    assert sorted(refill) == sorted(i.card["id"] for i in live.recent(LIST, NOW)[0].items)


def test_sites_keep_apart(store, worker):
    main, other = worker(), worker("other")
    put(store, "kursk", "sudzha")
    store.put("other", [analyse(article("budget"))])

    assert ["sudzha"] == shown(main)
    assert ["budget"] == [item.card["id"] for item in other.recent(LIST, NOW)[0].items]


def test_before_the_first_look_nothing_is_loaded(worker):
    live = worker()
    before = live.loaded, live.version
    live.sync()

    assert ((False, -1), (True, 0)) == (before, (live.loaded, live.version))


def test_a_worker_knows_which_articles_are_gone(store, worker):
    live = worker()
    put(store, "kursk", "sudzha")
    live.sync()
    before = live.may_show(("kursk", "sudzha"), NOW)
    store.delete("main", "sudzha")
    live.sync()

    assert (True, False, True) == (
        before,
        live.may_show(("kursk", "sudzha"), NOW),
        live.may_show(("kursk",), NOW),
    )


def test_what_may_be_shown_can_be_asked_at_any_moment(store, worker):
    """It is asked without a lock: while one thread loads changes, others show old lists."""
    live, done = worker(), Event()
    put(store, *IDS)
    live.sync()
    stored = store.stored("main", IDS)

    def edit() -> None:
        for _ in range(200):
            live._corpus.apply(stored)
        done.set()

    with ThreadPoolExecutor(1) as pool:
        editing = pool.submit(edit)
        while not done.is_set():
            live.may_show(("a1", "a39"), NOW)  # an article that is being replaced may be away
        editing.result()

    assert live.may_show(("a1", "a39"), NOW)


def test_spellings_of_one_address_are_remembered_once(store, worker):
    live = worker()
    put(store, "kursk")
    found = {live.id_of_url(f"https://news.example/kursk?utm_source={n}") for n in range(5)}

    assert {"kursk"} == found
    assert 1 == len(live._asked_urls)


@contextmanager
def following(live: LiveSite) -> Iterator[None]:
    follower = Follower([live])
    follower.start()
    try:
        yield
    finally:
        follower.stop()


def reaches(live: LiveSite, version: int) -> bool:
    """Whether the follower brings the site there in time."""
    deadline = time.monotonic() + 20 * FOLLOW_SECONDS
    while live.version != version and time.monotonic() < deadline:
        time.sleep(0.01)
    return live.version == version


def test_a_follower_keeps_a_site_current_without_requests(store, worker):
    live = worker()
    with following(live):
        version = put(store, *STORIES)

        assert reaches(live, version)


def test_a_follower_outlives_what_nobody_expected(store, worker, raw_redis):
    live = worker()
    with following(live):
        assert reaches(live, put(store, "kursk"))
        log = raw_redis.dump("see:{main}:log")
        raw_redis.set("see:{main}:log", "not a log")
        raw_redis.incr("see:{main}:version")
        time.sleep(1.2 * FOLLOW_SECONDS)
        raw_redis.restore("see:{main}:log", 0, log, replace=True)

        assert reaches(live, put(store, "sudzha"))


def test_readers_of_four_workers_never_miss_what_was_acknowledged(store, worker):
    """One writer adds articles, each newer than the one before, and deletes the fifth last."""
    workers, done = [worker() for _ in range(4)], Event()
    added, deleted = [-1], [-1]

    def write() -> None:
        for number in range(120):
            date = (NOW - timedelta(hours=200 - number)).isoformat()
            put(store, f"a{number}", published_at=date)
            added.append(number)
            if number >= 5:
                store.delete("main", f"a{number - 5}")
                deleted.append(number - 5)
        done.set()

    def read(live: LiveSite) -> list[tuple[int, int, list[int]]]:
        seen = []
        while not done.is_set():
            newest, gone = added[-1], deleted[-1]
            items = live.recent(ListParameters(limit=50), NOW)[0].items
            seen.append((newest, gone, [int(item.card["id"][1:]) for item in items]))
        return seen

    with ThreadPoolExecutor(5) as pool:
        readers = [pool.submit(read, live) for live in workers]
        pool.submit(write).result()
        seen = [found for reader in readers for found in reader.result()]

    assert [] == [s for s in seen if s[2] and max(s[2]) < s[0]]
    assert [] == [s for s in seen if s[2] and min(s[2]) <= s[1]]
    assert 1 == len({str(everything(live, ["a118"])) for live in workers})
