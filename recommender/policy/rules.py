"""Rules, the decisions of editors about lists, and their validation."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
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
from features.schemas import TEXT, accepts
from features.text import plain_text
from features.values import MAX_ID_BYTES, check_article_id
from recommender.errors import InvalidInput, field_problems
from recommender.policy.option_types import parse_duration

MAX_POSITION = 50  # as many as a list has items
MAX_RAW_LINE_CHARS = 20_000  # including markup
MAX_AUTHOR_CHARS = 200
MAX_NOTE_CHARS = 1000
MAX_SECTION_CHARS = 2000
MAX_BOOST = 10.0

RuleKind = Literal["pin", "block", "boost", "bury", "flag"]
Flag = Literal["sensitive", "legal", "sponsored", "no_related", "never_recommend"]
# Set by the service. They are ignored in a request, so that a rule can be sent as it was received.
READ_ONLY = ("id", "key_id", "created_at")


class FlagEffect(NamedTuple):
    """
    What a flag does to the article that has it.

    Fields:
        hidden: it is in no list.
        silenced: its own list is empty.
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
    """Text on one line and without markup, as sections of articles are stored."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError("expected a string")
    if len(value) > MAX_RAW_LINE_CHARS:
        raise ValueError(f"expected at most {MAX_RAW_LINE_CHARS} characters, including markup")
    return " ".join(plain_text(value).split())


def _moment(value: Any) -> datetime | None:
    try:
        return value if isinstance(value, datetime) else parse_moment(value)
    except ValueError:
        raise ValueError("expected an ISO 8601 date, or a time from now such as 7d") from None


Author = Annotated[
    str,
    Field(max_length=MAX_AUTHOR_CHARS, description="Who decides this. Default: the key's note"),
    BeforeValidator(_line),
    accepts(TEXT),
]
RuleNote = Annotated[
    str,
    Field(max_length=MAX_NOTE_CHARS, description="Why"),
    BeforeValidator(_line),
    accepts(TEXT),
]


class Selector(BaseModel):
    """An article, all articles of a section, or everything. Case does not count in a section."""

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
        """The same for all spellings of a selector."""
        if self.article is not None:
            return "article", self.article
        if self.section is not None:
            return "section", self.section.casefold()
        return "everything", ""


# Null in a request, as if the field were left out.
EVERYTHING = Selector()
EXPIRY = {
    **TEXT,
    "description": "ISO 8601, or a time from now: `7d`, `12h`",
    "examples": ["2035-03-13T07:12:44Z", "7d"],
}
ARTICLE_SCHEMA = {
    "type": ["string", "integer", "null"],
    "minLength": 1,
    "maxLength": MAX_ID_BYTES,
}
Choice = Annotated[
    Selector,
    BeforeValidator(lambda value: EVERYTHING if value is None else value),
    accepts(
        {
            "type": ["object", "null"],
            "properties": {"article": ARTICLE_SCHEMA, "section": TEXT},
            "additionalProperties": False,
            "description": "An article or a section; neither means everywhere",
        }
    ),
]


class Rule(BaseModel):
    """
    One decision of an editor about *target*, in the lists of *source*.

    A pin puts its target at `position`. A block removes it. Boost and bury multiply its score by
    `factor`. A flag is about the target in all lists (see `FLAGS`).
    """

    # Fields are checked in this order, each against the ones before it.
    model_config = ConfigDict(frozen=True, validate_default=True)

    id: str
    kind: RuleKind
    source: Choice = EVERYTHING
    target: Choice = EVERYTHING
    position: int | None = Field(None, strict=True, ge=1, le=MAX_POSITION, description="Of a pin")
    factor: float | None = Field(
        None,
        strict=True,
        ge=0,
        le=MAX_BOOST,
        allow_inf_nan=False,
        description=f"Of a boost, 1 to {MAX_BOOST:g}, or a bury, 0 to 1",
    )
    flag: Flag | None = Field(None, description="Of a flag")
    author: Author = ""
    key_id: str = ""
    note: RuleNote = ""
    created_at: AwareDatetime
    expires_at: Annotated[AwareDatetime | None, BeforeValidator(_moment), accepts(EXPIRY)] = None

    @field_validator("source")
    @classmethod
    def _source_fits(cls, source: Selector, info: ValidationInfo) -> Selector:
        if info.data.get("kind") == "flag" and source != EVERYTHING:
            raise ValueError("a flag applies to all lists: leave the source out")
        return source

    @field_validator("target")
    @classmethod
    def _target_fits(cls, target: Selector, info: ValidationInfo) -> Selector:
        kind = info.data.get("kind")
        source = info.data.get("source", EVERYTHING)
        if kind in ("pin", "flag") and target.article is None:
            raise ValueError(f"a {kind} needs an article as its target")
        if kind and target == EVERYTHING:
            raise ValueError(f"a {kind} needs a target: an article or a section")
        if target.article is not None and target.article == source.article:
            raise ValueError("is the source itself, which is never in its own list")
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
        if kind == "bury":
            return _belongs("bury", "factor", "0 to 1", factor, info)
        return _belongs("boost", "factor", f"1 to {MAX_BOOST:g}", factor, info)

    @field_validator("flag")
    @classmethod
    def _flag_fits(cls, flag: Flag | None, info: ValidationInfo) -> Flag | None:
        return _belongs("flag", "flag", ", ".join(FLAGS), flag, info)

    @cached_property  # computed each time, it is half the cost of sorting the rules of a site
    def key(self) -> tuple[str, ...]:
        """The same for two rules that decide the same question. The newer one applies."""
        return self.kind, *self.source.key, *self.target.key, self.flag or ""

    def is_active(self, now: datetime) -> bool:
        return self.expires_at is None or self.expires_at > now

    @property
    def articles(self) -> tuple[str, ...]:
        """The ids of its source and target, where these are articles."""
        ids = (self.source.article, self.target.article)
        return tuple(article_id for article_id in ids if article_id is not None)

    def names(self, article_id: str) -> bool:
        return article_id in self.articles


Value = TypeVar("Value")


def _belongs(owner: RuleKind, name: str, values: str, value: Value, info: ValidationInfo) -> Value:
    """Refuse a field that is missing from a rule of the *owner* kind, or present in another."""
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
        InvalidInput: naming every bad field; also for a rule that has expired already.
    """
    if not isinstance(data, Mapping):
        raise InvalidInput.at("", "expected a JSON object")
    fields = {**data, "id": rule_id, "key_id": key_id, "created_at": now}
    if "expires_at" in fields:
        fields["expires_at"] = _expiry(fields["expires_at"], now)
    try:
        # Strict only here: stored rules of a later version are read without their new fields.
        rule = Rule.model_validate(fields, extra="forbid")
    except ValidationError as error:
        raise InvalidInput(field_problems(error)) from None
    if not rule.is_active(now):
        raise InvalidInput.at("expires_at", "is in the past")
    return rule


def _expiry(value: object, now: datetime) -> object:
    """A duration such as `7d` counts from now; anything else is left to the model."""
    duration = parse_duration(value) if isinstance(value, str) else None
    return value if duration is None else now + duration
