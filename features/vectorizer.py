"""Terms to hashed counts, and hashed counts to TF-IDF weights."""

from collections.abc import Collection, Sequence
from itertools import chain, pairwise, repeat
from typing import NamedTuple, Self

import mmh3
import numpy as np
from numpy.typing import NDArray

from features.analyzer import Terms, analyze_lines
from features.article import Article
from features.boilerplate import Blocks

# Raise when analysis or hashing changes. Vectors of the version before are used until a builder has
# replaced them (`storage/formats.py`); make its golden folder first (`tests/golden/make.py`).
FEATURES_VERSION = 4

# A two-word term carries this bit in its id, so its weight can change without a new count.
TWO_WORD_BIT = np.uint32(1 << 31)

# Field weights are halves or whole numbers. Then float32 sums of them are exact, and the counts of
# a line can be subtracted again.
TITLE_WEIGHT = 3.0  # a title word counts as three words of the body, the best of 1 to 5
TAG_WEIGHT = 1.0
TWO_WORD_WEIGHT = 0.7  # at weight 1, two-word terms gain on full articles and lose on short texts
# A term of every article has the idf 10 / (10 + articles). In a site of two articles it counts for
# much, in a site of a thousand for next to nothing. Compared with scikit-learn's 1 at any size:
# +.02 nDCG@10 on 18f-blog, at most -.007 elsewhere.
IDF_FADE = 10.0


class TermCounts(NamedTuple):
    """
    The hashed term ids of one article, ascending and distinct, and the count of each.

    Counts are weighted by field and at least 1, so that `1 + ln(count)` is never below 1.

    Fields:
        terms: shape (n,), uint32; the top bit marks two-word terms.
        counts: shape (n,), float32.
    """

    terms: NDArray[np.uint32]
    counts: NDArray[np.float32]


class ArticleFeatures(NamedTuple):
    """
    The numbers that represent an article in rankings.

    Fields:
        counts: of the whole article.
        title: the distinct ids of the title's terms, ascending, uint32.
        blocks: the lines of the body, and which of the counted terms each contains.
    """

    counts: TermCounts
    title: NDArray[np.uint32]
    blocks: Blocks

    @classmethod
    def without_lines(cls, counts: TermCounts) -> Self:
        """The features of a text that has neither title nor lines."""
        return cls(counts, np.empty(0, dtype=np.uint32), Blocks.none())

    def without(self, boilerplate: NDArray[np.bool_]) -> TermCounts:
        """
        The counts without those of the blocks marked in *boilerplate*, of shape (blocks,).

        All counts, if too few terms would be left.
        """
        if not boilerplate.any():
            return self.counts
        dropped = self.blocks.occurrences(boilerplate, self.counts.terms.size)
        if dropped is None:
            return self.counts
        left = self.counts.counts - dropped
        return TermCounts(self.counts.terms[left > 0], left[left > 0])


def count_terms(article: Article) -> ArticleFeatures:
    """Count the terms of title, body and tags, by field weight, and record their lines."""
    body = article.body or article.excerpt or ""
    # In one call, which takes less time. No term spans lines.
    lines = analyze_lines("\n".join([article.title, *article.tags, body]), article.language)
    ids, sizes = _ids_by_line(lines)
    weights = _line_weights(article, body)
    start = 0 if weights[0] else sizes[0]  # a title that weighs nothing has no counts either
    distinct, places = np.unique(ids[start:], return_inverse=True)
    weighted = np.bincount(places, np.repeat(weights, sizes)[start:], distinct.size)
    ends = np.cumsum(sizes)[len(article.tags) :] - start
    of_body = [places[first:end] for first, end in pairwise(ends.tolist())]
    return ArticleFeatures(
        TermCounts(distinct, weighted.astype(np.float32)),
        np.unique(ids[: sizes[0]]),
        Blocks.of(_lines(article.title, body), of_body),
    )


def _ids_by_line(lines: Sequence[Terms]) -> tuple[NDArray[np.uint32], NDArray[np.intp]]:
    """The ids of all terms, of each line its words before its pairs; and how many a line has."""
    parts = [*chain.from_iterable(lines)]
    sizes = np.fromiter(map(len, parts), np.intp, len(parts))
    are_pairs = np.repeat(np.arange(sizes.size) % 2 == 1, sizes)
    ids = _ids([*chain.from_iterable(parts)], are_pairs)
    return ids, sizes[::2] + sizes[1::2]


def _line_weights(article: Article, body: str) -> NDArray[np.float64]:
    """The weight of a term in each line: the title, the tags, and the lines of the body."""
    lines = body.count("\n") + 1
    title = _title_weight(article.title, body)
    return np.array([title, *[TAG_WEIGHT] * len(article.tags), *[1.0] * lines])


def _title_weight(title: str, body: str) -> float:
    # Agencies and wikis use the first sentence as the headline. It then counts only as part of the
    # body, which gains .037 nDCG@10 on current-events-2025.
    return 0.0 if _opens(title, body) else TITLE_WEIGHT


def _opens(title: str, body: str) -> bool:
    return body.startswith(title.rstrip("… ."))


def _lines(title: str, body: str) -> list[str | None]:
    """The lines of the body, with None for one that is never boilerplate."""
    lines: list[str | None] = [*body.split("\n")]
    if title and _opens(title, body):
        lines[0] = None  # this line is the headline
    return lines


def term_ids(terms: Collection[str]) -> list[int]:
    """The ids under which `count_terms` counts *terms*, which are words or pairs of words."""
    ids: list[int] = _ids(terms, np.array([" " in term for term in terms], np.bool_)).tolist()
    return ids


def _ids(terms: Collection[str], are_pairs: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """
    Hash terms to 31 bits with MurmurHash3, as scikit-learn's HashingVectorizer does.

    Terms that share an id are counted as one. Among five million terms, one in 900 shares its id.
    """
    hashes = map(mmh3.hash, terms, repeat(0), repeat(False))  # without a seed, unsigned
    ids = np.fromiter(hashes, np.uint32, len(terms))
    ids &= ~TWO_WORD_BIT
    ids[are_pairs] |= TWO_WORD_BIT
    return ids


def tf_weights(row: TermCounts, two_word_weight: float = TWO_WORD_WEIGHT) -> NDArray[np.float32]:
    """Sublinear term frequency `1 + ln(count)`, two-word terms times *two_word_weight*; (n,)."""
    weights = 1.0 + np.log(row.counts)
    weights[(row.terms & TWO_WORD_BIT) != 0] *= np.float32(two_word_weight)
    return weights.astype(np.float32)


def counts_of_weights(
    terms: NDArray[np.uint32],
    weights: NDArray[np.float64],
    two_word_weight: float = TWO_WORD_WEIGHT,
) -> TermCounts:
    """
    The counts with these weights: the opposite of `tf_weights`.

    Args:
        weights: shape (n,), above 0. A count is below 1 where a weight is.
    """
    one_word = np.where((terms & TWO_WORD_BIT) != 0, weights / two_word_weight, weights)
    return TermCounts(terms, np.exp(one_word - 1.0).astype(np.float32))


def idf_offset(articles: int) -> float:
    """The idf of a term that occurs in all of so many articles."""
    return IDF_FADE / (IDF_FADE + articles)


def idf(df: NDArray[np.int64], articles: int, offset: float | None = None) -> NDArray[np.float64]:
    """
    Smooth inverse document frequency, `ln((1 + articles) / (1 + df)) + offset`.

    Args:
        df: the number of articles with each term, shape (n,); 0 for an unknown term.
        articles: the number of all articles.
        offset: scikit-learn's is 1; None means `idf_offset`.
    """
    return np.log((1 + articles) / (1 + df)) + (idf_offset(articles) if offset is None else offset)


def tfidf(
    row: TermCounts,
    df: NDArray[np.int64],
    articles: int,
    two_word_weight: float = TWO_WORD_WEIGHT,
    offset: float | None = None,
) -> NDArray[np.float64]:
    """
    Return the l2-normalised TF-IDF weights of one article, shape (n,), in the order of its terms.

    With a *two_word_weight* and an idf *offset* of 1 this is scikit-learn's
    `TfidfVectorizer(sublinear_tf=True, smooth_idf=True)` on the same terms.
    """
    weights = tf_weights(row, two_word_weight) * idf(df, articles, offset)
    length = np.sqrt(weights @ weights)
    return weights / length if length else weights
