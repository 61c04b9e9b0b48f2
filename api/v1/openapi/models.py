"""What does the service answer? Models of it, where no other module has them."""

from typing import Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import JsonSchemaMode

from api.v1.events import EventBatch
from api.v1.openapi.figures import NamedArticle, Overview
from features.article import Article, Image
from recommender.policy.rules import Rule
from recommender.policy.site_settings import SiteSettings
from recommender.storage.audit import AuditEntry

_PENALTY = (
    "`diversity` times the highest cosine with an item before it: what is taken from "
    "`(1 - diversity) · score / best score` when places are given"
)


class Reason(BaseModel):
    """Why an item stands in the list."""

    code: Literal["similar", "pinned", "relaxed", "same_section", "recent", "other_language"]
    text: str
    same_story: list[str] = Field(
        default=[],
        description="Ids of other articles that tell the same story; this one stands for them",
    )


class SharedTerm(BaseModel):
    """A term that both texts hold; the weights of all add up to the similarity."""

    term: str
    weight: float


class Card(BaseModel):
    """What is shown of an article."""

    id: str
    url: str | None
    title: str
    excerpt: str | None
    image: Image | None
    published_at: str | None
    updated_at: str | None
    section: str | None
    tags: list[str]
    authors: list[str]
    language: str | None


class ListItem(Card):
    """An article as a list shows it."""

    score: float = Field(
        description="What the order goes by: the product of `factors`, six decimals"
    )
    position: int = Field(ge=1)
    reason: Reason
    similarity: float = Field(
        default=0.0, description="Cosine with the source; only with `explain`"
    )
    factors: dict[str, float] = Field(
        default={}, description="What each part adds to the score; only with `explain`"
    )
    diversity_penalty: float = Field(default=0.0, description=f"{_PENALTY}; only with `explain`")
    terms: list[SharedTerm] = Field(
        default=[], description="Shared terms, the heaviest first; only with `explain`"
    )


class ListSource(BaseModel):
    """What the list stands beside; without id and url for a draft."""

    id: str | None
    url: str | None
    title: str | None


class List(BaseModel):
    """A list of articles, best first."""

    source: ListSource | None
    items: list[ListItem]
    recommendation_id: str
    version: int = Field(description="Number of the site's last change that the list knows of")
    fallback: bool = Field(description="Whether less related or recent articles fill the list up")
    page_token: str = Field(
        description="Hand it to the next list of the page, which then shows others"
    )


class Anchor(BaseModel):
    """The phrase that a link stands on, and where in the body of the text that links."""

    start: int = Field(description="In characters (Unicode code points), from 0")
    end: int = Field(description="Where it is over")
    start_utf16: int = Field(description="The same as JavaScript counts, in UTF-16 code units")
    end_utf16: int
    text: str = Field(description="What stands there; in HTML as it was sent")
    html: str | None = Field(description="A link on it; null without an http or https address")


class AfterParagraph(BaseModel):
    """Where a line of its own belongs: behind the paragraph of the phrase, its tags included."""

    index: int = Field(description="Of the paragraph, from 0")
    offset: int = Field(description="In the body, in characters")
    offset_utf16: int


class Link(BaseModel):
    """
    One link. At most one stands in a paragraph; what has no place left, or is named nowhere in the
    text, has no anchor.
    """

    target: Card | None = Field(default=None, description="What to link to, with `direction=out`")
    source: Card | None = Field(
        default=None, description="What could link to the draft, with `direction=in`"
    )
    score: float
    reason: Reason
    anchor: Anchor | None = Field(
        description="In the body of the draft as it was sent or, with `direction=in`, of the older "
        "article as it is stored"
    )
    after_paragraph: AfterParagraph | None
    html: str | None = Field(description="“Also See” as a paragraph of its own")


class DuplicateArticle(BaseModel):
    """A published article that tells the draft's story in the same words."""

    id: str
    title: str
    url: str | None
    published_at: str | None
    similarity: float = Field(description="Cosine with the draft")
    overlap: float = Field(
        description="Which part of the shorter text's word pairs the longer one has too"
    )
    message: str


class LinkingDraft(BaseModel):
    """The draft; its language is detected where it says none."""

    id: str | None
    title: str
    language: str | None


class Links(BaseModel):
    """Links for a draft, best first."""

    draft: LinkingDraft
    direction: Literal["out", "in"]
    version: int = Field(description="Number of the site's last change that they know of")
    items: list[Link]
    duplicates: list[DuplicateArticle]


class Why(BaseModel):
    """Why an article stands in a list, or does not."""

    code: str
    text: str
    by: str | None = Field(default=None, description="Id of the article that stands for it")


class Explanation(BaseModel):
    """One article beside another."""

    source: NamedArticle
    target: NamedArticle
    shown: bool = Field(description="Whether it stands on the page that was asked for")
    position: int | None = Field(description="In the whole ranking, from 1")
    reason: Why
    rule: Rule | None = Field(description="The editors' rule that decided, if one did")
    similarity: float = Field(description="Cosine; the weights of the terms add up to it")
    score: float | None
    factors: dict[str, float] = Field(description="Their product is the score")
    diversity_penalty: float = Field(description=_PENALTY)
    terms: list[SharedTerm]


class RankedItem(NamedArticle):
    """A candidate that has a place."""

    position: int
    score: float
    similarity: float
    factors: dict[str, float]
    diversity_penalty: float
    terms: list[SharedTerm]
    reason: Reason


class DroppedItem(NamedArticle):
    """A candidate that has none."""

    reason: Why


class Ranking(BaseModel):
    """The candidates of an article, with all that moved them."""

    source: NamedArticle
    version: int
    items: list[RankedItem]
    dropped: list[DroppedItem]


class FieldError(BaseModel):
    """What is wrong with one field or parameter."""

    pointer: str = Field(description="JSON Pointer to the field, or `/name` of the parameter")
    detail: str


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


class Stored(BaseModel):
    """What became of one article."""

    id: str
    outcome: str = Field(description="`added`, `changed` or `unchanged`")
    version: int = Field(description="Number of the site's last change")
    warnings: list[FieldError] = Field([], description="Optional fields that were left out or cut")


class LineResult(BaseModel):
    """What became of one line."""

    line: int = Field(ge=1)
    id: str | None
    status: str = Field(description="`added`, `changed`, `unchanged` or `rejected`")
    errors: list[FieldError] = []
    warnings: list[FieldError] = Field([], description="Optional fields that were left out or cut")


class Override(BaseModel):
    """A rule about an article: beside it, or `everywhere`, for that article in every list."""

    id: str
    article: str | None = Field(None, description="What the rule does something to")
    section: str | None = Field(None, description="What the rule does something to")
    everywhere: bool = Field(False, description="About this very article, in every list")
    position: int | None = Field(None, description="Of pins")
    factor: float | None = Field(None, description="Of boosts and buries")
    flag: str | None = Field(None, description="Of flags")
    author: str
    key_id: str
    note: str
    created_at: str
    expires_at: str | None


class ArticleOverrides(BaseModel):
    """Every rule about one article."""

    article: str
    revision: str = Field(description="Differs when any of them does; also the ETag")
    pins: list[Override]
    blocks: list[Override]
    boosts: list[Override]
    buries: list[Override]
    flags: list[Override]


class RulePage(BaseModel):
    """Rules, newest first."""

    items: list[Rule]
    next: str | None = Field(description="The `cursor` of the next page, if there is one")


class AuditedChange(AuditEntry):
    """A change, and whether it stands."""

    undone_by: str | None = Field(
        description="The id of the entry that took this one back, if that stands itself"
    )


class AuditPage(BaseModel):
    """Changes, newest first; a page may be short, or empty, with more to come."""

    items: list[AuditedChange]
    next: str | None = Field(description="The `cursor` of the next page, if there is one")


class Settings(SiteSettings):
    """How lists are made whose requests do not say; what is not said here is left out."""

    revision: str = Field(description="Differs when the settings do; also the ETag")


class Move(BaseModel):
    """What becomes of an item from list `a` to list `b`."""

    code: Literal["same", "up", "down", "in", "out"]
    places: int = Field(description="How far up or down")


class MovingItem(ListItem):
    """An item of one of two lists."""

    movement: Move


class SideBySide(BaseModel):
    """The lists beside one article by two settings."""

    version: int
    source: ListSource
    overlap: float = Field(description="Of all items, the share that both lists have")
    a: list[MovingItem]
    b: list[MovingItem]


class SampleFigures(BaseModel):
    """Lists of a sample in figures; null where there is nothing to take a mean of."""

    items: float | None = Field(description="In a list, on average")
    age_days: float | None = Field(description="Of the items, the median")
    distance_days: float | None = Field(
        description="In time between the items and what they stand beside, the median"
    )
    cosine: float | None = Field(description="How alike the items of a list are, on average")
    sections: float | None = Field(description="Different ones in a list, on average")
    fallback: float | None = Field(description="Share of the items that only fill a list up")


class Sampled(BaseModel):
    """How two settings differ over a sample: half the newest articles, half from anywhere."""

    articles: int
    changed: float | None = Field(description="Share of the lists in which any place differs")
    overlap: float | None = Field(description="Of all items of two lists, the share in both")
    moved: float | None = Field(description="Places that the items of both lists go, on average")
    a: SampleFigures
    b: SampleFigures


class Health(BaseModel):
    """The process is alive."""

    status: str


class Readiness(BaseModel):
    """The state of each site: `ready`, or why it is not."""

    ready: bool
    sites: dict[str, str]


ANSWERS: dict[type[BaseModel], JsonSchemaMode] = {
    Article: "serialization",
    Stored: "serialization",
    Rule: "serialization",
    RulePage: "serialization",
    AuditEntry: "serialization",
    AuditedChange: "serialization",
    AuditPage: "serialization",
    Overview: "serialization",
    Health: "serialization",
    Readiness: "serialization",
    # What is missing where there is nothing to say.
    List: "validation",
    Links: "validation",
    Explanation: "validation",
    Ranking: "validation",
    EventBatch: "validation",
    Problem: "validation",
    LineResult: "validation",
    ArticleOverrides: "validation",
    Settings: "validation",
    SideBySide: "validation",
    Sampled: "validation",
}
