"""
Stories collapsed: several articles that tell one story in the same words count once.

Our lists show one article of a story. Where the truth names two, plain measures count the second as
missed, so they are lower by design. Measures with the prefix `story-` do not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from recommender.articles import StoredArticle
from recommender.evaluation.trec import Run
from recommender.evaluation.truth import Qrels
from recommender.index.corpus import Corpus
from recommender.pipeline.recommender import Recommender

# At which all articles are published: stories do not depend on the moment of a query.
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


class Collapsed(NamedTuple):
    """Judged pairs, and a run, in which each story has one name."""

    qrels: Qrels
    run: Run


class Stories:
    """
    Which articles tell one story, by the rule that lists go by, in the archive as a whole.

    Args:
        articles: by id.
    """

    def __init__(self, articles: Mapping[str, StoredArticle]) -> None:
        def fetch(article_ids: Iterable[str]) -> dict[str, StoredArticle]:
            return {article_id: articles[article_id] for article_id in article_ids}

        corpus = Corpus(fetch)
        corpus.apply(articles)
        self._articles = articles
        self._recommender = Recommender(corpus)
        self._twins: dict[str, frozenset[str]] = {}

    def twins(self, article_id: str) -> frozenset[str]:
        """The other articles that tell its story; computed once for each article."""
        if article_id not in self._twins:
            article = self._articles[article_id]
            duplicates = self._recommender.duplicates(article, _END_OF_TIME, article_id)
            self._twins[article_id] = frozenset(self._recommender.corpus.ids(duplicates.slots()))
        return self._twins[article_id]

    def collapsed(self, qrels: Qrels, run: Run) -> Collapsed:
        """
        Let each story count once.

        Of relevant articles of one story, the one with the highest grade stays in the truth (of
        equal ones the first id), and whichever of them a list shows first stands for it. What
        comes later keeps its place and counts as not relevant. Articles that tell the query's own
        story are in the truth of no list, so a query may be left without a relevant article.
        """
        truth: Qrels = {}
        lists: Run = {}
        for query, judged in qrels.items():
            names = self._names(query, judged)
            truth[query] = dict(_kept(judged, names))
            lists[query] = list(_named(run.get(query, []), names))
        return Collapsed(truth, lists)

    def _names(self, query: str, judged: Mapping[str, int]) -> dict[str, str]:
        """Article → the article that stands for its story, for all twins of relevant articles."""
        own = self.twins(query) | {query}
        relevant = [article for article, grade in judged.items() if grade and article not in own]
        names: dict[str, str] = {}
        for article in sorted(relevant, key=lambda one: (-judged[one], one)):
            if article in names:
                continue
            names[article] = article
            for twin in self.twins(article) - own:
                names.setdefault(twin, article)
        return names


def _kept(judged: Mapping[str, int], names: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """The judged articles that stand for their story, and those that are not relevant."""
    for article, grade in judged.items():
        if names.get(article) == article or (not grade and article not in names):
            yield article, grade


def _named(
    places: Sequence[tuple[str, float]], names: Mapping[str, str]
) -> Iterator[tuple[str, float]]:
    """The list with the name of its story in place of each article, none of them twice."""
    listed = set()
    for place, (article, score) in enumerate(places):
        name = names.get(article, article)
        # Control characters are in no id, so this is the name of no article.
        yield (f"\x01{place}" if name in listed else name), score
        listed.add(name)
