"""Weeks of readers in minutes: memory, threads, open files and keys stay constant."""

import itertools
import random
import socket
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest
from news import article
from running_service import LIST, Record, Service

from recommender.build import build
from recommender.ingest import reindex

pytestmark = pytest.mark.chaos

ARTICLES = 200
CLIENTS = 4
THIRDS = 3
# In each third.
GETS = 333_000
PUTS = 3_300
REINDEXES = 7
BATCH = 10_000  # GETs before the next PUTs
KEYS_OF_AN_ARTICLE = 3  # card, text and vector


def test_a_deleted_article_is_in_no_answer_of_any_worker(service: Service, record: Record) -> None:
    shown: list[str] = []
    count = 0
    for number in range(100, 140):
        victim = f"a{number}"
        assert service.send("DELETE", f"/v1/main/articles/{victim}").status == 204
        for path in (LIST, "/v1/main/recent?limit=50"):
            for _ in range(6):
                body = service.get(path).body
                count += 1
                ids = [item["id"] for item in orjson.loads(body)["items"]]
                shown += [victim] if victim in ids else []

    record(22, f"{count} answers after 40 deletes: {len(shown)} showed the article")
    assert shown == []


@pytest.mark.timeout(1_800)
def test_memory_and_keys_stay_constant(service: Service, record: Record) -> None:
    fixed = keys_without_lists(service) - KEYS_OF_AN_ARTICLE * ARTICLES
    memory = []
    usage = []
    for _ in range(THIRDS):
        use_the_service(service)
        memory.append(service.memory_bytes())
        usage.append(service.usage())
    keys = keys_without_lists(service)

    record(
        21,
        f"{THIRDS * GETS:,} GETs, {THIRDS * PUTS:,} PUTs, {THIRDS * REINDEXES} reindexes: memory of"
        f" the workers x {memory[2] / memory[1]:.3f} in the last third, threads and open files"
        f" {usage[1]} and {usage[2]}, {keys} keys besides lists",
    )
    assert memory[2] < 1.05 * memory[1]
    assert usage[2] <= usage[1] + 4  # what a thread opens when it is used for the first time
    assert keys == KEYS_OF_AN_ARTICLE * ARTICLES + fixed


def use_the_service(service: Service) -> None:
    """A third of the work: GETs of all lists, PUTs of all articles, and reindexes between them."""
    batches = GETS // BATCH
    rewrites = iter(range(REINDEXES))
    for batch in range(batches):
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(get_many, [service.port] * CLIENTS, [BATCH // CLIENTS] * CLIENTS))
        for number in range(PUTS // batches):
            fields = article(f"a{(number + batch) % ARTICLES}", title=f"Title {random.random()}")
            assert service.put(fields).status == 200
        if batch % (batches // REINDEXES) == 0 and next(rewrites, None) is not None:
            analyse_again(service)


def analyse_again(service: Service) -> None:
    with service.backend() as backend:
        list(reindex(backend.store, "main"))
        build(backend.settings, backend.store, "main")


def get_many(port: int, times: int) -> None:
    """Ask so often on one connection; raises AssertionError unless all answers are 200."""
    numbers = itertools.cycle(range(ARTICLES))
    with (
        socket.create_connection(("127.0.0.1", port), 30) as connection,
        connection.makefile("rb") as answers,
    ):
        for _ in range(times):
            path = f"/v1/main/articles/a{next(numbers)}/related"
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert answers.readline().startswith(b"HTTP/1.1 200")
            length = 0
            while (line := answers.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            answers.read(length)


def keys_without_lists(service: Service) -> int:
    with service.store() as store:
        return sum(b":list:" not in key for key in store.scan_iter(count=1_000))
