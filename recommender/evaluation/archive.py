"""The articles that an evaluation ranks, in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from features.analysis import AnalysedArticle, analyse, certain_languages, settle_language
from features.article import Article
from features.vectorizer import ArticleFeatures, TermCounts, tfidf
from recommender.articles import Card, Facets, StoredArticle, card_of
from recommender.errors import InvalidInput
from recommender.evaluation.links import ArchiveLinks
from recommender.evaluation.stories import Stories
from recommender.sources.records import Record
from recommender.sources.tables import Articles, RecordProblems, records_of


@dataclass(frozen=True)
class Archive:
    """
    Articles in order of publication (undated ones first, then by id), with their features.

    Attributes:
        rejections: the records that are no valid articles, each with its problems.
    """

    articles: list[Article]
    features: list[ArticleFeatures]
    rejections: Sequence[RecordProblems] = ()

    @cached_property
    def place(self) -> dict[str, int]:
        """Id → position in `articles`."""
        return {article.id: number for number, article in enumerate(self.articles)}

    @cached_property
    def published(self) -> NDArray[np.float64]:
        """Seconds since 1970 by position, -inf without a date; shape (n,)."""
        return np.array([_date(article) for article in self.articles])

    @cached_property
    def cards(self) -> dict[str, Card]:
        return {article.id: card_of(article) for article in self.articles}

    @cached_property
    def counts(self) -> list[TermCounts]:
        """Of whole articles; `Corpus` leaves out boilerplate, which changes with the archive."""
        return [features.counts for features in self.features]

    @cached_property
    def vectors(self) -> csr_array:
        """TF-IDF rows of length one, CSR (n, terms), idf of the whole archive."""
        sizes = [row.terms.size for row in self.counts]
        ends = np.cumsum([0, *sizes])
        # Ids of terms are hashes of 32 bits; numbered by rank, they are columns without gaps.
        hashed = np.concatenate([row.terms for row in self.counts])
        terms, columns = np.unique(hashed, return_inverse=True)
        df = np.bincount(columns, minlength=terms.size)
        weights = []
        for row, start, end in zip(self.counts, ends[:-1], ends[1:], strict=True):
            weights.append(tfidf(row, df[columns[start:end]], len(self.counts)))
        return csr_array((np.concatenate(weights), columns, ends), (len(self.counts), terms.size))

    @cached_property
    def stories(self) -> Stories:
        """Which articles tell one story."""
        return Stories(self.stored_articles([*self.place]))

    @property
    def is_dated(self) -> bool:
        return any(map(attrgetter("published_at"), self.articles))

    def stored(self, place: int) -> StoredArticle:
        """The article at *place* as a service holds it."""
        article_id = self.articles[place].id
        return StoredArticle(Facets.of(self.cards[article_id]), self.features[place])

    def stored_articles(self, article_ids: Sequence[str]) -> dict[str, StoredArticle]:
        """Articles by id, for `Corpus`."""
        return {article_id: self.stored(self.place[article_id]) for article_id in article_ids}


def read_archive(articles: Articles, on_article: Callable[[], None] = lambda: None) -> Archive:
    """
    Read an archive as production would, but without the text of links between its articles.

    An editor wrote that text about the other article; often it is its title. With it, the truth
    would be part of the question. A later record replaces an earlier one with the same id.

    Args:
        articles: records of a file, mappings, or a pandas DataFrame.
        on_article: called for each valid article, for a progress bar.
    """
    records = list(records_of(articles))
    links = ArchiveLinks.of([record.data for record in records])
    analysed: dict[str, AnalysedArticle] = {}
    rejections = []
    for record in records:
        try:
            one = _analysed(record, links)
        except InvalidInput as error:
            rejections.append(RecordProblems.of(record, error.problems))
            continue
        # A later record replaces the earlier one of its id, as in the store.
        analysed[one.article.id] = one
        on_article()
    # Only now: the languages of the whole site decide about texts whose language is uncertain.
    languages = certain_languages(analysed.values())
    settled = [settle_language(one, languages) for one in analysed.values()]
    ordered = sorted(settled, key=lambda one: (_date(one.article), one.article.id))
    articles_in_order = [one.article for one in ordered]
    return Archive(articles_in_order, [one.features for one in ordered], rejections)


def _analysed(record: Record, links: ArchiveLinks) -> AnalysedArticle:
    if isinstance(record.data, InvalidInput):
        raise record.data
    return analyse(links.strip(record.data))


def _date(article: Article) -> float:
    return article.published_at.timestamp() if article.published_at else float("-inf")
