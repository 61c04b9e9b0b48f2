"""Rows of whole numbers, one for each article of a site."""

from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


class RaggedArray:
    """
    One row of whole numbers for each slot, all rows in one array. Rows are added, never changed.

    Args:
        typecode: of the numbers, as in `array`.
        base: what `arrays` returned; the rows of the first slots.
        names: distinct and ascending. With names, a value of *base* is a position among them.
    """

    def __init__(
        self,
        typecode: str,
        base: Mapping[str, NDArray[Any]] | None = None,
        names: NDArray[np.unsignedinteger] | None = None,
    ) -> None:
        # Unlike an array of NumPy, these grow without a copy for each row.
        self._more = array(typecode)
        self._more_ends = array("Q", [0])
        self._dtype = np.dtype(f"u{self._more.itemsize}")
        base = base or {"ends": np.zeros(1, np.uint32), "values": np.empty(0, self._dtype)}
        self._ends: NDArray[np.uint32] = base["ends"]
        self._values: NDArray[np.unsignedinteger] = base["values"]
        self._names = names

    def __len__(self) -> int:
        return self._ends.size + len(self._more_ends) - 2

    def arrays(self, slots: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        """The rows of these slots, in this order, as they are written to a file."""
        rows = [self.row(slot) for slot in slots.tolist()]
        return {
            "ends": np.cumsum([0, *(row.size for row in rows)]).astype(np.uint32),
            "values": np.concatenate([np.empty(0, self._dtype), *rows]),
        }

    def append(self, row: NDArray[np.unsignedinteger]) -> None:
        self._more.frombytes(row.astype(self._dtype).tobytes())
        self._more_ends.append(len(self._more))

    def row(self, slot: int) -> NDArray[np.unsignedinteger]:
        added = slot - self._ends.size + 1
        if added < 0:
            return self._named(self._values[self._ends[slot] : self._ends[slot + 1]])
        # A copy, because an array with a view on it cannot grow.
        values = self._more[self._more_ends[added] : self._more_ends[added + 1]]
        return np.frombuffer(values, self._dtype)

    def holding(
        self, values: NDArray[np.unsignedinteger]
    ) -> tuple[NDArray[np.unsignedinteger], NDArray[np.intp]]:
        """Each occurrence of any of *values* and its slot, in the order of the slots."""
        positions, slots = _holding(self._values, self._ends, self._positions(values))
        more, more_slots = _holding(
            np.frombuffer(self._more, self._dtype),
            np.frombuffer(self._more_ends, np.uint64),
            values,
        )
        occurrences = np.concatenate((self._named(positions), more))
        first_slot = self._ends.size - 1
        return occurrences, np.concatenate((slots, first_slot + more_slots))

    def _named(self, positions: NDArray[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
        return positions if self._names is None else self._names[positions]

    def _positions(self, values: NDArray[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
        """The positions among the names of those *values* that are names."""
        if self._names is None:
            return values
        # A name that is missing gets the position where it would be inserted.
        positions = np.searchsorted(self._names, values)
        is_name = positions < self._names.size
        is_name[is_name] = self._names[positions[is_name]] == values[is_name]
        return positions[is_name].astype(self._values.dtype)


def _holding(
    flat: NDArray[np.unsignedinteger],
    ends: NDArray[np.unsignedinteger],
    values: NDArray[np.unsignedinteger],
) -> tuple[NDArray[np.unsignedinteger], NDArray[np.intp]]:
    places = np.flatnonzero(np.isin(flat, values))
    slots = np.searchsorted(ends, places.astype(ends.dtype), side="right") - 1
    return flat[places], slots
