"""HTML to text, and the cleaning of Unicode that every string from outside goes through."""

import html as entities
import re
import unicodedata
from collections.abc import Iterator

import regex

from features.elements import BLOCKS, DROPPED, ELEMENTS, is_reference
from features.markup import prepared

_EXCERPT_FROM = 4  # times its length is read for an excerpt

_SEPARATORS = {"br": "\n", "td": " ", "th": " "} | dict.fromkeys(BLOCKS | {"form"}, "\n\n")

# Start and end of a part of an HTML text. For a tag, the separator that a reader sees in its place,
# which is often empty; None for prose.
Stretch = tuple[int, int, str | None]

# The tokeniser of the HTML standard in one pattern. A parser that builds a tree takes two seconds
# for 40,000 nested <div> or attributes, and 16 times as long for four times as many. Here every
# alternative also matches when its end never comes, and nothing backtracks: hostile input is read
# once, like any other. As in a browser, a tag that never ends swallows the rest.
MARKUP = regex.compile(
    r"""
      <!--(?:-?>|.*?(?:--!?>|\Z))                        # comment
    | <(?P<raw>script|style)(?=[\s/>]).*?(?:</(?P=raw)(?=[\s/>])[^>]*+>?+|\Z)
    | <[!?][^>]*+>?+ | </(?![a-z])[^>]*+>?+              # doctype, <?xml ...?>, </>
    | <(?P<close>/?)(?P<name>[a-z][^\s/>]*+)             # tag; its quoted values may hold ">"
      (?:[^>=]++|=\s*+(?:"[^"]*+"?+|'[^']*+'?+)?+)*+>?+
    """,
    regex.VERBOSE | regex.IGNORECASE | regex.DOTALL,
)
_INLINE_DATA = regex.compile(
    r"""data:[a-z0-9.+/;=,-]{0,100}?base64,[A-Za-z0-9+/=_%\s-]*+
      | <(?P<raw>script|style)(?=[\s/>]).*?(?:</(?P=raw)(?=[\s/>])[^>]*+>?+|\Z)""",
    regex.VERBOSE | regex.IGNORECASE | regex.DOTALL,
)
_LONG_DATA = regex.compile(
    r"data:[a-z0-9.+/;=-]{1,100};base64,[A-Za-z0-9+/=_%-]{300,}+", regex.IGNORECASE
)
_TAG = regex.compile(
    r"<!--|<!doctype\b|</?([a-z][a-z0-9-]*+)(?:\s*+/?>|\s[^<>=]*+=[^<>]*+>)", regex.IGNORECASE
)
_REFERENCE = regex.compile(r"&(?:#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|([A-Za-z][A-Za-z0-9]{1,31});)")
ENDLESS_NUMBER = regex.compile(r"&#[0-9]{8,}+;?+")
_BLANK_LINES = regex.compile(r"\n\s*\n")

# Controls, format characters (bidi overrides, zero-width space, soft hyphen, byte order mark) and
# lone surrogates, which UTF-8 cannot encode. Joiners stay: Persian and Hindi spell with them.
_INVISIBLE = regex.compile(r"[[\p{Cc}\p{Cf}\p{Cs}]--[\s\x1c-\x1f\u200c\u200d]]+", regex.V1)
_MARKS_BEYOND_8 = regex.compile(r"(\p{M}{8})\p{M}+")
# Everything but Latin, Greek and Cyrillic letters and punctuation may be a mark or become one.
_PERHAPS_MARKED = re.compile("[\u0300-\u036f\u0483-\u0489\u0530-\u1fff\u20d0-\U0010ffff]")
# Words in ASCII with one blank between two, and none of the characters that markup begins with.
# Most titles and tags are such lines.
_PLAIN_LINE = re.compile(r"[!-%'-;=-Z\\\]-z|}~]++(?: [!-%'-;=-Z\\\]-z|}~]++)*+")
_LONGEST_PLAIN_LINE = 200
_NEWLINES = regex.compile(r"\n{3,}")

_SENTENCE_END = regex.compile(
    # Three small letters before the stop keep "Gov.", "U.S." and "No. 7" whole.
    r"(?<=[\p{Ll}\p{Lo}\p{M}\d]{3})(?:[.!?…؟۔।]['\"”’»)]*+(?=\s+\P{Ll})|[。！？][」』”）]*+)"
)


def plain_text(text: str) -> str:
    """Return HTML, escaped text or plain text as the plain text that is stored and analysed."""
    if len(text) <= _LONGEST_PLAIN_LINE and _PLAIN_LINE.fullmatch(text):
        return text
    text = prepared(text)
    return clean_text(html_to_text(text) if looks_like_html(text) else text)


def without_inline_data(html: str) -> str:
    """Drop data URLs (pictures, fonts), scripts and styles: they are large and never prose."""
    return _INLINE_DATA.sub("", html)


def without_long_data(text: str) -> str:
    """Drop data URLs that are too long to be shown as examples, wherever they are."""
    return _LONG_DATA.sub("", text) if ";base64," in text else text


def looks_like_html(text: str) -> bool:
    """Tell markup and references from prose such as "a < b" or "R&D", in a `prepared` text."""
    # A match without a name is a comment or a number, which no table of names has.
    tags = _first_groups(_TAG, text) if "<" in text else ()
    if any(name is None or name.lower() in ELEMENTS for name in tags):
        return True
    references = _first_groups(_REFERENCE, text) if "&" in text else ()
    return any(name is None or is_reference(name) for name in references)


def html_to_text(html: str) -> str:
    """
    Return the prose of a page or fragment, with blank lines between paragraphs and a newline for
    <br>.

    Blank lines in the source divide paragraphs too, as in texts stored by WordPress. The time is
    linear in the length of any input.
    """
    html = html.replace("\r\n", "\n")
    parts = []
    for start, end, separator in stretches(html):
        parts.append(_decode(html[start:end]) if separator is None else separator)
    return _tidy("".join(parts))


def stretches(html: str) -> list[Stretch]:
    """The prose and the tags of a page or fragment, in order, without elements in `DROPPED`."""
    parts: list[Stretch] = []
    opened: dict[str, list[int]] = {name: [] for name in DROPPED}
    position = 0
    for tag in MARKUP.finditer(html):
        parts.append((position, tag.start(), None))
        position = tag.end()
        name = (tag["name"] or "").lower()
        parts.append((tag.start(), position, _SEPARATORS.get(name, "")))
        if name in DROPPED:
            _drop(parts, opened[name], closing=bool(tag["close"]))
    parts.append((position, len(html), None))
    return parts


def clean_text(text: str) -> str:
    """
    Return text as `normalized` does, with single spaces for blanks.

    Newlines stay, but no more than two in a row.
    """
    return _tidy(normalized(text))


def normalized(text: str) -> str:
    """Return text in NFC without invisible characters, at most 8 combining marks on a letter."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.replace("\n", " ").isprintable():  # a quick test, which visible text passes
        text = _INVISIBLE.sub("", text)
    if _PERHAPS_MARKED.search(text):
        # Normalising takes quadratic time on marks (5.6 s for 40,000, cpython issue 149079), so
        # they are cut before it, and again after it, because one mark can become two.
        text = unicodedata.normalize("NFC", _MARKS_BEYOND_8.sub(r"\1", text))
        text = _MARKS_BEYOND_8.sub(r"\1", text)
    elif not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return text


def excerpt(text: str, limit: int = 200) -> str:
    """
    Return the start of a text in at most *limit* characters, on one line.

    It ends with a whole sentence if that fills half the room, else after a whole word, with "…".
    Scripts without spaces are cut between characters, never between a letter and its marks.
    """
    start = " ".join(text[: _EXCERPT_FROM * limit].split())
    if len(start) <= limit:  # most of it is white space
        start = " ".join(text.split())
    text = start
    if len(text) <= limit:
        return text
    room = text[: limit + 1]
    ends = [end.end() for end in _SENTENCE_END.finditer(room) if end.end() <= limit]
    if ends and ends[-1] >= limit // 2:
        return text[: ends[-1]]
    space = room.rfind(" ", limit // 2, limit)
    cut = space if space > 0 else _last_boundary(room, limit - 1)
    return text[:cut].rstrip(" ,;:(–—-") + "…"


def _first_groups(pattern: regex.Pattern[str], text: str) -> Iterator[str | None]:
    return (match[1] for match in pattern.finditer(text))


def _drop(parts: list[Stretch], starts: list[int], closing: bool) -> None:
    """Remove the parts since the element opened; one that never closes drops nothing."""
    if not closing:
        starts.append(len(parts))
    elif starts:
        del parts[starts.pop() :]


def _decode(data: str) -> str:
    if "&" in data:
        # int() refuses more than 4,300 digits.
        data = entities.unescape(ENDLESS_NUMBER.sub("\ufffd", data))
    if "\n" not in data:
        return data
    return "\n\n".join(piece.replace("\n", " ") for piece in _BLANK_LINES.split(data))


def _tidy(text: str) -> str:
    if not _is_tidy(text):
        lines = (" ".join(line.split()) for line in text.split("\n"))
        text = "\n".join(lines)
    return (_NEWLINES.sub("\n\n", text) if "\n\n\n" in text else text).strip("\n")


def _is_tidy(text: str) -> bool:
    """Whether every line has single spaces between its words and none around them; quick."""
    if "  " in text or " \n" in text or "\n " in text:
        return False
    flat = text.replace("\n", " ")
    # All other white space is unprintable.
    return flat.isprintable() and flat[:1] != " " != flat[-1:]


def _last_boundary(text: str, limit: int) -> int:
    """Return where the last whole character ends, its marks and joined emoji included."""
    end = 0
    for character in regex.finditer(r"\X", text):
        if character.end() > limit:
            break
        end = character.end()
    return end
