"""Workers that start from index files and switch to new ones have the lists of a full load."""

import gc
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from news import STORIES
from servers import PATIENT_SECONDS, copied, put_back
from test_replica import IDS, Newsroom, everything, lengths, put, recent, settle, shown

from recommender.backend import Backend
from recommender.build import build
from recommender.index import writer
from recommender.index.files import IndexFiles
from recommender.replica import index_files as index_files_module
from recommender.replica import site as site_module
from recommender.replica.builder import Builder, index_files
from recommender.replica.site import SiteReplica
from recommender.storage import article_records
from recommender.storage.connections import Connection
from recommender.storage.store import Store

NOW = datetime(2025, 3, 20, tzinfo=UTC)


@pytest.fixture
def store(backend) -> Store:
    return backend.store


@pytest.fixture
def files(settings) -> IndexFiles:
    return index_files(settings, "main")


@pytest.fixture
def worker(redis_url, raw_redis, files) -> Iterator[Callable[..., SiteReplica]]:
    """Start one more worker, with connections of its own."""
    with ExitStack() as stack:

        def start(files: IndexFiles | None = files, **options: object) -> SiteReplica:
            connection = Connection(redis_url, read_seconds=PATIENT_SECONDS)
            stack.callback(connection.close)
            return SiteReplica("main", Store(connection), files=files, **options)

        yield start


@pytest.mark.parametrize("common", [1, 64], ids=["common terms", "rare terms"])
@pytest.mark.parametrize("seed", range(4))
def test_lists_are_those_of_a_full_load_after_any_changes(
    store, worker, settings, monkeypatch, seed, common
):
    """Writes, deletes, merges, workers that switch to files and workers that start again."""
    monkeypatch.setattr(writer, "COMMON_DF_PER_PAGE", common)
    newsroom, chance = Newsroom(seed), random.Random(seed)
    workers = [worker(), worker()]
    for _ in range(60):
        newsroom.change(store)
        match chance.randrange(8):
            case 0:
                build(settings, store, "main")
            case 1:
                chance.choice(workers).adopt()
            case 2:
                workers[chance.randrange(2)] = worker()
            case 3:
                everything(chance.choice(workers), ["a1"])

    anew = everything(worker(files=None))
    assert [anew, anew] == [everything(one) for one in workers]


def test_a_worker_that_starts_from_a_file_reads_only_what_changed_since(
    store, worker, settings, raw_redis
):
    put(store, *STORIES, *IDS)
    build(settings, store, "main")
    put(store, "sudzha", title="News")
    raw_redis.config_resetstat()
    live = worker()
    live.sync()
    sent = raw_redis.info("commandstats")

    assert "cmdstat_hscan" not in sent
    # Of the log: the entry that the file goes back to, and those after it.
    assert {"xrange": 2, "mget": 3} == {
        name: sent[f"cmdstat_{name}"]["calls"] for name in ("xrange", "mget")
    }


def test_a_file_that_is_up_to_date_is_not_built_again(store, settings):
    put(store, *STORIES)

    assert (1, None) == (build(settings, store, "main"), build(settings, store, "main"))


def test_a_file_that_the_log_no_longer_reaches_is_not_used(store, worker, settings, monkeypatch):
    monkeypatch.setattr(article_records, "LOG_LENGTH", 1)
    put(store, *STORIES)
    build(settings, store, "main")
    for first in range(0, 400, 100):
        put(store, *(f"a{n}" for n in range(first, first + 100)))

    assert everything(worker(files=None), STORIES) == everything(worker(), STORIES)


def test_a_file_from_before_the_store_was_restored_from_an_older_copy_is_not_used(
    store, worker, settings, raw_redis
):
    put(store, *STORIES)
    copy = copied(raw_redis)
    put(store, "lost", "lost too")
    build(settings, store, "main")
    running = worker(files=None)
    everything(running, STORIES)
    put_back(raw_redis, copy)
    put(store, "a1", "a2", "a3")
    started = worker()
    running.adopt()

    assert everything(worker(files=None), STORIES) == everything(started, STORIES)
    assert (None, None) == (started.file_number, running.file_number)
    assert "lost" not in started.ids()


def test_a_store_without_the_time_of_its_state_is_followed_from_a_file_and_no_further(
    store, worker, settings, raw_redis
):
    put(store, *STORIES)
    build(settings, store, "main")
    put(store, "a1")
    raw_redis.delete("see:{main}:at")
    live = worker()
    live.sync()
    raw_redis.config_resetstat()
    live.sync()
    put(store, "a2")
    live.sync()
    sent = raw_redis.info("commandstats")

    assert {"a1", "a2"} < set(live.ids())
    assert not {"cmdstat_hscan", "cmdstat_hgetall"} & sent.keys()  # nothing from its start


def test_a_file_of_an_archive_that_was_emptied_is_not_used(store, worker, settings, raw_redis):
    put(store, *STORIES)
    build(settings, store, "main")
    raw_redis.flushall()
    put(store, "kursk", "final", "budget", "sudzha", "ceasefire", "a1")
    live = worker()
    live.sync()

    assert 6 == len(recent(live)[0].items)
    assert 2 == build(settings, store, "main")


@pytest.mark.parametrize("how", ["flipped", "cut", "empty"])
def test_a_damaged_file_is_built_again_from_the_store(store, worker, settings, files, how):
    put(store, *STORIES)
    build(settings, store, "main")
    path = files.folder / "1.index"
    content = bytearray(path.read_bytes())
    # What lies between arrays is zeros, and says nothing.
    content[next(at for at in range(len(content) // 2, len(content)) if content[at])] ^= 1
    path.write_bytes({"flipped": content, "cut": content[:-64], "empty": b""}[how])
    lists = everything(worker(), STORIES)

    assert lists == everything(worker(files=None), STORIES)
    assert 1 == build(settings, store, "main")


def test_a_worker_switches_to_a_new_file_and_misses_nothing(store, worker, settings, files):
    put(store, "kursk", "sudzha")
    live = worker()
    live.sync()
    build(settings, store, "main")
    put(store, "ceasefire")
    live.adopt()

    assert ["sudzha", "ceasefire"] == shown(live)
    assert 1 == live.file_number


def test_settings_apply_in_a_worker_that_switches_to_a_new_file_or_starts_from_one(
    store, worker, settings
):
    put(store, *STORIES)
    settle(store, {"limit": 3}, home={"limit": 1})
    live = worker()
    live.sync()
    build(settings, store, "main")
    live.adopt()
    before = lengths(live)
    settle(store, {"limit": 2}, home={"limit": 4})

    assert [1, 3, 3] == before
    assert [4, 2, 2] == lengths(live) == lengths(worker())


def test_an_old_file_is_deleted_when_no_worker_uses_it(store, worker, settings, files):
    put(store, "kursk", "sudzha")
    build(settings, store, "main")
    live, other = worker(), worker()
    live.sync()
    other.sync()
    put(store, "budget")
    build(settings, store, "main")
    live.adopt()
    before = sorted(path.name for path in files.folder.glob("*.index"))
    gc.collect()  # our builder is no process of its own
    other.adopt()

    assert ["1.index", "2.index"] == before
    assert ["2.index"] == [path.name for path in files.folder.glob("*.index")]


def test_many_articles_are_read_through_a_file(store, worker, settings, monkeypatch):
    monkeypatch.setattr(site_module, "BUILD_FIRST_FROM", 3)
    put(store, *STORIES)
    numbers = []

    def build_file() -> bool:
        numbers.append(build(settings, store, "main"))
        return True

    live = worker(build=build_file)
    live.sync()

    assert ([1], 1) == (numbers, live.file_number)


@pytest.mark.parametrize("build_anew", [None, lambda: False])
def test_without_a_file_many_articles_are_kept_in_memory(store, worker, monkeypatch, build_anew):
    monkeypatch.setattr(index_files_module, "FILE_FROM", 3)
    put(store, *STORIES)
    live = worker(build=build_anew)
    lists = everything(live, STORIES)

    assert (0, None) == (live._corpus.index.delta_slots, live.file_number)
    monkeypatch.setattr(index_files_module, "FILE_FROM", 2_000)
    assert everything(worker(files=None), STORIES) == lists


def test_many_changes_need_a_new_file(store, worker, monkeypatch):
    monkeypatch.setattr(index_files_module, "FILE_FROM", 3)
    live = worker(files=None)
    put(store, *STORIES)
    live.sync()
    before = live.needs_file
    put(store, *STORIES, title="News of the day")
    live.sync()

    assert (False, True) == (before, live.needs_file)


def published(live: SiteReplica, files: IndexFiles, monkeypatch, **about: object) -> None:
    """Publish a file as another version of the product would."""
    with monkeypatch.context() as other:
        other.setattr(index_files_module, "MADE_BY", index_files_module.MADE_BY | about)
        with files.building():
            live.publish()


def test_a_large_archive_whose_file_is_of_an_older_format_needs_a_new_one(
    store, worker, settings, files, monkeypatch
):
    monkeypatch.setattr(index_files_module, "FILE_FROM", 3)
    put(store, *STORIES)
    live = worker()
    live.sync()
    published(live, files, monkeypatch, format=-1)
    live.adopt()
    before = live.needs_file
    number = build(settings, store, "main")
    live.adopt()

    assert (True, 2) == (before, number)
    assert (2, False) == (live.file_number, live.needs_file)


def test_a_small_archive_needs_no_file(store, worker):
    put(store, *STORIES)
    live = worker()
    live.sync()

    assert not live.needs_file


def test_a_file_that_does_not_fit_is_opened_once(store, worker, files, monkeypatch):
    put(store, *STORIES)
    live = worker()
    live.sync()
    published(live, files, monkeypatch, format=-1)
    live.adopt()
    opened = []
    monkeypatch.setattr(IndexFiles, "_open", lambda _, number: opened.append(number))
    live.adopt()
    before = [*opened]
    published(live, files, monkeypatch, format=-2)
    live.adopt()

    assert ([], [2]) == (before, opened)


def test_a_builder_pauses_after_a_useless_file(settings, store, files):
    put(store, *STORIES)
    build(settings, store, "main")
    builder = Builder(settings)
    builder.start("main")
    builder._running["main"].wait()
    for _ in range(2):
        builder.start("main")

    assert ({}, 1) == (builder._running, files.latest_number())


def test_a_builder_is_a_process_of_its_own(settings, store, files):
    put(store, *STORIES)
    builder = Builder(settings)

    assert (True, 1) == (builder.run("main"), files.latest_number())


def test_a_builder_that_cannot_write_logs_it_and_pauses(settings, store, files):
    put(store, *STORIES)
    files.folder.parent.mkdir(parents=True, exist_ok=True)
    files.folder.write_text("a file where the folder should be")
    builder = Builder(settings)
    builder.start("main")
    first = builder._running["main"]
    first.wait()
    builder.start("main")

    assert (1, {}) == (first.returncode, builder._running)


def test_a_backend_that_closes_ends_its_builders(settings, store):
    with Backend(settings) as other:
        other.builder.start("main")
        process = other.builder._running["main"]

    assert process.poll() is not None
