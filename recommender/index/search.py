"""Exact top-k over a `Base` and a tail: rough scores fast, and true ones for whoever may be in."""

import numpy as np
from numpy.typing import NDArray

from recommender.index.counter import FREE, place_of
from recommender.index.jit import compiled
from recommender.index.norms import TAIL_STEPS, Norms
from recommender.index.postings import (
    GROUPS,
    LEVELS,
    OTHER,
    SINGLE,
    Entries,
    Postings,
    add_common,
    add_others,
    read_row,
    row_size,
)

CHUNK = 128
# A true score takes 1.6 µs, a posting 0.8 ns; but a level more is also a pass over all slots.
POSTINGS_A_CANDIDATE = 1_000
A_PLACE = 2e-6  # rounding to six decimals can make up for less than this
ROUGH = 2.0**-23  # of a float32 sum, for each term in it, and then some


@compiled
def nearest(
    base: Postings,
    entries: Entries,
    weights: NDArray[np.float64],
    factors: NDArray[np.float64],
    lengths: Norms,
    scores: NDArray[np.float32],
    among: NDArray[np.bool_],
    leave_out: int,
    k: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """
    Return the slots that can be among the *k* best by six decimals, or tie with the k-th.

    The most common terms come last. They add at most `reach · tails` to a score (Cauchy and
    Schwarz), so mostly a few candidates are left before them, whose true scores cost less.

    Args:
        entries: the query's terms, by number.
        weights: of the unit-length query, one for each term.
        factors: what the sublinear frequency of a term in an article counts.
        scores: shape (slots,), what the tail's postings have added already.
        among: mask by slot; of shape (0,) for all.
        leave_out: a slot that is not asked for, or -1.

    Returns:
        slots, ascending, and their exact products with the query; 0 for those of the tail.
    """
    allowance = ROUGH * (factors.size + 8)
    add_others(base, entries, factors, scores)
    best, bounds = np.empty((2, -(-scores.size // CHUNK)), np.float32)
    found = np.empty(0, np.int64)
    for level in range(LEVELS + 1):
        missing = add_common(base, entries, factors, level, scores)
        reach = length_above(base, entries, weights, level) if missing else 0.0
        tails = lengths.tails[min(level, LEVELS - 1)]
        step = np.float32(reach / TAIL_STEPS)
        find_best(scores, lengths.rough, tails, step, best, bounds)
        worst = kth_best(scores, lengths.rough, among, leave_out, k, best)
        bar = worst * (1 - allowance) - reach * allowance - A_PLACE
        most = missing // POSTINGS_A_CANDIDATE if missing else scores.size
        found = above(scores, lengths.rough, bounds, tails, step, bar, among, leave_out, most)
        if missing == 0 or found.size <= most:
            break
    return found, products(base, entries, factors, found)


@compiled
def length_above(
    base: Postings, entries: Entries, weights: NDArray[np.float64], level: int
) -> float:
    """The length of the query's terms above a level."""
    squared = 0.0
    for i in range(weights.size):
        number = entries.numbers[i]
        if 0 <= number < base.firsts[OTHER] and base.levels[number] > level:
            squared += weights[i] ** 2
    return float(np.sqrt(squared))


@compiled
def find_best(
    scores: NDArray[np.float32],
    lengths: NDArray[np.float32],
    tails: NDArray[np.uint8],
    step: np.float32,
    best: NDArray[np.float32],
    bounds: NDArray[np.float32],
) -> None:
    """For each chunk of slots the highest `scores · lengths`, and the same `+ tails · step`."""
    values = np.zeros(CHUNK, np.float32)
    # None is negative, so they stand in the order of their bits; and the maximum of integers is
    # vectorised, that of floats is not: 0.2 ns a value instead of 0.6.
    bits, best_bits, bound_bits = values.view(np.int32), best.view(np.int32), bounds.view(np.int32)
    for chunk in range(best.size):
        # Slices, because only loops over indices that count from 0 are vectorised.
        some = scores[chunk * CHUNK : (chunk + 1) * CHUNK]
        their = lengths[chunk * CHUNK : (chunk + 1) * CHUNK]
        rest = tails[chunk * CHUNK : (chunk + 1) * CHUNK]
        if some.size < CHUNK:
            values[:] = 0
        for i in range(some.size):
            values[i] = some[i] * their[i]
        best_bits[chunk] = highest(bits)
        for i in range(rest.size):
            values[i] += np.float32(rest[i]) * step
        bound_bits[chunk] = highest(bits)


@compiled
def highest(values: NDArray[np.int32]) -> np.int32:
    most = np.int32(0)
    for i in range(values.size):
        most = max(most, values[i])
    return most


@compiled
def kth_best(
    scores: NDArray[np.float32],
    lengths: NDArray[np.float32],
    among: NDArray[np.bool_],
    leave_out: int,
    k: int,
    best: NDArray[np.float32],
) -> float:
    """The k-th highest `scores · lengths`, 0 when fewer are above 0; *best* is by chunk."""
    # The best of k + 1 chunks are k articles at least besides the one that is left out; so mostly
    # there is nothing to look for below. But who is not *among* them does not count.
    tops = np.zeros(k + 1, np.float32)
    for chunk in range(best.size):
        if best[chunk] > tops[0]:
            replace_smallest(tops, best[chunk])
    least = tops[0]
    heap, enough = best_above(least, scores, lengths, among, leave_out, k, best)
    if not enough:
        heap, _ = best_above(np.float32(0), scores, lengths, among, leave_out, k, best)
    return np.float64(heap[0])


@compiled
def best_above(
    least: np.float32,
    scores: NDArray[np.float32],
    lengths: NDArray[np.float32],
    among: NDArray[np.bool_],
    leave_out: int,
    k: int,
    best: NDArray[np.float32],
) -> tuple[NDArray[np.float32], bool]:
    """The k highest `scores · lengths` not below *least*, and whether there are so many."""
    heap = np.full(k, least)  # the smallest is first
    found = 0
    for chunk in range(best.size):
        if best[chunk] < heap[0] or (best[chunk] == heap[0] and found >= k):
            continue
        for slot in range(chunk * CHUNK, min((chunk + 1) * CHUNK, scores.size)):
            score = scores[slot] * lengths[slot]
            if score >= least and slot != leave_out and (among.size == 0 or among[slot]):
                found += 1
                if score > heap[0]:
                    replace_smallest(heap, score)
    return heap, found >= k or least == 0


@compiled
def replace_smallest(heap: NDArray[np.float32], value: np.float32) -> None:
    place = 0
    while True:
        child = 2 * place + 1
        if child + 1 < heap.size and heap[child + 1] < heap[child]:
            child += 1
        if child >= heap.size or heap[child] >= value:
            break
        heap[place] = heap[child]
        place = child
    heap[place] = value


@compiled
def above(
    scores: NDArray[np.float32],
    lengths: NDArray[np.float32],
    bounds: NDArray[np.float32],
    tails: NDArray[np.uint8],
    step: np.float32,
    bar: float,
    among: NDArray[np.bool_],
    leave_out: int,
    most: int,
) -> NDArray[np.int64]:
    """The slots with `scores · lengths + tails · step` not below *bar*; stops above *most*."""
    found = np.empty(min(most + 1, scores.size), np.int64)
    size = 0
    rough_bar = np.float32(max(bar, 0.0))
    for chunk in range(bounds.size):
        if bounds[chunk] < rough_bar or bounds[chunk] == 0:
            continue
        for slot in range(chunk * CHUNK, min((chunk + 1) * CHUNK, scores.size)):
            bound = scores[slot] * lengths[slot]
            if slot < tails.size:
                bound += np.float32(tails[slot]) * step
            if bound < rough_bar or bound == 0 or slot == leave_out:
                continue
            if among.size == 0 or among[slot]:
                if size > most:
                    return found
                found[size] = slot
                size += 1
    return found[:size]


@compiled
def products(
    base: Postings, entries: Entries, factors: NDArray[np.float64], slots: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The products of a query with articles of the base, in float64; 0 for other slots."""
    found = np.zeros(slots.size)
    groups = groups_to_read(base, entries)
    keys, places = table_of(entries.numbers)
    for s in range(slots.size):
        if slots[s] >= base.articles[0]:
            continue
        size = row_size(base, slots[s])
        row, codes = np.empty(size, np.int64), np.empty(size, np.int64)
        weights = np.empty(size, np.float32)
        size = read_row(base, slots[s], groups, row, codes, weights)
        for j in range(size):
            at = place_of(keys, row[j])
            if keys[at] == row[j]:
                found[s] += factors[places[at]] * np.float64(weights[j])
    return found


@compiled
def groups_to_read(base: Postings, entries: Entries) -> int:
    """How many groups of a row can hold a term of the query: a stored one has its own to itself."""
    for i in range(entries.numbers.size):
        if entries.numbers[i] >= base.firsts[SINGLE] and entries.places[i] >= 0:
            return GROUPS
    return SINGLE


@compiled
def table_of(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Keys and values, as `place_of` finds them, from *numbers* to their positions."""
    size = 16
    while size < 16 * numbers.size:
        size *= 2
    # No wider than numbers are: twice as much would not stay in the processor's first cache.
    keys, places = np.full(size, FREE, np.int32), np.zeros(size, np.int32)
    for i in range(numbers.size):
        if numbers[i] >= 0:
            at = place_of(keys, numbers[i])
            keys[at], places[at] = numbers[i], i
    return keys, places


@compiled
def shared_terms(
    keys: NDArray[np.uint32], order: NDArray[np.uint32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """
    Where in *order*, which sorts the *keys* of some terms, those start that stand there more than
    once, and how often they do.
    """
    starts, sizes = np.empty(keys.size, np.int64), np.empty(keys.size, np.int64)
    found, start = 0, 0
    for end in range(1, keys.size + 1):
        if end == keys.size or keys[order[end]] != keys[order[start]]:
            starts[found], sizes[found] = start, end - start
            found += end - start > 1
            start = end
    return starts[:found], sizes[:found]


@compiled
def pair_products(
    starts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    order: NDArray[np.uint32],
    ends: NDArray[np.int64],
    weights: NDArray[np.float32],
    factors: NDArray[np.float64],
) -> NDArray[np.float64]:
    """
    The products of all pairs of some articles, shape (n, n), below the diagonal.

    Args:
        starts: for each term that more than one has, where in *order* its postings start.
        sizes: how many it has.
        order: positions of postings, ascending for a term.
        ends: shape (n + 1,), where each article's postings start, and the end of the last one's.
        weights: of each posting.
        factors: what a product of two weights counts, for each term.
    """
    articles = ends.size - 1
    products, owners = np.zeros((articles, articles)), np.empty(weights.size, np.int64)
    for article in range(articles):
        owners[ends[article] : ends[article + 1]] = article
    for i in range(starts.size):
        for a in range(starts[i], starts[i] + sizes[i]):
            factor = factors[i] * weights[order[a]]
            row = products[owners[order[a]]]
            for b in range(starts[i], a):
                row[owners[order[b]]] += factor * weights[order[b]]
    return products


def top_k(scores: NDArray[np.float64], k: int) -> NDArray[np.intp]:
    """
    Return the positions of the *k* highest positive scores and of all ties with the last.

    Best first.

    Equal scores keep their input order.

    Args:
        scores: shape (n,), no NaN; 0 and below is never returned.
        k: how many; 0 or fewer returns none, more than there are returns all.

    Returns:
        shape (m,), m >= min(k, positives).
    """
    positive = np.flatnonzero(scores > 0)
    if k <= 0:
        return positive[:0]
    if k < positive.size:
        threshold = np.partition(scores[positive], -k)[-k]
        positive = positive[scores[positive] >= threshold]
    return positive[np.argsort(-scores[positive], kind="stable")]
