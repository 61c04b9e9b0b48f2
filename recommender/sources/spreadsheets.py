"""Tables as office programs save them: XLSX, XLS, XLSB and ODS, as calamine reads them."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import BinaryIO

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from features.fields import NOTHING_CHOSEN, sender_names
from recommender.sources.delimited import MAX_COLUMNS, Columns
from recommender.sources.records import Note, Record, UnreadableDocument

# Rows that may stand above the names: a title, a date, a logo.
MAX_HEAD_ROWS = 20

Cell = int | float | str | bool | time | date | datetime | timedelta


def read(document: BinaryIO, fields: Mapping[str, str] = NOTHING_CHOSEN) -> Iterator[Record | Note]:
    """
    The rows of the sheet whose names of columns are known best, numbered as in the sheet.

    Args:
        fields: field → the name that the site has chosen for it.
    """
    try:
        workbook = CalamineWorkbook.from_filelike(document)
        sheets = [workbook.get_sheet_by_name(name) for name in workbook.sheet_names]
    except (CalamineError, OSError) as error:
        raise UnreadableDocument(f"is not readable as a spreadsheet: {error}") from None
    if not sheets:
        raise UnreadableDocument("has no sheets")
    best = max(sheets, key=lambda sheet: _header(sheet, fields)[0])
    if len(sheets) > 1:
        others = ", ".join(repr(sheet.name) for sheet in sheets if sheet is not best)
        yield Note(f"the sheet {best.name!r} is read, not {others}")
    yield from _rows(best, fields)


def _rows(sheet: CalamineSheet, fields: Mapping[str, str]) -> Iterator[Record | Note]:
    known, place, names = _header(sheet, fields)
    if not known:
        shown = ", ".join(filter(None, names[:10])) or "none"
        raise UnreadableDocument(f"has no column whose name is known; its columns: {shown}")
    if len(names) > MAX_COLUMNS:
        raise UnreadableDocument(f"expected at most {MAX_COLUMNS} columns")
    columns = Columns(names)
    yield from columns.notes()
    for number, row in _numbered(sheet):
        record = columns.record(number, [_text(cell) for cell in row]) if number > place else None
        if record is not None:
            yield record


def _header(sheet: CalamineSheet, fields: Mapping[str, str]) -> tuple[int, int, tuple[str, ...]]:
    """How many names are known, in which row they stand, and all names of that row."""
    best: tuple[int, int, tuple[str, ...]] = (0, 0, ())
    for number, row in islice(_numbered(sheet), MAX_HEAD_ROWS):
        names = tuple(_text(cell).strip() for cell in row)
        known = len(sender_names(dict.fromkeys(names, "x"), fields))
        if known > best[0]:
            best = known, number, names
    return best


def _numbered(sheet: CalamineSheet) -> Iterator[tuple[int, list[Cell]]]:
    """Rows with their numbers; those above the first cell are not there, nor those of no cells."""
    if sheet.start is not None:
        yield from enumerate(sheet.iter_rows(), 1 + sheet.start[0])


def _text(cell: Cell) -> str:
    """A cell as text: numbers as people see them, dates in ISO 8601."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return str(cell)
