"""
The tables of docs/EVALUATION.md: every system on every corpus, plain and with stories collapsed.

    .venv/bin/python tests/benchmarks/relevance.py [FOLDER] [--write]

It measures the lists that `keep_runs.py` has kept.
"""

from collections.abc import Sequence

from documents import ROOT, arguments, write
from judged import MEASURE, SEED, JudgedCorpus, kept_corpora
from tables import markdown, number, signed

from recommender.evaluation.intervals import Bootstrap, Interval
from recommender.evaluation.systems import SYSTEMS

DOCUMENT = ROOT / "docs/EVALUATION.md"
STORY_MEASURE = f"story-{MEASURE}"
COLLAPSED = ("alsosee", "bm25", "lsa", "embedding")


def main() -> None:
    given = arguments(DOCUMENT)
    corpora = kept_corpora(given.folder)
    # One protocol for each: as of publication, where there are dates.
    shown = list({corpus.name: corpus for corpus in reversed(corpora)}.values())[::-1]
    tables = {"table": _systems_table(shown), "stories": _stories_table(corpora)}
    for name, table in tables.items():
        print(f"\n{name}\n\n{table}")
        if given.write:
            write(DOCUMENT, name, table)


def _systems_table(corpora: Sequence[JudgedCorpus]) -> str:
    systems = [*SYSTEMS, "embedding"]
    rows = [[f"`{one}`", *(_cell(corpus, one, systems) for corpus in corpora)] for one in systems]
    sizes = [f"{len(one.judged.qrels)} of {len(one.archive.articles)}" for one in corpora]
    head = ["", *(corpus.name for corpus in corpora)]
    return markdown(head, [*rows, ["queries of articles", *sizes]])


def _cell(corpus: JudgedCorpus, system: str, systems: Sequence[str]) -> str:
    if system not in corpus.runs:
        return ""
    best = max(corpus.mean(one) for one in systems if one in corpus.runs)
    interval = _interval(corpus, system)
    mean = f"**{interval.mean:.3f}**" if interval.mean == best else f"{interval.mean:.3f}"
    return f"{mean} [{interval.low:.3f}, {interval.high:.3f}]"


def _interval(corpus: JudgedCorpus, system: str) -> Interval:
    return Bootstrap(len(corpus.judged.qrels), SEED).interval(corpus.values(system))


def _stories_table(corpora: Sequence[JudgedCorpus]) -> str:
    """Plain → collapsed for some systems, and our lead over the best other one by both."""
    head = ["corpus", *(f"`{system}`" for system in COLLAPSED), "lead, plain", "lead, collapsed"]
    rows = []
    for corpus in corpora:
        systems = [system for system in COLLAPSED if system in corpus.runs]
        cells = {system: _plain_and_collapsed(corpus, system) for system in systems}
        rival = max(systems[1:], key=corpus.mean)
        rows.append(
            [
                corpus.title,
                *(cells.get(system, "") for system in COLLAPSED),
                f"{signed(corpus.difference('alsosee', rival))} `{rival}`",
                signed(corpus.difference("alsosee", rival, STORY_MEASURE)),
            ]
        )
    return markdown(head, rows)


def _plain_and_collapsed(corpus: JudgedCorpus, system: str) -> str:
    return f"{number(corpus.mean(system))} → {number(corpus.mean(system, STORY_MEASURE))}"


if __name__ == "__main__":
    main()
