"""What a site's own links teach: numbers for its ranking model, and whether they help."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from recommender.errors import UnusableData
from recommender.evaluation.archive import Archive
from recommender.evaluation.intervals import Bootstrap, Difference
from recommender.evaluation.measures import GAINS, per_query
from recommender.evaluation.protocol import LINKED, Judged, Protocol, judge
from recommender.evaluation.systems import cards_of, moment, ranked_by, through_time
from recommender.evaluation.truth import Qrels
from recommender.index.corpus import Corpus
from recommender.pipeline.candidates import POOL
from recommender.pipeline.recommender import Recommender
from recommender.pipeline.results import ListItem
from recommender.policy.list_options import ListOptions
from recommender.policy.ranking_model import (
    DEFAULTS,
    RankingModel,
    SignalPowers,
    Signals,
    SignalWeights,
    Values,
)

MEASURE, PLACES = "nDCG@10", 10
FEWEST = 40  # queries to learn from, and as many to test on
FOLDS, REPEATS = 5, 3

TRACE = 1e-6  # a weight that moves nothing and still lets the signal be read
HIGHEST = 25.0  # power; the difference of two is still one that a model may hold
LEAST = 1e-4  # stands for a cosine of nothing, which has no logarithm
HALF = 0.5  # weight of a signal that the defaults leave out, when a power for it is learnt

# How hard coefficients are drawn to nothing. That of the default score hardly is, so what is too
# little to learn from yields the default order.
STRENGTH = 0.03
FREEDOM = 10.0
LINKED_WEIGHT = 3.0  # the text links there; the other link only leads here

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


@dataclass(frozen=True)
class Pools:
    """
    The candidates of many queries as arrays of shape (queries, candidates), best first.

    Fields:
        listed: False where a query has fewer candidates.
        similarity: the cosine.
        signals: see `recommender.pipeline.signals`; time with the half-life of the defaults.
        grades: 0 where nobody judged.
        ideal: the best DCG that a query allows, shape (queries,).
    """

    listed: NDArray[np.bool_]
    similarity: Values
    signals: Signals
    grades: NDArray[np.intp]
    ideal: Values

    def take(self, rows: NDArray[np.intp]) -> "Pools":
        """Those of the queries at *rows*."""
        signals = {name: values[rows] for name, values in self.signals.items()}
        similarity, grades = self.similarity[rows], self.grades[rows]
        return Pools(self.listed[rows], similarity, signals, grades, self.ideal[rows])

    def scores(self, model: RankingModel) -> Values:
        """What *model* orders the candidates by."""
        used = {name: self.signals[name] for name in model.used_signals() if name != "time"}
        time = _with_half_life(self.signals["time"], model.half_life_days)
        factors = model.factors(self.similarity, used | {"time": time})
        scores: Values = np.prod(list(factors.values()), axis=0)
        return scores

    def ndcg(self, model: RankingModel) -> Values:
        """nDCG@10 of each query, stories left aside; shape (queries,)."""
        scores = np.where(self.listed, self.scores(model), -np.inf)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :PLACES]
        gains = 2.0 ** np.take_along_axis(self.grades, best, axis=1) - 1
        reached: Values = gains @ _DISCOUNTS / self.ideal
        return reached


_DISCOUNTS = 1 / np.log2(np.arange(PLACES) + 2)


def _with_half_life(time: Values, days: float) -> Values:
    """The time signal as another half-life makes it of the same distance."""
    distance = (time**-3 - 1) * DEFAULTS.half_life_days / days
    return (1 + distance) ** (-1 / 3)


def gather(archive: Archive, judged: Judged, on_query: Callable[[], None]) -> Pools:
    """
    Ask the real pipeline each query once, as of its publication, for all of its candidates.

    The model that it is asked with orders as the defaults do, but uses every signal, however
    little; so what each signal said can be read from the factors of the answer.
    """
    weights = {name: weight or TRACE for name, weight in DEFAULTS.weights}
    probe = DEFAULTS.model_copy(update={"weights": SignalWeights(**weights)})
    corpus = Corpus(archive.stored_articles)
    recommender = Recommender(corpus, cards_of(archive), probe)
    options = ListOptions(fallback=False, min_score=0.0).replacing(limit=POOL)
    protocol = Protocol()
    lists: dict[str, list[ListItem]] = {}
    for query in through_time(archive, judged, protocol, corpus):
        made = recommender.related(query, options, moment(archive, query, protocol))
        lists[query] = made.items
        on_query()
    return _pools(lists, judged, weights)


def _pools(
    lists: Mapping[str, list[ListItem]], judged: Judged, weights: Mapping[str, float]
) -> Pools:
    def table(value: Callable[[str, ListItem], float], missing: float) -> Values:
        rows = [
            [value(query, item) for item in lists[query]] + [missing] * (POOL - len(lists[query]))
            for query in judged.qrels
        ]
        return np.array(rows, dtype=np.float64)

    def signal(name: str) -> Values:
        factor = table(lambda _, item: item.factors[name], 1.0)
        return np.clip(1 - (1 - factor) / weights[name], 0.0, 1.0)

    grades = table(lambda query, item: judged.qrels[query].get(item.card["id"], 0), 0)
    similarity = table(lambda _, item: item.similarity, 0.0)
    ideal = np.array([_ideal(grades) for grades in judged.qrels.values()])
    listed = table(lambda _, item: 1.0, 0.0) > 0
    return Pools(
        listed, similarity, {name: signal(name) for name in weights}, grades.astype(np.intp), ideal
    )


def _ideal(judged: Mapping[str, int]) -> float:
    gains = sorted((GAINS[grade] for grade in judged.values()), reverse=True)[:PLACES]
    return float(np.array(gains) @ _DISCOUNTS[: len(gains)])


def with_weights(pools: Pools) -> RankingModel:
    """
    Change one weight, or the half-life, at a time, where that gains more than its standard error.
    """
    model = DEFAULTS
    for _ in range(PASSES):
        before = model
        for name in STEPS:
            model = _best_step(pools, model, name)
        if model == before:
            break
    return model


def _best_step(pools: Pools, model: RankingModel, name: str) -> RankingModel:
    reached = pools.ndcg(model)
    best, most = model, 0.0
    for value in STEPS[name]:
        changed = _changed(model, name, value)
        gains = pools.ndcg(changed) - reached
        surely = float(gains.mean() - gains.std() / np.sqrt(gains.size))
        if surely > most:
            best, most = changed, surely
    return best


def _changed(model: RankingModel, name: str, value: float) -> RankingModel:
    if name == "half_life_days":
        return model.model_copy(update={name: value})
    return model.model_copy(update={"weights": model.weights.model_copy(update={name: value})})


def reranked(pools: Pools, start: RankingModel, names: Sequence[str] = ()) -> RankingModel:
    """
    Fit a logistic regression of "is linked to" on logarithms of the formula's parts.

    Columns are the score by *start*, the cosine, the nearness, and the factors called *names*.
    Scaled so that the cosine enters the score as it is, its coefficients are powers of the model.
    """
    weights = {name: weight or HALF for name, weight in start.weights if name in names}
    columns, grades = _columns(pools, start, weights), pools.grades[pools.listed]
    if not (grades > 0).any() or (grades > 0).all():
        return start
    score, cosine, recency, *signals = _coefficients(columns, grades)
    unit = score + cosine
    if unit <= 0:
        return start  # links to what is least alike: not for a list of related articles
    powers = np.clip(np.array([score, recency, *signals]) / unit, -HIGHEST, HIGHEST).tolist()
    learnt = dict(zip(weights, powers[2:], strict=True))
    return _with_powers(start, weights, powers[0], powers[1], learnt)


def _columns(pools: Pools, start: RankingModel, weights: Mapping[str, float]) -> Values:
    """Logarithms of the parts, a row for each candidate; shape (n, 3 + signals)."""
    cosine = np.log(np.maximum(pools.similarity, LEAST))
    score = np.log(np.maximum(pools.scores(start), LEAST**2))
    near = np.log(_with_half_life(pools.signals["time"], start.half_life_days))
    factors = [np.log(1 - w * (1 - pools.signals[name])) for name, w in weights.items()]
    return np.stack([score, cosine, near, *factors], axis=-1)[pools.listed]


def _coefficients(columns: Values, grades: NDArray[np.intp]) -> list[float]:
    """Of the columns as they are, the first of them hardly shrunk; shape (columns,)."""
    spread = columns.std(axis=0)
    freedom = np.where(np.arange(spread.size) == 0, FREEDOM, 1.0)
    # What is always the same, as the authors of a site without bylines, says nothing.
    scale = np.divide(freedom, spread, out=np.zeros(spread.size), where=spread > TRACE)
    regression = LogisticRegression(C=STRENGTH, max_iter=1000)
    weight = np.where(grades >= LINKED, LINKED_WEIGHT, 1.0)
    regression.fit((columns - columns.mean(axis=0)) * scale, grades > 0, sample_weight=weight)
    found: list[float] = (regression.coef_[0] * scale).tolist()
    return found


def _with_powers(
    start: RankingModel,
    weights: Mapping[str, float],
    context: float,
    recency: float,
    learnt: Mapping[str, float],
) -> RankingModel:
    """The *learnt* powers are additions to the context's, for signals that *start* uses."""
    used = start.used_signals()
    powers = {name: p if name in used else p - context for name, p in learnt.items()}
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
"""What may be learnt, the simplest first."""


def cross_validated(pools: Pools, seed: int, on_fit: Callable[[], None]) -> dict[str, float]:
    """
    What each recipe gains over the defaults in mean nDCG@10, on queries that it did not see.

    Repeated, for one way to divide so few queries would decide by chance.
    """
    before = pools.ndcg(DEFAULTS)
    gains = {name: np.zeros(before.size) for name in RECIPES}
    for fold in _folds(before.size, seed):
        seen = pools.take(np.setdiff1d(np.arange(before.size), fold))
        unseen = pools.take(fold)
        for name, recipe in RECIPES.items():
            gains[name][fold] += (unseen.ndcg(recipe(seen)) - before[fold]) / REPEATS
            on_fit()
    return {name: float(values.mean()) for name, values in gains.items()}


def _folds(queries: int, seed: int) -> Iterator[NDArray[np.intp]]:
    chance = np.random.default_rng(seed)
    for _ in range(REPEATS):
        yield from np.array_split(chance.permutation(queries), FOLDS)


class Halves(NamedTuple):
    """The queries before the median date, and those from then on."""

    older: Judged
    newer: Judged
    since: datetime


@dataclass(frozen=True)
class Tuned:
    """
    What was learnt from the older links, and what it is worth on the newer ones.

    Fields:
        model: with what was `measured` in it.
        recipe: the one of `RECIPES` that made it.
        cross_validated: recipe → mean gain on older links that it did not see.
        before, after: mean nDCG@10 of the defaults and of *model* on the newer links.
        gain: of *model* over the defaults, on the newer links.
    """

    model: RankingModel
    recipe: str
    cross_validated: dict[str, float]
    learnt_from: int
    queries: int
    before: float
    after: float
    gain: Difference

    @property
    def helps(self) -> bool:
        """Whether the interval of the gain lies above zero."""
        return self.gain.low > 0

    def to_json(self) -> dict[str, Any]:
        gain = {name: round(value, 6) for name, value in self.gain._asdict().items()}
        return {
            "helps": self.helps,
            "recipe": self.recipe,
            "cross_validated": {n: round(v, 6) for n, v in self.cross_validated.items()},
            "learnt_from": self.learnt_from,
            "queries": self.queries,
            MEASURE: {"before": round(self.before, 6), "after": round(self.after, 6)},
            "gain": gain,
            "model": self.model.model_dump(mode="json"),
        }


def split(archive: Archive, truth: Qrels) -> Halves:
    """
    Divide the queries that can be answered at the median of their dates.

    Raises:
        UnusableData: without dates, or with too few links.
    """
    if not truth:
        raise UnusableData("the archive has no links between its articles to learn from")
    if not archive.is_dated:
        raise UnusableData("the archive has no publication dates, so no older and newer links")
    judged = judge(archive, truth, Protocol())
    dates = {query: archive.published[archive.place[query]] for query in judged.qrels}
    known = sorted(query for query, date in dates.items() if np.isfinite(date))
    since = float(np.median([dates[query] for query in known])) if known else 0.0
    older = [query for query in known if dates[query] < since]
    newer = [query for query in known if dates[query] >= since]
    if min(len(older), len(newer)) < FEWEST:
        raise UnusableData(
            f"too few links to learn from: {len(older)} older and {len(newer)} newer articles "
            f"link to one that was out by then, and it takes {FEWEST} of each"
        )
    return Halves(_only(judged, older), _only(judged, newer), datetime.fromtimestamp(since, UTC))


def _only(judged: Judged, queries: Sequence[str]) -> Judged:
    return replace(judged, qrels={query: judged.qrels[query] for query in queries})


def lists_to_make(halves: Halves) -> int:
    """How often `tune` calls its *on_step*, more or less."""
    return len(halves.older.qrels) + REPEATS * FOLDS * len(RECIPES) + 2 * len(halves.newer.qrels)


def tune(
    archive: Archive, halves: Halves, seed: int = 0, on_step: Callable[[], None] = lambda: None
) -> Tuned:
    """
    Learn from the older links, choose by cross-validation among them, and look at the newer once.

    Args:
        seed: of the folds, and of the draws behind the interval.
        on_step: called for each list and each fit, for a progress bar.
    """
    by_date = sorted(halves.older.qrels, key=lambda query: archive.place[query])
    older = _only(halves.older, by_date)
    pools = gather(archive, older, on_step)
    found = cross_validated(pools, seed, on_step)
    recipe = max(found, key=lambda name: found[name])  # of equals the first, which is simpler
    model = RECIPES[recipe](pools)
    before, after = _values(archive, halves.newer, [DEFAULTS, model], on_step)
    gain = Bootstrap(before.size, seed).difference(after, before)
    tuned = Tuned(
        model,
        recipe,
        found,
        len(older.qrels),
        before.size,
        float(before.mean()),
        float(after.mean()),
        gain,
    )
    return replace(
        tuned, model=model.model_copy(update={"measured": _measured(tuned, archive, halves, seed)})
    )


def _values(
    archive: Archive, judged: Judged, models: Sequence[RankingModel], on_step: Callable[[], None]
) -> Iterator[Values]:
    for model in models:
        run, _ = ranked_by(model)(archive, judged, Protocol(), on_step)
        yield per_query(MEASURE, archive, judged, run)


def _measured(
    tuned: Tuned, archive: Archive, halves: Halves, seed: int
) -> dict[str, float | int | str]:
    queries = [*halves.older.qrels, *halves.newer.qrels]
    dates = [archive.published[archive.place[query]] for query in queries]
    first, last = (
        datetime.fromtimestamp(d, UTC).date().isoformat() for d in (min(dates), max(dates))
    )
    return {
        "measure": MEASURE,
        "articles": len(archive.articles),
        "learnt_from": tuned.learnt_from,
        "queries": tuned.queries,
        "before": round(tuned.before, 4),
        "after": round(tuned.after, 4),
        "gain": round(tuned.gain.mean, 4),
        "gain_low": round(tuned.gain.low, 4),
        "gain_high": round(tuned.gain.high, 4),
        "first": first,
        "tested_since": halves.since.date().isoformat(),
        "last": last,
        "recipe": tuned.recipe,
        "seed": seed,
    }
