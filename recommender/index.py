"""Exact top-k cosine over the corpus, kept current article by article."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from features.vectorizer import TermCounts, idf, idf_offset, tf_weights
from recommender.ranking import top_k
from recommender.segment import Segment, distinct, numbered

SCORE_DECIMALS = 6
# A newer segment joins the one before it once it holds this share of its rows, so that
# there are never more than about log(articles) segments and an article is rewritten as often.
MERGE_SHARE = 0.25


class Neighbours(NamedTuple):
    """
    Similar articles, best first.

    Fields:
        slots: shape (n,), intp, the articles' numbers in the index.
        scores: shape (n,), float64, cosines rounded to six decimals, each above 0.
    """

    slots: NDArray[np.intp]
    scores: NDArray[np.float64]


class ArticleIndex:
    """
    The TF-IDF vectors of a site's articles, for exact nearest neighbours by cosine.

    Term frequencies are stored, idf is live: a change counts at once and for everybody,
    and the answer depends on which articles are there, not on the order they came in.

    A squared length is `sum(tf² · (c - g)²)` with `c = ln(1 + articles) + offset` (the same for
    all terms) and `g = ln(1 + df)` (which a change moves only for the terms of the changed
    article). So three sums per article, of `tf²`, `tf²·g` and `tf²·g²`, give every length at
    any time, and a change touches just the articles that share a term with it.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self._slot_of: dict[str, int] = {}
        self._segments: list[Segment] = []
        self._live = np.zeros(0, dtype=np.bool_)
        self._sums = np.zeros((3, 0))
        self._inverse_lengths: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self._slot_of)

    def __contains__(self, article_id: str) -> bool:
        return article_id in self._slot_of

    @property
    def slots(self) -> int:
        """How many slots were ever given out; masks over the index have this shape."""
        return self._live.size

    def slot(self, article_id: str) -> int | None:
        return self._slot_of.get(article_id)

    def similar(
        self, article_id: str, k: int, among: NDArray[np.bool_] | None = None
    ) -> Neighbours:
        """
        Return the *k* articles nearest to a stored one, never itself, best first.

        All articles that tie with the k-th are returned too, in the order they were added,
        so that the caller can break ties by what it knows (newer first).

        Args:
            article_id: an article of the index.
            k: how many; 0 or fewer returns none.
            among: mask by slot, shape (slots,); other articles are passed over.

        Raises:
            KeyError: when the article is not in the index.
        """
        slot = self._slot_of[article_id]
        terms, weights = self._segment_of(slot).row(slot)
        return self._nearest(terms, weights, k, among, leave_out=slot)

    def similar_to(
        self, row: TermCounts, k: int, among: NDArray[np.bool_] | None = None
    ) -> Neighbours:
        """Return the *k* articles nearest to a text that is not stored, as `similar` does."""
        return self._nearest(row.terms, tf_weights(row), k, among)

    def terms(self, slot: int) -> NDArray[np.uint32]:
        """The ids of the terms of one article, ascending."""
        return self._segment_of(slot).row(slot)[0]

    def rows(self, slots: NDArray[np.intp]) -> tuple[csr_array, NDArray[np.uint32]]:
        """
        Return the unit TF-IDF vectors of some articles.

        Returns:
            CSR (n, t) of float64 in the order of *slots*, and the ids of its t columns, ascending.
        """
        found = [self._segment_of(slot).row(slot) for slot in slots.tolist()]
        ends = np.cumsum([0, *(terms.size for terms, _ in found)])
        hashed = np.concatenate([terms for terms, _ in found] or [np.empty(0, np.uint32)])
        weights = np.concatenate([w for _, w in found] or [np.empty(0, np.float32)])
        terms, columns = numbered(hashed)
        weighted = weights * idf(self.document_frequencies(terms), len(self))[columns]
        weighted *= np.repeat(self._ones_over_lengths()[slots], np.diff(ends))
        return csr_array((weighted, columns, ends), (len(found), terms.size)), terms

    def apply(self, rows: Mapping[str, TermCounts], removed: Iterable[str] = ()) -> None:
        """Add or replace *rows* and take out *removed*; ids that are not there are passed over."""
        self._inverse_lengths = None
        gone = [self._slot_of.pop(i) for i in {*removed, *rows} if i in self._slot_of]
        leaving = [self._segment_of(slot).forget(slot) for slot in gone]
        fresh = self._fresh_segment(rows)
        terms = distinct(np.concatenate((fresh.terms, *leaving)))
        arriving = np.zeros(terms.size, dtype=np.int64)
        arriving[np.searchsorted(terms, fresh.terms)] = fresh.df
        without_fresh = self.document_frequencies(terms)
        left = np.zeros_like(arriving)
        for row_terms in leaving:
            left[np.searchsorted(terms, row_terms)] += 1
        self._live[gone] = False
        self._move_sums(terms, without_fresh + left, without_fresh + arriving)
        if rows:
            self._append(fresh, list(rows))
            self._merge()

    def document_frequencies(self, terms: NDArray[np.uint32]) -> NDArray[np.int64]:
        """In how many articles each of *terms* occurs; shape of *terms*."""
        df = np.zeros(terms.size, dtype=np.int64)
        for segment in self._segments:
            found, columns = segment.find(terms)
            df[found] += segment.df[columns]
        return df

    def _nearest(
        self,
        terms: NDArray[np.uint32],
        weights: NDArray[np.float32],
        k: int,
        among: NDArray[np.bool_] | None,
        leave_out: int | None = None,
    ) -> Neighbours:
        scores = self._cosines(terms, weights)
        if leave_out is not None:
            scores[leave_out] = 0.0  # an article is not related to itself
        if among is not None:
            scores[~among] = 0.0
        slots = top_k(scores, k)
        return Neighbours(slots, scores[slots])

    def _cosines(
        self, terms: NDArray[np.uint32], weights: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """The cosine of every slot with the given text, 0 for dead slots; shape (slots,)."""
        term_idf = idf(self.document_frequencies(terms), len(self))
        length = np.sqrt(np.sum((weights * term_idf) ** 2))
        scores = np.zeros(self.slots)
        if not length:
            return scores
        for segment in self._segments:
            found, columns = segment.find(terms)
            scores[segment.slots] = segment.postings[:, columns] @ (weights * term_idf**2)[found]
        scores *= self._ones_over_lengths() / length
        # Rounding hides float noise, which would otherwise decide the order of equal texts.
        return np.minimum(np.round(scores, SCORE_DECIMALS), 1.0)

    def _ones_over_lengths(self) -> NDArray[np.float64]:
        """By slot, 0 for an article that is gone or empty; made once after each change."""
        if self._inverse_lengths is None:
            c = np.log(1 + len(self)) + idf_offset(len(self))
            squares, with_g, with_g2 = self._sums
            squared_lengths = (c * c * squares - 2 * c * with_g + with_g2) * self._live
            lengths = np.sqrt(np.maximum(squared_lengths, 0.0))
            self._inverse_lengths = np.divide(1.0, lengths, np.zeros(self.slots), where=lengths > 0)
        return self._inverse_lengths

    def _segment_of(self, slot: int) -> Segment:
        return next(s for s in reversed(self._segments) if s.slots.size and s.slots[0] <= slot)

    def _fresh_segment(self, rows: Mapping[str, TermCounts]) -> Segment:
        slots = np.arange(self.slots, self.slots + len(rows))
        return Segment.of(slots, list(rows.values()))

    def _move_sums(
        self, terms: NDArray[np.uint32], before: NDArray[np.int64], after: NDArray[np.int64]
    ) -> None:
        """Let the stored articles' sums follow the *terms* whose document frequency changed."""
        moved = before != after
        terms, before, after = terms[moved], before[moved], after[moved]
        for segment in self._segments:
            found, columns = segment.find(terms)
            old, new = np.log(1 + before[found]), np.log(1 + after[found])
            changes = np.stack((new - old, new**2 - old**2), axis=1)
            squares = segment.postings[:, columns]
            # In float32 the sums would depend on the order in which articles came.
            squares.data = squares.data.astype(np.float64) ** 2
            self._sums[1:, segment.slots] += (squares @ changes).T

    def _append(self, fresh: Segment, ids: list[str]) -> None:
        self._segments.append(fresh)
        self.ids.extend(ids)
        self._slot_of.update(zip(ids, fresh.slots.tolist(), strict=True))
        self._live = np.concatenate((self._live, np.ones(len(ids), dtype=np.bool_)))
        g = np.log(1 + self.document_frequencies(fresh.terms))
        squares = fresh.squares()
        sums = np.stack((squares.sum(axis=1), squares @ g, squares @ g**2))
        self._sums = np.concatenate((self._sums, sums), axis=1)

    def _merge(self) -> None:
        while len(self._segments) > 1:
            *_, older, newer = self._segments
            if newer.slots.size < MERGE_SHARE * older.slots.size:
                return
            self._segments[-2:] = [Segment.merged((older, newer), self._live)]
