"""Values and intervals of an evaluation, computed when the page needs them."""

from recommender.evaluation.evaluate import Evaluation
from recommender.evaluation.intervals import Difference, Interval
from recommender.evaluation.measures import OVERALL, SHOWN, QueryValues, overall, per_query

MAIN_MEASURE = "nDCG@10"


class Figures:
    """
    Values and intervals of *evaluation*, also of measures that it did not include.

    Each is computed once: an interval takes thousands of draws.
    """

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self._values: dict[tuple[str, str], QueryValues] = {}
        self._intervals: dict[tuple[str, str], Interval] = {}

    def values(self, system: str, measure: str) -> QueryValues:
        """One value for each query, in the order of the judged queries."""
        key = system, measure
        if key not in self._values:
            self._values[key] = self._computed(system, measure)
        return self._values[key]

    def interval(self, system: str, measure: str) -> Interval:
        key = system, measure
        if key not in self._intervals:
            self._intervals[key] = self._interval(system, measure)
        return self._intervals[key]

    def mean(self, system: str, measure: str) -> float:
        return self.interval(system, measure).mean

    def difference(self, system: str, rival: str) -> Difference:
        """By how much *system* is above *rival* in the main measure."""
        ours = self.values(system, MAIN_MEASURE)
        theirs = self.values(rival, MAIN_MEASURE)
        return self.evaluation.bootstrap.difference(ours, theirs)

    def query_places(self) -> list[int]:
        """The positions of the queries in the archive, in the order of the judged queries."""
        return [self.evaluation.archive.place[query] for query in self.evaluation.judged.qrels]

    def shown(self, system: str) -> dict[str, list[str]]:
        """Query → ids in the box; a run from elsewhere may name articles that the archive lacks."""
        run = self.evaluation.systems[system].run
        place = self.evaluation.archive.place
        boxes = {}
        for query in self.evaluation.judged.qrels:
            listed = [article for article, _ in run.get(query, [])]
            # Cut first: an unknown article takes its place in the box.
            boxes[query] = [article for article in listed[:SHOWN] if article in place]
        return boxes

    def _computed(self, system: str, measure: str) -> QueryValues:
        result = self.evaluation.systems[system]
        if measure in result.values:
            return result.values[measure]
        return per_query(measure, self.evaluation.archive, self.evaluation.judged, result.run)

    def _interval(self, system: str, measure: str) -> Interval:
        if measure not in OVERALL:
            return self.evaluation.bootstrap.interval(self.values(system, measure))
        result = self.evaluation.systems[system]
        # A measure of all lists together has one value, and so no interval.
        total = result.overall.get(measure)
        if total is None:
            total = overall(measure, self.evaluation.archive, self.evaluation.judged, result.run)
        return Interval(total, float("nan"), float("nan"))


def best_rival(figures: Figures, system: str) -> str | None:
    """The best other system by the main measure; of equals, the one that was named first."""
    others = [name for name in figures.evaluation.systems if name != system]
    return max(others, key=lambda name: figures.mean(name, MAIN_MEASURE), default=None)
