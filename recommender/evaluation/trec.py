"""Plain-text formats of the Text REtrieval Conference: runs, and columns in general."""

import math
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from recommender.errors import UnusableData
from recommender.sources.encodings import utf8_bytes
from recommender.sources.records import UnreadableDocument
from recommender.sources.unpacking import decompressed

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,9}(?:\.0*)?")
# A run's name becomes the name of a file.
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.+-]+")
_NAME_CHARS = 64
Run = dict[str, list[tuple[str, float]]]
"""Query → articles with their scores, best first."""


class _Place(NamedTuple):
    rank: int
    article: str
    score: float


def read_run(path: Path) -> tuple[str, Run]:
    """
    Read a run file: query, Q0, article, rank, score, name.

    Ranks decide, not scores, unless a list has a rank twice: some systems write 0 everywhere.

    Returns:
        the name in its first line, with a hyphen for what no file name should have, and the run.

    Raises:
        UnusableData: for a line without six columns, or an article that is in a list twice.
    """
    ranked: dict[str, list[_Place]] = {}
    name = ""
    has_decimals = False
    for number, columns in read_columns(path, read_lines(path), 6, "run"):
        query, _, article, rank, score, run_name = columns
        place = _Place(_rank(path, number, rank), article, _score(path, number, score))
        ranked.setdefault(query, []).append(place)
        has_decimals |= "." in rank
        name = name or _file_name(run_name)
    if not ranked:
        raise UnusableData(f"{path}: holds no lists")
    if has_decimals and not all(map(_counts_up, ranked.values())):
        raise UnusableData(f"{path}: ranks with decimals; expected the rank before the score")
    return name, {query: _ordered(path, query, places) for query, places in ranked.items()}


def write_run(name: str, run: Mapping[str, Sequence[tuple[str, float]]]) -> Iterable[bytes]:
    for query in sorted(run):
        for rank, (article, score) in enumerate(run[query], 1):
            # `trec_eval` ignores the rank and sorts by the score.
            yield f"{trec_id(query)} Q0 {trec_id(article)} {rank} {score:.6f} {name}\n".encode()


def trec_id(article_id: str) -> str:
    """
    The id as one column.

    Ids with blanks are percent-encoded, and those that look as if they were. All others stay as
    they are, also with percent signs: other programs do not decode them.
    """
    if any(map(str.isspace, article_id)) or _decoded(article_id) != article_id:
        return _encoded(article_id)
    return article_id


def known_id(article_id: str, known: Container[str]) -> str:
    """The id as the archive has it: other programs write it percent-encoded, or decoded."""
    if article_id in known:
        return article_id
    others = (unquote(article_id), _encoded(article_id), quote(article_id))
    return next((spelling for spelling in others if spelling in known), article_id)


def whole_number(text: str) -> int | None:
    """The number in a column, which other programs also write as `1.0`; None for anything else."""
    if not _WHOLE_NUMBER.fullmatch(text):
        return None
    return int(text.partition(".")[0])


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """
    The lines of a file that are not blank, with their numbers, in UTF-8 without a byte order mark.

    The file may be compressed, as TREC's own are.

    Raises:
        UnusableData: for a file that cannot be opened or unpacked.
    """
    try:
        with path.open("rb") as file:
            text = utf8_bytes(decompressed(file)[1].read())
    except OSError as error:
        raise UnusableData(f"{path}: {error.strerror}") from error
    except UnreadableDocument as error:
        raise UnusableData(f"{path}: {error}") from error
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield number, line


def read_columns(
    path: Path, lines: Iterable[tuple[int, bytes]], width: int, kind: str
) -> Iterator[tuple[int, list[str]]]:
    """The columns of each line; ids that `trec_id` encoded are decoded."""
    for number, line in lines:
        columns = line.split()  # of bytes: other blanks than those of ASCII are part of an id
        if len(columns) != width:
            raise UnusableData(
                f"{path}:{number}: {len(columns)} columns; a {kind} file has {width}"
            )
        yield number, [_decoded(column.decode(errors="replace")) for column in columns]


def _encoded(article_id: str) -> str:
    return "".join(quote(c) if c.isspace() or c == "%" else c for c in article_id)


def _decoded(column: str) -> str:
    """The id of a column. What `trec_id` cannot have written, as `%d8%a7`, is not decoded."""
    article_id = unquote(column, errors="surrogateescape")
    return article_id if _encoded(article_id) == column else column


def _rank(path: Path, number: int, text: str) -> int:
    rank = whole_number(text)
    if rank is None:
        raise UnusableData(f"{path}:{number}: rank and score must be numbers")
    return rank


def _score(path: Path, number: int, text: str) -> float:
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if math.isnan(score):
        raise UnusableData(f"{path}:{number}: rank and score must be numbers")
    return score


def _file_name(run_name: str) -> str:
    return _NOT_IN_NAMES.sub("-", run_name)[:_NAME_CHARS].lstrip(".") or "run"


def _ordered(path: Path, query: str, places: list[_Place]) -> list[tuple[str, float]]:
    articles = {place.article for place in places}
    if len(articles) < len(places):
        raise UnusableData(f"{path}: the list of {query!r} has an article twice")
    if len({place.rank for place in places}) == len(places):
        places.sort(key=itemgetter(0))
    else:
        places.sort(key=lambda place: -place.score)
    return [(place.article, place.score) for place in places]


def _counts_up(places: list[_Place]) -> bool:
    """Whether the ranks are all there, from 0 or 1: scores in their place would not be."""
    ranks = sorted(place.rank for place in places)
    return ranks[0] in (0, 1) and ranks == list(range(ranks[0], ranks[0] + len(ranks)))
