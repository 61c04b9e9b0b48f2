"""Every article's list into a file, for sites that are built and not served."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any, BinaryIO

import click
import orjson

from api.cli.sites import pick_site
from api.lists.answer import document
from api.lists.options import parse_options
from recommender import logs
from recommender.backend import Backend
from recommender.config import Settings
from recommender.errors import NotFound
from recommender.policy.list_options import ListOptions
from recommender.replica.site import SiteReplica

LISTS_AT_ONCE = 100
TAIL_BYTES = 2**20  # longer than any line


def export_lists(
    settings: Settings, site: str | None, wanted: Mapping[str, Any], output: Path | None
) -> None:
    """
    Write a line of JSON for each article, in the order of their ids.

    A file that is there already is continued behind its last whole line.
    """
    name, query = pick_site(settings, site), parse_options(ListOptions, wanted)
    last = _last_id(output) if output is not None and output.exists() else None
    # Here and not in the workers: they share the store, and the file of the index.
    with Backend(settings) as backend:
        ids = [i for i in _ids(backend.site(name)) if last is None or i > last]
        target = output.open("ab") if output is not None else nullcontext(sys.stdout.buffer)
        with target as file, _pool(name, query, len(ids)) as pool:
            _write(file, pool, ids)


def _write(file: BinaryIO, pool: Pool, ids: Sequence[str]) -> None:
    lists = pool.imap(_lines, _batches(ids))
    if not sys.stderr.isatty():
        file.writelines(lists)
        return
    with click.progressbar(length=len(ids), label="Lists", file=sys.stderr) as bar:
        for lines in lists:
            file.write(lines)
            bar.update(LISTS_AT_ONCE)


def _ids(live: SiteReplica) -> list[str]:
    live.sync()
    return live.ids()


def _batches(ids: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), LISTS_AT_ONCE):
        yield list(ids[start : start + LISTS_AT_ONCE])


def _last_id(output: Path) -> str | None:
    """The id in the last whole line of a file; what stands behind that is cut off."""
    with output.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - TAIL_BYTES)
        file.seek(start)
        end = file.read().rfind(b"\n") + 1
        file.truncate(start + end)
        file.seek(start)
        lines = file.read(end).splitlines()
    return orjson.loads(lines[-1])["source"]["id"] if lines else None


class _Maker:
    """What a worker process keeps between batches."""

    live: SiteReplica
    query: ListOptions


def _pool(site: str, query: ListOptions, articles: int) -> Pool:
    """A process for each core, or fewer: each takes a second or two to start."""
    batches = -(-articles // LISTS_AT_ONCE)
    processes = max(1, min(os.cpu_count() or 1, batches))
    return get_context("spawn").Pool(processes, _start, (site, query))


def _start(site: str, query: ListOptions) -> None:
    logs.configure("warning")  # a new process knows nothing of ours; see cli.py
    _Maker.live = Backend(Settings.from_environment()).site(site)
    _Maker.query = query


def _lines(ids: Sequence[str]) -> bytes:
    """The lists of some articles; one that was deleted meanwhile has none."""
    lines, query = [], _Maker.query
    for article_id in ids:
        try:
            made, version = _Maker.live.related(article_id, query, datetime.now(UTC))
        except NotFound:
            continue
        answer = document(made, version, article_id, query)
        lines.append(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))
    return b"".join(lines)
