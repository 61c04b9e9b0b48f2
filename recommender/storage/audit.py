"""
The audit: a record of every change of rules and site settings.

    see:{site}:audit    stream, one entry a change, id `version-n`, field entry: packed JSON
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict

from recommender.errors import CorruptRecord, NotFound
from recommender.policy.rules import Rule
from recommender.policy.site_settings import SiteSettings
from recommender.storage.access import Scope
from recommender.storage.article_records import site_key
from recommender.storage.connections import Connection
from recommender.storage.packing import unpack_record

log = structlog.get_logger()

AUDIT_LENGTH = 100_000
BATCH = 500
MAX_SEARCHED = 10_000  # entries searched for one page; then the caller asks for the next page

ENTRY_ID = "[1-9][0-9]{0,15}-[1-9][0-9]{0,3}"

Action = Literal["add", "remove", "overrides", "settings", "undo", "expire"]


class Editor(NamedTuple):
    """
    Who makes a change, and why.

    Fields:
        key_id: of the API key, never its secret; empty for the service itself.
        author: the name that was sent with the change.
    """

    key_id: str
    author: str = ""
    note: str = ""


class SettingsChange(BaseModel):
    """The site's settings before a change and after it."""

    model_config = ConfigDict(frozen=True)

    before: SiteSettings
    after: SiteSettings


class AuditEntry(BaseModel):
    """
    One change of rules, from *before* to *after*, or of the site's settings.

    `id` is `version-n`; `undoes` is the id of the entry that this one takes back.
    """

    model_config = ConfigDict(frozen=True)

    id: str = ""
    at: AwareDatetime
    action: Action
    key_id: str
    author: str
    note: str
    undoes: str | None = None
    before: tuple[Rule, ...] = ()
    after: tuple[Rule, ...] = ()
    settings: SettingsChange | None = None

    @property
    def scope(self) -> Scope:
        """The scope that a key needs to make such a change, or to undo it."""
        return "edit" if self.settings is None else "admin"

    def names(self, article_id: str) -> bool:
        return any(rule.names(article_id) for rule in (*self.before, *self.after))


class AuditPage(NamedTuple):
    """
    Some entries, newest first.

    Fields:
        before: the id to continue from; None when there is nothing more. A page may be short or
            even empty although more entries follow.
    """

    entries: list[AuditEntry]
    before: str | None


class Audit:
    """The audit of all sites. Every method may raise `StoreUnavailable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.corrupt_records = 0

    def entry(self, site: str, entry_id: str) -> AuditEntry:
        """Raises NotFound when there is no such entry, or when it is damaged."""
        records = []
        if re.fullmatch(ENTRY_ID, entry_id):  # Redis would refuse any other id with an error
            with self._connection.using("read") as client:
                records = client.xrange(site_key(site, "audit"), entry_id, entry_id)
        entry = self._parse(site, *records[0]) if records else None
        if entry is None:
            raise NotFound(f"no audit entry {entry_id!r}")
        return entry

    def page(
        self, site: str, limit: int, article_id: str | None = None, before: str | None = None
    ) -> AuditPage:
        """
        The changes, newest first.

        Args:
            limit: at most this many.
            article_id: only changes of rules that name this article.
            before: only entries before the one with this id.
        """

        def matches(entry: AuditEntry) -> bool:
            return article_id is None or entry.names(article_id)

        return self.search(site, limit, matches, before)

    def search(
        self,
        site: str,
        limit: int,
        matches: Callable[[AuditEntry], bool],
        before: str | None = None,
    ) -> AuditPage:
        """As `page`, with the entries that *matches* selects."""
        selected: list[AuditEntry] = []
        for _ in range(MAX_SEARCHED // BATCH):
            batch = self._entries(site, before, BATCH)
            for entry_id, entry in batch:
                before = entry_id
                if entry is not None and matches(entry):
                    selected.append(entry)
                if len(selected) == limit:
                    return AuditPage(selected, before)
            if len(batch) < BATCH:  # the start of the stream
                return AuditPage(selected, None)
        return AuditPage(selected, before)

    def forget(self, site: str, article_id: str) -> None:
        """Delete the entries about rules that name an article."""
        before: str | None = None
        while batch := self._entries(site, before, BATCH):
            before = batch[-1][0]
            named = [name for name, entry in batch if entry and entry.names(article_id)]
            if named:
                with self._connection.using("batch") as client:
                    client.xdel(site_key(site, "audit"), *named)

    def undone(self, site: str, entries: Sequence[AuditEntry]) -> dict[str, AuditEntry]:
        """
        Which of these *entries*, newest first, are undone at present: id → the undoing entry.

        An undo that was itself undone does not count. Only the last `MAX_SEARCHED` changes are
        searched.
        """
        if not entries:
            return {}
        oldest = entries[-1].id
        with self._connection.using("load") as client:
            records = client.xrevrange(site_key(site, "audit"), "+", oldest, MAX_SEARCHED)
        undoing: dict[str, AuditEntry] = {}
        for entry_id, fields in records:  # newest first, so the undo of an undo comes before it
            later = self._parse(site, entry_id, fields)
            if later is not None and later.undoes is not None and later.id not in undoing:
                undoing[later.undoes] = later
        return {entry.id: undoing[entry.id] for entry in entries if entry.id in undoing}

    def who_changed(self, site: str, article_id: str | None) -> str:
        """A sentence about the last change of the article's rules, or of settings without one."""
        subject = "settings" if article_id is None else "rules"

        def matches(entry: AuditEntry) -> bool:
            if article_id is None:
                return entry.settings is not None
            return entry.names(article_id)

        entries = self.search(site, 1, matches).entries
        if not entries:
            return f"somebody else has changed these {subject}"
        last = entries[0]
        at = f"{last.at.day} {last.at:%B %Y, %H:%M} UTC"
        if not last.key_id:
            return f"these {subject} changed on {at}, because some of them expired"
        return f"{last.author or 'somebody'} (key {last.key_id}) changed these {subject} on {at}"

    def _entries(
        self, site: str, before: str | None, count: int
    ) -> list[tuple[str, AuditEntry | None]]:
        """The id of each entry, with None for a damaged entry."""
        newest = "+" if before is None else f"({before}"
        with self._connection.using("load") as client:
            records = client.xrevrange(site_key(site, "audit"), newest, "-", count)
        return [(entry_id.decode(), self._parse(site, entry_id, f)) for entry_id, f in records]

    def _parse(
        self, site: str, entry_id: bytes, fields: Mapping[bytes, bytes]
    ) -> AuditEntry | None:
        try:
            entry = AuditEntry.model_validate_json(unpack_record(fields[b"entry"]))
        except (CorruptRecord, ValueError, KeyError) as error:
            self.corrupt_records += 1
            log.error("damaged audit entry ignored", site=site, error=repr(error))
            return None
        return entry.model_copy(update={"id": entry_id.decode()})
