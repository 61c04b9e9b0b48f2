"""
Articles in Redis: every key of a site, every byte of a record.

    see:{site}:version        number of the last accepted change
    see:{site}:born           when the first one was accepted: tells an emptied store from its past
    see:{site}:log            stream of the changes, entry id `version-0`, fields id and op
    see:{site}:heads          hash, key → state|revision|digest|url key, also of deleted articles
    see:{site}:urls           hash, url key → ids of the articles at that address, a line each
    see:{site}:card:<key>     what a list shows of an article, JSON
    see:{site}:text:<key>     the whole article, JSON
    see:{site}:vector:<key>   its term counts, packed

`<key>` is a digest of site and id, so an id is never part of a key; braces are Redis
Cluster's hash tag. Records carry a format number and a checksum (`packing.py`).
"""

from base64 import b32encode
from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import orjson

from features.article import Article
from features.vectorizer import FEATURES_VERSION, TermCounts
from recommender.catalogue import Facets
from recommender.connections import Connection
from recommender.errors import CorruptRecord, StoreUnavailable
from recommender.packing import pack_record, pack_vector, unpack_record, unpack_vector
from recommender.urls import is_on, normalize_url

LOG_LENGTH = 100_000
# Of articles read at once: while the store puts together an answer it gives no other.
BATCH = 500
FEW = 50

Outcome = Literal["added", "changed", "unchanged", "stale", "deleted", "missing"]

_HEAD, _PUT, _DELETE = (
    Path(__file__).with_name(f"{name}.lua").read_text() for name in ("head", "put", "delete")
)


class Written(NamedTuple):
    """
    What became of one write, and the site's version after it.

    Outcomes: `added`, `changed`, `unchanged` (the same content is stored), `stale` (a newer
    version is stored), `deleted` (by a delete just now; for a put: it was deleted, and this
    is not newer), `missing` (nothing there to delete).
    """

    outcome: Outcome
    version: int


class Change(NamedTuple):
    """One entry of a site's change log."""

    version: int
    article_id: str
    deleted: bool


class SiteState(NamedTuple):
    """
    Where a site's archive stands; two equal states hold the same articles.

    Fields:
        version: number of the last accepted change.
        born: when the first one was accepted; empty before that.
    """

    version: int
    born: bytes


class StoredArticle(NamedTuple):
    """What a worker keeps in memory of an article: what filters ask about, and what it says."""

    facets: Facets
    counts: TermCounts


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

Card = dict[str, Any]
"""What a list shows of an article: every field of `Article` but body and version, as JSON types."""


def card_of(article: Article) -> Card:
    return article.model_dump(mode="json", exclude={"body", "version"})


class Store:
    """
    The articles of all sites. Every method may raise `StoreUnavailable`.

    Args:
        hosts: of each site that has declared any; a card links nowhere else.
    """

    def __init__(
        self, connection: Connection, hosts: Mapping[str, Collection[str]] = MappingProxyType({})
    ) -> None:
        self._connection = connection
        self._hosts = hosts
        self.corrupt_records = 0

    def put(self, site: str, articles: Sequence[tuple[Article, TermCounts]]) -> list[Written]:
        """
        Write articles, each atomically and idempotently, in two round trips for any number.

        A write is older when its `Article.revision` is below the stored one; without a
        revision the last writer wins. A deleted article comes back only by a newer revision,
        or by other content without a revision.

        Returns:
            one result per article, in order.
        """
        with self._connection.using("batch" if len(articles) > 1 else "write") as client:
            script = client.register_script(_HEAD + _PUT)
            # As one transaction the batch reaches the disk in one flush; a plain pipeline is
            # flushed for every 16 kB that the server reads, which takes twice as long.
            pipeline = client.pipeline(transaction=True)
            for article, counts in articles:
                script(*_put_call(site, article, counts), client=pipeline)
            replies = pipeline.execute()
        return [Written(outcome.decode(), version) for outcome, version in replies]

    def delete(self, site: str, article_id: str, revision: int | None = None) -> Written:
        """Delete an article everywhere; it is in no list from the next request on."""
        key = article_key(site, article_id)
        args = [key, article_id, "" if revision is None else revision, LOG_LENGTH]
        with self._connection.using("write") as client:
            outcome, version = client.register_script(_HEAD + _DELETE)(_site_keys(site, key), args)
        return Written(outcome.decode(), version)

    def article(self, site: str, article_id: str) -> dict[str, Any] | None:
        """Every field of the article as JSON types, or None."""
        with self._connection.using("read") as client:
            record = client.get(_key(site, "text", article_key(site, article_id)))
        payload = self._checked(record)
        return orjson.loads(payload) if payload else None

    def cards(self, site: str, article_ids: Sequence[str]) -> dict[str, Card]:
        """The cards of these articles, in one round trip; deleted and unknown ones are left out."""
        return self.cards_at(site, article_ids)[1]

    def cards_at(self, site: str, article_ids: Sequence[str]) -> tuple[int, dict[str, Card]]:
        """The site's version, and the `cards` as they are at that version."""
        keys = [_key(site, "card", article_key(site, i)) for i in article_ids]
        with self._connection.using("read") as client:
            version, *records = client.mget([_key(site, "version"), *keys])
        payloads = zip(article_ids, map(self._checked, records), strict=True)
        found = {
            article_id: self._linked(site, orjson.loads(payload))
            for article_id, payload in payloads
            if payload
        }
        return int(version or 0), found

    def stored(self, site: str, article_ids: Sequence[str]) -> dict[str, StoredArticle]:
        """Facets and term counts of these articles, in batches; without unknown ones."""
        found: dict[str, StoredArticle] = {}
        for start in range(0, len(article_ids), BATCH):
            keys = [article_key(site, i) for i in article_ids[start : start + BATCH]]
            found |= self._stored_under(site, keys)
        return found

    def all_stored(self, site: str) -> Iterator[dict[str, StoredArticle]]:
        """Facets and term counts of all articles, in batches; may miss what changes meanwhile."""
        for keys in self._live_keys(site):
            yield self._stored_under(site, keys)

    def all_articles(self, site: str) -> Iterator[dict[str, Any]]:
        """Every article as `article` gives it; what changes meanwhile may be missed or repeated."""
        for keys in self._live_keys(site):
            with self._connection.using("batch") as client:
                records = client.mget([_key(site, "text", key) for key in keys])
            yield from (orjson.loads(text) for text in map(self._checked, records) if text)

    def id_of_url(self, site: str, url: str) -> str | None:
        """
        The id of the article that came last to this page address, or None.

        Raises:
            InvalidParameter: for anything but an absolute http or https URL.
        """
        url_key = _url_key(url)
        with self._connection.using("read") as client:
            ids = client.hget(_key(site, "urls"), url_key)
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
        with self._connection.using("read") as client:
            version, born = client.mget((_key(site, "version"), _key(site, "born")))
        return SiteState(int(version or 0), born or b"")

    def version(self, site: str) -> int:
        with self._connection.using("read") as client:
            return int(client.get(_key(site, "version")) or 0)

    def changes(self, site: str, after: int, limit: int | None = None) -> list[Change] | None:
        """
        The changes later than version *after*, oldest first, at most *limit* of them.

        Returns:
            None when the log does not reach back that far: then read everything anew.
        """
        with self._connection.using("read") as client:
            entries = client.xrange(_key(site, "log"), min=f"({after}-0", count=limit)
            version = int(client.get(_key(site, "version")) or 0)
        changes = [
            Change(
                int(entry.partition(b"-")[0]), fields[b"id"].decode(), fields[b"op"] == b"delete"
            )
            for entry, fields in entries
        ]
        reaches_back = changes[0].version == after + 1 if changes else version == after
        return changes if reaches_back else None

    def _linked(self, site: str, card: Card) -> Card:
        """The card, without its address if that is on nobody's host."""
        hosts = self._hosts.get(site)
        return {**card, "url": None} if hosts and not _is_on(card["url"], hosts) else card

    def _live_keys(self, site: str) -> Iterator[list[str]]:
        cursor = 0
        while True:
            with self._connection.using("batch") as client:
                cursor, heads = client.hscan(_key(site, "heads"), cursor, count=BATCH)
            yield [key.decode() for key, head in heads.items() if head.startswith(b"live")]
            if cursor == 0:
                return

    def _stored_under(self, site: str, keys: Sequence[str]) -> dict[str, StoredArticle]:
        # A reader waits for the few that have just changed, and not for five seconds.
        with self._connection.using("read" if len(keys) <= FEW else "batch") as client:
            records = client.mget(
                [_key(site, kind, k) for kind in ("card", "vector") for k in keys]
            )
        half = len(records) // 2
        found = {}
        for card_record, vector in zip(records[:half], records[half:], strict=True):
            card = self._checked(card_record)
            counts = self._counts(vector)
            if card and counts:
                fields = orjson.loads(card)
                found[fields["id"]] = StoredArticle(Facets.of(fields), counts)
        return found

    def _checked(self, record: bytes | None) -> bytes | None:
        try:
            return None if record is None else unpack_record(record)
        except CorruptRecord:
            self.corrupt_records += 1
            return None

    def _counts(self, record: bytes | None) -> TermCounts | None:
        try:
            return None if record is None else unpack_vector(record)
        except CorruptRecord:
            self.corrupt_records += 1
            return None


def article_key(site: str, article_id: str) -> str:
    """128 bits of BLAKE2 in base32: two articles never share a key, whatever their ids hold."""
    digest = blake2b(f"{site}\0{article_id}".encode(), digest_size=16).digest()
    return b32encode(digest).decode().rstrip("=").lower()


def _key(site: str, *parts: str) -> str:
    return ":".join((f"see:{{{site}}}", *parts))


def _site_keys(site: str, key: str) -> list[str]:
    shared = [_key(site, name) for name in ("version", "log", "heads", "urls")]
    own = [_key(site, kind, key) for kind in ("card", "text", "vector")]
    return [*shared, *own, _key(site, "born")]


def _is_on(url: str | None, hosts: Collection[str]) -> bool:
    return url is not None and is_on(url, hosts)


def _url_key(url: str) -> str:
    return blake2b(normalize_url(url).encode(), digest_size=16).hexdigest()


def _put_call(
    site: str, article: Article, counts: TermCounts
) -> tuple[list[str], list[str | int | bytes]]:
    text = article.model_dump_json().encode()
    # The features version takes part, so that importing an archive again after an upgrade
    # of the analyzer makes its vectors anew.
    digest = blake2b(text + bytes([FEATURES_VERSION]), digest_size=16).hexdigest()
    key = article_key(site, article.id)
    args = [
        key,
        article.id,
        "" if article.revision is None else article.revision,
        digest,
        _url_key(article.url) if article.url else "",
        pack_record(orjson.dumps(card_of(article))),
        pack_record(text),
        pack_vector(counts),
        LOG_LENGTH,
    ]
    return _site_keys(site, key), args
