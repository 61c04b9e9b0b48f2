"""The rules of a site, prepared so that those for one list are looked up quickly."""

import math
from collections import ChainMap, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from recommender.policy.rules import EVERYTHING, FLAGS, Rule


class Boost(NamedTuple):
    """The product of the factors of these *rules*."""

    factor: float
    rules: tuple[Rule, ...]


class Boosts(Mapping[str, Boost]):
    """Article id or case-folded section → all its boosts and buries together."""

    def __init__(self, layers: Sequence[Mapping[str, Sequence[Rule]]] = ()) -> None:
        self._layers = [layer for layer in layers if layer]

    def __getitem__(self, name: str) -> Boost:
        rules: list[Rule] = []
        for layer in self._layers:
            rules += layer.get(name, ())
        if not rules:
            raise KeyError(name)
        return _product(tuple(rules))

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(chain.from_iterable(self._layers)))

    def __len__(self) -> int:
        return len(set().union(*self._layers))

    def __bool__(self) -> bool:
        return bool(self._layers)  # without the cost of counting


def _product(rules: tuple[Rule, ...]) -> Boost:
    factors = (1.0 if rule.factor is None else rule.factor for rule in rules)
    return Boost(math.prod(factors), rules)


@dataclass(frozen=True, slots=True)
class AppliedRules:
    """
    The rules for one list. A flag overrides everything, a block overrides a pin, and a pin
    overrides boost and bury.

    Fields:
        silenced: the flag that makes the list of this source empty.
        hidden: by article id, the flag or block that removes it from all lists of the site. The
            same object for every list, until the rules change or one expires.
        blocked: by article id, the block that removes it from this list.
        blocked_sections: by case-folded section, the block that removes its articles from this
            list.
        pins: by position, then the newer first. No target is there twice, is hidden or blocked
            by its id, or is the source. Articles of blocked sections can be among them.
        boosts: by article id.
        section_boosts: by case-folded section.
        expires_at: when the next rule for this list expires, or None.
    """

    silenced: Rule | None = None
    hidden: Mapping[str, Rule] = field(default_factory=dict)
    blocked: Mapping[str, Rule] = field(default_factory=dict)
    blocked_sections: Mapping[str, Rule] = field(default_factory=dict)
    pins: tuple[Rule, ...] = ()
    boosts: Boosts = field(default_factory=Boosts)
    section_boosts: Boosts = field(default_factory=Boosts)
    expires_at: datetime | None = None

    def boost(self, article_id: str, section: str | None) -> Boost:
        """The boost of an article, for itself and for its case-folded section."""
        rules: tuple[Rule, ...] = ()
        for boost in (self.boosts.get(article_id), self.section_boosts.get(section or "")):
            if boost is not None:
                rules += boost.rules
        return _product(rules)


class _Layer:
    """The rules with one source selector."""

    def __init__(self) -> None:
        self.blocked: dict[str, Rule] = {}
        self.blocked_sections: dict[str, Rule] = {}
        self.boosts: defaultdict[str, list[Rule]] = defaultdict(list)
        self.section_boosts: defaultdict[str, list[Rule]] = defaultdict(list)
        self.pins: list[tuple[tuple[int, float, str], Rule]] = []
        self.expires_at: datetime | None = None

    def add(self, rule: Rule) -> None:
        selector, name = rule.target.key
        if rule.kind == "pin":
            order = (rule.position or 1, -rule.created_at.timestamp(), rule.id)
            self.pins.append((order, rule))
        elif rule.kind == "block":
            blocked = self.blocked if selector == "article" else self.blocked_sections
            blocked[name] = rule
        elif rule.kind != "flag":
            boosts = self.boosts if selector == "article" else self.section_boosts
            boosts[name].append(rule)
        self.expires_at = _earliest(self.expires_at, rule.expires_at)


class _ActiveRules:
    """The rules that are active from *since* until just before *until*, by source selector."""

    def __init__(self, rules: Iterable[Rule], since: datetime, until: datetime) -> None:
        self.since = since
        self.until = until
        self.layers: defaultdict[tuple[str, str], _Layer] = defaultdict(_Layer)
        self.silenced: dict[str, Rule] = {}
        flagged: dict[str, Rule] = {}
        for rule in rules:
            self.layers[rule.source.key].add(rule)
            if rule.flag is not None and rule.target.article is not None:
                effect = FLAGS[rule.flag]
                if effect.silenced:
                    self.silenced[rule.target.article] = rule
                if effect.hidden:
                    flagged[rule.target.article] = rule
        self.everywhere = self.layers[EVERYTHING.key]
        # A block everywhere has the effect of a flag, and is not counted twice.
        self.hidden = self.everywhere.blocked | flagged
        self.everywhere.blocked = {}

    def layers_for(self, article_id: str | None, section: str | None) -> list[_Layer]:
        """The layers of the article, of its section and of everything, in this order."""
        layers = []
        # Not `self.layers[key]`, which would add a layer for each article asked for.
        if article_id is not None and ("article", article_id) in self.layers:
            layers.append(self.layers["article", article_id])
        if section is not None and ("section", section.casefold()) in self.layers:
            layers.append(self.layers["section", section.casefold()])
        return [*layers, self.everywhere]


_FIRST_MOMENT = datetime.min.replace(tzinfo=UTC)
_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)


class RuleSet:
    """
    The rules of a site. Of several with one `Rule.key`, the newest that has not expired applies.

    A look-up costs the same however many rules there are, except the first one after a rule
    expired, which sorts them again. Thread-safe.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(sorted(rules, key=attrgetter("created_at", "id")))
        self._active = self._active_at(_FIRST_MOMENT)

    def for_list(self, article_id: str | None, section: str | None, now: datetime) -> AppliedRules:
        """
        The rules for the list of an article in this section.

        Args:
            article_id: None for a draft, or a list without a source.
        """
        active = self._active
        if not active.since <= now < active.until:
            # Two threads may both do this, with the same result.
            active = self._active = self._active_at(now)
        layers = active.layers_for(article_id, section)
        blocked = _merged([layer.blocked for layer in layers])

        def is_removed(target: str) -> bool:
            return target == article_id or target in active.hidden or target in blocked

        return AppliedRules(
            silenced=None if article_id is None else active.silenced.get(article_id),
            hidden=active.hidden,
            blocked=blocked,
            blocked_sections=_merged([layer.blocked_sections for layer in layers]),
            pins=_pins(layers, is_removed),
            boosts=Boosts([layer.boosts for layer in layers]),
            section_boosts=Boosts([layer.section_boosts for layer in layers]),
            expires_at=_earliest(*(layer.expires_at for layer in layers)),
        )

    def _active_at(self, now: datetime) -> _ActiveRules:
        since = _FIRST_MOMENT
        until = _LAST_MOMENT
        newest: dict[tuple[str, ...], Rule] = {}
        for rule in self.rules:
            if rule.is_active(now):
                newest[rule.key] = rule
            if rule.expires_at is not None and rule.expires_at <= now:
                since = max(since, rule.expires_at)
            elif rule.expires_at is not None:
                until = min(until, rule.expires_at)
        return _ActiveRules(newest.values(), since, until)


NO_RULES = RuleSet()


def _merged(maps: Iterable[dict[str, Rule]]) -> Mapping[str, Rule]:
    """One map of several; the first has precedence."""
    filled = [rules for rules in maps if rules]
    return filled[0] if len(filled) == 1 else ChainMap(*filled)


def _pins(layers: Iterable[_Layer], is_removed: Callable[[str], bool]) -> tuple[Rule, ...]:
    """The first pin of each target, by position."""
    pins: dict[str, Rule] = {}
    for _, rule in sorted(chain.from_iterable(map(attrgetter("pins"), layers))):
        target = rule.target.article or ""
        if target not in pins and not is_removed(target):
            pins[target] = rule
    return tuple(pins.values())


def _earliest(*moments: datetime | None) -> datetime | None:
    known = [moment for moment in moments if moment is not None]
    return min(known, default=None)
