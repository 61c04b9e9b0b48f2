"""Rows by slot: from a file first, and then what came since."""

import numpy as np
import pytest

from features.ragged import RaggedArray

ROWS = [[], [3, 1], [], [2**32 - 1, 3]]


@pytest.fixture(params=range(len(ROWS) + 1), ids="{} from a file".format)
def given(request) -> int:
    return request.param


@pytest.fixture(params=[False, True], ids=["as they are", "by name"])
def rows(given, request) -> RaggedArray:
    """All of `ROWS`, the first of them from a file."""
    written = RaggedArray("I")
    append(written, ROWS[:given])
    base, names = written.arrays(np.arange(given)), None
    if request.param:
        names, places = np.unique(base["values"], return_inverse=True)
        base["values"] = places.astype(np.uint8)
    found = RaggedArray("I", base, names)
    append(found, ROWS[given:])
    return found


def append(rows: RaggedArray, more: list[list[int]]) -> None:
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
