"""Several articles and drafts as the source of one list."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.vectorizer import TermCounts, counts_of_weights, idf, tf_weights
from recommender.articles import Facets, StoredArticle
from recommender.index.corpus import Corpus
from recommender.pipeline.duplicates import duplicates
from recommender.pipeline.eligibility import Condition
from recommender.pipeline.request import Request
from recommender.pipeline.signals import NO_COUNTS, Source
from recommender.policy.rule_set import RuleSet


class Example(NamedTuple):
    """
    A source that a list is to be like, or unlike.

    Fields:
        article: the id of a stored article, or a draft.
        weight: its share in the list, relative to the other examples; negative for one that the
            list is to be unlike.
    """

    article: str | StoredArticle
    weight: float = 1.0


class WeightedSource(NamedTuple):
    """An `Example` in the corpus."""

    source: Source
    weight: float


def combined(corpus: Corpus, examples: Sequence[WeightedSource]) -> Source:
    """
    One source that stands for all *examples*.

    Its vector is the weighted sum of theirs, each of length 1, without the terms whose sum is
    negative (Rocchio 1971, as Manning, Raghavan and Schütze, *Introduction to Information
    Retrieval*, 9.1.1, give it). Titles and facets are those of the examples that the list is to be
    like, the most frequent values first; its date is the newest.
    """
    liked = [example.source for example in examples if example.weight > 0]
    titles = np.unique(np.concatenate([source.title for source in liked]))
    parts = tuple(example.source for example in examples)
    return Source(titles, _facets(liked), counts=_counts(corpus, examples), parts=parts)


def without_own_stories(request: Request, source: Source, rules: RuleSet) -> Request:
    """
    The *request* without articles that tell the story of one of its sources.

    Articles that the editors blocked next to one of the sources are left out too.
    """
    mask = np.ones(request.eligible.size, dtype=np.bool_)
    for part in source.parts:
        # As a draft, because a stored article is never among its own neighbours.
        draft = part._replace(slot=None, counts=_row(request.corpus, part))
        mask[duplicates(request.corpus, draft, request.eligible).slots()] = False
    conditions = [
        _not_blocked(request, source, rules),
        Condition("same_story_as_source", mask, binds_pins=False),
    ]
    eligible = np.logical_and.reduce([request.eligible, *(one.passed for one in conditions)])
    return replace(request, conditions=[*request.conditions, *conditions], eligible=eligible)


def _not_blocked(request: Request, source: Source, rules: RuleSet) -> Condition:
    corpus = request.corpus
    blocked: set[str] = set()
    for part in source.parts:
        # Rules are about stored articles; a draft has none.
        if part.slot is not None:
            section = next(iter(part.facets.section), None)
            own = rules.for_list(corpus.index.ids[part.slot], section, request.now)
            blocked |= own.blocked.keys()
    mask = np.ones(request.eligible.size, dtype=np.bool_)
    mask[corpus.slots(blocked)] = False
    return Condition("blocked", mask)


def _facets(sources: Sequence[Source]) -> Facets:
    facets = [source.facets for source in sources]
    return Facets(
        max(map(attrgetter("published"), facets)),
        _values(facets, "section"),
        _values(facets, "tag"),
        _values(facets, "author"),
        _values(facets, "language"),
        _values(facets, "source"),
    )


def _values(facets: Iterable[Facets], field: str) -> tuple[str, ...]:
    """All values of a field, the most frequent first; of equally frequent ones, the first seen."""
    counts: Counter[str] = Counter()
    for one in facets:
        counts.update(getattr(one, field))
    return tuple(value for value, _ in counts.most_common())


def _counts(corpus: Corpus, examples: Sequence[WeightedSource]) -> TermCounts:
    all_terms = []
    all_weights = []
    for source, weight in examples:
        row = _row(corpus, source)
        all_terms.append(row.terms)
        all_weights.append(weight * _unit_tf(corpus, row))
    terms, places = np.unique(np.concatenate(all_terms), return_inverse=True)
    weights = np.concatenate(all_weights)
    sums = np.bincount(places, weights, terms.size)
    liked = sums > 0
    if not liked.any():
        return NO_COUNTS  # no term weighs more in the liked examples than in the others
    return counts_of_weights(terms[liked], sums[liked].astype(np.float64))


def _row(corpus: Corpus, source: Source) -> TermCounts:
    if source.slot is None:
        return source.counts
    return corpus.index.term_counts(np.array([source.slot], np.intp))[0]


def _unit_tf(corpus: Corpus, row: TermCounts) -> NDArray[np.float64]:
    """Term frequencies, sublinear, over the length of the TF-IDF vector; shape (n,)."""
    frequencies = tf_weights(row).astype(np.float64)
    df = corpus.index.document_frequencies(row.terms)
    length = float(np.linalg.norm(frequencies * idf(df, len(corpus.index))))
    return frequencies / length if length else frequencies
