"""
The options of a list. Each is declared once, here.

Query strings, drafts, site settings, commands, `/openapi.json`, the settings form and
docs/LIST-OPTIONS.md are generated from these declarations (see `recommender.policy.option`).
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from recommender.policy.option import Option
from recommender.policy.option_types import (
    MAX_LIMIT,
    MAX_LINKS,
    MAX_OFFSET,
    ArticleId,
    Count,
    Duration,
    Fraction,
    LabelFilter,
    Languages,
    LinkCount,
    Mode,
    Offset,
    SortOrder,
    StoryPolicy,
    SurfaceName,
    TimeBound,
)
from recommender.policy.page_token import PageToken

DEFAULT_LIMIT = 5
MAX_EXCLUDED = 200
SPARE = 5
MAX_PAGE = 1000  # of a listing


# The filters, which listings have too.
SectionFilter = Annotated[
    LabelFilter | None,
    Field(description="Only articles of this section. Repeat it to allow several"),
    Option(
        example="World",
        not_in=frozenset({"draft"}),
        caching="one value",
        label="Only these sections",
    ),
]
TagFilter = Annotated[
    LabelFilter | None,
    Field(description="Only articles with this tag. Repeat it to allow several"),
    Option(example="war", caching="one value", label="Only with one of these tags"),
]
AuthorFilter = Annotated[
    LabelFilter | None,
    Field(description="Only articles by this author. Repeat it to allow several"),
    Option(
        example="Ana Ruiz",
        not_in=frozenset({"draft"}),
        caching="one value",
        label="Only by these authors",
    ),
]
PublishedAfter = Annotated[
    TimeBound | None,
    Field(
        description="Only articles published at this time or later: ISO 8601, or a time ago "
        "such as `7d` or `12h`"
    ),
    Option(example="7d", aliases=("pub_date_start",)),
]
PublishedBefore = Annotated[
    TimeBound | None,
    Field(
        description="Only articles published before this time: ISO 8601, or a time ago such "
        "as `7d` or `12h`"
    ),
    Option(example="2025-03-13", aliases=("pub_date_end",)),
]


class SharedOptions(BaseModel):
    """
    Options that a request, a surface or a site may set.

    None means that the option is not set; the next of request, surface, site and ranking model
    then decides. Values of one option are alternatives, and an article must satisfy all options.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    # What may be in the list

    limit: Annotated[
        Count | None,
        Field(description=f"How many items, 1 to {MAX_LIMIT}. Default: {DEFAULT_LIMIT}"),
        Option(
            example="6",
            caching="few values",
            label="Number of items",
            placeholder=str(DEFAULT_LIMIT),
        ),
    ] = None
    section: SectionFilter = None
    tag: TagFilter = None
    author: AuthorFilter = None
    lang: Annotated[
        Languages | None,
        Field(
            description="Only articles in this language, or `any`. Repeat it to allow several. "
            "Default: the language of the source article"
        ),
        Option(
            example="en",
            not_in=frozenset({"draft"}),
            caching="one value",
            widget_name="languages",
            label="Only in these languages",
            placeholder="the language of the article",
        ),
    ] = None
    max_age: Annotated[
        Duration | None,
        Field(
            description="No article older than this, such as `90d`. Evergreen articles may be older"
        ),
        Option(
            example="90d",
            label="Maximum age of an article",
            placeholder="such as 90d",
            is_basic=True,
        ),
    ] = None
    # How the list is ordered and mixed

    mode: Annotated[
        Mode | None,
        Field(
            description="`balanced` (the default), `background` (nothing newer than the source "
            "article), `followup` (newer articles first) or `recent` (today's news first)"
        ),
        Option(
            example="recent",
            caching="few values",
            label="Mode",
            choices={
                "balanced": "balanced",
                "background": "background: nothing newer than the article",
                "followup": "follow-up: newer articles first",
                "recent": "recent: today's news first",
            },
            is_basic=True,
        ),
    ] = None
    diversity: Annotated[
        Fraction | None,
        Field(
            description="0 orders by relatedness alone, 1 makes the items as different from each "
            "other as possible"
        ),
        Option(example="0.3", label="Diversity, 0 to 1", is_basic=True),
    ] = None
    story: Annotated[
        StoryPolicy | None,
        Field(
            description="Which article represents a story that several articles tell: `best`, "
            "`newest` or `original`"
        ),
        Option(
            example="newest",
            caching="few values",
            label="Article that represents a story",
            choices={
                "best": "the most related",
                "newest": "the newest",
                "original": "the first published",
            },
        ),
    ] = None
    max_per_section: Annotated[
        Count | None,
        Field(description="At most this many items of one section"),
        Option(example="2", label="Most items of one section"),
    ] = None
    max_per_author: Annotated[
        Count | None,
        Field(description="At most this many items by one author"),
        Option(example="2", label="Most items by one author"),
    ] = None
    max_per_source: Annotated[
        Count | None,
        Field(description="At most this many items of one publisher, that is one host of `url`"),
        Option(example="2", label="Most items of one publisher"),
    ] = None
    sort: Annotated[
        SortOrder | None,
        Field(
            description="Order of the items on a page: `score` (the default) or `published_at` "
            "(newest first)"
        ),
        Option(
            example="published_at",
            not_in=frozenset({"links"}),
            caching="few values",
            label="Order",
            choices={"score": "by score", "published_at": "newest first"},
        ),
    ] = None
    # How related its items must be

    min_score: Annotated[
        Fraction | None,
        Field(
            description="Least cosine similarity of an item. Default: a threshold computed from "
            "the archive; less similar items are marked `relaxed`"
        ),
        Option(
            example="0.15",
            label="Least similarity, 0 to 1",
            placeholder="computed from the archive",
            is_basic=True,
        ),
    ] = None
    fallback: Annotated[
        bool | None,
        Field(
            description="Fill a short list with less related and recent articles. Default: `true`"
        ),
        Option(
            example="false",
            caching="few values",
            # Names of Parse.ly's API, here and below, for sites that come from there.
            opposites=("respect_empty_results",),
            label="Fill a short list",
            choices={"true": "yes", "false": "no"},
        ),
    ] = None


class ListOptions(SharedOptions):
    """Everything that a request may ask of a list."""

    # Only for mistakes in Python: a query string is read option by option.
    model_config = ConfigDict(extra="forbid")

    surface: Annotated[
        SurfaceName | None,
        Field(
            description="Name of the place where the list is shown, such as `home`. Its settings "
            "apply, or those of the site if it has none"
        ),
        Option(example="home", caching="few values"),
    ] = None
    offset: Annotated[
        Offset,
        Field(description=f"How many items to skip, up to {MAX_OFFSET:,}"),
        Option(example="5"),
    ] = 0
    exclude: Annotated[
        tuple[ArticleId, ...],
        Field(
            max_length=MAX_EXCLUDED,
            description="Id of an article to leave out. Repeat it to leave out several",
        ),
        Option(example="2025/03/13/kursk", metavar="ID"),
    ] = ()
    published_after: PublishedAfter = None
    published_before: PublishedBefore = None
    half_life: Annotated[
        Duration | None,
        Field(description="Distance in time at which a score is halved, such as `7d`"),
        Option(example="7d"),
    ] = None
    page_token: Annotated[
        PageToken,
        Field(
            description="The `page_token` of another list on the page. Articles that lists before "
            "this one show are left out"
        ),
        Option(not_in=frozenset({"widget"}), metavar="TOKEN"),
    ] = PageToken()
    explain: Annotated[
        bool,
        Field(
            description="Add the shared terms and every factor of each score. Over HTTP it needs a "
            "key with the scope `look`"
        ),
        Option(example="true", not_in=frozenset({"links", "widget"})),
    ] = False

    @field_validator("section", "tag", "author")
    @classmethod
    def _fold(cls, labels: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Case does not count, so it must not make different cache keys either."""
        return None if labels is None else tuple(map(str.casefold, labels))

    @property
    def last_place(self) -> int:
        """How many places the list must fill for this page."""
        return self.offset + (DEFAULT_LIMIT if self.limit is None else self.limit)

    @property
    def depth(self) -> int:
        """Some places more, because a card is missing while its article is being deleted."""
        return self.last_place + SPARE

    @property
    def fills_up(self) -> bool:
        return self.fallback is not False

    def replacing(self, **changes: object) -> Self:
        """A copy with other values, which are not validated."""
        return self.model_copy(update=changes)


class ListingOptions(BaseModel):
    """Which articles to list, without a ranking."""

    section: SectionFilter = None
    tag: TagFilter = None
    author: AuthorFilter = None
    lang: Annotated[
        Languages | None,
        Field(description="Only articles in this language. Repeat it to allow several"),
    ] = None
    published_after: PublishedAfter = None
    published_before: PublishedBefore = None
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE, description="How many articles")] = 100
    cursor: Annotated[ArticleId | None, Field(description="`next` of the page before")] = None


class LinkOptions(ListOptions):
    """Everything that a request may ask of links for a draft."""

    limit: Annotated[
        LinkCount,
        Field(description=f"How many links, 1 to {MAX_LINKS}"),
        Option(example="3"),
    ] = 5
    direction: Annotated[
        Literal["out", "in"],
        Field(
            description="`out`: archive articles that the draft could link to; `in`: older "
            "articles that could link to the draft"
        ),
        Option(example="in"),
    ] = "out"
    mode: Annotated[
        Mode,
        Field(
            description="As for every list, but `background` is the default: nothing newer than "
            "the draft"
        ),
        Option(example="balanced"),
    ] = "background"
    fallback: Annotated[
        bool, Field(description="Fill up with less related articles"), Option(example="true")
    ] = False

    def as_list_options(self) -> ListOptions:
        """Options of the list that the links are taken from: by score, with shared terms."""
        return self.replacing(sort="score", explain=True)


def moment_of(bound: datetime | timedelta | None, now: datetime) -> datetime | None:
    """The moment that a `TimeBound` means at *now*."""
    return now - bound if isinstance(bound, timedelta) else bound
