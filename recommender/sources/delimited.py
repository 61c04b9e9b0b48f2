"""Tables as text: CSV and TSV in the dialects that offices and databases write."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import BinaryIO, NamedTuple

from features.fields import NOTHING_CHOSEN, sender_names
from recommender.sources.records import (
    MAX_RECORD_BYTES,
    Note,
    Record,
    UnreadableDocument,
    refused,
)

MAX_COLUMNS = 1000
# Of lines that are read a second time because a quote before them was never closed: without a
# bound, a file of nothing but such quotes would take for ever.
MAX_REREAD_CHARS = 16 * 2**20
HEAD_BYTES = 2**16
SAMPLED_ROWS = 50
MAX_LINES_ABOVE = 5  # the names, that are not blank

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_SEP_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
# Lines that psql, mysql and Markdown draw.
_RULER = re.compile(r"[\s+|=:-]*---[\s+|=:-]*")
# Of databases, in cells that are empty.
_NOTHING = ("NULL", r"\N")
# How Excel is kept from making a number of a text.
_TEXT_FORMULA = re.compile(r'="(.*)"', re.DOTALL)
_UNCLOSED = "a quote is opened here and never closed"


class Dialect(NamedTuple):
    """
    How a table is written.

    Fields:
        escape: what stands before a quote in a quoted cell; empty where it is doubled.
        blanks: whether there are blanks after delimiters.
        header: the names of the columns.
        first_line: the number of the line with the names.
        known: how many of the names are those of fields.
    """

    delimiter: str
    escape: str
    blanks: bool
    header: tuple[str, ...]
    first_line: int
    known: int = 0

    def shown_names(self) -> str:
        """The first names, for a message: without control characters, which terminals obey."""
        names = ["".join(filter(str.isprintable, name))[:40] for name in self.header[:10]]
        return ", ".join(name or "(none)" for name in names)

    def describe(self) -> str:
        parts = [
            f"{len(self.header)} columns between {DELIMITERS.get(self.delimiter, self.delimiter)}"
        ]
        if self.blanks:
            parts.append("blanks after them")
        if self.escape:
            parts.append(f'quotes inside cells written {self.escape}"')
        return ", ".join(parts)

    def rows(self, lines: Iterator[str]) -> Iterator[list[str]]:
        """Raises csv.Error for a quote that is closed elsewhere than at the end of a cell."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            escapechar=self.escape or None,
            doublequote=not self.escape,
            skipinitialspace=self.blanks,
            strict=True,
        )


def dialect_of(head: str, fields: Mapping[str, str] = NOTHING_CHOSEN) -> Dialect:
    """
    The dialect of the table that begins with *head*, with its first line of names.

    Of all combinations, the one in which most names are known and most rows have as many cells as
    there are names.

    Args:
        fields: field → the name that the site has chosen for it.

    Raises:
        UnreadableDocument: when there is no line of names.
    """
    lines = head.splitlines(keepends=True)
    start = next((number for number, line in enumerate(lines) if line.strip()), None)
    if start is None:
        raise UnreadableDocument("holds no text")
    named = _SEP_LINE.fullmatch(lines[start])
    delimiters = [named[1]] if named else [*DELIMITERS]
    start += bool(named)
    starts = [number for number in range(start, len(lines)) if lines[number].strip()]
    escapes = ("", "\\") if '\\"' in head else ("",)
    best = None
    for number in starts[: 1 + MAX_LINES_ABOVE]:
        dialect = _best_dialect(lines[number:], [*product(delimiters, escapes)], fields)
        # Below a title, or the date of the export, several names must be known.
        if dialect is not None and (best is None or dialect.known > 1):
            best = dialect._replace(first_line=number + 1)
        if best is not None and best.known:
            break
    if best is None:
        raise UnreadableDocument("has no readable line of column names")
    return best


def _best_dialect(
    lines: list[str], dialects: list[tuple[str, str]], fields: Mapping[str, str]
) -> Dialect | None:
    candidates = []
    for delimiter, escape in dialects:
        candidate = _candidate(lines, delimiter, escape, fields)
        if candidate is not None:
            candidates.append(candidate)
    return max(candidates, key=lambda scored: scored[0])[1] if candidates else None


def _candidate(
    lines: list[str], delimiter: str, escape: str, fields: Mapping[str, str]
) -> tuple[tuple[int, float, int], Dialect] | None:
    """A dialect with a score to compare it by."""
    blanks = bool(lines) and _has_blanks(lines[0], delimiter)
    dialect = Dialect(delimiter, escape, blanks, (), 1)
    rows = dialect.rows(iter(lines))
    try:
        names = tuple(map(str.strip, next(rows)))
    except (csv.Error, StopIteration):
        return None
    known = len(sender_names(dict.fromkeys(names, "x"), fields))
    dialect = dialect._replace(header=names, known=known)
    return (dialect.known, _share_of_good_rows(rows, len(names)), len(names)), dialect


def _has_blanks(names: str, delimiter: str) -> bool:
    """Whether every column but the first begins with a blank, which belongs to no name."""
    _, *others = names.split(delimiter)
    # A last empty name is behind the delimiter with which Markdown ends a line.
    return any(map(str.strip, others)) and all(name[:1] in (" ", "\n", "\r", "") for name in others)


def _share_of_good_rows(rows: Iterator[list[str]], columns: int) -> float:
    sizes: list[int] = []
    while len(sizes) < SAMPLED_ROWS:
        try:
            row = next(rows)
        except csv.Error:
            sizes.append(-1)
        except StopIteration:
            break
        else:
            sizes.append(len(row))
    # The last row may be cut where the sample ends.
    whole = sizes[:-1] or sizes
    return sum(size in (0, columns) for size in whole) / (len(whole) or 1)


def read(document: BinaryIO, dialect: Dialect) -> Iterator[Record | Note]:
    """
    Every row of a table in UTF-8 below the names; an empty cell is a missing field.

    A quote that is never closed costs its own row: the lines after it are read as rows.
    """
    csv.field_size_limit(MAX_RECORD_BYTES)
    text = io.TextIOWrapper(document, errors="surrogateescape", newline="")
    lines = _Lines(text)
    for _ in range(dialect.first_line):
        next(lines, None)
    columns = Columns(dialect.header, has_blanks=dialect.blanks)
    if len(dialect.header) > MAX_COLUMNS:
        raise UnreadableDocument(f"expected at most {MAX_COLUMNS} columns")
    yield from columns.notes()
    for line in lines:
        if _RULER.fullmatch(line):
            continue
        record = _record(line, lines, dialect, columns)
        if record is not None:
            yield record


class _Lines:
    """Numbered lines, of which some may be put back."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._put_back: list[str] = []
        self._reread_chars = 0
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._put_back.pop() if self._put_back else self._read()
        if not line:
            raise StopIteration
        self.number += 1
        return line

    def put_back(self, lines: list[str]) -> None:
        """Raises UnreadableDocument when that has been done too often."""
        self._reread_chars += sum(map(len, lines))
        if self._reread_chars > MAX_REREAD_CHARS:
            raise UnreadableDocument(f"too many quotes that are never closed, line {self.number}")
        self.number -= len(lines)
        self._put_back.extend(reversed(lines))

    def _read(self) -> str:
        line = self._text.readline(MAX_RECORD_BYTES + 1)
        # Of a line that is too long, just enough to tell.
        rest = line
        while len(rest) > MAX_RECORD_BYTES and not rest.endswith(("\n", "\r")):
            rest = self._text.readline(MAX_RECORD_BYTES + 1)
        return line


class Columns:
    """
    The names of a table, and rows under them.

    Args:
        has_blanks: whether cells have blanks around them that are not part of them.
    """

    def __init__(self, names: tuple[str, ...], *, has_blanks: bool = False) -> None:
        self._names = names
        self._has_blanks = has_blanks

    def notes(self) -> Iterator[Note]:
        for name in dict.fromkeys(self._names):
            if name and self._names.count(name) > 1:
                yield Note(f"{self._names.count(name)} columns are called {name!r}")

    def fit(self, cells: list[str]) -> bool:
        """Whether there is a cell for each name; empty ones at the end do not count."""
        size = len(self._names)
        return len(cells) == size or (len(cells) > size and not any(cells[size:]))

    def record(self, line: int, cells: list[str]) -> Record | None:
        """None for a row of empty cells."""
        if not any(cells):
            return None
        if not self.fit(cells):
            return refused(line, self._misfit(len(cells)))
        fields: dict[str, str] = {}
        for name, cell in zip(self._names, cells, strict=False):
            value = _TEXT_FORMULA.sub(r"\1", cell.strip() if self._has_blanks else cell)
            if name and value and value not in _NOTHING and not fields.get(name):
                fields[name] = value
        return Record(line, fields)

    def _misfit(self, cells: int) -> str:
        size = len(self._names)
        why = "a separator outside quotes" if cells > size else "a line break outside quotes"
        return f"{cells} cells, the header has {size}: {why}?"


def _record(first: str, lines: _Lines, dialect: Dialect, columns: Columns) -> Record | None:
    """The row that begins with the line *first*; None for an empty one."""
    start = lines.number
    if len(first) > MAX_RECORD_BYTES:
        return refused(start, f"expected at most {MAX_RECORD_BYTES} bytes a line")
    pulled = [first]
    try:
        cells = next(dialect.rows(_pulling(pulled, lines)))
    except csv.Error:
        cells = None
    if len(pulled) == 1:
        cells = _leniently(first, dialect) if cells is None else cells
        return refused(start, _UNCLOSED) if cells is None else columns.record(start, cells)
    if cells is not None and columns.fit(cells) and not _swallows_rows(pulled, dialect, columns):
        return columns.record(lines.number, cells)
    lines.put_back(pulled[1:])
    alone = _leniently(first, dialect)
    if alone is not None and columns.fit(alone):
        return columns.record(start, alone)
    return refused(start, _UNCLOSED)


def _pulling(pulled: list[str], lines: _Lines) -> Iterator[str]:
    """The lines of one row, at most as many as a record may have; they are added to *pulled*."""
    yield pulled[0]
    size = len(pulled[0])
    for line in lines:
        pulled.append(line)
        size += len(line)
        if size > MAX_RECORD_BYTES:
            return
        yield line


def _swallows_rows(pulled: list[str], dialect: Dialect, columns: Columns) -> bool:
    """
    Whether the lines in a quoted cell are rows, so that its closing quote must be missing.

    They are when most of them have a cell for each name and begin as the row itself begins.
    """
    first, *others = (line.rstrip("\r\n").split(dialect.delimiter) for line in pulled)
    if len(dialect.header) < 3:
        return False  # any line with a comma would look like a row
    alike = sum(columns.fit(cells) and _alike(cells[0], first[0]) for cells in others)
    return 2 * alike > len(others)


def _alike(one: str, other: str) -> bool:
    """Whether both could be ids of one kind: numbers, or single words."""
    return _is_number(one) == _is_number(other) and bool(one.strip()) and " " not in one.strip()


def _is_number(cell: str) -> bool:
    return cell.strip(' "').isdigit()


def _leniently(line: str, dialect: Dialect) -> list[str] | None:
    """
    The cells of one line, with a quote closed only where a delimiter or the end follows.

    None when a quote is never closed.
    """
    delimiter = re.escape(dialect.delimiter)
    end = rf"\s*(?={delimiter}|$)"
    cell = re.compile(rf'\s*"((?:[^"]|"(?!{end}))*)"{end}|([^{delimiter}]*)')
    text = line.rstrip("\r\n")
    cells = []
    at = 0
    while at <= len(text):
        match = cell.match(text, at)
        if match is None or (match[1] is None and match[2].lstrip().startswith('"')):
            return None
        cells.append(match[2] if match[1] is None else match[1].replace('""', '"'))
        at = match.end() + 1
    return cells
