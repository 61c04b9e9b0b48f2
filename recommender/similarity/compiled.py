"""How functions are compiled: once per machine, kept on disk, and never while a reader waits."""

import sys
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np

# Numba looks once for SciPy's linear algebra, which nothing compiled here has, and importing that
# takes a tenth of the time of a start: so it finds none.
if "scipy.linalg" not in sys.modules:
    sys.modules["scipy.linalg"] = None  # type: ignore[assignment]
    import numba.np.arraymath

    del sys.modules["scipy.linalg"]

F = TypeVar("F", bound=Callable[..., Any])

whole = cast("Callable[[Any], int]", np.int64)
"""An integer of any type as the one to count with: numba makes floats of int64 and uint64."""


def edition(folder: Path) -> str:
    """A digest of all files in *folder*, at any depth, with functions that are compiled."""
    sources = (path.read_bytes() for path in sorted(folder.rglob("*.py")))
    marks = (b"\n@compiled\n", b"\n@intrinsic\n")
    compiled_ones = [source for source in sources if any(mark in source for mark in marks)]
    return blake2b(b"\0".join(compiled_ones), digest_size=8).hexdigest()


# numba compiles a function anew when its own file has changed, but not when what it calls has, or
# a constant of another file: so what is kept on disk goes by the name of the edition.
_EDITION = edition(Path(__file__).parents[1])


def compiled(function: F) -> F:
    """Compile a function of arrays and numbers; it runs without the interpreter's lock."""
    function.__qualname__ += f"-{_EDITION}"
    try:
        return cast("F", numba.njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return cast("F", numba.njit(nogil=True, error_model="numpy")(function))
