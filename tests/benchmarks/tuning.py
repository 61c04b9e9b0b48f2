"""
The table of docs/RELEVANCE.md about `alsosee tune`: what the older links teach, and its power.

    OMP_NUM_THREADS=1 .venv/bin/python tests/benchmarks/tuning.py [FOLDER] [--write]

FOLDER is `../shared/data` unless given. Seed 0.
"""

from pathlib import Path

from documents import ROOT, arguments, write
from judged import PROTOCOLS, archive_of, present
from tables import markdown, number, signed

from recommender.errors import UnusableData
from recommender.evaluation import read_truth
from recommender.evaluation.tune import FEWEST, split, tune

DOCUMENT = ROOT / "docs/RELEVANCE.md"
HEAD = ["", "learnt from", "tested on", "recipe", "before", "after", "gain", "could detect",
        "expected", "would take", ""]  # fmt: skip


def main() -> None:
    given = arguments(DOCUMENT)
    dated = [name for name in present(given.folder) if "publication" in PROTOCOLS[name]]
    table = markdown(HEAD, [_row(given.folder, name) for name in dated])
    print(table)
    if given.write:
        write(DOCUMENT, "tune", table)


def _row(folder: Path, name: str) -> list[str]:
    archive = archive_of(folder, name)
    truth = read_truth(folder / f"{name}.truth.jsonl")
    try:
        halves = split(archive, truth)
    except UnusableData:
        return [name, *[""] * (len(HEAD) - 2), f"refused: {FEWEST} are needed in each half"]
    tuned = tune(archive, halves)
    needed = tuned.power.queries_needed
    return [
        name,
        str(tuned.learnt_from),
        str(tuned.queries),
        tuned.recipe,
        number(tuned.before),
        number(tuned.after),
        signed(tuned.gain),
        number(tuned.power.detectable),
        f"{tuned.power.expected:+.3f}".replace("0.", ".").replace("-", "−"),
        "" if needed is None else f"{needed:,}",
        "written" if tuned.helps else "not written",
    ]


if __name__ == "__main__":
    main()
