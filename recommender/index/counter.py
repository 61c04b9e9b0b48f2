"""A hash table of integers in two arrays, which compiled functions can read."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.index.jit import compiled

FREE = -1
_INITIAL_SIZE = 16


class KeyCounter:
    """Integer counts by key (an integer from 0 on); a key without an entry has count 0."""

    def __init__(self) -> None:
        self._keys = np.full(_INITIAL_SIZE, FREE, np.int64)
        self._counts = np.zeros(_INITIAL_SIZE, np.int64)
        self._used = 0

    def __bool__(self) -> bool:
        return self._used > 0

    def __getitem__(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        return _look_up(self._keys, self._counts, keys)

    def add(self, keys: NDArray[np.int64], amounts: NDArray[np.int64]) -> None:
        # Half of it stays free: a fuller table has long runs to step through.
        while 2 * (self._used + keys.size) > self._keys.size:
            self._double()
        self._used += _add(self._keys, self._counts, keys, amounts)

    def _double(self) -> None:
        taken = self._keys != FREE
        old_keys = self._keys[taken]
        old_counts = self._counts[taken]
        self._keys = np.full(2 * self._keys.size, FREE, np.int64)
        self._counts = np.zeros(self._keys.size, np.int64)
        _add(self._keys, self._counts, old_keys, old_counts)


@compiled
def probe(keys: NDArray[np.signedinteger[Any]], key: int) -> int:
    """The position of *key*, or of the free entry where it belongs; the size is a power of 2."""
    mask = keys.size - 1
    position = ((key * 2654435769) >> 12) & mask  # Knuth, TAOCP 6.4: multiply by the golden ratio
    while keys[position] != key and keys[position] != FREE:
        position = (position + 1) & mask
    return position


@compiled
def _look_up(
    keys: NDArray[np.int64], counts: NDArray[np.int64], queries: NDArray[np.int64]
) -> NDArray[np.int64]:
    results = np.zeros(queries.size, np.int64)
    for i in range(queries.size):
        results[i] = counts[probe(keys, queries[i])]  # a free entry has count 0
    return results


@compiled
def _add(
    keys: NDArray[np.int64],
    counts: NDArray[np.int64],
    new_keys: NDArray[np.int64],
    amounts: NDArray[np.int64],
) -> int:
    """Add the amounts, and return how many keys are new."""
    added = 0
    for i in range(new_keys.size):
        position = probe(keys, new_keys[i])
        added += keys[position] == FREE
        keys[position] = new_keys[i]
        counts[position] += amounts[i]
    return added
