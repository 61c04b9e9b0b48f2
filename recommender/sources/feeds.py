"""RSS 0.9 to 2.0, Atom and CDF, as feedparser reads them; also feeds that are not well-formed."""

import calendar
import codecs
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError, tostring

import defusedxml.ElementTree
import feedparser
from defusedxml import DefusedXmlException

from features.dates import parse_date
from features.text import looks_like_html
from recommender.sources.encodings import utf8_bytes
from recommender.sources.records import Note, Record, UnreadableDocument, refused

# A larger feed is read in parts, so that each is done in time.
WHOLE_BYTES = 2**19
ITEMS_AT_ONCE = 20
_ITEMS = ("item", "entry")
_ITEM_START = re.compile(rb"<(?:[\w.-]+:)?(?:item|entry)(?:\s[^<>]*)?(?<!/)>")
_ITEM_END = re.compile(rb"</(?:[\w.-]+:)?(?:item|entry)\s*>")
_CODE = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]*+>")


def read(document: BinaryIO) -> Iterator[Record | Note]:
    """The items of a feed, numbered from 1."""
    data = _declared(document.read())
    parts = iter([data]) if len(data) <= WHOLE_BYTES else _parts(data)
    number = 0
    for part in parts:
        parsed = feedparser.parse(part, sanitize_html=False, resolve_relative_uris=False)
        yield from _faults(parsed)
        is_cut = bool(parsed.bozo) and _ends_in_an_item(part)
        for entry in parsed.entries:
            number += 1
            if is_cut and entry is parsed.entries[-1]:
                yield refused(number, "the feed ends in the middle of this item")
            else:
                yield Record(number, _fields(entry, parsed.feed))


def _ends_in_an_item(data: bytes) -> bool:
    text = data.replace(b"\0", b"")  # of UTF-16
    ends = max((match.end() for match in _ITEM_END.finditer(text)), default=0)
    return _ITEM_START.search(text, ends) is not None


def _declared(data: bytes) -> bytes:
    """UTF-8 for UTF-16 that only its byte order mark tells of: feedparser does not look at that."""
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = utf8_bytes(data) if is_wide else b""
    return text if is_wide and not text.lstrip().startswith(b"<?xml") else data


def _parts(data: bytes) -> Iterator[bytes]:
    """The same feed as several, each with a few of its items; one that is no XML stays whole."""
    try:
        yield from _split(data)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise UnreadableDocument(f"is not well-formed: {error}") from None


def _split(data: bytes) -> Iterator[bytes]:
    events = defusedxml.ElementTree.iterparse(
        io.BytesIO(data), events=("start", "end"), forbid_dtd=True
    )
    ancestors: list[Any] = []
    waiting = 0
    for event, element in events:
        is_item = (
            element.tag.rpartition("}")[2] in _ITEMS and len(ancestors) - (event == "end") <= 2
        )
        if event == "start":
            ancestors.append(element)
            continue
        ancestors.pop()
        if not is_item or not ancestors:
            continue
        waiting += 1
        if waiting == ITEMS_AT_ONCE:
            yield tostring(ancestors[0])
            waiting = 0
            for item in [child for child in ancestors[-1] if _is_item(child)]:
                ancestors[-1].remove(item)
    if waiting:
        yield tostring(events.root)


def _is_item(element: Any) -> bool:
    return element.tag.rpartition("}")[2] in _ITEMS


def _faults(parsed: Any) -> Iterator[Note]:
    """
    What is wrong with the feed.

    Raises:
        UnreadableDocument: when nothing of it could be read.
    """
    error = parsed.get("bozo_exception")
    if error is None or isinstance(error, feedparser.CharacterEncodingOverride):
        return
    where = getattr(error, "getLineNumber", lambda: None)()
    place = "" if where is None else f" from line {where} on"
    reason = getattr(error, "getMessage", lambda: str(error))()
    if not parsed.entries:
        raise UnreadableDocument(f"is not readable as a feed{place}: {reason}")
    yield Note(f"not well-formed{place} ({reason}); read as far as it can be understood")


def _fields(entry: Any, feed: Any) -> dict[str, Any]:
    texts = [content.get("value") or "" for content in entry.get("content", [])]
    summary = entry.get("summary") or ""
    body = max([*texts, summary], key=len)
    terms = [tag.get("label") or tag.get("term") for tag in entry.get("tags", [])]
    return {
        "id": entry.get("id") or entry.get("link"),
        "title": _title(entry),
        "url": entry.get("link"),
        "body": body,
        "excerpt": summary if summary != body else None,
        "published_at": _date(entry, "published") or _date(entry, "updated"),
        "updated_at": _date(entry, "updated"),
        "section": terms[0] if terms else None,
        "tags": [term for term in terms if term],
        "authors": [author.get("name") for author in _authors(entry)],
        "language": feed.get("language"),
        "image": _image(entry),
    }


def _title(entry: Any) -> str:
    title = str(entry.get("title") or "")
    if entry.get("title_detail", {}).get("type") != "text/plain":
        return _TAG.sub("", _CODE.sub("", title))  # also of elements that are none any more
    return escape(title, quote=False) if looks_like_html(title) else title


def _date(entry: Any, name: str) -> str | None:
    """
    The date as it stands there, if we read it, or else as feedparser does.

    It knows the calendars of feeds: Greek, Hungarian and Korean names, days of the year, weeks.
    """
    sent = entry.get(name) if name in entry else None
    if not sent:
        return None
    try:
        parse_date(sent)
    except ValueError:
        parsed = entry.get(f"{name}_parsed")
        if parsed is None:
            return str(sent)
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC).isoformat()
    return str(sent)


def _authors(entry: Any) -> list[Any]:
    authors = [author for author in entry.get("authors", []) if author.get("name")]
    return authors or ([{"name": entry["author"]}] if entry.get("author") else [])


def _image(entry: Any) -> dict[str, Any] | None:
    """The picture that goes with the item: of Media RSS, an enclosure, or iTunes."""
    for media in [*entry.get("media_content", []), *entry.get("media_thumbnail", [])]:
        kind = media.get("medium") or media.get("type") or "image"
        if kind.startswith("image") and media.get("url"):
            return {name: media.get(name) for name in ("url", "width", "height")}
    for link in entry.get("links", []):
        if link.get("rel") == "enclosure" and str(link.get("type", "")).startswith("image/"):
            return {"url": link.get("href")}
    picture = entry.get("image") or {}
    return {"url": picture["href"]} if isinstance(picture, dict) and picture.get("href") else None
