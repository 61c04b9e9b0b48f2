"""
Inputs from real archives, in ../shared/data/field-cases.

Tests that need them are skipped if the folder is missing.
"""

from pathlib import Path
from typing import Any

import orjson
import pytest

FOLDER = Path(__file__).parents[2] / "shared/data/field-cases"

needs_field_cases = pytest.mark.skipif(
    not FOLDER.exists(), reason="NO FIELD CASES: ../shared/data beside the repository is not there"
)


def rows(name: str) -> list[dict[str, Any]]:
    """The JSON Lines in a file of the folder."""
    return [orjson.loads(line) for line in (FOLDER / name).read_bytes().splitlines()]
