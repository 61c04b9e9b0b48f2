"""Terms to hashed counts, and counts to TF-IDF weights."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import mmh3
import numpy as np
from numpy.typing import NDArray

from features.analyzer import analyze
from features.article import Article

# Raise when analysis or hashing changes: vectors of another version are never compared.
FEATURES_VERSION = 1

# A two-word term carries this bit in its id, so its weight can change without a new count.
TWO_WORD_BIT = np.uint32(1 << 31)

TITLE_WEIGHT = 3.0  # a title word counts as three words of the body (MEASURED: the best of 1–5)
TAG_WEIGHT = 1.0
TWO_WORD_WEIGHT = 0.7  # two-word terms win on full articles and lose on short texts at weight 1


class TermCounts(NamedTuple):
    """
    What one article says: hashed term ids, ascending and distinct, and how often each occurs.

    Counts are weighted by field and at least 1, so `1 + ln(count)` is never below 1.

    Fields:
        terms: shape (n,), uint32; the top bit marks two-word terms.
        counts: shape (n,), float32.
    """

    terms: NDArray[np.uint32]
    counts: NDArray[np.float32]


def count_terms(article: Article) -> TermCounts:
    """Count the terms of title, body and tags, by field weight."""
    words: defaultdict[str, float] = defaultdict(float)
    pairs: defaultdict[str, float] = defaultdict(float)
    for text, weight in _weighted_fields(article):
        found = analyze(text, article.language)
        for word in found.words:
            words[word] += weight
        for pair in found.pairs:
            pairs[pair] += weight
    return hash_counts(words, pairs)


def _weighted_fields(article: Article) -> list[tuple[str, float]]:
    body, title = article.body or article.excerpt or "", article.title.rstrip("… .")
    tags = [(tag, TAG_WEIGHT) for tag in article.tags]
    if body.startswith(title):
        # Agencies and wikis have no headline but the first sentence: no more than a sentence
        # is it worth (nDCG@10 on current-events-2025 +.015).
        return [(body, 1.0), *tags]
    return [(article.title, TITLE_WEIGHT), (body, 1.0), *tags]


def hash_counts(words: Mapping[str, float], pairs: Mapping[str, float]) -> TermCounts:
    """
    Hash terms to 31 bits with MurmurHash3, as scikit-learn's HashingVectorizer does.

    Two terms that share an id add up; among five million terms about one in 900 does.
    """
    ids = [mmh3.hash(term, signed=False) for term in (*words, *pairs)]
    hashed = np.array(ids, dtype=np.uint32) & ~TWO_WORD_BIT
    hashed[len(words) :] |= TWO_WORD_BIT
    terms, places = np.unique(hashed, return_inverse=True)
    values = np.fromiter((*words.values(), *pairs.values()), dtype=np.float32, count=len(ids))
    counts = np.bincount(places, weights=values, minlength=terms.size)
    return TermCounts(terms, counts.astype(np.float32))


def tf_weights(row: TermCounts, two_word_weight: float = TWO_WORD_WEIGHT) -> NDArray[np.float32]:
    """Sublinear term frequency `1 + ln(count)`, two-word terms times *two_word_weight*; (n,)."""
    weights = 1.0 + np.log(row.counts)
    weights[(row.terms & TWO_WORD_BIT) != 0] *= np.float32(two_word_weight)
    return weights.astype(np.float32)


def idf(df: NDArray[np.int64], articles: int) -> NDArray[np.float64]:
    """
    Smooth inverse document frequency, `ln((1 + articles) / (1 + df)) + 1`, as in scikit-learn.

    Args:
        df: in how many articles each term occurs, shape (n,); 0 for a term never seen.
        articles: how many articles there are.
    """
    return np.log((1 + articles) / (1 + df)) + 1.0


def tfidf(
    row: TermCounts,
    df: NDArray[np.int64],
    articles: int,
    two_word_weight: float = TWO_WORD_WEIGHT,
) -> NDArray[np.float64]:
    """
    Return the l2-normalised TF-IDF weights of one article, shape (n,), in the order of its terms.

    With a *two_word_weight* of 1 this is scikit-learn's
    `TfidfVectorizer(sublinear_tf=True, smooth_idf=True)` on the same terms.
    """
    weights = tf_weights(row, two_word_weight) * idf(df, articles)
    length = np.sqrt(weights @ weights)
    return weights / length if length else weights
