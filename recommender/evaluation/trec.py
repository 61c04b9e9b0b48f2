"""Plain-text formats of the Text REtrieval Conference: runs, and columns in general."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from urllib.parse import quote, unquote

from recommender.errors import UnusableData

_NAME = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9_.+-]{0,63}")
Run = dict[str, list[tuple[str, float]]]
"""Query → articles with their scores, best first."""


def read_run(path: Path) -> tuple[str, Run]:
    """
    Read a run file: query, Q0, article, rank, score, name. Ranks decide, not scores.

    Returns:
        the name in its first line, and the run.

    Raises:
        UnusableData: for a line without six columns, or an article that is in a list twice.
    """
    try:
        lines = list(enumerate(path.read_bytes().splitlines(), 1))
    except OSError as error:
        raise UnusableData(f"{path}: {error.strerror}") from error
    ranked: dict[str, list[tuple[int, str, float]]] = {}
    name = ""
    for number, (query, _, article, rank, score, run_name) in read_columns(path, lines, 6, "run"):
        try:
            ranked.setdefault(query, []).append((int(rank), article, float(score)))
        except ValueError:
            raise UnusableData(f"{path}:{number}: rank and score must be numbers") from None
        if not _NAME.fullmatch(run_name):  # it becomes the name of a file
            raise UnusableData(f"{path}:{number}: a run's name is 1 to 64 of a-z, 0-9, _ . + -")
        name = name or run_name
    if not ranked:
        raise UnusableData(f"{path}: holds no lists")
    return name, {query: _ordered(path, query, places) for query, places in ranked.items()}


def write_run(name: str, run: Mapping[str, Sequence[tuple[str, float]]]) -> Iterable[bytes]:
    for query in sorted(run):
        for rank, (article, score) in enumerate(run[query], 1):
            # `trec_eval` ignores the rank and sorts by the score.
            yield f"{trec_id(query)} Q0 {trec_id(article)} {rank} {score:.6f} {name}\n".encode()


def trec_id(article_id: str) -> str:
    """The id with blanks and percent signs percent-encoded."""
    return "".join(quote(c) if c.isspace() or c == "%" else c for c in article_id)


def read_columns(
    path: Path, lines: Iterable[tuple[int, bytes]], width: int, kind: str
) -> Iterator[tuple[int, list[str]]]:
    """The columns of each line that is not blank, ids decoded."""
    for number, line in lines:
        columns = line.decode(errors="replace").split()
        if not columns:
            continue
        if len(columns) != width:
            raise UnusableData(
                f"{path}:{number}: {len(columns)} columns; a {kind} file has {width}"
            )
        yield number, [unquote(column) for column in columns]


def _ordered(
    path: Path, query: str, places: list[tuple[int, str, float]]
) -> list[tuple[str, float]]:
    articles = [article for _, article, _ in places]
    if len(set(articles)) < len(articles):
        raise UnusableData(f"{path}: the list of {query!r} has an article twice")
    places.sort(key=itemgetter(0))
    return [(article, score) for _, article, score in places]
