"""Readers and writers over HTTP, to run in processes of their own."""

import time
from collections import Counter
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
