"""Compiles every function of index and pipeline before the first reader comes."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from features.vectorizer import ArticleFeatures, TermCounts
from recommender.articles import Facets, StoredArticle
from recommender.index.corpus import Corpus
from recommender.index.index import warm as warm_index
from recommender.pipeline.recommender import Recommender
from recommender.policy.list_options import ListOptions

_NOW = datetime(2025, 1, 1, tzinfo=UTC)
# Article → its first term id. All share terms with the first one, and the second is its duplicate.
_ARTICLES = {"a": 0, "b": 1, "c": 60, "d": 80}


def warm() -> None:
    """Compile every function, or load it from the disk, by making lists of a few tiny articles."""
    warm_index()
    articles = {name: _article(first) for name, first in _ARTICLES.items()}

    def stored(article_ids: Sequence[str]) -> dict[str, StoredArticle]:
        return {article_id: articles[article_id] for article_id in article_ids}

    in_memory = Corpus(stored)
    in_memory.apply(articles)
    from_file = Corpus(stored, in_memory.arrays())
    for corpus in (in_memory, from_file):
        corpus.apply({"e": _article(70)})
        recommender = Recommender(corpus)
        recommender.related("a", ListOptions(diversity=0.5, explain=True), _NOW)
        recommender.related_to(_article(0), ListOptions(), _NOW)
        recommender.duplicates(_article(0), _NOW, "a")
        recommender.explanation("a", "c", ListOptions(), _NOW)


def _article(first_term: int) -> StoredArticle:
    terms = np.arange(first_term, first_term + 100, dtype=np.uint32)
    counts = TermCounts(terms, np.ones(terms.size, np.float32))
    facets = Facets(0, ("section",), (), (), ("en",))
    return StoredArticle(facets, ArticleFeatures.without_lines(counts))
