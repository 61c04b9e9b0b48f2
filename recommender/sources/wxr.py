"""WordPress's export of a site in one XML file (WXR 1.0 to 1.2), of any size."""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
from defusedxml import DefusedXmlException

from recommender.sources.dialects import NO_ARTICLES
from recommender.sources.records import SIGN_OF_LIFE, Note, Record, UnreadableDocument

# XML knows no such characters, and WordPress writes them where an author pasted them.
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r")
_POST_NUMBER = re.compile(r"[?&]p=([0-9]+)(?:&|$)")


def read(document: BinaryIO) -> Iterator[Record | Note]:
    """The posts of a site, numbered from 1 as the items stand in the file."""
    site = _Site()
    # Pictures are items of their own, mostly behind the posts that show them.
    for _ in site.survey(_items(document, site)):
        yield SIGN_OF_LIFE
    document.seek(0)
    number = 0
    try:
        for number, item in enumerate(_items(document, site), 1):
            yield _record(number, item, site)
    except (ParseError, DefusedXmlException) as error:
        raise UnreadableDocument(f"is not well-formed after item {number}: {error}") from None


class _Site:
    """What posts name by number or by login."""

    def __init__(self) -> None:
        self.language: str | None = None
        self.authors: dict[str, str] = {}
        self._pictures: dict[str, dict[str, Any]] = {}

    def survey(self, items: Iterator[Element]) -> Iterator[None]:
        """Note the pictures; what is not well-formed is reported by the second reading."""
        try:
            for item in items:
                if _text(item, "post_type") == "attachment":
                    self._add_picture(item)
                yield
        except (ParseError, DefusedXmlException):
            return

    def author(self, login: str) -> str:
        return self.authors.get(login, login)

    def picture(self, item: Element) -> dict[str, Any] | None:
        return self._pictures.get(_meta(item, "_thumbnail_id"))

    def _add_picture(self, item: Element) -> None:
        number, url = _text(item, "post_id"), _text(item, "attachment_url")
        if number and url:
            alt = _meta(item, "_wp_attachment_image_alt")
            self._pictures[number] = {"url": url, "alt": alt or None}


class _WithoutControls:
    """The file, without characters that end every XML parser."""

    def __init__(self, document: BinaryIO) -> None:
        self._document = document

    def read(self, size: int = -1) -> bytes:
        data = self._document.read(size)
        # UTF-16 has zero bytes, and no such characters from WordPress.
        return data if b"\0" in data else data.translate(None, _CONTROLS)


def _items(document: BinaryIO, site: _Site) -> Iterator[Element]:
    events = defusedxml.ElementTree.iterparse(
        _WithoutControls(document), events=("start", "end"), forbid_dtd=True
    )
    channel: Element | None = None
    for event, element in events:
        name = _local(element)
        if event == "start":
            channel = element if name == "channel" else channel
        elif name == "language" and site.language is None:
            site.language = element.text
        elif name == "author" and _text(element, "author_login"):
            login = _text(element, "author_login")
            site.authors[login] = _text(element, "author_display_name") or login
        elif name == "item":
            yield element
            if channel is not None:
                channel.clear()


def _record(number: int, item: Element, site: _Site) -> Record | Note:
    kind = _text(item, "post_type") or "post"
    link = _text(item, "link")
    # What is not shown on pages of its own has no address of its own either.
    if kind in NO_ARTICLES or (kind != "post" and ("?" in link or not link)):
        return Note(f"no article: {kind}")
    categories = _terms(item, "category")
    return Record(
        number,
        {
            "id": _text(item, "post_id") or _id_in(_text(item, "guid")),
            "title": _text(item, "title"),
            "url": link,
            "body": _encoded(item, "content"),
            "excerpt": _encoded(item, "excerpt"),
            "post_date_gmt": _text(item, "post_date_gmt"),
            "post_date": _text(item, "post_date") or _text(item, "pubDate"),
            "post_modified_gmt": _text(item, "post_modified_gmt"),
            "post_modified": _text(item, "post_modified"),
            "section": categories,
            "tags": _terms(item, "post_tag") or categories[1:],
            "authors": [site.author(_text(item, "creator"))],
            "language": site.language,
            "image": site.picture(item),
            "post_status": _text(item, "status"),
            "post_password": _text(item, "post_password"),
        },
    )


def _id_in(guid: str) -> str:
    """A post's number, as its `guid` names it; old exports have no other place for it."""
    match = _POST_NUMBER.search(guid)
    return match[1] if match else guid


def _terms(item: Element, taxonomy: str) -> list[str]:
    """Names of categories or tags; a category without a domain is one."""
    names = []
    for child in item:
        is_category = _local(child) == "category" and child.get("domain", "category") == taxonomy
        if is_category and child.text:
            names.append(child.text)
    return names


def _meta(item: Element, key: str) -> str:
    for child in item:
        if _local(child) == "postmeta" and _text(child, "meta_key") == key:
            return _text(child, "meta_value")
    return ""


def _encoded(item: Element, module: str) -> str:
    """`content:encoded` or `excerpt:encoded`, which differ in their vocabulary alone."""
    for child in item:
        if _local(child) == "encoded" and f"/{module}/" in child.tag:
            return child.text or ""
    return ""


def _text(parent: Element, name: str) -> str:
    """The text of the first child of that name in any vocabulary: its version is part of it."""
    for child in parent:
        if _local(child) == name:
            return (child.text or "").strip()
    return ""


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
