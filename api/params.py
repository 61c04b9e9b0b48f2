"""The parameters of every list, as they stand in a query string or the body of a draft."""

import re
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from werkzeug.datastructures import MultiDict

from features.article import check_article_id, field_problems, parse_date
from features.language import normalize_language
from recommender.errors import InvalidParameter
from recommender.parameters import (
    ANY_LANGUAGE,
    SHOWN_DIGEST_BYTES,
    ListParameters,
    Mode,
    StoryPolicy,
    shown_digest,
)

MAX_LIMIT = 50
MAX_OFFSET = 1000
MAX_LINKS = 20
MAX_SHARED_LIMIT = 20  # a longer list is no box, and fills the cache
MAX_VALUES = 50
MAX_EXCLUDED = 200
MAX_SHOWN = 400  # articles that a page token stands for; then the first shown are forgotten
MAX_WISHES = 2  # of those that make one of few lists; all of them together would make a thousand

_AGO = re.compile(r"([0-9]{1,5})([mhdw])")
_AGO_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_REPEATABLE = ("section", "tag", "author", "lang", "exclude")
# Whoever asks for one of these asks for a list of his own.
NOT_SHARED = {
    "offset", "exclude", "min_score", "published_after", "published_before", "max_age",
    "half_life", "diversity", "max_per_section", "max_per_author", "max_per_source",
    "page_token", "explain",
}  # fmt: skip
FEW_VALUES = {"limit", "mode", "story", "sort", "fallback"}
# For clients of Parse.ly, which call them so.
_ALIASES = {"pub_date_start": "published_after", "pub_date_end": "published_before"}


def _moment(value: Any) -> datetime | timedelta | None:
    if isinstance(value, datetime | timedelta):  # read before, from a query string
        return value
    if isinstance(value, str) and (ago := _AGO.fullmatch(value)):
        return timedelta(**{_AGO_UNITS[ago[2]]: int(ago[1])})
    try:
        return parse_date(value)
    except ValueError:
        raise ValueError("expected an ISO 8601 date, or a time ago such as 7d or 12h") from None


def _duration(value: Any) -> timedelta | None:
    if value is None or isinstance(value, timedelta):
        return value
    ago = _AGO.fullmatch(value) if isinstance(value, str) else None
    if ago is None or int(ago[1]) == 0:
        raise ValueError("expected a time such as 7d, 12h, 30m or 2w")
    return timedelta(**{_AGO_UNITS[ago[2]]: int(ago[1])})


def _token(value: Any) -> bytes:
    if isinstance(value, bytes):  # read before, from a query string
        return value
    try:
        digests = b64decode(value, altchars=b"-_", validate=True)
    except (TypeError, ValueError):
        digests = b"?"
    if len(digests) % SHOWN_DIGEST_BYTES or len(digests) > MAX_SHOWN * SHOWN_DIGEST_BYTES:
        raise ValueError("expected the page_token of another list of this page, as it was given")
    return digests


def _language(value: Any) -> str:
    language = value if value == ANY_LANGUAGE else normalize_language(str(value))
    if language is None:
        raise ValueError("expected a language tag such as en, or any")
    return language


Duration = Annotated[timedelta | None, BeforeValidator(_duration)]
PageToken = Annotated[bytes, BeforeValidator(_token)]
Moment = Annotated[datetime | timedelta | None, BeforeValidator(_moment)]
# Case does not count, so it makes no cache keys either.
Value = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(str.casefold)]
Language = Annotated[str, BeforeValidator(_language)]
ArticleId = Annotated[str, BeforeValidator(check_article_id)]


class ListQuery(BaseModel):
    """What a caller may ask of a list."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    limit: int = Field(5, ge=1, le=MAX_LIMIT, description=f"How many items, 1 to {MAX_LIMIT}")
    offset: int = Field(
        0, ge=0, le=MAX_OFFSET, description=f"How many items to pass over, up to {MAX_OFFSET:,}"
    )
    section: tuple[Value, ...] = Field(
        (), max_length=MAX_VALUES, description="Only these sections; repeat for any of several"
    )
    tag: tuple[Value, ...] = Field(
        (), max_length=MAX_VALUES, description="Only with one of these tags"
    )
    author: tuple[Value, ...] = Field(
        (), max_length=MAX_VALUES, description="Only by one of these authors"
    )
    lang: tuple[Language, ...] | None = Field(
        None,
        max_length=MAX_VALUES,
        description="Only in these languages; `any` for all. Default: the source's",
    )
    exclude: tuple[ArticleId, ...] = Field(
        (), max_length=MAX_EXCLUDED, description="Ids of articles that must not stand in the list"
    )
    published_after: Moment = Field(None, description="ISO 8601, or a time ago: `7d`, `12h`")
    published_before: Moment = Field(None, description="ISO 8601, or a time ago: `7d`, `12h`")
    max_age: Duration = Field(
        None, description="Nothing older than that, such as `90d`, but for evergreen articles"
    )
    mode: Mode = Field(
        "balanced",
        description="`balanced`; `background`: nothing newer than the source; `followup`: what "
        "came after it first; `recent`: what is new today first",
    )
    half_life: Duration = Field(
        None, description="At this distance in time a score is halved, such as `7d`"
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
    sort: Literal["score", "published_at"] = Field(
        "score", description="`score` or `published_at`: the order of the page's items"
    )
    min_score: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Only items at least so similar, by cosine. Default: what the archive calls "
        "related; less similar ones are marked `relaxed`",
    )
    fallback: bool = Field(
        True, description="Fill a short list up with less related and recent articles"
    )
    page_token: PageToken = Field(
        b"", description="As another list of the page gave it: nothing that those show"
    )
    explain: bool = Field(
        False,
        description="Tell shared terms and every factor of each score; needs a key of scope `look`",
    )

    def parameters(self) -> ListParameters:
        return ListParameters(
            limit=self.limit,
            offset=self.offset,
            sections=self.section,
            tags=self.tag,
            authors=self.author,
            languages=self.lang,
            exclude=self.exclude,
            published_after=self.published_after,
            published_before=self.published_before,
            shown=frozenset(_digests(self.page_token)),
            max_age=self.max_age,
            mode=self.mode,
            half_life=self.half_life,
            diversity=self.diversity,
            story=self.story,
            max_per_section=self.max_per_section,
            max_per_author=self.max_per_author,
            max_per_source=self.max_per_source,
            sort=self.sort,
            min_score=self.min_score,
            fallback=self.fallback,
            trace=self.explain,
        )

    def is_plain(self) -> bool:
        """
        Whether this is a list that many readers ask for, and so worth keeping.

        What can take any value is not kept, so that made-up queries cannot fill the cache; nor
        are several values, as one that matches lets the others be anything.
        """
        if any(len(getattr(self, name) or ()) > 1 for name in _REPEATABLE):
            return False
        if self.limit > MAX_SHARED_LIMIT:
            return False
        if len(FEW_VALUES & self.model_fields_set) > MAX_WISHES:
            return False
        return not NOT_SHARED & self.model_fields_set

    def canonical(self) -> bytes:
        """The same bytes for the same wish, however it was spelt; part of cache keys."""
        wish = self.model_dump(exclude_defaults=True)
        return orjson.dumps(wish, default=repr)

    def page_token_with(self, article_ids: Iterable[str]) -> str:
        """The token for the next list of the page, when this one shows *article_ids*."""
        digests = dict.fromkeys((*map(shown_digest, article_ids), *_digests(self.page_token)))
        return urlsafe_b64encode(b"".join(list(digests)[:MAX_SHOWN])).decode()


Query = TypeVar("Query", bound=ListQuery)


class LinkQuery(ListQuery):
    """What a caller may ask of links for a draft, where less will do than for a list."""

    limit: int = Field(5, ge=1, le=MAX_LINKS, description=f"How many links, 1 to {MAX_LINKS}")
    direction: Literal["out", "in"] = Field(
        "out",
        description="`out`: what the draft could link to; `in`: older articles that could link to "
        "the draft",
    )
    mode: Mode = Field(
        "background",
        description="As of every list; `background`, the default here: nothing newer than the "
        "draft",
    )
    fallback: bool = Field(False, description="Fill up with what is less related than that")

    def parameters(self) -> ListParameters:
        """By rank, and with all that a link is made from."""
        return replace(super().parameters(), sort="score", trace=True)


def _digests(token: bytes) -> list[bytes]:
    size = SHOWN_DIGEST_BYTES
    return [token[start : start + size] for start in range(0, len(token), size)]


def list_query(args: "MultiDict[str, str]") -> ListQuery:
    """
    Read the parameters of a list from a query string; unknown ones are ignored.

    Raises:
        InvalidParameter: naming the first parameter with a bad value, as the caller spelt it.
    """
    return query_of(ListQuery, args)


def query_of(model: type[Query], args: "MultiDict[str, str]") -> Query:
    """The parameters that a *model* knows, read as `list_query` reads them."""
    values: dict[str, Any] = {}
    names: dict[str, str] = {}
    for theirs, found in args.lists():
        ours = _ALIASES.get(theirs, theirs)
        if ours not in model.model_fields:
            continue
        if ours in _REPEATABLE:
            values[ours] = tuple(found)
        elif len(found) > 1 or ours in values:
            raise InvalidParameter(theirs, "given more than once")
        else:
            values[ours] = found[0]
        names[ours] = theirs
    respect_empty = single(args, "respect_empty_results")
    if respect_empty is not None and "fallback" not in values:
        values["fallback"] = _negated(respect_empty)
        names["fallback"] = "respect_empty_results"
    return checked_as(model, values, names)


def checked(values: dict[str, Any], names: Mapping[str, str] = MappingProxyType({})) -> ListQuery:
    """The parameters of a list in *values*; *names* says how the caller spelt them."""
    return checked_as(ListQuery, values, names)


def checked_as(
    model: type[Query], values: dict[str, Any], names: Mapping[str, str] = MappingProxyType({})
) -> Query:
    """The parameters that a *model* knows, as `checked` reads them."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        pointer, detail = field_problems(error)[0]
        field = pointer.split("/")[1]
        raise InvalidParameter(names.get(field, field), detail) from None


def _negated(flag: str) -> str:
    return {"true": "false", "1": "false", "false": "true", "0": "true"}.get(flag.lower(), flag)


def single(args: "MultiDict[str, str]", name: str) -> str | None:
    found: Iterable[str] = args.getlist(name)
    values = list(found)
    if len(values) > 1:
        raise InvalidParameter(name, "given more than once")
    return values[0] if values else None


def checked_id(article_id: str) -> str:
    """An article's id from a path. Raises InvalidParameter."""
    try:
        return check_article_id(article_id)
    except ValueError as error:
        raise InvalidParameter("id", str(error)) from None
