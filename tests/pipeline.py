"""An archive in memory and the pipeline over it. Words are counted without analysis."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from counting import hash_counts
from news import article

from features.article import Article, parse_article
from features.vectorizer import ArticleFeatures, TermCounts
from recommender.articles import Facets, StoredArticle, card_of
from recommender.index.corpus import Corpus
from recommender.pipeline.recommender import Recommender
from recommender.pipeline.results import NeedsCards, RelatedList
from recommender.policy.list_options import ListOptions
from recommender.policy.ranking_model import RankingModel

NOW = datetime(2025, 3, 20, tzinfo=UTC)
ANY = ListOptions(limit=50, lang=("any",), min_score=0.0, fallback=False)

Count = Callable[[Article], ArticleFeatures]
Shown = TypeVar("Shown")


def counted(words: Iterable[str]) -> TermCounts:
    in_order = [*words]
    return hash_counts(Counter(in_order), Counter(map(" ".join, pairwise(in_order))))


def as_written(article: Article) -> ArticleFeatures:
    """Every word of the body and every two neighbours, without stems, lines and title."""
    title = counted(article.title.split()).terms
    body = counted((article.body or "").split())
    return ArticleFeatures.without_lines(body)._replace(title=title)


def ids(related_list: RelatedList) -> list[str]:
    return [item.card["id"] for item in related_list.items]


def text(name: str, words: int, start: int = 0) -> str:
    """Words that no text with another *name* has: `sea0 sea1 sea2 …`."""
    return " ".join(f"{name}{n}" for n in range(start, start + words))


class Archive:
    """Articles and the recommender over them, without a store."""

    def __init__(
        self, *articles: Mapping[str, Any], count: Count = as_written, **model: Any
    ) -> None:
        self.count = count
        self.articles: dict[str, Article] = {}
        self.stored: dict[str, StoredArticle] = {}
        self.corpus = Corpus(lambda ids: {i: self.stored[i] for i in ids if i in self.stored})
        self.recommender = Recommender(self.corpus, RankingModel(**model))
        self.put(*articles)

    def card(self, article_id: str) -> dict[str, Any]:
        return card_of(self.articles[article_id])

    def read(self, fields: Mapping[str, Any]) -> tuple[Article, StoredArticle]:
        parsed = parse_article(article(fields["id"], title="t") | dict(fields))
        return parsed, StoredArticle(Facets.of(card_of(parsed)), self.count(parsed))

    def put(self, *articles: Mapping[str, Any]) -> None:
        """Store articles at once; other fields are those of `news.article`, the title is `t`."""
        changed = {}
        for parsed, stored in map(self.read, articles):
            self.articles[parsed.id] = parsed
            self.stored[parsed.id] = stored
            changed[parsed.id] = stored
        self.corpus.apply(changed)

    def delete(self, *article_ids: str) -> None:
        for article_id in article_ids:
            del self.articles[article_id], self.stored[article_id]
        self.corpus.apply({}, article_ids)

    def slots(self, *article_ids: str) -> Any:
        return np.array([self.corpus.index.slot(i) for i in article_ids], dtype=np.intp)

    def related(self, article_id: str, options: ListOptions = ANY) -> RelatedList:
        return self.with_cards(self.recommender.related(article_id, options, NOW))

    def related_to(
        self, draft: StoredArticle, options: ListOptions = ANY, draft_of: str | None = None
    ) -> RelatedList:
        return self.with_cards(self.recommender.related_to(draft, options, NOW, draft_of))

    def recent(self, options: ListOptions = ANY) -> RelatedList:
        return self.with_cards(self.recommender.recent(options, NOW))

    def with_cards(self, result: NeedsCards[Shown]) -> Shown:
        slots = list(result.slots())
        ids = self.corpus.ids(slots)
        cards = {slot: self.card(i) for slot, i in zip(slots, ids, strict=True)}
        return result.with_cards(self.corpus, cards)
