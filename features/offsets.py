"""A text as it was sent, read with the place of every character, to point into it."""

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

# Lists, tables and the like: nothing can be put between their parts but more of the same.
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
# What closes a paragraph, but not the part of the page that it stands in.
_CLOSING_TAGS = regex.compile(
    r"(?:\s*+</(?!(?:article|body|div|html|main|section|td|th)\b)[a-z][^>]*+>)*+", regex.IGNORECASE
)
# References, as `html.unescape` finds them, and newlines, which in HTML are blanks.
_ENCODED = regex.compile(
    ENDLESS_NUMBER.pattern
    + r"|&(?:#[0-9]++;?|#[xX][0-9a-fA-F]++;?|[^\t\n\f <&#;]{1,32};?)|\n(?P<blank>\s*\n)?"
)
_BLANK_LINE = regex.compile(r"\n\s*\n")
_LINE = regex.compile(r"\n")
_LINE_END = regex.compile(r"\r\n?")
# A letter with its marks, whatever invisible stands between: what NFC makes one may not be parted.
_CHARACTER = regex.compile(r"\X(?:[\p{Cc}\p{Cf}--\s]++\p{M}*+)*+", regex.V1)


class Located(NamedTuple):
    """
    A text, and from where to where each of its characters was sent.

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
        """Where `text[start:end]`, which is not empty, was sent."""
        return int(self.starts[start]), int(self.ends[end - 1])

    def replaced(self, changes: Iterable[Change]) -> "Located":
        """With the changes, which are in order; all that is new stands where the old stood."""
        pieces, firsts, lasts = [], [], []
        position = 0
        for start, end, new in [*changes, (len(self.text), len(self.text), "")]:
            pieces += [self.text[position:start], new]
            firsts += [position, start]
            lasts += [start - 1, end - 1]
            position = end
        sizes = [len(piece) for piece in pieces]
        first, last = np.repeat(firsts, sizes), np.repeat(lasts, sizes)
        within = np.arange(first.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        kept = np.repeat(np.arange(len(pieces)) % 2 == 0, sizes)
        return Located(
            "".join(pieces),
            self.starts[np.where(kept, first + within, first)],
            self.ends[np.where(kept, first + within, last)],
        )


class Spans:
    """Stretches of a text, to ask what lies in one; those that meet or overlap count as one."""

    def __init__(self, spans: Iterable[Span]) -> None:
        merged: list[Span] = []
        for start, end in sorted(spans):
            if merged and start <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(end, merged[-1][1])
            else:
                merged.append((start, end))
        self._spans = merged

    def around(self, start: int, end: int) -> Span | None:
        """The one that holds `start:end` or a part of it."""
        place = bisect_left(self._spans, (end,)) - 1
        found = self._spans[place] if place >= 0 else None
        return found if found is not None and found[1] > start else None


class Paragraph(NamedTuple):
    """
    A paragraph, a heading, or a list as a whole.

    Fields:
        start, end: in the text that was read.
        closes_at: in the text as it was sent, where the next paragraph may be put in.
    """

    start: int
    end: int
    closes_at: int


class OffsetText(NamedTuple):
    """
    A text as the analyzer reads it, and where it was sent.

    Fields:
        sent: what places count in, in characters (Unicode code points).
        located: the text that is read.
        is_html: how it was read.
        paragraphs: in order.
        not_prose: of what was sent, what stands in links, headings and code.
        addresses: where its links lead.
    """

    sent: str
    located: Located
    is_html: bool
    paragraphs: list[Paragraph]
    not_prose: list[Span]
    addresses: list[str]


def read(sent: str) -> OffsetText:
    """Read a text as `plain_text` does, be it HTML or not."""
    page = _prepared(_with_newlines(sent))
    if not looks_like_html(page.text):
        return _plain(sent, page)
    located = _normalized(page.replaced(_without_markup(page.text)))
    elements = list(_elements(page))
    whole = [span for name, span, _ in elements if name in _WHOLE or name == "pre"]
    return OffsetText(
        sent,
        located,
        True,
        _paragraphs(located, sent, whole),
        [span for name, span, _ in elements if name in _NOT_PROSE],
        [unescape(address) for name, _, address in elements if name == "a" and address],
    )


def read_plain(sent: str) -> OffsetText:
    """Read a text that is known to be no HTML, such as a stored one."""
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
    """What makes prose of a page."""
    position = 0
    for start, end, separator in stretches(html):
        if position < start:
            yield position, start, ""
        if separator is not None:
            yield start, end, separator
        else:
            yield from ((*m.span(), _as_prose(m)) for m in _ENCODED.finditer(html, start, end))
        position = end


def _as_prose(match: regex.Match[str]) -> str:
    if match[0].startswith("\n"):
        return "\n\n" if match["blank"] else " "
    return "\ufffd" if ENDLESS_NUMBER.fullmatch(match[0]) else unescape(match[0])


def _normalized(located: Located) -> Located:
    if normalized(located.text) == located.text:
        return located
    characters = _CHARACTER.finditer(located.text)
    return located.replaced((*found.span(), normalized(found[0])) for found in characters)


def _elements(page: Located) -> Iterator[tuple[str, Span, str]]:
    """Name, span as sent and `href` of each element that closes, or else to the end of the page."""
    opened: dict[str, list[tuple[int, str]]] = {name: [] for name in _WHOLE | _NOT_PROSE}
    for tag in MARKUP.finditer(page.text):
        name = (tag["name"] or "").lower()
        if name not in opened:
            continue
        if not tag["close"]:
            href = _HREF.search(tag[0]) if name == "a" else None
            opened[name].append(
                (tag.start(), next(filter(None, href.groups()), "") if href else "")
            )
        elif opened[name]:
            start, address = opened[name].pop()
            yield name, page.span(start, tag.end()), address
    for name, left in opened.items():
        for start, address in left:
            yield name, page.span(start, len(page.text)), address


def _paragraphs(located: Located, sent: str, elements: list[Span]) -> list[Paragraph]:
    """
    What blank lines divide or, where there are none, lines.

    Args:
        elements: spans as sent that are not divided, in any order.
    """
    wholes = Spans(elements)
    found = list(_divided(located, _BLANK_LINE, wholes))
    if len(found) < 2:
        found = list(_divided(located, _LINE, wholes))
    return [Paragraph(*span, _closing(sent, *located.span(*span), wholes)) for span in found]


def _divided(located: Located, division: regex.Pattern[str], wholes: Spans) -> Iterator[Span]:
    """The stretches of the text between divisions that hold something, without outer blanks."""
    text = located.text
    divisions = [match.span() for match in division.finditer(text)]
    divisions = [span for span in divisions if not _within(wholes, *located.span(*span))]
    ends, starts = [start for start, _ in divisions], [end for _, end in divisions]
    for start, end in zip([0, *starts], [*ends, len(text)], strict=True):
        stripped = text[start:end].strip()
        if stripped:
            first = text.index(stripped, start)
            yield first, first + len(stripped)


def _within(wholes: Spans, start: int, end: int) -> bool:
    """Whether `start:end` lies in the middle of one of them."""
    found = wholes.around(start, end)
    return found is not None and found[0] < start and end < found[1]


def _closing(sent: str, start: int, end: int, wholes: Spans) -> int:
    """Where the paragraph `start:end` is over, its tags included."""
    whole = wholes.around(start, end)
    found = _CLOSING_TAGS.match(sent, max(end, whole[1]) if whole else end)
    return found.end() if found else end


def utf16_offset(text: str, position: int) -> int:
    """A place in *text* as JavaScript counts: some characters, such as emoji, are two there."""
    return len(text[:position].encode("utf-16-le")) // 2
