"""`alsosee import`: articles from files."""

import os
import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import click
import orjson

from api.cli.options import JSON, SITE
from api.cli.settings import pick_site, read_settings
from features.site_defaults import SiteDefaults
from recommender.backend import Backend
from recommender.ingest import ImportCounter, IngestResult, WarningCounter, ingest
from recommender.sources.day_order import is_day_first
from recommender.sources.files import ArticleFile, UnreadableFile
from recommender.sources.records import Record

MAX_REJECTIONS_PRINTED = 20
REPORT_SECONDS = 5.0  # between two progress lines, where there is no terminal
REDRAW_ARTICLES = 100  # between two redraws of the progress bar
INTERRUPTED = 128 + signal.SIGINT
OUTCOMES = ("added", "changed", "unchanged", "rejected")


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
        self.warnings: dict[str, WarningCounter] = {}  # by document
        self.notes: Counter[str] = Counter()
        self._max_rejections = max_rejections
        self._started = time.monotonic()

    def add(self, file: str, article: IngestResult) -> None:
        """Count the result of one record of the document *file*."""
        if article.outcome is not None:
            self.counts[article.outcome] += 1
            self.warnings.setdefault(file, WarningCounter()).add(article)
            return
        self.counts["rejected"] += 1
        if self._max_rejections is None or self.counts["rejected"] <= self._max_rejections:
            self._reject(file, article)

    def _reject(self, file: str, article: IngestResult) -> None:
        for pointer, reason in article.problems:
            field = pointer.removeprefix("/")
            rejection = Rejection(file, article.line, article.article_id, field, reason)
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

    def as_json(self) -> dict[str, Any]:
        return {
            **{outcome: self.counts[outcome] for outcome in OUTCOMES},
            "seconds": round(time.monotonic() - self._started, 3),
            "rejections": [rejection._asdict() for rejection in self.rejections],
            "warnings": [
                {"file": file, **warning._asdict()}
                for file, counter in self.warnings.items()
                for warning in counter.summary()
            ],
            "notes": dict(self.notes),
            "unreadable": self.unreadable,
        }


class Interruption:
    """
    Ctrl-C ends the input, not the work: what was read is still stored and counted.

    A second Ctrl-C ends the command at once.
    """

    def __init__(self) -> None:
        self.requested = False
        self._reading = False

    @contextmanager
    def handling(self) -> Iterator[None]:
        before = signal.signal(signal.SIGINT, self._interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def until_requested(self, records: Iterable[Record]) -> Iterator[Record]:
        iterator = iter(records)
        while not self.requested:
            self._reading = True
            try:
                record = next(iterator, None)
            except KeyboardInterrupt:
                return
            finally:
                self._reading = False
            if record is None:
                return
            yield record

    def _interrupt(self, *_: object) -> None:
        is_second = self.requested
        self.requested = True
        if is_second or self._reading:  # a read can block forever, on a pipe or a keyboard
            raise KeyboardInterrupt


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@SITE
@JSON
@click.pass_context
def import_(ctx: click.Context, files: Sequence[str], site: str | None, as_json: bool) -> None:
    """Store articles from files, folders and zip archives.

    - is standard input. What a file is, its content tells: JSON Lines, JSON, CSV, Excel, RSS, Atom,
    exports of WordPress and Ghost, posts of Hugo and Jekyll, HTML pages; compressed or not.
    Importing a file again changes nothing. Rejected articles are listed with line, field and
    reason, and do not stop the others. Optional fields that cannot be read are left out, and
    counted. Exit status 1 if a file cannot be read or no article is accepted; 130 after Ctrl-C.
    """
    settings = read_settings()
    name = pick_site(settings, site)
    result = Result(max_rejections=None if as_json else MAX_REJECTIONS_PRINTED)
    interruption = Interruption()
    with Backend(settings) as backend, interruption.handling():
        for file in files:
            if not interruption.requested:
                _import_file(backend, name, file, result, interruption, quiet=as_json)
        if as_json:
            click.echo(orjson.dumps({"site": name, **result.as_json()}))
        else:
            _print(result)
    if interruption.requested:
        click.echo(
            f"Interrupted. {result.accepted:,} articles are stored. Run the same command again to"
            " continue.",
            err=True,
        )
        ctx.exit(INTERRUPTED)
    ctx.exit(1 if result.has_failed else 0)


def _import_file(
    backend: Backend,
    site: str,
    file_name: str,
    result: Result,
    interruption: Interruption,
    *,
    quiet: bool,
) -> None:
    source = "standard input" if file_name == "-" else Path(file_name).name
    counter = ImportCounter(source)
    unreadable = len(result.unreadable)
    documents: deque[str] = deque()
    try:
        with ArticleFile(file_name) as file, _progress(file) as advance:
            if not quiet:
                _print_description(file)
            records = interruption.until_requested(_records(file, documents, result))
            defaults = _defaults(backend, site, file)
            results = ingest(
                backend.store, site, records, defaults=defaults, processes=_processes()
            )
            for article in counter.counting(results):
                result.add(documents.popleft(), article)
                advance()
    except UnreadableFile as error:
        result.add_unreadable(file_name, error)
    reason = ""  # why the import ended early
    if len(result.unreadable) > unreadable:
        reason = "the file cannot be read"
    if interruption.requested:
        reason = "it was interrupted"
    backend.imports.record(site, counter.report(reason))


def _defaults(backend: Backend, site: str, file: ArticleFile) -> SiteDefaults:
    """Those of the site, with the order of day and month that a file of known size decides."""
    defaults = backend.defaults.of(site)
    if file.size is None:
        return defaults
    with ArticleFile(file.name) as again:
        records = (record for document in again.documents() for record in again.read(document))
        with suppress(UnreadableFile):  # which the import itself will say
            day_first = is_day_first(records)
            return defaults._replace(dates=defaults.dates._replace(day_first=day_first))
    return defaults


def _processes() -> int:
    """How many analyse articles: two, while this process reads and writes with little effort."""
    return 2 if (os.cpu_count() or 1) > 1 else 0


def _print_description(file: ArticleFile) -> None:
    description = file.describe()
    if description:
        click.echo(f"{file.name}: {description}", err=True)


def _records(file: ArticleFile, documents: "deque[str]", result: Result) -> Iterator[Record]:
    """All records of *file*; the name of each one's document is added to *documents*."""
    for document in file.documents():
        try:
            for record in file.read(document):
                documents.append(document.name)
                yield record
        except UnreadableFile as error:
            result.add_unreadable(document.name, error)
        result.notes.update(document.notes)


@contextmanager
def _progress(file: ArticleFile) -> Iterator[Callable[[], None]]:
    """Yield a function to call after each article; it redraws a bar or prints a line at times."""
    if file.size is None or not sys.stderr.isatty():
        yield _ProgressLines(file).advance
        return
    bar = click.progressbar(length=file.size, label=Path(file.name).name, file=sys.stderr)
    with bar:
        articles = count(1)

        def advance() -> None:
            if next(articles) % REDRAW_ARTICLES == 0:
                bar.update(file.position() - bar.pos)

        yield advance
        bar.update(file.size - bar.pos)


class _ProgressLines:
    """Progress where there is no terminal: a line every `REPORT_SECONDS`."""

    def __init__(self, file: ArticleFile) -> None:
        self._file = file
        self._articles = 0
        self._next = time.monotonic() + REPORT_SECONDS

    def advance(self) -> None:
        self._articles += 1
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + REPORT_SECONDS
        size = self._file.size
        share = f" ({self._file.position() / size:.0%})" if size else ""
        click.echo(f"{self._file.name}: {self._articles:,} articles{share}", err=True)


def _print(result: Result) -> None:
    for rejection in result.rejections:
        click.echo(str(rejection), err=True)
    more = result.counts["rejected"] - MAX_REJECTIONS_PRINTED
    if more > 0:
        click.echo(f"… and {more:,} more", err=True)
    for name, counter in result.warnings.items():
        for field, articles, line, reason in counter.summary():
            what = "1 article" if articles == 1 else f"{articles:,} articles"
            click.echo(f"{name}:{line}: {field}: left out of {what}: {reason}", err=True)
    for note, times in result.notes.items():
        click.echo(f"{times:,} × {note}" if times > 1 else note, err=True)
    for file in result.unreadable:
        click.echo(f"Error: {file['reason']}", err=True)
    click.echo(result.summary())
