"""
The table of docs/RELEVANCE.md about the defaults: would other corpora have chosen otherwise?

    .venv/bin/python tests/benchmarks/holdout.py [FOLDER] [--write]

For each choice that was made while looking at the corpora, every corpus is held out once: the value
is chosen on the others, and compared with the default on the corpus held out. It measures the lists
that `keep_runs.py` has kept, as of publication where there are dates.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from documents import ROOT, arguments, write
from judged import JudgedCorpus, kept_corpora
from tables import is_significant, markdown, signed
from variants import DEFAULT, GRID, grid_name

DOCUMENT = ROOT / "docs/RELEVANCE.md"
MOST = 0.2  # no corpus counts for more than a gain or loss of this share
KEPT = "default"


def main() -> None:
    given = arguments(DOCUMENT)
    corpora = kept_corpora(given.folder)
    dated = {corpus.name for corpus in corpora if corpus.label == "publication"}
    chosen = [one for one in corpora if one.label == "publication" or one.name not in dated]
    tables = {
        "grid": _grid_table(corpora),
        "holdout": _holdout_table(chosen),
    }
    for name, table in tables.items():
        print(f"\n{name}\n\n{table}")
        if given.write:
            write(DOCUMENT, name, table)


def _grid_table(corpora: Sequence[JudgedCorpus]) -> str:
    """Every value against the default, on every corpus and protocol."""
    rows = []
    for choice, values in GRID.items():
        for value in values:
            changes = [one.difference(grid_name(choice, value), DEFAULT) for one in corpora]
            better = len({c.name for c, d in zip(corpora, changes, strict=True) if d.low > 0})
            worse = len({c.name for c, d in zip(corpora, changes, strict=True) if d.high < 0})
            rows.append([choice, value, *map(signed, changes), f"{better} / {worse}"])
    head = ["default", "other value", *(corpus.title for corpus in corpora), "better / worse"]
    return markdown(head, rows)


def _holdout_table(corpora: Sequence[JudgedCorpus]) -> str:
    rows = []
    for choice, values in GRID.items():
        cells = [_held_out(choice, values, one, corpora) for one in corpora]
        rows.append([choice, *cells])
    return markdown(["default", *(f"without {corpus.name}" for corpus in corpora)], rows)


def _held_out(
    choice: str,
    values: Mapping[str, object],
    held_out: JudgedCorpus,
    corpora: Sequence[JudgedCorpus],
) -> str:
    """What the other corpora choose, and its gain over the default on the one held out."""
    others = [corpus for corpus in corpora if corpus.name != held_out.name]
    if not others:
        return ""
    scores = {KEPT: 0.0}
    for value in values:
        scores[value] = float(np.mean([_gain(one, grid_name(choice, value)) for one in others]))
    best = max(scores, key=lambda value: scores[value])
    if best == KEPT:
        return KEPT
    difference = held_out.difference(grid_name(choice, best), DEFAULT)
    return f"{best}: {signed(difference)}" + (" !" if is_significant(difference) else "")


def _gain(corpus: JudgedCorpus, variant: str) -> float:
    """The relative change of the mean, between -`MOST` and `MOST`."""
    difference = corpus.difference(variant, DEFAULT)
    return float(np.clip(difference.mean / corpus.mean(DEFAULT), -MOST, MOST))


if __name__ == "__main__":
    main()
