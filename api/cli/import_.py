"""The archive in and out: `import` and `export`."""

import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import click
import orjson

from api.cli.sites import pick_site
from features.text import looks_like_html
from recommender.backend import Backend
from recommender.build import build as build_file
from recommender.config import Settings
from recommender.ingest import ImportCounter, IngestResult, ingest
from recommender.sources.files import ArticleFile, UnreadableFile
from recommender.sources.records import Record

SHOWN_REJECTIONS = 20
REPORT_SECONDS = 5.0  # between two progress lines where there is no terminal
REDRAW_ARTICLES = 100
INTERRUPTED = 128 + signal.SIGINT

TEXT_FIELDS = ("title", "body", "excerpt", "section", "tags", "authors", "alt")
OUTCOMES = ("added", "changed", "unchanged", "rejected")


class Rejection(NamedTuple):
    """Why an article was not accepted; *field* is empty where it is about the whole line."""

    file: str
    line: int
    id: str | None
    field: str
    reason: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (f"{self.file}:{self.line}", self.field, self.reason)))


class _Import:
    """What one run of the command has done so far."""

    def __init__(self, shown: int | None) -> None:
        self.counts: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
        self.rejections: list[Rejection] = []  # of the first *shown* articles that were rejected
        self.unreadable: list[dict[str, str]] = []
        self._shown = shown
        self._started = time.monotonic()

    def add(self, file: str, result: IngestResult) -> None:
        if result.outcome is not None:
            self.counts[result.outcome] += 1
            return
        self.counts["rejected"] += 1
        if self._shown is None or self.counts["rejected"] <= self._shown:
            for pointer, reason in result.problems:
                field = pointer.removeprefix("/")
                self.rejections.append(
                    Rejection(file, result.line, result.article_id, field, reason)
                )

    def failed(self, file: str, error: UnreadableFile) -> None:
        self.unreadable.append({"file": file, "reason": str(error)})

    @property
    def read(self) -> int:
        return self.counts.total()

    @property
    def accepted(self) -> int:
        return self.read - self.counts["rejected"]

    def summary(self) -> str:
        counts = ", ".join(f"{self.counts[outcome]:,} {outcome}" for outcome in OUTCOMES)
        seconds = time.monotonic() - self._started
        return f"{counts} in {seconds:.1f} s ({self.read / max(seconds, 0.001):,.0f} articles/s)"

    def as_json(self) -> dict[str, Any]:
        return {
            **{outcome: self.counts[outcome] for outcome in OUTCOMES},
            "seconds": round(time.monotonic() - self._started, 3),
            "rejections": [rejection._asdict() for rejection in self.rejections],
            "unreadable": self.unreadable,
        }


class _Interruptible:
    """
    Ctrl-C ends the input and not the work: what was read is still stored, and counted.

    A second Ctrl-C is the usual one.
    """

    def __init__(self) -> None:
        self.stopped = False
        self._reading = False

    @contextmanager
    def handling(self) -> Iterator[None]:
        before = signal.signal(signal.SIGINT, self._interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def until_stopped(self, records: Iterable[Record]) -> Iterator[Record]:
        iterator = iter(records)
        while not self.stopped:
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
        again, self.stopped = self.stopped, True
        if again or self._reading:  # reading may wait for ever: for a pipe, or for somebody to type
            raise KeyboardInterrupt


def import_files(settings: Settings, files: Sequence[str], site: str | None, as_json: bool) -> int:
    """Import *files* and return the exit status."""
    name = pick_site(settings, site)
    interruptible = _Interruptible()
    with Backend(settings) as backend, interruptible.handling():
        done = _Import(shown=None if as_json else SHOWN_REJECTIONS)
        for file in files:
            if not interruptible.stopped:
                _import_file(backend, name, file, done, interruptible)
        if as_json:
            click.echo(orjson.dumps({"site": name, **done.as_json()}))
        else:
            _report(done)
    if interruptible.stopped:
        click.echo(
            f"Interrupted. {done.accepted:,} articles are stored; the same command goes on safely.",
            err=True,
        )
        return INTERRUPTED
    return 1 if done.unreadable or (done.read and not done.accepted) else 0


def _import_file(
    backend: Backend, site: str, name: str, done: _Import, interruptible: _Interruptible
) -> None:
    counter = ImportCounter("standard input" if name == "-" else Path(name).name)
    broke_off = ""
    try:
        with ArticleFile(name) as file, _progress(file) as advance:
            records = interruptible.until_stopped(file.records())
            for result in counter.counting(ingest(backend.store, site, records)):
                done.add(name, result)
                advance()
    except UnreadableFile as error:
        done.failed(name, error)
        broke_off = "the file cannot be read"
    if interruptible.stopped:
        broke_off = "it was interrupted"
    backend.imports.record(site, counter.report(broke_off))


@contextmanager
def _progress(file: ArticleFile) -> Iterator[Callable[[], None]]:
    """Yield what to call after each article: it draws a bar, or prints a line now and then."""
    if file.size is None or not sys.stderr.isatty():
        yield _Lines(file).advance
        return
    bar = click.progressbar(length=file.size, label=Path(file.name).name, file=sys.stderr)
    with bar:
        articles = count(1)

        def advance() -> None:
            if next(articles) % REDRAW_ARTICLES == 0:
                bar.update(file.position() - bar.pos)

        yield advance
        bar.update(file.size - bar.pos)


class _Lines:
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


def _report(done: _Import) -> None:
    for rejection in done.rejections:
        click.echo(str(rejection), err=True)
    if done.counts["rejected"] > SHOWN_REJECTIONS:
        click.echo(f"… and {done.counts['rejected'] - SHOWN_REJECTIONS:,} more", err=True)
    for file in done.unreadable:
        click.echo(f"Error: {file['reason']}", err=True)
    click.echo(done.summary())


def export(settings: Settings, site: str | None) -> None:
    """Write the site's articles to standard output, so that `import` reads the same from them."""
    name = pick_site(settings, site)
    with Backend(settings) as backend:
        for article in backend.store.all_articles(name):
            fields = {k: _importable(k, v) for k, v in article.items() if v not in (None, [])}
            sys.stdout.buffer.write(orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()


def _importable(field: str, value: Any) -> Any:
    """Escape what an import would take for HTML: an article about `<b>` has that in its text."""
    if isinstance(value, list):
        return [_importable(field, v) for v in value]
    if isinstance(value, dict):
        return {name: _importable(name, v) for name, v in value.items()}
    if field in TEXT_FIELDS and looks_like_html(value):
        return escape(value, quote=False)
    return value


def build(settings: Settings, site: str | None) -> None:
    """Bring the index file of a site up to date, and say where it is."""
    name = pick_site(settings, site)
    started = time.monotonic()
    with Backend(settings) as backend:
        try:
            number = build_file(settings, backend.store, name)
        except OSError as error:
            raise click.ClickException(f"the index file cannot be written: {error}") from error
    if number is None:
        click.echo(f"{name}: the index file is up to date")
        return
    click.echo(f"{name}: made index file {number} in {time.monotonic() - started:.1f} s")
