"""Why an article is in a list, or not: the parts of a cosine, and the texts for exclusions."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.vectorizer import tfidf
from recommender.index.corpus import Corpus
from recommender.index.index import TermWeights
from recommender.pipeline.signals import Source

# A term says little about two articles if more articles than both of these limits have it.
COMMON_SHARE = 0.1
COMMON_ARTICLES = 20

WHY_NOT = {
    "itself": "It is the article itself.",
    "same_page": "It is at the same address as this article.",
    "not_there": "The site has no such article.",
    "not_published": "It is not published yet.",
    "silenced": "A flag forbids any list next to this article.",
    "hidden": "A flag or a block keeps it out of every list.",
    "blocked": "The editors blocked it next to this article.",
    "blocked_section": "The editors blocked its section next to this article.",
    "excluded": "The request excludes it.",
    "shown_elsewhere": "Another box on the page shows it.",
    "other_section": "It is not in the requested sections.",
    "other_tag": "It has none of the requested tags.",
    "other_author": "It is by none of the requested authors.",
    "other_language": "It is in another language.",
    "too_old": "It is older than the list allows.",
    "too_new": "It is newer than the list allows.",
    "newer_than_source": "It is newer than this article, and the list is for background.",
    "nothing_in_common": "It shares no words with this article.",
    "less_similar": "It is less similar than related articles of this site are.",
    "same_story_as_source": "It tells the same story in the same words.",
    "same_story": "Another article in the list tells the same story in the same words.",
    "enough_of_section": "The list has enough of its section.",
    "enough_of_author": "The list has enough by its author.",
    "enough_of_source": "The list has enough from its publisher.",
    "further_down": "Other articles are more closely related; it is further down.",
}


class SharedTerm(NamedTuple):
    """A term that both texts have, as one of them spells it, and its part of the cosine."""

    term: str
    weight: float


class Contribution(NamedTuple):
    """One shared term: see `Contributions`."""

    term: int
    weight: float
    titles: int
    is_common: bool


class Contributions(NamedTuple):
    """
    What shared terms add to a cosine, the heaviest first; ties by id.

    Fields:
        terms: term ids, shape (n,).
        weights: shape (n,); they add up to the cosine.
        titles: shape (n,), how many of the two titles have each term.
        is_common: shape (n,), whether more than 10 % of all articles, and more than 20, have it.
    """

    terms: NDArray[np.uint32]
    weights: NDArray[np.float64]
    titles: NDArray[np.intp]
    is_common: NDArray[np.bool_]

    def rows(self) -> Iterator[Contribution]:
        columns = (column.tolist() for column in self)
        return map(Contribution._make, zip(*columns, strict=True))


def contributions(corpus: Corpus, source: Source, slot: int) -> Contributions:
    """The parts of the cosine of source and article."""
    return contributions_of(corpus, source, [slot])[0]


def contributions_of(corpus: Corpus, source: Source, slots: Sequence[int]) -> list[Contributions]:
    """The parts of the cosines of source and articles. The source is weighted once."""
    own = _weights(corpus, source)
    df = corpus.index.document_frequencies(own.terms)
    is_common = df > max(COMMON_SHARE * len(corpus.index), COMMON_ARTICLES)
    results = []
    for slot in slots:
        other = corpus.index.vector(slot)
        shared, mine, theirs = np.intersect1d(
            own.terms, other.terms, assume_unique=True, return_indices=True
        )
        products = own.weights[mine] * other.weights[theirs]
        titles = np.isin(shared, source.title).astype(np.intp)
        titles += np.isin(shared, corpus.title_terms(slot))
        # The heaviest first. Of equal weights the lower id, so that every process agrees.
        order = np.lexsort((shared, -products))
        results.append(
            Contributions(shared[order], products[order], titles[order], is_common[mine][order])
        )
    return results


def named(shared: Contributions, spelling: Callable[[int], str | None]) -> list[SharedTerm]:
    """
    The shared terms as words, the heaviest first.

    Args:
        spelling: of a term id; a term without one is left out.
    """
    terms = []
    for row in shared.rows():
        term = spelling(row.term)
        if term is not None:
            terms.append(SharedTerm(term, row.weight))
    return terms


def _weights(corpus: Corpus, source: Source) -> TermWeights:
    if source.slot is not None:
        return corpus.index.vector(source.slot)
    # A draft is not in the index, so its vector is computed here.
    df = corpus.index.document_frequencies(source.counts.terms)
    return TermWeights(source.counts.terms, tfidf(source.counts, df, len(corpus.index)))
