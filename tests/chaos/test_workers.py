"""Four workers, one archive that never stands still: one version, one list, to the byte."""

import multiprocessing
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
import pytest
import redis
from flask.testing import FlaskClient
from servers import new_server

from api.app import create_app
from recommender.backend import Backend
from recommender.config import Settings

WORKERS = 4
ROUNDS = 80  # of the writer, each of one to four writes
DONE = "the writer is done"
IDS = [f"2025/03/{n:02}" for n in range(40)]
# `offset=0` keeps a list out of the cache: each worker makes its own.
HOT_PATHS = [
    f"/v1/main/articles/{quote(IDS[0], safe='')}/related?offset=0",
    f"/v1/main/articles/{quote(IDS[1], safe='')}/related?offset=0&limit=50",
    f"/v1/main/articles/{quote(IDS[2], safe='')}/related",
    "/v1/main/recent?offset=0&tag=border&limit=20",
]
ALL_PATHS = [
    f"/v1/main/articles/{quote(article_id, safe='')}/related?offset=0&limit=50"
    for article_id in IDS
]
VOCABULARY = """
    ceasefire talks border town troops flag square river bridge council budget tram library goal
    penalty keeper final storm flood harbour mayor vote treaty mine miners barge lock theatre
"""
WORDS = VOCABULARY.split()


class Seen(NamedTuple):
    """
    What one worker saw.

    Fields:
        answers: by path and version.
        quiet: those of them between whose question and answer nothing was written.
        last: to every path, once the writer was done, with their status.
    """

    answers: dict[tuple[str, int], set[bytes]]
    quiet: dict[tuple[str, int], set[bytes]]
    last: list[tuple[int, bytes]]


def made_up_article(article_id: str, chance: random.Random) -> dict[str, Any]:
    words = chance.choices(WORDS, k=30)
    return {
        "id": article_id,
        "title": " ".join(words[:6]),
        "body": " ".join(words),
        "tags": chance.sample(["border", "sport", "city"], 1),
        "published_at": f"2025-03-{chance.randint(1, 28):02}T00:00:00Z",
        "language": "en",
    }


def worker(url: str) -> FlaskClient:
    # On a busy machine the store may be slow, and is not away.
    settings = Settings(redis_url=url, store_timeout_seconds=5)
    return create_app(backend=Backend(settings)).test_client()


def write(url: str, key: str) -> None:
    """Put, edit and delete articles at random, one by one or many at once."""
    client, chance = worker(url), random.Random(5)
    headers = {"Authorization": f"Bearer {key}"}
    for _ in range(ROUNDS):
        for _ in range(chance.randint(1, 4)):
            article_id = chance.choice(IDS)
            path = f"/v1/main/articles/{quote(article_id, safe='')}"
            match chance.randrange(4):
                case 0:
                    client.delete(path, headers=headers)
                case 1:
                    several = (made_up_article(i, chance) for i in chance.sample(IDS, 10))
                    lines = b"\n".join(map(orjson.dumps, several))
                    client.post("/v1/main/articles", data=lines, headers=headers)
                case _:
                    client.put(path, json=made_up_article(article_id, chance), headers=headers)
        time.sleep(0.06)  # now and then every worker has time for a list
    redis.Redis.from_url(url).set(DONE, "yes")


def read(url: str, seed: int) -> Seen:
    """Ask for the same few lists over and over; for all of them once the writer is done."""
    client, chance, store = worker(url), random.Random(seed), redis.Redis.from_url(url)
    seen = Seen({}, {}, [])
    while not store.exists(DONE):
        path = chance.choice(HOT_PATHS)
        before = store.get("see:{main}:version")
        response = client.get(path)
        after = store.get("see:{main}:version")
        if response.status_code == 200:
            kind = path, int(response.json["version"])
            seen.answers.setdefault(kind, set()).add(response.data)
            if before == after:
                seen.quiet.setdefault(kind, set()).add(response.data)
    seen.last.extend(last_lists(client))
    return seen


def last_lists(client: FlaskClient) -> list[tuple[int, bytes]]:
    responses = [client.get(path) for path in ALL_PATHS]
    return [(response.status_code, response.data) for response in responses]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with new_server() as held:
        yield held.url


@pytest.fixture(scope="module")
def seen(url: str) -> list[Seen]:
    """What four workers saw while a fifth process wrote."""
    with Backend(Settings(redis_url=url)) as backend:
        key = backend.keys.create("main", ["ingest"])
    forked = multiprocessing.get_context("fork")  # as granian's workers are
    with ProcessPoolExecutor(WORKERS + 1, mp_context=forked) as pool:
        writer = pool.submit(write, url, key)
        readers = [pool.submit(read, url, seed) for seed in range(WORKERS)]
        writer.result()
        return [reader.result() for reader in readers]


def disagreements(seen: list[dict[tuple[str, int], set[bytes]]]) -> list[tuple[str, int]]:
    """Lists of which there are several at one version; enough must have been seen by several."""
    together: defaultdict[tuple[str, int], set[bytes]] = defaultdict(set)
    for answers in seen:
        for kind, found in answers.items():
            together[kind] |= found
    seen_by_several = [kind for kind in together if sum(kind in answers for answers in seen) > 1]
    assert len(seen_by_several) > 5
    return sorted(kind for kind, found in together.items() if len(found) > 1)


def test_workers_agree_on_every_list_while_articles_come_and_go(seen: list[Seen]) -> None:
    assert [] == disagreements([one.quiet for one in seen])


def test_workers_agree_on_lists_that_were_made_during_a_write(seen: list[Seen]) -> None:
    assert [] == disagreements([one.answers for one in seen])


def test_workers_that_followed_every_change_agree_when_it_is_over(seen: list[Seen]) -> None:
    different = []
    for number, one in enumerate(seen):
        pairs = zip(ALL_PATHS, seen[0].last, one.last, strict=True)
        different += [(number, *pair) for pair in pairs if pair[1] != pair[2]]

    assert [] == different


def test_a_worker_that_reads_everything_anew_agrees_too(seen: list[Seen], url: str) -> None:
    with Backend(Settings(redis_url=url)) as backend:
        client = create_app(backend=backend).test_client()

        assert seen[0].last == last_lists(client)
