"""Exact top-k by cosine over a site's articles, kept current article by article."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.vectorizer import TermCounts, idf, tf_weights
from recommender.index.counter import KeyCounter
from recommender.index.delta import (
    Delta,
    GrowingArray,
    add_segment,
    delta_products,
    shift_segment_sums,
)
from recommender.index.ids import Ids, SortedIds
from recommender.index.norms import Norms, compute_norms
from recommender.index.postings import Entries, shift_sums
from recommender.index.reader import Base, TermRows, sort_order, unique_inverse
from recommender.index.search import nearest, pair_products, repeated_keys, top_k
from recommender.index.writer import build_index

SCORE_DECIMALS = 6
NO_TERMS = np.empty(0, np.uint32)
NO_COUNTS = np.empty(0, np.float32)
_NO_MASK = np.empty(0, np.bool_)  # which compiled functions take for all articles


class Neighbours(NamedTuple):
    """
    Similar articles, best first.

    Fields:
        slots: intp, shape (n,).
        scores: float64, shape (n,), cosines rounded to six decimals, each above 0.
    """

    slots: NDArray[np.intp]
    scores: NDArray[np.float64]


class TermWeights(NamedTuple):
    """
    A text as a sparse vector, in no order.

    Fields:
        terms: uint32, shape (n,), distinct term ids.
        weights: float64, shape (n,).
    """

    terms: NDArray[np.uint32]
    weights: NDArray[np.float64]


class _Query(NamedTuple):
    """
    A text to compare with all articles.

    Fields:
        entries: its terms by ordinal; those that the base does not have come first.
        weights: sublinear term frequency times idf, of length 1 (or 0).
        factors: by which the sublinear frequency of each term in an article is multiplied.
    """

    entries: Entries
    weights: NDArray[np.float64]
    factors: NDArray[np.float64]


class ArticleIndex:
    """
    The TF-IDF vectors of a site's articles, for exact nearest neighbours by cosine.

    Most articles are in the base, which never changes. Articles that were added or edited since
    are in the delta. Term frequencies are stored and idf is computed, so every change counts at
    once for all articles. The answer depends only on the articles present, not on the order of
    their arrival or on which of them are in the base.

    A squared length is `sum(tf² · (c - g)²)` with `c = ln(1 + articles) + offset` (the same for
    all terms) and `g = ln(1 + df)` (which a change moves only for the terms of the changed
    article). So three sums per article, of `tf²`, `tf²·g` and `tf²·g²`, give every length at
    any time, and a change touches only the articles that share a term with it.

    Not thread-safe.

    Args:
        base: the articles to start with.
        base_ids: their ids, ascending.
    """

    def __init__(self, base: Base | None = None, base_ids: SortedIds | None = None) -> None:
        self._base = base or Base(build_index(np.zeros(1, np.int64), NO_TERMS, NO_COUNTS))
        self.ids = Ids(base_ids or SortedIds.of([]))
        self._delta = Delta()
        self._df_changes = KeyCounter()  # since the base was built
        self._live = GrowingArray(np.ones(len(self._base), np.bool_))
        self._sums = GrowingArray(np.array(self._base.sums))
        self._articles = len(self._base)
        self._norms: Norms | None = None
        self._scores = np.zeros(len(self._base), np.float32)  # reused by every query
        self._last_draft = (NO_TERMS, np.empty(0, np.int64))

    def __len__(self) -> int:
        return self._articles

    def __contains__(self, article_id: str) -> bool:
        return self.slot(article_id) is not None

    @property
    def slots(self) -> int:
        """How many slots there are, of removed articles too; masks have this shape."""
        return self._live.values.size

    @property
    def live(self) -> NDArray[np.bool_]:
        """Which slots hold an article, shape (slots,)."""
        return self._live.values

    @property
    def delta_slots(self) -> int:
        """How many slots were added since the base was built."""
        return len(self._delta)

    def slot(self, article_id: str) -> int | None:
        slot = self.ids.find(article_id)
        return slot if slot is not None and self._live.values[slot] else None

    def similar(self, article_id: str, k: int, mask: NDArray[np.bool_] | None = None) -> Neighbours:
        """
        Return the *k* articles nearest to a stored one, never itself, best first.

        All articles that tie with the k-th are returned too, in the order of their slots,
        so that the caller can break ties by what it knows (newer first).

        Args:
            article_id: an article of the index.
            k: how many; 0 or fewer returns none.
            mask: by slot, shape (slots,); articles outside it are skipped.

        Raises:
            KeyError: when the article is not in the index.
        """
        slot = self.slot(article_id)
        if slot is None:
            raise KeyError(article_id)
        return self._nearest(self._query_of(slot), k, mask, excluded=slot)

    def similar_to(
        self, draft: TermCounts, k: int, mask: NDArray[np.bool_] | None = None
    ) -> Neighbours:
        """Return the *k* articles nearest to a text that is not stored, as `similar` does."""
        query = self._query(self._ordinals(draft.terms), draft.terms, tf_weights(draft))
        return self._nearest(query, k, mask)

    def terms(self, slot: int) -> NDArray[np.uint32]:
        """The term ids of one article, ascending."""
        return np.sort(self._read_one(slot)[0].terms)

    def term_counts(self, slots: NDArray[np.intp]) -> list[TermCounts]:
        """The terms of some articles, and how often they occur."""
        rows = self._read(slots)
        terms = np.where(rows.ordinals < 0, rows.terms, self._base.term_ids(rows.ordinals))
        owners = np.repeat(np.arange(slots.size, dtype=np.uint64), np.diff(rows.ends))
        # Article and term as one number, which sorts both at once.
        order = np.argsort(owners << np.uint64(32) | terms)
        starts = rows.ends[:-1]
        terms_by_article = np.split(terms[order].astype(np.uint32, copy=False), starts)[1:]
        counts_by_article = np.split(rows.counts[order], starts)[1:]
        return [*map(TermCounts, terms_by_article, counts_by_article)]

    def vector(self, slot: int) -> TermWeights:
        """The unit TF-IDF vector of one article; for products of vectors `cosines` is faster."""
        entries, frequencies = self._read_one(slot)
        inverse = self._current_norms().inverse[slot]
        return TermWeights(entries.terms, frequencies * self._idf(entries) * inverse)

    def cosines(self, slots: NDArray[np.intp]) -> NDArray[np.float64]:
        """The cosines of all pairs of some articles, shape (n, n); of one with itself 1."""
        rows = self._read(slots)
        keys, new_terms = self._row_keys(rows)
        order = sort_order(keys)
        starts, sizes = repeated_keys(keys, order)
        factors = idf(self._df_of_keys(keys[order[starts]], new_terms), len(self)) ** 2
        products = pair_products(starts, sizes, order, rows.ends, rows.weights, factors)
        inverse = self._current_norms().inverse[slots]
        return (products + products.T) * np.outer(inverse, inverse) + np.diag(inverse > 0)

    def in_common(
        self, slots: NDArray[np.intp], few: int, draft: TermCounts | None = None
    ) -> NDArray[np.int32]:
        """
        How many two-word terms each two of some articles have in common.

        Args:
            few: of an article with fewer two-word terms, all terms count.
            draft: a text that is not stored, as the last of the articles.

        Returns:
            shape (n, n), 0 above the diagonal; on it, how many terms of each article count.
        """
        rows = self._read(slots)
        if draft is not None:
            rows = rows.followed_by(self._row_of(draft))
        articles = rows.ends.size - 1
        owners = np.repeat(np.arange(articles), np.diff(rows.ends))
        chosen = self._base.two_word(rows)
        chosen |= (np.bincount(owners[chosen], minlength=articles) < few)[owners]
        sizes = np.bincount(owners[chosen], minlength=articles)
        keys = self._row_keys(rows)[0][chosen]
        order = sort_order(keys)
        starts, frequencies = repeated_keys(keys, order)
        # The product of two rows whose weights are all 1 is the number of their common terms.
        weights = np.ones(keys.size, np.float32)
        ends = np.append(0, np.cumsum(sizes))
        products = pair_products(starts, frequencies, order, ends, weights, np.ones(starts.size))
        return (products + np.diag(sizes)).astype(np.int32)

    def _ordinals(self, terms: NDArray[np.uint32]) -> NDArray[np.int64]:
        """The base's ordinals of *terms*, looked up once for all steps of a list."""
        # All steps of a list pass the same array, so its identity is enough.
        if terms is not self._last_draft[0]:
            self._last_draft = (terms, self._base.ordinals(terms))
        return self._last_draft[1]

    def _row_of(self, draft: TermCounts) -> TermRows:
        ordinals = self._ordinals(draft.terms)
        ends = np.array([0, draft.terms.size])
        new_terms = np.where(ordinals < 0, draft.terms, 0).astype(np.uint32)
        return TermRows(ends, ordinals, new_terms, tf_weights(draft), draft.counts)

    def arrays(self, slots: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        """The arrays of a `Base` that holds these articles in this order."""
        rows = self._read(slots)
        # The ids of all terms at once, because to locate terms one by one takes longer.
        known = self._base.term_ids(np.arange(self._base.terms))
        in_base = rows.ordinals >= 0
        terms = np.where(in_base, 0, rows.terms)
        terms[in_base] = known[rows.ordinals[in_base]]
        owners = np.repeat(np.arange(slots.size, dtype=np.uint64), np.diff(rows.ends))
        order = np.argsort(owners << np.uint64(32) | terms)
        return build_index(rows.ends, terms[order], rows.counts[order])

    def _row_keys(self, rows: TermRows) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """
        A key for each term of some rows, and the ids of the new terms, ascending.

        The key of a term of the base is its ordinal; the keys of new terms follow these.
        """
        is_new = rows.ordinals < 0
        new_terms, positions = unique_inverse(rows.terms[is_new])
        keys = rows.ordinals.astype(np.uint32)
        keys[is_new] = self._base.terms + positions
        return keys, new_terms

    def _df_of_keys(
        self, keys: NDArray[np.uint32], new_terms: NDArray[np.uint32]
    ) -> NDArray[np.int64]:
        """The document frequencies of terms, by their keys among the rows with *new_terms*."""
        ordinals = keys.astype(np.int64)
        is_new = ordinals >= self._base.terms
        df = self._base.document_frequencies(np.where(is_new, -1, ordinals))
        if self._df_changes:
            ids = new_terms[ordinals[is_new] - self._base.terms]
            ordinals[is_new] = self._base.terms + ids.astype(np.int64)
            df += self._df_changes[ordinals]
        return df

    def apply(self, rows: Mapping[str, TermCounts], removed: Iterable[str] = ()) -> None:
        """Add or replace *rows* and take out *removed*; ids that are not there are ignored."""
        self._norms = None
        slots = map(self.slot, {*removed, *rows})
        old_slots = [slot for slot in slots if slot is not None]
        old_rows = self._read(np.array(old_slots, np.intp))
        old_terms = self._entries(old_rows.terms, old_rows.ordinals).terms
        arriving = [row.terms for row in rows.values()]
        terms, positions = unique_inverse(np.concatenate([NO_TERMS, *arriving, old_terms]))
        added, taken = np.split(positions, [positions.size - old_terms.size])
        change = np.bincount(added, minlength=terms.size) - np.bincount(taken, minlength=terms.size)
        entries = self._entries(terms, self._base.ordinals(terms))
        before = entries.df + self._df_change(entries)
        after = before + change
        self._df_changes.add(self._keys(entries), change)
        # Edited articles take new slots; their old rows stay until the next base is built.
        self._live.values[old_slots] = False
        self._articles += len(rows) - len(old_slots)
        self._shift_sums(entries, before, after)
        if rows:
            self._append(rows, entries.ordinals[added], np.log(1 + after)[added])

    def document_frequencies(self, terms: NDArray[np.uint32]) -> NDArray[np.int64]:
        """In how many articles each of *terms* occurs; shape of *terms*."""
        entries = self._entries(terms, self._base.ordinals(terms))
        return entries.df + self._df_change(entries)

    def _nearest(
        self, query: _Query, k: int, mask: NDArray[np.bool_] | None, excluded: int = -1
    ) -> Neighbours:
        k = min(k, self.slots)
        if k <= 0:
            return Neighbours(np.empty(0, np.intp), np.empty(0))
        norms = self._current_norms()
        scores = self._scores[: self.slots]
        scores.fill(0)  # here and not after use, so that they are in the processor's cache
        self._add_delta(query, scores[len(self._base) :])
        slots, products = nearest(
            self._base.postings,
            query.entries,
            query.weights,
            query.factors,
            norms,
            scores,
            mask if mask is not None else _NO_MASK,
            excluded,
            k,
        )
        in_delta = np.flatnonzero(slots >= len(self._base))
        if in_delta.size:
            products[in_delta] = self._delta_products(query, slots[in_delta] - len(self._base))
        # Rounding removes float noise, which would otherwise decide the order of equal texts.
        cosines = np.minimum(np.round(products * norms.inverse[slots], SCORE_DECIMALS), 1.0)
        best = top_k(cosines, k)
        return Neighbours(slots[best], cosines[best])

    def _add_delta(self, query: _Query, scores: NDArray[np.float32]) -> None:
        if self._delta.segments:
            terms, factors = self._by_term_id(query)
            for segment in self._delta.segments:
                add_segment(segment, terms, factors, scores)

    def _delta_products(self, query: _Query, positions: NDArray[np.intp]) -> NDArray[np.float64]:
        delta = self._delta
        terms, factors = self._by_term_id(query)
        return delta_products(delta.ends, delta.terms, delta.weights, terms, factors, positions)

    def _by_term_id(self, query: _Query) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
        """Term ids, ascending, and their factors; without the terms that have no id yet."""
        entries = query.entries
        without_id = (entries.ordinals >= self._base.first_single) & (entries.offsets < 0)
        with_id = np.flatnonzero(~without_id)
        order = with_id[np.argsort(entries.terms[with_id])]
        return entries.terms[order], query.factors[order]

    def _query_of(self, slot: int) -> _Query:
        if slot < len(self._base):
            entries, weights = self._base.article(slot)
            if self._df_changes and self._df_change(entries)[entries.offsets < 0].any():
                entries = self._base.entries(entries.ordinals)
            return self._weighted(entries, weights)
        # Later articles have no dictionary entries of their own, so each term is looked up.
        row = self._delta.rows(np.array([slot - len(self._base)]))
        return self._query(row.ordinals, row.terms, row.weights)

    def _query(
        self, ordinals: NDArray[np.int64], terms: NDArray[np.uint32], weights: NDArray[np.float32]
    ) -> _Query:
        order = np.argsort(ordinals)
        entries = self._entries(terms[order], ordinals[order])
        return self._weighted(entries, weights[order])

    def _weighted(self, entries: Entries, weights: NDArray[np.float32]) -> _Query:
        term_idf = self._idf(entries)
        scaled = weights * term_idf
        length = np.sqrt(scaled @ scaled)
        if length:
            scaled /= length
        return _Query(entries, scaled, scaled * term_idf)

    def _entries(self, terms: NDArray[np.uint32], ordinals: NDArray[np.int64]) -> Entries:
        """The entries of terms by ordinal, and by term id where the ordinal is -1."""
        entries = self._base.entries(ordinals)
        return entries._replace(terms=np.where(ordinals < 0, terms, entries.terms))

    def _idf(self, entries: Entries) -> NDArray[np.float64]:
        return idf(entries.df + self._df_change(entries), len(self))

    def _df_change(self, entries: Entries) -> NDArray[np.int64]:
        """By how much the document frequencies changed since the base was built."""
        if not self._df_changes:
            return np.zeros(entries.ordinals.size, np.int64)
        return self._df_changes[self._keys(entries)]

    def _keys(self, entries: Entries) -> NDArray[np.int64]:
        """The ordinals of terms of the base; after these, new terms by term id."""
        new_keys = self._base.terms + entries.terms.astype(np.int64)
        return np.where(entries.ordinals < 0, new_keys, entries.ordinals)

    def _read(self, slots: NDArray[np.intp]) -> TermRows:
        """The terms of some articles, in the order of *slots*."""
        in_base = slots < len(self._base)
        if in_base.all():
            return self._base.rows(slots)
        delta_rows = self._delta.rows(slots[~in_base] - len(self._base))
        if not in_base.any():
            return delta_rows
        return self._base.rows(slots[in_base]).interleaved_with(delta_rows, in_base)

    def _read_one(self, slot: int) -> tuple[Entries, NDArray[np.float32]]:
        """The terms of an article, and their sublinear frequencies."""
        row = self._read(np.array([slot]))
        return self._entries(row.terms, row.ordinals), row.weights

    def _shift_sums(
        self, entries: Entries, before: NDArray[np.int64], after: NDArray[np.int64]
    ) -> None:
        """Update the sums of the articles whose terms changed their document frequency."""
        changed = np.flatnonzero(before != after)
        entries = Entries(
            entries.ordinals[changed],
            entries.terms[changed],
            entries.df[changed],
            entries.offsets[changed],
        )
        old = np.log(1 + before[changed])
        new = np.log(1 + after[changed])
        changes = np.stack((new - old, new**2 - old**2), axis=1)
        sums = self._sums.values
        shift_sums(self._base.postings, entries, changes, sums)
        for segment in self._delta.segments:
            shift_segment_sums(segment, entries.terms, changes, sums[len(self._base) :])

    def _append(
        self, rows: Mapping[str, TermCounts], ordinals: NDArray[np.int64], g: NDArray[np.float64]
    ) -> None:
        first = len(self._delta)
        self._delta.append(list(rows.values()), ordinals)
        self._live.extend(np.ones(len(rows), np.bool_))
        self.ids.extend(rows)  # last: another thread may call `slot` at any moment
        starts = self._delta.ends[first:]
        squares = self._delta.weights[starts[0] :].astype(np.float64) ** 2
        owners = np.repeat(np.arange(len(rows)), np.diff(starts))
        # Of tf², tf²·g and tf²·g², see the docstring of the class.
        sums = [np.bincount(owners, squares * g**power, len(rows)) for power in range(3)]
        self._sums.extend(np.stack(sums, axis=1))
        if self.slots > self._scores.size:
            self._scores = np.zeros(self.slots + self.slots // 8, np.float32)

    def _current_norms(self) -> Norms:
        if self._norms is None:
            common_idf = self._idf(self._base.most_common())
            self._norms, inexact = compute_norms(
                self._base, common_idf, len(self), self._sums.values, self._live.values
            )
            for slot in inexact.tolist():
                self._norms.set(slot, self._exact_length(slot))
        return self._norms

    def _exact_length(self, slot: int) -> float:
        entries, weights = self._read_one(slot)
        return float(np.linalg.norm(weights * self._idf(entries)))


def warm() -> None:
    """Compile every function, or load it from the disk, before the first reader comes."""
    row = TermCounts(np.array([1, 2], np.uint32), np.ones(2, np.float32))
    ends = np.array([0, 2, 4])
    arrays = build_index(ends, np.tile(row.terms, 2), np.ones(4, np.float32))
    index = ArticleIndex(Base(arrays), SortedIds.of(["a", "b"]))
    for change in ({"c": row}, {"a": row}):
        index.apply(change)
        index.similar("b", 1)
        index.similar_to(row, 1, np.ones(index.slots, np.bool_))
        index.cosines(np.arange(3))
        index.arrays(np.arange(1, 3))
        index.term_counts(np.arange(3))
        index.in_common(np.arange(3), 1)
