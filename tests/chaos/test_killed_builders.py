"""Builders that are killed at any point: no list is wrong meanwhile, and the next one finishes."""

import multiprocessing
import os
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path

import orjson
import pytest
from news import article
from running_service import Record, Reply, Service, beside

from features.vectorizer import FEATURES_VERSION
from recommender import build
from recommender.backend import Backend
from recommender.policy.list_options import ListOptions
from recommender.replica.builder import NOTHING_NEW
from recommender.replica.site import SiteReplica
from recommender.storage.packing import is_current_vector

pytestmark = pytest.mark.chaos

KILLS = 50
SHOWN = 20  # articles whose lists are compared
VECTORS = "see:{main}:vector:*"
PROGRESS = "see:{main}:format:progress"
POINTS = ["any moment", "features stored", "file begun"]

StartBuilder = Callable[[], BaseProcess]


@pytest.fixture
def start_builder(service: Service) -> StartBuilder:
    """Starts what a worker runs as `python -m recommender.build`, with all modules loaded."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["recommender.build"])

    def start() -> BaseProcess:
        process = server.Process(target=_build, args=(service.folder / "var",))
        process.start()
        return process

    return start


def _build(data_dir: Path) -> None:
    os.environ |= {"ALSOSEE_DATA_DIR": str(data_dir), "ALSOSEE_LOG_LEVEL": "error"}
    os._exit(build.main("main"))


def age(service: Service) -> None:
    """Turn the archive into one whose features the version before has made."""
    with service.store() as store:
        pipeline = store.pipeline(transaction=False)
        for key in store.scan_iter(VECTORS):
            pipeline.setrange(key, 4, (FEATURES_VERSION - 1).to_bytes(2, "little"))
        pipeline.hset("see:{main}:format", "oldest", FEATURES_VERSION - 1)
        pipeline.delete(PROGRESS)
        pipeline.execute()


class Builder:
    """
    A builder that will be killed.

    Args:
        seconds: that one takes which is not killed.
    """

    def __init__(self, service: Service, process: BaseProcess, seconds: float) -> None:
        self._store = service.store()
        self._folder = service.folder / "var" / "index" / "main"
        self._process = process
        self._seconds = seconds

    def kill_at(self, point: str, chance: random.Random) -> None:
        """At any moment, a moment after it has stored its first features, or while it writes."""
        if point == "any moment":
            time.sleep(chance.uniform(0, self._seconds))
        elif point == "features stored":
            self._wait_until(lambda: bool(self._store.exists(PROGRESS)))
            time.sleep(chance.uniform(0, 0.2 * self._seconds))
        else:
            self._wait_until(lambda: any(self._folder.glob("*.new")))
        self._process.kill()
        self._process.join(60)
        self._store.close()

    def _wait_until(self, holds: Callable[[], bool]) -> None:
        while self._process.is_alive() and not holds():
            pass  # without a pause: the file is there for milliseconds


def expected_lists(backend: Backend) -> list[list[str]]:
    """What a worker shows that reads everything from the store."""
    replica = SiteReplica("main", backend.store)
    now = datetime.now(UTC)
    lists = []
    for number in range(SHOWN):
        related, _ = replica.read_with_cards(
            lambda recommender, n=number: recommender.related(f"a{n}", ListOptions(), now)
        )
        lists.append([item.card["id"] for item in related.items])
    return lists


def shown_lists(service: Service) -> list[list[str]]:
    lists = []
    for number in range(SHOWN):
        reply = service.get(f"/v1/main/articles/a{number}/related?offset=0")
        lists.append([item["id"] for item in orjson.loads(reply.body)["items"]])
    return lists


def test_kills_at_fifty_points_leave_no_wrong_list_and_no_file(
    service: Service, start_builder: StartBuilder, record: Record
) -> None:
    folder = service.folder / "var" / "index" / "main"
    chance = random.Random(3)
    replies: list[Reply] = []

    def read(stop: threading.Event) -> None:
        while not stop.is_set():
            replies.append(service.get(f"/v1/main/articles/a{chance.randrange(200)}/related"))

    seconds = seconds_of(start_builder, service)
    wrong = 0
    unfinished: set[str] = set()
    with beside(read), service.backend() as backend:
        for number in range(KILLS):
            service.put(article(f"a{number}", title=f"Changed {number}"))
            age(service)
            builder = Builder(service, start_builder(), seconds)
            builder.kill_at(POINTS[number % len(POINTS)], chance)
            unfinished |= {path.name for path in folder.glob("*.new")}
            wrong += shown_lists(service) != expected_lists(backend)
        last = start_builder()
        last.join(120)

        assert last.exitcode in (0, NOTHING_NEW)
        assert shown_lists(service) == expected_lists(backend)
    with service.store() as store:
        vectors = [store.get(key) for key in store.scan_iter(VECTORS)]

    record(
        10,
        f"{KILLS} builders killed in {seconds:.1f} s of work: {wrong} wrong lists,"
        f" {len(unfinished)} unfinished files, deleted by the next builder; {len(replies):,} lists"
        " read meanwhile",
    )
    assert wrong == 0
    assert {reply.status for reply in replies} == {200}
    assert list(folder.glob("*.new")) == []
    assert len(vectors) == 200 and all(map(is_current_vector, vectors))


def seconds_of(start_builder: StartBuilder, service: Service) -> float:
    """How long a builder takes that is not killed."""
    for _ in range(2):  # the first one starts the server of processes
        age(service)
        began = time.monotonic()
        process = start_builder()
        process.join(120)
        assert process.exitcode in (0, NOTHING_NEW)
    return time.monotonic() - began


def test_of_two_builders_at_once_one_makes_the_file(
    service: Service, start_builder: StartBuilder
) -> None:
    folder: Path = service.folder / "var" / "index" / "main"
    for number in range(5):
        service.put(article(f"a{number}", title="Changed"))
        processes = [start_builder(), start_builder()]
        for process in processes:
            process.join(120)

        assert sorted(process.exitcode for process in processes) == sorted((0, NOTHING_NEW))
        assert max(int(path.stem) for path in folder.glob("*.index")) == number + 1
