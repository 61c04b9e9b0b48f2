"""Rows by slot: from a file first, and then what came since."""

import numpy as np
import pytest

from features.rows import Rows

ROWS = [[], [3, 1], [], [2**32 - 1, 3]]


@pytest.fixture(params=range(len(ROWS) + 1))
def rows(request) -> Rows:
    """All of `ROWS`, the first of them from a file."""
    given = Rows("I")
    append(given, ROWS[: request.param])
    found = Rows("I", given.arrays(np.arange(request.param)))
    append(found, ROWS[request.param :])
    return found


def append(rows: Rows, more: list[list[int]]) -> None:
    for values in more:
        rows.append(np.array(values, dtype=np.uint32))


def test_rows_come_back_as_they_went_in(rows):
    assert ROWS == [rows.row(slot).tolist() for slot in range(len(rows))]


def test_rows_are_found_by_what_they_hold(rows):
    found, slots = rows.holding(np.array([3, 7], dtype=np.uint32))

    assert ([3, 3], [1, 3]) == (found.tolist(), slots.tolist())


def test_rows_are_written_in_the_order_that_is_asked_for(rows):
    written = rows.arrays(np.array([3, 1]))

    assert ([0, 2, 4], [*ROWS[3], *ROWS[1]]) == (
        written["ends"].tolist(),
        written["values"].tolist(),
    )
