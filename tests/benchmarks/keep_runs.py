"""
Make the lists that the tables of docs/EVALUATION.md and docs/RELEVANCE.md are measured on.

    OMP_NUM_THREADS=1 .venv/bin/python tests/benchmarks/keep_runs.py [FOLDER] [--embedding]
        [--corpus NAME …] [--variant NAME …]

FOLDER holds `NAME.jsonl.gz` and `NAME.truth.jsonl` and is `../shared/data` unless given; what needs
a corpus that is not there is left out. The lists go to tests/benchmarks/results/runs/, one file for
each corpus and protocol; `relevance.py`, `ablation.py` and `holdout.py` make tables of them. Half
an hour of one core's time; --embedding adds a quarter. With --variant only these lists are made,
and added to those that are kept.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from documents import FOLDER
from judged import PROTOCOLS, archive_of, keep_runs, kept_runs, present, stamp
from variants import all_variants, run_variants

from recommender.evaluation import Archive, Protocol, evaluate, read_truth
from recommender.evaluation.baselines import Scorer
from recommender.evaluation.embedding import embedding
from recommender.evaluation.protocol import Judged, judge
from recommender.evaluation.systems import SYSTEMS, System, baseline


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--embedding", action="store_true", help="needs the extra `embedding`")
    parser.add_argument("--corpus", action="append", choices=PROTOCOLS, help="default: all")
    parser.add_argument("--variant", action="append", help="name of a variant, to add its lists")
    given = parser.parse_args()
    names = given.corpus or present(given.folder)
    if not names:
        sys.exit(f"{given.folder} holds none of: {', '.join(PROTOCOLS)}")
    for name in names:
        if given.variant:
            _add(given.folder, name, given.variant)
        else:
            _keep(given.folder, name, given.embedding)


def _add(folder: Path, name: str, variants: Sequence[str]) -> None:
    archive = archive_of(folder, name)
    truth = read_truth(folder / f"{name}.truth.jsonl")
    for label, protocol in PROTOCOLS[name].items():
        chosen = {one: all_variants(label)[one] for one in variants}
        judged = judge(archive, truth, protocol)
        kept = kept_runs(name, label)
        keep_runs(name, label, kept | run_variants(archive, judged, protocol, chosen))


def _keep(folder: Path, name: str, with_embedding: bool) -> None:
    archive = archive_of(folder, name)
    truth = read_truth(folder / f"{name}.truth.jsonl")
    systems = [*SYSTEMS, *(["embedding"] if with_embedding else [])]
    more = {"embedding": _encoded_once()}
    for label, protocol in PROTOCOLS[name].items():
        print(stamp(f"{name}, {label}"), file=sys.stderr, flush=True)
        result = evaluate(archive, truth, systems, ["nDCG@10"], protocol, more)
        plain = {system: outcome.run for system, outcome in result.systems.items()}
        ours = run_variants(archive, result.judged, protocol, all_variants(label))
        keep_runs(name, label, {**plain, **ours})


def _encoded_once() -> System:
    """The system `embedding`, which would encode the archive for each protocol."""
    scorers: list[Scorer] = []

    def build(archive: Archive, judged: Judged, protocol: Protocol) -> Scorer:
        if not scorers:
            scorers.append(embedding()(archive, judged, protocol))
        return scorers[0]

    return baseline(build)


if __name__ == "__main__":
    main()
