"""
Remove markup that is not HTML, and undo double escaping, before a text is read.

Such markup is shortcodes of WordPress, BBCode, tags of Liquid, Jinja, Nunjucks and Hugo, tokens of
Drupal and Joomla, and CDATA sections. Every step returns a list of changes with their places, so
that the place of each remaining character in what was sent is known.
"""

from collections.abc import Callable, Iterable, Iterator
from html import unescape
from itertools import chain
from typing import NamedTuple

import regex

from features.elements import ELEMENTS, is_reference, names

Change = tuple[int, int, str]  # start, end, and the text that replaces this part
Step = Callable[[str], list[Change]]

PARAGRAPH = "\n\n"
_LONGEST_TAG = 5000  # characters; Divi and WPBakery write long ones
_LONGEST_CUT_TAG = 300  # at the end of an excerpt

# A pair of these is part of a sentence; pairs of all others divide paragraphs.
_INLINE = names("""
    b i u s em strong sub sup url link a email color colour size font highlight mark abbr tooltip
    dropcap popup ref footnote fn small big span bold italic underline strike del ins user mention
""")
# Between a pair of these is no prose, but an address, a number or nothing.
_NOT_PROSE = names("""
    embed img image youtube vimeo dailymotion audio video playlist gallery media attach attachment
    tweet twitter instagram facebook soundcloud spotify gist googlemap map iframe comment
""")
_BBCODE = names("quote code list align left right center indent spoiler table tr td th php html")
# Names that never occur in brackets in prose, so that no attributes or closing tag are needed.
_STANDALONE = regex.compile(
    r"(?:et_pb|vc|fusion|av|su|ngg|nggallery|cs|x|themify|tve|fl|kc|mk|nectar|wpb|elementor"
    r"|wp|wpforms|mc4wp|wpdevart|rev|tp|penci|td|tdm|divi|bs|gem|porto|woodmart)_[a-z0-9_]+"
    r"|gallery|wp_caption|caption|embed|playlist|nggallery|rev_slider|layerslider|metaslider"
    r"|smartslider3|contact-form(?:-7)?|gravityforms?|wpforms|formidable|ninja_forms?|tablepress"
    r"|toc|ez-toc|no_toc|adsense|adrotate|the_ad|ads|ad_code|read_more|readmore|related_posts?"
    r"|recent-posts|social_share|addtoany|sharethis|jetpack_subscription_form|subscribe2"
    r"|newsletter_form|clear|clearfix|divider|spacer|separator|nextpage|page_break|one_half"
    r"|one_third|two_third|one_fourth|three_fourth"
)
_CURLY_STANDALONE = regex.compile(
    r"loadposition|loadmodule(?:id)?|mosimage|mospagebreak|jcomments|modulepos"
)

# A quotation mark may never be closed in an excerpt, which WordPress cuts anywhere.
_ATTRIBUTES = r"""(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\[\]"'])*+"""
_CUT = r"\Z|(?=\s*+\[(?:…|\.{3}|&hellip;|&\#8230;)\])"
_SHORTCODE = regex.compile(
    rf"""
      \[(?P<escaped>\[)?
      (?P<close>/?)(?P<name>[a-zA-Z][a-zA-Z0-9_-]{{0,60}}+|\*)
      (?P<rest>(?=[\s=:|/\]]){_ATTRIBUTES})
      (?P<end>\]|{_CUT})(?(escaped)(?P<unescape>\]?))
    """,
    regex.VERBOSE,
)
_HAS_QUOTED_ATTRIBUTE = regex.compile(r"""\s[\w-]++=["'“”″&]""")
_HAS_ATTRIBUTE = regex.compile(r"(?:\s[\w-]++|^)=\S")
_HAS_ADDRESS = regex.compile(r"^[\s:=|]++https?://", regex.IGNORECASE)
_HAS_VALUE = regex.compile(r"^[:|]\S")  # Drupal's [video:https://…] and [img_assist|nid=7]
_WITH_VALUE = names("video youtube image img img_assist node nid file media audio tweet embed")
# WordPress wrote captions as an attribute until 2012; Hugo does.
_CAPTION = regex.compile(
    r"""(?:\[(?:wp_)?caption|\{\{[<%]\s*+figure)\b.*?\scaption=(["'])(?P<text>.+?)\1""",
    regex.DOTALL | regex.IGNORECASE,
)
_DRUPAL_MEDIA = regex.compile(r"\[\[\{[^\[\]]{0,5000}?\}\]\]")
_CURLY = regex.compile(
    r"\{(?P<close>/?)(?P<name>[a-z][a-z0-9_]{0,40}+)(?P<rest>(?:\s[^{}]{0,500}+)?+)\}"
)
_TEMPLATE = regex.compile(
    r"""
      \{%-?\s*+(?P<name>(?:end)?comment)\s*+-?%\}
    | <%.{0,2000}?%> | <\?(?:php\b|=).{0,2000}?\?>  # ERB, ASP and PHP
    | \{%.{0,2000}?%\} | \{\#.{0,2000}?\#\}
    | \{\{<.{0,2000}?>\}\} | \{\{%.{0,2000}?%\}\} | \{\{[^{}]{0,500}+\}\}
    """,
    regex.VERBOSE | regex.DOTALL,
)
_SPECIAL = regex.compile(r"[&<>\[\]{}]")
_LINE = regex.compile(r"[^\n]+")
_NOT_ASCII = regex.compile(r"[^\x00-\x7f]+")
# The first byte of a letter in UTF-8 and the second, as Windows-1252 shows them.
_MISREAD = regex.compile(r"[\xc2-\xf4][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
# Letters that news are not written in; a line that would have one was not misread.
_UNLIKELY = regex.compile(
    r"[\x80-\x9f\u0250-\u036f\u0700-\u08ff\u1200-\u1dff\u2300-\u24ff\ua4d0-\uabff\ue000-\uf8ff]"
)
_C1 = regex.compile(r"[\x80-\x9f]")
_CDATA = regex.compile(r"<!\[CDATA\[|\]\]>", regex.IGNORECASE)

_REFERENCE = regex.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_TWICE_ESCAPED = regex.compile(
    r"&amp;(?=(?:#[0-9]{2,5}|#[xX][0-9a-fA-F]{2,4}|nbsp|[lrs][sdab]quo|[mn]dash|hellip);)"
)
_ANY_TWICE = regex.compile(
    r"&amp;(?=(?:#[0-9]{2,5}|#[xX][0-9a-fA-F]{2,4}|(?P<name>[a-zA-Z]{2,8}));)"
)
_ESCAPED_TAG = regex.compile(r"&(?:lt|#60|#x3c);[a-z/!]", regex.IGNORECASE)
_TAG_AT_START = regex.compile(
    r"\s*+<(?:!--|!\[CDATA\[|(?P<name>[a-z][a-z0-9]*+)(?:\s[^<>]*+)?/?>)", regex.IGNORECASE
)
_OPEN_OR_CLOSE = regex.compile(
    r"<(?P<close>/?)(?P<name>[a-z][a-z0-9]*+)(?:\s[^<>]*+)?/?>", regex.IGNORECASE
)


def prepared(text: str) -> str:
    """The text without markup that is not HTML, and unescaped if all of it was escaped."""
    for step in STEPS:
        changes = step(text)
        if changes:
            text = _changed(text, changes)
    return text


def escape_for_import(text: str) -> str:
    """HTML from which `plain_text` reads exactly this text, also if it contains markup."""
    escaped = _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", text)
    return "<span>" + escaped.replace("\n", "<br>") + "</span>"


def misread_utf8(text: str) -> list[Change]:
    """
    Read lines of UTF-8 that were taken for Windows-1252 as they were meant: "donâ€™t", "CafÃ©".

    Every letter of such a line that is not ASCII is part of a misread one, so that “CAFÉ» and
    „Spaß“ stay as they are.
    """
    if text.isascii() or not _MISREAD.search(text):
        return []
    changes: list[Change] = []
    for line in _LINE.finditer(text):
        if _MISREAD.search(line[0]) and _is_misread(line[0]):
            parts = _NOT_ASCII.finditer(text, *line.span())
            changes += [(*part.span(), _bytes_of_windows(part[0]).decode()) for part in parts]
    return changes


def _is_misread(line: str) -> bool:
    try:
        meant = _bytes_of_windows(line).decode()
    except UnicodeError:
        return False
    return meant.isascii() or not _UNLIKELY.search(meant)


def _bytes_of_windows(text: str) -> bytes:
    """The bytes of a text in Windows-1252 or Latin-1. Raises UnicodeEncodeError for others."""
    return b"".join(
        character.encode("latin-1" if "\x80" <= character <= "\x9f" else "cp1252")
        for character in text
    )


def windows_letters(text: str) -> list[Change]:
    """Replace C1 control characters, which are obsolete, by the letters of Windows-1252."""
    if text.isascii():
        return []
    changes = []
    for match in _C1.finditer(text):
        letter = match[0].encode("latin-1").decode("cp1252", "ignore")
        changes.append((*match.span(), letter))
    return changes


def unescaping(text: str) -> list[Change]:
    """
    Undo one escaping too many: of the whole text if it then reads as HTML, and of references.

    A text that has tags was not escaped as a whole; it may be about HTML.
    """
    if "&" not in text:
        return []
    if not any(tag["name"].lower() in ELEMENTS for tag in _OPEN_OR_CLOSE.finditer(text)):
        if _ESCAPED_TAG.search(text) and _is_html(unescape(text)):
            return [(*m.span(), unescape(m[0])) for m in _REFERENCE.finditer(text)]
        twice = [m for m in _ANY_TWICE.finditer(text) if not m["name"] or is_reference(m["name"])]
        if text.count("&") == len(twice):
            return [(*m.span(), "&") for m in twice]
    return [(*m.span(), "&") for m in _TWICE_ESCAPED.finditer(text)]


def cdata(text: str) -> list[Change]:
    """Drop the marks of CDATA sections, and keep their content."""
    if "<![" not in text:
        return []
    return [(*m.span(), "") for m in _CDATA.finditer(text)]


def templates(text: str) -> list[Change]:
    """Drop tags of template languages and their comments, and keep the text between tags."""
    if "{" not in text and "<%" not in text and "<?" not in text:
        return []
    tags = [_Tag.of_curly(match) for match in _CURLY.finditer(text)]
    changes: list[Change] = []
    for match in _TEMPLATE.finditer(text):
        if match["name"]:
            tags.append(_Tag.of_comment(match))
        separator = PARAGRAPH if match[0].startswith("{%") else ""
        changes += _without_tag(text, *match.span(), separator)
    return _in_order([*changes, *_without_tags(text, tags, _CURLY_STANDALONE)])


def shortcodes(text: str) -> list[Change]:
    """
    Drop shortcodes that have attributes, are known, or come in pairs; `[sic]` and `[1]` stay.

    The text between two tags stays, unless it is an address or a number, and so do captions. An
    article about shortcodes writes `[gallery]` as `[[gallery]]`.
    """
    if "[" not in text:
        return []
    changes: list[Change] = [(*m.span(), "") for m in _DRUPAL_MEDIA.finditer(text)]
    tags = []
    has_lists = "[/list]" in text.lower()
    for match in _SHORTCODE.finditer(text):
        tag = _Tag.of_shortcode(match)
        if match["escaped"] and match["unescape"]:
            if tag.is_known or _STANDALONE.fullmatch(tag.name):
                changes.append((match.start(), match.end(), match[0][1:-1]))
        elif match["end"] or tag.is_known:
            tags.append(tag._replace(is_known=tag.is_known or (tag.name == "*" and has_lists)))
    return _in_order([*changes, *_without_tags(text, tags, _STANDALONE)])


STEPS: tuple[Step, ...] = (
    misread_utf8,
    misread_utf8,
    windows_letters,
    unescaping,
    unescaping,
    cdata,
    templates,
    shortcodes,
)


class _Tag(NamedTuple):
    """
    A tag that may be markup.

    Fields:
        is_known: whether it certainly is, also without the other tag of its pair.
    """

    start: int
    end: int
    name: str
    is_close: bool
    is_known: bool

    @classmethod
    def of_shortcode(cls, match: "regex.Match[str]") -> "_Tag":
        name = match["name"].lower()
        rest = match["rest"]
        has_value = (name in _WITH_VALUE and _HAS_VALUE.search(rest) is not None) or (
            name in _NOT_PROSE and _HAS_ADDRESS.search(rest) is not None
        )
        longest = _LONGEST_TAG if match["end"] else _LONGEST_CUT_TAG
        is_tag = len(rest) <= longest and (
            has_value
            or _HAS_QUOTED_ATTRIBUTE.search(rest) is not None
            or (_is_tag_name(name) and _HAS_ATTRIBUTE.search(rest) is not None)
        )
        start = match.start() + bool(match["escaped"])
        return cls(start, match.end("end"), name, bool(match["close"]), is_tag)

    @classmethod
    def of_curly(cls, match: "regex.Match[str]") -> "_Tag":
        return cls(*match.span(), match["name"], bool(match["close"]), is_known=False)

    @classmethod
    def of_comment(cls, match: "regex.Match[str]") -> "_Tag":
        is_close = match["name"].startswith("end")
        return cls(*match.span(), "comment", is_close, is_known=False)


def _is_tag_name(name: str) -> bool:
    known = name in _INLINE or name in _NOT_PROSE or name in _BBCODE or name == "*"
    return known or "_" in name or "-" in name or _STANDALONE.fullmatch(name) is not None


def _without_tags(
    text: str, tags: Iterable[_Tag], standalone: "regex.Pattern[str]"
) -> Iterator[Change]:
    """The changes that drop pairs of tags, and single tags that are certainly markup."""
    opened: dict[str, list[_Tag]] = {}
    for tag in tags:
        if not tag.is_close:
            opened.setdefault(tag.name, []).append(tag)
        elif opened.get(tag.name):
            first = opened[tag.name].pop()
            separator = "" if tag.name in _INLINE else PARAGRAPH
            if tag.name in _NOT_PROSE:
                yield first.start, tag.end, separator
            else:
                yield from _without_tag(text, first.start, first.end, separator)
                yield tag.start, tag.end, separator
        elif standalone.fullmatch(tag.name):
            yield tag.start, tag.end, PARAGRAPH
    for tag in chain.from_iterable(opened.values()):
        if tag.is_known or standalone.fullmatch(tag.name):
            separator = "" if tag.name in _INLINE else PARAGRAPH
            yield from _without_tag(text, tag.start, tag.end, separator)


def _without_tag(text: str, start: int, end: int, separator: str) -> Iterator[Change]:
    """Drop a tag, but keep its caption, which readers see."""
    caption = _CAPTION.match(text, start, end)
    if caption is None:
        yield start, end, separator
    else:
        yield start, caption.start("text"), PARAGRAPH
        yield caption.end("text"), end, PARAGRAPH


def _in_order(changes: Iterable[Change]) -> list[Change]:
    """The changes in order; one that begins inside another is dropped."""
    kept: list[Change] = []
    for change in sorted(changes, key=lambda change: (change[0], -change[1])):
        if not kept or change[0] >= kept[-1][1]:
            kept.append(change)
    return kept


def _is_html(text: str) -> bool:
    """Whether the text begins with a tag, or has an element that is closed."""
    first = _TAG_AT_START.match(text)
    if first is not None and (not first["name"] or first["name"].lower() in ELEMENTS):
        return True
    opened = set()
    for tag in _OPEN_OR_CLOSE.finditer(text):
        name = tag["name"].lower()
        if not tag["close"]:
            opened.add(name)
        elif name in opened and name in ELEMENTS:
            return True
    return False


def _changed(text: str, changes: Iterable[Change]) -> str:
    pieces: list[str] = []
    position = 0
    for start, end, new in changes:
        pieces += [text[position:start], new]
        position = end
    return "".join([*pieces, text[position:]])
