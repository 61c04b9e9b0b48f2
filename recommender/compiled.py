"""How functions are compiled: once per machine, kept on disk, and never while a reader waits."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

whole = cast("Callable[[Any], int]", np.int64)
"""An integer of any type as the one to count with: numba makes floats of int64 and uint64."""

# Sums may be taken in any order, and are never NaN: else no loop with a maximum is vectorised.
_ANY_ORDER = {"nnan", "ninf", "nsz", "reassoc"}


def compiled(function: F) -> F:
    """Compile a function of arrays and numbers; it runs without the interpreter's lock."""
    return _compiled(function, fastmath=False)


def compiled_any_order(function: F) -> F:
    """The same, for a function whose result does not depend on the order of its sums."""
    return _compiled(function, fastmath=_ANY_ORDER)


def _compiled(function: F, **options: Any) -> F:
    options |= {"nogil": True, "error_model": "numpy"}
    try:
        return cast("F", numba.njit(cache=True, **options)(function))
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return cast("F", numba.njit(**options)(function))
