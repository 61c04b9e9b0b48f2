"""
Articles in Redis.

    see:{site}:heads          hash, key → state|revision|digest|url key, also of deleted articles
    see:{site}:urls           hash, url key → ids of the articles at that address, one a line
    see:{site}:card:<key>     what a list shows of an article, JSON
    see:{site}:text:<key>     the whole article, JSON
    see:{site}:vector:<key>   its features as numbers, packed

`<key>` is a digest of site and id (`article_records.py`), so an id is never part of a key. Records
carry a format number and a checksum (`packing.py`). Every write adds to the change log
(`change_log.py`). Rules and site settings are in `rulebook.py`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeVar

from features.addresses import is_on, lookup_forms
from features.analysis import AnalysedArticle
from features.vectorizer import FEATURES_VERSION, ArticleFeatures
from recommender.articles import Card, Facets, StoredArticle
from recommender.errors import CorruptRecord, FieldProblem, StoreUnavailable
from recommender.storage.article_records import (
    ScriptCall,
    address_key,
    apart_key,
    article_key,
    delete_call,
    live_head,
    parse_card,
    parse_text,
    put_call,
    reindex_call,
    site_key,
)
from recommender.storage.change_log import ChangeLog, SiteState, state_keys
from recommender.storage.clock import StoreClock
from recommender.storage.connections import NO_ROOM, Connection, Pace
from recommender.storage.packing import (
    OutdatedVector,
    is_current_vector,
    unpack_record,
    unpack_vector,
    vector_version,
)
from recommender.storage.rulebook import Rulebook
from recommender.storage.scan import scan_hash

# Articles read at once: the server answers no other client while it collects a reply.
BATCH = 500
FEW = 50

Content = TypeVar("Content")

Outcome = Literal["added", "changed", "unchanged", "stale", "deleted", "missing"]
# Outcomes of a write that count as a refusal of the article.
REFUSALS = {
    "stale": FieldProblem("/version", "older than the version that is stored"),
    "deleted": FieldProblem(
        "/version",
        "was deleted; a higher version, an updated_at later than that, or neither brings it back",
    ),
}

_ACCEPT, _HEAD, _PUT, _DELETE, _REINDEX = (
    Path(__file__).with_name(f"{name}.lua").read_text()
    for name in ("accept", "head", "put", "delete", "reindex")
)


class WriteResult(NamedTuple):
    """
    The outcome of one write, and the site's version after it.

    Fields:
        same_address: the id of another article with the same address, if there is one.

    Outcomes: `added`, `changed`, `unchanged` (the same content is stored), `stale` (a newer
    version is stored), `deleted` (by this delete; for a put: the article was deleted, and this
    write is not newer), `missing` (nothing to delete).
    """

    outcome: Outcome
    version: int
    same_address: str | None = None

    @property
    def warnings(self) -> list[FieldProblem]:
        """A warning if another article has the same address."""
        if self.same_address is None:
            return []
        detail = f"is the address of article {self.same_address!r} too: they count as one"
        return [FieldProblem("/url", detail)]


class ServerInfo(NamedTuple):
    """
    The kind of server, and how it treats its data.

    Fields:
        options: its `CONFIG` values, for those of `SERVER_OPTIONS` that it reports.
    """

    name: str
    version: str
    options: dict[str, str]


SERVER_OPTIONS = ("appendonly", "appendfsync", "save", "maxmemory", "maxmemory-policy")


class Store:
    """
    The articles of all sites. Every method may raise `StoreUnavailable`.

    Attributes:
        change_log: states and changes of the sites.
        rulebook: the editors' rules and the site settings.
        clock: says what is published by now, on every machine.
        corrupt_records: how many damaged records were ignored.
        outdated_vectors: how many vectors of another version of the analyzer were read; those of
            the version before this one are used.

    Args:
        hosts: of each site that has declared any; a card links nowhere else.
    """

    def __init__(
        self, connection: Connection, hosts: Mapping[str, Collection[str]] = MappingProxyType({})
    ) -> None:
        self._connection = connection
        self._hosts = hosts
        self.change_log = ChangeLog(connection)
        self.rulebook = Rulebook(connection)
        self.clock = StoreClock(connection)
        self.corrupt_records = 0
        self.outdated_vectors = 0

    def put(self, site: str, articles: Sequence[AnalysedArticle]) -> list[WriteResult]:
        """
        Write articles, each atomically and idempotently, in two round trips for any number.

        A write is older when its `Article.revision` is below the stored one; without a
        revision the last writer wins. A deleted article comes back by a newer revision or
        without one; if that is when it was updated, only when this was after the delete.

        Returns:
            one result per article, in order.
        """
        calls = [put_call(site, analysed) for analysed in articles]
        return self.put_prepared(calls, removes=any(map(self._is_embargoed, articles)))

    def put_prepared(self, calls: Sequence[ScriptCall], removes: bool = False) -> list[WriteResult]:
        """
        `put` for articles of which `put_call` was made before, maybe in another process.

        Args:
            removes: whether one of them may have to leave lists.
        """
        pace: Pace = "batch" if len(calls) > 1 else "write"
        with self._connection.using(pace, removes, grows=True) as client:
            script = client.register_script(_ACCEPT + _HEAD + _PUT)
            # As one transaction the batch reaches the disk in one flush; a plain pipeline is
            # flushed for every 16 kB that the server reads, which takes twice as long.
            pipeline = client.pipeline(transaction=True)
            for keys, args in calls:
                script(keys, args, client=pipeline)
            replies = pipeline.execute()
        return [
            # The neighbour is from a record that may be damaged; it only stands in a warning.
            WriteResult(outcome.decode(), version, neighbour.decode(errors="replace") or None)
            for outcome, version, neighbour in replies
        ]

    def delete(self, site: str, article_id: str, revision: int | None = None) -> WriteResult:
        """Delete an article everywhere; it is in no list from the next request on."""
        with self._connection.using("write", removes=True) as client:
            script = client.register_script(_ACCEPT + _HEAD + _DELETE)
            outcome, version, _ = script(*delete_call(site, article_id, revision))
        return WriteResult(outcome.decode(), version)

    def article(self, site: str, article_id: str) -> dict[str, Any] | None:
        """Every field of the article as JSON types, or None."""
        with self._connection.using("read") as client:
            record = client.get(site_key(site, "text", article_key(site, article_id)))
        fields = self._document(record, parse_text)
        return fields if fields is not None and fields["id"] == article_id else None

    def cards(self, site: str, article_ids: Sequence[str]) -> dict[str, Card]:
        """The cards of these articles, in one round trip; without deleted and unknown ones."""
        return self.cards_with_state(site, article_ids)[1]

    def cards_with_state(
        self, site: str, article_ids: Sequence[str]
    ) -> tuple[SiteState, dict[str, Card]]:
        """The site's state, and the `cards` in that state."""
        keys = [site_key(site, "card", article_key(site, i)) for i in article_ids]
        version, at, *records = self._connection.read("MGET", *state_keys(site), *keys)
        cards: dict[str, Card] = {}
        for article_id, record in zip(article_ids, records, strict=True):
            card = self._document(record, parse_card)
            if card is not None and card["id"] == article_id:
                cards[article_id] = self._with_allowed_url(site, card)
        return self.change_log.parse_state(site, version, at), cards

    def stored(self, site: str, article_ids: Sequence[str]) -> dict[str, StoredArticle]:
        """Facets and features of these articles, read in batches; without unknown ones."""
        articles: dict[str, StoredArticle] = {}
        for start in range(0, len(article_ids), BATCH):
            keys = [article_key(site, i) for i in article_ids[start : start + BATCH]]
            articles |= self._stored_under(site, keys)
        return articles

    def all_stored(self, site: str) -> Iterator[dict[str, StoredArticle]]:
        """Facets and features of all articles, in batches; may miss concurrent changes."""
        for keys in self._live_keys(site):
            yield self._stored_under(site, keys)

    def all_articles(self, site: str) -> Iterator[dict[str, Any]]:
        """Every article as `article` returns it; may miss or repeat concurrent changes."""
        for keys in self._live_keys(site):
            for record in self._records(site, "text", keys):
                fields = self._document(record, parse_text)
                if fields is not None:
                    yield fields

    def all_cards(self, site: str) -> Iterator[dict[str, Card]]:
        """The cards of all articles, in batches; may miss concurrent changes."""
        for keys in self._live_keys(site):
            cards: dict[str, Card] = {}
            for record in self._records(site, "card", keys):
                card = self._document(record, parse_card)
                if card is not None:
                    cards[card["id"]] = self._with_allowed_url(site, card)
            yield cards

    def texts(self, site: str, due_only: bool) -> Iterator[tuple[int, list[bytes]]]:
        """
        The texts of all articles in batches, each with the number of articles checked for it.

        Args:
            due_only: only those whose vector or card is outdated, damaged or missing.
        """
        for keys in self._live_keys(site):
            due = self._unusable(site, keys) if due_only else keys
            texts = [
                unpack_record(record)
                for record in self._records(site, "text", due)
                if record is not None and self._document(record, parse_text) is not None
            ]
            yield len(keys), texts

    def restore_heads(self, site: str) -> int:
        """
        List articles again whose heads were lost with a damaged file; return how many.

        Only their texts are looked at: a deleted article has none. What else is missing of them,
        `reindex` makes anew.
        """
        with self._connection.using("batch") as client:
            prefix = site_key(site, "text", "")
            names = [*client.scan_iter(match=f"{prefix}*", count=BATCH)]
        keys = [name.decode().removeprefix(prefix) for name in names]
        restored = 0
        for start in range(0, len(keys), BATCH):
            restored += self._restore_heads(site, keys[start : start + BATCH])
        return restored

    def _restore_heads(self, site: str, keys: Sequence[str]) -> int:
        name = site_key(site, "heads")
        with self._connection.using("batch") as client:
            heads = client.hmget(name, keys)
        lost = [key for key, head in zip(keys, heads, strict=True) if head is None]
        restored: dict[str, str] = {}
        for record in self._records(site, "text", lost):
            if record is not None and self._document(record, parse_text) is not None:
                key, head = live_head(site, unpack_record(record))
                restored[key] = head
        if restored:
            with self._connection.using("batch") as client:
                client.hset(name, mapping=restored)
        return len(restored)

    def put_features(self, site: str, features: Sequence[tuple[bytes, ArticleFeatures]]) -> int:
        """
        Write features, each with the text of `texts` it was made from; return how many were new.

        A damaged card is written again too. Each counts as a change of the site, so that every
        worker reads it again; the article and its revision stay as they are. Articles that were
        written meanwhile are left alone.
        """
        with self._connection.using("batch", grows=True) as client:
            script = client.register_script(_ACCEPT + _HEAD + _REINDEX)
            pipeline = client.pipeline(transaction=True)
            for text, one in features:
                script(*reindex_call(site, text, one), client=pipeline)
            return sum(pipeline.execute())

    def count(self, site: str) -> int:
        """How many articles the site has or once had."""
        with self._connection.using("read") as client:
            return int(client.hlen(site_key(site, "heads")))

    def id_of_url(self, site: str, url: str) -> str | None:
        """
        The id of the newest article at this page address, or None.

        An address that is stored as it is comes first. Then parameters are dropped that may be
        tracking, and the page is looked for under its other spellings; but a parameter by which
        the archive tells two addresses apart is never dropped.

        Raises:
            InvalidInput: for anything but an absolute http or https URL.
        """
        forms = lookup_forms(url)
        with self._connection.using("read") as client:
            ids = client.hget(site_key(site, "urls"), address_key(forms[0].address))
        if ids is not None:
            return _last_line(ids)
        values = self._urls(
            site,
            [key(form.address) for key in (address_key, apart_key) for form in forms],
        )
        for form, at_form, apart in zip(forms, values, values[len(forms) :], strict=False):
            keys = apart.decode(errors="replace").split("\n") if apart and form.is_plain else []
            if at_form is not None and not (form.has_dropped and keys):
                return _last_line(at_form)
            if at_form is None and len(keys) == 1:
                [ids] = self._urls(site, keys)
                return None if ids is None else _last_line(ids)
        return None

    def _urls(self, site: str, fields: list[str]) -> list[bytes | None]:
        with self._connection.using("read") as client:
            values: list[bytes | None] = client.hmget(site_key(site, "urls"), fields)
        return values

    def server(self) -> ServerInfo:
        """Ask the server about itself; a server that hides its options reports none."""
        with self._connection.using("load") as client:
            pipeline = client.pipeline(transaction=False)
            pipeline.info("server")
            for option in SERVER_OPTIONS:
                pipeline.config_get(option)
            info, *answers = pipeline.execute(raise_on_error=False)
        if isinstance(info, Exception):
            raise StoreUnavailable("the store refuses", str(info)) from info
        options: dict[str, str] = {}
        for answer in answers:
            if isinstance(answer, dict):  # and not an error
                options |= answer
        name = info.get("server_name", "redis").capitalize()
        return ServerInfo(name, info.get("valkey_version") or info["redis_version"], options)

    def write_problem(self) -> str | None:
        """
        Why articles cannot be stored at present; None when nothing is known against it.

        It is read from what the server says of itself, because a trial would reach the disk.
        """
        if not self._connection.has_room:
            return NO_ROOM
        with self._connection.using("read") as client:
            pipeline = client.pipeline(transaction=False)
            for section in ("replication", "persistence", "memory"):
                pipeline.info(section)
            answers = pipeline.execute(raise_on_error=False)
        info: dict[str, Any] = {}
        for answer in answers:
            if isinstance(answer, dict):  # and not the refusal of a server that hides this
                info |= answer
        if info.get("role", "master") != "master":
            return "the store is a replica, which takes no writes"
        if info.get("aof_enabled") and info.get("aof_last_write_status", "ok") != "ok":
            return "the store could not write to its disk"
        limit = info.get("maxmemory", 0)
        if 0 < limit <= info.get("used_memory", 0) and info.get("maxmemory_policy") == "noeviction":
            return "the memory of the store is full"
        return None

    def _with_allowed_url(self, site: str, card: Card) -> Card:
        """The card, without its address if that is on a host which the site has not declared."""
        hosts = self._hosts.get(site)
        url = card["url"]
        if not hosts or (url is not None and is_on(url, hosts)):
            return card
        return {**card, "url": None}

    def _live_keys(self, site: str) -> Iterator[list[str]]:
        # Deleted articles keep their heads, so no field is ever removed.
        for heads in scan_hash(self._connection, site_key(site, "heads"), BATCH):
            yield [key.decode() for key, head in heads.items() if head.startswith(b"live")]

    def _records(self, site: str, kind: str, keys: Sequence[str]) -> list[bytes | None]:
        """Records of a kind (`card`, `text` or `vector`), in order; None for a missing one."""
        if not keys:
            return []
        with self._connection.using("load") as client:
            records: list[bytes | None] = client.mget([site_key(site, kind, key) for key in keys])
        return records

    def _stored_under(self, site: str, keys: Sequence[str]) -> dict[str, StoredArticle]:
        names = [site_key(site, kind, key) for kind in ("card", "vector") for key in keys]
        # A few are what has just changed: a reader is waiting for them, and not for five seconds.
        with self._connection.using("read" if len(keys) <= FEW else "load") as client:
            records = client.mget(names)
        cards = records[: len(keys)]
        vectors = records[len(keys) :]
        articles: dict[str, StoredArticle] = {}
        for key, card_record, vector in zip(keys, cards, vectors, strict=True):
            card = self._document(card_record, parse_card)
            features = self._features(vector)
            if card and features and article_key(site, card["id"]) == key:
                articles[card["id"]] = StoredArticle(Facets.of(card), features)
        return articles

    def _unusable(self, site: str, keys: Sequence[str]) -> list[str]:
        """Those of *keys* whose vector or card cannot be used; they do not count as bad records."""
        vectors = self._records(site, "vector", keys)
        cards = self._records(site, "card", keys)
        return [
            key
            for key, vector, card in zip(keys, vectors, cards, strict=True)
            if not (_is_current(vector) and _is_usable(card))
        ]

    def _document(self, record: bytes | None, parse: Callable[[bytes], Content]) -> Content | None:
        """The content of a card or a text; None, and counted, when it is damaged."""
        try:
            return None if record is None else parse(unpack_record(record))
        except CorruptRecord:
            self.corrupt_records += 1
            return None

    def _is_embargoed(self, analysed: AnalysedArticle) -> bool:
        """Whether an article that may be in lists must leave them until its publication."""
        published_at = analysed.article.published_at
        return published_at is not None and published_at > self.clock.now()

    def _features(self, record: bytes | None) -> ArticleFeatures | None:
        try:
            features = None if record is None else unpack_vector(record)
            if record is not None and vector_version(record) != FEATURES_VERSION:
                self.outdated_vectors += 1
            return features
        except OutdatedVector:
            self.outdated_vectors += 1
        except CorruptRecord:
            self.corrupt_records += 1
        return None


def _last_line(ids: bytes) -> str:
    return ids.decode(errors="replace").rpartition("\n")[2]


def _is_current(vector: bytes | None) -> bool:
    return vector is not None and is_current_vector(vector)


def _is_usable(card: bytes | None) -> bool:
    try:
        return card is not None and bool(parse_card(unpack_record(card)))
    except CorruptRecord:
        return False
