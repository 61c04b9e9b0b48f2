"""Compare two evaluations: is it better, on which queries, and does it pass a threshold?"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from recommender.errors import InvalidInput, UnusableData
from recommender.evaluation.intervals import Bootstrap, Difference

CHURNED = 10  # how many of the lists that changed most are listed


class Threshold(NamedTuple):
    """A measure must not fall by more than *drop* (0 or below) with 95 % confidence."""

    measure: str
    drop: float


class Comparison(NamedTuple):
    """
    One system in two evaluations, A and B, over the queries they share.

    Fields:
        differences: measure → B minus A.
        wins, losses, ties: queries on which B is above, below or equal, by the first measure.
        changed: queries whose lists differ, in their items or in the order of these.
        churn: query → share of A's list that is not in B's; most changed first.
        only_a, only_b: how many queries are in one evaluation alone.
    """

    system: str
    queries: int
    differences: dict[str, Difference]
    wins: int
    losses: int
    ties: int
    changed: int
    churn: dict[str, float]
    only_a: int
    only_b: int

    def verdict(self) -> str:
        """Which evaluation is better, by the first measure with 95 % confidence."""
        measure, difference = next(iter(self.differences.items()))
        if difference.low > 0:
            return f"B is better by {measure}"
        if difference.high < 0:
            return f"A is better by {measure}"
        if np.isnan(difference.mean):
            return f"{measure} has no value in both evaluations, so neither is known to be better"
        return f"Neither is better by {measure} with 95 % confidence"

    def to_json(self) -> dict[str, Any]:
        answer = self._asdict()
        answer["verdict"] = self.verdict()
        differences = {}
        for measure, difference in self.differences.items():
            differences[measure] = difference._asdict()
        answer["differences"] = differences
        answer["mean_churn"] = float(np.mean(list(self.churn.values()))) if self.churn else 0.0
        answer["churn"] = dict(list(self.churn.items())[:CHURNED])  # the most changed come first
        return answer


def read_result(path: Path) -> dict[str, Any]:
    """
    Read what `alsosee evaluate --json --per-query` printed.

    Raises:
        UnusableData: for anything else, and when the values of single queries are missing.
    """
    try:
        result = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise UnusableData(f"{path}: not the JSON of an evaluation: {error}") from error
    if not isinstance(result, dict) or "systems" not in result:
        raise UnusableData(f"{path}: not the JSON of an evaluation")
    if "per_query" not in result:
        raise UnusableData(f"{path}: has no values of single queries; make it with --per-query")
    return result


def compare(
    a: Mapping[str, Any], b: Mapping[str, Any], system: str = "alsosee", seed: int = 0
) -> Comparison:
    """
    Compare *system* in two results of `Evaluation.to_json(per_query=True)`, query by query.

    Raises:
        UnusableData: when one lacks the system, or they share no query or no measure.
    """
    before = _system_of(a, system, "first")
    after = _system_of(b, system, "second")
    shared, rows_a, rows_b = _shared_queries(a["per_query"]["queries"], b["per_query"]["queries"])
    measures = [measure for measure in before["values"] if measure in after["values"]]
    if not shared or not measures:
        raise UnusableData("the two evaluations share no query, or no measure")
    bootstrap = Bootstrap(len(shared), seed)
    differences = {}
    gains = []
    for measure in measures:
        ours = _values(after, measure)[rows_b]
        theirs = _values(before, measure)[rows_a]
        differences[measure] = bootstrap.difference(ours, theirs)
        gains.append(ours - theirs)
    gain = gains[0]
    lists_before = [before["lists"][row] for row in rows_a]
    lists_after = [after["lists"][row] for row in rows_b]
    return Comparison(
        system=system,
        queries=len(shared),
        differences=differences,
        wins=int((gain > 0).sum()),
        losses=int((gain < 0).sum()),
        ties=int((gain == 0).sum()),
        changed=_changed(lists_before, lists_after),
        churn=_churn(shared, lists_before, lists_after),
        only_a=len(a["per_query"]["queries"]) - len(shared),
        only_b=len(b["per_query"]["queries"]) - len(shared),
    )


def parse_threshold(text: str) -> Threshold:
    """Read `nDCG@10:-0.01`. Raises InvalidInput."""
    match = re.fullmatch(r"([\w@-]+):(-?\d*\.?\d+)", text)
    if match is None or float(match[2]) > 0:
        raise InvalidInput.at(
            "fail-under", f"{text!r}; expected a measure and a fall, such as nDCG@10:-0.01"
        )
    return Threshold(match[1], float(match[2]))


def failures(comparison: Comparison, thresholds: Sequence[Threshold]) -> list[str]:
    """
    One sentence for each threshold that B fell under with 95 % confidence.

    Raises:
        InvalidInput: for a measure that the two evaluations do not share.
    """
    sentences = []
    for measure, drop in thresholds:
        if measure not in comparison.differences:
            raise InvalidInput.at("fail-under", f"{measure!r} is not measured in both evaluations")
        difference = comparison.differences[measure]
        # The whole interval has to lie below, so that chance alone fails no comparison.
        if difference.high < drop:
            sentences.append(
                f"{measure} fell by {-difference.mean:.4f} (95 % between {-difference.high:.4f} and"
                f" {-difference.low:.4f}); allowed is {-drop:.4f}"
            )
    return sentences


def _system_of(result: Mapping[str, Any], system: str, name: str) -> Mapping[str, Any]:
    systems: Mapping[str, Any] = result["per_query"]["systems"]
    if system not in systems:
        raise UnusableData(f"the {name} evaluation has no system {system!r}")
    values: Mapping[str, Any] = systems[system]
    return values


def _shared_queries(a: Sequence[str], b: Sequence[str]) -> tuple[list[str], list[int], list[int]]:
    places_in_b = {query: place for place, query in enumerate(b)}
    shared = []
    places_a = []
    places_b = []
    for place, query in enumerate(a):
        if query in places_in_b:
            shared.append(query)
            places_a.append(place)
            places_b.append(places_in_b[query])
    return shared, places_a, places_b


def _values(system: Mapping[str, Any], measure: str) -> Any:
    return np.array(system["values"][measure], dtype=np.float64)  # null becomes nan


def _changed(before: Sequence[Sequence[str]], after: Sequence[Sequence[str]]) -> int:
    """How many lists differ."""
    return sum(old != new for old, new in zip(before, after, strict=True))


def _churn(
    queries: Sequence[str], before: Sequence[Sequence[str]], after: Sequence[Sequence[str]]
) -> dict[str, float]:
    changed = {}
    for query, old, new in zip(queries, before, after, strict=True):
        # Only what the list holds counts; a changed order is for the measures to judge.
        kept = len(set(old) & set(new))
        changed[query] = 1 - kept / len(old) if old else float(bool(new))
    return dict(sorted(changed.items(), key=lambda pair: (-pair[1], pair[0])))
