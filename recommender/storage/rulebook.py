"""
What editors decided, their rules and the site's settings, in Redis, and the record of who did.

    see:{site}:rules    hash, rule id → the rule, JSON
    see:{site}:settings the site's settings, JSON
    see:{site}:audit    stream, a change each, entry id `version-n`, field entry: JSON

Every change counts the site's version up and stands in its change log with the op `rules`: so
every finished list is out of date at once, and every worker reads rules and settings again.
"""

import random
import re
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Literal, NamedTuple

import structlog
from pydantic import BaseModel, ConfigDict

from recommender.errors import Conflict, CorruptRecord, InvalidInput, NotFound
from recommender.policy.rules import Rule
from recommender.policy.site_settings import NO_SETTINGS, SiteSettings
from recommender.storage.access import Scope
from recommender.storage.connections import Connection
from recommender.storage.keyspace import LOG_LENGTH, site_key
from recommender.storage.packing import pack_record, unpack_record

log = structlog.get_logger()

MAX_RULES = 10_000
MAX_PINS = 50  # beside one article, in one section, or everywhere: no list is longer
MAX_SETTINGS_BYTES = 100_000  # the audit holds them twice for each of their changes
AUDIT_LENGTH = 100_000
ATTEMPTS = 30
PAUSE_SECONDS = 0.02  # between two attempts at most, so that writers get out of step
BATCH = 500
# Of audit entries looked through for one page; then the reader asks for the next.
LOOKED_THROUGH = 10_000

ENTRY_ID = "[1-9][0-9]{0,15}-[1-9][0-9]{0,3}"

Action = Literal["add", "remove", "overrides", "settings", "undo", "expire"]

_CHANGE = "".join(
    Path(__file__).with_name(f"{name}.lua").read_text() for name in ("accept", "rules")
)


class RulesChanged(Conflict):
    """Somebody else changed the rules, or the settings, between reading and writing."""


class Editor(NamedTuple):
    """
    Who makes a change, and why.

    Fields:
        key_id: of the API key, never its secret; empty for the service itself.
        author: the name that came with the change.
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
    One change: the rules it replaced or took away, and the ones it put there; or the settings.

    `id` is `version-n`; `undoes` is the id of the entry that this one takes back.
    """

    model_config = ConfigDict(frozen=True)

    id: str = ""
    at: datetime
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
        """What a key must allow to make such a change, or take it back."""
        return "edit" if self.settings is None else "admin"

    def names(self, article_id: str) -> bool:
        return any(rule.names(article_id) for rule in (*self.before, *self.after))


class Book(NamedTuple):
    """
    All that editors decided on a site.

    Fields:
        rules: by id, expired ones too.
        version: the site's version at which they are these.
        last_entry: id of the last audit entry; empty without any.
    """

    rules: dict[str, Rule]
    settings: SiteSettings
    version: int
    last_entry: str


class Overrides(NamedTuple):
    """
    The rules about one article: those beside it, and those about it in every list.

    Fields:
        revision: differs when any of them does.
    """

    rules: tuple[Rule, ...]
    revision: str


class KeptSettings(NamedTuple):
    """
    The settings of a site.

    Fields:
        revision: differs when they do.
    """

    settings: SiteSettings
    revision: str


class Plan(NamedTuple):
    """What a change takes away and what it puts there."""

    action: Action
    before: tuple[Rule, ...] = ()
    after: tuple[Rule, ...] = ()
    undoes: str | None = None
    settings: SettingsChange | None = None


class Rulebook:
    """The rules and settings of all sites. Every method may raise `StoreUnavailable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.corrupt_records = 0

    def read(self, site: str) -> Book:
        """What holds, and as of which version; what is damaged is left out, and logged."""
        with self._connection.using("batch") as client:
            pipeline = client.pipeline(transaction=True)
            pipeline.hgetall(site_key(site, "rules"))
            pipeline.get(site_key(site, "settings"))
            pipeline.get(site_key(site, "version"))
            pipeline.xrevrange(site_key(site, "audit"), count=1)
            records, settings, version, last = pipeline.execute()
        found = ((name.decode(), self._rule(site, record)) for name, record in records.items())
        rules = {rule_id: rule for rule_id, rule in found if rule is not None}
        last_entry = last[0][0].decode() if last else ""
        return Book(rules, self._settings(site, settings), int(version or 0), last_entry)

    def add(self, site: str, rule: Rule, editor: Editor, now: datetime) -> None:
        """
        Add a rule; one that decides the same question (`Rule.key`) goes.

        Raises:
            Conflict: when the site has as many rules as it may have.
        """

        def plan(book: Book) -> Plan:
            same = tuple(other for other in book.rules.values() if other.key == rule.key)
            return Plan("add", same, (rule,))

        self._change(site, plan, editor, now)

    def remove(self, site: str, rule_id: str, editor: Editor, now: datetime) -> None:
        """Raises NotFound when there is no such rule, or it has expired."""

        def plan(book: Book) -> Plan:
            if rule_id not in book.rules:
                raise NotFound(f"no rule {rule_id!r}")
            return Plan("remove", (book.rules[rule_id],))

        self._change(site, plan, editor, now)

    def overrides(self, site: str, article_id: str, now: datetime) -> Overrides:
        return _overrides(_holding(self.read(site), now).rules.values(), article_id)

    def settings(self, site: str) -> KeptSettings:
        with self._connection.using("read") as client:
            record = client.get(site_key(site, "settings"))
        return _kept_settings(self._settings(site, record))

    def replace(
        self,
        site: str,
        article_id: str,
        wanted: Collection[Rule],
        editor: Editor,
        now: datetime,
        expected: Collection[str] | None = None,
    ) -> Overrides:
        """
        Make *wanted* the overrides of the article; a rule that stays as it is keeps its author.

        Args:
            expected: the revisions of the overrides of which one must be there; None for any.

        Raises:
            RulesChanged: when another one is there, naming who changed it.
            Conflict: when the site has as many rules as it may have.
        """
        made: list[Overrides] = []

        def plan(book: Book) -> Plan:
            current = _overrides(book.rules.values(), article_id)
            if expected is not None and current.revision not in expected:
                raise RulesChanged(self._who_changed(site, article_id))
            old = {rule.key: rule for rule in current.rules}
            new = {rule.key: _kept(old.get(rule.key), rule) for rule in wanted}
            made.append(_overrides(new.values(), article_id))
            before = tuple(rule for key, rule in old.items() if new.get(key) != rule)
            after = tuple(rule for key, rule in new.items() if old.get(key) != rule)
            return Plan("overrides", before, after)

        self._change(site, plan, editor, now)
        return made[-1]

    def replace_settings(
        self,
        site: str,
        wanted: SiteSettings,
        editor: Editor,
        now: datetime,
        expected: Collection[str] | None = None,
    ) -> KeptSettings:
        """
        Make *wanted* the settings of the site.

        Args:
            expected: the revisions of the settings of which one must be there; None for any.

        Raises:
            InvalidInput: when they are too long to be kept with every change.
            RulesChanged: when another one is there, naming who changed it.
        """
        if len(_packed(wanted)) > MAX_SETTINGS_BYTES:
            raise InvalidInput.at("", f"longer than {MAX_SETTINGS_BYTES:,} bytes")

        def plan(book: Book) -> Plan:
            if expected is not None and _kept_settings(book.settings).revision not in expected:
                raise RulesChanged(self._who_changed(site, None))
            changed = SettingsChange(before=book.settings, after=wanted)
            return Plan("settings", settings=changed if book.settings != wanted else None)

        self._change(site, plan, editor, now)
        return _kept_settings(wanted)

    def undo(self, site: str, entry_id: str, editor: Editor, now: datetime) -> AuditEntry:
        """
        Put back what was there before an audit entry; what has expired since stays away.

        Raises:
            NotFound: when there is no such entry.
            Conflict: when a later change touched the same, or nothing is left to undo.
        """
        return self._change(site, partial(_undone, self.entry(site, entry_id), now), editor, now)

    def undoable(self, site: str, entries: Iterable[AuditEntry], now: datetime) -> set[str]:
        """The ids of those *entries* that `undo` would not refuse."""
        holding = _holding(self.read(site), now)

        def is_undoable(entry: AuditEntry) -> bool:
            try:
                _check_room(holding.rules, _undone(entry, now, holding))
            except Conflict:
                return False
            return True

        return {entry.id for entry in entries if is_undoable(entry)}

    def audit(
        self, site: str, limit: int, article_id: str | None = None, before: str | None = None
    ) -> tuple[list[AuditEntry], str | None]:
        """
        The changes, newest first.

        Args:
            limit: at most so many.
            article_id: only changes of rules that name this article.
            before: only entries before the one with this id.

        Returns:
            the entries, and the *before* that goes on from there. A page may be short, even
            empty, with more to come; None says that nothing is left.
        """
        return self._found(site, limit, lambda e: article_id is None or e.names(article_id), before)

    def undone(self, site: str, entries: Sequence[AuditEntry]) -> dict[str, AuditEntry]:
        """
        Which of these *entries*, newest first, are taken back as things stand: id → by what.

        An undo that was itself undone counts for nothing. Of what came after the entries, the
        last `LOOKED_THROUGH` changes are looked at.
        """
        if not entries:
            return {}
        with self._connection.using("batch") as client:
            key, oldest = site_key(site, "audit"), entries[-1].id
            since = client.xrevrange(key, "+", oldest, LOOKED_THROUGH)
        undone: dict[str, AuditEntry] = {}
        for name, fields in since:  # the newest first: whatever undid an undo was met before it
            later = self._audit_entry(site, name, fields)
            if later is not None and later.undoes is not None and later.id not in undone:
                undone[later.undoes] = later
        return {one.id: undone[one.id] for one in entries if one.id in undone}

    def entry(self, site: str, entry_id: str) -> AuditEntry:
        """Raises NotFound when there is no such entry."""
        found = []
        if re.fullmatch(ENTRY_ID, entry_id):
            with self._connection.using("read") as client:
                found = client.xrange(site_key(site, "audit"), entry_id, entry_id)
        entry = self._audit_entry(site, *found[0]) if found else None
        if entry is None:
            raise NotFound(f"no audit entry {entry_id!r}")
        return entry

    def _found(
        self, site: str, limit: int, is_wanted: Callable[[AuditEntry], bool], before: str | None
    ) -> tuple[list[AuditEntry], str | None]:
        found: list[AuditEntry] = []
        for _ in range(LOOKED_THROUGH // BATCH):
            entries = self._entries(site, before, BATCH)
            for entry_id, entry in entries:
                before = entry_id
                if entry is not None and is_wanted(entry):
                    found.append(entry)
                if len(found) == limit:
                    return found, before
            if len(entries) < BATCH:
                return found, None
        return found, before

    def _change(
        self,
        site: str,
        plan: Callable[[Book], Plan],
        editor: Editor,
        now: datetime,
    ) -> AuditEntry:
        """
        Carry out what *plan* makes of what holds; again, if somebody was faster.

        Returns:
            what the audit says of it; without an id, and nothing written, when nothing changes.
        """
        for _ in range(ATTEMPTS):
            book = self.read(site)
            holding = _holding(book, now)
            planned = plan(holding)
            _check_room(holding.rules, planned)
            entry = AuditEntry(at=now, **editor._asdict(), **planned._asdict())
            if not (entry.before or entry.after or entry.settings):
                return entry
            expired = tuple(rule for i, rule in book.rules.items() if i not in holding.rules)
            if made := self._commit(site, book, entry, expired):
                return made
            time.sleep(random.uniform(0, PAUSE_SECONDS))
        raise Conflict("others are making changes too; try again")

    def _commit(
        self, site: str, book: Book, entry: AuditEntry, expired: tuple[Rule, ...]
    ) -> AuditEntry | None:
        """Write a change, unless things are not as in *book* any more: then None."""
        entries = [entry]
        if expired:
            entries.insert(0, _expiry(entry.at, expired))
        going = {rule.id for rule in (*expired, *entry.before)} - {r.id for r in entry.after}
        settings = _packed(entry.settings.after) if entry.settings else b""
        args: list[str | int | bytes] = [book.last_entry, LOG_LENGTH, AUDIT_LENGTH, settings]
        args += [len(entries), *(_packed(e) for e in entries), len(going), *sorted(going)]
        for rule in entry.after:
            args += [rule.id, _packed(rule)]
        names = ("version", "log", "at", "rules", "audit", "settings")
        keys = [site_key(site, name) for name in names]
        with self._connection.using("write") as client:
            version = client.register_script(_CHANGE)(keys, args)
        return entry.model_copy(update={"id": f"{version}-{len(entries)}"}) if version else None

    def _who_changed(self, site: str, article_id: str | None) -> str:
        """Who last changed the overrides of the article, or the settings where there is none."""
        what = "settings" if article_id is None else "rules"
        entries, _ = self._found(
            site,
            1,
            lambda e: e.settings is not None if article_id is None else e.names(article_id),
            None,
        )
        if not entries:
            return f"somebody changed these {what} meanwhile"
        [last] = entries
        who = f"{last.author or 'somebody'} (key {last.key_id})" if last.key_id else "their expiry"
        at = f"{last.at.day} {last.at:%B %Y, %H:%M} UTC"
        return f"{who} changed these {what} meanwhile, on {at}"

    def _entries(
        self, site: str, before: str | None, count: int
    ) -> list[tuple[str, AuditEntry | None]]:
        newest = "+" if before is None else f"({before}"
        with self._connection.using("batch") as client:
            found = client.xrevrange(site_key(site, "audit"), newest, "-", count)
        return [(name.decode(), self._audit_entry(site, name, fields)) for name, fields in found]

    def _audit_entry(
        self, site: str, name: bytes, fields: Mapping[bytes, bytes]
    ) -> AuditEntry | None:
        try:
            entry = AuditEntry.model_validate_json(unpack_record(fields[b"entry"]))
        except (CorruptRecord, ValueError, KeyError) as error:
            self._report(site, error)
            return None
        return entry.model_copy(update={"id": name.decode()})

    def _rule(self, site: str, record: bytes) -> Rule | None:
        try:
            return _unpacked(record)
        except (CorruptRecord, ValueError) as error:
            self._report(site, error)
            return None

    def _settings(self, site: str, record: bytes | None) -> SiteSettings:
        if record is None:
            return NO_SETTINGS
        try:
            return _unpacked_settings(record)
        except (CorruptRecord, ValueError) as error:
            self._report(site, error)
            return NO_SETTINGS

    def _report(self, site: str, error: Exception) -> None:
        self.corrupt_records += 1
        log.error("a damaged decision is passed over", site=site, error=repr(error))


def new_rule_id(now: datetime) -> str:
    """A new id; those of later moments sort after those of earlier ones."""
    # Eleven digits of milliseconds, three of microseconds: older ids have the eleven, then chance.
    milliseconds, microseconds = divmod(int(now.timestamp()) * 1_000_000 + now.microsecond, 1000)
    return f"{milliseconds:011x}{microseconds:03x}{secrets.token_hex(4)}"


def _packed(model: BaseModel) -> bytes:
    return pack_record(model.model_dump_json().encode())


# One change has every worker read all rules again: those it knows cost no parsing.
@lru_cache(maxsize=2 * MAX_RULES)
def _unpacked(record: bytes) -> Rule:
    return Rule.model_validate_json(unpack_record(record))


@lru_cache(maxsize=100)
def _unpacked_settings(record: bytes) -> SiteSettings:
    return SiteSettings.model_validate_json(unpack_record(record))


def _holding(book: Book, now: datetime) -> Book:
    """The same without what has expired."""
    return book._replace(rules={i: rule for i, rule in book.rules.items() if rule.holds_at(now)})


def _kept_settings(settings: SiteSettings) -> KeptSettings:
    return KeptSettings(settings, blake2b(_packed(settings), digest_size=9).hexdigest())


def _undone(entry: AuditEntry, now: datetime, book: Book) -> Plan:
    """How to take a change back. Raises Conflict when that cannot be done."""
    if entry.settings is not None:
        if book.settings != entry.settings.after:
            raise Conflict("a later change touched the same settings: undo that one first")
        back = SettingsChange(before=entry.settings.after, after=entry.settings.before)
        return Plan("undo", undoes=entry.id, settings=back)
    restored = tuple(rule for rule in entry.before if rule.holds_at(now))
    if not (restored or entry.after):
        raise Conflict("nothing to undo: what this took away has expired")
    if not _stands(entry, book.rules):
        raise Conflict("a later change touched the same rules: undo that one first")
    return Plan("undo", entry.after, restored, entry.id)


def _overrides(rules: Iterable[Rule], article_id: str) -> Overrides:
    own = sorted(
        (rule for rule in rules if _is_override(rule, article_id)),
        key=lambda rule: (rule.position or 0, rule.id),
    )
    digest = blake2b(b"\n".join(map(_packed, own)), digest_size=9).hexdigest()
    return Overrides(tuple(own), digest)


def _is_override(rule: Rule, article_id: str) -> bool:
    if rule.source.article == article_id:
        return True
    return rule.source.key == ("everything", "") and rule.target.article == article_id


def _kept(old: Rule | None, new: Rule) -> Rule:
    """The old rule where the new one says the same; or else the new one under the old id."""
    if old is None:
        return new
    stays = ("position", "factor", "note", "expires_at")
    same = all(getattr(old, name) == getattr(new, name) for name in stays)
    return old if same else new.model_copy(update={"id": old.id})


def _stands(entry: AuditEntry, rules: Mapping[str, Rule]) -> bool:
    """Whether the rules are still as the entry left them."""
    after = {rule.id: rule for rule in entry.after}
    touched = after.keys() | {rule.id for rule in entry.before}
    keys = {rule.key for rule in entry.before}
    others = {rule.key for rule in rules.values() if rule.id not in touched}
    return all(rules.get(i) == after.get(i) for i in touched) and not keys & others


def _check_room(rules: Mapping[str, Rule], planned: Plan) -> None:
    if len(rules) - len(planned.before) + len(planned.after) > MAX_RULES:
        raise Conflict(f"a site has at most {MAX_RULES} rules: remove some first")
    going = {rule.id for rule in planned.before}
    for source in {rule.source.key for rule in planned.after if rule.kind == "pin"}:
        left = [r for i, r in rules.items() if i not in going]
        pins = [r for r in (*left, *planned.after) if r.kind == "pin" and r.source.key == source]
        if len(pins) > MAX_PINS:
            raise Conflict(f"at most {MAX_PINS} pins stand beside one article or section")


def _expiry(now: datetime, expired: tuple[Rule, ...]) -> AuditEntry:
    return AuditEntry(at=now, action="expire", key_id="", author="", note="", before=expired)
