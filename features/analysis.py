"""One article from outside, checked, cleaned and counted."""

from collections.abc import Iterable
from typing import NamedTuple

from features.article import Article, ReadArticle, detected_language, read_article
from features.errors import FieldProblem
from features.language import LanguageMix
from features.site_defaults import NO_DEFAULTS, SiteDefaults
from features.vectorizer import ArticleFeatures, count_terms


class AnalysedArticle(NamedTuple):
    """
    An article with its term counts, as the store keeps it.

    Fields:
        warnings: about optional fields that were left out or cut.
        is_language_certain: whether the sender gave it, or the text alone decides it.
    """

    article: Article
    features: ArticleFeatures
    warnings: tuple[FieldProblem, ...] = ()
    is_language_certain: bool = True


def analyse(data: object, defaults: SiteDefaults = NO_DEFAULTS) -> AnalysedArticle:
    """
    Check the fields of one article and count its terms.

    Raises:
        InvalidInput: if a field makes the article unusable; it names every field that cannot be
            read.
    """
    return counted(read_article(data, defaults))


def counted(read: ReadArticle) -> AnalysedArticle:
    """Count the terms of an article from outside that has been read."""
    article, warnings, is_certain = read
    return AnalysedArticle(article, count_terms(article), tuple(warnings), is_certain)


def settle_language(analysed: AnalysedArticle, languages: LanguageMix) -> AnalysedArticle:
    """Detect an uncertain language again, by what else the site publishes."""
    if analysed.is_language_certain:
        return analysed
    language = detected_language(analysed.article, languages).code
    if language == analysed.article.language:
        return analysed
    # Stemming and stop words depend on the language, so the terms are counted again.
    article = analysed.article.model_copy(update={"language": language})
    return analysed._replace(article=article, features=count_terms(article))


def certain_languages(analysed: Iterable[AnalysedArticle], main: str | None = None) -> LanguageMix:
    """The languages of the articles whose language is certain."""
    codes = (one.article.language for one in analysed if one.is_language_certain)
    return LanguageMix.of(codes, main)
