"""The output of `alsosee import`: rejections, warnings, and the contents of the files."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import click

from recommender.import_report import ImportReport
from recommender.ingest import IngestResult
from recommender.sources.files import UnreadableFile
from recommender.storage.imports import ContentReport, FieldReport, Repeats

MAX_REJECTIONS_PRINTED = 20
OUTCOMES = ("added", "changed", "unchanged", "rejected")
# Without these an article is worth little, so an import says when they are missing everywhere.
EXPECTED_FIELDS = {
    "body": "text",
    "url": "address",
    "published_at": "date",
    "section": "section",
    "tags": "tags",
    "authors": "authors",
    "image": "picture",
}
_SHOWN_NAMES = 8
_SHOWN_CHARS = 300


class Rejection(NamedTuple):
    """One reason why an article was rejected; *field* is empty if it is about the whole line."""

    file: str
    line: int
    id: str | None
    field: str
    reason: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (f"{self.file}:{self.line}", self.field, self.reason)))


class Result:
    """
    What a run of the command has done so far.

    Args:
        max_rejections: of how many articles to keep the reasons; None for all.
    """

    def __init__(self, max_rejections: int | None) -> None:
        self.counts: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
        self.rejections: list[Rejection] = []
        self.unreadable: list[dict[str, str]] = []
        self.reports: dict[str, ImportReport] = {}  # by file
        self._max_rejections = max_rejections
        self._started = time.monotonic()

    def add(self, file: str, document: str, article: IngestResult) -> None:
        """Count the result of one record of a document in *file*."""
        if article.outcome is not None:
            self.counts[article.outcome] += 1
            if article.facts is not None:
                self.reports[file].add(document, article)
            return
        self.counts["rejected"] += 1
        if self._max_rejections is None or self.counts["rejected"] <= self._max_rejections:
            self._reject(document, article)

    def _reject(self, document: str, article: IngestResult) -> None:
        for pointer, reason in article.problems:
            field = pointer.removeprefix("/")
            rejection = Rejection(document, article.line, article.article_id, field, reason)
            self.rejections.append(rejection)

    def add_unreadable(self, file: str, error: UnreadableFile) -> None:
        self.unreadable.append({"file": file, "reason": str(error)})

    @property
    def read(self) -> int:
        return self.counts.total()

    @property
    def accepted(self) -> int:
        return self.read - self.counts["rejected"]

    @property
    def has_failed(self) -> bool:
        """Whether a file was unreadable, or no article was accepted."""
        return bool(self.unreadable) or (self.read > 0 and not self.accepted)

    def summary(self) -> str:
        counts = ", ".join(f"{self.counts[outcome]:,} {outcome}" for outcome in OUTCOMES)
        seconds = time.monotonic() - self._started
        return f"{counts} in {seconds:.1f} s ({self.read / max(seconds, 0.001):,.0f} articles/s)"

    def check_summary(self) -> str:
        rejected = self.counts["rejected"]
        return f"Nothing is stored. {self.accepted:,} articles would be, {rejected:,} rejected."

    def as_json(self) -> dict[str, Any]:
        contents = {}
        warnings = []
        for file, report in self.reports.items():
            contents[file] = report.finished().model_dump()
            warnings += contents[file]["warnings"]
        return {
            **{outcome: self.counts[outcome] for outcome in OUTCOMES},
            "seconds": round(time.monotonic() - self._started, 3),
            "rejections": [rejection._asdict() for rejection in self.rejections],
            "warnings": warnings,
            "contents": contents,
            "unreadable": self.unreadable,
        }


def print_result(result: Result, *, checked: bool = False) -> None:
    """Print the result of an import, or of the check of one."""
    for rejection in result.rejections:
        click.echo(str(rejection), err=True)
    more = result.counts["rejected"] - MAX_REJECTIONS_PRINTED
    if more > 0:
        click.echo(f"… and {more:,} more", err=True)
    for unreadable in result.unreadable:
        click.echo(f"Error: {unreadable['reason']}", err=True)
    for file, report in result.reports.items():
        contents = report.finished()
        for line in _contents(contents) if checked else _remarks(contents):
            click.echo(f"{file}: {line}" if len(result.reports) > 1 else line, err=not checked)
    click.echo(result.check_summary() if checked else result.summary())


def print_article(fields: dict[str, Any]) -> None:
    """One article as it is stored, in a few lines."""
    click.echo(f"{fields['id']}: {fields['title']}")
    for name, value in fields.items():
        if name not in ("id", "title") and value not in (None, [], ""):
            click.echo(f"    {name}: {_shown(name, value)}")


def _shown(name: str, value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {one}" for key, one in value.items() if one is not None)
    text = " ".join(str(value).split())
    if name == "body" and len(text) > _SHOWN_CHARS:
        return f"{text[:_SHOWN_CHARS]}… ({len(str(value)):,} characters)"
    return text


def _remarks(contents: ContentReport) -> Iterator[str]:
    """What is missing everywhere, what is not used, what is there twice, and warnings."""
    if contents.articles:
        filled = {report.field: report.filled for report in contents.fields}
        missing = [words for field, words in EXPECTED_FIELDS.items() if not filled.get(field)]
        if missing:
            yield f"0 of {contents.articles:,} have: {', '.join(missing)}"
    if contents.unused:
        yield f"Not used: {_enumerated(contents.unused)}"
    yield from _repeats("id", contents.same_id)
    yield from _repeats("address", contents.same_address)
    yield from _repeats("text", contents.same_text)
    for warning in contents.warnings:
        articles = "1 article" if warning.articles == 1 else f"{warning.articles:,} articles"
        place = f"{warning.file}:{warning.line}: {warning.field}"
        yield f"{place}: left out of {articles}: {warning.reason}"
    for note, times in contents.notes.items():
        yield f"{times:,} × {note}" if times > 1 else note


def _repeats(what: str, repeats: Repeats) -> Iterator[str]:
    if repeats.count:
        articles = "1 article has" if repeats.count == 1 else f"{repeats.count:,} articles have"
        kept = "; the last one is stored" if what == "id" else ""
        yield f"{articles} the {what} of an earlier one (first: {repeats.first_id}){kept}"


def _contents(contents: ContentReport) -> Iterator[str]:
    """Everything that is known of the articles."""
    yield f"{'field':<14}{'filled':>9}{'empty':>9}  from"
    for report in contents.fields:
        if not report.filled and report.field not in EXPECTED_FIELDS:
            continue
        empty = contents.articles - report.filled
        yield f"{report.field:<14}{report.filled:>9,}{empty:>9,}  {_sources(report)}"
    yield from _remarks(contents)
    if contents.first_date:
        without = contents.dates_without_zone
        zones = (
            f"{without:,} have no zone, and are read as {contents.zone}"
            if without
            else ("all have a zone")
        )
        yield f"Dates: {contents.first_date} to {contents.last_date}; {zones}"
    if contents.languages:
        named = {language or "unknown": n for language, n in contents.languages.items()}
        yield f"Languages: {_enumerated(named)}"
    yield f"Boilerplate: {contents.boilerplate_share:.1%} of the text is in lines of many articles"


def _sources(report: FieldReport) -> str:
    sources = dict(report.sources)
    if report.computed:
        origin = "detected" if report.field == "language" else "body"
        sources[origin] = report.computed
    return _enumerated(sources)


def _enumerated(counts: dict[str, int]) -> str:
    parts = [f"{name} ({count:,})" for name, count in counts.items()]
    more = len(parts) - _SHOWN_NAMES
    return ", ".join(parts[:_SHOWN_NAMES]) + (f" and {more:,} more" if more > 0 else "")
