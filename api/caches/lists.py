"""Finished lists: bodies of answers in Redis for all workers, and stale copies in each worker."""

from contextlib import suppress
from hashlib import blake2b
from typing import NamedTuple, Self

import orjson
from pydantic import TypeAdapter, ValidationError

from api.caches.lru import ByteLRU
from recommender.errors import CorruptRecord, StoreUnavailable
from recommender.storage.article_records import site_key
from recommender.storage.change_log import ChangeLog, SiteState, state_keys
from recommender.storage.clock import StoreClock
from recommender.storage.connections import Connection
from recommender.storage.packing import pack_record, unpack_record

STALE_BYTES = 40 * 2**20  # per worker
ENTRY_BYTES = 500  # what a stale copy takes besides its body
CLOCK_SECONDS = 1.0  # by which the clocks of two machines may differ


def is_current(made_at: float, expires_at: float, now: float) -> bool:
    """
    Whether a list holds at this moment (seconds since 1970).

    A list of the future was made before the clock was set back, and may show articles too early.
    """
    return made_at - CLOCK_SECONDS <= now < expires_at


class FinishedList(NamedTuple):
    """
    A list in the form that readers get.

    Fields:
        version: of the site when the list was made.
        made_at, expires_at: seconds since 1970.
        etag: of the body, without quotes.
        ids: the article that the list belongs to, if there is one, then every article shown.
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
            version, made_at, expires_at, etag, ids = _HEAD.validate_json(head)
        except ValidationError:
            raise CorruptRecord("list: unknown format") from None
        return cls(version, made_at, expires_at, etag, ids, body)


# Version, times, etag and ids; pydantic checks them in less time than the list's bytes travel.
_HEAD = TypeAdapter(tuple[int, float, float, str, tuple[str, ...]])


class ListCache:
    """
    The finished lists of all sites: in Redis for all workers, and stale copies in this one.

    Args:
        store: has the state of each site.
        cache: has the lists; the same object as *store* makes a look-up one request.
        ttl_seconds: how long a list stays.
        clock: of the store.
    """

    def __init__(
        self, store: Connection, cache: Connection, ttl_seconds: int, clock: StoreClock
    ) -> None:
        self._store = store
        self._change_log = ChangeLog(store)
        self._cache = cache
        self._clock = clock
        self._ttl_seconds = ttl_seconds
        self._states: dict[str, SiteState] = {}  # of each site, when it was last read
        self._stale: ByteLRU[str, FinishedList] = ByteLRU(STALE_BYTES, _size)

    def get(self, site: str, name: str, only_in: SiteState | None = None) -> FinishedList | None:
        """
        The list called *name*, if it was made from the present version of the site.

        Args:
            only_in: the state in which the name means this list; None when it does in all.

        Raises:
            StoreUnavailable: when the version cannot be read. A cache that is away is a miss.
        """
        key = site_key(site, "list", name)
        state, record = self._read(site, key)
        self._states[site] = state
        if only_in is not None and state != only_in:
            return None
        finished = _unpacked(record, state)
        if finished is None:
            return None
        if not is_current(finished.made_at, finished.expires_at, self._clock.time()):
            return None
        self._stale.put(key, finished)
        return finished

    def put(self, site: str, name: str, finished: FinishedList, shared: bool = True) -> None:
        """
        Keep a list in this worker, and with *shared* for all workers.

        Nothing is raised when the cache is away.
        """
        key = site_key(site, "list", name)
        self._stale.put(key, finished)
        seconds = min(self._ttl_seconds, finished.expires_at - self._clock.time())
        if seconds > 0 and shared:
            with suppress(StoreUnavailable):
                self._share(site, key, finished, max(1, int(seconds * 1000)))

    def stale_copy(self, site: str, name: str, max_age_seconds: float) -> FinishedList | None:
        """
        The last list of this name that this worker made or read, up to that age.

        Where the cache is a server of its own, it has the last list of any worker.
        """
        key = site_key(site, "list", name)
        finished = self._stale.get(key)
        if finished is None and self._cache is not self._store:
            finished = _unpacked(self._read_cache(key))
        if finished is None or self._clock.time() - finished.made_at > max_age_seconds:
            return None
        return finished

    def _share(self, site: str, key: str, finished: FinishedList, milliseconds: int) -> None:
        state = self._states.get(site)
        if state is None or state.version != finished.version:
            state = self._read(site, key)[0]
            self._states[site] = state
        if state.version != finished.version:
            return  # `get` would never return it
        record = f"{state.at}|".encode() + finished.pack()
        # The deadline is that of a write: the store may flush it to disk.
        reply = self._cache.try_command("SET", key, record, "PX", str(milliseconds), pace="write")
        if reply is None:  # the server may have closed the idle connection
            with self._cache.using("write") as client:
                client.set(key, record, px=milliseconds)

    def _read(self, site: str, list_key: str) -> tuple[SiteState, bytes | None]:
        """The state of the site, and the packed list."""
        keys = [*state_keys(site)]
        if self._cache is self._store:
            keys.append(list_key)
        version, at, *records = self._store.read("MGET", *keys)
        record = records[0] if records else self._read_cache(list_key)
        return self._change_log.parse_state(site, version, at), record

    def _read_cache(self, list_key: str) -> bytes | None:
        record: bytes | None = self._cache.try_command("GET", list_key)
        return record


def _size(_: str, finished: FinishedList) -> int:
    return len(finished.body) + ENTRY_BYTES


def _unpacked(record: bytes | None, state: SiteState | None = None) -> FinishedList | None:
    """The list, if it was made from that state of the archive; of any state without one."""
    if record is None:
        return None
    at, _, packed = record.partition(b"|")
    if state is not None and at != state.at.encode():
        return None
    try:
        finished = FinishedList.unpack(packed)
    except CorruptRecord:
        return None
    return finished if state is None or finished.version == state.version else None
