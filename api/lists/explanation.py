"""Why does this story stand beside that one, and why does the other one not?"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from api.lists.answer import explained
from features.article import Article
from recommender.pipeline.explain import REASONS, WHY_NOT, named, sentence, spellings
from recommender.pipeline.results import Exclusion, Explanation
from recommender.policy.list_options import ListOptions
from recommender.policy.rules import Rule
from recommender.replica.site import SiteReplica

CANDIDATES = 30  # as many as an editor looks at


def pair(
    standing: Explanation, texts: Mapping[str, Article], article_id: str, target: str
) -> dict[str, Any]:
    """What one article is to another, with the *texts* of the two as far as they are there."""
    place, source = standing.place, texts.get(article_id)
    terms = named(standing.shared, spellings(source)) if standing.shared and source else []
    similarity = float(standing.shared.weights.sum()) if standing.shared else 0.0
    return {
        "source": _named_article(texts.get(article_id), article_id),
        "target": _named_article(texts.get(target), target),
        "shown": standing.exclusion is None,
        "position": standing.position,
        "reason": _reason(standing, sentence(terms)),
        "rule": _rule(standing.rule),
        "similarity": round(similarity, 6),
        "score": place.score if place else None,
        "factors": dict(place.factors) if place else {},
        "diversity_penalty": place.diversity_penalty if place else 0.0,
        "terms": [term._asdict() for term in terms],
    }


def ranking(live: SiteReplica, article_id: str, query: ListOptions) -> dict[str, Any]:
    """The first candidates with all that moved them, and those that were dropped."""
    if "limit" not in query.model_fields_set:
        query = query.model_copy(update={"limit": CANDIDATES})
    now = datetime.now(UTC)
    made, version = live.read_with_cards(
        lambda recommender: recommender.related(article_id, query, now)
    )
    dropped = dict(list((made.exclusions or {}).items())[:CANDIDATES])
    items = {item.card["id"]: item for item in made.items}
    texts = live.texts((article_id, *items, *dropped))
    source = texts.get(article_id)
    spelt = spellings(source) if source is not None else {}
    return {
        "source": _named_article(source, article_id),
        "version": version,
        "items": [
            {
                **_named_article(texts.get(i), i),
                "position": position,
                "score": item.score,
                **explained(item, spelt),
            }
            for position, (i, item) in enumerate(items.items(), query.offset + 1)
        ],
        "dropped": [
            {**_named_article(texts.get(i), i), "reason": _why_not(drop)}
            for i, drop in dropped.items()
        ],
    }


def _named_article(article: Article | None, article_id: str) -> dict[str, Any]:
    title = article.title if article is not None else None
    return {"id": article_id, "title": title}


def _reason(standing: Explanation, words: str) -> dict[str, Any]:
    if standing.exclusion is not None:
        return _why_not(standing.exclusion)
    code = standing.place.reason if standing.place else "similar"
    return {
        "code": code,
        "text": words if words and code in ("similar", "relaxed") else REASONS[code],
    }


def _why_not(drop: Exclusion[str]) -> dict[str, Any]:
    by = {"by": drop.by} if drop.by is not None else {}
    return {"code": drop.code, "text": WHY_NOT[drop.code], **by}


def _rule(rule: Rule | None) -> dict[str, Any] | None:
    return None if rule is None else rule.model_dump(mode="json")
