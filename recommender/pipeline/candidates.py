"""Candidates: the articles nearest to the source, each with its score."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.language import UNKNOWN
from recommender.articles import instant
from recommender.index.corpus import Corpus
from recommender.index.index import SCORE_DECIMALS, Neighbours
from recommender.pipeline.request import Request
from recommender.pipeline.signals import Source, recency, signals
from recommender.policy.list_options import ListOptions
from recommender.policy.ranking_model import RankingModel, Values
from recommender.policy.rule_set import AppliedRules

OLDER_IN_FOLLOWUP = 0.25  # what an older article keeps of its score in mode `followup`
HIGHEST_SCORE = 1e6
POOL = 100  # the model orders so many of the nearest articles; deeper candidates follow them
MAX_CANDIDATES = 400  # all are compared with each other, which takes their number squared
DEEPENING = 4  # times as many are fetched if stories and caps leave too few


class Candidates(NamedTuple):
    """
    Articles that may get into the list, in list order.

    Fields:
        slots: shape (n,).
        similarity: the cosine, shape (n,).
        scores: what they are ordered by, rounded to six decimals, shape (n,).
        factors: what each part of the formula contributes; the product is the score.
        pools: ascending, shape (n,): 0 for the nearest 100, 1 for deeper ones. The order of the
            first pool does not depend on whether the second was fetched.
    """

    slots: NDArray[np.intp]
    similarity: Values
    scores: Values
    factors: Mapping[str, Values]
    pools: NDArray[np.intp]

    def take(self, places: NDArray[np.intp]) -> "Candidates":
        """The candidates at *places*, in that order."""
        factors = {name: values[places] for name, values in self.factors.items()}
        return Candidates(
            self.slots[places],
            self.similarity[places],
            self.scores[places],
            factors,
            self.pools[places],
        )


def nearest(
    corpus: Corpus, source: Source, k: int, eligible: NDArray[np.bool_] | None = None
) -> Neighbours:
    """The *k* articles nearest to the source, and all that tie with the last."""
    if source.slot is not None:
        return corpus.index.similar(corpus.index.ids[source.slot], k, eligible)
    return corpus.index.similar_to(source.counts, k, eligible)


def without_shown(request: Request, neighbours: Neighbours) -> Neighbours:
    """The *neighbours* without those that other lists of the page show."""
    page_token = request.options.page_token
    if not page_token:
        return neighbours
    ids = request.corpus.ids(neighbours.slots)
    is_new = np.array([article_id not in page_token for article_id in ids], dtype=np.bool_)
    return Neighbours(neighbours.slots[is_new], neighbours.scores[is_new])


def least_similarity(request: Request, source: Source) -> float:
    """The cosine below which an article is not called related."""
    if request.options.min_score is not None:
        return request.options.min_score
    if request.model.min_similarity is not None:
        return request.model.min_similarity
    language = next(iter(source.facets.language), UNKNOWN)
    return request.corpus.least_similarity(None if language == UNKNOWN else language)


def allows_less_similar(options: ListOptions) -> bool:
    """Whether the list may hold articles below `least_similarity`."""
    return options.fills_up and options.min_score is None


def score_candidates(
    request: Request, source: Source, neighbours: Neighbours, depth: int
) -> Candidates:
    """
    Score the *depth* nearest neighbours and order them: by pool, score, then newer, then id.

    The order of a pool stays the same when more are fetched: the deeper ones follow it.
    """
    corpus = request.corpus
    closest = in_order(corpus, neighbours.slots, neighbours.scores)[:depth]
    slots = neighbours.slots[closest]
    similarity = neighbours.scores[closest]
    factors = _factors(request, source, slots, similarity)
    product = np.prod(list(factors.values()), axis=0)
    # Powers that were tuned may be negative, and then a score can overflow.
    product = np.nan_to_num(product, posinf=HIGHEST_SCORE).clip(0.0, HIGHEST_SCORE)
    scores = np.round(product, SCORE_DECIMALS)
    pools = (np.arange(slots.size) >= POOL).astype(np.intp)
    order = in_order(corpus, slots, scores, pools)
    return Candidates(slots, similarity, scores, factors, pools).take(order)


def in_order(
    corpus: Corpus,
    slots: NDArray[np.intp],
    scores: Values,
    pools: NDArray[np.intp] | None = None,
) -> NDArray[np.intp]:
    """The places of *slots* by pool, then score, then newer, then id; shape of *slots*."""
    # ~x is -x - 1, which unlike -x cannot overflow for undated articles.
    keys = [~corpus.facets.published[slots], -scores, *([] if pools is None else [pools])]
    order = np.lexsort(keys)
    ties = np.all([key[order[1:]] == key[order[:-1]] for key in keys], axis=0)
    if not ties.any():
        return order
    # Only the ids of tied articles are read: to read all takes longer than everything else.
    tied = np.union1d(order[:-1][ties], order[1:][ties])
    ids = np.full(slots.size, "", dtype=object)
    ids[tied] = corpus.ids(slots[tied])
    return np.lexsort([ids, *keys])


def _factors(
    request: Request, source: Source, slots: NDArray[np.intp], similarity: Values
) -> dict[str, Values]:
    """Name → what it contributes to each score, shape (n,)."""
    corpus = request.corpus
    model = _model_for_mode(request.model, request.options)
    values = signals(corpus, source, slots, model.used_signals())
    values["time"] = _time(request, source, slots, model)
    factors = model.factors(similarity, values)
    if request.options.mode == "followup":
        factors["newer"] = _newer(corpus, source, slots)
    return factors | _boosts(corpus, slots, request.rules)


def _model_for_mode(model: RankingModel, options: ListOptions) -> RankingModel:
    """With a requested half-life, and in mode `recent`, the whole score falls with time."""
    half_life = options.half_life
    if half_life is None and options.mode != "recent":
        return model
    days = half_life.total_seconds() / 86_400 if half_life else model.half_life_days
    weights = model.weights.model_copy(update={"time": 1.0})
    return model.model_copy(update={"weights": weights, "half_life_days": days})


def _time(request: Request, source: Source, slots: NDArray[np.intp], model: RankingModel) -> Values:
    facets = request.corpus.facets
    is_recent = request.options.mode == "recent"
    origin = instant(request.now) if is_recent else source.facets.published
    values = recency(facets.published[slots], origin, model.half_life_days)
    for tag in model.evergreen_tags:
        values[facets.has_value("tag", tag.casefold(), slots)] = 1.0
    return values


def _newer(corpus: Corpus, source: Source, slots: NDArray[np.intp]) -> Values:
    """Puts articles newer than the source before older ones, unless these are far closer."""
    newer = corpus.facets.published[slots] > source.facets.published
    return np.where(newer, 1.0, OLDER_IN_FOLLOWUP)


def _boosts(corpus: Corpus, slots: NDArray[np.intp], rules: AppliedRules) -> dict[str, Values]:
    """The editors' factor; none when no rule boosts or buries."""
    if not rules.boosts and not rules.section_boosts:
        return {}
    boosts = []
    for slot, article_id in zip(slots.tolist(), corpus.ids(slots), strict=True):
        section = next(iter(corpus.facets.of(slot).section), None)
        boosts.append(rules.boost(article_id, section).factor)
    return {"boost": np.array(boosts)}
