"""Exact top-k over base and delta: approximate scores of all, exact ones of a few candidates."""

import numpy as np
from numpy.typing import NDArray

from recommender.index.counter import FREE, probe
from recommender.index.jit import compiled
from recommender.index.norms import BOUND_STEPS, Norms
from recommender.index.postings import (
    GROUPS,
    LEVELS,
    RARE,
    SINGLE,
    Entries,
    Postings,
    add_common_terms,
    add_other_terms,
    max_row_terms,
    read_row,
)

CHUNK = 128
# An exact score takes 1.6 µs, a posting .8 ns; but another level is also a pass over all slots.
POSTINGS_PER_CANDIDATE = 1_000
SCORE_STEP = 2e-6  # more than rounding to six decimals can make up for
FLOAT32_ERROR = 2.0**-23  # of a sum, for each term in it, with some room


@compiled
def nearest(
    base: Postings,
    entries: Entries,
    weights: NDArray[np.float64],
    factors: NDArray[np.float64],
    norms: Norms,
    scores: NDArray[np.float32],
    mask: NDArray[np.bool_],
    excluded: int,
    k: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """
    Return the slots that can be among the *k* best by six decimals, or tie with the k-th.

    The most common terms come last. They add at most `query_part · common_bounds` to a score
    (Cauchy and Schwarz), so mostly a few candidates are left before them, and to score these
    exactly costs less.

    Args:
        entries: the query's terms, by ordinal.
        weights: of the unit-length query, one for each term.
        factors: by which the sublinear frequency of a term in an article is multiplied.
        scores: shape (slots,), what the delta's postings have added already.
        mask: by slot; of shape (0,) for all.
        excluded: a slot that is not returned, or -1.

    Returns:
        slots, ascending, and their exact products with the query; 0 for those of the delta.
    """
    allowance = FLOAT32_ERROR * (factors.size + 8)
    add_other_terms(base, entries, factors, scores)
    best, bounds = np.empty((2, -(-scores.size // CHUNK)), np.float32)
    candidates = np.empty(0, np.int64)
    inverse = norms.inverse_float32
    for level in range(LEVELS + 1):
        missing = add_common_terms(base, entries, factors, level, scores)
        query_part = length_above(base, entries, weights, level) if missing else 0.0
        common_bounds = norms.common_bounds[min(level, LEVELS - 1)]
        step = np.float32(query_part / BOUND_STEPS)
        find_best(scores, inverse, common_bounds, step, best, bounds)
        kth = kth_best(scores, inverse, mask, excluded, k, best)
        threshold = kth * (1 - allowance) - query_part * allowance - SCORE_STEP
        most = missing // POSTINGS_PER_CANDIDATE if missing else scores.size
        candidates = slots_above(
            scores, inverse, bounds, common_bounds, step, threshold, mask, excluded, most
        )
        if missing == 0 or candidates.size <= most:
            break  # few are left, or nothing is missing: exact scores cost less than a level
    return candidates, products(base, entries, factors, candidates)


@compiled
def length_above(
    base: Postings, entries: Entries, weights: NDArray[np.float64], level: int
) -> float:
    """The length of the query's part in terms above a level."""
    squared = 0.0
    for i in range(weights.size):
        ordinal = entries.ordinals[i]
        if 0 <= ordinal < base.group_starts[RARE] and base.levels[ordinal] > level:
            squared += weights[i] ** 2
    return float(np.sqrt(squared))


@compiled
def find_best(
    scores: NDArray[np.float32],
    inverse: NDArray[np.float32],
    common_bounds: NDArray[np.uint8],
    step: np.float32,
    best: NDArray[np.float32],
    bounds: NDArray[np.float32],
) -> None:
    """
    The highest `scores · inverse` of each chunk of slots, and the highest upper bound.

    The upper bound of a slot is `scores · inverse + common_bounds · step`.
    """
    values = np.zeros(CHUNK, np.float32)
    # None is negative, so they sort as their bits do; and the compiler vectorises the maximum of
    # integers, not that of floats: .2 ns a value instead of .6.
    bits = values.view(np.int32)
    best_bits = best.view(np.int32)
    bound_bits = bounds.view(np.int32)
    for chunk in range(best.size):
        # Slices, because the compiler vectorises only loops whose indices count from 0.
        chunk_scores = scores[chunk * CHUNK : (chunk + 1) * CHUNK]
        chunk_inverse = inverse[chunk * CHUNK : (chunk + 1) * CHUNK]
        chunk_bounds = common_bounds[chunk * CHUNK : (chunk + 1) * CHUNK]
        if chunk_scores.size < CHUNK:
            values[:] = 0
        for i in range(chunk_scores.size):
            values[i] = chunk_scores[i] * chunk_inverse[i]
        best_bits[chunk] = highest(bits)
        for i in range(chunk_bounds.size):
            values[i] += np.float32(chunk_bounds[i]) * step
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
    inverse: NDArray[np.float32],
    mask: NDArray[np.bool_],
    excluded: int,
    k: int,
    best: NDArray[np.float32],
) -> float:
    """
    The k-th highest `scores · inverse`, 0 when fewer are above 0.

    Args:
        best: of each chunk of slots.
    """
    # The best of k + 1 chunks are at least k articles besides the excluded one. So mostly it is
    # enough to look above the lowest of these; but articles outside the mask do not count.
    tops = np.zeros(k + 1, np.float32)
    for chunk in range(best.size):
        if best[chunk] > tops[0]:
            replace_smallest(tops, best[chunk])
    least = tops[0]
    heap, complete = best_above(least, scores, inverse, mask, excluded, k, best)
    if not complete:
        heap, _ = best_above(np.float32(0), scores, inverse, mask, excluded, k, best)
    return np.float64(heap[0])


@compiled
def best_above(
    least: np.float32,
    scores: NDArray[np.float32],
    inverse: NDArray[np.float32],
    mask: NDArray[np.bool_],
    excluded: int,
    k: int,
    best: NDArray[np.float32],
) -> tuple[NDArray[np.float32], bool]:
    """The k highest `scores · inverse` from *least* on, and whether there are that many."""
    heap = np.full(k, least)  # the smallest is first
    size = 0
    for chunk in range(best.size):
        if best[chunk] < heap[0] or (best[chunk] == heap[0] and size >= k):
            continue
        for slot in range(chunk * CHUNK, min((chunk + 1) * CHUNK, scores.size)):
            score = scores[slot] * inverse[slot]
            # An excluded article may be in the best chunk, so chunks alone do not decide.
            if score >= least and slot != excluded and (mask.size == 0 or mask[slot]):
                size += 1
                if score > heap[0]:
                    replace_smallest(heap, score)
    return heap, size >= k or least == 0


@compiled
def replace_smallest(heap: NDArray[np.float32], value: np.float32) -> None:
    position = 0
    while True:
        child = 2 * position + 1
        if child + 1 < heap.size and heap[child + 1] < heap[child]:
            child += 1
        if child >= heap.size or heap[child] >= value:
            break
        heap[position] = heap[child]
        position = child
    heap[position] = value


@compiled
def slots_above(
    scores: NDArray[np.float32],
    inverse: NDArray[np.float32],
    bounds: NDArray[np.float32],
    common_bounds: NDArray[np.uint8],
    step: np.float32,
    threshold: float,
    mask: NDArray[np.bool_],
    excluded: int,
    most: int,
) -> NDArray[np.int64]:
    """The slots whose upper bound (see `find_best`) reaches *threshold*; stops after *most*."""
    slots = np.empty(min(most + 1, scores.size), np.int64)
    size = 0
    lowest = np.float32(max(threshold, 0.0))
    for chunk in range(bounds.size):
        if bounds[chunk] < lowest or bounds[chunk] == 0:
            continue
        for slot in range(chunk * CHUNK, min((chunk + 1) * CHUNK, scores.size)):
            bound = scores[slot] * inverse[slot]
            if slot < common_bounds.size:
                bound += np.float32(common_bounds[slot]) * step
            if bound < lowest or bound == 0 or slot == excluded:
                continue
            if mask.size == 0 or mask[slot]:
                if size > most:  # too many for exact scores: the next level is read instead
                    return slots
                slots[size] = slot
                size += 1
    return slots[:size]


@compiled
def products(
    base: Postings, entries: Entries, factors: NDArray[np.float64], slots: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The products of a query with articles of the base, in float64; 0 for other slots."""
    sums = np.zeros(slots.size)
    groups = groups_to_read(base, entries)
    keys, positions = hash_table(entries.ordinals)
    for s in range(slots.size):
        if slots[s] >= base.articles[0]:
            continue
        size = max_row_terms(base, slots[s])
        row = np.empty(size, np.int64)
        codes = np.empty(size, np.int64)
        weights = np.empty(size, np.float32)
        size = read_row(base, slots[s], groups, row, codes, weights)
        for j in range(size):
            entry = probe(keys, row[j])
            if keys[entry] == row[j]:
                sums[s] += factors[positions[entry]] * np.float64(weights[j])
    return sums


@compiled
def groups_to_read(base: Postings, entries: Entries) -> int:
    """How many groups of a row can hold a term of the query; a stored article shares no single."""
    for i in range(entries.ordinals.size):
        if entries.ordinals[i] >= base.group_starts[SINGLE] and entries.offsets[i] >= 0:
            return GROUPS
    return SINGLE


@compiled
def hash_table(ordinals: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Keys for `probe`, and the position of each among *ordinals*."""
    size = 16
    while size < 16 * ordinals.size:
        size *= 2
    # 32 bits, as ordinals have: twice as much would not stay in the processor's first cache.
    keys = np.full(size, FREE, np.int32)
    positions = np.zeros(size, np.int32)
    for i in range(ordinals.size):
        if ordinals[i] >= 0:
            entry = probe(keys, ordinals[i])
            keys[entry] = ordinals[i]
            positions[entry] = i
    return keys, positions


@compiled
def repeated_keys(
    keys: NDArray[np.uint32], order: NDArray[np.uint32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """
    The ranges of keys that occur more than once.

    Args:
        order: sorts *keys*.

    Returns:
        where in *order* each range starts, and its size.
    """
    starts = np.empty(keys.size, np.int64)
    sizes = np.empty(keys.size, np.int64)
    size = 0
    start = 0
    for end in range(1, keys.size + 1):
        if end == keys.size or keys[order[end]] != keys[order[start]]:
            starts[size] = start
            sizes[size] = end - start
            size += end - start > 1
            start = end
    return starts[:size], sizes[:size]


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
        sizes: how many postings it has.
        order: positions of postings, ascending for a term.
        ends: shape (n + 1,), where each article's postings start, and the end of the last one's.
        weights: of each posting.
        factors: by which a product of two weights of a term is multiplied.
    """
    articles = ends.size - 1
    sums = np.zeros((articles, articles))
    owners = np.empty(weights.size, np.int64)
    for article in range(articles):
        owners[ends[article] : ends[article + 1]] = article
    for i in range(starts.size):
        for a in range(starts[i], starts[i] + sizes[i]):
            factor = factors[i] * weights[order[a]]
            row = sums[owners[order[a]]]
            for b in range(starts[i], a):
                row[owners[order[b]]] += factor * weights[order[b]]
    return sums


def top_k(scores: NDArray[np.float64], k: int) -> NDArray[np.intp]:
    """
    Return the positions of the *k* highest positive scores and of all ties with the last.

    Best first; equal scores keep their input order.

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
