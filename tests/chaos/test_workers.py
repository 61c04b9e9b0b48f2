"""Four workers, one archive that never stands still: at one version there is one list, to the byte."""

import multiprocessing
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
import pytest
from flask.testing import FlaskClient

from api.app import create_app
from recommender.backend import Backend
from recommender.config import Settings
from recommender.embedded import lease

WORKERS = 4
SECONDS = 6.0
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
WORDS = (
    "ceasefire talks border town troops flag square river bridge council budget tram library goal "
    "penalty keeper final storm flood harbour mayor vote treaty mine miners barge lock theatre"
).split()


class Seen(NamedTuple):
    """What one worker saw: answers by path and version, and its last answer to every path."""

    answers: dict[tuple[str, int], set[bytes]]
    last: list[bytes]


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
    return create_app(backend=Backend(Settings(redis_url=url))).test_client()


def write(url: str, key: str, until: float) -> int:
    """Put, edit and delete articles at random, one by one or many at once; tell how often."""
    client, chance, writes = worker(url), random.Random(5), 0
    headers = {"Authorization": f"Bearer {key}"}
    while time.time() < until:
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
            writes += 1
        time.sleep(0.03)
    return writes


def read(url: str, seed: int, until: float) -> Seen:
    """Ask for the same few lists over and over; for all of them once the writer is done."""
    client, chance = worker(url), random.Random(seed)
    answers: defaultdict[tuple[str, int], set[bytes]] = defaultdict(set)
    while time.time() < until:
        path = chance.choice(HOT_PATHS)
        response = client.get(path)
        if response.status_code == 200:
            answers[path, response.json["version"]].add(response.data)
    return Seen(dict(answers), [client.get(path).data for path in ALL_PATHS])


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="alsosee-test-") as folder:
        with lease(Path(folder)) as embedded:
            yield embedded.url


@pytest.fixture(scope="module")
def seen(url: str) -> list[Seen]:
    """What four workers saw while a fifth process wrote."""
    with Backend(Settings(redis_url=url)) as backend:
        key = backend.keys.create("main", ["ingest"])
    forked = multiprocessing.get_context("fork")  # as granian's workers are
    with ProcessPoolExecutor(WORKERS + 1, mp_context=forked) as pool:
        until = time.time() + SECONDS
        writer = pool.submit(write, url, key, until)
        readers = [pool.submit(read, url, seed, until + 1.0) for seed in range(WORKERS)]
        assert writer.result() > 50
        return [reader.result() for reader in readers]


def test_workers_agree_on_every_list_at_every_version(seen: list[Seen]) -> None:
    together: defaultdict[tuple[str, int], set[bytes]] = defaultdict(set)
    witnesses: defaultdict[tuple[str, int], int] = defaultdict(int)
    for one in seen:
        for what, answers in one.answers.items():
            together[what] |= answers
            witnesses[what] += 1
    compared = [what for what, count in witnesses.items() if count > 1]

    assert len(compared) > 30
    assert [] == sorted(what for what, answers in together.items() if len(answers) > 1)


def test_workers_that_followed_every_change_agree_when_it_is_over(seen: list[Seen]) -> None:
    assert [seen[0].last] * WORKERS == [one.last for one in seen]


def test_a_worker_that_reads_everything_anew_agrees_too(seen: list[Seen], url: str) -> None:
    with Backend(Settings(redis_url=url)) as backend:
        client = create_app(backend=backend).test_client()

        assert seen[0].last == [client.get(path).data for path in ALL_PATHS]
