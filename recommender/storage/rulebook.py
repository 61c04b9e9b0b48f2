"""
The editors' rules and the site's settings in Redis, and every change of them.

    see:{site}:rules    hash, rule id → the rule, packed JSON
    see:{site}:settings the site's settings, packed JSON

Every change raises the site's version, adds an entry with the op `rules` to the change log, and
one to the audit. So all finished lists are outdated at once, and every worker reads rules and
settings again.
"""

import random
import secrets
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import structlog

from recommender.errors import Conflict, CorruptRecord, InvalidInput, NotFound
from recommender.policy.rules import Rule
from recommender.policy.site_settings import NO_SETTINGS, SiteSettings
from recommender.storage.article_records import LOG_LENGTH, site_key
from recommender.storage.audit import AUDIT_LENGTH, Audit, AuditEntry, Editor, SettingsChange
from recommender.storage.change_log import ChangeLog
from recommender.storage.connections import Connection
from recommender.storage.packing import unpack_record
from recommender.storage.rule_changes import (
    MAX_RULES,
    Decisions,
    Overrides,
    RulebookChange,
    StoredSettings,
    check_limits,
    overrides_of,
    pack_model,
    replacing,
    undoing,
)

log = structlog.get_logger()

MAX_SETTINGS_BYTES = 100_000  # the audit holds them twice for each change
ATTEMPTS = 30
MAX_PAUSE_SECONDS = 0.02  # between two attempts, at random, so that writers get out of step

_FOLDER = Path(__file__).parent
_CHANGE_SCRIPT = (_FOLDER / "accept.lua").read_text() + (_FOLDER / "rules.lua").read_text()


class RulesChanged(Conflict):
    """Somebody else changed the rules or settings between the editor's reading and writing."""


class Rulebook:
    """
    The rules and settings of all sites. Every method may raise `StoreUnavailable`.

    Attributes:
        audit: the record of all changes.
        corrupt_records: how many damaged rules and settings were ignored.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._change_log = ChangeLog(connection)
        self.audit = Audit(connection)
        self.corrupt_records = 0

    def read(self, site: str) -> Decisions:
        """All rules and settings, and their version; damaged ones are left out, and logged."""
        with self._connection.using("load") as client:
            pipeline = client.pipeline(transaction=True)
            pipeline.hgetall(site_key(site, "rules"))
            pipeline.get(site_key(site, "settings"))
            pipeline.get(site_key(site, "version"))
            pipeline.xrevrange(site_key(site, "audit"), count=1)
            records, settings, version, last = pipeline.execute()
        rules: dict[str, Rule] = {}
        for rule_id, record in records.items():
            rule = self._rule(site, rule_id, record)
            if rule is not None:
                rules[rule.id] = rule
        last_entry = last[0][0].decode() if last else ""
        state = self._change_log.parse_state(site, version, b"0")
        return Decisions(rules, self._settings(site, settings), state.version, last_entry)

    def add(self, site: str, rule: Rule, editor: Editor, now: datetime) -> None:
        """
        Add a rule, in place of those that decide the same question (`Rule.key`).

        Raises:
            Conflict: when the site has as many rules as it may have.
        """

        def plan(current: Decisions) -> RulebookChange:
            same = tuple(other for other in current.rules.values() if other.key == rule.key)
            return RulebookChange("add", same, (rule,))

        self._change(site, plan, editor, now)

    def remove(self, site: str, rule_id: str, editor: Editor, now: datetime) -> None:
        """Raises NotFound when there is no such rule, or it has expired."""

        def plan(current: Decisions) -> RulebookChange:
            if rule_id not in current.rules:
                raise NotFound(f"no rule {rule_id!r}")
            return RulebookChange("remove", (current.rules[rule_id],))

        self._change(site, plan, editor, now)

    def forget(self, site: str, article_id: str, now: datetime) -> None:
        """Remove every rule that names an article, and every entry of the audit that does."""
        for rule in self.read(site).at(now).rules.values():
            if rule.names(article_id):
                with suppress(NotFound):  # removed meanwhile
                    self.remove(site, rule.id, Editor("", "", "purged"), now)
        self.audit.forget(site, article_id)

    def overrides(self, site: str, article_id: str, now: datetime) -> Overrides:
        return overrides_of(self.read(site).at(now).rules.values(), article_id)

    def settings(self, site: str) -> StoredSettings:
        with self._connection.using("read") as client:
            record = client.get(site_key(site, "settings"))
        return StoredSettings(self._settings(site, record))

    def replace(
        self,
        site: str,
        article_id: str,
        rules: Collection[Rule],
        editor: Editor,
        now: datetime,
        expected: Collection[str] | None = None,
    ) -> Overrides:
        """
        Make *rules* the overrides of the article; a rule that stays as it is keeps its author.

        Args:
            expected: the revisions of the overrides of which one must be stored; None for any.

        Raises:
            RulesChanged: when another one is stored, naming who changed it.
            Conflict: when the site has as many rules as it may have.
        """
        new_rules: list[Rule] = []

        def plan(current: Decisions) -> RulebookChange:
            stored = overrides_of(current.rules.values(), article_id)
            if expected is not None and stored.revision not in expected:
                raise RulesChanged(self.audit.who_changed(site, article_id))
            change, new_rules[:] = replacing(stored.rules, rules)
            return change

        self._change(site, plan, editor, now)
        return overrides_of(new_rules, article_id)

    def replace_settings(
        self,
        site: str,
        settings: SiteSettings,
        editor: Editor,
        now: datetime,
        expected: Collection[str] | None = None,
    ) -> StoredSettings:
        """
        Make *settings* the settings of the site.

        Args:
            expected: the revisions of the settings of which one must be stored; None for any.

        Raises:
            InvalidInput: when they are too long to be kept with every change.
            RulesChanged: when another one is stored, naming who changed it.
        """
        if len(pack_model(settings)) > MAX_SETTINGS_BYTES:
            raise InvalidInput.at("", f"longer than {MAX_SETTINGS_BYTES:,} bytes")

        def plan(current: Decisions) -> RulebookChange:
            if expected is not None and StoredSettings(current.settings).revision not in expected:
                raise RulesChanged(self.audit.who_changed(site, None))
            if current.settings == settings:
                return RulebookChange("settings")
            change = SettingsChange(before=current.settings, after=settings)
            return RulebookChange("settings", settings=change)

        self._change(site, plan, editor, now)
        return StoredSettings(settings)

    def undo(self, site: str, entry_id: str, editor: Editor, now: datetime) -> AuditEntry:
        """
        Restore what an audit entry changed; rules that have expired since stay away.

        Raises:
            NotFound: when there is no such entry.
            Conflict: when a later change touched the same, or nothing is left to undo.
        """
        entry = self.audit.entry(site, entry_id)
        return self._change(site, lambda current: undoing(entry, now, current), editor, now)

    def undoable(self, site: str, entries: Iterable[AuditEntry], now: datetime) -> set[str]:
        """The ids of those *entries* that `undo` would accept."""
        current = self.read(site).at(now)
        return {entry.id for entry in entries if _is_undoable(entry, current, now)}

    def _change(
        self,
        site: str,
        plan: Callable[[Decisions], RulebookChange],
        editor: Editor,
        now: datetime,
    ) -> AuditEntry:
        """
        Make the change that *plan* returns for the current decisions.

        When somebody else writes between reading and writing, read and plan again.

        Returns:
            the audit entry; without an id, and not written, when the change is empty.
        """
        for _ in range(ATTEMPTS):
            stored = self.read(site)
            current = stored.at(now)
            change = plan(current)
            check_limits(current.rules, change)
            entry = AuditEntry(at=now, **editor._asdict(), **change._asdict())
            if not (entry.before or entry.after or entry.settings):
                return entry
            expired = tuple(r for i, r in stored.rules.items() if i not in current.rules)
            entry_id = self._commit(site, stored.last_entry, entry, expired)
            if entry_id is not None:
                return entry.model_copy(update={"id": entry_id})
            time.sleep(random.uniform(0, MAX_PAUSE_SECONDS))
        raise Conflict("others are making changes too; try again")

    def _commit(
        self, site: str, last_entry: str, entry: AuditEntry, expired: tuple[Rule, ...]
    ) -> str | None:
        """
        Write a change, and remove the rules that have *expired*, with an audit entry for each.

        Returns:
            the id of the audit entry; None, and nothing is written, unless *last_entry* is still
            the last one of the audit.
        """
        entries = [entry]
        if expired:
            entries.insert(0, _expiry(entry.at, expired))
        removed = {rule.id for rule in (*expired, *entry.before)} - {r.id for r in entry.after}
        settings = pack_model(entry.settings.after) if entry.settings else b""
        args: list[str | int | bytes] = [last_entry, LOG_LENGTH, AUDIT_LENGTH, settings]
        args += [len(entries), *map(pack_model, entries)]
        args += [len(removed), *sorted(removed)]
        for rule in entry.after:
            args += [rule.id, pack_model(rule)]
        names = ("version", "log", "at", "rules", "audit", "settings")
        keys = [site_key(site, name) for name in names]
        with self._connection.using("write", removes=True) as client:
            version = client.register_script(_CHANGE_SCRIPT)(keys, args)
        return f"{version}-{len(entries)}" if version else None

    def _rule(self, site: str, rule_id: bytes, record: bytes) -> Rule | None:
        try:
            rule = _parse_rule(record)
            if rule.id.encode() != rule_id:
                raise CorruptRecord(f"rule {rule_id!r}: it has another id inside")
        except (CorruptRecord, ValueError) as error:
            self._report_damage(site, error)
            return None
        return rule

    def _settings(self, site: str, record: bytes | None) -> SiteSettings:
        if record is None:
            return NO_SETTINGS
        try:
            return _parse_settings(record)
        except (CorruptRecord, ValueError) as error:
            self._report_damage(site, error)
            return NO_SETTINGS

    def _report_damage(self, site: str, error: Exception) -> None:
        self.corrupt_records += 1
        log.error("damaged rule or settings ignored", site=site, error=repr(error))


def new_rule_id(now: datetime) -> str:
    """A new id; ids of later moments sort after those of earlier ones."""
    # Eleven digits of milliseconds and three of microseconds. Ids of older versions have only the
    # eleven, then random digits.
    milliseconds, microseconds = divmod(int(now.timestamp()) * 1_000_000 + now.microsecond, 1000)
    return f"{milliseconds:011x}{microseconds:03x}{secrets.token_hex(4)}"


# After one change every worker reads all rules again: those that it knows are not parsed again.
@lru_cache(maxsize=2 * MAX_RULES)
def _parse_rule(record: bytes) -> Rule:
    return Rule.model_validate_json(unpack_record(record))


@lru_cache(maxsize=100)
def _parse_settings(record: bytes) -> SiteSettings:
    return SiteSettings.model_validate_json(unpack_record(record))


def _is_undoable(entry: AuditEntry, current: Decisions, now: datetime) -> bool:
    try:
        check_limits(current.rules, undoing(entry, now, current))
    except Conflict:
        return False
    return True


def _expiry(now: datetime, expired: tuple[Rule, ...]) -> AuditEntry:
    return AuditEntry(at=now, action="expire", key_id="", author="", note="", before=expired)
