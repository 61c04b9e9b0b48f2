"""One article as the newsroom sends it, checked and cleaned: the only way in for its text."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

import regex
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from features.errors import InvalidInput, field_problems
from features.fields import sender_names
from features.language import detect_language, normalize_language
from features.text import excerpt as first_words
from features.text import plain_text

MAX_ID_BYTES = 512
MAX_BODY_CHARS = 200_000
MAX_LABELS = 200
MAX_LABEL_CHARS = 1000
# Of a title, a tag and the like as they come in: the HTML parser need not see more.
MAX_RAW_LINE_CHARS = 20_000
UNKNOWN_LANGUAGES = ("", "und", "mul", "mis", "zxx")  # RFC 5646's ways to say nothing
UNSAVED_ID = "(unsaved)"


_CONTROL = regex.compile(r"\p{Cc}")
_URL_FORBIDDEN = regex.compile(r"[\p{Cc}\p{Cf}\p{Z}\\]")


def check_article_id(value: Any) -> str:
    """Return the id as text (numbers count), or raise ValueError saying what is wrong with it."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # WordPress and most databases number their posts
    if not isinstance(value, str):
        raise ValueError("expected a string")
    size = len(_utf8(value))
    if not 1 <= size <= MAX_ID_BYTES:
        raise ValueError(f"expected 1 to {MAX_ID_BYTES} bytes of UTF-8, got {size}")
    if _CONTROL.search(value):
        raise ValueError("must not hold control characters")
    return value


def _utf8(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise ValueError(
            "holds what is not UTF-8 text: a lone surrogate, or a file in another encoding"
        ) from None


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("expected a string")
    _utf8(value)
    if "\0" in value:
        raise ValueError("must not hold NUL characters")
    return value


def _one_line(value: Any) -> Any:
    text = _text(value)
    if len(text) > MAX_RAW_LINE_CHARS:
        raise ValueError(f"expected at most {MAX_RAW_LINE_CHARS} characters, markup and all")
    return " ".join(plain_text(text).split())


def _one_line_or_none(value: Any) -> Any:
    if isinstance(value, list):  # several categories: the first is the main one
        value = value[0] if value else None
    return None if value is None else _one_line(value) or None


def _body(value: Any) -> Any:
    text = _text(value)
    if len(text) > 4 * MAX_BODY_CHARS:  # before the HTML parser, which need not see it
        raise ValueError(f"expected at most {MAX_BODY_CHARS} characters")
    return plain_text(text)


def _url(value: Any) -> Any:
    url = _text(value).strip().replace(" ", "%20")  # as browsers read it
    if not url:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname
        usable = usable and not {"@", "%"} & set(parts.netloc)
        _ = parts.port
    except ValueError:
        usable = False
    if not usable or _URL_FORBIDDEN.search(url):
        raise ValueError("expected an absolute http or https URL")
    return url


def parse_date(value: Any) -> datetime | None:
    """
    Read ISO 8601 or the date of a feed (RFC 5322) as an instant in UTC.

    A date without a zone is taken as UTC, a date without a time as its midnight.
    Numbers are refused: seconds and milliseconds cannot be told apart.

    Raises:
        ValueError: for anything else.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError("expected a date as text, such as 2025-03-13T07:12:44Z")
    try:
        moment = _read_date(value.strip())
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        raise ValueError("expected an ISO 8601 date, such as 2025-03-13T07:12:44Z") from None


def _read_date(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return parsedate_to_datetime(text)


def _labels(value: Any) -> Any:
    """Tags and authors: a list of names or of objects with a name, or one string of several."""
    if value is None:
        return ()
    if isinstance(value, str):
        value = regex.split(r"[,;|]", value)
    if not isinstance(value, list | tuple):
        raise ValueError("expected a list of strings")
    if len(value) > MAX_LABELS:
        raise ValueError(f"expected at most {MAX_LABELS} entries")
    names = [_one_line(v.get("name") if isinstance(v, Mapping) else v) for v in value]
    if any(len(name) > MAX_LABEL_CHARS for name in names):
        raise ValueError(f"expected at most {MAX_LABEL_CHARS} characters in each")
    return tuple(dict.fromkeys(name for name in names if name))


def _language(value: Any) -> Any:
    if value is None or value in UNKNOWN_LANGUAGES:
        return None
    language = normalize_language(_text(value))
    if language is None:
        raise ValueError("expected a language tag, such as en or pt-BR")
    return language


def _whole_number(value: Any) -> Any:
    """A cell of CSV is text."""
    digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 17
    return int(value) if digits else value or (None if value == "" else value)


def _image(value: Any) -> Any:
    return {"url": value} if isinstance(value, str) and value else value or None


# Bounds stand before validators: so they are the text's own, and speak of characters.
Title = Annotated[str, Field(min_length=1, max_length=1000), BeforeValidator(_one_line)]
OptionalLine = Annotated[
    Annotated[str, Field(max_length=2000)] | None, BeforeValidator(_one_line_or_none)
]
Url = Annotated[str, Field(max_length=2000), BeforeValidator(_url)]
OptionalUrl = Annotated[
    Annotated[str, Field(max_length=2000)] | None,
    BeforeValidator(lambda value: None if value is None else _url(value)),
]
Moment = Annotated[datetime | None, BeforeValidator(parse_date)]
Labels = Annotated[tuple[str, ...], BeforeValidator(_labels)]


class Image(BaseModel):
    """The picture of a card; sizes in pixels."""

    model_config = ConfigDict(frozen=True)

    url: Url
    width: int | None = Field(default=None, ge=1, le=20_000)
    height: int | None = Field(default=None, ge=1, le=20_000)
    alt: OptionalLine = None


class Article(BaseModel):
    """
    A story of the archive. Text fields are plain text: HTML that came in has become text.

    `language` is an ISO 639 code, detected where the sender gave none, None where it
    cannot be told. `version` (or else `updated_at`) decides between two writers.
    """

    model_config = ConfigDict(frozen=True)

    id: Annotated[str, BeforeValidator(check_article_id)]
    title: Title
    body: Annotated[str, Field(max_length=MAX_BODY_CHARS), BeforeValidator(_body)] = ""
    url: OptionalUrl = None
    excerpt: OptionalLine = None
    published_at: Moment = None
    updated_at: Moment = None
    section: OptionalLine = None
    tags: Labels = ()
    authors: Labels = ()
    language: Annotated[str | None, BeforeValidator(_language)] = None
    image: Annotated[Image | None, BeforeValidator(_image)] = None
    version: Annotated[
        Annotated[int, Field(strict=True, ge=0, lt=2**53)] | None, BeforeValidator(_whole_number)
    ] = None

    @property
    def revision(self) -> int | None:
        """What orders two writes of one article: `version`, or `updated_at` in milliseconds."""
        if self.version is not None or self.updated_at is None:
            return self.version
        return round(self.updated_at.timestamp() * 1000)


def parse_article(data: object) -> Article:
    """
    Check and clean one article from outside, under any of the names of `fields.FIELD_ALIASES`.

    Fields nobody knows are ignored. A missing language is detected, a missing excerpt
    is taken from the start of the body.

    Raises:
        InvalidInput: naming every bad field by the name the sender used.
    """
    if not isinstance(data, Mapping):
        raise InvalidInput.at("", "expected a JSON object")
    names = sender_names(data)
    try:
        article = Article.model_validate({ours: data[theirs] for ours, theirs in names.items()})
    except ValidationError as error:
        raise InvalidInput(field_problems(error, names)) from None
    return _completed(article)


def parse_draft(data: object) -> Article:
    """
    Check and clean a story that is still being written: its id and title may be missing.

    Raises:
        InvalidInput: also when there is neither a title nor a body.
    """
    if not isinstance(data, Mapping):
        raise InvalidInput.at("", "expected a JSON object")
    names = sender_names(data)
    given = {ours: data[theirs] for ours, theirs in names.items()}
    if not given.get("title") and not given.get("body"):
        raise InvalidInput.at("title", "expected a title or a body")
    untitled = not given.get("title")
    completed = {**data, "id": given.get("id", UNSAVED_ID)} | ({"title": "–"} if untitled else {})
    article = parse_article(completed)
    return article.model_copy(update={"title": ""}) if untitled else article


def _completed(article: Article) -> Article:
    missing: dict[str, Any] = {}
    if article.language is None:
        missing["language"] = detect_language(f"{article.title}\n{article.body}")
    if article.excerpt is None and article.body:
        missing["excerpt"] = first_words(article.body) or None
    return article.model_copy(update=missing) if missing else article
