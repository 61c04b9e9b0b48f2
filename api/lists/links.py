"""Links for a draft: where its text should point to the archive, and who should point to it."""

from datetime import datetime
from html import escape
from itertools import chain, islice
from typing import Any, NamedTuple, Self
from urllib.parse import urljoin

from api.lists.answer import explained
from api.lists.words import words
from features.analyzer import analyze
from features.article import UNSAVED_ID, Article, parse_draft
from features.fields import sender_names
from features.offsets import OffsetText, read, read_plain, utf16_offset
from features.site_defaults import SiteDefaults
from features.vectorizer import term_ids
from recommender.articles import Card, StoredArticle
from recommender.errors import InvalidInput
from recommender.index.index import SCORE_DECIMALS
from recommender.pipeline.anchors import Anchor, Subject, addresses, announced, placed
from recommender.pipeline.duplicates import Duplicate
from recommender.pipeline.explain import spellings
from recommender.pipeline.results import ListItem
from recommender.policy.list_options import LinkOptions, ListOptions
from recommender.replica.site import SiteReplica
from recommender.sources.urls import is_on, normalize_url

Found = tuple[list[tuple[ListItem, dict[str, Any]]], int]

SPARE = 20  # candidates, for those that the text links to already
MOST_DUPLICATES = 5


class Draft(NamedTuple):
    """A story that nobody stores: as an article, as numbers, and its body as it was sent."""

    article: Article
    stored: StoredArticle
    reading: OffsetText

    @property
    def id(self) -> str:
        return self.article.id


def read_draft(data: object, defaults: SiteDefaults) -> Draft:
    """Read a draft as the newsroom sends it. Raises InvalidInput."""
    article = parse_draft(data, defaults)
    sent = data.get(sender_names(data).get("body", "")) if isinstance(data, dict) else None
    if sent is not None and not isinstance(sent, str):
        raise InvalidInput.at("body", "expected text")
    return Draft(article, StoredArticle.of_draft(article), read(sent or ""))


def suggestions(
    live: SiteReplica, draft: Draft, query: LinkOptions, now: datetime
) -> dict[str, Any]:
    """The answer as the API gives it: what to link to or, with `direction=in`, from where."""
    outward = query.direction == "out"
    find = _out if outward else _in
    found, version = find(live, draft, query, now)
    duplicates, _ = live.read_with_cards(
        lambda recommender: recommender.duplicates(draft.stored, now, draft.id)
    )
    spelt = spellings(draft.article)
    return {
        "draft": {
            "id": None if draft.id == UNSAVED_ID else draft.id,
            "title": draft.article.title,
            "language": draft.article.language,
        },
        "direction": query.direction,
        "version": version,
        "items": [
            {
                ("target" if outward else "source"): item.card,
                "score": item.score,
                "reason": explained(item, spelt)["reason"],
                **place,
            }
            for item, place in found
        ],
        "duplicates": [_duplicate(one) for one in duplicates[:MOST_DUPLICATES]],
    }


def _out(live: SiteReplica, draft: Draft, query: LinkOptions, now: datetime) -> Found:
    """What the draft could link to and does not yet, and where in the draft."""
    article, own_id = draft.article, None if draft.id == UNSAVED_ID else draft.id
    options = _with_spare(query)
    made, version = live.read_with_cards(
        lambda recommender: recommender.related_to(draft.stored, options, now, own_id)
    )
    known = _linked(draft)
    items = [item for item in made.items if not known & _names(item.card)][: query.limit]
    subjects = [_subject(item, item.card["title"], item.card["language"]) for item in items]
    anchors = placed(draft.reading, article.title, article.language, subjects)
    return [
        (item, _place(anchor, draft.reading.sent, _Link.to(item.card, article.language)))
        for item, anchor in zip(items, anchors, strict=True)
    ], version


def _in(live: SiteReplica, draft: Draft, query: LinkOptions, now: datetime) -> Found:
    """What could link to the draft and does not yet, and where in its stored text."""
    options = _with_spare(query)
    made, version = live.read_with_cards(
        lambda recommender: recommender.linking_to(draft.stored, options, now, draft.id)
    )
    places = ((item, _in_host(live, draft, item)) for item in made.items)
    # One after the other: to read a story through takes longer than to rank it.
    found = ((item, place) for item, place in places if place is not None)
    return list(islice(found, query.limit)), version


def _in_host(live: SiteReplica, draft: Draft, item: ListItem) -> dict[str, Any] | None:
    """Where a link to the draft would stand; None in a story that announces it, or is gone."""
    article = draft.article
    host = live.texts([item.card["id"]]).get(item.card["id"])
    if host is None or article.title.casefold() in map(str.casefold, announced(host.body)):
        return None
    subject = _subject(item, article.title, article.language)
    [anchor] = placed(read_plain(host.body), host.title, host.language, [subject])
    return _place(anchor, host.body, _Link(article.url, article.title, host.language))


def _with_spare(query: LinkOptions) -> ListOptions:
    return query.as_list_options().replacing(limit=query.limit + SPARE)


def _subject(item: ListItem, title: str, language: str | None) -> Subject:
    shared = item.shared
    weights = (
        dict(zip(shared.terms.tolist(), shared.weights.tolist(), strict=True)) if shared else {}
    )
    return Subject(weights, frozenset(term_ids([*chain(*analyze(title, language))])))


def _linked(draft: Draft) -> set[str]:
    """The addresses that the draft links to, and the titles that it announces."""
    base = draft.article.url or ""
    found = {_address(base, one) for one in addresses(draft.reading)}
    titles = {title.casefold() for title in announced(draft.reading.located.text)}
    return (found | titles) - {""}


def _names(card: Card) -> set[str]:
    return {_address("", card["url"] or ""), card["title"].casefold()}


def _address(base: str, url: str) -> str:
    """The normal form of an address, empty if it is none."""
    try:
        return normalize_url(urljoin(base, url))
    except ValueError:
        return ""


class _Link(NamedTuple):
    """What a link leads to, and the language of the text that it stands in."""

    url: str | None
    title: str
    language: str | None

    @classmethod
    def to(cls, card: Card, language: str | None) -> Self:
        return cls(card["url"], card["title"], language)

    def html(self, text: str) -> str | None:
        """The link on *text*, or None where it would lead nowhere on the web."""
        if not self.url or not is_on(self.url, ()):
            return None
        return f'<a href="{escape(self.url)}">{escape(text)}</a>'

    def line(self) -> str | None:
        link, (_, heading, _) = self.html(self.title), words(self.language)
        return link and f"<p>{heading}: {link}</p>"


def _place(anchor: Anchor | None, sent: str, link: _Link) -> dict[str, Any]:
    if anchor is None:
        return {"anchor": None, "after_paragraph": None, "html": link.line()}
    return {
        "anchor": {
            "start": anchor.start,
            "end": anchor.end,
            "start_utf16": utf16_offset(sent, anchor.start),
            "end_utf16": utf16_offset(sent, anchor.end),
            "text": anchor.text,
            "html": link.html(anchor.words),
        },
        "after_paragraph": {
            "index": anchor.paragraph,
            "offset": anchor.closes_at,
            "offset_utf16": utf16_offset(sent, anchor.closes_at),
        },
        "html": link.line(),
    }


def _duplicate(found: Duplicate) -> dict[str, Any]:
    card = found.card
    return {
        **{name: card[name] for name in ("id", "title", "url", "published_at")},
        "similarity": found.similarity,
        "overlap": round(found.overlap, SCORE_DECIMALS),
        "message": f"We already ran this{_on_date(card['published_at'])}.",
    }


def _on_date(published_at: str | None) -> str:
    if published_at is None:
        return ""
    date = datetime.fromisoformat(published_at)
    return f" on {date.day} {date:%B %Y}"
