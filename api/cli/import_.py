"""`alsosee import`: articles from files."""

import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import click
import orjson

from api.cli.import_output import MAX_REJECTIONS_PRINTED, Result, print_article, print_result
from api.cli.options import JSON, SITE
from api.cli.settings import pick_site, read_settings
from features.fields import FIELD_ALIASES
from features.site_defaults import SiteDefaults
from recommender.errors import InvalidInput
from recommender.import_report import ImportReport
from recommender.ingest import ImportCounter, IngestResult, ingest
from recommender.ingest import check as check_records
from recommender.policy.site_settings import ArticleSettings, parse_settings
from recommender.sources.day_order import is_day_first
from recommender.sources.files import ArticleFile, UnreadableFile
from recommender.sources.records import Record
from recommender.storage.article_records import stored_fields
from recommender.storage.audit import Editor
from recommender.store_access import StoreAccess

REPORT_SECONDS = 5.0  # between two progress lines, where there is no terminal
REDRAW_ARTICLES = 100  # between two redraws of the progress bar
INTERRUPTED = 128 + signal.SIGINT
CHECKED_ARTICLES = 10  # that --check shows


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


class ImportRun(NamedTuple):
    """One run of the command: what it works with, and what it has done so far."""

    access: StoreAccess
    site: str
    settings: ArticleSettings
    result: Result
    interruption: Interruption
    check: bool
    quiet: bool

    @property
    def columns(self) -> Mapping[str, str]:
        """Field → the name that the site has chosen for it."""
        return self.settings.fields or {}


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@SITE
@click.option("--check", is_flag=True, help="Show what would be stored, and store nothing.")
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="Read a field from this column; may be repeated. Kept for the next import.",
)
@click.option(
    "--zone", metavar="NAME", help="Time zone of dates without one: Europe/Kyiv. Kept as well."
)
@click.option(
    "--language", metavar="CODE", help="Main language, for articles that leave doubt. Kept as well."
)
@JSON
@click.pass_context
def import_(
    ctx: click.Context,
    files: Sequence[str],
    site: str | None,
    check: bool,
    fields: Sequence[str],
    zone: str | None,
    language: str | None,
    as_json: bool,
) -> None:
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
    with StoreAccess(settings) as access, interruption.handling():
        article_settings = _article_settings(access, name, fields, zone, language, keep=not check)
        run = ImportRun(access, name, article_settings, result, interruption, check, as_json)
        for file in files:
            if not interruption.requested:
                _read_file(run, file)
        if as_json:
            click.echo(orjson.dumps({"site": name, **result.as_json()}))
        else:
            print_result(result, checked=check)
    if interruption.requested:
        stored = "Nothing is stored." if check else f"{result.accepted:,} articles are stored."
        click.echo(f"Interrupted. {stored} Run the same command again to continue.", err=True)
        ctx.exit(INTERRUPTED)
    ctx.exit(1 if result.has_failed else 0)


def _article_settings(
    access: StoreAccess,
    site: str,
    fields: Sequence[str],
    zone: str | None,
    language: str | None,
    *,
    keep: bool,
) -> ArticleSettings:
    """
    The site's settings for articles, with those of the options, which are kept for the next time.

    Raises:
        InvalidInput: for an option that cannot be used.
    """
    stored = access.store.rulebook.settings(site).settings
    chosen: dict[str, Any] = {"zone": zone, "language": language}
    changes = {name: value for name, value in chosen.items() if value is not None}
    if fields:
        changes["fields"] = (stored.articles.fields or {}) | dict(map(_field_and_column, fields))
    if not changes:
        return stored.articles
    settings = parse_settings(ArticleSettings, stored.articles.model_dump() | changes)
    if keep and settings != stored.articles:
        changed = stored.model_copy(update={"articles": settings})
        editor = Editor("", "alsosee import", "options of the command")
        access.store.rulebook.replace_settings(site, changed, editor, access.clock.now())
    return settings


def _field_and_column(option: str) -> tuple[str, str]:
    field, equals, column = option.partition("=")
    if not equals or not column or field not in FIELD_ALIASES:
        names = ", ".join(FIELD_ALIASES)
        raise InvalidInput.at("--field", f"expected FIELD=COLUMN, where FIELD is one of {names}")
    return field, column


def _read_file(run: ImportRun, file_name: str) -> None:
    """Store the articles of one file, or check them."""
    result = run.result
    source = "standard input" if file_name == "-" else Path(file_name).name
    counter = ImportCounter(source)
    unreadable = len(result.unreadable)
    report = ImportReport(run.settings.zone or "UTC")
    result.reports[file_name] = report
    try:
        with ArticleFile(file_name, run.columns) as file, _progress(file) as advance:
            if not run.quiet:
                _print_description(file)
            documents: deque[str] = deque()
            records = run.interruption.until_requested(_records(file, documents, result))
            for article in counter.counting(_results(run, file, records)):
                result.add(file_name, documents.popleft(), article)
                advance()
    except UnreadableFile as error:
        result.add_unreadable(file_name, error)
    reason = ""  # why the import ended early
    if len(result.unreadable) > unreadable:
        reason = "the file cannot be read"
    if run.interruption.requested:
        reason = "it was interrupted"
    if not run.check:
        run.access.imports.record(run.site, counter.report(reason, report.finished()))


def _results(
    run: ImportRun, file: ArticleFile, records: Iterator[Record]
) -> Iterator[IngestResult]:
    defaults = _defaults(run, file)
    if not run.check:
        yield from ingest(
            run.access.store,
            run.site,
            records,
            defaults=defaults,
            processes=_processes(),
            with_facts=True,
        )
        return
    for article, call in check_records(run.site, records, defaults, _processes()):
        if call is not None and not run.quiet and run.result.accepted < CHECKED_ARTICLES:
            print_article(stored_fields(call))
        yield article


def _defaults(run: ImportRun, file: ArticleFile) -> SiteDefaults:
    """Those of the site, with the order of day and month that a file of known size decides."""
    defaults = run.access.defaults.of(run.site, run.settings)
    if file.size is None:
        return defaults
    with ArticleFile(file.name, run.columns) as again:
        records = (record for document in again.documents() for record in again.read(document))
        with suppress(UnreadableFile):  # which the import itself will say
            day_first = is_day_first(records, run.columns)
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
    report = result.reports[file.name]
    for document in file.documents():
        try:
            for record in file.read(document):
                documents.append(document.name)
                yield record
        except UnreadableFile as error:
            result.add_unreadable(document.name, error)
        report.add_notes(document.notes)


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
