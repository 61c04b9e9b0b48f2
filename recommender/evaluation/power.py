"""How small a gain a test can see: power of a paired comparison over queries."""

from math import ceil, sqrt
from statistics import NormalDist
from typing import NamedTuple

from recommender.evaluation.intervals import CONFIDENCE

POWER = 0.8

# Bloom 1995, "Minimum detectable effects"; for measures over queries, Sakai 2016, "Topic set size
# design". The normal distribution stands in for Student's t: with 40 queries that is 3 % too small.
_NORMAL = NormalDist()
STANDARD_ERRORS = _NORMAL.inv_cdf((1 + CONFIDENCE) / 2) + _NORMAL.inv_cdf(POWER)
"""2.80: so many standard errors must a gain be for its 95 % interval to lie above 0 in 80 %."""


class Power(NamedTuple):
    """
    What a test of so many queries could have seen.

    Fields:
        spread: standard deviation of the gain from query to query.
        detectable: the smallest true gain whose 95 % interval lies above 0 in four tests of five.
        expected: the gain that was expected before the test.
        queries_needed: how many queries it takes to detect the expected gain; None when that is
            not above 0.
    """

    queries: int
    spread: float
    detectable: float
    expected: float
    queries_needed: int | None

    @classmethod
    def of(cls, queries: int, spread: float, expected: float) -> "Power":
        detectable = STANDARD_ERRORS * spread / sqrt(queries)
        needed = ceil((STANDARD_ERRORS * spread / expected) ** 2) if expected > 0 else None
        return cls(queries, spread, detectable, expected, needed)
