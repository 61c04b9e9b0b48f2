"""What editors decided, and what of it holds beside an article: no store, no clock."""

import math
from collections import ChainMap, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from operator import attrgetter
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from features.dates import parse_moment
from features.text import plain_text
from features.values import check_article_id
from recommender.errors import InvalidInput, field_problems
from recommender.policy.option_types import parse_duration

MAX_POSITION = 50
MAX_RAW_LINE_CHARS = 20_000  # markup and all
MAX_AUTHOR_CHARS = 200
MAX_NOTE_CHARS = 1000
MAX_SECTION_CHARS = 2000
MAX_BOOST = 10.0

Kind = Literal["pin", "block", "boost", "bury", "flag"]
Flag = Literal["sensitive", "legal", "sponsored", "no_related", "never_recommend"]
# What the server knows itself; a sender may send back what it got.
READ_ONLY = ("id", "key_id", "created_at")


class FlagEffect(NamedTuple):
    """
    What a flag does to the article that has it.

    Fields:
        hidden: it stands in no list.
        silenced: no list stands beside it.
    """

    hidden: bool
    silenced: bool


FLAGS: dict[Flag, FlagEffect] = {
    "sensitive": FlagEffect(hidden=True, silenced=True),
    "legal": FlagEffect(hidden=True, silenced=True),
    "sponsored": FlagEffect(hidden=True, silenced=True),
    "no_related": FlagEffect(hidden=False, silenced=True),
    "never_recommend": FlagEffect(hidden=True, silenced=False),
}


def _line(value: Any) -> str:
    """Text on one line and without markup, as the sections of articles are kept."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError("expected a string")
    if len(value) > MAX_RAW_LINE_CHARS:
        raise ValueError(f"expected at most {MAX_RAW_LINE_CHARS} characters, markup and all")
    return " ".join(plain_text(value).split())


def _moment(value: Any) -> datetime | None:
    try:
        return value if isinstance(value, datetime) else parse_moment(value)
    except ValueError:
        raise ValueError("expected an ISO 8601 date, or a time from now such as 7d") from None


Author = Annotated[str, Field(max_length=MAX_AUTHOR_CHARS), BeforeValidator(_line)]
Note = Annotated[str, Field(max_length=MAX_NOTE_CHARS), BeforeValidator(_line)]


class Selector(BaseModel):
    """An article, or all of a section, or everything; the case of a section does not count."""

    model_config = ConfigDict(frozen=True)

    article: Annotated[
        str | None,
        BeforeValidator(lambda value: None if value is None else check_article_id(value)),
    ] = None
    section: Annotated[
        Annotated[str, Field(max_length=MAX_SECTION_CHARS)] | None,
        BeforeValidator(lambda value: _line(value) or None),
    ] = None

    @field_validator("section")
    @classmethod
    def _is_one_of_the_two(cls, section: str | None, info: ValidationInfo) -> str | None:
        if section is not None and info.data.get("article") is not None:
            raise ValueError("name an article or a section, not both")
        return section

    @cached_property
    def key(self) -> tuple[str, str]:
        """The same for all spellings of the same choice."""
        if self.article is not None:
            return "article", self.article
        return ("everything", "") if self.section is None else ("section", self.section.casefold())


EVERYTHING = Selector()
Choice = Annotated[Selector, BeforeValidator(lambda value: EVERYTHING if value is None else value)]


class Rule(BaseModel):
    """
    One decision of an editor: beside *source*, do this to *target*.

    A pin puts its target at `position`, a block keeps it away, boost and bury multiply its score
    by `factor`, a flag is about the target wherever it stands (see `FLAGS`).
    """

    # Fields are checked in this order, each against the ones before it.
    model_config = ConfigDict(frozen=True, validate_default=True)

    id: str
    kind: Kind
    source: Choice = EVERYTHING
    target: Choice = EVERYTHING
    position: int | None = Field(None, strict=True, ge=1, le=MAX_POSITION)
    factor: float | None = Field(None, strict=True, ge=0, le=MAX_BOOST, allow_inf_nan=False)
    flag: Flag | None = None
    author: Author = ""
    key_id: str = ""
    note: Note = ""
    created_at: AwareDatetime
    expires_at: Annotated[AwareDatetime | None, BeforeValidator(_moment)] = None

    @field_validator("source")
    @classmethod
    def _source_fits(cls, source: Selector, info: ValidationInfo) -> Selector:
        if info.data.get("kind") == "flag" and source != EVERYTHING:
            raise ValueError("a flag holds beside every article: leave the source out")
        return source

    @field_validator("target")
    @classmethod
    def _target_fits(cls, target: Selector, info: ValidationInfo) -> Selector:
        kind, source = info.data.get("kind"), info.data.get("source", EVERYTHING)
        if kind in ("pin", "flag") and target.article is None:
            raise ValueError(f"a {kind} needs an article as its target")
        if kind and target == EVERYTHING:
            raise ValueError(f"a {kind} needs a target: an article or a section")
        if target.article is not None and target.article == source.article:
            raise ValueError("is the source itself, which never stands in its own list")
        return target

    @field_validator("position")
    @classmethod
    def _position_fits(cls, position: int | None, info: ValidationInfo) -> int | None:
        return _belongs("pin", "position", f"1 to {MAX_POSITION}", position, info)

    @field_validator("factor")
    @classmethod
    def _factor_fits(cls, factor: float | None, info: ValidationInfo) -> float | None:
        kind = info.data.get("kind")
        if factor is not None and kind == "boost" and factor < 1:
            raise ValueError(f"a boost multiplies by 1 to {MAX_BOOST:g}")
        if factor is not None and kind == "bury" and factor > 1:
            raise ValueError("a bury multiplies by 0 to 1")
        bounds = "0 to 1" if kind == "bury" else f"1 to {MAX_BOOST:g}"
        return _belongs("bury" if kind == "bury" else "boost", "factor", bounds, factor, info)

    @field_validator("flag")
    @classmethod
    def _flag_fits(cls, flag: Flag | None, info: ValidationInfo) -> Flag | None:
        return _belongs("flag", "flag", ", ".join(FLAGS), flag, info)

    @cached_property  # half of what it takes to sort the rules of a site
    def key(self) -> tuple[str, ...]:
        """The same for two rules that decide the same question; the newer of them holds."""
        return self.kind, *self.source.key, *self.target.key, self.flag or ""

    def holds_at(self, now: datetime) -> bool:
        return self.expires_at is None or self.expires_at > now

    @property
    def articles(self) -> tuple[str, ...]:
        """The ids that it names, on either side."""
        sides = (self.source.article, self.target.article)
        return tuple(article_id for article_id in sides if article_id is not None)

    def names(self, article_id: str) -> bool:
        return article_id in self.articles


Value = TypeVar("Value")


def _belongs(owner: Kind, name: str, values: str, value: Value, info: ValidationInfo) -> Value:
    """Refuse a field that the rule's kind needs and lacks, or has and does not know."""
    kind = info.data.get("kind")
    if kind == owner and value is None:
        raise ValueError(f"a {kind} needs a {name}: {values}")
    if kind is not None and kind != owner and value is not None:
        raise ValueError(f"a {kind} has no {name}")
    return value


def parse_rule(data: object, rule_id: str, key_id: str, now: datetime) -> Rule:
    """
    Check one rule from outside; its `expires_at` may be a duration from *now*, such as `7d`.

    Raises:
        InvalidInput: naming every bad field; also for a rule that is over already.
    """
    if not isinstance(data, Mapping):
        raise InvalidInput.at("", "expected a JSON object")
    sent = {name: value for name, value in data.items() if name not in READ_ONLY}
    if "expires_at" in sent:
        sent["expires_at"] = _expiry(sent["expires_at"], now)
    try:
        fields = {**sent, "id": rule_id, "key_id": key_id, "created_at": now}
        # Strict here alone: what a later version stored is read without what is new in it.
        rule = Rule.model_validate(fields, extra="forbid")
    except ValidationError as error:
        raise InvalidInput(field_problems(error)) from None
    if not rule.holds_at(now):
        raise InvalidInput.at("expires_at", "is in the past")
    return rule


def _expiry(value: object, now: datetime) -> object:
    """A duration such as `7d` counts from now; anything else is left to the model."""
    duration = parse_duration(value) if isinstance(value, str) else None
    return value if duration is None else now + duration


class Boost(NamedTuple):
    """What a score is multiplied by: the product of the factors of these *rules*."""

    factor: float
    rules: tuple[Rule, ...]


class Boosts(Mapping[str, Boost]):
    """By article id or by (case-folded) section: every boost and bury that holds for it, as one."""

    def __init__(self, layers: Sequence[Mapping[str, Sequence[Rule]]] = ()) -> None:
        self._layers = [layer for layer in layers if layer]

    def __getitem__(self, name: str) -> Boost:
        rules = tuple(chain.from_iterable(layer.get(name, ()) for layer in self._layers))
        if not rules:
            raise KeyError(name)
        return _product(rules)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(chain.from_iterable(self._layers)))

    def __len__(self) -> int:
        return len(set().union(*self._layers))

    def __bool__(self) -> bool:
        return bool(self._layers)  # without counting them


def _product(rules: tuple[Rule, ...]) -> Boost:
    return Boost(math.prod(1.0 if r.factor is None else r.factor for r in rules), rules)


@dataclass(frozen=True, slots=True)
class Applied:
    """
    What the rules say about one list. A flag beats everything, a block beats a pin, and a pin
    beats boost and bury.

    Fields:
        silenced: the flag for which no list may stand beside this source.
        hidden: by article id, for which flag or block it stands in no list of the site. The same
            object for every list until the rules change or one expires.
        blocked: by article id, the block that keeps it from this list.
        blocked_sections: by case-folded section, the block that keeps all of it from this list.
        pins: by position, then the newer first; no target twice, none that is hidden or blocked
            by its id or is the source. One whose section is blocked may still be among them.
        boosts: by article id, see `Boosts`.
        section_boosts: by case-folded section.
        expires_at: when the next of the rules for this list expires, or None.
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
        """What an article's score is multiplied by, for itself and for its (folded) section."""
        found = [self.boosts.get(article_id), self.section_boosts.get(section or "")]
        return _product(tuple(chain.from_iterable(boost.rules for boost in found if boost)))


class _Layer:
    """The rules of one source selector, ready to be looked up."""

    def __init__(self) -> None:
        self.blocked: dict[str, Rule] = {}
        self.blocked_sections: dict[str, Rule] = {}
        self.boosts: defaultdict[str, list[Rule]] = defaultdict(list)
        self.section_boosts: defaultdict[str, list[Rule]] = defaultdict(list)
        self.pins: list[tuple[tuple[int, float, str], Rule]] = []
        self.expires_at: datetime | None = None

    def add(self, rule: Rule) -> None:
        what, name = rule.target.key
        if rule.kind == "pin":
            order = (rule.position or 1, -rule.created_at.timestamp(), rule.id)
            self.pins.append((order, rule))
        elif rule.kind == "block":
            (self.blocked if what == "article" else self.blocked_sections)[name] = rule
        elif rule.kind != "flag":
            (self.boosts if what == "article" else self.section_boosts)[name].append(rule)
        self.expires_at = _earlier(self.expires_at, rule.expires_at)


class _Holding:
    """The rules that hold from *since* until before *until*."""

    def __init__(self, rules: Iterable[Rule], since: datetime, until: datetime) -> None:
        self.since, self.until = since, until
        self.layers: defaultdict[tuple[str, str], _Layer] = defaultdict(_Layer)
        self.silenced: dict[str, Rule] = {}
        flagged: dict[str, Rule] = {}
        for rule in rules:
            self.layers[rule.source.key].add(rule)
            if rule.flag is not None and rule.target.article is not None:
                if FLAGS[rule.flag].silenced:
                    self.silenced[rule.target.article] = rule
                if FLAGS[rule.flag].hidden:
                    flagged[rule.target.article] = rule
        self.everywhere = self.layers[EVERYTHING.key]
        self.hidden = self.everywhere.blocked | flagged
        self.everywhere.blocked = {}


_ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


class RuleSet:
    """
    The rules of a site; of several with one `Rule.key` the newest that has not expired holds.

    A look-up costs the same however many rules there are; the first one after a rule expired
    sorts them anew. Thread-safe.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(sorted(rules, key=attrgetter("created_at", "id")))
        self._holding = self._at(_ALWAYS[0])

    def beside(self, article_id: str | None, section: str | None, now: datetime) -> Applied:
        """
        What holds at *now* for the list beside an article of this section.

        Args:
            article_id: None for a draft, or a list that stands beside nothing.
        """
        holding = self._holding
        if not holding.since <= now < holding.until:
            holding = self._holding = self._at(now)
        layers = _layers(holding, article_id, section)
        blocked = _first(layer.blocked for layer in layers)
        return Applied(
            silenced=None if article_id is None else holding.silenced.get(article_id),
            hidden=holding.hidden,
            blocked=blocked,
            blocked_sections=_first(layer.blocked_sections for layer in layers),
            pins=_pins(layers, article_id, lambda i: i in holding.hidden or i in blocked),
            boosts=Boosts([layer.boosts for layer in layers]),
            section_boosts=Boosts([layer.section_boosts for layer in layers]),
            expires_at=_earlier(*(layer.expires_at for layer in layers)),
        )

    def _at(self, now: datetime) -> _Holding:
        ends = [rule.expires_at for rule in self.rules if rule.expires_at is not None]
        since = max((end for end in ends if end <= now), default=_ALWAYS[0])
        until = min((end for end in ends if end > now), default=_ALWAYS[1])
        newest = {rule.key: rule for rule in self.rules if rule.holds_at(now)}
        return _Holding(newest.values(), since, until)


NO_RULES = RuleSet()


def _layers(holding: _Holding, article_id: str | None, section: str | None) -> list[_Layer]:
    """Of the article, of its section, and of everything: the most particular first."""
    keys = []
    if article_id is not None:
        keys.append(("article", article_id))
    if section is not None:
        keys.append(("section", section.casefold()))
    found = [holding.layers[key] for key in keys if key in holding.layers]
    return [*found, holding.everywhere]


def _first(maps: Iterable[dict[str, Rule]]) -> Mapping[str, Rule]:
    filled = [found for found in maps if found]
    return filled[0] if len(filled) == 1 else ChainMap(*filled)


def _pins(
    layers: list[_Layer], article_id: str | None, is_away: Callable[[str], bool]
) -> tuple[Rule, ...]:
    pins = sorted(chain.from_iterable(layer.pins for layer in layers))
    found: dict[str, Rule] = {}
    for _, rule in pins:
        target = rule.target.article or ""
        if target != article_id and target not in found and not is_away(target):
            found[target] = rule
    return tuple(found.values())


def _earlier(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
