"""Recognises the format of a file by its first bytes, never by its name."""

import re
from typing import Literal, NamedTuple

import jiter

Kind = Literal[
    "lines",  # JSON Lines
    "values",  # JSON: an array, or objects over several lines
    "object",  # JSON: one object that holds articles
    "table",
    "spreadsheet",
    "feed",
    "wxr",
    "sitemap",
    "page",
    "post",  # front matter and a text
    "archive",
    "none",  # nothing here reads it
]


class Format(NamedTuple):
    """
    The format of a document.

    Fields:
        name: as people call it, in the singular.
        advice: for a format that cannot be imported, another way.
        plural: of the name, if it does not end with an "s".
    """

    kind: Kind
    name: str
    advice: str = ""
    plural: str = ""

    def counted(self, number: int) -> str:
        """Such as "1 feed" or "3,000 feeds"."""
        return f"{number:,} {self.name if number == 1 else self.plural or self.name + 's'}"


JSON_LINES = Format("lines", "JSON Lines", plural="files of JSON Lines")
JSON_VALUES = Format("values", "JSON", plural="JSON files")
JSON_OBJECT = Format("object", "JSON", plural="JSON files")
JSON_FEED = Format("object", "JSON Feed")
GHOST = Format("object", "Ghost export")
TABLE = Format("table", "CSV", plural="CSV files")
XLSX = Format("spreadsheet", "Excel workbook")
ODS = Format("spreadsheet", "OpenDocument spreadsheet")
XLS = Format("spreadsheet", "Excel 97 workbook")
WXR = Format("wxr", "WordPress export (WXR)")
SITEMAP = Format("sitemap", "sitemap")
PAGE = Format("page", "HTML page")
POST = Format("post", "post with front matter", plural="posts with front matter")
ZIP = Format("archive", "zip archive")
EMPTY = Format("lines", "empty file")


def _unread(name: str, advice: str, plural: str = "") -> Format:
    return Format("none", name, advice, plural)


_CONVERT = "convert it to JSON Lines"
_PICTURE = "pictures hold no articles"
# First bytes → what it is; in this order.
_MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", XLS),
    (b"%PDF-", _unread("PDF", "pdftotext makes text of it, without titles or dates")),
    (b"SQLite format 3\0", _unread("SQLite database", "sqlite3 -json FILE 'SELECT …' does")),
    (b"PAR1", _unread("Parquet file", "pandas or DuckDB can write it as JSON Lines")),
    (b"ORC", _unread("ORC file", "pandas can write it as JSON Lines")),
    (b"Obj\x01", _unread("Avro file", "avro-tools tojson writes it as JSON Lines")),
    (b"BZh", _unread("bzip2 archive", "bzcat FILE | alsosee import - does")),
    (b"\xfd7zXZ\0", _unread("xz archive", "xzcat FILE | alsosee import - does")),
    (b"7z\xbc\xaf\x27\x1c", _unread("7z archive", "unpack it and import the folder")),
    (b"Rar!\x1a\x07", _unread("RAR archive", "unpack it and import the folder")),
    (b"\x80\x04\x95", _unread("Python pickle", "it can run code; write JSON Lines instead")),
    (b"{\\rtf", _unread("RTF document", "save it as HTML")),
    (b"\xff\xd8\xff", _unread("JPEG picture", _PICTURE)),
    (b"\x89PNG\r\n", _unread("PNG picture", _PICTURE)),
    (b"GIF8", _unread("GIF picture", _PICTURE)),
    (b"RIFF", _unread("picture or recording", _PICTURE)),
    (b"wOFF", _unread("font", "fonts hold no articles")),
    (b"wOF2", _unread("font", "fonts hold no articles")),
)
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\f\r\x1a\x1b") + b"\x7f"
_MOST_CONTROLS = 50  # that text may have by accident
_TAR_AT, _TAR = 257, b"ustar"
_TAR_ARCHIVE = _unread("tar archive", "unpack it and import the folder")
WORD = _unread("Word document", "save it as HTML")
SLIDES = _unread("PowerPoint document", "save it as HTML")
EPUB = _unread("EPUB book", "unpack it and import the HTML pages in it")
UNKNOWN = _unread("damaged file", "")
BINARY = _unread("binary file", "nothing is known about it")
PROSE = _unread(
    "text without columns, front matter or markup", "JSON Lines, CSV or HTML would be read"
)
SQL = _unread(
    "SQL dump", "load it into a database and export the table of articles as CSV or JSON Lines"
)

SAMPLED_LINES = 50
_NAMESPACES_BYTES = 8000  # in which the root element names its vocabularies
# What may stand before the first element of XML or HTML.
_PROLOGUE = re.compile(
    rb"(?:\s++|<\?.*?\?>|<!--.*?-->|<!(?!--)[^>\[]*+(?:\[.*?\]\s*)?>)++", re.DOTALL
)
_ELEMENT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)([^>]*+)>?+")
_FEEDS = {
    b"rss": "RSS feed",
    b"rdf": "RSS 1.0 feed",
    b"feed": "Atom feed",
    b"channel": "feed (CDF)",
}
_SITEMAPS = (b"urlset", b"sitemapindex")
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|article|main|div|p|h1)\b", re.IGNORECASE)
_OTHER_XML = {
    b"opml": "OPML, a list of feeds",
    b"nitf": "NITF",
    b"newsml": "NewsML",
    b"newsitem": "NewsML-G2",
    b"newsmessage": "NewsML-G2",
    b"svg": "SVG picture",
}
_FRONT_MATTER = re.compile(rb"(?:---|\+\+\+)[ \t]*\r?\n")
_JSON_FRONT_MATTER = re.compile(
    rb"\{\r?\n.*?^\}[ \t]*\r?\n\s*[^\s{}\[\],\"]", re.DOTALL | re.MULTILINE
)
_SQL = re.compile(
    rb"(?:\s++|--[^\n]*+\n|/\*(?>.*?\*/);?)*+(?:CREATE|INSERT|DROP|SET|BEGIN|USE|LOCK)\s",
    re.IGNORECASE | re.DOTALL,
)
# The keys at the top of JSON objects that hold articles, as far as they stand in the head.
_TOP_KEY = re.compile(rb'"((?:[^"\\]|\\.)*+)"(\s*:)?|[\[\]{}]')
_CONTAINERS = {
    "items", "articles", "posts", "stories", "entries", "records", "documents", "docs", "results",
    "data", "hits", "response", "db", "rows", "nodes", "content", "channel", "@graph",
    "itemListElement", "edges",
}  # fmt: skip


def binary_format(head: bytes) -> Format | None:
    """The format of a file that is no text; None for text."""
    for magic, known in _MAGIC:
        if head.startswith(magic):
            return known
    if head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        return _TAR_ARCHIVE
    return None


def text_format(head: bytes) -> Format:
    """The format of a text in UTF-8 that begins with *head*."""
    text = head.lstrip()
    if not text:
        return EMPTY
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls > max(_MOST_CONTROLS, len(head) // 10):
        return BINARY
    if _are_json_lines(text):
        return JSON_LINES
    if text.startswith((b"{", b"[")):
        return _json_format(text)
    if _FRONT_MATTER.match(text):
        return POST
    if text.startswith(b"<"):
        return _markup_format(text)
    if _SQL.match(text):
        return SQL
    return TABLE


def _json_format(text: bytes) -> Format:
    if text.startswith(b"["):
        return JSON_VALUES
    first = text.partition(b"\n")[0]
    if _is_json_object(first):
        return _container(first) or JSON_LINES
    if _JSON_FRONT_MATTER.match(text):
        return POST
    spans_lines = not first.strip(b"{ \t\r") or _is_json_object(_first_object(text))
    return _container(text) or (JSON_VALUES if spans_lines else JSON_LINES)


def _first_object(text: bytes) -> bytes:
    """The object at the start of *text*, if it ends in there."""
    depth = 0
    for match in _TOP_KEY.finditer(text):
        depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(match[0], 0)
        if depth == 0:
            return text[: match.end()]
    return b""


def _are_json_lines(text: bytes) -> bool:
    """Whether most lines after the first are objects; the first may be broken."""
    if text.startswith(b"[") and b"]" not in text.partition(b"\n")[0]:
        return False  # an array over several lines, one object on each
    others = text.split(b"\n", SAMPLED_LINES)[1:SAMPLED_LINES]
    objects = sum(_is_json_object(line) for line in others)
    return 0 < 2 * objects >= len(others)


def _is_json_object(line: bytes) -> bool:
    if not line.lstrip().startswith(b"{"):
        return False
    try:
        return isinstance(jiter.from_json(line.strip(), allow_inf_nan=True), dict)
    except ValueError:
        return False


def _container(text: bytes) -> Format | None:
    """What an object is that holds articles; None for an object that is one, or begins as one."""
    keys = _top_keys(text)
    if b"jsonfeed.org/version" in text[:1000] and "version" in keys:
        return JSON_FEED
    if "db" in keys:
        return GHOST
    is_article = keys & {"title", "headline", "body", "html", "content_html", "_source"}
    if keys & _CONTAINERS and not is_article:
        return JSON_OBJECT
    return None


def _top_keys(text: bytes) -> set[str]:
    depth = 0
    keys = set()
    for match in _TOP_KEY.finditer(text):
        token = match[0]
        if token in (b"{", b"["):
            depth += 1
        elif token in (b"}", b"]"):
            depth -= 1
        elif depth == 1 and match[2] is not None:
            keys.add(match[1].decode(errors="replace"))
    return keys


def _markup_format(text: bytes) -> Format:
    prologue = _PROLOGUE.match(text)
    start = prologue.end() if prologue else 0
    element = _ELEMENT.match(text, start)
    name = element[1].lower() if element else b""
    if name == b"rss" and b"wordpress.org/export/" in text[:_NAMESPACES_BYTES]:
        return WXR
    if name in _FEEDS:
        return Format("feed", _FEEDS[name])
    if name in _SITEMAPS:
        return SITEMAP
    if name in _OTHER_XML:
        return _unread(_OTHER_XML[name], _CONVERT)
    if name == b"html" or _HTML.search(text[: start + 2000]):
        return PAGE
    shown = name.decode(errors="replace") or "?"
    return _unread(f"XML with the root element <{shown}>", _CONVERT)
