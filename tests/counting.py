"""Term counts without analysis."""

from collections.abc import Mapping

import numpy as np

from features.vectorizer import TermCounts, _ids


def hash_counts(words: Mapping[str, float], pairs: Mapping[str, float]) -> TermCounts:
    """Counts by term id. The counts of terms that share an id are added."""
    are_pairs = np.arange(len(words) + len(pairs)) >= len(words)
    ids, places = np.unique(_ids((*words, *pairs), are_pairs), return_inverse=True)
    values = np.fromiter((*words.values(), *pairs.values()), dtype=np.float32)
    counts = np.bincount(places, weights=values, minlength=ids.size)
    return TermCounts(ids, counts.astype(np.float32))
