"""
A whole install as the lines of `backup_lines.py`, and back.

Finished lists, sessions and the addresses of articles are left out: the first two are made again,
and the addresses are in the records of the articles.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from recommender.articles import Card
from recommender.errors import Conflict, CorruptRecord, StoreUnavailable
from recommender.storage.access import KEYS_KEY
from recommender.storage.article_records import (
    FULL,
    MAX_APART,
    article_key,
    parse_card,
    site_key,
    split_address_keys,
)
from recommender.storage.backup_lines import FORMAT, KINDS, BackupLine, parse_line, read_header
from recommender.storage.connections import Connection
from recommender.storage.erasing import purged_after
from recommender.storage.events import KEPT_DAYS
from recommender.storage.packing import unpack_record
from recommender.storage.scan import scan_hash

BATCH = 500  # articles read or written at once
PAGE = 1_000  # entries of a stream read at once
MAX_ROUNDS = 100  # in which articles may change while a backup is being made

# Read together with the version, so they are of one state with the articles.
_OF_ONE_STATE = ("rules", "settings", "format")
_STRINGS = ("evaluation", "survey")


class Summary(NamedTuple):
    """
    What a backup has of one site.

    Fields:
        left_out: the ids of articles that were purged from the store after the backup was made.
    """

    site: str
    version: int
    articles: int
    left_out: tuple[str, ...] = ()


def dump(
    connection: Connection, sites: Sequence[str], report: Callable[[int], None]
) -> Iterator[bytes]:
    """
    Yield the lines of a backup, each with its newline. Writers need not stop.

    Each site is of one archive version: what changes meanwhile is read again.

    Args:
        report: called with the number of articles read since the last call.
    """
    digest = sha256()
    count = 0
    header = {"alsosee_backup": FORMAT, "created_at": datetime.now(UTC).isoformat(), "sites": sites}
    for line in _lines(connection, header, sites, report):
        encoded = orjson.dumps(line) + b"\n"
        digest.update(encoded)
        count += 1
        yield encoded
    yield orjson.dumps({"lines": count, "sha256": digest.hexdigest()}) + b"\n"


def _lines(
    connection: Connection, header: BackupLine, sites: Sequence[str], report: Callable[[int], None]
) -> Iterator[BackupLine]:
    yield header
    yield from _hash(connection, KEYS_KEY)
    for site in sites:
        yield from _Dump(connection, site, report).lines()


class _Dump:
    """The backup of one site."""

    def __init__(self, connection: Connection, site: str, report: Callable[[int], None]) -> None:
        self._connection = connection
        self._site = site
        self._report = report

    def lines(self) -> Iterator[BackupLine]:
        version = self._version()
        # Writers go on meanwhile; what they change is read once more at the end.
        for heads in scan_hash(self._connection, self._key("heads"), BATCH):
            yield from self._articles(heads)
            self._report(len(heads))
        yield from self._extras()
        yield from self._until_unchanged(version)

    def _until_unchanged(self, version: int) -> Iterator[BackupLine]:
        """Read again what changed since *version*, until nothing did; then the state itself."""
        for _ in range(MAX_ROUNDS):
            changed = self._changed_since(version)
            now, lines = self._state_and_articles(changed)
            yield from lines
            if now == version:
                yield from self._streams()
                return
            version = now
        raise StoreUnavailable("the archive changes faster than it can be read")

    def _articles(self, heads: dict[bytes, bytes]) -> Iterator[BackupLine]:
        yield {"key": self._key("heads"), "hash": _encoded(heads)}
        # Deleted articles have no records.
        live = [key.decode() for key, head in heads.items() if head.startswith(b"live")]
        names = _record_names(self._site, live)
        with self._connection.using("batch") as client:
            records = client.mget(names) if names else []
        yield from _strings(names, records)

    def _state_and_articles(self, article_ids: Sequence[str]) -> tuple[int, list[BackupLine]]:
        """The version, and everything that must be of that version, read in one transaction."""
        keys = [article_key(self._site, article_id) for article_id in article_ids]
        names = _record_names(self._site, keys)
        with self._connection.using("batch") as client:
            pipeline = client.pipeline(transaction=True)
            pipeline.mget([self._key("version"), self._key("at"), self._key("settings"), *names])
            pipeline.hgetall(self._key("rules"))
            for key in keys:
                pipeline.hget(self._key("heads"), key)
            [version, at, settings, *records], rules, *heads = pipeline.execute()
        lines = list(_strings(names, records))
        changed = {key.encode(): head for key, head in zip(keys, heads, strict=True) if head}
        lines.append({"key": self._key("heads"), "hash": _encoded(changed)})
        lines.append({"key": self._key("rules"), "hash": _encoded(rules), "is_whole": True})
        lines += _strings(
            [self._key("settings"), self._key("version"), self._key("at")], [settings, version, at]
        )
        return int(version or 0), lines

    def _changed_since(self, version: int) -> list[str]:
        with self._connection.using("batch") as client:
            entries = client.xrange(self._key("log"), f"({version}-0", "+")
        # The rules are read as a whole with every state.
        ids = (fields[b"id"].decode() for _, fields in entries if fields[b"op"] != b"rules")
        return list(dict.fromkeys(ids))

    def _streams(self) -> Iterator[BackupLine]:
        for name in ("log", "audit"):
            yield from self._stream(self._key(name))

    def _stream(self, key: str) -> Iterator[BackupLine]:
        # In pages: a long log need not fit into memory.
        after = "-"
        while True:
            with self._connection.using("batch") as client:
                entries = client.xrange(key, after, "+", count=PAGE)
            if not entries:
                return
            yield {"key": key, "stream": [_entry(*entry) for entry in entries]}
            after = f"({entries[-1][0].decode()}"

    def _extras(self) -> Iterator[BackupLine]:
        names = [self._key(name) for name in _STRINGS]
        with self._connection.using("batch") as client:
            records = client.mget(names)
            reports = client.lrange(self._key("imports"), 0, -1)
        yield from _strings(names, records)
        for name in ("format", "purged"):
            yield from _hash(self._connection, self._key(name))
        yield {"key": self._key("imports"), "list": [_text(report) for report in reports]}
        today = datetime.now(UTC).date()
        for age in range(KEPT_DAYS + 1):
            yield from self._events(self._key("events", str(today - timedelta(days=age))))

    def _events(self, key: str) -> Iterator[BackupLine]:
        with self._connection.using("batch") as client:
            pipeline = client.pipeline(transaction=True)
            pipeline.pttl(key)
            pipeline.hgetall(key)
            pipeline.pttl(f"{key}:sums")
            pipeline.get(f"{key}:sums")
            counts_left, counts, sums_left, sums = pipeline.execute()
        if counts:
            yield {"key": key, "hash": _encoded(counts), "expires_in": counts_left}
        if sums:
            yield {"key": f"{key}:sums", "string": _text(sums), "expires_in": sums_left}

    def _version(self) -> int:
        with self._connection.using("batch") as client:
            return int(client.get(self._key("version")) or 0)

    def _key(self, *parts: str) -> str:
        return site_key(self._site, *parts)


def restore(
    connection: Connection,
    lines: Iterable[bytes],
    replace: bool,
    report: Callable[[int], None],
) -> list[Summary]:
    """
    Write a backup, which `check` has accepted, into the store.

    Readers see a site when all of it is there: its version is written last.

    Args:
        replace: delete what the store has of the sites; otherwise there must be nothing.
        report: called with the number of articles written since the last call.

    Raises:
        Conflict: when there is something and *replace* is not set.
    """
    iterator = iter(lines)
    header = read_header(next(iterator))
    sites = list(header["sites"])
    purged = {site: purged_after(connection, site, header["created_at"]) for site in sites}
    for site in sites:
        _make_room(connection, site, replace)
    writer = _Restore(connection, sites, report, purged)
    for encoded in iterator:
        writer.add(parse_line(encoded))
    return writer.finish()


def _make_room(connection: Connection, site: str, replace: bool) -> None:
    heads = site_key(site, "heads")
    with connection.using("batch") as client:
        is_there = client.exists(heads, site_key(site, "version"))
    if is_there and not replace:
        raise Conflict(f"the store has a site {site!r}; with --replace it is deleted first")
    # The version goes first, as it comes last in a restore: readers must not see half a site.
    with connection.using("batch") as client:
        client.unlink(site_key(site, "version"), site_key(site, "at"))
    for keys in scan_hash(connection, heads, BATCH):
        names = _record_names(site, map(bytes.decode, keys))
        with connection.using("batch") as client:
            client.unlink(*names)
    others = ("heads", "urls", "log", "audit", "imports", *_OF_ONE_STATE, *_STRINGS)
    with connection.using("batch") as client:
        client.unlink(*(site_key(site, name) for name in others))


class _Restore:
    """Writes the lines of a backup in batches."""

    def __init__(
        self,
        connection: Connection,
        sites: Sequence[str],
        report: Callable[[int], None],
        purged: Mapping[str, Iterable[str]],
    ) -> None:
        self._connection = connection
        self._report = report
        self._sites = sites
        self._filters = {site: _PurgedArticles(site, keys) for site, keys in purged.items()}
        # Written at the end, because they make a site visible.
        self._last = {site_key(site, name) for site in sites for name in ("version", "at")}
        self._states: dict[str, bytes] = {}
        self._lines: list[BackupLine] = []

    def add(self, line: BackupLine) -> None:
        if line.get("key") in self._last and "string" in line:
            if line["string"] is not None:
                self._states[line["key"]] = b64decode(line["string"])
        elif "key" in line and all(one.lets_pass(line) for one in self._filters.values()):
            self._lines.append(line)
        if len(self._lines) >= BATCH:
            self._write()

    def finish(self) -> list[Summary]:
        self._write()
        return [self._finished(site) for site in self._sites]

    def _write(self) -> None:
        with self._connection.using("batch") as client:
            pipeline = client.pipeline(transaction=True)
            for line in self._lines:
                _write_line(pipeline, line)
            pipeline.execute()
        self._report(sum(":text:" in line["key"] for line in self._lines))
        self._lines = []

    def _finished(self, site: str) -> Summary:
        """Index the addresses, cut the streams at the version, and let readers see the site."""
        version = int(self._states.get(site_key(site, "version"), b"0"))
        articles = index_addresses(self._connection, site)
        # The second number is the highest that an entry can have, so all of this version stay.
        after = f"({version}-18446744073709551615"
        for name in ("log", "audit"):
            self._cut(site_key(site, name), after)
        states = {key: self._states[key] for key in self._states if key.startswith(_prefix(site))}
        if states:
            with self._connection.using("batch") as client:
                client.mset(states)
        return Summary(site, version, articles, tuple(self._filters[site].article_ids))

    def _cut(self, stream: str, after: str) -> None:
        with self._connection.using("batch") as client:
            entries = client.xrange(stream, after, "+")
            if entries:
                client.xdel(stream, *(entry_id for entry_id, _ in entries))


def index_addresses(connection: Connection, site: str) -> int:
    """
    Write the hash of addresses: of several articles at one, the newest comes last.

    Returns:
        how many articles the site has.
    """
    addresses: dict[str, list[tuple[str, str]]] = {}
    apart: dict[str, set[str]] = {}
    count = 0
    for heads in scan_hash(connection, site_key(site, "heads"), BATCH):
        live = {key: head for key, head in heads.items() if head.startswith(b"live")}
        count += len(live)
        with connection.using("batch") as client:
            names = [site_key(site, "card", key.decode()) for key in live]
            records = client.mget(names) if names else []
        for head, record in zip(live.values(), records, strict=True):
            exact, plain = split_address_keys(head.decode().rpartition("|")[2])
            if plain:
                apart.setdefault(plain, set()).add(exact)
            card = _readable_card(record)
            if exact and card is not None:
                addresses.setdefault(exact, []).append((card["published_at"] or "", card["id"]))
    fields = {key: "\n".join(i for _, i in sorted(ids)[-8:]) for key, ids in addresses.items()}
    for plain, keys in apart.items():
        full = [FULL] if len(keys) > MAX_APART else []
        fields[plain] = "\n".join([*full, *sorted(keys)[:MAX_APART]])
    with connection.using("batch") as client:
        if fields:
            client.hset(site_key(site, "urls"), mapping=fields)
    return count


def _readable_card(record: bytes | None) -> Card | None:
    """None for a damaged card too: it is made again from the text, with `alsosee reindex`."""
    try:
        return None if record is None else parse_card(unpack_record(record))
    except CorruptRecord:
        return None


class _PurgedArticles:
    """
    Leaves out articles of a backup that were purged after it was made.

    Attributes:
        article_ids: of those that the backup has.
    """

    def __init__(self, site: str, keys: Iterable[str]) -> None:
        self.article_ids: list[str] = []
        self._heads = site_key(site, "heads")
        self._fields = {_text(key.encode()) for key in keys}
        self._records = set(_record_names(site, keys))
        self._card_prefix = site_key(site, "card", "")

    def lets_pass(self, line: BackupLine) -> bool:
        """Whether to restore a line; in a line of heads, purged articles become deleted ones."""
        key = line["key"]
        if key in self._records:
            if key.startswith(self._card_prefix) and line.get("string"):
                self._note(line["string"])
            return False
        if key == self._heads and "hash" in line:
            for field in self._fields & line["hash"].keys():
                # A tombstone without revision, digest and time.
                line["hash"][field] = _text(b"deleted|||")
        return True

    def _note(self, card: str) -> None:
        readable = _readable_card(b64decode(card))
        if readable is not None and readable["id"] not in self.article_ids:
            self.article_ids.append(readable["id"])


def _write_line(pipeline: Any, line: BackupLine) -> None:
    key = line["key"]
    if "string" in line:
        _write_string(pipeline, key, line["string"])
    elif "hash" in line:
        # What an earlier line had and this one lacks was deleted meanwhile.
        if line.get("is_whole"):
            pipeline.unlink(key)
        fields = {b64decode(field): b64decode(value) for field, value in line["hash"].items()}
        if fields:
            pipeline.hset(key, mapping=fields)
    elif "stream" in line:
        for entry_id, values in line["stream"]:
            decoded = [b64decode(value) for value in values]
            pipeline.xadd(key, dict(zip(decoded[::2], decoded[1::2], strict=True)), id=entry_id)
    elif line["list"]:
        pipeline.rpush(key, *(b64decode(value) for value in line["list"]))
    if line.get("expires_in", -1) > 0:
        pipeline.pexpire(key, line["expires_in"])


def _write_string(pipeline: Any, key: str, value: str | None) -> None:
    if value is None:
        pipeline.unlink(key)
    else:
        pipeline.set(key, b64decode(value))


def _hash(connection: Connection, key: str) -> Iterator[BackupLine]:
    with connection.using("batch") as client:
        fields = client.hgetall(key)
    yield {"key": key, "hash": _encoded(fields)}


def _strings(names: Sequence[str], records: Sequence[bytes | None]) -> Iterator[BackupLine]:
    for name, record in zip(names, records, strict=True):
        yield {"key": name, "string": None if record is None else _text(record)}


def _entry(entry_id: bytes, fields: dict[bytes, bytes]) -> tuple[str, list[str]]:
    values = [_text(part) for field in fields.items() for part in field]
    return entry_id.decode(), values


def _encoded(fields: dict[bytes, bytes]) -> dict[str, str]:
    return {_text(field): _text(value) for field, value in fields.items()}


def _text(value: bytes) -> str:
    return b64encode(value).decode()


def _record_names(site: str, keys: Iterable[str]) -> list[str]:
    """Where the store has the records of articles, all kinds of one article together."""
    return [site_key(site, kind, key) for key in keys for kind in KINDS]


def _prefix(site: str) -> str:
    return site_key(site, "")
