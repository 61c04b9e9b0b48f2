"""
The change log of a site, and the state of its archive.

    see:{site}:version   the archive version: number of the last accepted change
    see:{site}:at        when that change was accepted; tells two archives of the same version
                         apart, after the store was emptied or restored from an older copy
    see:{site}:log       stream of the changes, entry id `version-0`, fields id, op and at
"""

import re
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple, Self

from recommender.errors import CorruptRecord, StoreUnavailable
from recommender.storage.article_records import site_key
from recommender.storage.connections import Connection

KNOWN_STATE_SECONDS = 0.2
# A site is busy while it accepts more changes than that in that time.
BUSY_CHANGES = 10
BUSY_SECONDS = 2.0

_VERSION = re.compile(rb"[0-9]{1,15}")
_TIME = re.compile(rb"([0-9]{1,15}(\.[0-9]{1,9})?)?")


class ArchiveChange(NamedTuple):
    """
    One entry of a site's change log.

    Fields:
        article_id: empty for an op that concerns no article.
        op: `put` or `delete` of an article, or `rules` for rules and site settings.
        at: when it was accepted, in seconds since 1970.
    """

    version: int
    article_id: str
    op: str
    at: str = ""

    @property
    def is_about_rules(self) -> bool:
        return self.op == "rules"


class SiteState(NamedTuple):
    """
    The state of a site's archive; equal states have the same articles, rules and settings.

    Fields:
        version: number of the last accepted change.
        at: when it was accepted, in seconds since 1970; empty before the first.
    """

    version: int
    at: str

    @classmethod
    def read(cls, version: bytes | None, at: bytes | None) -> Self:
        """
        Parse the values of `state_keys`.

        Raises:
            CorruptRecord: for a version that is no number or below 0, or a time that is no text.
        """
        if not _VERSION.fullmatch(version or b"0") or not _TIME.fullmatch(at or b""):
            raise CorruptRecord("archive version: not a version")
        return cls(int(version or 0), (at or b"").decode())


RawState = list[bytes | None]
"""A `SiteState` as the store returns it, to compare with another."""


class _KnownState(NamedTuple):
    """A state that was read, the signal just before it, and until when it counts as current."""

    state: RawState
    signal: bytes | None
    until: float

    def is_current(self, signal: bytes | None, now: float) -> bool:
        return self.signal == signal is not None and now < self.until


class _WriteRate:
    """How many changes a site has accepted lately, by the versions that this process read."""

    def __init__(self) -> None:
        self._read: deque[tuple[float, int]] = deque()  # when, and which version

    def note(self, version: bytes | None, now: float) -> None:
        number = int(version) if version is not None and _VERSION.fullmatch(version) else 0
        self._read.append((now, number))
        self._forget(now)

    def is_busy(self, now: float) -> bool:
        self._forget(now)
        reads = list(self._read)  # other threads add to it
        return bool(reads) and reads[-1][1] - reads[0][1] > BUSY_CHANGES

    def _forget(self, now: float) -> None:
        with suppress(IndexError):  # another thread was faster
            while self._read[0][0] < now - BUSY_SECONDS:
                self._read.popleft()


def changed_articles(changes: Iterable[ArchiveChange]) -> list[str]:
    """The ids of the articles that changed, each once, in the order of their first change."""
    ids = (change.article_id for change in changes if not change.is_about_rules)
    return list(dict.fromkeys(ids))


def state_keys(site: str) -> tuple[str, str]:
    return site_key(site, "version"), site_key(site, "at")


class ChangeLog:
    """States and changes of all sites. Every method may raise `StoreUnavailable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, _KnownState] = {}
        self._rates: defaultdict[str, _WriteRate] = defaultdict(_WriteRate)

    def version(self, site: str) -> int:
        with self._connection.using("read") as client:
            version = client.get(site_key(site, "version"))
        return self.parse_state(site, version, b"0").version

    def state(self, site: str) -> SiteState:
        version, at = self._connection.read("MGET", *state_keys(site))
        self._rates[site].note(version, time.monotonic())
        return self.parse_state(site, version, at)

    def is_busy(self, site: str) -> bool:
        """Whether the site accepts many changes a second, as far as this process has read."""
        return self._rates[site].is_busy(time.monotonic())

    def last_removal(self) -> bytes | None:
        """Bytes that change when an article may have to leave lists; None where none do."""
        signal = self._connection.signal
        return signal.last_removal() if signal is not None else None

    def parse_state(self, site: str, version: bytes | None, at: bytes | None) -> SiteState:
        """
        The state that the values of `state_keys` mean; the log decides when they are damaged.

        Raises:
            StoreUnavailable: when the log is damaged too.
        """
        try:
            state = SiteState.read(version, at)
        except CorruptRecord:
            return self._last_logged(site)
        if not state.version:  # an empty site, or one whose version was lost
            return self._last_logged(site)
        if at is None:  # written by a release without this key
            return state._replace(at=self.accepted_at(site, state.version))
        return state

    def _last_logged(self, site: str) -> SiteState:
        """The state after the last change of the log; of version 0 without any."""
        with self._connection.using("read") as client:
            entries = client.xrevrange(site_key(site, "log"), count=1)
        if not entries:
            return SiteState(0, "")
        try:
            last = _parse(*entries[0])
        except CorruptRecord as error:
            raise StoreUnavailable("the change log is damaged", repr(error)) from error
        return SiteState(last.version, last.at)

    def raw_state(self, site: str) -> RawState | None:
        """
        The `state` of a site in the least time; None when it cannot be read.

        A state is not read again for `KNOWN_STATE_SECONDS`, unless the change signal was sent.
        So writes on this machine are seen at once, and those on other machines after that time.
        """
        signal = self._signal()
        now = time.monotonic()
        known = self._known.get(site)
        if known is not None and known.is_current(signal, now):
            return known.state
        state: RawState | None = self._connection.try_command("MGET", *state_keys(site))
        if state is not None:
            self._rates[site].note(state[0], now)
            self._known[site] = _KnownState(state, signal, now + KNOWN_STATE_SECONDS)
        return state

    def known_raw_state(self, site: str) -> RawState | None:
        """What `raw_state` read last; None when it is not current. Asks no store."""
        known = self._known.get(site)
        if known is None or not known.is_current(self._signal(), time.monotonic()):
            return None
        return known.state

    def known_state(self, site: str) -> SiteState | None:
        """The state that `known_raw_state` means."""
        known = self.known_raw_state(site)
        if known is None:
            return None
        version, at = known
        if version is None or at is None:
            return None
        try:
            return SiteState.read(version, at)
        except CorruptRecord:
            return None

    def _signal(self) -> bytes | None:
        signal = self._connection.signal
        return signal.current() if signal is not None else None

    def accepted_at(self, site: str, version: int) -> str:
        """When the change to this version was accepted; empty when the log is shorter."""
        with self._connection.using("read") as client:
            entries = client.xrange(site_key(site, "log"), f"{version}-0", f"{version}-0")
        return entries[0][1].get(b"at", b"").decode(errors="replace") if entries else ""

    def changes(
        self, site: str, after: int, at: str | None = None, limit: int | None = None
    ) -> list[ArchiveChange] | None:
        """
        The changes later than version *after*, oldest first, at most *limit* of them.

        Args:
            at: when version *after* was accepted; None for any time.

        Returns:
            None when the log does not continue from there, or is damaged; then read the whole
            archive.
        """
        count = None if limit is None else limit + 1
        with self._connection.using("read") as client:
            entries = client.xrange(site_key(site, "log"), min=f"{after}-0", count=count)
        try:
            changes = [_parse(entry_id, fields) for entry_id, fields in entries]
        except CorruptRecord:
            return None
        if after == 0:  # no entry has this version
            return changes if not changes or changes[0].version == 1 else None
        if not changes or changes[0].version != after or at not in (None, changes[0].at):
            return None
        return changes[1:]


def _parse(entry_id: bytes, fields: Mapping[bytes, bytes]) -> ArchiveChange:
    try:
        version = int(entry_id.partition(b"-")[0])
        at = fields.get(b"at", b"").decode()
        return ArchiveChange(version, fields[b"id"].decode(), fields[b"op"].decode(), at)
    except (KeyError, UnicodeDecodeError) as error:
        raise CorruptRecord(f"change log: entry {entry_id!r}") from error
