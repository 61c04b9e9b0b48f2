"""The evidence page names tests that exist, and is the one that its sources make."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

TESTS = Path(__file__).parent


def _module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("evidence", TESTS / "chaos" / "evidence.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EVIDENCE = _module()
NAMED = [(p["number"], test) for p in EVIDENCE.promises() for test in p.get("tests", [])]


def test_there_are_forty_promises_and_each_has_tests_or_a_reason() -> None:
    promises = EVIDENCE.promises()

    assert list(range(1, 41)) == [promise["number"] for promise in promises]
    assert [] == [p["number"] for p in promises if not (p.get("tests") or p.get("gap"))]


@pytest.mark.parametrize(("number", "name"), NAMED, ids=str)
def test_a_named_test_exists(number: int, name: str) -> None:
    file, _, test = name.partition("::")
    source = (TESTS / file).read_text()

    assert not test or re.search(rf"^(async )?def {test}\(", source, re.MULTILINE)


def test_the_page_is_the_one_that_its_sources_make() -> None:
    figures = json.loads(EVIDENCE.FIGURES.read_text())

    assert EVIDENCE.page(figures) == EVIDENCE.PAGE.read_text()
