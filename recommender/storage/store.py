"""
Articles in Redis, their change log and the version of a site: every key, every byte of a record.

    see:{site}:version        number of the last accepted change
    see:{site}:at             when that was: tells a version from that of the same number, after the
                              store was emptied or put back to an older copy
    see:{site}:log            stream of the changes, entry id `version-0`, fields id, op
                              (`put`, `delete`; `rules`, without an id) and at
    see:{site}:heads          hash, key → state|revision|digest|url key, also of deleted articles
    see:{site}:urls           hash, url key → ids of the articles at that address, a line each
    see:{site}:card:<key>     what a list shows of an article, JSON
    see:{site}:text:<key>     the whole article, JSON
    see:{site}:vector:<key>   its features as numbers, packed

`<key>` is a digest of site and id, so an id is never part of a key; braces are Redis
Cluster's hash tag. Records carry a format number and a checksum (`packing.py`). What editors
decided, and its keys, is in `rulebook.py`.
"""

import time
from base64 import b32encode
from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import blake2b, sha1
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Self

import orjson

from features.analysis import AnalysedArticle
from features.article import Article
from features.vectorizer import ArticleFeatures
from recommender.articles import Card, Facets, StoredArticle, card_of
from recommender.errors import CorruptRecord, StoreUnavailable
from recommender.sources.urls import is_on, normalize_url
from recommender.storage.connections import Connection
from recommender.storage.keyspace import LOG_LENGTH, site_key
from recommender.storage.packing import (
    OutdatedVector,
    pack_record,
    pack_vector,
    unpack_record,
    unpack_vector,
)
from recommender.storage.rulebook import Rulebook

# Of articles read at once: while the store puts together an answer it gives no other.
BATCH = 500
FEW = 50

BELIEVED_SECONDS = 0.2

Outcome = Literal["added", "changed", "unchanged", "stale", "deleted", "missing"]

_ACCEPT, _HEAD, _PUT, _DELETE, _REINDEX = (
    Path(__file__).with_name(f"{name}.lua").read_text()
    for name in ("accept", "head", "put", "delete", "reindex")
)


class WriteResult(NamedTuple):
    """
    What became of one write, and the site's version after it.

    Outcomes: `added`, `changed`, `unchanged` (the same content is stored), `stale` (a newer
    version is stored), `deleted` (by a delete just now; for a put: it was deleted, and this
    is not newer), `missing` (nothing there to delete).
    """

    outcome: Outcome
    version: int


class Change(NamedTuple):
    """
    One entry of a site's change log.

    Fields:
        article_id: empty where no article changed.
        rules: whether the editors' rules changed.
        at: when it was accepted, in seconds since 1970.
    """

    version: int
    article_id: str
    deleted: bool
    rules: bool = False
    at: str = ""


class SiteState(NamedTuple):
    """
    Where a site's archive stands; two equal states hold the same articles, rules and settings.

    Fields:
        version: number of the last accepted change.
        at: when it was accepted, in seconds since 1970; empty before the first.
    """

    version: int
    at: str

    @classmethod
    def read(cls, version: bytes | None, at: bytes | None) -> Self:
        """What stands under `state_keys`."""
        return cls(int(version or 0), (at or b"").decode())


RawState = list[bytes | None]
"""A `SiteState` as the store spells it, to compare with another."""


class _Seen(NamedTuple):
    """
    A state, what the bell sounded like before it was read, and until when it may be believed.
    """

    state: RawState
    sound: bytes | None
    until: float

    def holds(self, sound: bytes | None, now: float) -> bool:
        return self.sound == sound is not None and now < self.until


class Server(NamedTuple):
    """
    What kind of server this is, and how it treats what it is given.

    Fields:
        options: its `CONFIG` values, for those of `SERVER_OPTIONS` that it tells.
    """

    name: str
    version: str
    options: dict[str, str]


SERVER_OPTIONS = ("appendonly", "appendfsync", "save", "maxmemory", "maxmemory-policy")


class Store:
    """
    The articles of all sites. Every method may raise `StoreUnavailable`.

    Attributes:
        rulebook: what editors decided about them.

    Args:
        hosts: of each site that has declared any; a card links nowhere else.
    """

    def __init__(
        self, connection: Connection, hosts: Mapping[str, Collection[str]] = MappingProxyType({})
    ) -> None:
        self._connection = connection
        self.rulebook = Rulebook(connection)
        self._hosts = hosts
        self._seen: dict[str, _Seen] = {}
        self.corrupt_records = 0
        self.outdated_vectors = 0

    def put(self, site: str, articles: Sequence[AnalysedArticle]) -> list[WriteResult]:
        """
        Write articles, each atomically and idempotently, in two round trips for any number.

        A write is older when its `Article.revision` is below the stored one; without a
        revision the last writer wins. A deleted article comes back only by a newer revision,
        or by other content without a revision.

        Returns:
            one result per article, in order.
        """
        with self._connection.using("batch" if len(articles) > 1 else "write") as client:
            script = client.register_script(_ACCEPT + _HEAD + _PUT)
            # As one transaction the batch reaches the disk in one flush; a plain pipeline is
            # flushed for every 16 kB that the server reads, which takes twice as long.
            pipeline = client.pipeline(transaction=True)
            for article, features in articles:
                script(*_put_call(site, article, features), client=pipeline)
            replies = pipeline.execute()
        return [WriteResult(outcome.decode(), version) for outcome, version in replies]

    def delete(self, site: str, article_id: str, revision: int | None = None) -> WriteResult:
        """Delete an article everywhere; it is in no list from the next request on."""
        key = article_key(site, article_id)
        args = [key, article_id, "" if revision is None else revision, LOG_LENGTH]
        with self._connection.using("write") as client:
            outcome, version = client.register_script(_ACCEPT + _HEAD + _DELETE)(
                _site_keys(site, key), args
            )
        return WriteResult(outcome.decode(), version)

    def article(self, site: str, article_id: str) -> dict[str, Any] | None:
        """Every field of the article as JSON types, or None."""
        with self._connection.using("read") as client:
            record = client.get(site_key(site, "text", article_key(site, article_id)))
        payload = self._checked(record)
        return orjson.loads(payload) if payload else None

    def cards(self, site: str, article_ids: Sequence[str]) -> dict[str, Card]:
        """The cards of these articles, in one round trip; deleted and unknown ones are left out."""
        return self.cards_at(site, article_ids)[1]

    def cards_at(self, site: str, article_ids: Sequence[str]) -> tuple[SiteState, dict[str, Card]]:
        """The site's state, and the `cards` as they are in it."""
        keys = [site_key(site, "card", article_key(site, i)) for i in article_ids]
        version, at, *records = self._connection.read("MGET", *state_keys(site), *keys)
        payloads = zip(article_ids, map(self._checked, records), strict=True)
        found = {
            article_id: self._linked(site, orjson.loads(payload))
            for article_id, payload in payloads
            if payload
        }
        return self._state(site, version, at), found

    def stored(self, site: str, article_ids: Sequence[str]) -> dict[str, StoredArticle]:
        """Facets and features of these articles, in batches; without unknown ones."""
        found: dict[str, StoredArticle] = {}
        for start in range(0, len(article_ids), BATCH):
            keys = [article_key(site, i) for i in article_ids[start : start + BATCH]]
            found |= self._stored_under(site, keys)
        return found

    def all_stored(self, site: str) -> Iterator[dict[str, StoredArticle]]:
        """Facets and features of all articles, in batches; may miss what changes meanwhile."""
        for keys in self._live_keys(site):
            yield self._stored_under(site, keys)

    def all_articles(self, site: str) -> Iterator[dict[str, Any]]:
        """Every article as `article` gives it; what changes meanwhile may be missed or repeated."""
        for keys in self._live_keys(site):
            with self._connection.using("batch") as client:
                records = client.mget([site_key(site, "text", key) for key in keys])
            yield from (orjson.loads(text) for text in map(self._checked, records) if text)

    def all_cards(self, site: str) -> Iterator[dict[str, Card]]:
        """The cards of all articles, in batches; may miss what changes meanwhile."""
        for keys in self._live_keys(site):
            with self._connection.using("batch") as client:
                records = client.mget([site_key(site, "card", key) for key in keys]) if keys else []
            cards = [orjson.loads(card) for card in map(self._checked, records) if card]
            yield {card["id"]: self._linked(site, card) for card in cards}

    def texts(self, site: str, due_only: bool) -> Iterator[tuple[int, list[bytes]]]:
        """
        The texts of articles whose vectors are outdated, damaged or missing, or else of all, in
        batches, each with the number of articles that were looked at for it.
        """
        for keys in self._live_keys(site):
            due = self._without_vector(site, keys) if due_only else keys
            with self._connection.using("batch") as client:
                records = client.mget([site_key(site, "text", key) for key in due]) if due else []
            yield len(keys), [text for text in map(self._checked, records) if text]

    def put_features(self, site: str, made: Sequence[tuple[bytes, ArticleFeatures]]) -> int:
        """
        Write the features that were made of `texts`, and return how many were new.

        Each is one more change of the site, so that every worker reads it again; the article
        and its revision stay as they are. What was written meanwhile is left alone.
        """
        with self._connection.using("batch") as client:
            script = client.register_script(_ACCEPT + _HEAD + _REINDEX)
            pipeline = client.pipeline(transaction=True)
            for text, features in made:
                script(*_reindex_call(site, text, features), client=pipeline)
            return sum(pipeline.execute())

    def count(self, site: str) -> int:
        """How many articles the site has or once had."""
        with self._connection.using("read") as client:
            return int(client.hlen(site_key(site, "heads")))

    def id_of_url(self, site: str, url: str) -> str | None:
        """
        The id of the article that came last to this page address, or None.

        Raises:
            InvalidInput: for anything but an absolute http or https URL.
        """
        url_key = _url_key(url)
        with self._connection.using("read") as client:
            ids = client.hget(site_key(site, "urls"), url_key)
        return None if ids is None else ids.decode().rpartition("\n")[2]

    def server(self) -> Server:
        """Ask the server about itself. One that keeps its options secret has none in the answer."""
        with self._connection.using("write") as client:
            pipeline = client.pipeline(transaction=False)
            pipeline.info("server")
            for option in SERVER_OPTIONS:
                pipeline.config_get(option)
            info, *answers = pipeline.execute(raise_on_error=False)
        if isinstance(info, Exception):
            raise StoreUnavailable("the store refuses", str(info)) from info
        told = [answer for answer in answers if isinstance(answer, dict)]
        options = {name: value for answer in told for name, value in answer.items()}
        name = info.get("server_name", "redis").capitalize()
        return Server(name, info.get("valkey_version") or info["redis_version"], options)

    def state(self, site: str) -> SiteState:
        version, at = self._connection.read("MGET", *state_keys(site))
        return self._state(site, version, at)

    def raw_state(self, site: str) -> RawState | None:
        """
        The `state` of a site in the least time, or None when that fails.

        What was read is believed for a moment if the bell has not been rung since: then nobody on
        this machine has written, and what others wrote is seen after `BELIEVED_SECONDS`.
        """
        bell = self._connection.bell
        sound, now = bell.sound() if bell else None, time.monotonic()
        seen = self._seen.get(site)
        if seen is not None and seen.holds(sound, now):
            return seen.state
        state: RawState | None = self._connection.ask("MGET", *state_keys(site))
        if state is not None:
            self._seen[site] = _Seen(state, sound, now + BELIEVED_SECONDS)
        return state

    def believed(self, site: str) -> SiteState | None:
        """The `state` as `raw_state` last read it, if that may still be believed; asks nobody."""
        bell, seen = self._connection.bell, self._seen.get(site)
        if bell is None or seen is None or not seen.holds(bell.sound(), time.monotonic()):
            return None
        version, at = seen.state
        return None if at is None else SiteState.read(version, at)

    def version(self, site: str) -> int:
        with self._connection.using("read") as client:
            return int(client.get(site_key(site, "version")) or 0)

    def moment_of(self, site: str, version: int) -> str:
        """
        When the change was accepted that made this version; empty when the log has forgotten.
        """
        with self._connection.using("read") as client:
            found = client.xrange(site_key(site, "log"), f"{version}-0", f"{version}-0")
        return found[0][1].get(b"at", b"").decode() if found else ""

    def changes(
        self, site: str, after: int, at: str | None = None, limit: int | None = None
    ) -> list[Change] | None:
        """
        The changes later than version *after*, oldest first, at most *limit* of them.

        Args:
            at: when version *after* was accepted; None for whenever it was.

        Returns:
            None when the log does not go on from there: then read everything anew.
        """
        count = None if limit is None else limit + 1
        with self._connection.using("read") as client:
            entries = client.xrange(site_key(site, "log"), min=f"{after}-0", count=count)
        found = [_change(entry, fields) for entry, fields in entries]
        if after == 0:  # which no change made
            return found if not found or found[0].version == 1 else None
        if not found or found[0].version != after or at not in (None, found[0].at):
            return None
        return found[1:]

    def _state(self, site: str, version: bytes | None, at: bytes | None) -> SiteState:
        state = SiteState.read(version, at)
        if state.version and at is None:  # not written to since there is such a key
            return state._replace(at=self.moment_of(site, state.version))
        return state

    def _linked(self, site: str, card: Card) -> Card:
        """The card, without its address if that is on nobody's host."""
        hosts = self._hosts.get(site)
        return {**card, "url": None} if hosts and not _is_on(card["url"], hosts) else card

    def _live_keys(self, site: str) -> Iterator[list[str]]:
        cursor = 0
        while True:
            with self._connection.using("batch") as client:
                cursor, heads = client.hscan(site_key(site, "heads"), cursor, count=BATCH)
            yield [key.decode() for key, head in heads.items() if head.startswith(b"live")]
            if cursor == 0:
                return

    def _stored_under(self, site: str, keys: Sequence[str]) -> dict[str, StoredArticle]:
        # A reader waits for the few that have just changed, and not for five seconds.
        with self._connection.using("read" if len(keys) <= FEW else "batch") as client:
            records = client.mget(
                [site_key(site, kind, k) for kind in ("card", "vector") for k in keys]
            )
        half = len(records) // 2
        found = {}
        for card_record, vector in zip(records[:half], records[half:], strict=True):
            card = self._checked(card_record)
            features = self._features(vector)
            if card and features:
                fields = orjson.loads(card)
                found[fields["id"]] = StoredArticle(Facets.of(fields), features)
        return found

    def _without_vector(self, site: str, keys: Sequence[str]) -> list[str]:
        """Those of *keys* whose vector cannot be used; they count as neither kind of bad record."""
        with self._connection.using("batch") as client:
            vectors = client.mget([site_key(site, "vector", key) for key in keys]) if keys else []
        return [key for key, vector in zip(keys, vectors, strict=True) if not _is_usable(vector)]

    def _checked(self, record: bytes | None) -> bytes | None:
        try:
            return None if record is None else unpack_record(record)
        except CorruptRecord:
            self.corrupt_records += 1
            return None

    def _features(self, record: bytes | None) -> ArticleFeatures | None:
        try:
            return None if record is None else unpack_vector(record)
        except OutdatedVector:
            self.outdated_vectors += 1
        except CorruptRecord:
            self.corrupt_records += 1
        return None


def article_key(site: str, article_id: str) -> str:
    """128 bits of BLAKE2 in base32: two articles never share a key, whatever their ids hold."""
    digest = blake2b(f"{site}\0{article_id}".encode(), digest_size=16).digest()
    return b32encode(digest).decode().rstrip("=").lower()


def _site_keys(site: str, key: str) -> list[str]:
    shared = [site_key(site, name) for name in ("version", "log", "at", "heads", "urls")]
    return [*shared, *(site_key(site, kind, key) for kind in ("card", "text", "vector"))]


def state_keys(site: str) -> tuple[str, str]:
    return site_key(site, "version"), site_key(site, "at")


def _change(entry: bytes, fields: dict[bytes, bytes]) -> Change:
    version, op = int(entry.partition(b"-")[0]), fields[b"op"]
    at = fields.get(b"at", b"").decode()
    return Change(version, fields[b"id"].decode(), op == b"delete", op == b"rules", at)


def _is_on(url: str | None, hosts: Collection[str]) -> bool:
    return url is not None and is_on(url, hosts)


def _url_key(url: str) -> str:
    return blake2b(normalize_url(url).encode(), digest_size=16).hexdigest()


def _is_usable(vector: bytes | None) -> bool:
    try:
        return vector is not None and bool(unpack_vector(vector))
    except CorruptRecord:
        return False


def _put_call(
    site: str, article: Article, features: ArticleFeatures
) -> tuple[list[str], list[str | int | bytes]]:
    text = article.model_dump_json().encode()
    key = article_key(site, article.id)
    args = [
        key,
        article.id,
        "" if article.revision is None else article.revision,
        blake2b(text, digest_size=16).hexdigest(),
        _url_key(article.url) if article.url else "",
        pack_record(orjson.dumps(card_of(article))),
        pack_record(text),
        pack_vector(features),
        LOG_LENGTH,
    ]
    return _site_keys(site, key), args


def _reindex_call(
    site: str, text: bytes, features: ArticleFeatures
) -> tuple[list[str], list[str | int | bytes]]:
    article_id = orjson.loads(text)["id"]
    key = article_key(site, article_id)
    record_digest = sha1(pack_record(text), usedforsecurity=False).hexdigest()
    args = [key, article_id, "", record_digest, pack_vector(features), LOG_LENGTH]
    return _site_keys(site, key), args
