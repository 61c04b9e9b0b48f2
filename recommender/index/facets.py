"""The facets of all articles as columns: dates, sections, tags, authors, languages, publishers."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import chain
from operator import attrgetter
from sys import intern
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.articles import FIELDS, UNDATED, Facets, folded, instant, moment_at
from recommender.index.ids import SortedIds
from recommender.index.reader import sort_order

# The slots of a value that more than this share of all articles has are also kept as a mask: to
# use that takes 10 µs instead of 150.
MASK_SHARE = 0.125


class FacetTable:
    """
    The facets of articles by slot (see `ArticleIndex.slot`).

    Args:
        base: what `arrays` returned, for the first slots.

    Attributes:
        published: shape (slots,), int64, microseconds since 1970 UTC; `UNDATED` without a date.
        pages: shape (slots,), uint64, digests of addresses; `NO_PAGE` without one.
    """

    def __init__(self, base: Mapping[str, NDArray[Any]] | None = None) -> None:
        self._base = _BaseFacets(base or _base_arrays([]))
        self.published = self._base.published
        self.pages = self._base.pages
        self._live = np.ones(self.published.size, dtype=np.bool_)
        self._delta: list[Facets] = []
        # Field → value → slots. Arrays of numbers, because a set would take 60 bytes a slot.
        self._delta_slots: dict[str, defaultdict[str, array[int]]] = {}
        for field in FIELDS:
            self._delta_slots[field] = defaultdict(_no_slots)

    def arrays(self, slots: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        """The facets of the articles in *slots*, in this order, for a file."""
        return _base_arrays([self.of(slot) for slot in slots.tolist()])

    def add(self, slots: Sequence[int], facets: Sequence[Facets]) -> None:
        """Append *facets*, which belong to the next free *slots*."""
        dates = np.array([*map(attrgetter("published"), facets)], dtype=np.int64)
        self.published = np.concatenate((self.published, dates))
        pages = np.array([*map(attrgetter("page"), facets)], dtype=np.uint64)
        self.pages = np.concatenate((self.pages, pages))
        self._live = np.concatenate((self._live, np.ones(len(facets), dtype=np.bool_)))
        self._delta += facets
        for slot, article in zip(slots, facets, strict=True):
            for field in FIELDS:
                for value in getattr(article, field):
                    self._delta_slots[field][value].append(slot)

    def remove(self, slot: int) -> None:
        self._live[slot] = False

    def of(self, slot: int) -> Facets:
        position = slot - len(self._base)
        return self._delta[position] if position >= 0 else self._base.of(slot)

    def count(self, field: str, value: str) -> int:
        """How many live articles have this (case-folded) *value* in *field*."""
        return int(np.count_nonzero(self._live[self._slots(field, value)]))

    def has_value(self, field: str, value: str, slots: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which of *slots* have this (case-folded) *value* in *field*; shape of *slots*."""
        holders = self._slots(field, value)
        if not holders.size:
            return np.zeros(slots.size, dtype=np.bool_)
        positions = np.minimum(np.searchsorted(holders, slots), holders.size - 1)
        matches: NDArray[np.bool_] = holders[positions] == slots
        return matches

    def mask(self, field: str, values: Collection[str]) -> NDArray[np.bool_]:
        """Mask by slot of the articles whose *field*, one of `FIELDS`, has any of *values*."""
        mask = np.zeros(self._live.size, dtype=np.bool_)
        for value in folded(values):
            self._base.mark(field, value, mask[: len(self._base)])
            mask[self._slots_in_delta(field, value)] = True
        return mask

    def _slots(self, field: str, value: str) -> NDArray[np.int64]:
        """The slots, ascending, of articles with this value, removed ones included."""
        in_base = self._base.slots(field, value)
        return np.concatenate((in_base, self._slots_in_delta(field, value)))

    def _slots_in_delta(self, field: str, value: str) -> NDArray[np.int64]:
        return np.frombuffer(self._delta_slots[field].get(value, _no_slots()), np.int64)

    def published_between(
        self, after: datetime | None, before: datetime | None, now: datetime
    ) -> NDArray[np.bool_]:
        """
        Mask of the live articles that are published by *now*, within [after, before).

        An undated article counts as published, but is in no window.
        """
        mask = self._live & (self.published <= instant(now))
        if after is not None:
            mask &= self.published >= instant(after)
        if before is not None:
            mask &= (self.published < instant(before)) & (self.published != UNDATED)
        return mask

    def value_counts(self, field: str) -> Counter[str]:
        """How many live articles have each (case-folded) value of *field*."""
        counts = self._base.value_counts(field, self._live[: len(self._base)])
        live_in_delta = self._live[len(self._base) :].tolist()
        for facets, is_live in zip(self._delta, live_in_delta, strict=True):
            if is_live:
                counts.update(getattr(facets, field))
        return counts

    def all_published(self, slots: NDArray[np.intp], now: datetime) -> bool:
        """Whether the articles in all these *slots* are published by *now*."""
        return bool(np.all(self.published[slots] <= instant(now)))

    def next_publication(self, now: datetime) -> datetime | None:
        """The earliest publication date after *now*, None if there is none."""
        future = self.published[self._live & (self.published > instant(now))]
        return moment_at(int(future.min())) if future.size else None


class _BaseFacets:
    """
    The facets of the articles in the index file.

    Values are numbered in the order of their keys: a letter for the field, then the value.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.published: NDArray[np.int64] = arrays["published"]
        self.pages: NDArray[np.uint64] = arrays["pages"]
        self._keys = SortedIds(arrays["value_ends"], arrays["value_text"])
        self._ends = arrays["ends"]
        self._numbers = arrays["numbers"]
        # Inverted once, so that a filter reads the slots of a value as one slice.
        owners = np.repeat(np.arange(len(self)), np.diff(self._ends))
        self._slots = owners[sort_order(self._numbers)]
        sizes = np.bincount(self._numbers, minlength=len(self._keys))
        self._starts = np.append(0, np.cumsum(sizes))
        self._masks: dict[int, NDArray[np.bool_]] = {}

    def __len__(self) -> int:
        return self.published.size

    def of(self, slot: int) -> Facets:
        numbers = self._numbers[self._ends[slot] : self._ends[slot + 1]].tolist()
        values: dict[str, list[str]] = {_letter(field): [] for field in FIELDS}
        for number in numbers:
            key = self._keys[number]
            # Interned: the same few sections and tags come up for every article.
            values[key[0]].append(intern(key[1:]))
        section, tag, author, language, source = map(tuple, values.values())
        return Facets(
            int(self.published[slot]),
            section,
            tag,
            author,
            language,
            source,
            int(self.pages[slot]),
        )

    def slots(self, field: str, value: str) -> NDArray[np.int64]:
        number = self._keys.find(_letter(field) + value)
        return self._slots_of(number) if number is not None else np.empty(0, np.int64)

    def mark(self, field: str, value: str, mask: NDArray[np.bool_]) -> None:
        """Set *mask*, shape (articles,), for those that have the value."""
        number = self._keys.find(_letter(field) + value)
        if number is None:
            return
        slots = self._slots_of(number)
        if slots.size < MASK_SHARE * len(self):
            mask[slots] = True
            return
        if number not in self._masks:  # such as a language, which every list filters by
            self._masks[number] = np.zeros(len(self), np.bool_)
            self._masks[number][slots] = True
        mask |= self._masks[number]

    def value_counts(self, field: str, live: NDArray[np.bool_]) -> Counter[str]:
        """How many of the articles in the mask *live*, shape (articles,), have each value."""
        numbers = self._numbers[np.repeat(live, np.diff(self._ends))]
        counts = np.bincount(numbers, minlength=len(self._keys))
        is_of_field = self._keys.text[self._keys.ends[:-1]] == ord(_letter(field))
        used = np.flatnonzero(is_of_field & (counts > 0)).tolist()
        by_value = Counter[str]()
        for number in used:
            value = self._keys[number][1:]
            by_value[value] = int(counts[number])
        return by_value

    def _slots_of(self, number: int) -> NDArray[np.int64]:
        return self._slots[self._starts[number] : self._starts[number + 1]]


def _base_arrays(articles: Sequence[Facets]) -> dict[str, NDArray[Any]]:
    """The arrays of `_BaseFacets`: 20 bytes an article, and 1 to 4 for each of its values."""
    keys = [*map(_keys_of, articles)]
    flat_keys = [*chain.from_iterable(keys)]
    in_order = sorted(set(flat_keys))
    distinct = SortedIds.of(in_order)
    number_of = dict(zip(in_order, range(len(in_order)), strict=True))
    smallest = np.min_scalar_type(len(in_order))
    return {
        "published": np.array([*map(attrgetter("published"), articles)], np.int64),
        "pages": np.array([*map(attrgetter("page"), articles)], np.uint64),
        "ends": np.cumsum([0, *map(len, keys)]).astype(np.uint32),
        "numbers": np.array([*map(number_of.__getitem__, flat_keys)], smallest),
        "value_ends": distinct.ends,
        "value_text": distinct.text,
    }


def _keys_of(article: Facets) -> list[str]:
    # One table holds the values of all fields, told apart by their first letter.
    keys = []
    for field in FIELDS:
        letter = _letter(field)
        keys += [letter + value for value in getattr(article, field)]
    return keys


def _letter(field: str) -> str:
    return chr(ord("a") + FIELDS.index(field))


def _no_slots() -> "array[int]":
    # 8 bytes a slot, read by numpy without a copy. A set takes 60, and 2 ms for 150,000 slots.
    return array("q")
