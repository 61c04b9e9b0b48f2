"""Counts of terms as they are written, without analysis."""

from collections.abc import Mapping

import numpy as np

from features.vectorizer import TermCounts, _hashed


def hash_counts(words: Mapping[str, float], pairs: Mapping[str, float]) -> TermCounts:
    """Counts of terms under their ids; those of two terms that share one add up."""
    are_pairs = [False] * len(words) + [True] * len(pairs)
    ids, places = _hashed((*words, *pairs), are_pairs)
    values = np.fromiter((*words.values(), *pairs.values()), dtype=np.float32)
    counts = np.bincount(places, weights=values, minlength=ids.size)
    return TermCounts(ids, counts.astype(np.float32))
