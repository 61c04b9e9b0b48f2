"""Judged pairs (qrels): which articles are related, in our format or TREC's."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import orjson

from recommender.errors import UnusableData
from recommender.evaluation.trec import read_columns, trec_id
from recommender.sources.records import parse_json

Qrels = dict[str, dict[str, int]]
"""
Query → judged article → grade: 2 the query's text links to it, 1 only it links to the query,
0 judged not related.
"""


def read_truth(path: Path) -> Qrels:
    """
    Read judged pairs from JSON Lines (`{"id": …, "related": {id: grade}}`) or TREC qrels.

    Raises:
        UnusableData: for an empty file, a line that cannot be read, a grade below 0, a query
            that occurs twice.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UnusableData(f"{path}: {error.strerror}") from error
    filled = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            filled.append((number, line))
    is_json = bool(filled) and _is_json(filled[0][1])
    truth = _from_json(path, filled) if is_json else _from_trec(path, filled)
    if not truth:
        raise UnusableData(f"{path}: holds no judged pairs")
    return truth


def write_truth(truth: Mapping[str, Mapping[str, int]]) -> Iterable[bytes]:
    """One JSON line for each query, in order of id."""
    for query in sorted(truth):
        yield (
            orjson.dumps({"id": query, "related": dict(truth[query])}, option=orjson.OPT_SORT_KEYS)
            + b"\n"
        )


def write_qrels(truth: Mapping[str, Mapping[str, int]]) -> Iterable[bytes]:
    """TREC qrels: query, 0, article, grade; blanks in ids are percent-encoded."""
    for query in sorted(truth):
        for article, grade in sorted(truth[query].items()):
            yield f"{trec_id(query)} 0 {trec_id(article)} {grade}\n".encode()


def _is_json(line: bytes) -> bool:
    columns = line.split()  # a TREC id may start with a brace too
    return columns[0].startswith(b"{") and not (len(columns) == 4 and columns[3].isdigit())


def _from_json(path: Path, lines: list[tuple[int, bytes]]) -> Qrels:
    truth: Qrels = {}
    for number, line in lines:
        try:
            data = parse_json(line)
        except ValueError as error:
            raise UnusableData(f"{path}:{number}: {error}") from None
        query = data.get("id") if isinstance(data, dict) else None
        related = data.get("related") if isinstance(data, dict) else None
        if not isinstance(query, str) or not isinstance(related, dict):
            raise UnusableData(f'{path}:{number}: expected {{"id": …, "related": {{id: grade}}}}')
        if query in truth:
            raise UnusableData(f"{path}:{number}: query {query!r} occurs twice")
        judged = {}
        for article, grade in related.items():
            judged[article] = _grade(path, number, grade)
        truth[query] = judged
    return truth


def _from_trec(path: Path, lines: list[tuple[int, bytes]]) -> Qrels:
    truth: Qrels = {}
    for number, (query, _, article, grade) in read_columns(path, lines, 4, "qrels"):
        judged = truth.setdefault(query, {})
        if article in judged:
            raise UnusableData(f"{path}:{number}: {query!r} judges {article!r} twice")
        judged[article] = _grade(
            path, number, int(grade) if re.fullmatch(r"-?[0-9]{1,3}", grade) else grade
        )
    return truth


def _grade(path: Path, number: int, grade: object) -> int:
    # The gain doubles with each grade; `GAINS` ends at 10.
    if not isinstance(grade, int) or isinstance(grade, bool) or not 0 <= grade <= 10:
        raise UnusableData(
            f"{path}:{number}: grade {grade!r}; expected a whole number from 0 to 10"
        )
    return grade
