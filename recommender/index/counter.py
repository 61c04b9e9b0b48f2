"""Whole numbers by key, in arrays that compiled functions read."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.index.jit import compiled

FREE = -1


class KeyCounter:
    """Whole numbers by key (a number not below 0), 0 until something is added."""

    def __init__(self) -> None:
        self._keys = np.full(16, FREE, np.int64)
        self._values = np.zeros(16, np.int64)
        self._used = 0

    def __bool__(self) -> bool:
        return self._used > 0

    def __getitem__(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        return _looked_up(self._keys, self._values, keys)

    def add(self, keys: NDArray[np.int64], amounts: NDArray[np.int64]) -> None:
        while 2 * (self._used + keys.size) > self._keys.size:
            old_keys, old_values = self._keys, self._values
            self._keys = np.full(2 * old_keys.size, FREE, np.int64)
            self._values = np.zeros(2 * old_keys.size, np.int64)
            taken = old_keys != FREE
            _added(self._keys, self._values, old_keys[taken], old_values[taken])
        self._used += _added(self._keys, self._values, keys, amounts)


@compiled
def place_of(keys: NDArray[np.signedinteger[Any]], key: int) -> int:
    mask = keys.size - 1
    at = ((key * 2654435769) >> 12) & mask  # Knuth, TAOCP 6.4: multiply by the golden ratio
    while keys[at] != key and keys[at] != FREE:
        at = (at + 1) & mask
    return at


@compiled
def _looked_up(
    keys: NDArray[np.int64], values: NDArray[np.int64], wanted: NDArray[np.int64]
) -> NDArray[np.int64]:
    found = np.zeros(wanted.size, np.int64)
    for i in range(wanted.size):
        found[i] = values[place_of(keys, wanted[i])]  # 0 where it is free
    return found


@compiled
def _added(
    keys: NDArray[np.int64],
    values: NDArray[np.int64],
    wanted: NDArray[np.int64],
    amounts: NDArray[np.int64],
) -> int:
    """Add, and return how many keys are new."""
    new = 0
    for i in range(wanted.size):
        at = place_of(keys, wanted[i])
        new += keys[at] == FREE
        keys[at] = wanted[i]
        values[at] += amounts[i]
    return new
