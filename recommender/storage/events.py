"""
Counts of what readers saw and clicked, by site, day, article and position in the list.

    see:{site}:events:<day>        hash, (i or c) position : article → count; expires
    see:{site}:events:<day>:sums   the sums over all articles, once the day is over; expires

Nothing identifies a reader. A day holds at most `MAX_FIELDS` counts, so no sender can make it
grow without end: after that many, only articles counted before go on being counted.
"""

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

import orjson
from pydantic import NonNegativeInt, TypeAdapter, ValidationError

from recommender.errors import TooManyRequests
from recommender.storage.article_records import site_key
from recommender.storage.connections import Connection
from recommender.storage.rate_limit import TokenBucket

KEPT_DAYS = 90
MAX_FIELDS = 100_000
MAX_POSITION = 50
RECENT_SECONDS = 60.0
# Of each site, in each process: a store that flushes every write takes that many with ease.
BATCHES_PER_SECOND = 100.0
BURST = 200
NETWORK_SHARE = 4  # the part of it that the clients of one network may take is one in so many
MAX_NETWORKS = 10_000

EventKind = Literal["impression", "click"]
_LETTERS: dict[EventKind, str] = {"impression": "i", "click": "c"}
_KINDS: dict[bytes, EventKind] = {b"i": "impression", b"c": "click"}
_FIELD = re.compile(rb"(?P<kind>[ic])(?P<position>[0-9]{1,3}):(?P<article>.*)", re.DOTALL)
MAX_DIGITS = 15  # of a count
_COUNT_SCRIPT = Path(__file__).with_name("events.lua").read_text()


class Event(NamedTuple):
    """A card was in view for a second, or was clicked; *position* is counted from 1."""

    kind: EventKind
    article_id: str
    position: int


class DailyCount(NamedTuple):
    """Events of one article at one position of the lists, on one day."""

    day: date
    article_id: str
    position: int
    impressions: int
    clicks: int


class DailyTotal(NamedTuple):
    """Events of all articles at one position of the lists, on one day."""

    day: date
    position: int
    impressions: int
    clicks: int


class _FieldCount(NamedTuple):
    """One field of a day."""

    kind: EventKind
    position: int
    article_id: str
    number: int


# Position, impressions and clicks, by position.
_Row = tuple[NonNegativeInt, NonNegativeInt, NonNegativeInt]
_Sums = list[_Row]
_SUMS = TypeAdapter(_Sums)


class EventCounts:
    """The counts of all sites."""

    def __init__(self, connection: Connection, clock: Callable[[], float] = time.monotonic) -> None:
        self._connection = connection
        self._clock = clock
        self._buckets: dict[str, TokenBucket] = {}
        self._network_buckets: dict[tuple[str, str], TokenBucket] = {}
        self._recent_sums: dict[tuple[str, date], tuple[float, _Sums]] = {}

    def admit(self, site: str, network: str | None = None) -> None:
        """
        Raises TooManyRequests when this process counts too much already; asks no store.

        Args:
            network: of the client, which gets a part of the site's limit; None where it is unknown.
        """
        bucket = self._buckets.setdefault(site, self._bucket(1))
        is_admitted = network is None or self._bucket_of(site, network).take()
        if not (is_admitted and bucket.take()):
            raise TooManyRequests("too many events at once; these were not counted")

    def _bucket_of(self, site: str, network: str) -> TokenBucket:
        if len(self._network_buckets) > MAX_NETWORKS:
            self._network_buckets.clear()
        new = self._bucket(NETWORK_SHARE)
        return self._network_buckets.setdefault((site, network), new)

    def _bucket(self, share: int) -> TokenBucket:
        return TokenBucket(BATCHES_PER_SECOND / share, BURST / share, self._clock)

    def add(self, site: str, events: Iterable[Event], day: date) -> None:
        """Count each distinct event of *events* once."""
        fields = sorted({_field(event) for event in events})
        if not fields:
            return
        with self._connection.using("write", grows=True) as client:
            script = client.register_script(_COUNT_SCRIPT)
            script([_key(site, day)], [MAX_FIELDS, KEPT_DAYS * 86_400, *fields])

    def forget(self, site: str, article_id: str, today: date) -> None:
        """Delete the counts of an article; the sums of days that are over stay."""
        suffix = f":{article_id}".encode()
        for age in range(KEPT_DAYS + 1):
            key = _key(site, today - timedelta(days=age))
            with self._connection.using("batch") as client:
                fields = [field for field in client.hkeys(key) if field.endswith(suffix)]
                own = [field for field in fields if _article_of(field) == article_id]
                if own:
                    client.hdel(key, *own)

    def size(self, site: str, day: date) -> int:
        """How many of the day's `MAX_FIELDS` counts are taken."""
        with self._connection.using("load") as client:
            return int(client.hlen(_key(site, day)))

    def counts(self, site: str, days: Iterable[date]) -> list[DailyCount]:
        """All counts of these days, by day, article and position."""
        counts: list[DailyCount] = []
        for day in sorted(days):
            counts += self._counts_of_day(site, day)
        return counts

    def totals(self, site: str, days: Iterable[date], today: date) -> list[DailyTotal]:
        """
        The counts of these days by day and position.

        The sums of a day that ended before yesterday are stored; later days are summed up once a
        minute, because reading the counts of a busy day takes a fifth of a second.
        """
        ordered = sorted(days)
        if not ordered:
            return []
        with self._connection.using("read") as client:
            stored = client.mget([_sums_key(site, day) for day in ordered])
        totals: list[DailyTotal] = []
        for day, record in zip(ordered, stored, strict=True):
            sums = _stored_sums(record)
            if sums is None:
                sums = self._sums(site, day, today)
            totals += [DailyTotal(day, *numbers) for numbers in sums]
        return totals

    def _sums(self, site: str, day: date, today: date) -> _Sums:
        summed_at, sums = self._recent_sums.get((site, day), (-math.inf, []))
        if time.monotonic() - summed_at < RECENT_SECONDS:
            return sums
        sums = self._sum_up(site, day)
        # By then that day is over on the clock of every worker, and nothing is added any more.
        if day < today - timedelta(days=1):
            self._store_sums(site, day, sums)
        else:
            self._forget_sums_before(today - timedelta(days=1))
            self._recent_sums[site, day] = (time.monotonic(), sums)
        return sums

    def _sum_up(self, site: str, day: date) -> _Sums:
        sums: dict[int, tuple[int, int]] = {}
        for count in self._fields(site, day):
            impressions, clicks = sums.get(count.position, (0, 0))
            if count.kind == "click":
                clicks += count.number
            else:
                impressions += count.number
            sums[count.position] = (impressions, clicks)
        return [(position, *totals) for position, totals in sorted(sums.items())]

    def _store_sums(self, site: str, day: date, sums: _Sums) -> None:
        with self._connection.using("write") as client:
            client.set(_sums_key(site, day), orjson.dumps(sums), ex=KEPT_DAYS * 86_400)

    def _forget_sums_before(self, first_day: date) -> None:
        outdated = [key for key in self._recent_sums if key[1] < first_day]
        for key in outdated:
            self._recent_sums.pop(key, None)

    def _fields(self, site: str, day: date) -> Iterator["_FieldCount"]:
        """The counts of a day; fields that cannot be read are left out."""
        with self._connection.using("load") as client:
            fields = client.hgetall(_key(site, day))
        for field, number in fields.items():
            match = _FIELD.fullmatch(field)
            if match and number.isdigit() and len(number) <= MAX_DIGITS:
                article_id = match["article"].decode(errors="replace")
                kind = _KINDS[match["kind"]]
                yield _FieldCount(kind, int(match["position"]), article_id, int(number))

    def _counts_of_day(self, site: str, day: date) -> list[DailyCount]:
        impressions: Counter[tuple[str, int]] = Counter()
        clicks: Counter[tuple[str, int]] = Counter()
        for count in self._fields(site, day):
            counter = clicks if count.kind == "click" else impressions
            counter[count.article_id, count.position] += count.number
        return [
            DailyCount(day, *place, impressions[place], clicks[place])
            for place in sorted(impressions.keys() | clicks.keys())
        ]


def _stored_sums(record: bytes | None) -> _Sums | None:
    """None too for sums that are damaged: they are added up again."""
    if record is None:
        return None
    try:
        return _SUMS.validate_json(record)
    except ValidationError:
        return None


def _article_of(field: bytes) -> str | None:
    match = _FIELD.fullmatch(field)
    return match["article"].decode(errors="replace") if match else None


def _key(site: str, day: date) -> str:
    return site_key(site, "events", day.isoformat())


def _sums_key(site: str, day: date) -> str:
    return site_key(site, "events", day.isoformat(), "sums")


def _field(event: Event) -> str:
    return f"{_LETTERS[event.kind]}{event.position}:{event.article_id}"
