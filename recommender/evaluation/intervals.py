"""Intervals: paired bootstrap over queries (Sakai 2006), with the same draws for all systems."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000  # the ends of an interval then rest on the 50 most extreme draws of each side
CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A mean over queries and its 95 % bootstrap interval; nan without values."""

    mean: float
    low: float
    high: float


class Difference(NamedTuple):
    """Mean of paired differences, its interval, and the two-sided bootstrap p-value."""

    mean: float
    low: float
    high: float
    p: float


class Bootstrap:
    """
    Draws of queries with replacement.

    Args:
        queries: how many queries there are.
        seed: the same seed gives the same draws.
    """

    def __init__(self, queries: int, seed: int) -> None:
        # Drawn once: differences of systems are paired, query by query and draw by draw.
        self._draws = np.random.default_rng(seed).integers(0, queries, (RESAMPLES, queries))

    def interval(self, values: NDArray[np.float64]) -> Interval:
        """
        The mean of *values*, shape (queries,), and its interval; nan values are ignored.
        """
        if not np.isfinite(values).any():
            return Interval(*[float("nan")] * 3)
        means = self._means(values)
        low, high = np.nanpercentile(means, _PERCENTILES)
        return Interval(float(np.nanmean(values)), float(low), float(high))

    def difference(self, ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Difference:
        """By how much *ours* is above *theirs*, both shape (queries,), on the same queries."""
        paired = ours - theirs
        mean, low, high = self.interval(paired)
        means = self._means(paired) if np.isfinite(mean) else np.zeros(0)
        # One is added on both sides: no number of draws proves that a p-value is zero.
        tail = min((means <= 0).sum(), (means >= 0).sum()) + 1
        p = min(1.0, 2 * tail / (means.size + 1)) if means.size else float("nan")
        return Difference(mean, low, high, float(p))

    def _means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        known = np.isfinite(values)
        totals = np.where(known, values, 0.0)[self._draws].sum(axis=1)
        counts = known[self._draws].sum(axis=1)
        means = np.full(RESAMPLES, np.nan)
        np.divide(totals, counts, out=means, where=counts > 0)
        return means


_PERCENTILES = (50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE))
