"""From which cosine on are two articles of this archive related, and not only alike by chance?"""

import numpy as np
from numpy.typing import NDArray

SAMPLE = 128
QUANTILE = 0.95
LOWEST, HIGHEST = 0.02, 0.2
FEW = 30  # articles; so few say nothing of the archive that they will become
OF_FEW = 0.04


def least_similarity(cosines: NDArray[np.float64]) -> float:
    """
    The cosine that 95 % of all pairs of a sample stay below.

    Of places below it two in three looked unrelated to a reader; of editors' links it costs one
    in 25 at most.

    Args:
        cosines: of all pairs of the sample, shape (n, n).
    """
    if len(cosines) < FEW:
        return OF_FEW
    pairs = cosines[np.triu_indices(len(cosines), 1)]
    return round(float(np.clip(np.quantile(pairs, QUANTILE), LOWEST, HIGHEST)), 2)
