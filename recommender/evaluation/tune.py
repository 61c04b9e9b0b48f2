"""Learn a ranking model from a site's own links, and test whether it helps."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.errors import UnusableData
from recommender.evaluation.archive import Archive
from recommender.evaluation.intervals import Bootstrap, Difference
from recommender.evaluation.measures import per_query
from recommender.evaluation.pools import Pools, gather
from recommender.evaluation.power import Power
from recommender.evaluation.protocol import Judged, Protocol, judge
from recommender.evaluation.recipes import RECIPES
from recommender.evaluation.systems import ranked_by
from recommender.evaluation.truth import Qrels
from recommender.policy.ranking_model import DEFAULTS, RankingModel, Values

MEASURE = "nDCG@10"
# With 40, a test sees a gain of .44 standard deviations from query to query in four of five cases.
FEWEST = 40  # queries to learn from, and as many to test on
FOLDS = 5
REPEATS = 3


def cross_validated(pools: Pools, seed: int, on_fit: Callable[[], None]) -> dict[str, Values]:
    """
    What each recipe gains over the defaults in nDCG@10, on queries that it did not learn from.

    Repeated and averaged: with so few queries, one division into folds would decide by chance.

    Returns:
        recipe → gain of each query, shape (queries,).
    """
    before = pools.ndcg(DEFAULTS)
    gains = {name: np.zeros(before.size) for name in RECIPES}
    for fold in _folds(before.size, seed):
        seen = pools.take(np.setdiff1d(np.arange(before.size), fold))
        unseen = pools.take(fold)
        for name, recipe in RECIPES.items():
            gains[name][fold] += (unseen.ndcg(recipe(seen)) - before[fold]) / REPEATS
            on_fit()
    return gains


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
    What was learnt from the older links, and its gain on the newer ones.

    Fields:
        model: with these figures in its field `measured`.
        recipe: the one of `RECIPES` that gave it.
        cross_validated: recipe → mean gain on older links that it did not learn from.
        before, after: mean nDCG@10 of the defaults and of *model* on the newer links.
        gain: of *model* over the defaults, on the newer links.
        power: the gain that the newer links could have shown, by the spread of the gains among
            the older ones; of *recipe*, or of the best other one where that is the defaults.
    """

    model: RankingModel
    recipe: str
    cross_validated: dict[str, float]
    learnt_from: int
    queries: int
    before: float
    after: float
    gain: Difference
    power: Power

    @property
    def helps(self) -> bool:
        """Whether the interval of the gain lies above zero."""
        return self.gain.low > 0

    def to_json(self) -> dict[str, Any]:
        return {
            "helps": self.helps,
            "recipe": self.recipe,
            "cross_validated": _rounded(self.cross_validated),
            "learnt_from": self.learnt_from,
            "queries": self.queries,
            MEASURE: _rounded({"before": self.before, "after": self.after}),
            "gain": _rounded(self.gain._asdict()),
            "power": _rounded(self.power._asdict()),
            "model": self.model.model_dump(mode="json"),
        }


def _rounded(values: Mapping[str, float | None]) -> dict[str, float | None]:
    rounded: dict[str, float | None] = {}
    for name, value in values.items():
        rounded[name] = None if value is None else round(value, 6)
    return rounded


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
    dates = {}
    for query in sorted(judged.qrels):
        date = archive.published[archive.place[query]]
        if np.isfinite(date):
            dates[query] = float(date)
    # At the median of the queries, not of all articles, so that both halves have as many links.
    since = float(np.median(list(dates.values()))) if dates else 0.0
    older = [query for query, date in dates.items() if date < since]
    newer = [query for query, date in dates.items() if date >= since]
    if min(len(older), len(newer)) < FEWEST:
        raise UnusableData(
            f"too few links to learn from: {len(older)} older and {len(newer)} newer articles "
            f"link to one that was out by then, and it takes {FEWEST} of each"
        )
    return Halves(_only(judged, older), _only(judged, newer), datetime.fromtimestamp(since, UTC))


def _only(judged: Judged, queries: Sequence[str]) -> Judged:
    return replace(judged, qrels={query: judged.qrels[query] for query in queries})


def lists_to_make(halves: Halves) -> int:
    """About how often `tune` calls its *on_step*."""
    return len(halves.older.qrels) + REPEATS * FOLDS * len(RECIPES) + 2 * len(halves.newer.qrels)


def tune(
    archive: Archive, halves: Halves, seed: int = 0, on_step: Callable[[], None] = lambda: None
) -> Tuned:
    """
    Learn from the older links, choose by cross-validation among them, and test once on the newer.

    Args:
        seed: of the folds, and of the draws behind the interval.
        on_step: called for each list and each fit, for a progress bar.
    """
    by_date = sorted(halves.older.qrels, key=lambda query: archive.place[query])
    older = _only(halves.older, by_date)
    pools = gather(archive, older, on_step)
    gains = cross_validated(pools, seed, on_step)
    means = {name: float(values.mean()) for name, values in gains.items()}
    recipe = max(means, key=lambda name: means[name])  # of equal ones the first, the simplest
    model = RECIPES[recipe](pools)
    before, after = _values(archive, halves.newer, [DEFAULTS, model], on_step)
    tuned = Tuned(
        model=model,
        recipe=recipe,
        cross_validated=means,
        learnt_from=len(older.qrels),
        queries=before.size,
        before=float(before.mean()),
        after=float(after.mean()),
        gain=Bootstrap(before.size, seed).difference(after, before),
        power=_power(gains, recipe, before.size),
    )
    measured = _measured(tuned, archive, halves, seed)
    return replace(tuned, model=model.model_copy(update={"measured": measured}))


def _power(gains: Mapping[str, Values], recipe: str, queries: int) -> Power:
    """Of the test of *recipe*; the defaults gain nothing, so then of the best other recipe."""
    if recipe == "defaults":
        others = [name for name in gains if name != "defaults"]
        recipe = max(others, key=lambda name: float(gains[name].mean()))
    values = gains[recipe]
    return Power.of(queries, float(values.std(ddof=1)), float(values.mean()))


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
        "first": _day(min(dates)),
        "tested_since": halves.since.date().isoformat(),
        "last": _day(max(dates)),
        "recipe": tuned.recipe,
        "seed": seed,
    }


def _day(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).date().isoformat()
