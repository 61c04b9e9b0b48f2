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
runs every test here but those marked `chaos`, which take minutes. Tests of disks need root and loop
devices, those of clocks a C compiler; where these are missing they are skipped, with the reason.

| | promise | tests | last figure | not shown |
|---|---|---|---|---|
"""

# Figures by number of the promise and name of the test.
Figures = dict[str, dict[str, str]]


def promises() -> list[dict[str, Any]]:
    parsed: list[dict[str, Any]] = tomllib.loads(PROMISES.read_text())["promise"]
    return parsed


def page(figures: Figures) -> str:
    """The Markdown of the page."""
    rows = [_row(promise, figures.get(str(promise["number"]), {})) for promise in promises()]
    return HEAD + "\n".join(rows) + "\n"


def add_figures(figures: Figures, lines: Iterable[str]) -> None:
    """Replace the figures of the tests that a run measured; the others stay."""
    for line in lines:
        measured = json.loads(line)
        of_promise = figures.setdefault(str(measured["promise"]), {})
        of_promise[measured["test"]] = f"{measured['figure']} ({measured['on']})"


def _row(promise: dict[str, Any], figures: dict[str, str]) -> str:
    tests = "<br>".join(f"`{test.rpartition('/')[2]}`" for test in promise.get("tests", []))
    shown = "<br>".join(figures[test] for test in sorted(figures))
    cells = (str(promise["number"]), promise["text"], tests, shown, promise.get("gap", ""))
    return f"| {' | '.join(cells)} |"


def main(arguments: list[str]) -> None:
    figures: Figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    for name in arguments:
        add_figures(figures, Path(name).read_text().splitlines())
    FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    PAGE.write_text(page(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
