"""Judged pairs (qrels): which articles are related, in our format or TREC's."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from recommender.errors import UnusableData
from recommender.evaluation.trec import read_columns, read_lines, trec_id, whole_number
from recommender.sources.records import parse_json

Qrels = dict[str, dict[str, int]]
"""
Query → judged article → grade: 2 the query's text links to it, 1 only it links to the query,
0 judged not related. Truths of other collections may have higher grades.
"""

# A measure needs memory in proportion to the highest grade.
MAX_GRADE = 1_000_000
_BEIR_HEADER = [b"query-id", b"corpus-id", b"score"]


class _Pair(NamedTuple):
    """One judgement; *grade* as it stands in the file."""

    line: int
    query: str
    article: str
    grade: object


def read_truth(path: Path) -> Qrels:
    """
    Read judged pairs from JSON Lines or TREC qrels, also as BEIR and ir_datasets write them.

    JSON is `{"id": …, "related": {id: grade}}`, or `{"query_id": …, "doc_id": …, "relevance": …}`.
    A grade below 0 is read as 0, judged not related, which is how `trec_eval` treats it.

    Raises:
        UnusableData: for an empty file, a line that cannot be read, a grade that is no whole
            number, a query or a pair that is judged twice.
    """
    lines = list(read_lines(path))
    truth: Qrels = {}
    for pair in _reader(lines)(path, lines):
        _add(truth, path, pair)
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


Lines = list[tuple[int, bytes]]


def _reader(lines: Lines) -> Callable[[Path, Lines], Iterator[_Pair]]:
    """The function that reads the format which the first line has."""
    columns = lines[0][1].split() if lines else []
    if columns == _BEIR_HEADER:
        return _from_beir
    # A TREC id may start with a brace too.
    has_grade = len(columns) == 4 and whole_number(columns[3].decode(errors="replace")) is not None
    is_json = bool(columns) and columns[0].startswith(b"{") and not has_grade
    return _from_json if is_json else _from_trec


def _from_json(path: Path, lines: Lines) -> Iterator[_Pair]:
    queries = set()
    for number, line in lines:
        try:
            data = parse_json(line)
        except ValueError as error:
            raise UnusableData(f"{path}:{number}: {error}") from None
        if not isinstance(data, dict):
            data = {}
        if data.keys() >= {"query_id", "doc_id", "relevance"}:
            yield _Pair(number, str(data["query_id"]), str(data["doc_id"]), data["relevance"])
            continue
        query, related = _query_of(data), data.get("related")
        if query is None or not isinstance(related, dict):
            raise UnusableData(f'{path}:{number}: expected {{"id": …, "related": {{id: grade}}}}')
        if query in queries:
            raise UnusableData(f"{path}:{number}: query {query!r} occurs twice")
        queries.add(query)
        for article, grade in related.items():
            yield _Pair(number, query, article, grade)


def _query_of(data: dict[str, Any]) -> str | None:
    """The id, which may be a number, as in archives."""
    query = data.get("id")
    is_id = isinstance(query, str | int) and not isinstance(query, bool)
    return str(query) if is_id else None


def _from_trec(path: Path, lines: Lines) -> Iterator[_Pair]:
    for number, (query, _, article, grade) in read_columns(path, lines, 4, "qrels"):
        yield _Pair(number, query, article, grade)


def _from_beir(path: Path, lines: Lines) -> Iterator[_Pair]:
    for number, (query, article, grade) in read_columns(path, lines[1:], 3, "BEIR qrels"):
        yield _Pair(number, query, article, grade)


def _add(truth: Qrels, path: Path, pair: _Pair) -> None:
    grade = _grade(path, pair)
    judged = truth.setdefault(pair.query, {})
    if judged.setdefault(pair.article, grade) != grade:
        raise UnusableData(f"{path}:{pair.line}: {pair.query!r} judges {pair.article!r} twice")


def _grade(path: Path, pair: _Pair) -> int:
    grade = pair.grade
    if isinstance(grade, str):
        grade = whole_number(grade)
    elif isinstance(grade, float) and grade.is_integer():
        grade = int(grade)
    if not isinstance(grade, int) or isinstance(grade, bool) or grade > MAX_GRADE:
        raise UnusableData(
            f"{path}:{pair.line}: grade {pair.grade!r}; expected a whole number up to {MAX_GRADE:,}"
        )
    return max(grade, 0)  # as `trec_eval` reads it
