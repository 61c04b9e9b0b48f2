"""The candidates of many queries as arrays, to try many ranking models on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.archive import Archive
from recommender.evaluation.measures import gains_of, has_exponential_gains
from recommender.evaluation.protocol import Judged, Protocol
from recommender.evaluation.systems import moment, through_time
from recommender.evaluation.truth import Qrels
from recommender.index.corpus import Corpus
from recommender.pipeline.candidates import POOL
from recommender.pipeline.recommender import Recommender
from recommender.pipeline.results import RankedArticle
from recommender.policy.list_options import ListOptions
from recommender.policy.ranking_model import (
    DEFAULTS,
    RankingModel,
    Signals,
    SignalWeights,
    Values,
)

PLACES = 10
TRACE = 1e-6  # a weight that moves nothing and still makes the signal readable
_DISCOUNTS = 1 / np.log2(np.arange(PLACES) + 2)

Lists = Mapping[str, Mapping[str, RankedArticle]]
"""Query → article id → its ranking, best first."""


@dataclass(frozen=True)
class Pools:
    """
    The candidates of many queries as arrays of shape (queries, candidates), best first.

    Fields:
        listed: False where a query has fewer candidates.
        similarity: the cosine.
        signals: see `recommender.pipeline.signals`; time with the half-life of the defaults.
        grades: 0 for an unjudged article.
        ideal: the best DCG that a query allows, shape (queries,).
        has_exponential_gains: see the function of that name in `recommender.evaluation.measures`.
    """

    listed: NDArray[np.bool_]
    similarity: Values
    signals: Signals
    grades: NDArray[np.intp]
    ideal: Values
    has_exponential_gains: bool = True

    def take(self, rows: NDArray[np.intp]) -> "Pools":
        """The pools of the queries at *rows*."""
        return Pools(
            listed=self.listed[rows],
            similarity=self.similarity[rows],
            signals={name: values[rows] for name, values in self.signals.items()},
            grades=self.grades[rows],
            ideal=self.ideal[rows],
            has_exponential_gains=self.has_exponential_gains,
        )

    def recency(self, half_life_days: float) -> Values:
        """The time signal as another half-life makes it of the same distance."""
        distance = (self.signals["time"] ** -3 - 1) * DEFAULTS.half_life_days / half_life_days
        return (1 + distance) ** (-1 / 3)

    def scores(self, model: RankingModel) -> Values:
        """What *model* orders the candidates by."""
        used = {name: self.signals[name] for name in model.used_signals() if name != "time"}
        # The pool has the signal of the defaults' half-life; *model* may have another one.
        used["time"] = self.recency(model.half_life_days)
        factors = model.factors(self.similarity, used)
        scores: Values = np.prod(list(factors.values()), axis=0)
        return scores

    def ndcg(self, model: RankingModel) -> Values:
        """nDCG@10 of each query, without a rule of one per story; shape (queries,)."""
        scores = np.where(self.listed, self.scores(model), -np.inf)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :PLACES]
        grades = np.take_along_axis(self.grades, best, axis=1)
        gains = 2.0**grades - 1 if self.has_exponential_gains else grades
        values: Values = gains @ _DISCOUNTS / self.ideal
        return values


def gather(archive: Archive, judged: Judged, on_query: Callable[[], None]) -> Pools:
    """
    Ask the real pipeline for all candidates of each query once, as of its publication.

    The model of that request orders as the defaults do, but uses every signal, however little;
    so the value of each signal can be read from the factors of the answer.
    """
    # A signal without weight would have the factor 1 and could not be read from it.
    weights = {name: weight or TRACE for name, weight in DEFAULTS.weights}
    probe = DEFAULTS.model_copy(update={"weights": SignalWeights(**weights)})
    corpus = Corpus(archive.stored_articles)
    recommender = Recommender(corpus, probe)
    # Not validated: a pool is larger than a list that callers may ask for.
    options = ListOptions(fallback=False, min_score=0.0).replacing(limit=POOL)
    protocol = Protocol()
    lists: dict[str, Mapping[str, RankedArticle]] = {}
    for query in through_time(archive, judged, protocol, corpus):
        ranking = recommender.related(query, options, moment(archive, query, protocol))
        lists[query] = ranking.by_id(corpus)
        on_query()
    return _pools(lists, judged, weights)


def _pools(lists: Lists, judged: Judged, weights: Mapping[str, float]) -> Pools:
    qrels = judged.qrels
    signals = {}
    for name, weight in weights.items():
        factor = _table(lists, judged, _factor_called(name), 1.0)
        # Solves factor = 1 - weight · (1 - signal); clipped, for factors are rounded.
        signals[name] = np.clip(1 - (1 - factor) / weight, 0.0, 1.0)
    return Pools(
        listed=_table(lists, judged, lambda _: 1.0, 0.0) > 0,
        similarity=_table(lists, judged, lambda article: article.similarity, 0.0),
        signals=signals,
        grades=_grades(lists, qrels),
        ideal=np.array([_ideal(grades, gains_of(judged)) for grades in qrels.values()]),
        has_exponential_gains=has_exponential_gains(judged),
    )


def _factor_called(name: str) -> Callable[[RankedArticle], float]:
    return lambda article: article.factors[name]


def _table(
    lists: Lists, judged: Judged, value: Callable[[RankedArticle], float], missing: float
) -> Values:
    """The value of each article, filled up with *missing*; shape (queries, `POOL`)."""
    table = np.full((len(judged.qrels), POOL), missing, np.float64)
    for row, query in zip(table, judged.qrels, strict=True):
        row[: len(lists[query])] = [value(article) for article in lists[query].values()]
    return table


def _grades(lists: Lists, qrels: Qrels) -> NDArray[np.intp]:
    """The grade of each article, 0 without one; shape (queries, `POOL`)."""
    grades = np.zeros((len(qrels), POOL), np.intp)
    for row, (query, judged) in zip(grades, qrels.items(), strict=True):
        row[: len(lists[query])] = [judged.get(article_id, 0) for article_id in lists[query]]
    return grades


def _ideal(judged: Mapping[str, int], gains: Mapping[int, int]) -> float:
    grades = sorted(judged.values(), reverse=True)
    best = [gains.get(grade, grade) for grade in grades[:PLACES]]
    return float(np.array(best) @ _DISCOUNTS[: len(best)])
