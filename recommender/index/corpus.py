"""A site's articles as one worker holds them: vectors to compare, columns to filter by."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.boilerplate import LIMITS, BlockBook, Limits
from features.ragged import RaggedArray
from features.vectorizer import ArticleFeatures, TermCounts
from recommender.articles import StoredArticle
from recommender.index.arrays import Arrays
from recommender.index.calibration import SAMPLE, least_similarity
from recommender.index.facets import FacetTable
from recommender.index.ids import SortedIds
from recommender.index.index import ArticleIndex
from recommender.index.reader import Base

Stored = Callable[[Sequence[str]], Mapping[str, StoredArticle]]


class Boilerplate(NamedTuple):
    """A block that does not count: in how many articles it stands, and the id of one of them."""

    digest: int
    articles: int
    example: str


class Corpus:
    """
    Index and catalogue side by side, always with the same articles in the same slots.

    Lines that are boilerplate now do not count. When an article makes or unmakes boilerplate, the
    others that hold it change too, so what is there depends on which articles are there and not on
    the order they came in, nor on what the corpus started from.

    Not thread-safe: `LiveSite` lets one thread in at a time.

    Args:
        stored: gives articles that were applied earlier once more, as they are now; asked only
            about those whose boilerplate changes. One that is missing is taken out.
        base: what `arrays` returned, to start from, of a corpus with the same *limits*.
        limits: how often is too often.
    """

    def __init__(self, stored: Stored, base: Arrays | None = None, limits: Limits = LIMITS) -> None:
        self._stored = stored
        self._base = base
        self._least_similarity: dict[str | None, float] = {}
        if base is None:
            self.index, self.facets = ArticleIndex(), FacetTable()
            self._book, self._titles = BlockBook(limits), RaggedArray("I")
            self._ranks = np.empty(0, dtype=np.uint32)
            return
        ids = SortedIds(base["ids.ends"], base["ids.text"])
        self.index = ArticleIndex(Base(_part(base, "index")), ids)
        self.facets = FacetTable(_part(base, "catalogue"))
        self._book = BlockBook(limits, _part(base, "blocks"))
        self._titles = RaggedArray("I", _part(base, "titles"))
        self._ranks = base["ranks"]

    def arrays(self) -> Arrays:
        """All that is there now, in the order of the ids, for a new corpus to start from."""
        if self._base is not None and not self.index.tail_slots and self.index.live.all():
            return self._base
        live = np.flatnonzero(self.index.live).tolist()
        there = sorted(zip(self.ids(live), live, strict=True))
        slots = np.array([slot for _, slot in there], dtype=np.intp)
        ids = SortedIds.of([article_id for article_id, _ in there])
        return {
            "ids.ends": ids.ends,
            "ids.text": ids.text,
            "ranks": self._ranks[slots],
            **_named("index", self.index.arrays(slots)),
            **_named("catalogue", self.facets.arrays(slots)),
            **_named("blocks", self._book.arrays(slots)),
            **_named("titles", self._titles.arrays(slots)),
        }

    def apply(self, changed: Mapping[str, StoredArticle], removed: Collection[str] = ()) -> None:
        """
        Add or replace *changed* and take out *removed*.

        When *stored* raises, nothing has changed.
        """
        changed, removed = self._with_shaken(dict(changed), {*removed} - changed.keys())
        self._least_similarity.clear()
        leaving = self.slots({*changed, *removed}).tolist()
        for slot in leaving:
            self.facets.remove(slot)
        articles = changed.values()
        slots = range(self.index.slots, self.index.slots + len(changed))
        # Before the index: `LiveSite.may_show` looks up what that knows, at any moment.
        self.facets.add(slots, [article.facets for article in articles])
        for article in articles:
            self._titles.append(article.features.title)
        self._ranks = np.concatenate((self._ranks, _ranks(changed)))
        self._book.apply([a.features.blocks.digests for a in articles], leaving)
        self.index.apply(self._effective(changed), removed)

    def ids(self, slots: Iterable[int]) -> list[str]:
        return [self.index.ids[slot] for slot in slots]

    def all_ids(self) -> list[str]:
        """Of every article that is there, ascending."""
        return sorted(self.ids(np.flatnonzero(self.index.live).tolist()))

    def slots(self, article_ids: Iterable[str]) -> NDArray[np.intp]:
        """The slots of those of *article_ids* that are there."""
        found = (self.index.slot(article_id) for article_id in article_ids)
        return np.array([slot for slot in found if slot is not None], dtype=np.intp)

    def sample(self, size: int, language: str | None = None) -> NDArray[np.intp]:
        """
        The slots of *size* articles of *language* (None is any), or of all there are.

        Whatever came and went and in which order, the same articles have the same sample.
        """
        there = self.index.live
        if language is not None:
            there = there & self.facets.having("language", [language])
        slots = np.flatnonzero(there)
        if size < slots.size:
            ranks = self._ranks[slots]
            slots = slots[ranks <= np.partition(ranks, size)[size]]
        found = slots.tolist()
        # Of so many ranks of 32 bits, some are equal.
        ranked = sorted(zip(self._ranks[slots].tolist(), self.ids(found), found, strict=True))
        return np.array([slot for _, _, slot in ranked[:size]], dtype=np.intp)

    def least_similarity(self, language: str | None) -> float:
        """As `calibration` finds it; kept until the next change."""
        if language not in self._least_similarity:
            cosines = self.index.cosines(self.sample(SAMPLE, language))
            self._least_similarity[language] = least_similarity(cosines)
        return self._least_similarity[language]

    def title_terms(self, slot: int) -> NDArray[np.uint32]:
        """The distinct ids of the title's terms, ascending."""
        return self._titles.row(slot).astype(np.uint32, copy=False)

    def effective_counts(self, features: ArticleFeatures) -> TermCounts:
        """What counts of an article or a draft: all but the lines that are boilerplate now."""
        return features.without(self._book.is_boilerplate(features.blocks.digests))

    def boilerplate(self) -> list[Boilerplate]:
        """What does not count, the most frequent first."""
        found = self._book.boilerplate()
        return [Boilerplate(s.digest, s.articles, self.index.ids[s.slot]) for s in found]

    def _with_shaken(
        self, changed: dict[str, StoredArticle], removed: set[str]
    ) -> tuple[dict[str, StoredArticle], set[str]]:
        """
        Add the articles that gain or lose boilerplate by the change.

        Their content may be newer than what was applied of them, and make or unmake
        boilerplate in turn: so again, until there are no others.
        """
        while True:
            arriving = [article.features.blocks.digests for article in changed.values()]
            leaving = self.slots({*changed, *removed}).tolist()
            holders = self._book.holders(self._book.crossing(arriving, leaving))
            shaken = [
                i for i in self.ids(holders.tolist()) if i not in changed and i not in removed
            ]
            if not shaken:
                return changed, removed
            changed |= self._stored(shaken)
            removed |= set(shaken) - changed.keys()

    def _effective(self, articles: Mapping[str, StoredArticle]) -> dict[str, TermCounts]:
        if not articles:
            return {}
        features = [article.features for article in articles.values()]
        ends = np.cumsum([0, *(f.blocks.digests.size for f in features)]).tolist()
        # At once: to look each article up would take more time than to index it.
        marked = self._book.is_boilerplate(np.concatenate([f.blocks.digests for f in features]))
        parts = [marked[start:end] for start, end in pairwise(ends)]
        return {i: f.without(part) for i, f, part in zip(articles, features, parts, strict=True)}


def _ranks(article_ids: Iterable[str]) -> NDArray[np.uint32]:
    digests = b"".join(blake2b(i.encode(), digest_size=4).digest() for i in article_ids)
    return np.frombuffer(digests, dtype="<u4")


def _named(part: str, arrays: Arrays) -> Arrays:
    return {f"{part}.{name}": array for name, array in arrays.items()}


def _part(arrays: Arrays, part: str) -> Arrays:
    return {n.removeprefix(f"{part}."): a for n, a in arrays.items() if n.startswith(f"{part}.")}
