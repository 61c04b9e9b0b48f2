"""What filters and dates ask about articles, as columns: which of them may stand in this list?"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from sys import intern
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.articles import FIELDS, UNDATED, Facets, folded, instant, moment_at
from recommender.index.ids import SortedIds
from recommender.index.writer import by_term

# What more than this share of all articles has is kept as a mask: 10 µs instead of 150.
WIDE_SHARE = 0.125


class FacetTable:
    """
    The filterable fields of articles by slot (see `ArticleIndex.slot`).

    Args:
        base: what `arrays` returned, for the first slots.

    Attributes:
        published: shape (slots,), int64, microseconds since 1970 UTC; `UNDATED` without a date.
    """

    def __init__(self, base: Mapping[str, NDArray[Any]] | None = None) -> None:
        self._base = _Base(base or _base_arrays([]))
        self.published = self._base.published
        self._present = np.ones(self.published.size, dtype=np.bool_)
        self._more: list[Facets] = []
        self._slots_by: dict[str, defaultdict[str, array[int]]] = {
            field: defaultdict(_no_slots) for field in FIELDS
        }

    def arrays(self, slots: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        """The fields of these articles, in this order, for a file."""
        return _base_arrays([self.of(slot) for slot in slots.tolist()])

    def add(self, slots: Sequence[int], facets: Sequence[Facets]) -> None:
        """Append *facets*, which belong to the next free *slots*."""
        dates = np.array([f.published for f in facets], dtype=np.int64)
        self.published = np.concatenate((self.published, dates))
        self._present = np.concatenate((self._present, np.ones(len(facets), dtype=np.bool_)))
        self._more += facets
        for slot, article in zip(slots, facets, strict=True):
            for field in FIELDS:
                for value in getattr(article, field):
                    self._slots_by[field][value].append(slot)

    def remove(self, slot: int) -> None:
        self._present[slot] = False

    def of(self, slot: int) -> Facets:
        place = slot - len(self._base)
        return self._more[place] if place >= 0 else self._base.of(slot)

    def carriers(self, field: str, value: str) -> int:
        """How many articles have this (case-folded) *value* in *field*."""
        return int(np.count_nonzero(self._present[self._with(field, value)]))

    def have(self, field: str, value: str, slots: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which of *slots* have this (case-folded) *value* in *field*; shape of *slots*."""
        carriers = self._with(field, value)
        if not carriers.size:
            return np.zeros(slots.size, dtype=np.bool_)
        places = np.minimum(np.searchsorted(carriers, slots), carriers.size - 1)
        found: NDArray[np.bool_] = carriers[places] == slots
        return found

    def having(self, field: str, values: Collection[str]) -> NDArray[np.bool_]:
        """Mask of the articles whose *field*, one of `FIELDS`, has any of *values*."""
        mask = np.zeros(self._present.size, dtype=np.bool_)
        for value in folded(values):
            self._base.mark(field, value, mask[: len(self._base)])
            mask[self._with_since(field, value)] = True
        return mask

    def _with(self, field: str, value: str) -> NDArray[np.int64]:
        """The slots, ascending, that were ever given to articles with this value."""
        return np.concatenate((self._base.slots(field, value), self._with_since(field, value)))

    def _with_since(self, field: str, value: str) -> NDArray[np.int64]:
        return np.frombuffer(self._slots_by[field].get(value, _no_slots()), np.int64)

    def published_between(
        self, after: datetime | None, before: datetime | None, now: datetime
    ) -> NDArray[np.bool_]:
        """
        Mask of the articles that are there and out by *now*, within [after, before).

        An undated article counts as out, but is in no window.
        """
        mask = self._present & (self.published <= instant(now))
        if after is not None:
            mask &= self.published >= instant(after)
        if before is not None:
            mask &= (self.published < instant(before)) & (self.published != UNDATED)
        return mask

    def tally(self, field: str) -> Counter[str]:
        """How many of the articles that are there have each (case-folded) value of *field*."""
        found = self._base.tally(field, self._present[: len(self._base)])
        there = self._present[len(self._base) :].tolist()
        for facets, is_there in zip(self._more, there, strict=True):
            if is_there:
                found.update(getattr(facets, field))
        return found

    def are_out(self, slots: NDArray[np.intp], now: datetime) -> bool:
        """Whether the articles in all these *slots* are published by *now*."""
        return bool(np.all(self.published[slots] <= instant(now)))

    def next_publication(self, now: datetime) -> datetime | None:
        """When the next article with a future date comes out, None if there is none."""
        future = self.published[self._present & (self.published > instant(now))]
        return moment_at(int(future.min())) if future.size else None


class _Base:
    """
    The fields of the articles that were there when a file was made.

    Values are numbered in the order of their keys: a letter for the field, then the value.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.published: NDArray[np.int64] = arrays["published"]
        self._keys = SortedIds(arrays["value_ends"], arrays["value_text"])
        self._ends, self._numbers = arrays["ends"], arrays["numbers"]
        owners = np.repeat(np.arange(len(self)), np.diff(self._ends))
        self._slots = owners[by_term(self._numbers)]
        sizes = np.bincount(self._numbers, minlength=len(self._keys))
        self._starts = np.append(0, np.cumsum(sizes))
        self._masks: dict[int, NDArray[np.bool_]] = {}

    def __len__(self) -> int:
        return self.published.size

    def of(self, slot: int) -> Facets:
        numbers = self._numbers[self._ends[slot] : self._ends[slot + 1]].tolist()
        keys = [self._keys[number] for number in numbers]
        fields = [tuple(intern(k[1:]) for k in keys if k[0] == _letter(f)) for f in FIELDS]
        return Facets(int(self.published[slot]), *fields)

    def slots(self, field: str, value: str) -> NDArray[np.int64]:
        number = self._keys.find(_letter(field) + value)
        return self._slots_of(number) if number is not None else np.empty(0, np.int64)

    def mark(self, field: str, value: str, mask: NDArray[np.bool_]) -> None:
        """Set *mask*, shape (articles,), for those that have the value."""
        number = self._keys.find(_letter(field) + value)
        if number is None:
            return
        slots = self._slots_of(number)
        if slots.size < WIDE_SHARE * len(self):
            mask[slots] = True
            return
        if number not in self._masks:  # a language: asked for with every list
            self._masks[number] = np.zeros(len(self), np.bool_)
            self._masks[number][slots] = True
        mask |= self._masks[number]

    def tally(self, field: str, there: NDArray[np.bool_]) -> Counter[str]:
        """Value → how many of the articles in the mask *there*, shape (articles,), have it."""
        own = self._numbers[np.repeat(there, np.diff(self._ends))]
        counts = np.bincount(own, minlength=len(self._keys))
        is_of_field = self._keys.text[self._keys.ends[:-1]] == ord(_letter(field))
        found = np.flatnonzero(is_of_field & (counts > 0)).tolist()
        return Counter({self._keys[number][1:]: int(counts[number]) for number in found})

    def _slots_of(self, number: int) -> NDArray[np.int64]:
        return self._slots[self._starts[number] : self._starts[number + 1]]


def _base_arrays(articles: Sequence[Facets]) -> dict[str, NDArray[Any]]:
    """What `_Base` takes; 12 bytes for an article, and 1 to 4 for each of its values."""
    keys = [
        [_letter(field) + value for field in FIELDS for value in getattr(article, field)]
        for article in articles
    ]
    values = SortedIds.of(sorted({key for own in keys for key in own}))
    numbers = {values[number]: number for number in range(len(values))}
    smallest = np.min_scalar_type(len(values))
    return {
        "published": np.array([article.published for article in articles], np.int64),
        "ends": np.cumsum([0, *map(len, keys)]).astype(np.uint32),
        "numbers": np.array([numbers[key] for own in keys for key in own], smallest),
        "value_ends": values.ends,
        "value_text": values.text,
    }


def _letter(field: str) -> str:
    return chr(ord("a") + FIELDS.index(field))


def _no_slots() -> "array[int]":
    # 8 bytes a slot and a mask in no time; a set takes 60, and 2 ms at 150,000 slots.
    return array("q")
