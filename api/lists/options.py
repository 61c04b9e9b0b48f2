"""The parameters of every list, as they stand in a query string or the body of a draft."""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar

import orjson
from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from werkzeug.datastructures import MultiDict

from features.article import check_article_id, parse_date
from recommender.errors import InvalidInput, field_problems
from recommender.policy.list_options import SHOWN_DIGEST_BYTES, ListOptions, Mode, shown_digest
from recommender.policy.partial_options import SURFACE_NAME, Duration, PartialListOptions, time_ago

MAX_OFFSET = 1000
MAX_LINKS = 20
MAX_SHARED_LIMIT = 20  # a longer list is no box, and fills the cache
MAX_EXCLUDED = 200
MAX_SHOWN = 400  # articles that a page token stands for; then the first shown are forgotten
MAX_WISHES = 2  # of those that make one of few lists; all of them together would make a thousand

_REPEATABLE = ("section", "tag", "author", "lang", "exclude")
# Whoever asks for one of these asks for a list of his own.
NOT_SHARED = {
    "offset", "exclude", "min_score", "published_after", "published_before", "max_age",
    "half_life", "diversity", "max_per_section", "max_per_author", "max_per_source",
    "page_token", "explain",
}  # fmt: skip
FEW_VALUES = {"surface", "limit", "mode", "story", "sort", "fallback"}
# For clients of Parse.ly, which call them so.
_ALIASES = {"pub_date_start": "published_after", "pub_date_end": "published_before"}


def _moment(value: Any) -> datetime | timedelta | None:
    if isinstance(value, datetime | timedelta):  # read before, from a query string
        return value
    if isinstance(value, str) and (ago := time_ago(value)) is not None:
        return ago
    try:
        return parse_date(value)
    except ValueError:
        raise ValueError("expected an ISO 8601 date, or a time ago such as 7d or 12h") from None


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


PageToken = Annotated[bytes, BeforeValidator(_token)]
Moment = Annotated[datetime | timedelta | None, BeforeValidator(_moment)]
ArticleId = Annotated[str, BeforeValidator(check_article_id)]


class ListQuery(PartialListOptions):
    """What a caller may ask of a list."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    surface: str | None = Field(
        None,
        pattern=SURFACE_NAME,
        description="Where the list stands, such as `home`: by the settings of that surface, or "
        "the site's where it has none",
    )
    offset: int = Field(
        0, ge=0, le=MAX_OFFSET, description=f"How many items to pass over, up to {MAX_OFFSET:,}"
    )
    exclude: tuple[ArticleId, ...] = Field(
        (), max_length=MAX_EXCLUDED, description="Ids of articles that must not stand in the list"
    )
    published_after: Moment = Field(None, description="ISO 8601, or a time ago: `7d`, `12h`")
    published_before: Moment = Field(None, description="ISO 8601, or a time ago: `7d`, `12h`")
    half_life: Duration | None = Field(
        None, description="At this distance in time a score is halved, such as `7d`"
    )
    page_token: PageToken = Field(
        b"", description="As another list of the page gave it: nothing that those show"
    )
    explain: bool = Field(
        False,
        description="Tell shared terms and every factor of each score; needs a key of scope `look`",
    )

    @field_validator("section", "tag", "author")
    @classmethod
    def _folded(cls, values: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Case does not count, so it makes no cache keys either."""
        return None if values is None else tuple(map(str.casefold, values))

    def parameters(self) -> ListOptions:
        return ListOptions(
            **self.said(),
            surface=self.surface,
            offset=self.offset,
            exclude=self.exclude,
            published_after=self.published_after,
            published_before=self.published_before,
            shown=frozenset(_digests(self.page_token)),
            half_life=self.half_life,
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
        if (self.limit or 0) > MAX_SHARED_LIMIT:
            return False
        if sum(getattr(self, name) is not None for name in FEW_VALUES) > MAX_WISHES:
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

    def parameters(self) -> ListOptions:
        """By rank, and with all that a link is made from."""
        return replace(super().parameters(), sort="score", trace=True)


def _digests(token: bytes) -> list[bytes]:
    size = SHOWN_DIGEST_BYTES
    return [token[start : start + size] for start in range(0, len(token), size)]


def list_query(args: "MultiDict[str, str]") -> ListQuery:
    """
    Read the parameters of a list from a query string; unknown ones are ignored.

    Raises:
        InvalidInput: naming the first parameter with a bad value, as the caller spelt it.
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
            raise InvalidInput.at(theirs, "given more than once")
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
        raise InvalidInput.at(names.get(field, field), detail) from None


def _negated(flag: str) -> str:
    return {"true": "false", "1": "false", "false": "true", "0": "true"}.get(flag.lower(), flag)


def single(args: "MultiDict[str, str]", name: str) -> str | None:
    found: Iterable[str] = args.getlist(name)
    values = list(found)
    if len(values) > 1:
        raise InvalidInput.at(name, "given more than once")
    return values[0] if values else None


def checked_id(article_id: str) -> str:
    """An article's id from a path. Raises InvalidInput."""
    try:
        return check_article_id(article_id)
    except ValueError as error:
        raise InvalidInput.at("id", str(error)) from None
