"""Explains why an article has no place in a list."""

from collections.abc import Mapping, Sequence

from recommender.index.index import SCORE_DECIMALS
from recommender.pipeline.candidates import POOL, allows_less_similar, least_similarity, nearest
from recommender.pipeline.eligibility import first_failed
from recommender.pipeline.explain import Contributions, contributions
from recommender.pipeline.request import Request
from recommender.pipeline.results import (
    Exclusion,
    Explanation,
    RankedArticle,
    named_exclusion,
)
from recommender.pipeline.signals import Source
from recommender.policy.rule_set import AppliedRules
from recommender.policy.rules import Rule


def explained(
    request: Request,
    source: Source,
    target: int,
    places: Sequence[RankedArticle],
    excluded: Mapping[int, Exclusion[int]],
) -> Explanation:
    """
    Explain the place of one article, or why it has none.

    Args:
        target: slot of the article.
        places, excluded: the whole ranking for *source*.
    """
    corpus = request.corpus
    slots = [place.slot for place in places]
    position = slots.index(target) + 1 if target in slots else None
    shared = contributions(corpus, source, target)
    exclusion = _exclusion(request, source, target, position, excluded, shared)
    section = next(iter(corpus.facets.of(target).section), None)
    return Explanation(
        position,
        None if position is None else places[position - 1],
        exclusion and named_exclusion(corpus, exclusion),
        shared,
        _rule_about(request.rules, corpus.index.ids[target], section),
    )


def with_ineligible(
    request: Request,
    source: Source,
    excluded: Mapping[int, Exclusion[int]],
    places: Sequence[RankedArticle],
) -> dict[int, Exclusion[int]]:
    """Add the nearest articles that are not eligible to the *excluded*; the nearest come first."""
    slots = nearest(request.corpus, source, POOL).slots.tolist()
    placed = {place.slot for place in places}
    exclusions = dict(excluded)
    for slot in slots:
        failed = first_failed(request.conditions, slot)
        if failed is not None and slot not in placed:
            exclusions[slot] = Exclusion(failed)
    # Articles that the pipeline excluded may be farther away than these; they come last.
    order = {slot: rank for rank, slot in enumerate(slots)}
    return dict(sorted(exclusions.items(), key=lambda item: order.get(item[0], len(order))))


def _exclusion(
    request: Request,
    source: Source,
    target: int,
    position: int | None,
    excluded: Mapping[int, Exclusion[int]],
    shared: Contributions,
) -> Exclusion[int] | None:
    """Why the target is not on the requested page; None when it is."""
    options = request.options
    if position is not None:
        on_page = options.offset < position <= options.last_place
        return None if on_page else Exclusion("further_down")
    # Reasons that editors can change come first, then those of the articles themselves.
    if request.rules.silenced is not None:
        return Exclusion("silenced")
    if target in excluded:
        return excluded[target]
    if request.corpus.index.ids[target] in options.page_token:
        return Exclusion("shown_elsewhere")
    failed = first_failed(request.conditions, target)
    return Exclusion(failed or _distance(request, source, shared))


def _distance(request: Request, source: Source, shared: Contributions) -> str:
    """Why an eligible article has no place."""
    if not shared.terms.size:
        return "nothing_in_common"
    similarity = round(float(shared.weights.sum()), SCORE_DECIMALS)
    is_far = similarity < least_similarity(request, source)
    return "less_similar" if is_far and not allows_less_similar(request.options) else "further_down"


def _rule_about(rules: AppliedRules, article_id: str, section: str | None) -> Rule | None:
    """The rule of the editors that decides about an article, if there is one."""
    pins = {pin.target.article: pin for pin in rules.pins}
    boosts = rules.boost(article_id, section).rules
    return (
        rules.silenced
        or rules.hidden.get(article_id)
        or rules.blocked.get(article_id)
        or rules.blocked_sections.get(section or "")
        or pins.get(article_id)
        or (boosts[0] if boosts else None)
    )
