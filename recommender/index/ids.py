"""The ids of articles by slot, and slots by id: sorted for the base, a dict for what came since."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.index.jit import compiled, whole


class SortedIds:
    """
    Strings in the order of their UTF-8 bytes, which is that of their characters.

    Args:
        ends: shape (n + 1,), where each string starts in *text*, and where the last one ends.
        text: uint8.
    """

    def __init__(self, ends: NDArray[np.uint32], text: NDArray[np.uint8]) -> None:
        self.ends = ends
        self.text = text

    @classmethod
    def of(cls, strings: Sequence[str]) -> "SortedIds":
        """Take *strings*, which ascend."""
        encoded = [string.encode() for string in strings]
        ends = np.cumsum([0, *map(len, encoded)]).astype(np.uint32)
        text = np.frombuffer(b"".join(encoded), np.uint8)
        ends.flags.writeable = False
        return cls(ends, text)

    def __len__(self) -> int:
        return self.ends.size - 1

    def __getitem__(self, place: int) -> str:
        return self.text[self.ends[place] : self.ends[place + 1]].tobytes().decode()

    def find(self, string: str) -> int | None:
        """The place of *string*, None when it is not there."""
        wanted = np.frombuffer(string.encode(), np.uint8)
        place = int(_place(self.ends, self.text, wanted))
        return place if place >= 0 else None


class Ids:
    """The ids by slot: first those of the base, then others as they came, maybe more than once."""

    def __init__(self, base: SortedIds) -> None:
        self._base = base
        self._more: list[str] = []
        self._latest: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._base) + len(self._more)

    def __getitem__(self, slot: int) -> str:
        place = slot - len(self._base)
        return self._more[place] if place >= 0 else self._base[slot]

    def extend(self, article_ids: Iterable[str]) -> None:
        for article_id in article_ids:
            self._latest[article_id] = len(self)
            self._more.append(article_id)

    def find(self, article_id: str) -> int | None:
        """The latest slot of an id, whether its article is still there or not."""
        slot = self._latest.get(article_id)
        return self._base.find(article_id) if slot is None else slot


@compiled
def _place(ends: NDArray[np.uint32], text: NDArray[np.uint8], wanted: NDArray[Any]) -> int:
    low, high = 0, ends.size - 1
    while low < high:
        middle = (low + high) >> 1
        order = _compared(text[ends[middle] : ends[middle + 1]], wanted)
        if order == 0:
            return middle
        if order < 0:
            low = middle + 1
        else:
            high = middle
    return -1


@compiled
def _compared(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> int:
    """Below, at or above 0, as *a* stands before, at or after *b*."""
    for i in range(min(a.size, b.size)):
        if a[i] != b[i]:
            return whole(a[i]) - whole(b[i])
    return a.size - b.size
