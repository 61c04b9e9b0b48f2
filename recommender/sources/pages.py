"""
HTML pages: what they say about themselves, and their text.

Title, date and the like come from JSON-LD, microdata, OpenGraph and microformats, in this order;
the text from trafilatura, which leaves navigation, comments and boxes out.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import trafilatura
from selectolax.lexbor import LexborHTMLParser, LexborNode
from trafilatura.settings import Document as Extracted

from recommender.sources.encodings import utf8_bytes
from recommender.sources.records import Note, Record, UnreadableDocument, guess_note

MAX_PAGE_BYTES = 16 * 2**20

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w-]{2,40})""", re.IGNORECASE)
_HTML = re.compile(r"<html[\s>]", re.IGNORECASE)
_END = re.compile(r"</(?:body|html)\b", re.IGNORECASE)
_CHARSET_BYTES = 4096  # HTML wants the declaration in the first kilobyte
_ARTICLE_TYPE = re.compile(r"(?:Article|BlogPosting|Report|LiveBlog|Review|Posting)$")
_TITLE_SEPARATOR = re.compile(r"(\s+(?:[|»·–—-]|--|::)\s+)")
_SITE_NAME_WORDS = 4
# The date only, unless the page is more exact; not the newest date that stands anywhere.
_DATES = {
    "outputformat": "%Y-%m-%dT%H:%M:%S%z",
    "original_date": True,
    "extensive_search": False,
}
_META_NAMES = {
    "title": ("og:title", "twitter:title", "dc.title", "title"),
    "excerpt": ("og:description", "description", "twitter:description"),
    "published_at": (
        "article:published_time", "og:article:published_time", "datepublished", "pubdate",
        "publishdate", "publish-date", "parsely-pub-date", "sailthru.date", "dc.date.issued",
        "dcterms.created", "dc.date", "date", "rnews:datepublished", "og:published_time",
    ),
    "updated_at": ("article:modified_time", "og:updated_time", "last-modified"),
    "section": ("article:section", "parsely-section", "section"),
    "authors": ("author", "article:author_name", "parsely-author", "dc.creator", "byl"),
    "tags": ("article:tag", "news_keywords", "keywords", "parsely-tags"),
    "image": ("og:image", "og:image:url", "twitter:image"),
    "url": ("og:url",),
    "language": ("og:locale", "content-language"),
}  # fmt: skip
# Kinds of several values; of the others the first counts.
_LISTS = ("authors", "tags")


def read(document: BinaryIO, path: str = "", url: str = "") -> Iterator[Record | Note]:
    """
    The one article of a page.

    Args:
        path: of the file, its id when the page names no address.
        url: of the page, where that is known.
    """
    data = document.read(MAX_PAGE_BYTES + 1)
    if len(data) > MAX_PAGE_BYTES:
        raise UnreadableDocument(f"expected at most {MAX_PAGE_BYTES >> 20} MB")
    guesses: list[str] = []
    html = _decoded(data, guesses.append)
    yield from map(guess_note, guesses)
    if _HTML.search(html) and not _END.search(html):
        yield Note("ends without </body> and </html>: it may have been cut")
    fields = _declared(LexborHTMLParser(html))
    fields["url"] = url or fields.get("url")
    text, date = _extracted(html, fields["url"])
    if date and not fields.get("published_at"):
        fields["published_at"] = date
        yield Note("date guessed from the text or the address of the page")
    fields.setdefault("body", text)
    if not fields["body"]:
        raise UnreadableDocument("is a page without an article in it")
    fields["id"] = fields["url"] or path
    yield Record(1, {name: value for name, value in fields.items() if value})


def _declared(tree: LexborHTMLParser) -> dict[str, Any]:
    """What the page says about its article, the most exact source first."""
    fields: dict[str, Any] = {}
    for source in (_h_entry, _json_ld, _microdata, _meta, _elements):
        for name, value in source(tree).items():
            if value not in (None, "", []):
                fields.setdefault(name, value)
    if "body" not in fields:  # a page, and not an export
        fields["title"] = _title(tree, str(fields.get("title") or ""))
        fields["url"] = _canonical(tree) or fields.get("url")
    return fields


def _extracted(html: str, url: str | None) -> tuple[str, str | None]:
    """The text of the article, and the date that stands in text or address."""
    # Precision: a word of another story in the text costs more than a missing caption.
    page = trafilatura.bare_extraction(
        html,
        url=url,
        favor_precision=True,
        include_comments=False,
        with_metadata=True,
        date_extraction_params=_DATES,
    )
    text, date = (page.text, page.date) if isinstance(page, Extracted) else (None, None)
    if not text:
        text = trafilatura.extract(html, favor_recall=True, include_comments=False) or ""
    return text, date


def _decoded(data: bytes, on_guess: Callable[[str], None]) -> str:
    """The page as text: by its mark, as it says itself, or as it looks."""
    declared = _CHARSET.search(data[:_CHARSET_BYTES])
    if declared and not data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        name = declared[1].decode().lower()
        try:
            # Browsers read what calls itself Latin-1 as cp1252.
            return data.decode("cp1252" if name in ("iso-8859-1", "latin1", "ascii") else name)
        except (LookupError, UnicodeDecodeError):
            pass
    return utf8_bytes(data, on_guess).decode(errors="replace")


def _title(tree: LexborHTMLParser, declared: str) -> str:
    """
    The headline, without the name of the site.

    A heading is it when the page says the same to social networks; else the title of the window, as
    far as a heading repeats it, or without what the page says of all its pages.
    """
    meta = _meta(tree)
    social = str(meta.get("title") or "")
    headings = [text for node in tree.css("h1") if (text := _node_text(node))]
    for heading in headings:
        if _letters(heading) == _letters(social):
            return heading
    window = _node_text(tree.css_first("head title")) or ""
    for heading in headings:
        if len(heading) > len(window) / 2 and _letters(window).startswith(_letters(heading)):
            return heading
    parts = _TITLE_SEPARATOR.split(window)
    known = {_letters(text) for text in (social, declared) if text}
    for end in range(1, len(parts) + 1, 2):
        if _letters("".join(parts[:end])) in known:
            return "".join(parts[:end])
    return _without_site(parts, social) or declared or max(headings, key=len, default="")


def _without_site(parts: list[str], social: str) -> str:
    """A title in *parts* with the separators between them, without the site's name at its end."""
    shared = _TITLE_SEPARATOR.split(social)[-1]
    while len(parts) > 1 and (parts[-1] == shared or len(parts[-1].split()) <= _SITE_NAME_WORDS):
        parts = parts[:-2]
    return "".join(parts)


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _canonical(tree: LexborHTMLParser) -> str | None:
    return _attribute(tree.css_first("link[rel=canonical]"), "href")


def _h_entry(tree: LexborHTMLParser) -> dict[str, Any]:
    """The microformat h-entry, as in the export of Medium, which also has the text exactly."""
    entry = tree.css_first(".h-entry")
    content = None if entry is None else entry.css_first(".e-content")
    if entry is None or content is None:
        return {}
    published = entry.css_first(".dt-published")
    updated = entry.css_first(".dt-updated")
    return {
        "title": _node_text(entry.css_first(".p-name")),
        "body": content.html,
        "excerpt": _node_text(entry.css_first(".p-summary")),
        "published_at": _moment(published),
        "updated_at": _moment(updated),
        "authors": [_node_text(node) for node in entry.css(".p-author")],
        "tags": [_node_text(node) for node in entry.css(".p-category")],
        "url": _attribute(entry.css_first(".p-canonical") or entry.css_first(".u-url"), "href"),
    }


def _moment(node: LexborNode | None) -> str | None:
    return None if node is None else node.attributes.get("datetime") or _node_text(node)


def _attribute(node: LexborNode | None, name: str) -> str | None:
    return None if node is None else node.attributes.get(name)


def _json_ld(tree: LexborHTMLParser) -> dict[str, Any]:
    """The first object that is an article, of all scripts with JSON-LD."""
    for script in tree.css('script[type="application/ld+json"]'):
        try:
            data = json.loads(script.text(), strict=False)
        except (ValueError, RecursionError):
            continue
        article = _find_article(data, depth=4)
        if article is not None:
            return _schema_fields(article)
    return {}


def _find_article(data: object, depth: int) -> dict[str, Any] | None:
    if isinstance(data, dict):
        kinds = data.get("@type")
        names = kinds if isinstance(kinds, list) else [kinds]
        if any(isinstance(name, str) and _ARTICLE_TYPE.search(name) for name in names):
            return data
    if depth == 0:
        return None
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    for value in inner:
        article = _find_article(value, depth - 1)
        if article is not None:
            return article
    return None


def _schema_fields(article: dict[str, Any]) -> dict[str, Any]:
    """Under our names; the text is left to the page, where it is whole and has paragraphs."""
    return {
        "title": article.get("headline") or article.get("name"),
        "excerpt": article.get("description"),
        "published_at": article.get("datePublished") or article.get("dateCreated"),
        "updated_at": article.get("dateModified"),
        "section": article.get("articleSection"),
        "tags": article.get("keywords"),
        "authors": article.get("author") or article.get("creator"),
        "image": article.get("image") or article.get("thumbnailUrl"),
        "language": article.get("inLanguage"),
    }


def _microdata(tree: LexborHTMLParser) -> dict[str, Any]:
    """Properties of the first article that is marked with schema.org's vocabulary."""
    scope = tree.css_first(
        '[itemtype*="schema.org/"][itemtype*="Article"], [itemtype*="BlogPosting"]'
    )
    if scope is None:
        return {}
    return {
        "title": _property(scope, "headline"),
        "excerpt": _property(scope, "description"),
        "published_at": _property(scope, "datePublished"),
        "updated_at": _property(scope, "dateModified"),
        "section": _property(scope, "articleSection"),
        "authors": _property(scope, "author"),
        "image": _property(scope, "image"),
    }


def _property(scope: LexborNode, name: str) -> str | None:
    node = scope.css_first(f'[itemprop~="{name}"]')
    if node is None:
        return None
    named = node.css_first('[itemprop~="name"]') if "itemscope" in node.attributes else None
    node = named or node
    for attribute in ("content", "datetime", "src"):
        if node.attributes.get(attribute):
            return node.attributes[attribute]
    return _node_text(node)


def _meta(tree: LexborHTMLParser) -> dict[str, Any]:
    """OpenGraph and the names that news systems use for themselves and for search engines."""
    values: dict[str, list[str]] = {}
    for node in tree.css("meta"):
        attributes = node.attributes
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop")
        content = attributes.get("content")
        if name and content and content.strip():
            values.setdefault(name.lower(), []).append(content.strip())
    fields: dict[str, Any] = {}
    for field, names in _META_NAMES.items():
        given = next((values[name] for name in names if name in values), None)
        if given is not None:
            fields[field] = given if field in _LISTS and len(given) > 1 else given[0]
    return fields


def _elements(tree: LexborHTMLParser) -> dict[str, Any]:
    """What elements say that every page has."""
    root = tree.css_first("html")
    return {
        "title": _node_text(tree.css_first("h1")) or _node_text(tree.css_first("title")),
        "published_at": _attribute(tree.css_first("time[datetime]"), "datetime"),
        "language": None if root is None else root.attributes.get("lang"),
        "url": _canonical(tree),
    }


def _node_text(node: LexborNode | None) -> str | None:
    return None if node is None else " ".join(node.text(separator=" ").split()) or None
