"""A list as JSON."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from features.article import Article
from recommender.articles import Card
from recommender.pipeline.explain import REASONS, SharedTerm, named, sentence, spellings
from recommender.pipeline.results import ListItem, Reason, RelatedList
from recommender.policy.list_options import ListOptions

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


class ItemExplanation(TypedDict):
    """The parts of an item's score."""

    similarity: Similarity
    factors: Factors
    diversity_penalty: DiversityPenalty
    terms: list[WeightedTerm]
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


class ListSource(TypedDict):
    """The article that the list belongs to; without id and url for a draft."""

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
        draft: the source, if that is not stored.
        texts: the source by id; only given if the list is to be explained.
    """
    digest = blake2b(f"{name}\0{version}".encode(), digest_size=9).hexdigest()
    return {
        "source": _source(related, draft),
        "items": _items(related, draft, texts),
        "recommendation_id": digest,
        "version": version,
        "fallback": related.fallback,
        "page_token": str(options.page_token.adding(_article_ids(related))),
    }


def _source(related: RelatedList, draft: Article | None) -> ListSource | None:
    if related.source is not None:
        card = related.source
        return {"id": card.get("id"), "url": card.get("url"), "title": card.get("title")}
    return None if draft is None else {"id": None, "url": None, "title": draft.title}


def _items(
    related: RelatedList, draft: Article | None, texts: Mapping[str, Article] | None
) -> list[ListedArticle]:
    source = None
    if texts is not None:
        source = draft or texts.get((related.source or {}).get("id", ""))
    source_spellings = None if source is None else spellings(source)
    items = []
    for place, item in enumerate(related.items, 1):
        listed = listed_article(item, place)
        if source_spellings is not None:
            listed = {**listed, **explained(item, source_spellings)}
        items.append(listed)
    return items


def _article_ids(made: RelatedList) -> list[str]:
    """Of the items, and of the articles that tell the same stories."""
    ids = []
    for item in made.items:
        ids += [item.card["id"], *item.same_story]
    return ids


def explained(item: ListItem, source_spellings: Mapping[int, str]) -> ItemExplanation:
    """The parts of an item's score, with shared terms as the source spells them."""
    terms = named(item.shared, source_spellings) if item.shared else []
    text = sentence(terms) if item.reason in ("similar", "relaxed") else ""
    return {
        "similarity": item.similarity,
        "factors": dict(item.factors),
        "diversity_penalty": item.diversity_penalty,
        "terms": weighted_terms(terms),
        "reason": _reason(item, text),
    }


def weighted_terms(terms: Iterable[SharedTerm]) -> list[WeightedTerm]:
    return [{"term": term, "weight": weight} for term, weight in terms]


def listed_article(item: ListItem, position: int) -> ListedArticle:
    """An item as every list shows it."""
    return {
        **item.card,  # type: ignore[typeddict-item]  # it has no keys of an explanation
        "score": item.score,
        "position": position,
        "reason": _reason(item),
    }


def _reason(item: ListItem, text: str = "") -> ItemReason:
    reason: ItemReason = {"code": item.reason, "text": text or REASONS[item.reason]}
    if item.same_story:
        reason["same_story"] = list(item.same_story)
    return reason
