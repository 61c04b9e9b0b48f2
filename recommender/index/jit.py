"""How functions are compiled: once per machine, kept on disk, and never while a reader waits."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, TypeVar, cast
from zlib import crc32

import numba
import numpy as np
import structlog
from numba.core.caching import FunctionCache, IndexDataCacheFile

from recommender.errors import CorruptRecord

# Numba looks once for SciPy's linear algebra, which nothing compiled here has, and importing that
# takes a tenth of the time of a start: so it finds none.
if "scipy.linalg" not in sys.modules:
    sys.modules["scipy.linalg"] = None  # type: ignore[assignment]
    import numba.np.arraymath

    del sys.modules["scipy.linalg"]

log = structlog.get_logger()

F = TypeVar("F", bound=Callable[..., Any])

damaged: set[str] = set()
"""Functions whose kept code this process could not use, and compiled anew."""

_CHECKSUM_BYTES = 4

whole = cast("Callable[[Any], int]", np.int64)
"""An integer of any type as the one to count with: numba makes floats of int64 and uint64."""


def edition(folder: Path) -> str:
    """A digest of all files in *folder*, at any depth, with functions that are compiled."""
    sources = (path.read_bytes() for path in sorted(folder.rglob("*.py")))
    marks = (b"\n@compiled\n", b"\n@intrinsic\n")
    compiled_ones = [source for source in sources if any(mark in source for mark in marks)]
    how = Path(__file__).read_bytes()  # they are compiled, and kept
    return blake2b(b"\0".join([*compiled_ones, how]), digest_size=8).hexdigest()


# numba compiles a function anew when its own file has changed, but not when what it calls has, or
# a constant of another file: so what is kept on disk goes by the name of the edition.
_EDITION = edition(Path(__file__).parents[1])


def compiled(function: F) -> F:
    """Compile a function of arrays and numbers; it runs without the interpreter's lock."""
    function.__qualname__ += f"-{_EDITION}"
    dispatcher: Any = numba.njit(nogil=True, error_model="numpy")(function)
    with suppress(RuntimeError):  # neither the package's folder nor the user's cache can be written
        dispatcher._cache = _Kept(function)
    return cast("F", dispatcher)


class _Kept(FunctionCache):
    """Numba's cache of one function, without which a start takes longer, but never fails."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        locator = self._impl.locator
        self._cache_file = _CheckedFiles(
            locator.get_cache_path(), self._impl.filename_base, locator.get_source_stamp()
        )

    def _load_overload(self, *wanted: Any) -> Any:
        try:
            return super()._load_overload(*wanted)
        except Exception as error:  # noqa: BLE001 - what damaged bytes are read as is anybody's guess
            name = self._py_func.__name__
            log.warning("kept code is damaged: compiling anew", function=name, error=repr(error))
            damaged.add(name)
        with suppress(OSError):
            self.flush()
        return None

    def _save_overload(self, *made: Any) -> None:
        try:
            super()._save_overload(*made)
        except (OSError, CorruptRecord) as error:  # a full disk, or nobody may write there
            name = self._py_func.__name__
            log.warning("compiled code cannot be kept", function=name, error=repr(error))


class _CheckedFiles(IndexDataCacheFile):
    """
    Numba's files of one function, each with a checksum at its end.

    A power cut can leave a file with holes, and machine code with a wrong bit ends the process.
    """

    def _load_index(self) -> Any:
        with suppress(FileNotFoundError):
            _check(Path(self._index_path))
        return super()._load_index()

    def _load_data(self, name: str) -> Any:
        _check(Path(self._data_path(name)))
        return super()._load_data(name)

    @contextmanager
    def _open_for_write(self, path: str) -> Iterator[IO[bytes]]:
        content = io.BytesIO()
        yield content
        with super()._open_for_write(path) as file:
            file.write(content.getvalue() + _checksum(Path(path), content.getvalue()))


def _check(file: Path) -> None:
    content = file.read_bytes()
    if _checksum(file, content[:-_CHECKSUM_BYTES]) != content[-_CHECKSUM_BYTES:]:
        raise CorruptRecord(f"wrong checksum of {file}")


def _checksum(file: Path, content: bytes) -> bytes:
    """Of the name too: the code of one function under the name of another ends the process."""
    return crc32(content, crc32(file.name.encode())).to_bytes(_CHECKSUM_BYTES, "little")
