"""`alsosee restore`: what `alsosee backup` wrote, back into the store."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from api.cli.progress import progress_bar
from api.cli.settings import read_settings
from recommender.backend import Backend
from recommender.errors import ConfigurationError, CorruptRecord
from recommender.storage.backup import restore as restore_lines
from recommender.storage.backup_lines import NOT_OURS, check
from recommender.storage.erasing import erase
from recommender.zstandard import zstd

# The longest are the counts of a busy day; a line without end is a bomb.
MAX_LINE_BYTES = 2**28


@click.command()
@click.argument("file")
@click.option("--replace", is_flag=True, help="Delete what the store has of these sites first.")
def restore(file: str, replace: bool) -> None:
    """Write a backup into the store.

    FILE is what `alsosee backup` wrote, or - for standard input. It is checked as a whole before
    anything is written. A running service shows the restored archive within seconds.
    """
    with _local(file) as path, Backend(read_settings()) as backend:
        sites = check(_lines(path))
        unknown = set(sites) - set(backend.settings.sites)
        if unknown:
            names = ", ".join(sorted(unknown))
            raise ConfigurationError(f"the backup has sites that ALSOSEE_SITES lacks: {names}")
        with progress_bar("Restoring") as bar:
            restored = restore_lines(backend.connection, _lines(path), replace, bar.update)
        # Rules, counts and reports of the backup may still name purged articles.
        for summary in restored:
            for article_id in summary.left_out:
                erase(backend.connection, backend.cache_connection, summary.site, article_id)
    for summary in restored:
        click.echo(f"{summary.site}: {summary.articles} articles, version {summary.version}")
        for article_id in summary.left_out:
            click.echo(f"{summary.site}: left out {article_id}, which was purged after this backup")


@contextmanager
def _local(file: str) -> Iterator[Path]:
    """A file that can be read twice."""
    if file != "-":
        yield Path(file)
        return
    with tempfile.NamedTemporaryFile() as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield Path(copy.name)


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with zstd.ZstdFile(path) as packed:
            while line := packed.readline(MAX_LINE_BYTES):
                if len(line) == MAX_LINE_BYTES:
                    raise CorruptRecord(f"{path}: {NOT_OURS}")
                yield line
    except (zstd.ZstdError, EOFError, OSError) as error:
        raise CorruptRecord(f"{path}: {error}") from error
