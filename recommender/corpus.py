"""A site's articles as one worker holds them: vectors to compare, columns to filter by."""

from collections.abc import Collection, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from recommender.catalogue import Catalogue
from recommender.index import ArticleIndex
from recommender.store import StoredArticle


class Corpus:
    """
    Index and catalogue side by side, always with the same articles in the same slots.

    Not thread-safe: `LiveCorpus` lets one thread in at a time.
    """

    def __init__(self) -> None:
        self.index = ArticleIndex()
        self.catalogue = Catalogue()

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

    def slots(self, article_ids: Iterable[str]) -> NDArray[np.intp]:
        """The slots of those of *article_ids* that are there."""
        found = (self.index.slot(article_id) for article_id in article_ids)
        return np.array([slot for slot in found if slot is not None], dtype=np.intp)
