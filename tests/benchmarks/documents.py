"""What the scripts that fill tables of the documents share: their arguments, and the filling."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT.parent / "shared/data"


def arguments(document: Path) -> argparse.Namespace:
    """FOLDER and --write, as they were typed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    named = document.relative_to(ROOT)
    parser.add_argument("--write", action="store_true", help=f"into {named}")
    return parser.parse_args()


def write(document: Path, name: str, table: str) -> None:
    """Put the table between the document's marks `<!-- name -->` and `<!-- /name -->`."""
    before, opening, rest = document.read_text().partition(f"<!-- {name} -->\n")
    _, closing, after = rest.partition(f"<!-- /{name} -->")
    if not opening or not closing:
        sys.exit(f"{document} has no place for: {name}")
    document.write_text(f"{before}{opening}{table}\n{closing}{after}")
