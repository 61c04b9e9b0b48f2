"""From which cosine on are two articles of this archive related, and not only alike by chance?"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # the corpus keeps what is found here
    from recommender.corpus import Corpus

SAMPLE = 128
QUANTILE = 0.95
LOWEST, HIGHEST = 0.02, 0.2
FEW = 30  # articles; so few say nothing of the archive that they will become
OF_FEW = 0.04


def least_similarity(corpus: "Corpus", language: str | None) -> float:
    """
    The cosine that 95 % of all pairs of a fixed sample stay below.

    The sample is the articles of *language* (None is every one) with the lowest hashes of their
    ids, so it depends on which articles there are, and not on the order in which they came. Of
    places below it two in three looked unrelated to a reader; editors' links lose one in 25.
    """
    slots = corpus.sample(SAMPLE, language)
    if slots.size < FEW:
        return OF_FEW
    rows, _ = corpus.index.rows(slots)
    cosines = (rows @ rows.T).toarray()[np.triu_indices(slots.size, 1)]
    return round(float(np.clip(np.quantile(cosines, QUANTILE), LOWEST, HIGHEST)), 2)
