"""A list as JSON."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from features.article import Article
from features.language import language_of_words
from recommender.articles import Card
from recommender.pipeline.explain import Contributions, named
from recommender.pipeline.results import ListItem, Reason, RelatedList
from recommender.pipeline.sentences import NAMED, reason_text
from recommender.pipeline.subjects import SubjectFinder
from recommender.policy.list_options import ListOptions
from recommender.replica.site import SiteReplica

MAX_SUBJECTS = 8  # of one item

Similarity = Annotated[float, Field(description="Cosine with the source")]
Factors = Annotated[
    dict[str, float], Field(description="What each part contributes; their product is the score")
]
DiversityPenalty = Annotated[
    float,
    Field(
        description="`diversity` times the highest cosine with an item before it. It is subtracted "
        "from `(1 - diversity) · score / best score` to choose the items in order"
    ),
]


Subjects = Annotated[
    list[str], Field(description="The shared terms that an editor would name first, best first")
]


class ItemReason(TypedDict):
    """Why an item is in the list."""

    code: Reason
    text: str
    same_story: NotRequired[
        Annotated[
            list[str],
            Field(
                description="Ids of other articles that tell the same story, which it represents"
            ),
        ]
    ]


class WeightedTerm(TypedDict):
    """A term that both texts contain; the weights of all of them add up to the similarity."""

    term: str
    weight: float


class SharedWords(TypedDict):
    """The words that two articles share."""

    terms: list[WeightedTerm]
    subjects: Subjects


class ItemExplanation(SharedWords):
    """The parts of an item's score."""

    similarity: Similarity
    factors: Factors
    diversity_penalty: DiversityPenalty
    reason: ItemReason


class ListedArticle(Card):
    """An article as a list shows it; from `similarity` on only with `explain`."""

    score: Annotated[
        float, Field(description="What the order goes by: the product of `factors`, six decimals")
    ]
    position: Annotated[int, Field(ge=1)]
    reason: ItemReason
    similarity: NotRequired[Similarity]
    factors: NotRequired[Factors]
    diversity_penalty: NotRequired[DiversityPenalty]
    terms: NotRequired[list[WeightedTerm]]
    subjects: NotRequired[Subjects]


class ListSource(TypedDict):
    """What the list belongs to; without id and url for a draft and for several articles."""

    id: str | None
    url: str | None
    title: str | None


class List(TypedDict):
    """A list of articles, best first."""

    source: ListSource | None
    items: list[ListedArticle]
    recommendation_id: str
    version: Annotated[
        int, Field(description="Number of the site's last change that the list knows of")
    ]
    fallback: Annotated[
        bool, Field(description="Whether less related or recent articles fill the list up")
    ]
    page_token: Annotated[
        str, Field(description="Pass it to the next list of the page, which then shows others")
    ]


def document(
    related: RelatedList,
    version: int,
    name: str,
    options: ListOptions,
    draft: Article | None = None,
    texts: Mapping[str, Article] | None = None,
) -> List:
    """
    The list as its JSON.

    Args:
        name: distinguishes the lists of one version.
        draft: the source, if that is not stored; one text of all if there are several.
        texts: the source and the items by id; only given if the list is to be explained.
    """
    # Not random: every worker gives the same list the same id.
    digest = blake2b(f"{name}\0{version}".encode(), digest_size=9).hexdigest()
    return {
        "source": _source(related, draft),
        "items": _items(related, list_language(related, options, draft), draft, texts),
        "recommendation_id": digest,
        "version": version,
        "fallback": related.fallback,
        "page_token": str(options.page_token.adding(_article_ids(related))),
    }


def _source(related: RelatedList, draft: Article | None) -> ListSource | None:
    if related.source is not None:
        card = related.source
        return {"id": card.get("id"), "url": card.get("url"), "title": card.get("title")}
    if draft is None:
        return None
    return {"id": None, "url": None, "title": draft.title or None}


def list_language(
    related: RelatedList, options: ListOptions, draft: Article | None = None
) -> str | None:
    """The language of the source or, without one, the first that the list may be in."""
    if draft is not None:
        return language_of_words(draft.language, draft.title, draft.body)
    source = related.source or {}
    cards = [source, *map(attrgetter("card"), related.items)]
    titles = [card.get("title") or "" for card in cards]
    language: str | None = source.get("language") or (options.lang or (None,))[0]
    return language_of_words(language, *titles)


def texts_to_explain(live: SiteReplica, related: RelatedList, *more: str) -> dict[str, Article]:
    """The items' articles and *more* ones, by id."""
    item_ids = [item.card["id"] for item in related.items]
    return live.texts([*more, *item_ids])


def _items(
    related: RelatedList,
    language: str | None,
    draft: Article | None,
    texts: Mapping[str, Article] | None,
) -> list[ListedArticle]:
    source = None
    if texts is not None:
        source = draft or texts.get((related.source or {}).get("id", ""))
    finder = None if source is None else SubjectFinder(source)
    items: list[ListedArticle] = []
    for place, item in enumerate(related.items, 1):
        listed = listed_article(item, place, language)
        if finder is not None and texts is not None:
            explanation = explained(item, finder, texts.get(item.card["id"]))
            if related.has_several_sources:  # "Both about" is for two articles
                explanation["reason"] = listed["reason"]
            listed = {**listed, **explanation}
        items.append(listed)
    return items


def _article_ids(related: RelatedList) -> list[str]:
    """The ids of the items, and of the articles whose stories they represent."""
    ids = []
    for item in related.items:
        ids += [item.card["id"], *item.same_story]
    return ids


def explained(
    item: ListItem, finder: SubjectFinder | None, target: Article | None
) -> ItemExplanation:
    """
    The parts of an item's score.

    Args:
        finder: of the source; None when its text is not stored.
        target: the item's article; None when its text is not stored.
    """
    shared = shared_words(item.shared, finder, target)
    return {
        "similarity": item.similarity,
        "factors": dict(item.factors),
        "diversity_penalty": item.diversity_penalty,
        **shared,
        "reason": _reason(item, source_language(finder), in_sentence(shared["subjects"], finder)),
    }


def source_language(finder: SubjectFinder | None) -> str | None:
    """The language of words about the article whose subjects *finder* knows."""
    if finder is None:
        return None
    article = finder.source.article
    return language_of_words(article.language, article.title, article.body)


def shared_words(
    shared: Contributions | None, finder: SubjectFinder | None, target: Article | None
) -> SharedWords:
    """The shared terms, as the source spells them."""
    if shared is None or finder is None:
        return {"terms": [], "subjects": []}
    terms = named(shared, finder.source.shown)
    return {
        "terms": [{"term": term, "weight": weight} for term, weight in terms],
        "subjects": finder.subjects(shared, target, MAX_SUBJECTS),
    }


def in_sentence(subjects: Sequence[str], finder: SubjectFinder | None) -> list[str]:
    """The subjects that a sentence names, with their definite articles."""
    return [] if finder is None else finder.with_articles(subjects[:NAMED])


def listed_article(item: ListItem, position: int, language: str | None) -> ListedArticle:
    """An item as every list shows it, with a reason in the *language* of the list."""
    return {
        **item.card,  # type: ignore[typeddict-item]  # it has no keys of an explanation
        "score": item.score,
        "position": position,
        "reason": _reason(item, language),
    }


def _reason(item: ListItem, language: str | None, about: Sequence[str] = ()) -> ItemReason:
    reason: ItemReason = {
        "code": item.reason,
        "text": reason_text(item.reason, language, about),
    }
    if item.same_story:
        reason["same_story"] = list(item.same_story)
    return reason
