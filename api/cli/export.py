"""`alsosee export`: every article, or every list."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from multiprocessing import get_context
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any, BinaryIO

import click
import orjson

from api.cli.list_options import read_list_options, set_options, takes_list_options
from api.cli.options import PATH, SITE
from api.cli.progress import progress_bar
from api.cli.settings import installed, pick_site, read_settings
from api.lists.document import document, texts_to_explain
from features.exporting import JsonLines
from recommender import logs
from recommender.backend import Backend
from recommender.config import Settings
from recommender.errors import NotFound
from recommender.policy.list_options import ListOptions
from recommender.replica.site import SiteReplica

BATCH_LISTS = 100  # of one task of a worker process
MAX_LINE_BYTES = 2**20  # a list of 50 cards takes less


@click.command()
@SITE
@click.option("--related", "wants_lists", is_flag=True, help="Write lists instead of articles.")
@click.option("--output", type=PATH, help="A file for the lists. An existing one is continued.")
@takes_list_options
def export(site: str | None, wants_lists: bool, output: Path | None, **arguments: Any) -> None:
    """Write every article, or every list, as JSON Lines.

    Articles go to standard output, in the form that `import` reads.

    With --related, every article's list is written: one line each, in the order of the ids, for
    sites that are generated in advance. All processors make lists. After Ctrl-C, the same command
    with --output continues. Options from --limit on apply to lists.
    """
    if wants_lists:
        options = read_list_options(arguments)
        settings = installed(read_settings())
        _export_lists(settings, pick_site(settings, site), options, output)
        return
    if output is not None or set_options(arguments):
        raise click.UsageError(
            "--output and options of lists need --related. Redirect articles to a file with >."
        )
    settings = installed(read_settings())
    _export_articles(settings, pick_site(settings, site))


def _export_articles(settings: Settings, site: str) -> None:
    lines = JsonLines(_print_error)
    with Backend(settings) as backend:
        sys.stdout.buffer.writelines(lines.of(backend.store.all_articles(site)))
        sys.stdout.buffer.flush()
        damaged = backend.store.corrupt_records
    if damaged:
        _print_error(f"{damaged:,} records are damaged: import the archive again")
    if lines.left_out or damaged:
        raise SystemExit(1)


def _print_error(text: str) -> None:
    click.echo(f"Error: {text}", err=True)


def _export_lists(settings: Settings, site: str, options: ListOptions, output: Path | None) -> None:
    last_id = _last_id(output) if output is not None and output.exists() else None
    # Open here as well, so that the workers share one store and one index file.
    with Backend(settings) as backend:
        ids = _ids_after(last_id, backend.site(site))
        target = output.open("ab") if output is not None else nullcontext(sys.stdout.buffer)
        with target as file, _pool(site, options, len(ids)) as pool:
            _write_lists(file, pool, ids)


def _ids_after(last_id: str | None, live: SiteReplica) -> list[str]:
    live.sync()
    return [article_id for article_id in live.ids() if last_id is None or article_id > last_id]


def _write_lists(file: BinaryIO, pool: Pool, ids: Sequence[str]) -> None:
    with progress_bar("Lists", len(ids)) as bar:
        for lines in pool.imap(_make_lists, _batches(ids)):
            file.write(lines)
            bar.update(BATCH_LISTS)


def _batches(ids: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), BATCH_LISTS):
        yield list(ids[start : start + BATCH_LISTS])


def _last_id(output: Path) -> str | None:
    """The id in the last complete line of a file. An incomplete line after it is cut off."""
    with output.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - MAX_LINE_BYTES)
        file.seek(start)
        end = file.read().rfind(b"\n") + 1
        file.truncate(start + end)
        file.seek(start)
        lines = file.read(end).splitlines()
    return orjson.loads(lines[-1])["source"]["id"] if lines else None


# In the worker processes


class _Worker:
    """What a worker process keeps between batches."""

    live: SiteReplica
    options: ListOptions


def _pool(site: str, options: ListOptions, articles: int) -> Pool:
    """A process for each processor, or fewer, because each takes a second or two to start."""
    batches = -(-articles // BATCH_LISTS)
    processes = max(1, min(os.cpu_count() or 1, batches))
    # Not "fork": this process has threads and connections, which a fork would share.
    return get_context("spawn").Pool(processes, _start_worker, (site, options))


def _start_worker(site: str, options: ListOptions) -> None:
    logs.configure("warning")
    _Worker.live = Backend(Settings.from_environment()).site(site)
    _Worker.options = options


def _make_lists(ids: Sequence[str]) -> bytes:
    lines = []
    for article_id in ids:
        try:
            answer = _make_list(_Worker.live, article_id, _Worker.options)
        except NotFound:  # deleted meanwhile
            continue
        lines.append(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))
    return b"".join(lines)


def _make_list(live: SiteReplica, article_id: str, options: ListOptions) -> Mapping[str, Any]:
    now = live.now()
    related_list, version = live.read_with_cards(
        lambda recommender: recommender.related(article_id, options, now)
    )
    texts = texts_to_explain(live, related_list, article_id) if options.explain else None
    return document(related_list, version, article_id, options, texts=texts)
