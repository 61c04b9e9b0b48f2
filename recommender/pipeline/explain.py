"""Why an article stands in a list, or does not: in numbers that add up, and in words."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.analyzer import surfaces
from features.article import Article
from features.vectorizer import term_ids, tfidf
from recommender.index.corpus import Corpus
from recommender.index.index import TermWeights
from recommender.pipeline.signals import Source

NAMED = 3  # shared terms in a sentence

REASONS = {
    "similar": "About the same subject",
    "pinned": "Chosen by the editors",
    "relaxed": "Loosely related",
    "same_section": "Recent in the same section",
    "recent": "Recent",
    "other_language": "Recent, in another language",
}
WHY_NOT = {
    "itself": "It is the article itself.",
    "not_there": "The site has no such article.",
    "not_published": "It is not published yet.",
    "silenced": "No list may stand beside this article: a flag forbids it.",
    "hidden": "A flag or a block keeps it out of every list.",
    "blocked": "The editors blocked it beside this article.",
    "blocked_section": "The editors blocked its section beside this article.",
    "excluded": "The request excludes it.",
    "shown_elsewhere": "Another box of the page shows it.",
    "other_section": "It is not in the sections asked for.",
    "other_tag": "It has none of the tags asked for.",
    "other_author": "It is by none of the authors asked for.",
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
    "further_down": "Others are more closely related; it stands further down.",
}


class SharedTerm(NamedTuple):
    """A term that both texts hold, as it is spelt, and its part of the cosine."""

    term: str
    weight: float


class Contributions(NamedTuple):
    """
    What shared terms add to a cosine, the heaviest first; ties by id.

    Fields:
        terms: hashed ids, shape (n,).
        weights: shape (n,); they add up to the cosine.
    """

    terms: NDArray[np.uint32]
    weights: NDArray[np.float64]


def contributions(corpus: Corpus, source: Source, slot: int) -> Contributions:
    """Take the cosine of source and article apart."""
    return contributions_of(corpus, source, [slot])[0]


def contributions_of(corpus: Corpus, source: Source, slots: Sequence[int]) -> list[Contributions]:
    """Take the cosines of source and articles apart; the source is weighed once."""
    own = _weights(corpus, source)
    return [_contributions(own, corpus.index.vector(slot)) for slot in slots]


def _contributions(own: TermWeights, other: TermWeights) -> Contributions:
    shared, mine, theirs = np.intersect1d(
        own.terms, other.terms, assume_unique=True, return_indices=True
    )
    products = own.weights[mine] * other.weights[theirs]
    order = np.lexsort((shared, -products))
    return Contributions(shared[order], products[order])


def named(found: Contributions, spelt: Mapping[int, str]) -> list[SharedTerm]:
    """Give the terms back their words, from the `spellings` of one of the two texts."""
    weighted = zip(found.terms.tolist(), found.weights.tolist(), strict=True)
    return [SharedTerm(spelt[term], weight) for term, weight in weighted if term in spelt]


def spellings(article: Article) -> dict[int, str]:
    """How the article spells each of its terms, by id; as much work as to analyse it twice."""
    text = "\n".join((article.title, article.body or article.excerpt or "", *article.tags))
    found = surfaces(text, article.language)
    return dict(zip(term_ids(found), found.values(), strict=True))


def sentence(terms: Sequence[SharedTerm]) -> str:
    """What two articles are both about, for an editor; empty when they share nothing."""
    phrases = [term.term for term in terms if " " in term.term]
    chosen: list[str] = []
    for term, _ in terms:
        told = {word for phrase in chosen for word in _words(phrase)}
        if not told & _words(term):
            # "Kursk region" says more than "Kursk", which is heavier for being said more often.
            more = (p for p in phrases if _words(term) <= _words(p) and not told & _words(p))
            chosen.append(next(more, term))
        if len(chosen) == NAMED:
            break
    if not chosen:
        return ""
    *others, last = chosen
    return "Both about " + (f"{', '.join(others)} and {last}" if others else last)


def _words(phrase: str) -> set[str]:
    return set(re.findall(r"\w+", phrase.casefold()))


def _weights(corpus: Corpus, source: Source) -> TermWeights:
    if source.slot is not None:
        return corpus.index.vector(source.slot)
    df = corpus.index.document_frequencies(source.counts.terms)
    return TermWeights(source.counts.terms, tfidf(source.counts, df, len(corpus.index)))
