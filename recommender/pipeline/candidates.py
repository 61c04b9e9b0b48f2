"""Articles that share words with the source, weighed by everything but each other."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.articles import instant
from recommender.index.corpus import Corpus
from recommender.index.index import SCORE_DECIMALS, Neighbours
from recommender.pipeline.signals import Source, recency, signals
from recommender.policy.list_options import ListOptions
from recommender.policy.ranking_model import RankingModel, Values
from recommender.policy.rule_set import AppliedRules

BEFORE = 0.25  # what an older article keeps of its score in mode `followup`
HIGHEST = 1e6  # score
POOL = 100  # among so many neighbours the model orders; deeper ones stand behind them
DEEPEST = 400  # all are held against each other, which takes their number squared
DEEPER = 4  # times as many are fetched, when stories and caps leave too few


class Candidates(NamedTuple):
    """
    Articles under consideration, in list order.

    Fields:
        slots: shape (n,).
        similarity: the cosine, shape (n,).
        scores: what they are ordered by, rounded to six decimals, shape (n,).
        factors: what each part of the formula contributes; the product is the score.
        pools: ascending, shape (n,): 0 for the nearest 100, 1 for deeper ones. What stands in the
            first does not depend on whether the second was fetched.
    """

    slots: NDArray[np.intp]
    similarity: Values
    scores: Values
    factors: Mapping[str, Values]
    pools: NDArray[np.intp]

    def take(self, places: NDArray[np.intp]) -> "Candidates":
        """Those at *places*, in that order."""
        factors = {name: values[places] for name, values in self.factors.items()}
        return Candidates(
            self.slots[places],
            self.similarity[places],
            self.scores[places],
            factors,
            self.pools[places],
        )


def score_candidates(
    corpus: Corpus,
    source: Source,
    found: Neighbours,
    options: ListOptions,
    rules: AppliedRules,
    model: RankingModel,
    now: datetime,
    depth: int,
) -> Candidates:
    """
    Score the *depth* nearest neighbours and put them in order: pool, score, then newer, then id.

    The order of a pool stays when more are fetched: the deeper ones come after it.
    """
    nearest = in_order(corpus, found.slots, found.scores)[:depth]
    slots, similarity = found.slots[nearest], found.scores[nearest]
    model = _for_mode(model, options)
    known = signals(corpus, source, slots, model.used_signals())
    known["time"] = _time(corpus, source, slots, options, model, now)
    factors = model.factors(similarity, known)
    if options.mode == "followup":
        factors["newer"] = _newer(corpus, source, slots)
    factors |= _boosts(corpus, slots, rules)
    product = np.prod(list(factors.values()), axis=0)
    # Learnt powers may be negative: what overflows is still only the best of the list.
    scores = np.round(np.nan_to_num(product, posinf=HIGHEST).clip(0.0, HIGHEST), SCORE_DECIMALS)
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
    # ~x is -x - 1, and unlike -x it knows no overflow for undated articles.
    keys = [~corpus.facets.published[slots], -scores, *([] if pools is None else [pools])]
    order = np.lexsort(keys)
    ties = np.all([key[order[1:]] == key[order[:-1]] for key in keys], axis=0)
    if not ties.any():
        return order
    # Only theirs: to read all ids takes longer than all the rest.
    tied = np.union1d(order[:-1][ties], order[1:][ties])
    ids = np.full(slots.size, "", dtype=object)
    ids[tied] = corpus.ids(slots[tied])
    return np.lexsort([ids, *keys])


def _for_mode(model: RankingModel, options: ListOptions) -> RankingModel:
    """Who asks for a half-life, or for what is recent, means that the whole score sinks with it."""
    asked = options.half_life is not None
    if not asked and options.mode != "recent":
        return model
    days = options.half_life.total_seconds() / 86_400 if options.half_life else model.half_life_days
    weights = model.weights.model_copy(update={"time": 1.0})
    return model.model_copy(update={"weights": weights, "half_life_days": days})


def _time(
    corpus: Corpus,
    source: Source,
    slots: NDArray[np.intp],
    options: ListOptions,
    model: RankingModel,
    now: datetime,
) -> Values:
    published = corpus.facets.published[slots]
    origin = instant(now) if options.mode == "recent" else source.facets.published
    near = recency(published, origin, model.half_life_days)
    for tag in model.evergreen_tags:
        near[corpus.facets.has_value("tag", tag.casefold(), slots)] = 1.0
    return near


def _newer(corpus: Corpus, source: Source, slots: NDArray[np.intp]) -> Values:
    """Lets what came after the source pass what came before it, unless that is far closer."""
    newer = corpus.facets.published[slots] > source.facets.published
    return np.where(newer, 1.0, BEFORE)


def _boosts(corpus: Corpus, slots: NDArray[np.intp], rules: AppliedRules) -> dict[str, Values]:
    """The editors' factor; none when no rule boosts or buries."""
    if not rules.boosts and not rules.section_boosts:
        return {}
    sections = [corpus.facets.of(slot).section for slot in slots.tolist()]
    found = [
        rules.boost(article_id, section[0] if section else None).factor
        for article_id, section in zip(corpus.ids(slots), sections, strict=True)
    ]
    return {"boost": np.array(found)}
