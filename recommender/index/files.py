"""
The index files of a site: numbered, mapped by all workers, written by one builder at a time.

    var/index/main/7.index      what workers map; a file with a higher number replaces it
    var/index/main/builder.lock held by the builder; the kernel releases it when that process ends

Files are a copy of what is in Redis and can be deleted at any time. A file gets its name only
when all of it is on the disk, and only if no other file took that number meanwhile. Readers hold a
shared lock on the file that they use, and old files are deleted when nothing uses them.
"""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import structlog
from numpy.typing import NDArray

from recommender.disk_space import sync_folder
from recommender.errors import CorruptRecord
from recommender.index.arrays import Arrays, map_arrays, write_arrays

if sys.platform != "win32":
    import fcntl

log = structlog.get_logger()

SUFFIX = ".index"
_LOCK = "builder.lock"


class IndexFile(NamedTuple):
    """
    A file in use, for as long as one of its arrays is.

    Fields:
        about: what the builder noted.
        arrays: read-only and mapped.
    """

    number: int
    about: dict[str, Any]
    arrays: Arrays


class IndexFiles:
    """The index files in one folder, which may not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def count(self) -> int:
        """How many files there are; more than one while a process uses an older one."""
        return len(self._numbers())

    def delete_all(self) -> None:
        """Delete every file; processes that have one mapped keep it until they adopt another."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def newest(self, after: int = 0) -> IndexFile | None:
        """
        Open the sound file with the highest number above *after*; None if there is none.

        Damaged files are deleted; files that cannot be opened are skipped.
        """
        for number in sorted(self._numbers(), reverse=True):
            if number <= after:
                break
            try:
                opened = self._open(number)
            except FileNotFoundError:  # deleted meanwhile
                continue
            except OSError as error:
                self._warn(number, error)
                continue
            if opened is not None:
                return opened
        return None

    def latest_number(self) -> int:
        """The highest number of a file, 0 without one."""
        return max(self._numbers(), default=0)

    def latest(self) -> tuple[int, int]:
        """The `latest_number`, and what tells its file from an earlier one of that number."""
        number = self.latest_number()
        with contextlib.suppress(OSError):
            return number, self._path(number).stat().st_mtime_ns
        return number, 0

    @contextmanager
    def building(self) -> Iterator[None]:
        """
        Be the one builder in this block; waits for another builder to end.

        Raises:
            OSError: when the folder cannot be written.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / _LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel releases it, even after a kill
            yield

    def is_building(self) -> bool:
        """Whether some process is `building` at this moment."""
        try:
            with (self.folder / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def publish(self, arrays: Mapping[str, NDArray[np.generic]], about: dict[str, Any]) -> int:
        """
        Write the next file and return its number; call it while `building`.

        Raises:
            OSError: when the disk is full or read-only, or a file has that number by now.
        """
        number = self.latest_number() + 1
        self._delete_leftovers()
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".new") as file:
            write_arrays(file, arrays, about)
            os.link(file.name, self._path(number))  # fails when the name is taken
        sync_folder(self.folder)
        self.delete_unused()
        return number

    def delete_unused(self) -> None:
        """Delete every file that is not the newest and that no process uses."""
        for number in sorted(self._numbers())[:-1]:  # the newest is for the next process
            with contextlib.suppress(OSError), self._path(number).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._path(number).unlink()

    def _delete_leftovers(self) -> None:
        """Delete the unfinished files of builders that were killed."""
        for path in self.folder.glob("*.new"):
            path.unlink(missing_ok=True)

    def _open(self, number: int) -> IndexFile | None:
        path = self._path(number)
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)  # the map keeps it, for it keeps the file open
            if os.fstat(file.fileno()).st_nlink == 0:  # deleted just before it was locked
                return None
            try:
                return IndexFile(number, *map_arrays(file))
            except (CorruptRecord, OSError) as error:
                self._warn(number, error)
        with contextlib.suppress(OSError):
            path.unlink()
        return None

    def _warn(self, number: int, error: Exception) -> None:
        log.warning("index file cannot be used", file=str(self._path(number)), error=str(error))

    def _path(self, number: int) -> Path:
        return self.folder / f"{number}{SUFFIX}"

    def _numbers(self) -> list[int]:
        with contextlib.suppress(OSError):
            names = [path.stem for path in self.folder.glob(f"*{SUFFIX}")]
            return [int(name) for name in names if name.isdecimal()]
        return []
