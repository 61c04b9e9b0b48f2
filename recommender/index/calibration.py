"""The cosine from which two articles of this archive count as related."""

import numpy as np
from numpy.typing import NDArray

SAMPLE = 128
QUANTILE = 0.95
LOWEST = 0.02
HIGHEST = 0.2
SMALL_SAMPLE = 30  # articles; fewer say little about the archive that will grow from them
SMALL_SAMPLE_THRESHOLD = 0.04


def least_similarity(cosines: NDArray[np.float64]) -> float:
    """
    The cosine below which 95 % of all pairs of a sample are.

    A reader judged two in three of the items below it to be unrelated. Of the links that editors
    set, at most one in 25 is below it.

    Args:
        cosines: of all pairs of the sample, shape (n, n).
    """
    if len(cosines) < SMALL_SAMPLE:
        return SMALL_SAMPLE_THRESHOLD
    pairs = cosines[np.triu_indices(len(cosines), 1)]
    return round(float(np.clip(np.quantile(pairs, QUANTILE), LOWEST, HIGHEST)), 2)
