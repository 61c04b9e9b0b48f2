"""Why an article is in a list, or why it is not."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from api.lists.document import (
    DiversityPenalty,
    Factors,
    ItemExplanation,
    SharedWords,
    explained,
    in_sentence,
    shared_words,
    source_language,
)
from features.article import Article
from recommender.pipeline.explain import WHY_NOT
from recommender.pipeline.results import Exclusion, Explanation
from recommender.pipeline.sentences import reason_text
from recommender.pipeline.subjects import SubjectFinder
from recommender.policy.list_options import ListOptions
from recommender.policy.rules import Rule
from recommender.replica.site import SiteReplica

CANDIDATES = 30  # as many as an editor looks at


class NamedArticle(TypedDict):
    """An article by its title, which is null if the article is not stored."""

    id: str
    title: str | None


class Verdict(TypedDict):
    """Why an article is in a list, or is not."""

    code: str
    text: str
    by: NotRequired[Annotated[str, Field(description="Id of the article that represents it")]]


class ExplainedPair(SharedWords):
    """One article in the list of another."""

    source: NamedArticle
    target: NamedArticle
    shown: Annotated[bool, Field(description="Whether it is on the requested page")]
    position: Annotated[int | None, Field(description="In the whole ranking, from 1")]
    reason: Verdict
    rule: Annotated[Rule | None, Field(description="The editors' rule that decided, if one did")]
    similarity: Annotated[float, Field(description="Cosine; the weights of the terms add up to it")]
    score: float | None
    factors: Factors
    diversity_penalty: DiversityPenalty


class RankedCandidate(NamedArticle, ItemExplanation):
    """A candidate that is in the list."""

    position: int
    score: float


class ExcludedCandidate(NamedArticle):
    """A candidate that is not in the list."""

    reason: Verdict


class ExplainedRanking(TypedDict):
    """The candidates for an article's list, with all parts of their scores."""

    source: NamedArticle
    version: int
    items: list[RankedCandidate]
    dropped: list[ExcludedCandidate]


def explained_pair(
    explanation: Explanation, texts: Mapping[str, Article], source_id: str, target_id: str
) -> ExplainedPair:
    """Explain one article in the list of another; *texts* holds those of the two that exist."""
    place = explanation.place
    shared = explanation.shared
    source = texts.get(source_id)
    finder = None if source is None else SubjectFinder(source)
    in_common = shared_words(shared, finder, texts.get(target_id))
    return {
        "source": _named_article(texts, source_id),
        "target": _named_article(texts, target_id),
        "shown": explanation.exclusion is None,
        "position": explanation.position,
        "reason": _verdict(explanation, finder, in_common["subjects"]),
        "rule": explanation.rule,
        "similarity": round(float(shared.weights.sum()), 6) if shared else 0.0,
        "score": place.score if place else None,
        "factors": dict(place.factors) if place else {},
        "diversity_penalty": place.diversity_penalty if place else 0.0,
        **in_common,
    }


def explained_ranking(live: SiteReplica, article_id: str, options: ListOptions) -> ExplainedRanking:
    """The first candidates with all parts of their scores, and those that were excluded."""
    # Site settings may set a short list, but an editor wants to see what is below it.
    if "limit" not in options.model_fields_set:
        options = options.replacing(limit=CANDIDATES)
    now = live.now()
    related, version = live.read_with_cards(
        lambda recommender: recommender.related(article_id, options, now)
    )
    excluded = dict(islice((related.exclusions or {}).items(), CANDIDATES))
    item_ids = [item.card["id"] for item in related.items]
    # Subjects and spellings need the whole texts, which cards do not have.
    texts = live.texts((article_id, *item_ids, *excluded))
    source = texts.get(article_id)
    finder = None if source is None else SubjectFinder(source)
    ranked: list[RankedCandidate] = []
    for position, item in enumerate(related.items, options.offset + 1):
        item_id = item.card["id"]
        candidate: RankedCandidate = {
            **_named_article(texts, item_id),
            **explained(item, finder, texts.get(item_id)),
            "position": position,
            "score": item.score,
        }
        ranked.append(candidate)
    dropped: list[ExcludedCandidate] = []
    for excluded_id, exclusion in excluded.items():
        named = _named_article(texts, excluded_id)
        dropped.append({**named, "reason": _exclusion(exclusion)})
    return {
        "source": _named_article(texts, article_id),
        "version": version,
        "items": ranked,
        "dropped": dropped,
    }


def _named_article(texts: Mapping[str, Article], article_id: str) -> NamedArticle:
    article = texts.get(article_id)
    return {"id": article_id, "title": None if article is None else article.title}


def _verdict(
    explanation: Explanation, finder: SubjectFinder | None, subjects: Sequence[str]
) -> Verdict:
    if explanation.exclusion is not None:
        return _exclusion(explanation.exclusion)
    code = explanation.place.reason if explanation.place else "similar"
    text = reason_text(code, source_language(finder), in_sentence(subjects, finder))
    return {"code": code, "text": text}


def _exclusion(exclusion: Exclusion[str]) -> Verdict:
    verdict: Verdict = {"code": exclusion.code, "text": WHY_NOT[exclusion.code]}
    if exclusion.by is not None:
        verdict["by"] = exclusion.by
    return verdict
