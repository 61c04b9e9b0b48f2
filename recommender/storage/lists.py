"""Finished lists: the bytes that readers get, in the cache, stamped with the version they show."""

import time
from collections import OrderedDict
from contextlib import suppress
from hashlib import blake2b
from threading import Lock
from typing import NamedTuple, Self

import orjson

from recommender.errors import CorruptRecord, StoreUnavailable
from recommender.storage.change_log import SiteState, state_keys
from recommender.storage.connections import Connection
from recommender.storage.keyspace import site_key
from recommender.storage.packing import pack_record, unpack_record

LAST_GOOD_BYTES = 40 * 2**20  # per worker
ENTRY_BYTES = 500  # what an entry takes besides its body


class FinishedList(NamedTuple):
    """
    A list as it goes out.

    Fields:
        version: of the site when it was made.
        made_at, expires_at: seconds since 1970.
        etag: of the body, without quotes.
        ids: the source, where there is one, and every article shown.
    """

    version: int
    made_at: float
    expires_at: float
    etag: str
    ids: tuple[str, ...]
    body: bytes

    @classmethod
    def of(
        cls, body: bytes, ids: tuple[str, ...], version: int, made_at: float, expires_at: float
    ) -> Self:
        etag = blake2b(body, digest_size=12).hexdigest()
        return cls(version, made_at, expires_at, etag, ids, body)

    def pack(self) -> bytes:
        return pack_record(orjson.dumps(self[:5]) + b"\n" + self.body)

    @classmethod
    def unpack(cls, record: bytes) -> Self:
        """Read what `pack` wrote. Raises CorruptRecord."""
        head, _, body = unpack_record(record).partition(b"\n")
        try:
            version, made_at, expires_at, etag, ids = orjson.loads(head)
        except ValueError:
            raise CorruptRecord("list: unknown format") from None
        return cls(version, made_at, expires_at, etag, tuple(ids), body)


class ListCache:
    """
    The lists of all sites, shared by the workers, and a memory of the last good ones.

    Args:
        store: where a site's version is.
        cache: where lists are; the same object as *store* makes a look-up one round trip.
        ttl_seconds: how long a list stays.
    """

    def __init__(self, store: Connection, cache: Connection, ttl_seconds: int) -> None:
        self._store = store
        self._cache = cache
        self._ttl_seconds = ttl_seconds
        self._states: dict[str, SiteState] = {}  # of each site, when it was last asked
        self._last_good: OrderedDict[str, FinishedList] = OrderedDict()
        self._last_good_bytes = 0
        self._lock = Lock()

    def get(self, site: str, name: str, only_in: SiteState | None = None) -> FinishedList | None:
        """
        The list called *name*, if it was made from the site's present version.

        Args:
            only_in: the state in which the name means this list; None when it does in all.

        Raises:
            StoreUnavailable: when the version cannot be read. A cache that is away is a miss.
        """
        state, record = self._read(site, site_key(site, "list", name))
        self._states[site] = state
        if only_in is not None and state != only_in:
            return None
        finished = _unpacked(record, state)
        if finished is None or finished.expires_at <= time.time():
            return None
        self._remember(site_key(site, "list", name), finished)
        return finished

    def put(self, site: str, name: str, finished: FinishedList, shared: bool = True) -> None:
        """
        Keep a list for this process, and when it may be *shared* for everybody.

        A cache that is away is passed over.
        """
        key = site_key(site, "list", name)
        self._remember(key, finished)
        seconds = min(self._ttl_seconds, finished.expires_at - time.time())
        if seconds > 0 and shared:
            with suppress(StoreUnavailable):
                self._share(site, key, finished, max(1, int(seconds * 1000)))

    def _share(self, site: str, key: str, finished: FinishedList, milliseconds: int) -> None:
        state = self._states.get(site)
        if state is None or state.version != finished.version:
            state = self._states[site] = self._read(site, key)[0]
        if state.version == finished.version:  # or nobody would ever get it
            record = f"{state.at}|".encode() + finished.pack()
            # With the patience of a write: the store may flush it to disk.
            kept = self._cache.try_command(
                "SET", key, record, "PX", str(milliseconds), pace="write"
            )
            if kept is None:  # the server may have closed the line meanwhile
                with self._cache.using("write") as client:
                    client.set(key, record, px=milliseconds)

    def last_good(self, site: str, name: str, max_age_seconds: float) -> FinishedList | None:
        """The list this process last gave out under *name*, if it is not older than that."""
        with self._lock:
            finished = self._last_good.get(site_key(site, "list", name))
        if finished is None or time.time() - finished.made_at > max_age_seconds:
            return None
        return finished

    def _read(self, site: str, list_key: str) -> tuple[SiteState, bytes | None]:
        """The site's state, and the packed list."""
        keys = [*state_keys(site)]
        if self._cache is self._store:
            keys.append(list_key)
        version, at, *records = self._store.read("MGET", *keys)
        record = records[0] if records else self._read_cache(list_key)
        return SiteState.read(version, at), record

    def _read_cache(self, list_key: str) -> bytes | None:
        try:
            with self._cache.using("read") as client:
                record: bytes | None = client.get(list_key)
                return record
        except StoreUnavailable:
            return None

    def _remember(self, key: str, finished: FinishedList) -> None:
        with self._lock:
            replaced = self._last_good.pop(key, None)
            self._last_good[key] = finished
            self._last_good_bytes += _size(finished) - (_size(replaced) if replaced else 0)
            while self._last_good_bytes > LAST_GOOD_BYTES:
                _, oldest = self._last_good.popitem(last=False)
                self._last_good_bytes -= _size(oldest)


def _size(finished: FinishedList) -> int:
    return len(finished.body) + ENTRY_BYTES


def _unpacked(record: bytes | None, state: SiteState) -> FinishedList | None:
    """The list, if it is of that version of the archive."""
    prefix = f"{state.at}|".encode()
    if record is None or not record.startswith(prefix):
        return None
    try:
        finished = FinishedList.unpack(record.removeprefix(prefix))
    except CorruptRecord:
        return None
    return finished if finished.version == state.version else None
