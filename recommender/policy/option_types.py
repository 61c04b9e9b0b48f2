"""Types of list options: how each is written, and what it is read as."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from features.dates import parse_moment
from features.language import normalize_language
from features.values import MAX_ID_BYTES, check_article_id

ANY_LANGUAGE = "any"
MAX_LIMIT = 50  # of a request; our own code asks for more with `ListOptions.replacing`
MAX_LINKS = 20
MAX_OFFSET = 1000
MAX_VALUES = 50
SURFACE_PATTERN = "^[a-z0-9-]{1,40}$"

Mode = Literal["balanced", "background", "followup", "recent"]
StoryPolicy = Literal["best", "newest", "original"]
SortOrder = Literal["score", "published_at"]

# Five digits at most, so that every duration is a possible `timedelta`.
_DURATION = re.compile(r"([0-9]{1,5})([dwhm])")
_UNITS = {
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
}


def parse_duration(text: str) -> timedelta | None:
    """Read `7d`, `12h`, `30m` or `2w`; None for any other text."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    number, unit = match.groups()
    return int(number) * _UNITS[unit]


def format_duration(duration: timedelta) -> str:
    """Write a duration of `parse_duration` in a spelling that it reads."""
    for letter, unit in _UNITS.items():
        text = f"{duration // unit}{letter}"
        # False for a fraction of the unit, and for more than five digits.
        if parse_duration(text) == duration:
            return text
    raise ValueError(f"no spelling for {duration}")


def _to_duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    duration = parse_duration(value) if isinstance(value, str) else None
    if not duration:  # 0d is no use as a maximum age or a half-life
        raise ValueError("expected a time such as 7d, 12h, 30m or 2w")
    return duration


def _to_time_bound(value: Any) -> datetime | timedelta | None:
    if isinstance(value, datetime | timedelta):  # already read, or given in Python
        return value
    if isinstance(value, str) and (duration := parse_duration(value)) is not None:
        return duration
    try:
        return parse_moment(value)
    except ValueError:
        raise ValueError("expected an ISO 8601 date, or a time ago such as 7d or 12h") from None


def _to_language(value: Any) -> str:
    language = value if value == ANY_LANGUAGE else normalize_language(str(value))
    if language is None:
        raise ValueError("expected a language tag such as en, or any")
    return language


def _no_boolean(value: Any) -> Any:
    """In JSON, `true` would otherwise pass for 1."""
    if isinstance(value, bool):
        raise ValueError("expected a number, not true or false")
    return value


# Limits come before `BeforeValidator`. After it, pydantic would not write them to JSON Schemas as
# `minimum` and `maximum`.
Offset = Annotated[int, Field(ge=0, le=MAX_OFFSET), BeforeValidator(_no_boolean)]
Count = Annotated[int, Field(ge=1, le=MAX_LIMIT), BeforeValidator(_no_boolean)]
LinkCount = Annotated[int, Field(ge=1, le=MAX_LINKS), BeforeValidator(_no_boolean)]
Fraction = Annotated[float, Field(ge=0, le=1), BeforeValidator(_no_boolean)]
Days = Annotated[float, Field(gt=0, le=36_500), BeforeValidator(_no_boolean)]
ArticleId = Annotated[
    str,
    BeforeValidator(check_article_id),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_ID_BYTES}),
]
SurfaceName = Annotated[str, Field(pattern=SURFACE_PATTERN)]
LabelFilter = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=1000)], ...], Field(max_length=MAX_VALUES)
]
Languages = Annotated[
    tuple[Annotated[str, BeforeValidator(_to_language)], ...], Field(max_length=MAX_VALUES)
]
Duration = Annotated[
    timedelta,
    BeforeValidator(_to_duration),
    PlainSerializer(format_duration, str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,4}[dwhm]$", "examples": ["90d"]}),
]
# A duration means that long ago, at the time when the list is made.
TimeBound = Annotated[
    datetime | timedelta | None,
    BeforeValidator(_to_time_bound),
    WithJsonSchema({"type": "string", "examples": ["2025-03-13T07:12:44Z", "7d"]}),
]
