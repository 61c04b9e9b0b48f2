"""
The evidence page, docs/reliability.md, from the promises and the figures of `make chaos`.

    python tests/chaos/evidence.py [FIGURES]   FIGURES: lines of JSON that the tests wrote
"""

import json
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[1] / "docs" / "reliability.md"
FIGURES = FOLDER / "figures.json"
PROMISES = FOLDER / "promises.toml"

HEAD = """# Reliability: what we promise, and the evidence

Each promise has the tests that show it and the last figure that `make chaos` measured, or a line
about what is not shown or not promised. `make chaos` writes this page. Figures are of a small, busy
machine with two cores, on which the clients run too: read them as orders of magnitude. `make test`
runs every test here but those of `test_running_service.py` and others that take minutes.

| | promise | tests | last figure | not shown |
|---|---|---|---|---|
"""


def promises() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(PROMISES.read_text())["promise"]
    return found


def page(figures: dict[str, list[str]]) -> str:
    """The Markdown of the page."""
    rows = [_row(promise, figures.get(str(promise["number"]), [])) for promise in promises()]
    return HEAD + "\n".join(rows) + "\n"


def figures_of(lines: Iterable[str]) -> dict[str, list[str]]:
    """What a run measured, by number of the promise; equal figures once."""
    figures: dict[str, list[str]] = {}
    for line in lines:
        one = json.loads(line)
        shown = figures.setdefault(str(one["promise"]), [])
        text = f"{one['figure']} ({one['on']})"
        if text not in shown:
            shown.append(text)
    return figures


def _row(promise: dict[str, Any], figures: list[str]) -> str:
    tests = "<br>".join(f"`{test.rpartition('/')[2]}`" for test in promise.get("tests", []))
    shown = "<br>".join(figures)
    cells = (str(promise["number"]), promise["text"], tests, shown, promise.get("gap", ""))
    return f"| {' | '.join(cells)} |"


def main(arguments: list[str]) -> None:
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    for name in arguments:
        figures |= figures_of(Path(name).read_text().splitlines())
    FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    PAGE.write_text(page(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
