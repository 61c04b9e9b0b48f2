"""Sitemaps: lists of addresses. Those of Google News have titles and dates too."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
from defusedxml import DefusedXmlException

from recommender.sources.records import Note, Record, UnreadableDocument

MAX_ADDRESSES = 50_000  # the limit of the protocol


class SitemapEntry(NamedTuple):
    """
    One entry of a sitemap, with its texts as they are.

    Fields:
        is_sitemap: whether it is the address of another sitemap.
        title, published, language, keywords: of a news sitemap; else empty.
    """

    url: str
    modified: str
    is_sitemap: bool = False
    title: str = ""
    published: str = ""
    language: str = ""
    keywords: str = ""
    image: str = ""


def addresses(document: BinaryIO) -> Iterator[SitemapEntry]:
    """
    The entries of a sitemap or of an index of sitemaps, in order.

    Raises:
        UnreadableDocument: for XML that is not well-formed, or longer than the protocol allows;
            after the entries before.
    """
    number = 0
    try:
        for _, element in defusedxml.ElementTree.iterparse(document, forbid_dtd=True):
            kind = _local(element)
            if kind not in ("url", "sitemap"):
                continue
            number += 1
            if number > MAX_ADDRESSES:
                raise UnreadableDocument(f"expected at most {MAX_ADDRESSES:,} addresses")
            yield _address(element, is_sitemap=kind == "sitemap")
            element.clear()  # or the tree of all entries would stay in memory
    except (ParseError, DefusedXmlException) as error:
        raise UnreadableDocument(f"is not well-formed after entry {number}: {error}") from None


def read(document: BinaryIO) -> Iterator[Record | Note]:
    """The articles that a news sitemap names; other entries are no articles."""
    for number, address in enumerate(addresses(document), 1):
        if address.is_sitemap:
            yield Note("address of another sitemap")
        elif not address.title:
            yield Note("address without a title: import the pages themselves, as HTML")
        else:
            yield Record(number, _fields(address))


def _fields(address: SitemapEntry) -> dict[str, str]:
    fields = {
        "id": address.url,
        "url": address.url,
        "title": address.title,
        "published_at": address.published,
        "updated_at": address.modified,
        "language": address.language,
        "tags": address.keywords,
        "image": address.image,
    }
    return {name: value for name, value in fields.items() if value}


def _address(element: Element, *, is_sitemap: bool) -> SitemapEntry:
    texts: dict[str, str] = {}
    for child in element.iter():
        texts.setdefault(_local(child), (child.text or "").strip())
    image = next((child for child in element if _local(child) == "image"), None)
    return SitemapEntry(
        url=next(((c.text or "").strip() for c in element if _local(c) == "loc"), ""),
        modified=texts.get("lastmod", ""),
        is_sitemap=is_sitemap,
        title=_of_news(element, "title"),
        published=texts.get("publication_date", ""),
        language=texts.get("language", ""),
        keywords=texts.get("keywords", ""),
        image="" if image is None else _first_text(image, "loc"),
    )


def _of_news(element: Element, name: str) -> str:
    news = next((child for child in element if _local(child) == "news"), None)
    return "" if news is None else _first_text(news, name)


def _first_text(element: Element, name: str) -> str:
    return next(((c.text or "").strip() for c in element.iter() if _local(c) == name), "")


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
