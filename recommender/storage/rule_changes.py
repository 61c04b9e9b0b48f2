"""Plans and checks changes of rules and settings, without store or clock."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import blake2b
from operator import attrgetter
from typing import NamedTuple

from pydantic import BaseModel

from recommender.errors import Conflict
from recommender.policy.rules import Rule
from recommender.policy.site_settings import SiteSettings
from recommender.storage.audit import Action, AuditEntry, SettingsChange
from recommender.storage.packing import pack_record

MAX_RULES = 10_000
MAX_PINS = 50  # for one article, one section, or everywhere: no list is longer
# A rule with other values in these fields is another rule; its author and date do not count.
_VALUES = ("position", "factor", "note", "expires_at")


class Decisions(NamedTuple):
    """
    All that the editors of a site have decided.

    Fields:
        rules: by id, including expired ones.
        version: the site's version that they belong to.
        last_entry: id of the last audit entry; empty without any.
    """

    rules: dict[str, Rule]
    settings: SiteSettings
    version: int
    last_entry: str

    def at(self, now: datetime) -> "Decisions":
        """The same without the rules that have expired by *now*."""
        rules = {rule_id: rule for rule_id, rule in self.rules.items() if rule.is_active(now)}
        return self._replace(rules=rules)


class RulebookChange(NamedTuple):
    """The rules that a change removes and adds, or the settings that it replaces."""

    action: Action
    before: tuple[Rule, ...] = ()
    after: tuple[Rule, ...] = ()
    undoes: str | None = None
    settings: SettingsChange | None = None


class Overrides(NamedTuple):
    """
    The rules about one article: those for its own list, and those about it in every list.

    Fields:
        revision: differs when any of them differs.
    """

    rules: tuple[Rule, ...]
    revision: str


class StoredSettings(NamedTuple):
    """The settings of a site."""

    settings: SiteSettings

    @property
    def revision(self) -> str:
        """Differs when the settings differ."""
        return blake2b(pack_model(self.settings), digest_size=9).hexdigest()


def pack_model(model: BaseModel) -> bytes:
    return pack_record(model.model_dump_json().encode())


def overrides_of(rules: Iterable[Rule], article_id: str) -> Overrides:
    """Those of *rules* that are about the article, by position, then by age."""
    own = [rule for rule in rules if _is_override(rule, article_id)]
    own.sort(key=lambda rule: (rule.position or 0, rule.id))
    digest = blake2b(b"\n".join(map(pack_model, own)), digest_size=9).hexdigest()
    return Overrides(tuple(own), digest)


def _is_override(rule: Rule, article_id: str) -> bool:
    if rule.source.article == article_id:
        return True
    return rule.source.key == ("everything", "") and rule.target.article == article_id


def replacing(
    old_rules: Iterable[Rule], new_rules: Iterable[Rule]
) -> tuple[RulebookChange, list[Rule]]:
    """
    The change from *old_rules* to *new_rules*, and the rules after it.

    A rule that stays as it is keeps its author; one with other values keeps its id.
    """
    old = {rule.key: rule for rule in old_rules}
    new = {rule.key: _keeping_identity(old.get(rule.key), rule) for rule in new_rules}
    before = tuple(rule for key, rule in old.items() if new.get(key) != rule)
    after = tuple(rule for key, rule in new.items() if old.get(key) != rule)
    return RulebookChange("overrides", before, after), list(new.values())


def _keeping_identity(old: Rule | None, new: Rule) -> Rule:
    if old is None:
        return new
    values = attrgetter(*_VALUES)
    return old if values(old) == values(new) else new.model_copy(update={"id": old.id})


def undoing(entry: AuditEntry, now: datetime, decisions: Decisions) -> RulebookChange:
    """
    The change that takes *entry* back; rules that have expired since stay away.

    Raises:
        Conflict: if a later change touched the same, or nothing is left to undo.
    """
    if entry.settings is not None:
        if decisions.settings != entry.settings.after:
            raise Conflict("a later change touched the same settings: undo that one first")
        back = SettingsChange(before=entry.settings.after, after=entry.settings.before)
        return RulebookChange("undo", undoes=entry.id, settings=back)
    restored = tuple(rule for rule in entry.before if rule.is_active(now))
    if not (restored or entry.after):
        raise Conflict("nothing to undo: the removed rules have expired")
    if not _is_untouched(entry, decisions.rules):
        raise Conflict("a later change touched the same rules: undo that one first")
    return RulebookChange("undo", entry.after, restored, entry.id)


def _is_untouched(entry: AuditEntry, rules: Mapping[str, Rule]) -> bool:
    """Whether no later change has touched these rules."""
    after = {rule.id: rule for rule in entry.after}
    touched = after.keys() | {rule.id for rule in entry.before}
    if any(rules.get(rule_id) != after.get(rule_id) for rule_id in touched):
        return False
    # Another rule may decide the same question by now.
    keys = {rule.key for rule in entry.before}
    other_keys = {rule.key for rule in rules.values() if rule.id not in touched}
    return keys.isdisjoint(other_keys)


def check_limits(rules: Mapping[str, Rule], change: RulebookChange) -> None:
    """Raises Conflict when the site would have too many rules, or a list too many pins."""
    if len(rules) - len(change.before) + len(change.after) > MAX_RULES:
        raise Conflict(f"a site has at most {MAX_RULES} rules: remove some first")
    remaining = dict(rules)
    for rule in change.before:
        remaining.pop(rule.id, None)
    pins: Counter[tuple[str, str]] = Counter()
    for rule in (*remaining.values(), *change.after):
        pins[rule.source.key] += rule.kind == "pin"
    for rule in change.after:
        # Only sources that get a pin: another one may have too many from an older version.
        if rule.kind == "pin" and pins[rule.source.key] > MAX_PINS:
            raise Conflict(f"an article or section has at most {MAX_PINS} pins: remove some first")
