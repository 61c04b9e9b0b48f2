"""Ways to learn a ranking model from judged candidates, the simplest first."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from recommender.evaluation.pools import TRACE, Pools
from recommender.evaluation.protocol import LINKED
from recommender.policy.ranking_model import (
    DEFAULTS,
    RankingModel,
    SignalPowers,
    SignalWeights,
    Values,
)

HIGHEST = 25.0  # power; the difference of two is still one that a model may have
LEAST = 1e-4  # in place of a cosine of 0, which has no logarithm
HALF = 0.5  # weight of a signal that the defaults leave out, when a power for it is learnt

# How strongly coefficients are shrunk. That of the default score hardly is, so too few links give
# the default order.
STRENGTH = 0.03
FREEDOM = 10.0
LINKED_WEIGHT = 3.0  # of an article that the source links to; the others only link to the source

STEPS: dict[str, Sequence[float]] = {
    "time": (1 / 3, 0.5, 2 / 3, 0.8, 0.9),
    "half_life_days": (2.0, 7.0, 30.0, 90.0),
    "author": (0.0, 0.12, 0.23, 0.4, 0.6),
    "section": (0.0, 0.13, 0.25, 0.5, 0.75),
    "tags": (0.0, 0.2, 0.4, 0.6),
    "title": (0.0, 0.2, 0.4, 0.6),
    "mention": (0.0, 0.2, 0.4, 0.6),
}
PASSES = 2


def with_weights(pools: Pools) -> RankingModel:
    """Change one weight or the half-life at a time, if that gains more than its standard error."""
    model = DEFAULTS
    for _ in range(PASSES):
        before = model
        for name in STEPS:
            model = _best_step(pools, model, name)
        if model == before:  # another pass would try the same steps again
            break
    return model


def _best_step(pools: Pools, model: RankingModel, name: str) -> RankingModel:
    before = pools.ndcg(model)
    best = model
    highest = 0.0
    for value in STEPS[name]:
        changed = _changed(model, name, value)
        gains = pools.ndcg(changed) - before
        cautious_gain = float(gains.mean() - gains.std() / np.sqrt(gains.size))
        if cautious_gain > highest:
            best = changed
            highest = cautious_gain
    return best


def _changed(model: RankingModel, name: str, value: float) -> RankingModel:
    if name == "half_life_days":
        return model.model_copy(update={name: value})
    return model.model_copy(update={"weights": model.weights.model_copy(update={name: value})})


def reranked(pools: Pools, start: RankingModel, names: Sequence[str] = ()) -> RankingModel:
    """
    Fit a logistic regression of "is linked to" on logarithms of the formula's parts.

    Columns are the score by *start*, the cosine, the recency, and the factors called *names*.
    Scaled so that the cosine enters the score as it is, its coefficients are powers of the model.
    """
    weights = {}
    for name, weight in start.weights:
        if name in names:
            weights[name] = weight or HALF
    columns = _columns(pools, start, weights)
    grades = pools.grades[pools.listed]
    # A classifier needs both kinds.
    if not (grades > 0).any() or (grades > 0).all():
        return start
    score, cosine, recency, *signals = _coefficients(columns, grades)
    unit = score + cosine
    if unit <= 0:
        return start  # links to the least similar articles: not for a list of related ones
    powers = np.clip(np.array([score, recency, *signals]) / unit, -HIGHEST, HIGHEST).tolist()
    learnt = dict(zip(weights, powers[2:], strict=True))
    return _with_powers(start, weights, powers[0], powers[1], learnt)


def _columns(pools: Pools, start: RankingModel, weights: Mapping[str, float]) -> Values:
    """Logarithms of the parts, a row for each candidate; shape (n, 3 + signals)."""
    cosine = np.log(np.maximum(pools.similarity, LEAST))
    score = np.log(np.maximum(pools.scores(start), LEAST**2))
    recency = np.log(pools.recency(start.half_life_days))
    factors = []
    for name, weight in weights.items():
        factors.append(np.log(1 - weight * (1 - pools.signals[name])))
    return np.stack([score, cosine, recency, *factors], axis=-1)[pools.listed]


def _coefficients(columns: Values, grades: NDArray[np.intp]) -> list[float]:
    """The coefficients of the unscaled columns, the first hardly shrunk; shape (columns,)."""
    spread = columns.std(axis=0)
    freedom = np.where(np.arange(spread.size) == 0, FREEDOM, 1.0)
    # A column that is constant, as the author of a site without bylines, carries no information.
    scale = np.divide(freedom, spread, out=np.zeros(spread.size), where=spread > TRACE)
    regression = LogisticRegression(C=STRENGTH, max_iter=1000)
    weight = np.where(grades >= LINKED, LINKED_WEIGHT, 1.0)
    regression.fit((columns - columns.mean(axis=0)) * scale, grades > 0, sample_weight=weight)
    coefficients: list[float] = (regression.coef_[0] * scale).tolist()
    return coefficients


def _with_powers(
    start: RankingModel,
    weights: Mapping[str, float],
    context: float,
    recency: float,
    learnt: Mapping[str, float],
) -> RankingModel:
    """The *learnt* powers are additions to the context's, for signals that *start* uses."""
    used = start.used_signals()
    powers = {}
    for name, power in learnt.items():
        powers[name] = power if name in used else power - context
    return start.model_copy(
        update={
            "weights": start.weights.model_copy(update=dict(weights)),
            "context_power": context,
            "nearness_power": recency,
            "powers": SignalPowers(**powers),
        }
    )


Recipe = Callable[[Pools], RankingModel]
SIGNALS = tuple(SignalWeights.model_fields)[1:]  # time has two columns of its own

RECIPES: dict[str, Recipe] = {
    "defaults": lambda pools: DEFAULTS,
    "weights": with_weights,
    "time": lambda pools: reranked(pools, DEFAULTS),
    "time+mention": lambda pools: reranked(pools, DEFAULTS, ["mention"]),
    "time+signals": lambda pools: reranked(pools, DEFAULTS, SIGNALS),
    "weights+time": lambda pools: reranked(pools, with_weights(pools), ()),
}
"""Name → recipe, the simplest first."""
