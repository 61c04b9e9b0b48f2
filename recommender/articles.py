"""An article as lists need it: its card, the values that filters use, and its terms."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from sys import intern
from typing import Any, NamedTuple, Self, cast
from urllib.parse import urlsplit

import numpy as np
from typing_extensions import TypedDict

from features.addresses import ascii_host, page_key
from features.article import Article, Line, Pixels
from features.errors import InvalidInput
from features.language import written_language
from features.vectorizer import ArticleFeatures, count_terms


class CardImage(TypedDict):
    """The picture of a card; sizes in pixels."""

    url: Line
    width: Pixels | None
    height: Pixels | None
    alt: Line | None


class Card(TypedDict):
    """What a list shows of an article: every field of `Article` but body and version, as JSON."""

    id: str
    url: str | None
    title: str
    excerpt: str | None
    image: CardImage | None
    published_at: str | None
    updated_at: str | None
    section: str | None
    tags: list[str]
    authors: list[str]
    language: str | None


UNDATED = int(np.iinfo(np.int64).min)
NO_PAGE = 0
FIELDS = ("section", "tag", "author", "language", "source")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def card_of(article: Article) -> Card:
    return cast(Card, article.model_dump(mode="json", exclude={"body", "version"}))


def article_from_record(fields: Mapping[str, Any]) -> Article:
    """The article with these stored *fields*, dates as text."""
    # Not parsed again: parsing would treat what an article says about markup as markup.
    return Article.model_construct(**fields)


class Facets(NamedTuple):
    """
    The values of one article that filters use, case-folded.

    Fields:
        published: microseconds since 1970 UTC; `UNDATED` without a date.
        language: as `features.language.written_language` returns it, never empty.
        source: the publisher, that is the host of its address.
        page: a digest of its page, 64 bits; articles with the same one are one article. `NO_PAGE`
            without an address.
    """

    published: int
    section: tuple[str, ...]
    tag: tuple[str, ...]
    author: tuple[str, ...]
    language: tuple[str, ...]
    source: tuple[str, ...] = ()
    page: int = NO_PAGE

    @classmethod
    def of(cls, card: Mapping[str, Any]) -> Self:
        """The facets of a card. Equal strings are shared, which saves memory."""
        date = card["published_at"]
        section = card["section"]
        return cls(
            UNDATED if date is None else instant(datetime.fromisoformat(date)),
            folded([section] if section else []),
            folded(card["tags"]),
            folded(card["authors"]),
            folded([written_language(card["language"], card["title"])]),
            folded(_host(card.get("url"))),
            _page(card.get("url")),
        )


class StoredArticle(NamedTuple):
    """The parts of an article that a worker keeps in its corpus."""

    facets: Facets
    features: ArticleFeatures

    @classmethod
    def of_draft(cls, draft: Article) -> Self:
        """Analyse a draft, which is not stored."""
        return cls(Facets.of(card_of(draft)), count_terms(draft))


def instant(moment: datetime) -> int:
    """Microseconds since 1970 UTC."""
    # In integers: as floats, the last moments of 9999 would round into the year 10000.
    return (moment - _EPOCH) // _MICROSECOND


def moment_at(microseconds: int) -> datetime:
    """The opposite of `instant`."""
    return _EPOCH + microseconds * _MICROSECOND


def folded(values: Collection[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(intern(value.casefold()) for value in values))


def _host(url: str | None) -> list[str]:
    host = urlsplit(url).hostname if url else None
    return [ascii_host(host).removeprefix("www.")] if host else []


def _page(url: str | None) -> int:
    if not url:
        return NO_PAGE
    try:
        key = page_key(url)
    except InvalidInput:  # longer than an address may be
        return NO_PAGE
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")
