"""Related articles in a Python program: an archive in memory, without a server or a store."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from features.analysis import AnalysedArticle, analyse, settle_language
from features.article import Article, parse_draft
from features.language import LanguageMix
from recommender.articles import Facets, StoredArticle, card_of
from recommender.errors import InvalidInput, field_problems
from recommender.index.corpus import Corpus
from recommender.pipeline.recommender import Recommender
from recommender.pipeline.results import Ranking, Reason
from recommender.pipeline.several import Example
from recommender.policy.list_options import ListOptions
from recommender.policy.ranking_model import DEFAULTS, RankingModel
from recommender.sources.tables import Articles, RecordProblems, plain_value, records_of


class RelatedArticle(NamedTuple):
    """
    An item of a list.

    Fields:
        score: what the list is ordered by; 0 for an item that only fills the list up.
        similarity: the cosine with the source article.
        reason: what brought it into the list: `similar`, `relaxed` (less similar than related
            articles of this archive are), `same_section`, `recent`, or `other_language` if it fills
            a list that would be empty.
        same_story: ids of articles that tell the same story and are left out for it.
        article: all its fields, checked and cleaned.
    """

    id: str
    title: str
    score: float
    similarity: float
    reason: Reason
    same_story: tuple[str, ...]
    article: Article


class RelatedArticles:
    """
    The lists of an archive in memory, as the service makes them without editors' rules.

    >>> related = RelatedArticles(articles)        # a list of dicts, or a pandas DataFrame
    >>> for rejection in related.rejections:
    ...     print(rejection)                       # record 7 (kursk): title: expected a string
    >>> for item in related.to("sudzha", limit=3):
    ...     print(f"{item.score:.2f} {item.title}")

    Fields may have any of the names that `alsosee import` understands; only an id and a title are
    required. Of two records with one id the later one counts. The same articles give the same
    lists, in whatever order they came.

    Lists take the options of docs/LIST-OPTIONS.md, but for `surface`, `page_token` and `explain`.

    Not thread-safe.

    Args:
        articles: see `recommender.sources.tables.Articles`.
        ranking: the numbers of the formula, such as `RankingModel.read(path)` of a file that
            `alsosee tune` wrote.

    Attributes:
        rejections: the records so far that are no valid articles, each with its problems.
        warnings: the optional fields so far that were left out of an article, or cut, and why.

    Raises:
        TypeError: when *articles* is no iterable of records.
    """

    def __init__(self, articles: Articles = (), ranking: RankingModel = DEFAULTS) -> None:
        self.rejections: list[RecordProblems] = []
        self.warnings: list[RecordProblems] = []
        self._articles: dict[str, Article] = {}
        self._stored: dict[str, StoredArticle] = {}
        # The languages of certain articles decide about the others, whenever articles are added.
        self._certain: dict[str, str | None] = {}
        self._doubtful: dict[str, AnalysedArticle] = {}  # as detected without the others
        self._corpus = Corpus(self._stored_articles)
        self._recommender = Recommender(self._corpus, ranking)
        self.add(articles)

    def __len__(self) -> int:
        return len(self._articles)

    def __contains__(self, article_id: object) -> bool:
        return article_id in self._articles

    def __iter__(self) -> Iterator[str]:
        """The ids, ascending."""
        return iter(sorted(self._articles))

    def __getitem__(self, article_id: str) -> Article:
        return self._articles[article_id]

    def add(self, articles: Articles) -> list[RecordProblems]:
        """Add or replace *articles*; returns, and keeps, the rejections among them."""
        analysed: dict[str, AnalysedArticle] = {}
        rejections = []
        for record in records_of(articles):
            try:
                if isinstance(record.data, InvalidInput):
                    raise record.data
                one = analyse(record.data)
            except InvalidInput as error:
                rejections.append(RecordProblems.of(record, error.problems))
                continue
            if one.warnings:
                self.warnings.append(RecordProblems.of(record, one.warnings))
            analysed[one.article.id] = one
        self._keep(self._settled(analysed))
        self.rejections += rejections
        return rejections

    def _settled(self, analysed: dict[str, AnalysedArticle]) -> dict[str, AnalysedArticle]:
        """These articles, and earlier ones whose language looks different beside them."""
        for article_id, one in analysed.items():
            self._doubtful.pop(article_id, None)
            self._certain.pop(article_id, None)
            if one.is_language_certain:
                self._certain[article_id] = one.article.language
            else:
                self._doubtful[article_id] = one
        languages = LanguageMix.of(self._certain.values())
        settled = dict(analysed)
        for article_id, one in self._doubtful.items():
            again = settle_language(one, languages)
            known = self._articles.get(article_id)
            if article_id in analysed or known is None or known.language != again.article.language:
                settled[article_id] = again
        return settled

    def _keep(self, analysed: dict[str, AnalysedArticle]) -> None:
        stored = {}
        for article_id, one in analysed.items():
            self._articles[article_id] = one.article
            stored[article_id] = StoredArticle(Facets.of(card_of(one.article)), one.features)
        self._stored |= stored
        self._corpus.apply(stored)

    def remove(self, article_ids: Iterable[str]) -> None:
        """Take these articles out; ids that are not there are ignored."""
        leaving = {article_id for article_id in article_ids if article_id in self._articles}
        for article_id in leaving:
            del self._articles[article_id]
            del self._stored[article_id]
            self._doubtful.pop(article_id, None)
            self._certain.pop(article_id, None)
        self._corpus.apply({}, leaving)

    def to(
        self, article_id: str, *, now: datetime | None = None, **options: Any
    ) -> list[RelatedArticle]:
        """
        The list next to one of the articles, best first.

        Args:
            now: articles published later are left out; the clock's time unless given.
            options: such as `limit=3, mode="background", section=["World"], max_age="90d"`.

        Raises:
            NotFound: when there is no such article.
            InvalidInput: naming the option that cannot be used.
        """
        chosen = _options(options)
        related = self._recommender.related(article_id, chosen, now or datetime.now(UTC))
        return self._items(related)

    def to_draft(
        self, draft: Mapping[str, Any], *, now: datetime | None = None, **options: Any
    ) -> list[RelatedArticle]:
        """
        The list next to a text that is not one of the articles: a title, a body, or both.

        Raises:
            InvalidInput: when the draft, or an option, cannot be used.
        """
        article = parse_draft(plain_value(draft))
        chosen = _options(options)
        related = self._recommender.related_to(
            StoredArticle.of_draft(article), chosen, now or datetime.now(UTC)
        )
        return self._items(related)

    def to_several(
        self,
        like: Iterable[str | Mapping[str, Any]],
        unlike: Iterable[str | Mapping[str, Any]] = (),
        *,
        now: datetime | None = None,
        **options: Any,
    ) -> list[RelatedArticle]:
        """
        One list for several articles, which are in it neither themselves nor as another's story.

        Args:
            like: ids of articles, and texts as for `to_draft`; one at least.
            unlike: what the list is to keep away from, in the same form.

        Raises:
            NotFound: when there is no such article.
            InvalidInput: when *like* is empty, or a text or an option cannot be used.
        """
        examples = [Example(_article(one)) for one in like]
        if not examples:
            raise InvalidInput.at("like", "expected at least one article or text")
        examples += [Example(_article(one), -1.0) for one in unlike]
        related = self._recommender.related_to_several(
            examples, _options(options), now or datetime.now(UTC)
        )
        return self._items(related)

    def lists(
        self, *, now: datetime | None = None, **options: Any
    ) -> Iterator[tuple[str, list[RelatedArticle]]]:
        """Every article's id with its list, in order of the ids; `dict(related.lists())`."""
        moment = now or datetime.now(UTC)  # one for all lists, which may take minutes
        for article_id in self:
            yield article_id, self.to(article_id, now=moment, **options)

    def _stored_articles(self, article_ids: Iterable[str]) -> dict[str, StoredArticle]:
        return {article_id: self._stored[article_id] for article_id in article_ids}

    def _items(self, ranking: Ranking) -> list[RelatedArticle]:
        items = []
        for article_id, ranked in ranking.by_id(self._corpus).items():
            article = self._articles[article_id]
            same_story = tuple(self._corpus.ids(ranked.same_story))
            items.append(
                RelatedArticle(
                    article_id,
                    article.title,
                    ranked.score,
                    ranked.similarity,
                    ranked.reason,
                    same_story,
                    article,
                )
            )
        return items


def _article(one: str | Mapping[str, Any]) -> str | StoredArticle:
    if isinstance(one, str):
        return one
    return StoredArticle.of_draft(parse_draft(plain_value(one)))


_NOT_HERE = ("surface", "page_token", "explain")


def _options(options: Mapping[str, Any]) -> ListOptions:
    for name in _NOT_HERE:
        if name in options:
            raise InvalidInput.at(name, "is an option of the service alone")
    try:
        return ListOptions.model_validate(options)
    except ValidationError as error:
        raise InvalidInput(field_problems(error)) from None
