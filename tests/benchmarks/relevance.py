"""
The table of docs/EVALUATION.md: every system on every corpus, with intervals.

    .venv/bin/python tests/benchmarks/relevance.py [FOLDER] [--embedding] [--write]

FOLDER holds `NAME.jsonl.gz` and `NAME.truth.jsonl` and is `../shared/data` unless given.
"""

import sys
from pathlib import Path

from documents import ROOT, arguments, write

from recommender.evaluation import Evaluation, Protocol, evaluate, read_archive, read_truth
from recommender.evaluation.embedding import embedding
from recommender.evaluation.systems import SYSTEMS, baseline
from recommender.sources.files import ArticleFile

DOCUMENT = ROOT / "docs/EVALUATION.md"
CORPORA = {  # name → protocol; a corpus without dates cannot be asked as of publication
    "opensuse-news": Protocol(),
    "18f-blog": Protocol(),
    "current-events-2025": Protocol(queries=600),
    "lee50": Protocol(as_of="all"),
    "izquierda-es": Protocol(),
}
MEASURE = "nDCG@10"


def main() -> None:
    given = arguments(DOCUMENT)
    systems = [*SYSTEMS, "embedding"] if given.embedding else list(SYSTEMS)
    found = {name: _evaluated(given.folder, name, systems) for name in CORPORA}
    table = _table(found, systems)
    print(table)
    if given.write:
        write(DOCUMENT, "table", table)


def _evaluated(folder: Path, name: str, systems: list[str]) -> Evaluation:
    print(f"{name} …", file=sys.stderr)
    with ArticleFile(str(folder / f"{name}.jsonl.gz")) as file:
        archive = read_archive(file.records())
    truth = read_truth(folder / f"{name}.truth.jsonl")
    more = {"embedding": baseline(embedding())}
    return evaluate(archive, truth, systems, [MEASURE], CORPORA[name], more)


def _table(found: dict[str, Evaluation], systems: list[str]) -> str:
    lines = [f"| | {' | '.join(found)} |", f"|---|{'---|' * len(found)}"]
    for system in systems:
        cells = (_cell(evaluation, system) for evaluation in found.values())
        lines.append(f"| `{system}` | {' | '.join(cells)} |")
    queries = (f"{len(e.judged.qrels)} of {len(e.archive.articles)}" for e in found.values())
    return "\n".join([*lines, f"| queries of articles | {' | '.join(queries)} |"])


def _cell(evaluation: Evaluation, system: str) -> str:
    interval = evaluation.interval(system, MEASURE)
    best = max(evaluation.interval(s, MEASURE).mean for s in evaluation.systems)
    mean = f"**{interval.mean:.3f}**" if interval.mean == best else f"{interval.mean:.3f}"
    return f"{mean} [{interval.low:.3f}, {interval.high:.3f}]"


if __name__ == "__main__":
    main()
