"""Rows of whole numbers, one for each article of a site."""

from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


class RaggedArray:
    """
    One row of whole numbers for each slot, end to end: appended to, never changed.

    Args:
        typecode: of the numbers, as in `array`.
        base: what `arrays` returned, for the first slots.
        names: distinct and ascending, if the values of *base* are places among these.
    """

    def __init__(
        self,
        typecode: str,
        base: Mapping[str, NDArray[Any]] | None = None,
        names: NDArray[np.unsignedinteger] | None = None,
    ) -> None:
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
        """These rows, in this order, for a file."""
        rows = [self.row(slot) for slot in slots.tolist()]
        return {
            "ends": np.cumsum([0, *(row.size for row in rows)]).astype(np.uint32),
            "values": np.concatenate([np.empty(0, self._dtype), *rows]),
        }

    def append(self, row: NDArray[np.unsignedinteger]) -> None:
        self._more.frombytes(row.astype(self._dtype).tobytes())
        self._more_ends.append(len(self._more))

    def row(self, slot: int) -> NDArray[np.unsignedinteger]:
        place = slot - self._ends.size + 1
        if place < 0:
            return self._named(self._values[self._ends[slot] : self._ends[slot + 1]])
        # A copy: an array with a view on it cannot grow.
        values = self._more[self._more_ends[place] : self._more_ends[place + 1]]
        return np.frombuffer(values, self._dtype)

    def holding(
        self, values: NDArray[np.unsignedinteger]
    ) -> tuple[NDArray[np.unsignedinteger], NDArray[np.intp]]:
        """Each occurrence of any of *values* and its slot, in the order of the slots."""
        found, slots = _holding(self._values, self._ends, self._places(values))
        more, places = _holding(
            np.frombuffer(self._more, self._dtype),
            np.frombuffer(self._more_ends, np.uint64),
            values,
        )
        first = self._ends.size - 1
        found = np.concatenate((self._named(found), more))
        return found, np.concatenate((slots, first + places))

    def _named(self, places: NDArray[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
        return places if self._names is None else self._names[places]

    def _places(self, values: NDArray[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
        """Of those *values* that have a name."""
        if self._names is None:
            return values
        places = np.searchsorted(self._names, values)
        there = places < self._names.size
        there[there] = self._names[places[there]] == values[there]
        return places[there].astype(self._values.dtype)


def _holding(
    flat: NDArray[np.unsignedinteger],
    ends: NDArray[np.unsignedinteger],
    values: NDArray[np.unsignedinteger],
) -> tuple[NDArray[np.unsignedinteger], NDArray[np.intp]]:
    places = np.flatnonzero(np.isin(flat, values))
    return flat[places], np.searchsorted(ends, places.astype(ends.dtype), side="right") - 1
