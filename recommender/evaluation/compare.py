"""Two evaluations held against each other: did it get better, where, and may it be released?"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from recommender.errors import InvalidInput, UnusableData
from recommender.evaluation.intervals import Bootstrap, Difference

CHURNED = 10  # how many of the lists that changed most are named


class Threshold(NamedTuple):
    """A measure may not fall by more than *drop* (0 or below), surely."""

    measure: str
    drop: float


class Comparison(NamedTuple):
    """
    One system in two evaluations, A and B, over the queries they share.

    Fields:
        differences: measure → B minus A.
        wins, losses, ties: queries on which B is above, below or equal, by the first measure.
        churn: query → share of A's list that B's does not hold; most changed first.
        only_a, only_b: how many queries the other lacks.
    """

    system: str
    queries: int
    differences: dict[str, Difference]
    wins: int
    losses: int
    ties: int
    churn: dict[str, float]
    only_a: int
    only_b: int

    def to_json(self) -> dict[str, Any]:
        answer = self._asdict()
        answer["differences"] = {m: d._asdict() for m, d in self.differences.items()}
        answer["mean_churn"] = float(np.mean(list(self.churn.values()))) if self.churn else 0.0
        answer["churn"] = dict(list(self.churn.items())[:CHURNED])
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
        raise UnusableData(f"{path}: holds no values of single queries; make it with --per-query")
    return result


def compare(
    a: Mapping[str, Any], b: Mapping[str, Any], system: str = "alsosee", seed: int = 0
) -> Comparison:
    """
    Compare *system* in two results of `Evaluation.to_json(per_query=True)`, query by query.

    Raises:
        UnusableData: when one lacks the system, or they share no query or no measure.
    """
    for name, result in (("first", a), ("second", b)):
        if system not in result["per_query"]["systems"]:
            raise UnusableData(f"the {name} evaluation has no system {system!r}")
    shared, rows_a, rows_b = _shared_queries(a["per_query"]["queries"], b["per_query"]["queries"])
    ours, theirs = (r["per_query"]["systems"][system] for r in (b, a))
    measures = [measure for measure in theirs["values"] if measure in ours["values"]]
    if not shared or not measures:
        raise UnusableData("the two evaluations share no query, or no measure")
    bootstrap = Bootstrap(len(shared), seed)
    pairs = {m: (_values(ours, m)[rows_b], _values(theirs, m)[rows_a]) for m in measures}
    gain = np.subtract(*pairs[measures[0]])
    return Comparison(
        system=system,
        queries=len(shared),
        differences={m: bootstrap.difference(*pair) for m, pair in pairs.items()},
        wins=int((gain > 0).sum()),
        losses=int((gain < 0).sum()),
        ties=int((gain == 0).sum()),
        churn=_churn(
            shared, [theirs["lists"][r] for r in rows_a], [ours["lists"][r] for r in rows_b]
        ),
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
    said = []
    for measure, drop in thresholds:
        if measure not in comparison.differences:
            raise InvalidInput.at("fail-under", f"{measure!r} is not measured in both evaluations")
        found = comparison.differences[measure]
        if found.high < drop:
            said.append(
                f"{measure} fell by {-found.mean:.4f} (95 % between {-found.high:.4f} and"
                f" {-found.low:.4f}); allowed is {-drop:.4f}"
            )
    return said


def _shared_queries(a: Sequence[str], b: Sequence[str]) -> tuple[list[str], list[int], list[int]]:
    places_a, places_b = ({q: n for n, q in enumerate(queries)} for queries in (a, b))
    shared = [query for query in a if query in places_b]
    return shared, [places_a[q] for q in shared], [places_b[q] for q in shared]


def _values(system: Mapping[str, Any], measure: str) -> Any:
    return np.array(system["values"][measure], dtype=np.float64)  # null becomes nan


def _churn(
    queries: Sequence[str], before: Sequence[Sequence[str]], after: Sequence[Sequence[str]]
) -> dict[str, float]:
    changed = {
        query: 1 - len(set(old) & set(new)) / len(old) if old else float(bool(new))
        for query, old, new in zip(queries, before, after, strict=True)
    }
    return dict(sorted(changed.items(), key=lambda pair: (-pair[1], pair[0])))
