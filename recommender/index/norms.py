"""What makes cosines of products: the lengths of all articles, at the idf of the moment."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.vectorizer import idf
from recommender.index.jit import compiled, whole
from recommender.index.postings import LEVELS
from recommender.index.reader import Base

# Below this share of `c² · sum(tf²)` a squared length has lost too many digits to cancellation.
LOST_DIGITS = 1e-4
SPARE = 1 + 1e-5  # bounds are float32
TAIL_STEPS = 255


class Norms(NamedTuple):
    """
    By slot.

    Fields:
        inverse: float64, 1 / length, and 0 for an article that is gone or empty.
        rough: the same in float32.
        tails: shape (LEVELS, base articles), uint8: at most so long is the part of the unit-length
            article in terms above each level, in steps of 1 / `TAIL_STEPS`.
    """

    inverse: NDArray[np.float64]
    rough: NDArray[np.float32]
    tails: NDArray[np.uint8]

    def set(self, slot: int, length: float) -> None:
        self.inverse[slot] = self.rough[slot] = 1 / length if length > 0 else 0.0


def measure(
    base: Base,
    live_idf: NDArray[np.float64],
    articles: int,
    sums: NDArray[np.float64],
    live: NDArray[np.bool_],
) -> tuple[Norms, NDArray[np.int64]]:
    """
    Lengths from sums (see `ArticleIndex`), and the slots whose sums do not tell them exactly.

    Args:
        live_idf: of the terms of `Base.most_common`.
        articles: how many there are.
        sums: shape (slots, 3).
        live: shape (slots,).
    """
    lengths = Norms(
        np.zeros(live.size),
        np.zeros(live.size, np.float32),
        np.full(base.tails.shape, TAIL_STEPS, np.uint8),
    )
    common = base.most_common()
    then = idf(common.df, len(base))
    # A term that was in all articles may have been worth nothing, and be worth something now.
    ratios = np.divide(live_idf, then, np.full(then.size, np.inf), where=then > 0)
    levels = base.postings.levels[common.numbers]
    growth = np.array([ratios[levels > level].max(initial=1.0) for level in range(LEVELS)])
    c = float(idf(np.zeros(1, np.int64), articles)[0])
    base_c = float(idf(np.zeros(1, np.int64), len(base))[0])
    lost = _measure(sums, live, c, base.sums, base_c, base.tails, growth * SPARE, lengths)
    return lengths, lost


@compiled
def _squared(sums: NDArray[np.float64], slot: int, c: float) -> tuple[float, bool]:
    """The squared length, and whether it has enough digits left."""
    all_of_it = c * c * sums[slot, 0]
    squared = all_of_it - 2 * c * sums[slot, 1] + sums[slot, 2]
    return squared, squared >= LOST_DIGITS * all_of_it and squared > 0


@compiled
def _measure(
    sums: NDArray[np.float64],
    live: NDArray[np.bool_],
    c: float,
    base_sums: NDArray[np.float64],
    base_c: float,
    shares: NDArray[np.uint8],
    growth: NDArray[np.float64],
    lengths: Norms,
) -> NDArray[np.int64]:
    lost = np.empty(live.size, np.int64)
    size = 0
    for slot in range(live.size):
        if not live[slot]:
            continue
        squared, exact = _squared(sums, slot, c)
        if not exact:
            lost[size] = slot
            size += 1
            continue
        inverse = 1 / np.sqrt(squared)
        lengths.inverse[slot] = inverse
        lengths.rough[slot] = np.float32(inverse)
        if slot < base_sums.shape[0]:
            squared_then, exact = _squared(base_sums, slot, base_c)
            if exact:
                for level in range(shares.shape[0]):
                    then = np.float64(shares[level, slot]) / 255 * np.sqrt(squared_then)
                    bound = then * growth[level] * inverse
                    steps = min(TAIL_STEPS, whole(bound * TAIL_STEPS) + 1)
                    lengths.tails[level, slot] = np.uint8(steps)
    return lost[:size]
