"""Exact top-k cosine over the corpus, kept current article by article."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.vectorizer import TermCounts, idf, tf_weights
from recommender.index.counter import KeyCounter
from recommender.index.delta import Delta, GrowingArray, add_segment, move_tail_sums, tail_products
from recommender.index.ids import Ids, SortedIds
from recommender.index.norms import Norms, measure
from recommender.index.postings import Entries, move_sums
from recommender.index.reader import Base, TermRows
from recommender.index.search import nearest, pair_products, shared_terms, top_k
from recommender.index.writer import build_index, by_term, numbered

SCORE_DECIMALS = 6
NO_TERMS = np.empty(0, np.uint32)
NO_COUNTS = np.empty(0, np.float32)
_ALL = np.empty(0, np.bool_)  # the mask that means everything


class TermWeights(NamedTuple):
    """
    A text as a vector, in no order.

    Fields:
        terms: hashed ids, distinct; shape (n,).
        weights: shape (n,).
    """

    terms: NDArray[np.uint32]
    weights: NDArray[np.float64]


class Neighbours(NamedTuple):
    """
    Similar articles, best first.

    Fields:
        slots: shape (n,), intp, the articles' numbers in the index.
        scores: shape (n,), float64, cosines rounded to six decimals, each above 0.
    """

    slots: NDArray[np.intp]
    scores: NDArray[np.float64]


class _Query(NamedTuple):
    """
    A text as the index sees it.

    Fields:
        entries: its terms, those that the base does not have first, then in ascending order.
        weights: sublinear term frequency times idf, of length 1 (or 0).
        factors: what the sublinear term frequency of each term in an article counts.
    """

    entries: Entries
    weights: NDArray[np.float64]
    factors: NDArray[np.float64]


class ArticleIndex:
    """
    The TF-IDF vectors of a site's articles, for exact nearest neighbours by cosine.

    Most articles are in a `Base`, which never changes; those that came since, or were edited, are
    in a tail. Term frequencies are stored, idf is live: a change counts at once and for everybody,
    and the answer depends on which articles are there, not on the order they came in, nor on what
    is in the base.

    A squared length is `sum(tf² · (c - g)²)` with `c = ln(1 + articles) + offset` (the same for
    all terms) and `g = ln(1 + df)` (which a change moves only for the terms of the changed
    article). So three sums per article, of `tf²`, `tf²·g` and `tf²·g²`, give every length at
    any time, and a change touches just the articles that share a term with it.

    Not thread-safe.

    Args:
        base: the articles to start with.
        base_ids: their ids, ascending.
    """

    def __init__(self, base: Base | None = None, base_ids: SortedIds | None = None) -> None:
        self._base = base or Base(build_index(np.zeros(1, np.int64), NO_TERMS, NO_COUNTS))
        self.ids = Ids(base_ids or SortedIds.of([]))
        self._tail = Delta()
        self._changed_df = KeyCounter()  # since the base was made
        self._live = GrowingArray(np.ones(len(self._base), np.bool_))
        self._sums = GrowingArray(np.array(self._base.sums))
        self._articles = len(self._base)
        self._lengths: Norms | None = None
        self._scratch = np.zeros(len(self._base), np.float32)
        self._draft = NO_TERMS, np.empty(0, np.int64)

    def __len__(self) -> int:
        return self._articles

    def __contains__(self, article_id: str) -> bool:
        return self.slot(article_id) is not None

    @property
    def slots(self) -> int:
        """How many slots were ever given out; masks over the index have this shape."""
        return self._live.values.size

    @property
    def live(self) -> NDArray[np.bool_]:
        """Which slots hold an article, shape (slots,)."""
        return self._live.values

    @property
    def tail_slots(self) -> int:
        """How many of them since the base was made."""
        return len(self._tail)

    def slot(self, article_id: str) -> int | None:
        slot = self.ids.find(article_id)
        return slot if slot is not None and self._live.values[slot] else None

    def similar(
        self, article_id: str, k: int, among: NDArray[np.bool_] | None = None
    ) -> Neighbours:
        """
        Return the *k* articles nearest to a stored one, never itself, best first.

        All articles that tie with the k-th are returned too, in the order of their slots,
        so that the caller can break ties by what it knows (newer first).

        Args:
            article_id: an article of the index.
            k: how many; 0 or fewer returns none.
            among: mask by slot, shape (slots,); other articles are passed over.

        Raises:
            KeyError: when the article is not in the index.
        """
        slot = self.slot(article_id)
        if slot is None:
            raise KeyError(article_id)
        return self._nearest(self._query_of(slot), k, among, leave_out=slot)

    def similar_to(
        self, row: TermCounts, k: int, among: NDArray[np.bool_] | None = None
    ) -> Neighbours:
        """Return the *k* articles nearest to a text that is not stored, as `similar` does."""
        query = self._query(self._numbers(row.terms), row.terms, tf_weights(row))
        return self._nearest(query, k, among)

    def terms(self, slot: int) -> NDArray[np.uint32]:
        """The ids of the terms of one article, ascending."""
        return np.sort(self._read_one(slot)[0].terms)

    def term_lists(self, slots: NDArray[np.intp]) -> list[NDArray[np.uint32]]:
        """As `terms`, for many articles at once."""
        found = self._read(slots)
        terms = np.where(found.numbers < 0, found.terms, self._base.hashed(found.numbers))
        owners = np.repeat(np.arange(slots.size, dtype=np.uint64), np.diff(found.ends))
        keys = np.sort(owners << np.uint64(32) | terms)
        return np.split(keys.astype(np.uint32), found.ends[:-1])[1:]

    def vector(self, slot: int) -> TermWeights:
        """The unit TF-IDF vector of one article; for products of vectors `cosines` is faster."""
        entries, weights = self._read_one(slot)
        inverse_length = self._ready_lengths().inverse[slot]
        return TermWeights(entries.terms, weights * self._idf(entries) * inverse_length)

    def cosines(self, slots: NDArray[np.intp]) -> NDArray[np.float64]:
        """The cosines of all pairs of some articles, shape (n, n); of one with itself 1."""
        found = self._read(slots)
        keys, strange = self._row_keys(found)
        order = by_term(keys)
        starts, sizes = shared_terms(keys, order)
        factors = idf(self._df_of_keys(keys[order[starts]], strange), len(self)) ** 2
        products = pair_products(starts, sizes, order, found.ends, found.weights, factors)
        inverse = self._ready_lengths().inverse[slots]
        return (products + products.T) * np.outer(inverse, inverse) + np.diag(inverse > 0)

    def in_common(
        self, slots: NDArray[np.intp], few: int, draft: TermCounts | None = None
    ) -> NDArray[np.int32]:
        """
        How many two-word terms every two of some articles have in common.

        Args:
            few: of an article with fewer two-word terms than that, all terms count.
            draft: a text that is not stored, to stand last.

        Returns:
            shape (n, n), 0 above the diagonal; on it, how many terms of each count.
        """
        found = self._read(slots)
        if draft is not None:
            found = found.then(self._row_of(draft))
        articles = found.ends.size - 1
        owners = np.repeat(np.arange(articles), np.diff(found.ends))
        counts = self._base.two_word(found)
        counts |= (np.bincount(owners[counts], minlength=articles) < few)[owners]
        sizes = np.bincount(owners[counts], minlength=articles)
        keys = self._row_keys(found)[0][counts]
        order = by_term(keys)
        starts, times = shared_terms(keys, order)
        # A product of terms that all weigh one is their number.
        once, ends = np.ones(keys.size, np.float32), np.append(0, np.cumsum(sizes))
        products = pair_products(starts, times, order, ends, once, np.ones(starts.size))
        return (products + np.diag(sizes)).astype(np.int32)

    def _numbers(self, terms: NDArray[np.uint32]) -> NDArray[np.int64]:
        """As the base says; once for the steps of one list, which all ask with the same array."""
        if terms is not self._draft[0]:
            self._draft = terms, self._base.numbers(terms)
        return self._draft[1]

    def _row_of(self, draft: TermCounts) -> TermRows:
        numbers, ends = self._numbers(draft.terms), np.array([0, draft.terms.size])
        strange = np.where(numbers < 0, draft.terms, 0).astype(np.uint32)
        return TermRows(ends, numbers, strange, tf_weights(draft), draft.counts)

    def arrays(self, slots: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        """The arrays of a `Base` that holds these articles in this order."""
        found = self._read(slots)
        # Of all at once: one by one, each would have to be looked for.
        known = self._base.hashed(np.arange(self._base.terms))
        in_base = found.numbers >= 0
        terms = np.where(in_base, 0, found.terms)
        terms[in_base] = known[found.numbers[in_base]]
        owners = np.repeat(np.arange(slots.size, dtype=np.uint64), np.diff(found.ends))
        order = np.argsort(owners << np.uint64(32) | terms)
        return build_index(found.ends, terms[order], found.counts[order])

    def _row_keys(self, found: TermRows) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """
        A number for each term of some rows, and the ids of those that the base does not have.

        Their numbers follow the base's.
        """
        is_strange = found.numbers < 0
        strange, places, _ = numbered(found.terms[is_strange])
        keys = found.numbers.astype(np.uint32)
        keys[is_strange] = self._base.terms + places
        return keys, strange

    def _df_of_keys(
        self, keys: NDArray[np.uint32], strange: NDArray[np.uint32]
    ) -> NDArray[np.int64]:
        """As the entries would say, without what else is in them."""
        numbers = keys.astype(np.int64)
        is_strange = numbers >= self._base.terms
        df = self._base.frequencies(np.where(is_strange, -1, numbers))
        if self._changed_df:
            ids = strange[numbers[is_strange] - self._base.terms]
            numbers[is_strange] = self._base.terms + ids.astype(np.int64)
            df += self._changed_df[numbers]
        return df

    def apply(self, rows: Mapping[str, TermCounts], removed: Iterable[str] = ()) -> None:
        """Add or replace *rows* and take out *removed*; ids that are not there are passed over."""
        self._lengths = None
        gone = [slot for i in {*removed, *rows} if (slot := self.slot(i)) is not None]
        arriving = [row.terms for row in rows.values()]
        gone_rows = self._read(np.array(gone, np.intp))
        leaving = self._entries(gone_rows.terms, gone_rows.numbers).terms
        terms, places, _ = numbered(np.concatenate([NO_TERMS, *arriving, leaving]))
        fresh, left = np.split(places, [places.size - leaving.size])
        change = np.bincount(fresh, minlength=terms.size) - np.bincount(left, minlength=terms.size)
        entries = self._entries(terms, self._base.numbers(terms))
        before = entries.df + self._changed(entries)
        self._changed_df.add(self._keys(entries), change)
        self._live.values[gone] = False
        self._articles += len(rows) - len(gone)
        self._move_sums(entries, before, before + change)
        if rows:
            g = np.log(1 + before + change)
            self._append(rows, entries.numbers[fresh], g[fresh])

    def document_frequencies(self, terms: NDArray[np.uint32]) -> NDArray[np.int64]:
        """In how many articles each of *terms* occurs; shape of *terms*."""
        entries = self._entries(terms, self._base.numbers(terms))
        return entries.df + self._changed(entries)

    def _nearest(
        self, query: _Query, k: int, among: NDArray[np.bool_] | None, leave_out: int = -1
    ) -> Neighbours:
        k = min(k, self.slots)
        if k <= 0:
            return Neighbours(np.empty(0, np.intp), np.empty(0))
        lengths = self._ready_lengths()
        scores = self._scratch[: self.slots]
        scores.fill(0)  # now, and not when done: so they are in the processor's cache
        self._add_tail(query, scores[len(self._base) :])
        found, exact = nearest(
            self._base.postings,
            query.entries,
            query.weights,
            query.factors,
            lengths,
            scores,
            among if among is not None else _ALL,
            leave_out,
            k,
        )
        in_tail = np.flatnonzero(found >= len(self._base))
        if in_tail.size:
            exact[in_tail] = self._tail_products(query, found[in_tail] - len(self._base))
        # Rounding hides float noise, which would otherwise decide the order of equal texts.
        exact = np.minimum(np.round(exact * lengths.inverse[found], SCORE_DECIMALS), 1.0)
        best = top_k(exact, k)
        return Neighbours(found[best], exact[best])

    def _add_tail(self, query: _Query, scores: NDArray[np.float32]) -> None:
        if self._tail.segments:
            terms, factors = self._by_id(query)
            for segment in self._tail.segments:
                add_segment(segment, terms, factors, scores)

    def _tail_products(self, query: _Query, places: NDArray[np.intp]) -> NDArray[np.float64]:
        tail = self._tail
        terms, factors = self._by_id(query)
        return tail_products(tail.ends, tail.terms, tail.weights, terms, factors, places)

    def _by_id(self, query: _Query) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
        """Terms, ascending, and their factors, but for those that `Base.article` gives no id."""
        entries = query.entries
        unnamed = (entries.numbers >= self._base.first_single) & (entries.places < 0)
        named = np.flatnonzero(~unnamed)
        by_id = named[np.argsort(entries.terms[named])]
        return entries.terms[by_id], query.factors[by_id]

    def _query_of(self, slot: int) -> _Query:
        if slot < len(self._base):
            entries, weights = self._base.article(slot)
            if self._changed_df and self._changed(entries)[entries.places < 0].any():
                entries = self._base.entries(entries.numbers)
            return self._weighted(entries, weights)
        row = self._tail.rows(np.array([slot - len(self._base)]))
        return self._query(row.numbers, row.terms, row.weights)

    def _query(
        self, numbers: NDArray[np.int64], terms: NDArray[np.uint32], weights: NDArray[np.float32]
    ) -> _Query:
        by_number = np.argsort(numbers)
        entries = self._entries(terms[by_number], numbers[by_number])
        return self._weighted(entries, weights[by_number])

    def _weighted(self, entries: Entries, weights: NDArray[np.float32]) -> _Query:
        term_idf = self._idf(entries)
        scaled = weights * term_idf
        length = np.sqrt(scaled @ scaled)
        if length:
            scaled /= length
        return _Query(entries, scaled, scaled * term_idf)

    def _entries(self, terms: NDArray[np.uint32], numbers: NDArray[np.int64]) -> Entries:
        """The base's entries of terms with those *numbers*, and of others with number -1."""
        entries = self._base.entries(numbers)
        return entries._replace(terms=np.where(numbers < 0, terms, entries.terms))

    def _idf(self, entries: Entries) -> NDArray[np.float64]:
        return idf(entries.df + self._changed(entries), len(self))

    def _changed(self, entries: Entries) -> NDArray[np.int64]:
        """By how much the document frequencies changed since the base was made."""
        if not self._changed_df:
            return np.zeros(entries.numbers.size, np.int64)
        return self._changed_df[self._keys(entries)]

    def _keys(self, entries: Entries) -> NDArray[np.int64]:
        """The numbers of terms; those that the base does not have follow, by hashed id."""
        strange = self._base.terms + entries.terms.astype(np.int64)
        return np.where(entries.numbers < 0, strange, entries.numbers)

    def _read(self, slots: NDArray[np.intp]) -> TermRows:
        """Articles as they were added, in the order of *slots*."""
        in_base = slots < len(self._base)
        if in_base.all():
            return self._base.rows(slots)
        tail = self._tail.rows(slots[~in_base] - len(self._base))
        if not in_base.any():
            return tail
        return self._base.rows(slots[in_base]).mixed_with(tail, in_base)

    def _read_one(self, slot: int) -> tuple[Entries, NDArray[np.float32]]:
        """The terms of an article, and their sublinear frequencies."""
        found = self._read(np.array([slot]))
        return self._entries(found.terms, found.numbers), found.weights

    def _move_sums(
        self, entries: Entries, before: NDArray[np.int64], after: NDArray[np.int64]
    ) -> None:
        """Let the stored articles' sums follow the terms whose document frequency changed."""
        moved = np.flatnonzero(before != after)
        entries = Entries(
            entries.numbers[moved], entries.terms[moved], entries.df[moved], entries.places[moved]
        )
        old, new = np.log(1 + before[moved]), np.log(1 + after[moved])
        changes = np.stack((new - old, new**2 - old**2), axis=1)
        sums = self._sums.values
        move_sums(self._base.postings, entries, changes, sums)
        for segment in self._tail.segments:
            move_tail_sums(segment, entries.terms, changes, sums[len(self._base) :])

    def _append(
        self, rows: Mapping[str, TermCounts], numbers: NDArray[np.int64], g: NDArray[np.float64]
    ) -> None:
        first = len(self._tail)
        self._tail.append(list(rows.values()), numbers)
        self._live.extend(np.ones(len(rows), np.bool_))
        self.ids.extend(rows)  # last: `slot` may be asked at any moment, by another thread
        starts = self._tail.ends[first:]
        squares = self._tail.weights[starts[0] :].astype(np.float64) ** 2
        owners = np.repeat(np.arange(len(rows)), np.diff(starts))
        sums = [np.bincount(owners, squares * g**power, len(rows)) for power in range(3)]
        self._sums.extend(np.stack(sums, axis=1))
        if self.slots > self._scratch.size:
            self._scratch = np.zeros(self.slots + self.slots // 8, np.float32)

    def _ready_lengths(self) -> Norms:
        if self._lengths is None:
            levels = self._base.most_common()
            live_idf = self._idf(levels)
            self._lengths, lost = measure(
                self._base, live_idf, len(self), self._sums.values, self._live.values
            )
            for slot in lost.tolist():
                self._lengths.set(slot, self._exact_length(slot))
        return self._lengths

    def _exact_length(self, slot: int) -> float:
        entries, weights = self._read_one(slot)
        return float(np.linalg.norm(weights * self._idf(entries)))


def warm() -> None:
    """Have everything compiled, or read from the disk, before the first reader comes."""
    one = TermCounts(np.array([1, 2], np.uint32), np.ones(2, np.float32))
    ends = np.array([0, 2, 4])
    index = ArticleIndex(
        Base(build_index(ends, np.tile(one.terms, 2), np.ones(4, np.float32))),
        SortedIds.of(["a", "b"]),
    )
    for change in ({"c": one}, {"a": one}):
        index.apply(change)
        index.similar("b", 1)
        index.similar_to(one, 1, np.ones(index.slots, np.bool_))
        index.cosines(np.arange(3))
        index.arrays(np.arange(1, 3))
        index.term_lists(np.arange(3))
        index.in_common(np.arange(3), 1)
