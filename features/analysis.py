"""One article from outside, checked, cleaned and counted."""

from typing import NamedTuple

from features.article import Article, read_article
from features.errors import FieldProblem
from features.site_defaults import NO_DEFAULTS, SiteDefaults
from features.vectorizer import ArticleFeatures, count_terms


class AnalysedArticle(NamedTuple):
    """
    An article with its term counts; all that the store needs to keep it.

    Fields:
        warnings: about optional fields that were left out or cut.
    """

    article: Article
    features: ArticleFeatures
    warnings: tuple[FieldProblem, ...] = ()


def analyse(data: object, defaults: SiteDefaults = NO_DEFAULTS) -> AnalysedArticle:
    """
    Check the fields of one article and count its terms.

    Raises:
        InvalidInput: with every field that cannot be read, if one of them refuses the article.
    """
    article, warnings = read_article(data, defaults)
    return AnalysedArticle(article, count_terms(article), tuple(warnings))
