"""Links for a draft: what its text could link to, and which older articles could link to it."""

from collections.abc import Iterator
from datetime import datetime
from html import escape
from itertools import chain, islice
from typing import Annotated, Literal, NamedTuple, NotRequired
from urllib.parse import urljoin

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

from api.lists.document import ItemReason, explained
from api.lists.words import box_words
from features.addresses import is_on, normalize_url
from features.analyzer import analyze
from features.article import UNSAVED_ID, Article, parse_draft
from features.fields import sender_names
from features.language import language_of_words
from features.offsets import OffsetText, read, read_plain, utf16_offset
from features.schemas import ID, accepts, text
from features.site_defaults import SiteDefaults
from features.vectorizer import term_ids
from recommender.articles import Card, StoredArticle
from recommender.errors import InvalidInput
from recommender.index.index import SCORE_DECIMALS
from recommender.pipeline.anchors import (
    Anchor,
    Subject,
    announced_titles,
    link_addresses,
    place_links,
)
from recommender.pipeline.duplicates import Duplicate
from recommender.pipeline.results import ListItem
from recommender.pipeline.subjects import SubjectFinder
from recommender.policy.list_options import LinkOptions, ListOptions
from recommender.replica.site import SiteReplica

SPARE = 20  # more candidates, because the text may link to some already
MAX_DUPLICATES = 5


class SentDraft(Article):
    """A story that is being written, and options of the list for it."""

    model_config = ConfigDict(extra="ignore")

    id: Annotated[str, accepts(ID)] = ""
    title: Annotated[str, accepts(text("Text or HTML; may be missing if there is a body"))] = ""


class SentLinkDraft(SentDraft):
    """A story that is being written, and options of the links for it."""


class LinkAnchor(TypedDict):
    """The phrase that a link is placed on, and where it is in the body of the linking text."""

    start: Annotated[int, Field(description="In characters (Unicode code points), from 0")]
    end: Annotated[int, Field(description="After its last character")]
    start_utf16: Annotated[
        int, Field(description="The same as JavaScript counts, in UTF-16 code units")
    ]
    end_utf16: int
    text: Annotated[str, Field(description="The phrase; in HTML, as it was sent")]
    html: Annotated[
        str | None, Field(description="A link on it; null without an http or https address")
    ]


class AfterParagraph(TypedDict):
    """Where a separate line belongs: after the paragraph of the phrase, its tags included."""

    index: Annotated[int, Field(description="Of the paragraph, from 0")]
    offset: Annotated[int, Field(description="In the body, in characters")]
    offset_utf16: int


class LinkPlace(TypedDict):
    """Where a link can be placed."""

    anchor: Annotated[
        LinkAnchor | None,
        Field(
            description="In the body of the draft as it was sent or, with `direction=in`, of the "
            "older article as it is stored"
        ),
    ]
    after_paragraph: AfterParagraph | None
    html: Annotated[str | None, Field(description="“Also See” as a separate paragraph")]


class SuggestedLink(LinkPlace):
    """
    One link. A paragraph has one link at most. A link has no anchor if the text does not name it,
    or if no paragraph is left.
    """

    target: NotRequired[Annotated[Card, Field(description="What to link to, with `direction=out`")]]
    source: NotRequired[
        Annotated[Card, Field(description="What could link to the draft, with `direction=in`")]
    ]
    score: float
    reason: ItemReason


class DuplicateArticle(TypedDict):
    """A published article that tells the draft's story in the same words."""

    id: str
    title: str
    url: str | None
    published_at: str | None
    similarity: Annotated[float, Field(description="Cosine with the draft")]
    overlap: Annotated[
        float,
        Field(description="Share of the shorter text's word pairs that the longer text has too"),
    ]
    message: str


class LinkingDraft(TypedDict):
    """The draft; its language is detected if it has none."""

    id: str | None
    title: str
    language: str | None


class Links(TypedDict):
    """Links for a draft, best first."""

    draft: LinkingDraft
    direction: Literal["out", "in"]
    version: Annotated[
        int, Field(description="Number of the site's last change that the links know of")
    ]
    items: list[SuggestedLink]
    duplicates: list[DuplicateArticle]


class Draft(NamedTuple):
    """A story that is not stored: as an article, as features, and its body as it was sent."""

    article: Article
    stored: StoredArticle
    body: OffsetText

    @property
    def id(self) -> str:
        return self.article.id

    @property
    def own_id(self) -> str | None:
        """The id of the stored article that this is a new version of, if the sender gave one."""
        return None if self.id == UNSAVED_ID else self.id


class _PlacedItem(NamedTuple):
    item: ListItem
    place: LinkPlace


def read_draft(data: object, defaults: SiteDefaults) -> Draft:
    """Read a draft as the newsroom sends it. Raises InvalidInput."""
    article = parse_draft(data, defaults)
    body = data.get(sender_names(data).get("body", "")) if isinstance(data, dict) else None
    if body is not None and not isinstance(body, str):
        raise InvalidInput.at("body", "expected text")
    # The article's body is cleaned; places of links count in the body as it was sent.
    return Draft(article, StoredArticle.of_draft(article), read(body or ""))


def suggestions(live: SiteReplica, draft: Draft, options: LinkOptions, now: datetime) -> Links:
    """What the draft could link to or, with `direction=in`, what could link to it."""
    find = _links_out if options.direction == "out" else _links_in
    placed_items, version = find(live, draft, options, now)
    finder = SubjectFinder(draft.article)
    texts = live.texts([item.card["id"] for item, _ in placed_items])
    duplicates, _ = live.read_with_cards(
        lambda recommender: recommender.duplicates(draft.stored, now, draft.id)
    )
    items: list[SuggestedLink] = []
    for item, place in placed_items:
        reason = explained(item, finder, texts.get(item.card["id"]))["reason"]
        link: SuggestedLink = {
            "anchor": place["anchor"],
            "after_paragraph": place["after_paragraph"],
            "html": place["html"],
            "score": item.score,
            "reason": reason,
        }
        # The key says which of the two is to link to the other.
        link["target" if options.direction == "out" else "source"] = item.card
        items.append(link)
    return {
        "draft": {
            "id": draft.own_id,
            "title": draft.article.title,
            "language": draft.article.language,
        },
        "direction": options.direction,
        "version": version,
        "items": items,
        "duplicates": list(map(_duplicate_article, duplicates[:MAX_DUPLICATES])),
    }


def _links_out(
    live: SiteReplica, draft: Draft, options: LinkOptions, now: datetime
) -> tuple[list[_PlacedItem], int]:
    """What the draft could link to and does not yet, with places in the draft."""
    article = draft.article
    body = draft.body
    list_options = _with_spare(options)
    related, version = live.read_with_cards(
        lambda recommender: recommender.related_to(draft.stored, list_options, now, draft.own_id)
    )
    linked = _linked(draft)
    items = [item for item in related.items if linked.isdisjoint(_names(item.card))]
    # Cut before places are chosen, or an item that is not shown could take a paragraph.
    items = items[: options.limit]
    subjects = [_subject(item, item.card["title"], item.card["language"]) for item in items]
    anchors = place_links(body, article.title, article.language, subjects)
    placed_items = []
    for item, anchor in zip(items, anchors, strict=True):
        link = _HtmlLink(item.card["url"], item.card["title"], article.language)
        placed_items.append(_PlacedItem(item, _link_place(anchor, body.sent, link)))
    return placed_items, version


def _links_in(
    live: SiteReplica, draft: Draft, options: LinkOptions, now: datetime
) -> tuple[list[_PlacedItem], int]:
    """What could link to the draft and does not yet, with places in the stored texts."""
    list_options = _with_spare(options)
    related, version = live.read_with_cards(
        lambda recommender: recommender.linking_to(draft.stored, list_options, now, draft.id)
    )

    def place_all() -> Iterator[_PlacedItem]:
        for item in related.items:
            place = _place_in_host(live, draft, item)
            if place is not None:
                yield _PlacedItem(item, place)

    # Only as many as needed: reading a story takes longer than ranking it.
    return list(islice(place_all(), options.limit)), version


def _place_in_host(live: SiteReplica, draft: Draft, item: ListItem) -> LinkPlace | None:
    """The place of a link to the draft; None if the host announces it already, or is deleted."""
    article = draft.article
    host = live.texts([item.card["id"]]).get(item.card["id"])
    if host is None or article.title.casefold() in map(str.casefold, announced_titles(host.body)):
        return None
    subject = _subject(item, article.title, article.language)
    [anchor] = place_links(read_plain(host.body), host.title, host.language, [subject])
    return _link_place(anchor, host.body, _HtmlLink(article.url, article.title, host.language))


def _with_spare(options: LinkOptions) -> ListOptions:
    return options.as_list_options().replacing(limit=options.limit + SPARE)


def _subject(item: ListItem, title: str, language: str | None) -> Subject:
    weights: dict[int, float] = {}
    if item.shared is not None:
        weights.update(zip(item.shared.terms.tolist(), item.shared.weights.tolist(), strict=True))
    title_terms = chain.from_iterable(analyze(title, language))
    return Subject(weights, frozenset(term_ids([*title_terms])))


def _linked(draft: Draft) -> set[str]:
    """The addresses that the draft links to, and the titles that it announces."""
    base = draft.article.url or ""
    names = {_address(base, address) for address in link_addresses(draft.body)}
    # Older articles announce others by title, in a separate line.
    names |= {title.casefold() for title in announced_titles(draft.body.located.text)}
    return names - {""}


def _names(card: Card) -> set[str]:
    return {_address("", card["url"] or ""), card["title"].casefold()}


def _address(base: str, url: str) -> str:
    """The normal form of an address; empty if it is not an address."""
    try:
        return normalize_url(urljoin(base, url))
    except ValueError:
        return ""


class _HtmlLink(NamedTuple):
    """What a link leads to, and the language of the text around it."""

    url: str | None
    title: str
    language: str | None

    def on(self, phrase: str) -> str | None:
        """The link on a phrase; None without an address on the web."""
        if not self.url or not is_on(self.url, ()):
            return None
        # Both are escaped, because editors paste this into their pages.
        return f'<a href="{escape(self.url)}">{escape(phrase)}</a>'

    def paragraph(self) -> str | None:
        link = self.on(self.title)
        language = language_of_words(self.language, self.title)
        return link and f"<p>{box_words(language).heading}: {link}</p>"


def _link_place(anchor: Anchor | None, sent: str, link: _HtmlLink) -> LinkPlace:
    if anchor is None:
        return {"anchor": None, "after_paragraph": None, "html": link.paragraph()}
    return {
        "anchor": {
            "start": anchor.start,
            "end": anchor.end,
            "start_utf16": utf16_offset(sent, anchor.start),
            "end_utf16": utf16_offset(sent, anchor.end),
            "text": anchor.text,
            "html": link.on(anchor.words),
        },
        "after_paragraph": {
            "index": anchor.paragraph,
            "offset": anchor.closes_at,
            "offset_utf16": utf16_offset(sent, anchor.closes_at),
        },
        "html": link.paragraph(),
    }


def _duplicate_article(duplicate: Duplicate) -> DuplicateArticle:
    card = duplicate.card
    return {
        "id": card["id"],
        "title": card["title"],
        "url": card["url"],
        "published_at": card["published_at"],
        "similarity": duplicate.similarity,
        "overlap": round(duplicate.overlap, SCORE_DECIMALS),
        "message": f"We already ran this{_on_date(card['published_at'])}.",
    }


def _on_date(published_at: str | None) -> str:
    if published_at is None:
        return ""
    date = datetime.fromisoformat(published_at)
    return f" on {date.day} {date:%B %Y}"
