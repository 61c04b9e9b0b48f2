"""What may be said of a list, by a request or by the site's settings, and how it is written."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from features.language import normalize_language
from recommender.policy.list_options import ANY_LANGUAGE, DEFAULT_LIMIT, Mode, StoryPolicy

MAX_LIMIT = 50
MAX_VALUES = 50
FLAGS = ("fallback", "explain")
SURFACE_NAME = "^[a-z0-9-]{1,40}$"

_AGO = re.compile(r"([0-9]{1,5})([dwhm])")
_UNITS = {
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
}
# Singular where one value of several is asked for, as in a query string.
_FIELDS = {"section": "sections", "tag": "tags", "author": "authors", "lang": "languages"}


def time_ago(text: str) -> timedelta | None:
    """What `7d`, `12h`, `30m` or `2w` says; None when it is written otherwise."""
    found = _AGO.fullmatch(text)
    return int(found[1]) * _UNITS[found[2]] if found else None


def spelt(duration: timedelta) -> str:
    """As `time_ago` reads it, which it came from."""
    fitting = (f"{duration // unit}{n}" for n, unit in _UNITS.items() if not duration % unit)
    return next(text for text in fitting if _AGO.fullmatch(text))


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    found = time_ago(value) if isinstance(value, str) else None
    if not found:
        raise ValueError("expected a time such as 7d, 12h, 30m or 2w")
    return found


def _language(value: Any) -> str:
    language = value if value == ANY_LANGUAGE else normalize_language(str(value))
    if language is None:
        raise ValueError("expected a language tag such as en, or any")
    return language


def no_flag(value: Any, info: ValidationInfo) -> Any:
    """Refuse true and false where something else is expected."""
    if isinstance(value, bool) and info.field_name not in FLAGS:
        raise ValueError("expected something else than true or false")
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(spelt, str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,4}[dwhm]$", "examples": ["90d"]}),
]
Labels = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=1000)], ...], Field(max_length=MAX_VALUES)
]
Languages = Annotated[
    tuple[Annotated[str, BeforeValidator(_language)], ...], Field(max_length=MAX_VALUES)
]


class PartialListOptions(BaseModel):
    """What a request may say of its list, and the site's settings in its stead; None: not said."""

    model_config = ConfigDict(frozen=True)

    limit: int | None = Field(
        None,
        ge=1,
        le=MAX_LIMIT,
        description=f"How many items, 1 to {MAX_LIMIT}. Default: {DEFAULT_LIMIT}",
    )
    section: Labels | None = Field(
        None, description="Only these sections; repeat for any of several"
    )
    tag: Labels | None = Field(None, description="Only with one of these tags")
    author: Labels | None = Field(None, description="Only by one of these authors")
    lang: Languages | None = Field(
        None, description="Only in these languages; `any` for all. Default: the source's"
    )
    max_age: Duration | None = Field(
        None, description="Nothing older than that, such as `90d`, but for evergreen articles"
    )
    mode: Mode | None = Field(
        None,
        description="`balanced`, the default; `background`: nothing newer than the source; "
        "`followup`: what came after it first; `recent`: what is new today first",
    )
    diversity: float | None = Field(
        None, ge=0, le=1, description="0 by relatedness alone, 1 as unlike each other as can be"
    )
    story: StoryPolicy | None = Field(
        None,
        description="Which of the articles that tell one story: `best`, `newest` or `original`",
    )
    max_per_section: int | None = Field(None, ge=1, le=MAX_LIMIT, description="Of one section")
    max_per_author: int | None = Field(None, ge=1, le=MAX_LIMIT, description="By one author")
    max_per_source: int | None = Field(
        None, ge=1, le=MAX_LIMIT, description="From one publisher, that is one host of `url`"
    )
    sort: Literal["score", "published_at"] | None = Field(
        None, description="`score`, the default, or `published_at`: the order of the page's items"
    )
    min_score: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Only items at least so similar, by cosine. Default: what the archive calls "
        "related; less similar ones are marked `relaxed`",
    )
    fallback: bool | None = Field(
        None,
        description="Fill a short list up with less related and recent articles. Default: `true`",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_flag(cls, value: Any, info: ValidationInfo) -> Any:
        """What is read from a query string is text; in JSON `true` would pass for 1."""
        return no_flag(value, info)

    def said(self) -> dict[str, Any]:
        """What is not left open, by field of `ListParameters`."""
        found = {name: getattr(self, name) for name in PartialListOptions.model_fields}
        return {_FIELDS.get(n, n): value for n, value in found.items() if value is not None}
