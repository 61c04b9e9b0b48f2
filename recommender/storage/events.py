"""
What readers saw and clicked, as counts: by site, day, article and place in the list.

    see:{site}:events:<day>        hash, i or c, place and article → how often; expires
    see:{site}:events:<day>:sums   the same of all articles together, once the day is over; expires

No reader is part of it. A day holds `MAX_FIELDS` counts at most, so nobody can make it grow
without end: of more articles than that only those are counted that came first.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path
from threading import Lock
from typing import Literal, NamedTuple

import orjson

from recommender.errors import TooManyRequests
from recommender.storage.connections import Connection
from recommender.storage.keyspace import site_key

KEPT_DAYS = 90
MAX_FIELDS = 100_000
MAX_POSITION = 50
RECENT_SECONDS = 60.0
# Of each site, in each process: what a store that flushes every write takes with ease.
BATCHES_PER_SECOND = 100.0
BURST = 200

Kind = Literal["impression", "click"]
_LETTERS: dict[Kind, str] = {"impression": "i", "click": "c"}
_COUNT = Path(__file__).with_name("events.lua").read_text()


class Event(NamedTuple):
    """A card was in view for a second, or was clicked; *position* is counted from 1."""

    kind: Kind
    article_id: str
    position: int


class Count(NamedTuple):
    """What became of one article in one place of the lists, on one day."""

    day: date
    article_id: str
    position: int
    impressions: int
    clicks: int


class Total(NamedTuple):
    """What became of all articles together in one place of the lists, on one day."""

    day: date
    position: int
    impressions: int
    clicks: int


class EventCounts:
    """The counts of all sites."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._buckets: dict[str, TokenBucket] = {}
        self._sums: dict[tuple[str, date], tuple[float, list[list[int]]]] = {}

    def admit(self, site: str) -> None:
        """Raises TooManyRequests when this process has had enough; asks no store."""
        bucket = self._buckets.setdefault(site, TokenBucket(BATCHES_PER_SECOND, BURST))
        if not bucket.take():
            raise TooManyRequests("too many events at once; what was seen is counted no more")

    def add(self, site: str, events: Iterable[Event], day: date) -> None:
        """Count each of *events* once, however often it stands among them."""
        fields = sorted({_field(event) for event in events})
        if not fields:
            return
        seconds = KEPT_DAYS * 86_400
        with self._connection.using("write") as client:
            client.register_script(_COUNT)([_key(site, day)], [MAX_FIELDS, seconds, *fields])

    def size(self, site: str, day: date) -> int:
        """How many of a day's `MAX_FIELDS` counts are taken."""
        with self._connection.using("batch") as client:
            return int(client.hlen(_key(site, day)))

    def counts(self, site: str, days: Iterable[date]) -> list[Count]:
        """All counts of these days, by day, article and place."""
        return [count for day in sorted(days) for count in self._of_day(site, day)]

    def totals(self, site: str, days: Iterable[date], today: date) -> list[Total]:
        """
        The counts of these days by day and place.

        A day that was over yesterday is added up once and for all, a later one once a minute: a
        busy one has as many counts as there is room for, and takes a fifth of a second.
        """
        wanted = sorted(days)
        with self._connection.using("read") as client:
            kept = client.mget([_sums_key(site, day) for day in wanted]) if wanted else []
        found = []
        for day, record in zip(wanted, kept, strict=True):
            sums = orjson.loads(record) if record else self._recent(site, day, today)
            found += [Total(day, *numbers) for numbers in sums]
        return found

    def _recent(self, site: str, day: date, today: date) -> list[list[int]]:
        made_at, sums = self._sums.get((site, day), (-math.inf, []))
        if time.monotonic() - made_at >= RECENT_SECONDS:
            sums = self._added_up(site, day, today)
            yesterday = today - timedelta(days=1)
            self._sums = {key: kept for key, kept in self._sums.items() if key[1] >= yesterday}
            self._sums[site, day] = time.monotonic(), sums
        return sums

    def _added_up(self, site: str, day: date, today: date) -> list[list[int]]:
        """Place, impressions and clicks, by place; kept when nobody adds to that day any more."""
        sums: dict[int, list[int]] = {}
        for field, number in self._fields(site, day).items():
            head = field.partition(b":")[0]
            row = sums.setdefault(int(head[1:]), [0, 0])
            row[head[:1] == b"c"] += int(number)
        found = [[place, *row] for place, row in sorted(sums.items())]
        if day < today - timedelta(days=1):  # until midnight is over on every clock
            with self._connection.using("write") as client:
                client.set(_sums_key(site, day), orjson.dumps(found), ex=KEPT_DAYS * 86_400)
        return found

    def _fields(self, site: str, day: date) -> dict[bytes, bytes]:
        with self._connection.using("batch") as client:
            fields: dict[bytes, bytes] = client.hgetall(_key(site, day))
        return fields

    def _of_day(self, site: str, day: date) -> list[Count]:
        found: dict[str, Counter[tuple[str, int]]] = {"i": Counter(), "c": Counter()}
        for field, number in self._fields(site, day).items():
            head, _, article_id = field.decode().partition(":")
            found[head[0]][article_id, int(head[1:])] += int(number)
        places = sorted(found["i"].keys() | found["c"].keys())
        return [Count(day, *place, found["i"][place], found["c"][place]) for place in places]


class TokenBucket:
    """Lets *burst* calls through at once, and *rate* a second after that."""

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._lock = Lock()
        self._tokens = burst
        self._filled_at = clock()

    def take(self) -> bool:
        with self._lock:
            now = self._clock()
            filled = self._tokens + (now - self._filled_at) * self._rate
            self._tokens = min(self._burst, filled)
            self._filled_at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


def _key(site: str, day: date) -> str:
    return site_key(site, "events", day.isoformat())


def _sums_key(site: str, day: date) -> str:
    return site_key(site, "events", day.isoformat(), "sums")


def _field(event: Event) -> str:
    return f"{_LETTERS[event.kind]}{event.position}:{event.article_id}"
