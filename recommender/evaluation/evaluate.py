"""An evaluation: the lists of every system, measured against judged pairs, with intervals."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from types import MappingProxyType
from typing import Any

import numpy as np

from recommender.errors import InvalidInput
from recommender.evaluation.archive import Archive
from recommender.evaluation.intervals import Bootstrap, Difference, Interval
from recommender.evaluation.measures import (
    DEFAULT_MEASURES,
    OVERALL,
    QueryValues,
    check_measure,
    has_exponential_gains,
    overall,
    per_query,
)
from recommender.evaluation.protocol import Judged, Protocol, judge
from recommender.evaluation.systems import MODES, SYSTEMS, System
from recommender.evaluation.trec import Run
from recommender.evaluation.truth import Qrels

_DEFAULT_PROTOCOL = Protocol()
LISTED = 10  # places of each list that a result keeps for comparison


@dataclass(frozen=True)
class SystemResult:
    """
    The lists of one system, and their measures.

    Fields:
        values: measure → one value for each query.
        overall: measure → one value for all lists together.
        seconds: of all its lists, preparation included.
        list_seconds: of each list.
    """

    run: Run
    values: dict[str, QueryValues]
    overall: dict[str, float]
    seconds: float
    list_seconds: list[float]


@dataclass(frozen=True)
class Evaluation:
    """The result: `to_json` for scripts, `to_frame` for pandas, a table in notebooks."""

    archive: Archive
    judged: Judged
    protocol: Protocol
    measures: tuple[str, ...]
    systems: dict[str, SystemResult]

    @cached_property
    def bootstrap(self) -> Bootstrap:
        """The draws of queries behind every interval, the same for all systems and measures."""
        return Bootstrap(len(self.judged.qrels), self.protocol.seed)

    def interval(self, system: str, measure: str) -> Interval:
        result = self.systems[system]
        if measure in OVERALL:
            return Interval(result.overall[measure], float("nan"), float("nan"))
        return self.bootstrap.interval(result.values[measure])

    def difference(self, system: str, baseline: str, measure: str) -> Difference:
        """By how much *system* is above *baseline*."""
        ours = self.systems[system].values[measure]
        theirs = self.systems[baseline].values[measure]
        return self.bootstrap.difference(ours, theirs)

    def to_json(
        self, per_query: bool = False, versus: str | None = None, timings: bool = True
    ) -> dict[str, Any]:
        """
        The result as JSON types; nan becomes null.

        Args:
            per_query: add every value and the first ten of every list, so that
                results can be compared later.
            versus: add differences of each system to this one.
            timings: with durations, which differ from run to run; without, results are equal.
        """
        systems = {name: self._system_json(name, versus, timings) for name in self.systems}
        answer: dict[str, Any] = {
            "corpus": {"articles": len(self.archive.articles), **self.judged.summary()},
            "protocol": {
                "as_of": self.protocol.as_of,
                "candidates": self.protocol.candidates,
                "sampled_queries": self.protocol.queries,
                "seed": self.protocol.seed,
                "gains": "2^grade - 1" if has_exponential_gains(self.judged) else "grade",
                "discount": "log2",
            },
            "systems": systems,
            "queries": len(self.judged.qrels),
        }
        return answer | ({"per_query": self._per_query_json()} if per_query else {})

    def to_frame(self) -> Any:
        """A pandas DataFrame, systems × measures. Raises ImportError without pandas."""
        import pandas

        table: dict[str, dict[str, float]] = {}
        for system in self.systems:
            table[system] = {}
            for measure in self.measures:
                table[system][measure] = self.interval(system, measure).mean
        return pandas.DataFrame.from_dict(table, orient="index")

    def _repr_html_(self) -> str:
        head = ""
        for measure in self.measures:
            head += f"<th>{escape(measure)}</th>"
        rows = ""
        for name in self.systems:  # escaped: callers give names to systems of their own
            rows += f"<tr><th>{escape(name)}</th>{self._cells(name)}</tr>"
        return f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>"

    def _cells(self, system: str) -> str:
        cells = []
        for measure in self.measures:
            mean, low, high = self.interval(system, measure)
            cells.append(f'<td title="{low:.3f} to {high:.3f}">{mean:.3f}</td>')
        return "".join(cells)

    def _system_json(self, name: str, versus: str | None, timings: bool) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        for measure in self.measures:
            answer[measure] = _json(self.interval(name, measure)._asdict())
        if versus is not None and versus != name:
            answer["versus"] = self._versus_json(name, versus)
        if timings:
            answer["latency_ms"] = _latency(self.systems[name].list_seconds)
            answer["seconds"] = round(self.systems[name].seconds, 3)
        return answer

    def _versus_json(self, name: str, versus: str) -> dict[str, Any]:
        answer = {}
        for measure in self.measures:
            if measure not in OVERALL:  # one value for all lists has no pairs to compare
                answer[measure] = _json(self.difference(name, versus, measure)._asdict())
        return answer

    def _per_query_json(self) -> dict[str, Any]:
        queries = list(self.judged.qrels)
        systems = {}
        for name, result in self.systems.items():
            lists = []
            for query in queries:
                places = result.run.get(query, [])[:LISTED]
                lists.append([article for article, _ in places])
            values = {}
            for measure, numbers in result.values.items():
                values[measure] = [_number(value) for value in numbers]
            systems[name] = {"values": values, "lists": lists}
        return {"queries": queries, "systems": systems}


def evaluate(
    archive: Archive,
    truth: Qrels,
    systems: Sequence[str] = tuple(SYSTEMS),
    measures: Sequence[str] = DEFAULT_MEASURES,
    protocol: Protocol = _DEFAULT_PROTOCOL,
    more_systems: Mapping[str, System] = MappingProxyType({}),
    on_query: Callable[[], None] = lambda: None,
) -> Evaluation:
    """
    Rank the archive for every query of the truth, by every system, and measure.

    Args:
        archive: see `read_archive`.
        truth: query → judged article → grade, see `read_truth`.
        systems: names out of `SYSTEMS`, `MODES` or *more_systems*.
        measures: see `recommender.evaluation.measures`.
        on_query: called once for each list, for a progress bar.

    Raises:
        UnusableData: when the truth cannot be used with this archive and protocol.
        InvalidInput: for an unknown system or measure.
    """
    known = {**SYSTEMS, **MODES, **more_systems}
    for name in systems:
        if name not in known:
            raise InvalidInput.at("systems", f"no system {name!r}; there are {', '.join(known)}")
    # Checked first: an evaluation takes minutes, and a mistyped name is not worth them.
    names = tuple(dict.fromkeys(map(check_measure, measures)))
    judged = judge(archive, truth, protocol)
    results = {}
    for name in systems:
        system = known[name]
        results[name] = _measure_system(system, archive, judged, protocol, names, on_query)
    return Evaluation(archive, judged, protocol, names, results)


def _measure_system(
    system: System,
    archive: Archive,
    judged: Judged,
    protocol: Protocol,
    measures: Sequence[str],
    on_query: Callable[[], None],
) -> SystemResult:
    started = time.perf_counter()
    run, list_seconds = system(archive, judged, protocol, on_query)
    seconds = time.perf_counter() - started
    values = {}
    totals = {}
    for measure in measures:
        if measure in OVERALL:
            totals[measure] = overall(measure, archive, judged, run)
        else:
            values[measure] = per_query(measure, archive, judged, run)
    return SystemResult(run, values, totals, seconds, list_seconds)


def _latency(seconds: list[float]) -> dict[str, float | None]:
    if not seconds:
        return {"median": None, "p95": None}
    median, p95 = np.percentile(np.array(seconds) * 1000, (50, 95))
    return {"median": round(float(median), 3), "p95": round(float(p95), 3)}


def _json(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: _number(value) for name, value in values.items()}


def _number(value: float) -> float | None:
    """Ten decimals: later ones depend on the order of additions."""
    return round(float(value), 10) if np.isfinite(value) else None
