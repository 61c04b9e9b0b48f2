"""
Compiled functions: once per machine, kept on disk with a signature, never while a reader waits.

All of numba's private names that the project uses are in this file; a test fails when one moves.
"""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import numba
import numpy as np
import structlog
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.cpython.unsafe import numbers

from recommender.errors import CorruptRecord
from recommender.index.code_cache import SIGNATURE_BYTES, CodeCache, open_default

# Numba looks once for SciPy's linear algebra, which no function here uses, and importing that
# takes a tenth of the time of a start: so this import finds none.
if "scipy.linalg" not in sys.modules:
    sys.modules["scipy.linalg"] = None  # type: ignore[assignment]
    import numba.np.arraymath

    del sys.modules["scipy.linalg"]

log = structlog.get_logger()

F = TypeVar("F", bound=Callable[..., Any])

damaged: set[str] = set()
"""Functions whose cached machine code was damaged, so that this process compiled them anew."""

cache: CodeCache | None = open_default()
if cache is not None:
    numba.config.CACHE_DIR = str(cache.folder)  # type: ignore[attr-defined]


whole = cast("Callable[[Any], int]", np.int64)
"""Any integer as int64, in which kernels count: numba makes a float of int64 and uint64."""

trailing_zeros = cast("Callable[[np.uint64], int]", numbers.trailing_zeros)
"""The number of zero bits below the lowest set bit; 64 for 0. For compiled functions only."""


def edition(folder: Path) -> str:
    """A digest of all files in *folder*, at any depth, that hold compiled functions."""
    sources = (path.read_bytes() for path in sorted(folder.rglob("*.py")))
    compiled_sources = [source for source in sources if b"\n@compiled\n" in source]
    compiler = Path(__file__).read_bytes()
    return blake2b(b"\0".join([*compiled_sources, compiler]), digest_size=8).hexdigest()


# Numba compiles a function anew when its own file has changed, but not when a function that it
# calls or a constant of another file has. So the names of cached functions carry the edition.
_EDITION = edition(Path(__file__).parents[1])


def compiled(function: F) -> F:
    """Compile a function of arrays and numbers; it runs without the interpreter's lock."""
    function.__qualname__ += f"-{_EDITION}"
    dispatcher: Any = numba.njit(nogil=True, error_model="numpy")(function)
    if cache is not None:
        with suppress(RuntimeError):  # the cache folder is full, or not writable any more
            dispatcher._cache = _DiskCache(function, cache)
    return cast("F", dispatcher)


class _DiskCache(FunctionCache):
    """Numba's cache of one function; a start without it takes longer, but never fails."""

    def __init__(self, function: Callable[..., Any], cache: CodeCache) -> None:
        super().__init__(function)
        locator = self._impl.locator
        self._cache_file = _SignedFiles(
            locator.get_cache_path(), self._impl.filename_base, locator.get_source_stamp()
        )
        self._cache_file.cache = cache

    def _load_overload(self, *arguments: Any) -> Any:
        try:
            return super()._load_overload(*arguments)
        except Exception as error:  # noqa: BLE001 - unpickling damaged bytes can raise anything
            name = self._py_func.__name__
            log.warning("cached code is damaged: compiling anew", function=name, error=repr(error))
            damaged.add(name)
        with suppress(OSError):
            self.flush()
        return None

    def _save_overload(self, *arguments: Any) -> None:
        try:
            super()._save_overload(*arguments)
        except (OSError, CorruptRecord) as error:  # a full disk, or a folder that is not ours
            name = self._py_func.__name__
            log.warning("compiled code cannot be cached", function=name, error=repr(error))


class _SignedFiles(IndexDataCacheFile):
    """
    Numba's cache files of one function, each with a signature at its end.

    They are pickles: one that we have not written must not be loaded. And a power cut can leave a
    file with holes, where machine code with a wrong bit ends the process.
    """

    cache: CodeCache

    def _load_index(self) -> Any:
        with suppress(FileNotFoundError):
            self._check(Path(self._index_path))
        return super()._load_index()

    def _load_data(self, name: str) -> Any:
        self._check(Path(self._data_path(name)))
        return super()._load_data(name)

    @contextmanager
    def _open_for_write(self, path: str) -> Iterator[IO[bytes]]:
        content = io.BytesIO()
        yield content
        with super()._open_for_write(path) as file:
            file.write(content.getvalue() + self.cache.sign(Path(path), content.getvalue()))

    def _check(self, file: Path) -> None:
        content = file.read_bytes()
        signature = content[-SIGNATURE_BYTES:]
        if not self.cache.is_signed(file, content[:-SIGNATURE_BYTES], signature):
            raise CorruptRecord(f"{file} is not what this install wrote")
