"""What only evaluations need may be missing where the service runs."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recommender.errors import MissingExtra
from recommender.extras import EXTRAS, require_extra

TOUR = Path(__file__).with_name("service_tour.py")
EVALUATION = {"truth", "evaluate", "tune", "compare"}


@pytest.fixture(scope="module")
def answers() -> Iterator[dict[str, Any]]:
    """Of every command and page, in a process that cannot import the extra `evaluate`."""
    with tempfile.TemporaryDirectory(prefix="also") as folder:
        command = [sys.executable, TOUR, folder, *EXTRAS["evaluate"]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout.splitlines()[-1])


def test_every_page_is_served_without_the_extra(answers: dict[str, Any]) -> None:
    pages = {name: status for name, (status, _) in answers["pages"].items()}

    assert pages == dict.fromkeys(pages, 200)
    assert len(pages) > 10


def test_commands_of_the_service_work_without_the_extra(answers: dict[str, Any]) -> None:
    failed = {name for name, (status, _) in answers["commands"].items() if status}

    assert failed == EVALUATION


@pytest.mark.parametrize("name", sorted(EVALUATION))
def test_commands_of_evaluation_say_in_one_line_how_to_get_it(
    name: str, answers: dict[str, Any]
) -> None:
    status, output = answers["commands"][name]

    assert status == 1
    assert output.startswith("Error: this needs the extra 'evaluate', and ")
    assert output.endswith("run `make install` in a checkout of Also See, or "
                           "`pip install '.[evaluate]'` there\n")  # fmt: skip
    assert output.count("\n") == 1


def test_what_is_blocked_was_not_imported(answers: dict[str, Any]) -> None:
    assert answers["loaded"] == []


def test_nothing_is_missing_here() -> None:
    require_extra("evaluate")


def test_an_extra_that_is_missing_is_named_with_its_modules(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(EXTRAS, "dreams", ("json", "no_such_module"))

    with pytest.raises(MissingExtra, match="'dreams', and no_such_module cannot"):
        require_extra("dreams")
