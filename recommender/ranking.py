"""Order and cut: arrays in, arrays out, no clock and no store."""

import numpy as np
from numpy.typing import NDArray


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
