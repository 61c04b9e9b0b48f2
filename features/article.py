"""One article from outside, checked and cleaned. Every text of an article comes in through here."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from features.addresses import parse_url
from features.dates import parse_date
from features.errors import FieldProblem, InvalidInput, field_problems
from features.fields import DATES, says_utc, sender_names, sender_names_by_rank
from features.language import DetectedLanguage, LanguageMix, detect
from features.schemas import (
    BODY,
    CANONICAL_URL,
    DATE,
    EXCERPT,
    IMAGE,
    LABELS,
    LANGUAGE,
    PUBLICATION_DATE,
    SECTION,
    TITLE,
    URL,
    VERSION,
    accepts,
)
from features.site_defaults import NO_DEFAULTS, SiteDefaults
from features.text import excerpt as first_words
from features.values import (
    MAX_BODY_CHARS,
    MAX_LINE_CHARS,
    MAX_PIXELS,
    NO_KNOWN_LANGUAGE,
    UNSAFE,
    ReadingContext,
    check_article_id,
    read_body,
    read_date,
    read_excerpt,
    read_image,
    read_labels,
    read_language,
    read_line,
    read_optional_line,
    read_url,
    read_version,
)

UNSAVED_ID = "(unsaved)"
# Without these an article can neither be shown nor found, nor compared with an older copy.
REQUIRED = frozenset(("id", "title", "version"))

Line = Annotated[str, Field(max_length=MAX_LINE_CHARS)]
Labels = Annotated[tuple[str, ...], BeforeValidator(read_labels), accepts(LABELS)]
Moment = Annotated[datetime | None, BeforeValidator(read_date)]
Pixels = Annotated[int, Field(ge=1, le=MAX_PIXELS)]


class Image(BaseModel):
    """The picture of a card; sizes in pixels."""

    model_config = ConfigDict(frozen=True)

    url: Line
    width: Pixels | None = None
    height: Pixels | None = None
    alt: Annotated[Line | None, BeforeValidator(read_optional_line)] = None


class Article(BaseModel):
    """
    An article of the archive. Text fields are plain text: HTML is converted when it comes in.

    `language` is an ISO 639 code. It is detected if the sender gives none, and is None if that
    fails. A `canonical_url` on the host of `url` replaces `url`. Of two writes, the one with the
    higher `version` wins; without versions, the one with the later `updated_at`.
    """

    model_config = ConfigDict(frozen=True)

    id: Annotated[str, BeforeValidator(check_article_id)]
    title: Annotated[
        str, Field(min_length=1, max_length=1000), BeforeValidator(read_line), accepts(TITLE)
    ]
    body: Annotated[
        str, Field(max_length=MAX_BODY_CHARS), BeforeValidator(read_body), accepts(BODY)
    ] = ""
    url: Annotated[Line | None, BeforeValidator(read_url), accepts(URL)] = None
    canonical_url: Annotated[
        Line | None, BeforeValidator(read_url), Field(exclude=True), accepts(CANONICAL_URL)
    ] = None
    excerpt: Annotated[Line | None, BeforeValidator(read_excerpt), accepts(EXCERPT)] = None
    published_at: Annotated[Moment, accepts(PUBLICATION_DATE)] = None
    updated_at: Annotated[Moment, accepts(DATE)] = None
    section: Annotated[Line | None, BeforeValidator(read_optional_line), accepts(SECTION)] = None
    tags: Labels = ()
    authors: Labels = ()
    language: Annotated[str | None, BeforeValidator(read_language), accepts(LANGUAGE)] = None
    image: Annotated[Image | None, BeforeValidator(read_image), accepts(IMAGE)] = None
    version: Annotated[
        Annotated[int, Field(strict=True, ge=0, lt=2**53)] | None,
        BeforeValidator(read_version),
        accepts(VERSION),
    ] = None

    @property
    def revision(self) -> int | None:
        """Orders writes of one article: `version`, or else `updated_at` in milliseconds."""
        if self.version is not None or self.updated_at is None:
            return self.version
        return round(self.updated_at.timestamp() * 1000)


class ReadArticle(NamedTuple):
    """
    An article from outside, with warnings about what could not be read.

    Fields:
        warnings: about optional fields that were left out or cut, in the sender's names.
        is_language_certain: whether the sender gave it, or the text alone decides it.
    """

    article: Article
    warnings: list[FieldProblem]
    is_language_certain: bool = True


def parse_article(data: object, defaults: SiteDefaults = NO_DEFAULTS) -> Article:
    """`read_article` without its warnings."""
    return read_article(data, defaults).article


def read_article(data: object, defaults: SiteDefaults = NO_DEFAULTS) -> ReadArticle:
    """
    Check and clean one article from outside, under any of the names of `fields.FIELD_ALIASES`.

    An optional field that cannot be read is read under the next name that the record has for it,
    or else left out with a warning. Unknown fields are ignored. A missing language is detected. A
    missing excerpt is taken from the start of the body.

    Raises:
        InvalidInput: if id, title or version cannot be used, or any field is unsafe. It names every
            bad field by the sender's name.
    """
    if not isinstance(data, Mapping):
        raise InvalidInput.at("", "expected a JSON object")
    by_rank = sender_names_by_rank(data, defaults.fields)
    warnings: list[FieldProblem] = []
    while True:
        names = {field: ranked[0] for field, ranked in by_rank.items() if ranked}
        context = ReadingContext(defaults)
        try:
            sent = {field: _sent(field, name, data, defaults) for field, name in names.items()}
            article = Article.model_validate(sent, context=context)
        except ValidationError as error:
            warnings += field_problems(error, names)
            if _is_fatal(error):
                raise InvalidInput(warnings) from None
            # Each bad field is read under its next name, so this ends.
            for field in _fields_of(error):
                del by_rank[field][0]
            continue
        warnings += [FieldProblem("/" + names[w.pointer], w.detail) for w in context.warnings]
        is_certain = article.language is not None or (
            data.get(names.get("language", "")) == NO_KNOWN_LANGUAGE
        )
        if not is_certain:
            code, is_certain = detected_language(article, defaults.languages)
            article = article.model_copy(update={"language": code})
        return ReadArticle(_with_excerpt(_at_canonical(article)), warnings, is_certain)


def _sent(field: str, name: str, data: Mapping[str, Any], defaults: SiteDefaults) -> Any:
    """The value under *name*. A date whose name says UTC, such as `date_gmt`, gets the zone."""
    value = data[name]
    if field in DATES and says_utc(name):
        with suppress(ValueError):  # the reader of the field will report it
            moment = parse_date(value, defaults.dates._replace(zone=None))
            return value if moment is None else moment.isoformat()
    return value


def _is_fatal(error: ValidationError) -> bool:
    """Whether the error makes the whole article unusable."""
    for details in error.errors(include_url=False, include_context=False, include_input=False):
        if details["type"] == UNSAFE or not REQUIRED.isdisjoint(details["loc"][:1]):
            return True
    return False


def _fields_of(error: ValidationError) -> set[str]:
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return {str(one["loc"][0]) for one in details}


def parse_draft(data: object, defaults: SiteDefaults = NO_DEFAULTS) -> Article:
    """
    Check and clean a story that is still being written: its id and title may be missing.

    Raises:
        InvalidInput: also if there is neither a title nor a body.
    """
    if not isinstance(data, Mapping):
        raise InvalidInput.at("", "expected a JSON object")
    names = sender_names(data, defaults.fields)
    given = {ours: data[theirs] for ours, theirs in names.items()}
    if not given.get("title") and not given.get("body"):
        raise InvalidInput.at("title", "expected a title or a body")
    # A draft may lack what an article needs: it gets placeholders, and loses the title again.
    untitled = not given.get("title")
    completed = {**data, "id": given.get("id", UNSAVED_ID)} | ({"title": "–"} if untitled else {})
    article, warnings, _ = read_article(completed, defaults)
    text = [names.get(field) for field in ("title", "body")]
    problems = [warning for warning in warnings if warning.field in text]
    if problems:  # a draft is nothing without its text
        raise InvalidInput(problems)
    return article.model_copy(update={"title": ""}) if untitled else article


def detected_language(article: Article, languages: LanguageMix) -> DetectedLanguage:
    """The language of the article's text, on a site with these languages."""
    return detect(f"{article.title}\n{article.body}", languages)


def _at_canonical(article: Article) -> Article:
    """The article with its canonical address as its URL, if that is on the same host."""
    canonical = article.canonical_url
    url = article.url
    if canonical is None:
        return article
    # On another host it is the page of an agency or a partner, to which no card should link.
    is_own = url is None or parse_url(canonical).host == parse_url(url).host
    kept = {"url": canonical if is_own else url, "canonical_url": None}
    return article.model_copy(update=kept)


def _with_excerpt(article: Article) -> Article:
    if article.excerpt is not None or not article.body:
        return article
    return article.model_copy(update={"excerpt": first_words(article.body) or None})
