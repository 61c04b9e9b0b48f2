"""A text as plain text, with the place of every character in the text that was sent."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from html import unescape
from typing import NamedTuple, Self

import numpy as np
import regex
from numpy.typing import NDArray

from features.markup import STEPS, Change
from features.text import ENDLESS_NUMBER, MARKUP, looks_like_html, normalized, stretches

Span = tuple[int, int]

# Elements such as lists and tables: a paragraph cannot be inserted between their parts.
_WHOLE = frozenset(
    (
        "aside",
        "blockquote",
        "details",
        "dl",
        "figure",
        "footer",
        "header",
        "nav",
        "ol",
        "table",
        "ul",
    )
)
_NOT_PROSE = frozenset(
    ("a", "button", "code", "h1", "h2", "h3", "h4", "h5", "h6", "kbd", "pre", "samp")
)
_HREF = regex.compile(
    r"""\shref\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""", regex.IGNORECASE
)
# Closing tags of a paragraph, but not of the part of the page around it.
_CLOSING_TAGS = regex.compile(
    r"(?:\s*+</(?!(?:article|body|div|html|main|section|td|th)\b)[a-z][^>]*+>)*+", regex.IGNORECASE
)
# References, as `html.unescape` finds them, and newlines, which are blanks in HTML.
_ENCODED = regex.compile(
    ENDLESS_NUMBER.pattern
    + r"|&(?:#[0-9]++;?|#[xX][0-9a-fA-F]++;?|[^\t\n\f <&#;]{1,32};?)|\n(?P<blank>\s*\n)?"
)
_BLANK_LINE = regex.compile(r"\n\s*\n")
_LINE = regex.compile(r"\n")
_LINE_END = regex.compile(r"\r\n?")
# A letter with its marks and the invisible characters between them. NFC may make one character of
# these, so they are normalised together.
_CHARACTER = regex.compile(r"\X(?:[\p{Cc}\p{Cf}--\s]++\p{M}*+)*+", regex.V1)


class Located(NamedTuple):
    """
    A text, and the place of each of its characters in the text that was sent.

    Fields:
        starts, ends: ascending, shape (len(text),).
    """

    text: str
    starts: NDArray[np.intp]
    ends: NDArray[np.intp]

    @classmethod
    def of(cls, sent: str) -> Self:
        places = np.arange(len(sent) + 1)
        return cls(sent, places[:-1], places[1:])

    def part(self, start: int, end: int) -> "Located":
        return Located(self.text[start:end], self.starts[start:end], self.ends[start:end])

    def span(self, start: int, end: int) -> Span:
        """The place of `text[start:end]`, which is not empty, in what was sent."""
        return int(self.starts[start]), int(self.ends[end - 1])

    def replaced(self, changes: Iterable[Change]) -> "Located":
        """Apply changes, which are in order; new characters get the place of those replaced."""
        pieces: list[str] = []
        firsts: list[int] = []
        lasts: list[int] = []
        position = 0
        for start, end, new in [*changes, (len(self.text), len(self.text), "")]:
            pieces += [self.text[position:start], new]
            firsts += [position, start]
            lasts += [start - 1, end - 1]
            position = end
        sizes = [len(piece) for piece in pieces]
        first = np.repeat(firsts, sizes)
        last = np.repeat(lasts, sizes)
        within = np.arange(first.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        kept = np.repeat(np.arange(len(pieces)) % 2 == 0, sizes)  # every other piece is new
        return Located(
            "".join(pieces),
            self.starts[np.where(kept, first + within, first)],
            self.ends[np.where(kept, first + within, last)],
        )


class Spans:
    """Parts of a text, to find the one around a place; spans that touch or overlap are merged."""

    def __init__(self, spans: Iterable[Span]) -> None:
        merged: list[Span] = []
        for start, end in sorted(spans):
            if merged and start <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(end, merged[-1][1])
            else:
                merged.append((start, end))
        self._spans = merged

    def around(self, start: int, end: int) -> Span | None:
        """The span that overlaps `start:end`."""
        place = bisect_left(self._spans, (end,)) - 1
        if place < 0 or self._spans[place][1] <= start:
            return None
        return self._spans[place]


class Paragraph(NamedTuple):
    """
    A paragraph, a heading, or a whole list.

    Fields:
        start, end: in the plain text.
        closes_at: in the text as it was sent, the place to insert another paragraph after this one.
    """

    start: int
    end: int
    closes_at: int


class OffsetText(NamedTuple):
    """
    A text as the analyzer reads it, with places in what was sent.

    Fields:
        sent: the text as it was sent; places count its characters (Unicode code points).
        located: the plain text.
        is_html: whether *sent* was read as HTML.
        paragraphs: in order.
        not_prose: the spans of links, headings and code, in what was sent.
        addresses: the targets of its links.
    """

    sent: str
    located: Located
    is_html: bool
    paragraphs: list[Paragraph]
    not_prose: list[Span]
    addresses: list[str]


def read(sent: str) -> OffsetText:
    """Read a text, HTML or plain, as `plain_text` does."""
    page = _prepared(_with_newlines(sent))
    if not looks_like_html(page.text):
        return _plain(sent, page)
    located = _normalized(page.replaced(_without_markup(page.text)))
    undivided: list[Span] = []
    not_prose: list[Span] = []
    addresses: list[str] = []
    for name, span, address in _elements(page):
        if name in _WHOLE or name == "pre":
            undivided.append(span)
        if name in _NOT_PROSE:
            not_prose.append(span)
        if name == "a" and address:
            addresses.append(unescape(address))
    paragraphs = _paragraphs(located, sent, undivided)
    return OffsetText(sent, located, True, paragraphs, not_prose, addresses)


def read_plain(sent: str) -> OffsetText:
    """Read a text that is certainly plain, such as a stored one."""
    return _plain(sent, _with_newlines(sent))


def _plain(sent: str, page: Located) -> OffsetText:
    located = _normalized(page)
    return OffsetText(sent, located, False, _paragraphs(located, sent, []), [], [])


def _prepared(page: Located) -> Located:
    for step in STEPS:
        changes = step(page.text)
        page = page.replaced(changes) if changes else page
    return page


def _with_newlines(sent: str) -> Located:
    return Located.of(sent).replaced((*m.span(), "\n") for m in _LINE_END.finditer(sent))


def _without_markup(html: str) -> Iterator[Change]:
    """The changes that turn a page into prose."""
    position = 0
    for start, end, separator in stretches(html):
        if position < start:
            yield position, start, ""
        if separator is not None:
            yield start, end, separator
        else:
            for match in _ENCODED.finditer(html, start, end):
                yield (*match.span(), _as_prose(match))
        position = end


def _as_prose(match: regex.Match[str]) -> str:
    if match[0].startswith("\n"):
        return "\n\n" if match["blank"] else " "
    return "\ufffd" if ENDLESS_NUMBER.fullmatch(match[0]) else unescape(match[0])


def _normalized(located: Located) -> Located:
    if normalized(located.text) == located.text:
        return located
    characters = _CHARACTER.finditer(located.text)
    return located.replaced((*match.span(), normalized(match[0])) for match in characters)


def _elements(page: Located) -> Iterator[tuple[str, Span, str]]:
    """
    Name, span as sent and `href` of each element that matters here.

    One that never closes reaches to the end of the page.
    """
    opened: dict[str, list[tuple[int, str]]] = {name: [] for name in _WHOLE | _NOT_PROSE}
    for tag in MARKUP.finditer(page.text):
        name = (tag["name"] or "").lower()
        if name not in opened:
            continue
        if not tag["close"]:
            opened[name].append((tag.start(), _href(tag[0]) if name == "a" else ""))
        elif opened[name]:
            start, address = opened[name].pop()
            yield name, page.span(start, tag.end()), address
    for name, left in opened.items():
        for start, address in left:
            yield name, page.span(start, len(page.text)), address


def _href(tag: str) -> str:
    href = _HREF.search(tag)
    return next(filter(None, href.groups()), "") if href else ""


def _paragraphs(located: Located, sent: str, undivided: list[Span]) -> list[Paragraph]:
    """
    The parts between blank lines; the lines, if there are no blank ones.

    Args:
        undivided: spans as sent that must stay whole, in any order.
    """
    wholes = Spans(undivided)
    spans = list(_divided(located, _BLANK_LINE, wholes))
    if len(spans) < 2:
        spans = list(_divided(located, _LINE, wholes))
    return [Paragraph(*span, _closing(sent, *located.span(*span), wholes)) for span in spans]


def _divided(located: Located, division: regex.Pattern[str], wholes: Spans) -> Iterator[Span]:
    """The parts of the text between divisions, stripped; empty ones are dropped."""
    text = located.text
    divisions = [match.span() for match in division.finditer(text)]
    divisions = [span for span in divisions if not _within(wholes, *located.span(*span))]
    start = 0
    for end, next_start in [*divisions, (len(text), len(text))]:
        stripped = text[start:end].strip()
        if stripped:
            first = text.index(stripped, start)
            yield first, first + len(stripped)
        start = next_start


def _within(wholes: Spans, start: int, end: int) -> bool:
    """Whether `start:end` lies strictly inside one of the spans."""
    whole = wholes.around(start, end)
    return whole is not None and whole[0] < start and end < whole[1]


def _closing(sent: str, start: int, end: int, wholes: Spans) -> int:
    """The end of the paragraph `start:end`, with its closing tags."""
    whole = wholes.around(start, end)
    tags = _CLOSING_TAGS.match(sent, max(end, whole[1]) if whole else end)
    return tags.end() if tags else end


def utf16_offset(text: str, position: int) -> int:
    """A place in *text* as JavaScript counts it, where some characters, such as emoji, are two."""
    return len(text[:position].encode("utf-16-le")) // 2
