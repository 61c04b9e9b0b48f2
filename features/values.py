"""
Readers of field values in the forms that other systems send.

Every reader takes the value that was sent and returns the one that an `Article` holds, or raises. A
ValueError means that the value cannot be read: an optional field is then left out with a warning.
`unsafe` means that the whole article must be refused.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import regex
from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

from features.dates import parse_date
from features.errors import FieldProblem
from features.language import normalize_language
from features.site_defaults import NO_DEFAULTS, SiteDefaults
from features.text import excerpt, plain_text, without_inline_data, without_long_data

MAX_ID_BYTES = 512
MAX_BODY_CHARS = 200_000
# With markup, but without inline data. An export writes up to five characters for one.
MAX_RAW_BODY_CHARS = 5 * MAX_BODY_CHARS + 1000
MAX_RAW_LINE_CHARS = 100_000
MAX_LABELS = 200
MAX_LABEL_CHARS = 1000
MAX_LINE_CHARS = 2000
MAX_PIXELS = 20_000
UNKNOWN_LANGUAGES = ("", "und", "mul", "mis", "zxx")  # RFC 5646's codes for no one language
NO_KNOWN_LANGUAGE = "mis"  # an export writes it if the language could not be detected
UNSAFE = "unsafe"

_CONTROL = regex.compile(r"\p{Cc}")
_URL_FORBIDDEN = regex.compile(r"[\p{Cc}\p{Cf}\p{Z}\\]")
_SCHEME = regex.compile(r"[A-Za-z][A-Za-z0-9+.-]*+(?=:)")
_CODE_SCHEMES = frozenset(("blob", "data", "file", "javascript", "vbscript"))
_ADDRESS = regex.compile(r"https?://", regex.IGNORECASE)
_PIXELS = regex.compile(r"([0-9]{1,5})(?:\.0+)?(?:px)?")
_PICTURE_FILE = regex.compile(r"\.(?:avif|gif|jpe?g|png|webp)(?:\?|$)", regex.IGNORECASE)
# A list as Python and JSON write it, in a cell of a table.
_WRITTEN_LIST = regex.compile(r"""\[(?P<items>[^\[\]]*)\]|\{(?P<items>[^{}:]*)\}""")


class ReadingContext:
    """
    State that the readers of one article share.

    Attributes:
        defaults: of its site.
        warnings: about parts that were left out of fields that are kept, by our name of the field.
    """

    def __init__(self, defaults: SiteDefaults = NO_DEFAULTS) -> None:
        self.defaults = defaults
        self.warnings: list[FieldProblem] = []


def unsafe(detail: str) -> PydanticCustomError:
    """The error for a value that refuses the whole article; *detail* is a constant."""
    return PydanticCustomError(UNSAFE, detail)


def check_article_id(value: Any) -> str:
    """Return the id as text; a number is accepted too. Raises ValueError if it is unusable."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # WordPress and most databases have numbers as ids
    if not isinstance(value, str):
        raise ValueError("expected a string")
    size = len(_utf8(value))
    if not 1 <= size <= MAX_ID_BYTES:
        raise ValueError(f"expected 1 to {MAX_ID_BYTES} bytes of UTF-8, got {size}")
    if _CONTROL.search(value):
        raise ValueError("must not hold control characters")
    return value


def read_line(value: Any) -> str:
    """One line of plain text."""
    text = _text(value)
    if len(text) > MAX_RAW_LINE_CHARS:
        text = without_inline_data(text)
    if len(text) > MAX_RAW_LINE_CHARS:
        raise ValueError(f"expected at most {MAX_RAW_LINE_CHARS:,} characters, markup included")
    return " ".join(plain_text(text).split())


def read_optional_line(value: Any) -> str | None:
    """One line, or the first of several. Of an object, its name."""
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    if isinstance(value, Mapping):
        value = value.get("name")
    return None if value is None else read_line(value) or None


def read_excerpt(value: Any, info: ValidationInfo) -> str | None:
    text = read_optional_line(value)
    if text is None or not text.strip(" .…[]"):  # what is left of a cut shortcode
        return None
    if len(text) <= MAX_LINE_CHARS:
        return text
    _warn(info, f"cut after {MAX_LINE_CHARS:,} characters")
    return excerpt(text, MAX_LINE_CHARS)


def read_body(value: Any, info: ValidationInfo) -> str:
    """Plain text, cut if it is longer than the analysis allows."""
    sent = "" if value is None else _text(value)
    # In Markdown they are no attributes, which would be dropped with their tag.
    sent = without_long_data(sent)
    if len(sent) > MAX_RAW_BODY_CHARS:
        sent = without_inline_data(sent)
    text = plain_text(sent[:MAX_RAW_BODY_CHARS])
    if len(text) <= MAX_BODY_CHARS and len(sent) <= MAX_RAW_BODY_CHARS:
        return text
    _warn(info, f"cut after {min(len(text), MAX_BODY_CHARS):,} characters")
    end = text.rfind("\n", MAX_BODY_CHARS // 2, MAX_BODY_CHARS)
    return text[: end if end > 0 else MAX_BODY_CHARS].rstrip()


def read_url(value: Any, info: ValidationInfo) -> str | None:
    """An absolute address; a relative one is completed by the site's home page."""
    if isinstance(value, Mapping):  # schema.org's mainEntityOfPage
        value = value.get("@id") or value.get("url")
    if value is None:
        return None
    address = _text(value).strip().replace(" ", "%20")  # as browsers read it
    scheme = _SCHEME.match(address)
    if scheme is not None and scheme[0].lower() in _CODE_SCHEMES:
        raise unsafe("must be an http or https address")
    if _URL_FORBIDDEN.search(address) or _has_credentials(address):
        raise unsafe("must not hold user names, backslashes or invisible characters")
    home = _defaults(info).home_page
    return _absolute(address if home is None else urljoin(home, address)) if address else None


def read_date(value: Any, info: ValidationInfo) -> Any:
    return parse_date(value, _defaults(info).dates)


def read_labels(value: Any, info: ValidationInfo) -> tuple[str, ...]:
    """Tags and authors: one or several names or objects with a name, or a text with several."""
    entries = _entries(value)
    if len(entries) > MAX_LABELS:
        _warn(info, f"only the first {MAX_LABELS} of {len(entries)} entries are kept")
    labels: dict[str, None] = {}
    for entry in entries[:MAX_LABELS]:
        try:
            labels |= dict.fromkeys(_names(entry))
        except PydanticCustomError:
            raise
        except ValueError as error:
            _warn(info, str(error))
    labels.pop("", None)
    return tuple(labels)


def read_language(value: Any) -> str | None:
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    if isinstance(value, Mapping):  # schema.org's Language
        value = value.get("alternateName") or value.get("name") or "no name"
    if value is None or value in UNKNOWN_LANGUAGES:
        return None
    language = normalize_language(_text(value))
    if language is None:
        raise ValueError("expected a language tag, such as en or pt-BR")
    return language


def read_image(value: Any, info: ValidationInfo) -> dict[str, Any] | None:
    """The first usable picture of an address, an object, or several of them."""
    base = info.data.get("url") or _defaults(info).home_page
    problem: ValueError | None = None
    for sent in value if isinstance(value, list | tuple) else [value]:
        try:
            picture = _picture(sent, base)
        except ValueError as error:
            problem = problem or error
            continue
        if picture is not None:
            return picture
    if problem is not None:
        raise problem
    return None


def read_version(value: Any) -> Any:
    """A whole number; in CSV it comes as text."""
    if value == "":
        return None
    is_digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 17
    return int(value) if is_digits else value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("expected a string")
    _utf8(value)
    if "\0" in value:
        raise unsafe("must not hold NUL characters")
    return value


def _utf8(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise unsafe(
            "is not UTF-8 text: it holds a lone surrogate, or the file has another encoding"
        ) from None


def _defaults(info: ValidationInfo) -> SiteDefaults:
    return info.context.defaults if info.context else NO_DEFAULTS


def _warn(info: ValidationInfo, detail: str) -> None:
    if info.context:
        info.context.warnings.append(FieldProblem(info.field_name or "", detail))


def _has_credentials(address: str) -> bool:
    """Whether an address holds a user name, which readers can mistake for its host."""
    try:
        return not {"@", "%"}.isdisjoint(urlsplit(address).netloc)
    except ValueError:
        return False


def _absolute(address: str) -> str:
    try:
        parts = urlsplit(address)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ValueError("expected an absolute http or https URL")
    if len(address) > MAX_LINE_CHARS:
        raise ValueError(f"expected at most {MAX_LINE_CHARS} characters")
    return address


def _entries(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, str):
        written = _WRITTEN_LIST.fullmatch(value.strip())
        entries = regex.split(r"[,;|]", written["items"] if written else value)
        return [entry.strip().strip("'\"") for entry in entries] if written else entries
    if isinstance(value, Mapping):
        return [value]
    if not isinstance(value, list | tuple):
        raise ValueError("expected a list of names")
    return list(value)


def _names(entry: Any) -> Iterator[str]:
    """The names in one entry of a list of tags or authors."""
    if isinstance(entry, Mapping):
        entry = entry.get("name")
    if isinstance(entry, int) and not isinstance(entry, bool):
        entry = str(entry)  # a year, as a tag
    for name in entry if isinstance(entry, list) else [entry]:
        if name is None:
            raise ValueError("expected a name, or an object with one")
        line = read_line(name)
        if len(line) > MAX_LABEL_CHARS:
            raise ValueError(f"expected at most {MAX_LABEL_CHARS} characters in each")
        if _ADDRESS.match(line):
            raise ValueError("expected a name, not an address")
        yield line


def _picture(sent: Any, base: str | None) -> dict[str, Any] | None:
    if isinstance(sent, Mapping):
        size = {name: _pixels(sent.get(name)) for name in ("width", "height")}
        alt = sent.get("alt") or sent.get("alt_text")
        address = _picture_address(sent)
    else:
        size = {}
        alt = None
        address = sent
    if address in (None, ""):
        return None
    if not isinstance(address, str):
        raise ValueError("expected an address, or an object with a url")
    address = address.strip().replace(" ", "%20")
    if _URL_FORBIDDEN.search(address) or _has_credentials(address):
        raise ValueError("expected an absolute http or https URL")
    url = _absolute(address if base is None else urljoin(base, address))
    return {"url": url, "alt": alt if isinstance(alt, str) else None, **size}


def _picture_address(sent: Mapping[str, Any]) -> Any:
    for name in ("url", "contentUrl", "src", "source_url", "href"):
        value = sent.get(name)
        if value:
            return value[0] if isinstance(value, list) else value
    identifier = sent.get("@id")
    if isinstance(identifier, str) and _PICTURE_FILE.search(identifier):
        return identifier
    raise ValueError("expected an address, or an object with a url")


def _pixels(value: Any) -> int | None:
    """A size, as a number or as text; None if it gives no pixels, as is common for SVG."""
    if isinstance(value, Mapping):  # schema.org's QuantitativeValue
        value = value.get("value")
    match = _PIXELS.fullmatch(str(value).strip())
    pixels = int(match[1]) if match else 0
    return pixels if 1 <= pixels <= MAX_PIXELS else None
