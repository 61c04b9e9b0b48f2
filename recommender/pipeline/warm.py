"""Compiles every function of index and pipeline before the first reader comes."""

from datetime import UTC, datetime

import numpy as np

from features.vectorizer import ArticleFeatures, TermCounts
from recommender.articles import Facets, StoredArticle
from recommender.index.corpus import Corpus
from recommender.index.index import warm as warm_index
from recommender.pipeline.recommender import Recommender
from recommender.policy.list_options import ListOptions

_NOW = datetime(2025, 1, 1, tzinfo=UTC)


def warm() -> None:
    """Compile every function, or load it from the disk, by making lists of a few tiny articles."""
    warm_index()
    articles = {name: _article(start) for start, name in enumerate("abcd")}
    stored = articles.__getitem__
    corpus = Corpus(lambda ids: {i: stored(i) for i in ids})
    corpus.apply(articles)
    from_file = Corpus(lambda ids: {i: stored(i) for i in ids}, corpus.arrays())
    for each in (corpus, from_file):
        recommender = Recommender(each)
        recommender.related("a", ListOptions(diversity=0.5, explain=True), _NOW)
        recommender.related_to(_article(0), ListOptions(), _NOW)
        recommender.duplicates(_article(0), _NOW, "a")
        recommender.explanation("a", "b", ListOptions(), _NOW)
        each.apply({"e": _article(1)})


def _article(start: int) -> StoredArticle:
    """One that shares most of its terms with its neighbours, so that duplicates are compared."""
    terms = np.arange(start, start + 100, dtype=np.uint32)
    counts = TermCounts(terms, np.ones(100, np.float32))
    facets = Facets(0, ("section",), (), (), ("en",))
    return StoredArticle(facets, ArticleFeatures.without_lines(counts))
