"""Articles in files: JSON Lines, CSV and WordPress's JSON, gzipped or not, or on standard input."""

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import chain
from pathlib import Path
from typing import IO, Any, Self

from recommender.errors import AlsoSeeError, InvalidInput
from recommender.sources.records import (
    MAX_RECORD_BYTES,
    Record,
    json_record,
    numbered_lines,
    parse_json,
)
from recommender.sources.wordpress import is_post, post_records

STANDARD_INPUT = "-"
MAX_ARRAY_BYTES = 64 * 2**20


class UnreadableFile(AlsoSeeError):
    """A file that cannot be opened, or whose format cannot be read at all."""


class ArticleFile:
    """
    A file of articles, to be read once, in a `with` block.

    Args:
        name: a path, or `-` for standard input. `.csv` and `.csv.gz` are CSV with a header,
            all else JSON Lines, or one array of WordPress's REST API; gzip is told by its
            first bytes.

    Attributes:
        size: in bytes as stored, or None where it is not known.

    Raises:
        UnreadableFile: when it cannot be opened or decompressed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._stack = ExitStack()
        try:
            self._raw: IO[bytes] = (
                sys.stdin.buffer
                if name == STANDARD_INPUT
                else self._stack.enter_context(Path(name).open("rb"))  # noqa: SIM115
            )
        except OSError as error:
            raise UnreadableFile(f"{name}: {error.strerror}") from error
        # A pipe (`<(zcat …)`) has a path, but no size and no position.
        measurable = name != STANDARD_INPUT and Path(name).is_file()
        self.size = Path(name).stat().st_size if measurable else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def position(self) -> int:
        """How many bytes of `size` have been read."""
        return self._raw.tell() if self.size is not None else 0

    def records(self) -> Iterator[Record]:
        """Every record in order; a bad one is a record that says so."""
        lines = self._decompressed()
        is_csv = self.name.lower().removesuffix(".gz").endswith(".csv")
        try:
            yield from _csv_records(lines) if is_csv else _json_records(lines, self.name)
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableFile(f"{self.name}: {error}") from error

    def _decompressed(self) -> io.BufferedIOBase:
        raw = self._raw
        buffered = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw)  # type: ignore[type-var]
        return gzip.GzipFile(fileobj=buffered) if buffered.peek(2)[:2] == b"\x1f\x8b" else buffered


def _json_records(lines: io.BufferedIOBase, name: str) -> Iterator[Record]:
    for number, line in numbered_lines(lines):
        if number == 1 and line.lstrip(b"\xef\xbb\xbf \t").startswith(b"["):
            yield from _array_records(line, lines, name)
            return
        if line.strip():
            yield json_record(number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)


def _array_records(start: bytes, rest: io.BufferedIOBase, name: str) -> Iterator[Record]:
    """Posts of WordPress's REST API, which come as one array; no other array is understood."""
    # A first line too long for a record comes in pieces: this is the first.
    text = start + rest.read(MAX_ARRAY_BYTES)
    try:
        posts = parse_json(text.removeprefix(b"\xef\xbb\xbf")) if not rest.read(1) else None
    except InvalidInput:
        posts = None
    if not isinstance(posts, list) or not posts or not is_post(posts[0]):
        raise UnreadableFile(f"{name}: a JSON array; expected one JSON object on each line")
    yield from post_records(posts)


def _csv_records(lines: io.BufferedIOBase) -> Iterator[Record]:
    csv.field_size_limit(MAX_RECORD_BYTES)
    text = io.TextIOWrapper(  # type: ignore[type-var]
        lines, encoding="utf-8-sig", errors="surrogateescape", newline=""
    )
    try:
        yield from _rows(text)
    finally:
        with suppress(ValueError):  # closed already
            text.detach()  # or the file would be closed with the wrapper


def _fields(row: dict[Any, Any], columns: int) -> dict[str, str] | InvalidInput:
    """A row's fields; an empty cell is a missing field, what has no header is nobody's."""
    surplus = [cell for cell in row.get(None) or [] if cell]
    if surplus:
        cells = columns + len(row[None])
        detail = f"{cells} cells, the header has {columns}: a separator outside quotes?"
        return InvalidInput.at("", detail)
    return {name: cell for name, cell in row.items() if name and cell}


def _rows(text: IO[str]) -> Iterator[Record]:
    header = text.readline(MAX_RECORD_BYTES)
    # Excel writes semicolons in countries with a decimal comma.
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(chain([header], text), delimiter=delimiter)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = InvalidInput.at("", f"not readable as CSV: {error}")
            yield Record(reader.reader.line_num, problem)
            continue
        yield Record(reader.line_num, _fields(row, len(reader.fieldnames or ())))
