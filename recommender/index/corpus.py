"""The corpus of a site in one worker: vectors to compare and facets to filter by, by slot."""

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

FetchArticles = Callable[[Sequence[str]], Mapping[str, StoredArticle]]


class Boilerplate(NamedTuple):
    """A block that does not count: how many articles hold it, and the id of one of them."""

    digest: int
    articles: int
    example: str


class Corpus:
    """
    Index and facets of a site, with the same articles in the same slots.

    Lines that are boilerplate at the moment do not count. If a change makes a line boilerplate, or
    no longer boilerplate, the rows of all articles with the line change too. So the rows depend
    only on the articles present, not on the order of their arrival or on the index file.

    Not thread-safe: `SiteReplica` lets one thread in at a time.

    Args:
        fetch: returns articles that were applied earlier, as they are now. It is called only for
            articles whose boilerplate changes; one that it does not return is removed.
        base: what `arrays` of another corpus with the same *limits* returned, to start from.
        limits: how many articles make a line boilerplate.
    """

    def __init__(
        self, fetch: FetchArticles, base: Arrays | None = None, limits: Limits = LIMITS
    ) -> None:
        self._fetch = fetch
        self._base = base
        self._least_similarity: dict[str | None, float] = {}
        if base is None:
            self.index = ArticleIndex()
            self.facets = FacetTable()
            self._blocks = BlockBook(limits)
            self._titles = RaggedArray("I")
            self._hashes = np.empty(0, dtype=np.uint32)
            return
        ids = SortedIds(base["ids.ends"], base["ids.text"])
        self.index = ArticleIndex(Base(_section(base, "index")), ids)
        self.facets = FacetTable(_section(base, "facets"))
        self._blocks = BlockBook(limits, _section(base, "blocks"))
        self._titles = RaggedArray("I", _section(base, "titles"))
        self._hashes = base["ids.hashes"]

    def arrays(self) -> Arrays:
        """All articles, in the order of their ids, for a new corpus to start from."""
        if self._base is not None and not self.index.delta_slots and self.index.live.all():
            return self._base
        live = np.flatnonzero(self.index.live).tolist()
        slot_of = dict(zip(self.ids(live), live, strict=True))
        in_order = sorted(slot_of)
        slots = np.array([*map(slot_of.__getitem__, in_order)], dtype=np.intp)
        ids = SortedIds.of(in_order)
        return {
            "ids.ends": ids.ends,
            "ids.text": ids.text,
            "ids.hashes": self._hashes[slots],
            **_prefixed("index", self.index.arrays(slots)),
            **_prefixed("facets", self.facets.arrays(slots)),
            **_prefixed("blocks", self._blocks.arrays(slots)),
            **_prefixed("titles", self._titles.arrays(slots)),
        }

    def apply(self, changed: Mapping[str, StoredArticle], removed: Collection[str] = ()) -> None:
        """
        Add or replace *changed* and take out *removed*.

        If *fetch* raises, nothing has changed.
        """
        changed, removed = self._with_affected(dict(changed), {*removed} - changed.keys())
        self._least_similarity.clear()
        old_slots = self.slots({*changed, *removed}).tolist()
        for slot in old_slots:
            self.facets.remove(slot)
        articles = changed.values()
        # An edited article takes a new slot, like a new one.
        slots = range(self.index.slots, self.index.slots + len(changed))
        # Before the index: `SiteReplica.may_show` looks up ids of the index at any moment.
        self.facets.add(slots, [article.facets for article in articles])
        for article in articles:
            self._titles.append(article.features.title)
        self._hashes = np.concatenate((self._hashes, _hashes(changed)))
        self._blocks.apply([article.features.blocks.digests for article in articles], old_slots)
        self.index.apply(self._effective(changed), removed)

    def ids(self, slots: Iterable[int]) -> list[str]:
        return [*map(self.index.ids.__getitem__, slots)]

    def all_ids(self) -> list[str]:
        """The ids of all articles, ascending."""
        return sorted(self.ids(np.flatnonzero(self.index.live).tolist()))

    def slots(self, article_ids: Iterable[str]) -> NDArray[np.intp]:
        """The slots of *article_ids*; unknown ids are skipped."""
        slots = map(self.index.slot, article_ids)
        return np.array([slot for slot in slots if slot is not None], dtype=np.intp)

    def sample(self, size: int, language: str | None = None) -> NDArray[np.intp]:
        """
        The slots of *size* articles of *language* (None is any), or of all if they are fewer.

        The same articles have the same sample, whatever the order of their arrival.
        """
        mask = self.index.live
        if language is not None:
            mask = mask & self.facets.mask("language", [language])
        slots = np.flatnonzero(mask)
        if size < slots.size:
            hashes = self._hashes[slots]
            slots = slots[hashes <= np.partition(hashes, size)[size]]
        candidates = slots.tolist()
        # By id too, because 32-bit hashes of many articles can be equal.
        hashes = self._hashes[slots].tolist()
        ranked = sorted(zip(hashes, self.ids(candidates), candidates, strict=True))
        return np.array([slot for _, _, slot in ranked[:size]], dtype=np.intp)

    def least_similarity(self, language: str | None) -> float:
        """The threshold of `calibration`; cached until the next change."""
        if language not in self._least_similarity:
            cosines = self.index.cosines(self.sample(SAMPLE, language))
            self._least_similarity[language] = least_similarity(cosines)
        return self._least_similarity[language]

    def title_terms(self, slot: int) -> NDArray[np.uint32]:
        """The distinct ids of the title's terms, ascending."""
        return self._titles.row(slot).astype(np.uint32, copy=False)

    def effective_counts(self, features: ArticleFeatures) -> TermCounts:
        """The counts of an article or a draft without lines that are boilerplate now."""
        return features.without(self._blocks.is_boilerplate(features.blocks.digests))

    def boilerplate(self) -> list[Boilerplate]:
        """All blocks that do not count, the most frequent first."""
        lines = []
        for block in self._blocks.boilerplate():
            article_id = self.index.ids[block.slot]
            lines.append(Boilerplate(block.digest, block.articles, article_id))
        return lines

    def _with_affected(
        self, changed: dict[str, StoredArticle], removed: set[str]
    ) -> tuple[dict[str, StoredArticle], set[str]]:
        """
        Add the articles that gain or lose boilerplate by the change.

        They are fetched. They may be newer than what was applied of them, and then they may make
        other lines boilerplate. So this repeats until there are no more such articles.
        """
        while True:
            arriving = [article.features.blocks.digests for article in changed.values()]
            leaving = self.slots({*changed, *removed}).tolist()
            holders = self._blocks.holders(self._blocks.crossing(arriving, leaving))
            known = changed.keys() | removed
            affected = [i for i in self.ids(holders.tolist()) if i not in known]
            if not affected:
                return changed, removed
            changed |= self._fetch(affected)
            removed |= set(affected) - changed.keys()

    def _effective(self, articles: Mapping[str, StoredArticle]) -> dict[str, TermCounts]:
        if not articles:
            return {}
        features = [article.features for article in articles.values()]
        sizes = [own.blocks.digests.size for own in features]
        ends = np.cumsum([0, *sizes]).tolist()
        # All at once: to look up the blocks of each article takes longer than to index it.
        digests = np.concatenate([own.blocks.digests for own in features])
        marks = self._blocks.is_boilerplate(digests)
        counts = {}
        for article_id, own, (start, end) in zip(articles, features, pairwise(ends), strict=True):
            counts[article_id] = own.without(marks[start:end])
        return counts


def _hashes(article_ids: Iterable[str]) -> NDArray[np.uint32]:
    digests = b"".join(blake2b(i.encode(), digest_size=4).digest() for i in article_ids)
    return np.frombuffer(digests, dtype="<u4")


def _prefixed(section: str, arrays: Arrays) -> Arrays:
    return {f"{section}.{name}": array for name, array in arrays.items()}


def _section(arrays: Arrays, section: str) -> Arrays:
    """The arrays of one part, of the many that share a file."""
    prefix = f"{section}."
    section_arrays = {}
    for name, array in arrays.items():
        if name.startswith(prefix):
            section_arrays[name.removeprefix(prefix)] = array
    return section_arrays
