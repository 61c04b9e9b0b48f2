"""
Erases an article for good: from the store, from the store's files and from the index files. A
search of the data folder shows whether its text is left in any file.
"""

import mmap
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import orjson

from recommender.backend import Backend
from recommender.build import build
from recommender.replica.builder import index_files
from recommender.storage.append_only import FOLDER, read_manifest
from recommender.storage.erasing import erase, forget_lists, rewrite_files

PHRASE_BYTES = 48
MAX_PHRASES = 30
MIN_PHRASE_BYTES = 12
SETTLE_SECONDS = 30.0  # until workers use the new index file, and old files are gone
_POLL_SECONDS = 0.1


class Search(NamedTuple):
    """How many files were searched, of how many bytes, and which of them have the text."""

    files: int
    size: int
    with_text: list[Path]


def purge(backend: Backend, site: str, article_ids: Iterable[str]) -> list[str]:
    """Erase articles and rewrite all files; return the ids of those that were in the archive."""
    erased = [
        article_id
        for article_id in article_ids
        if erase(backend.connection, backend.cache_connection, site, article_id)
    ]
    _rewrite_index(backend, site)
    # No worker has the old index now, but one may have stored a list from it meanwhile.
    forget_lists(backend.cache_connection, site)
    for connection in {backend.connection, backend.cache_connection}:
        rewrite_files(connection)
    if backend.settings.redis_url is None:
        _wait_for_old_files(backend.settings.data_dir / FOLDER)
    return erased


def phrases(fields: dict[str, object]) -> set[bytes]:
    """Pieces of an article's title, excerpt and body, as its records spell them."""
    pieces: set[bytes] = set()
    for name in ("title", "excerpt", "body"):
        text = orjson.dumps(fields.get(name) or "")[1:-1]
        step = max(PHRASE_BYTES, len(text) // MAX_PHRASES)
        for start in range(0, len(text), step):
            pieces.add(text[start : start + PHRASE_BYTES])
    return {piece for piece in pieces if len(piece) >= MIN_PHRASE_BYTES}


def search(folder: Path, pieces: set[bytes]) -> Search:
    """Look for the *pieces* in every file below the folder."""
    files = 0
    size = 0
    with_text: list[Path] = []
    for path in _files(folder):
        files += 1
        size += path.stat().st_size
        if _has_any(path, pieces):
            with_text.append(path)
    return Search(files, size, with_text)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


def _has_any(path: Path, pieces: set[bytes]) -> bool:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return any(data.find(piece) >= 0 for piece in pieces)
    except (ValueError, FileNotFoundError):  # empty, or deleted meanwhile
        return False


def _rewrite_index(backend: Backend, site: str) -> None:
    """Replace the index file, if the site has one, and wait until no worker uses the old one."""
    files = index_files(backend.settings, site)
    if files is None or not files.latest_number():
        return
    build(backend.settings, backend.store, site)
    deadline = time.monotonic() + SETTLE_SECONDS
    while files.count() > 1 and time.monotonic() < deadline:
        files.delete_unused()
        time.sleep(_POLL_SECONDS)


def _wait_for_old_files(folder: Path) -> None:
    """The server deletes what it has replaced a moment after it says so."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        manifest = read_manifest(folder)
        names = {path.name for path in folder.iterdir()}
        if manifest is not None and len(names) == len(manifest.names()) + 1:
            return
        time.sleep(_POLL_SECONDS)
