"""The lengths of all vectors at the current idf, which turn products into cosines."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.vectorizer import idf
from recommender.index.jit import compiled, whole
from recommender.index.postings import LEVELS
from recommender.index.reader import Base

# Below this share of `c² · sum(tf²)` a squared length has lost too many digits to cancellation.
CANCELLATION_LIMIT = 1e-4
ROUNDING_ALLOWANCE = 1 + 1e-5  # bounds are float32
BOUND_STEPS = 255


class Norms(NamedTuple):
    """
    Lengths by slot.

    Fields:
        inverse: float64, 1 / length; 0 for an article that is removed or empty.
        inverse_float32: the same, rounded.
        common_bounds: uint8, shape (LEVELS, base articles): an upper bound of the length of the
            unit vector's part in terms above each level, in steps of 1 / `BOUND_STEPS`.
    """

    inverse: NDArray[np.float64]
    inverse_float32: NDArray[np.float32]
    common_bounds: NDArray[np.uint8]

    def set(self, slot: int, length: float) -> None:
        inverse = 1 / length if length > 0 else 0.0
        self.inverse[slot] = inverse
        self.inverse_float32[slot] = inverse


def compute_norms(
    base: Base,
    current_idf: NDArray[np.float64],
    articles: int,
    sums: NDArray[np.float64],
    live: NDArray[np.bool_],
) -> tuple[Norms, NDArray[np.int64]]:
    """
    Lengths from sums (see `ArticleIndex`), and the slots whose sums are too inexact for that.

    Args:
        current_idf: of the terms of `Base.most_common`.
        articles: how many live articles there are.
        sums: shape (slots, 3).
        live: shape (slots,).
    """
    norms = Norms(
        np.zeros(live.size),
        np.zeros(live.size, np.float32),
        np.full(base.common_shares.shape, BOUND_STEPS, np.uint8),
    )
    common = base.most_common()
    base_idf = idf(common.df, len(base))
    # A term that was in all articles of the base may have had idf 0 there, and have more now.
    unbounded = np.full(base_idf.size, np.inf)
    ratios = np.divide(current_idf, base_idf, unbounded, where=base_idf > 0)
    levels = base.postings.levels[common.ordinals]
    growth = np.array([ratios[levels > level].max(initial=1.0) for level in range(LEVELS)])
    # A df of 0 makes the idf ln(1 + articles) + offset, which is the c of the formula.
    c = float(idf(np.zeros(1, np.int64), articles)[0])
    base_c = float(idf(np.zeros(1, np.int64), len(base))[0])
    shares = base.common_shares
    allowed = growth * ROUNDING_ALLOWANCE
    inexact = _compute_norms(sums, live, c, base.sums, base_c, shares, allowed, norms)
    return norms, inexact


@compiled
def _squared_length(sums: NDArray[np.float64], slot: int, c: float) -> tuple[float, bool]:
    """The squared length, and whether it has enough digits left."""
    largest = c * c * sums[slot, 0]
    squared = largest - 2 * c * sums[slot, 1] + sums[slot, 2]
    return squared, squared >= CANCELLATION_LIMIT * largest and squared > 0


@compiled
def _compute_norms(
    sums: NDArray[np.float64],
    live: NDArray[np.bool_],
    c: float,
    base_sums: NDArray[np.float64],
    base_c: float,
    shares: NDArray[np.uint8],
    growth: NDArray[np.float64],
    norms: Norms,
) -> NDArray[np.int64]:
    inexact = np.empty(live.size, np.int64)
    size = 0
    for slot in range(live.size):
        if not live[slot]:
            continue
        squared, exact = _squared_length(sums, slot, c)
        if not exact:
            inexact[size] = slot
            size += 1
            continue
        inverse = 1 / np.sqrt(squared)
        norms.inverse[slot] = inverse
        norms.inverse_float32[slot] = np.float32(inverse)
        if slot < base_sums.shape[0]:
            base_squared, exact = _squared_length(base_sums, slot, base_c)
            if exact:
                for level in range(shares.shape[0]):
                    base_length = np.float64(shares[level, slot]) / 255 * np.sqrt(base_squared)
                    bound = base_length * growth[level] * inverse
                    # Rounded up, because it is used as a bound.
                    steps = min(BOUND_STEPS, whole(bound * BOUND_STEPS) + 1)
                    norms.common_bounds[level, slot] = np.uint8(steps)
    return inexact[:size]
