"""Article ids by slot, and slots by id: a sorted table for the base, a dict for the delta."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.index.jit import compiled, whole


class SortedIds:
    """
    Strings in the order of their UTF-8 bytes, which is that of their code points.

    Args:
        ends: shape (n + 1,), where each string starts in *text*, and where the last one ends.
        text: uint8.
    """

    def __init__(self, ends: NDArray[np.uint32], text: NDArray[np.uint8]) -> None:
        self.ends = ends
        self.text = text

    @classmethod
    def of(cls, strings: Sequence[str]) -> "SortedIds":
        """A table of *strings*, which ascend."""
        encoded = [*map(str.encode, strings)]
        ends = np.cumsum([0, *map(len, encoded)]).astype(np.uint32)
        text = np.frombuffer(b"".join(encoded), np.uint8)
        ends.flags.writeable = False  # like those of a file: a function is compiled once for both
        return cls(ends, text)

    def __len__(self) -> int:
        return self.ends.size - 1

    def __getitem__(self, position: int) -> str:
        return self.text[self.ends[position] : self.ends[position + 1]].tobytes().decode()

    def find(self, string: str) -> int | None:
        """The position of *string*, None when it is not there."""
        encoded = np.frombuffer(string.encode(), np.uint8)
        position = int(_find(self.ends, self.text, encoded))
        return position if position >= 0 else None


class Ids:
    """
    The article id of each slot: those of the base, then those of the delta in order of arrival.

    An edited article has more than one slot, so an id may occur more than once.
    """

    def __init__(self, base: SortedIds) -> None:
        self._base = base
        self._delta: list[str] = []
        self._latest_slot: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._base) + len(self._delta)

    def __getitem__(self, slot: int) -> str:
        position = slot - len(self._base)
        return self._delta[position] if position >= 0 else self._base[slot]

    def extend(self, article_ids: Iterable[str]) -> None:
        for article_id in article_ids:
            self._latest_slot[article_id] = len(self)
            self._delta.append(article_id)

    def find(self, article_id: str) -> int | None:
        """The latest slot of an id, even if its article was removed since."""
        slot = self._latest_slot.get(article_id)
        return self._base.find(article_id) if slot is None else slot

    def in_order(self, mask: NDArray[np.bool_], after: str | None = None) -> Iterator[int]:
        """
        The slots in *mask* in the order of their ids.

        Args:
            mask: shape (slots,), with one slot of each article at most.
            after: start behind this id.
        """
        start = 0 if after is None else bisect_right(self._base, after)
        in_base = start + np.flatnonzero(mask[start : len(self._base)])
        added = len(self._base) + np.flatnonzero(mask[len(self._base) :])
        in_delta = [slot for slot in added.tolist() if after is None or self[slot] > after]
        in_delta.sort(key=self.__getitem__)
        # Merged one by one: a page needs few ids, and to read all of them takes long.
        return merge(in_base.tolist(), in_delta, key=self.__getitem__)


@compiled
def _find(ends: NDArray[np.uint32], text: NDArray[np.uint8], string: NDArray[Any]) -> int:
    low = 0
    high = ends.size - 1
    while low < high:
        middle = (low + high) >> 1
        order = _compare(text[ends[middle] : ends[middle + 1]], string)
        if order == 0:
            return middle
        if order < 0:
            low = middle + 1
        else:
            high = middle
    return -1


@compiled
def _compare(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> int:
    """Below, equal to or above 0, as *a* sorts before, with or after *b*."""
    for i in range(min(a.size, b.size)):
        if a[i] != b[i]:
            return whole(a[i]) - whole(b[i])
    return a.size - b.size
