"""Orders articles by newness and by difference: arithmetic on arrays."""

import numpy as np
from numpy.typing import NDArray

from recommender.index.jit import compiled


def newest(published: NDArray[np.int64], eligible: NDArray[np.bool_], k: int) -> NDArray[np.intp]:
    """
    Return the positions of the *k* latest eligible dates and of all ties with the last.

    In input order.

    Args:
        published: shape (n,), comparable instants.
        eligible: mask of shape (n,).
        k: how many; 0 or fewer returns none, more than there are returns all.
    """
    slots = np.flatnonzero(eligible)
    if k <= 0:
        return slots[:0]
    if k < slots.size:
        threshold = np.partition(published[slots], -k)[-k]
        slots = slots[published[slots] >= threshold]
    return slots


def diversified(
    scores: NDArray[np.float64],
    cosines: NDArray[np.float64],
    diversity: float,
    k: int,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """
    Return an order in which each article is relevant, and different from those before it.

    Maximal marginal relevance (Carbonell & Goldstein 1998): the next is the one with the highest
    `(1 - diversity) · score / best score - diversity · highest cosine with those before it`. The
    first *k* places are chosen so, the rest follows by score; a longer list never changes the
    start of a shorter one.

    Args:
        scores: shape (n,), none negative.
        cosines: of all pairs, shape (n, n).
        diversity: 0 (by score alone) to 1 (by difference alone).

    Returns:
        positions, shape (n,); ties keep their input order. And what was subtracted from each, in
        the same order: 0 for the first, and for those that follow by score.
    """
    best_score = scores.max(initial=0.0)
    penalties = np.zeros(scores.size)
    if diversity == 0 or best_score <= 0:
        return np.arange(scores.size), penalties
    relevance = (1.0 - diversity) * scores / best_score
    first, alike = _one_after_another(relevance, np.ascontiguousarray(cosines), float(diversity), k)
    penalties[: first.size] = diversity * alike
    rest = np.ones(scores.size, dtype=np.bool_)
    rest[first] = False
    return np.concatenate((first, np.flatnonzero(rest))), penalties


@compiled
def _one_after_another(
    relevance: NDArray[np.float64], cosines: NDArray[np.float64], diversity: float, k: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """
    The first *k* places, and the highest cosine of each with those before it.

    Of equal values, the first is taken.
    """
    size = min(k, relevance.size)
    order = np.empty(size, dtype=np.intp)
    alike = np.empty(size)
    # The best one comes first at any diversity.
    value = relevance.copy()
    nearest = np.zeros(relevance.size)
    for place in range(size):
        best = np.argmax(value)
        order[place] = best
        alike[place] = nearest[best]
        relevance[best] = -np.inf  # it is never chosen again
        for other in range(relevance.size):
            nearest[other] = max(nearest[other], cosines[best, other])
            value[other] = relevance[other] - diversity * nearest[other]
    return order, alike
