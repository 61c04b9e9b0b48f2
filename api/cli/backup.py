"""`alsosee backup`: everything that cannot be rebuilt, in one file."""

import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click

from api.cli.progress import progress_bar
from api.cli.settings import installed, read_settings
from recommender.backend import Backend
from recommender.storage.backup import dump
from recommender.zstandard import zstd


@click.command()
@click.argument("target")
def backup(target: str) -> None:
    """Write articles, rules, settings, keys, audit and events to a file.

    TARGET is a folder, which gets a file named after the moment, or - for standard output. The
    service goes on meanwhile. The file is compressed with zstd and checked by `alsosee restore`.
    """
    with Backend(installed(read_settings())) as backend:
        sites = backend.settings.sites
        articles = sum(backend.store.count(site) for site in sites)
        with progress_bar("Backing up", articles) as bar:
            lines = dump(backend.connection, sites, bar.update)
            if target == "-":
                _write(sys.stdout.buffer, lines)
            else:
                click.echo(_write_file(Path(target), lines))


def _write_file(folder: Path, lines: Iterable[bytes]) -> Path:
    """Write under another name first: a file with the final name is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"alsosee-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.jsonl.zst"
    unfinished = path.with_suffix(".part")
    try:
        with open(unfinished, "xb", opener=_only_for_us) as file:  # has no opener
            _write(file, lines)
            os.fsync(file.fileno())
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _only_for_us(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # it has unpublished articles and hashes of keys


def _write(file: BinaryIO, lines: Iterable[bytes]) -> None:
    with zstd.ZstdFile(file, "w") as packed:
        for line in lines:
            packed.write(line)
    file.flush()
