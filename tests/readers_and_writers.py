"""Readers and writers over HTTP, to run in processes of their own."""

import asyncio
import time
from collections import Counter, defaultdict
from itertools import count, takewhile
from typing import NamedTuple

import orjson
from running_service import ask, made_up, percentile

BULK_LINES = 500


class Answers(NamedTuple):
    """
    What a reader got.

    Fields:
        times: how long each answer took, in seconds.
        waits: how many answers were lists that were made for this request.
    """

    times: list[float]
    statuses: Counter[int]
    waits: int

    def percentile(self, share: float) -> float:
        return percentile(self.times, share)


def read(port: int, seconds: float, lists: int = 1) -> Answers:
    """One reader without pause, in turn over the first *lists* articles."""
    end = time.monotonic() + seconds
    times: list[float] = []
    statuses: Counter[int] = Counter()
    waits = 0
    for number in takewhile(lambda _: time.monotonic() < end, count()):
        reply = ask(port, f"/v1/main/articles/a{number % lists}/related")
        times.append(reply.seconds)
        statuses[reply.status] += 1
        waits += "fwd=miss" in reply.headers.get("cache-status", "")
    return Answers(times, statuses, waits)


class Crowd(NamedTuple):
    """
    What a crowd of readers got.

    Fields:
        times: how long answers of each status took, in seconds; 0 for requests without an answer.
        hints: how many of the refusals said when to try again.
    """

    times: dict[int, list[float]]
    hints: int

    def share(self, status: int) -> float:
        return len(self.times[status]) / sum(map(len, self.times.values()))


def crowd(port: int, seconds: float, readers: int = 0, a_second: float = 0.0) -> Crowd:
    """
    Ask for lists that are in no cache.

    Args:
        readers: so many, each without pause.
        a_second: or so many requests a second, however long the answers take.
    """
    return asyncio.run(_crowd(port, seconds, readers, a_second))


async def _crowd(port: int, seconds: float, readers: int, a_second: float) -> Crowd:
    crowd = Crowd(defaultdict(list), 0)
    hints = 0
    numbers = count()
    started = time.monotonic()

    async def ask_once() -> None:
        nonlocal hints
        asked = time.monotonic()
        path = f"/v1/main/articles/a{next(numbers) % 200}/related?offset=0"
        status, head = await _get(port, path)
        crowd.times[status].append(time.monotonic() - asked)
        hints += status == 503 and b"retry-after" in head.lower()

    async def ask_again_and_again() -> None:
        while time.monotonic() < started + seconds:
            await ask_once()

    if readers:
        await asyncio.gather(*(ask_again_and_again() for _ in range(readers)))
        return crowd._replace(hints=hints)
    requests = []
    for number in range(int(seconds * a_second)):
        await asyncio.sleep(max(0.0, started + number / a_second - time.monotonic()))
        requests.append(asyncio.ensure_future(ask_once()))
    await asyncio.gather(*requests)
    return crowd._replace(hints=hints)


async def _get(port: int, path: str) -> tuple[int, bytes]:
    """The status and the head of an answer, on a connection of its own; status 0 for none."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return 0, b""
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
        head, _, _ = (await reader.read()).partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), head
    except (OSError, IndexError):
        return 0, b""
    finally:
        writer.close()


def put(port: int, key: str, seconds: float, a_second: float) -> int:
    """PUT articles, without pause for a rate of 0; return how many were accepted."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    started = time.monotonic()
    accepted = 0
    for number in takewhile(lambda _: time.monotonic() < started + seconds, count()):
        if a_second:
            time.sleep(max(0.0, started + number / a_second - time.monotonic()))
        fields = made_up(1_000_000 + number % 500) | {"author": [f"Reporter {time.time()}"]}
        path = f"/v1/main/articles/{fields['id']}"
        reply = ask(port, path, "PUT", orjson.dumps(fields), headers, 30.0)
        accepted += reply.status in (200, 201)
    return accepted


def put_bulk(port: int, key: str, seconds: float) -> int:
    """Upload batches of articles without pause; return how many articles were accepted."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
    end = time.monotonic() + seconds
    accepted = 0
    for _ in takewhile(lambda _: time.monotonic() < end, count()):
        author = [f"Reporter {time.time()}"]
        articles = [made_up(2_000_000 + n) | {"author": author} for n in range(BULK_LINES)]
        body = b"\n".join(map(orjson.dumps, articles))
        reply = ask(port, "/v1/main/articles", "POST", body, headers, 60.0)
        accepted += BULK_LINES * (reply.status == 200)
    return accepted
