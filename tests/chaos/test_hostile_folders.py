"""Documents that take their reader's two seconds, and archives that would fill the memory."""

from pathlib import Path

import pytest
from hostile import FOLDERS
from test_hostile_files import check

pytestmark = pytest.mark.chaos

HEAVY = [
    name for name, folder in FOLDERS.items() if any(c.is_heavy for c in folder().cases.values())
]


@pytest.mark.parametrize("form", HEAVY)
def test_a_document_that_takes_too_long_is_named_and_stops_no_other(
    form: str, tmp_path: Path
) -> None:
    check(tmp_path / "hostile", FOLDERS[form](), heavy=True)
