"""One article from outside, checked, cleaned and counted."""

from typing import NamedTuple

from features.article import Article, parse_article
from features.vectorizer import ArticleFeatures, count_terms


class AnalysedArticle(NamedTuple):
    """An article with its term counts; all that the store needs to keep it."""

    article: Article
    features: ArticleFeatures


def analyse(data: object) -> AnalysedArticle:
    """
    Check the fields of one article and count its terms.

    Raises:
        InvalidInput: with every field that cannot be used, and why.
    """
    article = parse_article(data)
    return AnalysedArticle(article, count_terms(article))
