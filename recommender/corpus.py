"""A site's articles as one worker holds them: vectors to compare, columns to filter by."""

from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from recommender.arrays import Arrays
from recommender.base import Base
from recommender.catalogue import Catalogue
from recommender.ids import SortedIds
from recommender.index import ArticleIndex
from recommender.store import StoredArticle


class Corpus:
    """
    Index and catalogue side by side, always with the same articles in the same slots.

    Not thread-safe: `LiveCorpus` lets one thread in at a time.

    Args:
        base: what `arrays` returned, to start from.
    """

    def __init__(self, base: Arrays | None = None) -> None:
        self._base = base
        if base is None:
            self.index, self.catalogue = ArticleIndex(), Catalogue()
            return
        ids = SortedIds(base["ids.ends"], base["ids.text"])
        self.index = ArticleIndex(Base(_part(base, "index")), ids)
        self.catalogue = Catalogue(_part(base, "catalogue"))

    def arrays(self) -> Arrays:
        """All that is there now, in the order of the ids, for a new corpus to start from."""
        if self._base is not None and not self.index.tail_slots and self.index.live.all():
            return self._base
        there = sorted((i, slot) for slot, i in self._there())
        slots = np.array([slot for _, slot in there], dtype=np.intp)
        ids = SortedIds.of([article_id for article_id, _ in there])
        return {
            "ids.ends": ids.ends,
            "ids.text": ids.text,
            **_named("index", self.index.arrays(slots)),
            **_named("catalogue", self.catalogue.arrays(slots)),
        }

    def apply(self, changed: Mapping[str, StoredArticle], removed: Collection[str] = ()) -> None:
        """Add or replace *changed* and take out *removed*."""
        for article_id in {*changed, *removed}:
            slot = self.index.slot(article_id)
            if slot is not None:
                self.catalogue.remove(slot)
        slots = range(self.index.slots, self.index.slots + len(changed))
        # Before the index: `LiveSite.may_show` looks up what that knows, at any moment.
        self.catalogue.add(slots, [article.facets for article in changed.values()])
        self.index.apply({i: article.counts for i, article in changed.items()}, removed)

    def ids(self, slots: Iterable[int]) -> list[str]:
        return [self.index.ids[slot] for slot in slots]

    def all_ids(self) -> list[str]:
        """Of every article that is there, ascending."""
        return sorted(article_id for _, article_id in self._there())

    def slots(self, article_ids: Iterable[str]) -> NDArray[np.intp]:
        """The slots of those of *article_ids* that are there."""
        found = (self.index.slot(article_id) for article_id in article_ids)
        return np.array([slot for slot in found if slot is not None], dtype=np.intp)

    def _there(self) -> Iterator[tuple[int, str]]:
        for slot in np.flatnonzero(self.index.live).tolist():
            yield slot, self.index.ids[slot]


def _named(part: str, arrays: Arrays) -> Arrays:
    return {f"{part}.{name}": array for name, array in arrays.items()}


def _part(arrays: Arrays, part: str) -> Arrays:
    return {n.removeprefix(f"{part}."): a for n, a in arrays.items() if n.startswith(f"{part}.")}
