"""The judged corpora, the rules by which their queries are asked, and lists kept of them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import orjson

from recommender.evaluation import Archive, Protocol, read_archive, read_truth
from recommender.evaluation.intervals import Bootstrap, Difference
from recommender.evaluation.measures import QueryValues, per_query
from recommender.evaluation.protocol import Judged, judge
from recommender.evaluation.trec import Run
from recommender.sources.files import ArticleFile

KEPT = Path(__file__).parent / "results" / "runs"
PLACES = 10
MEASURE = "nDCG@10"
SEED = 0

_BOTH = {"publication": Protocol(seed=SEED), "all": Protocol(as_of="all", seed=SEED)}
PROTOCOLS: Mapping[str, Mapping[str, Protocol]] = {
    "opensuse-news": _BOTH,
    "18f-blog": _BOTH,
    "izquierda-es": _BOTH,
    "current-events-2025": {label: replace(one, queries=600) for label, one in _BOTH.items()},
    "lee50": {"all": _BOTH["all"]},  # it has no dates
}
"""Corpus → label → rules."""

Runs = dict[str, Run]
"""System or variant → its lists."""


class JudgedCorpus(NamedTuple):
    """One corpus under one protocol, with the lists that were made for it."""

    name: str
    label: str
    archive: Archive
    judged: Judged
    runs: Runs

    @property
    def title(self) -> str:
        return f"{self.name}, {self.label}"

    def values(self, system: str, measure: str = MEASURE) -> QueryValues:
        return per_query(measure, self.archive, self.judged, self.runs[system])

    def mean(self, system: str, measure: str = MEASURE) -> float:
        """Over the queries that have a value."""
        return float(np.nanmean(self.values(system, measure)))

    def difference(self, one: str, other: str, measure: str = MEASURE) -> Difference:
        """By how much *one* is above *other*."""
        bootstrap = Bootstrap(len(self.judged.qrels), SEED)
        return bootstrap.difference(self.values(one, measure), self.values(other, measure))


def archive_of(folder: Path, name: str) -> Archive:
    with ArticleFile(str(folder / f"{name}.jsonl.gz")) as file:
        return read_archive(file.records())


def present(folder: Path) -> list[str]:
    """The judged corpora that *folder* holds."""
    return [name for name in PROTOCOLS if (folder / f"{name}.jsonl.gz").exists()]


def kept_corpora(folder: Path) -> list[JudgedCorpus]:
    """Those whose lists `keep_runs` has written, corpus by corpus, as of publication first."""
    corpora = []
    for name in present(folder):
        if not _file(name, next(iter(PROTOCOLS[name]))).exists():
            continue
        archive = archive_of(folder, name)
        truth = read_truth(folder / f"{name}.truth.jsonl")
        for label, protocol in PROTOCOLS[name].items():
            judged = judge(archive, truth, protocol)
            corpora.append(JudgedCorpus(name, label, archive, judged, kept_runs(name, label)))
    return corpora


def keep_runs(name: str, label: str, runs: Runs) -> None:
    """Write the first ten places of each list."""
    KEPT.mkdir(parents=True, exist_ok=True)
    shown = {
        system: {
            query: [article for article, _ in places[:PLACES]] for query, places in run.items()
        }
        for system, run in runs.items()
    }
    _file(name, label).write_bytes(orjson.dumps(shown))


def kept_runs(name: str, label: str) -> Runs:
    """What `keep_runs` wrote."""
    shown = orjson.loads(_file(name, label).read_bytes())
    return {
        system: {query: _with_scores(articles) for query, articles in lists.items()}
        for system, lists in shown.items()
    }


def _with_scores(articles: list[str]) -> list[tuple[str, float]]:
    """Scores that only keep the order: measures go by places."""
    return [(article, 1.0 / place) for place, article in enumerate(articles, 1)]


def _file(name: str, label: str) -> Path:
    return KEPT / f"{name}.{label}.json"


def stamp(text: str) -> str:
    return f"{datetime.now(UTC):%H:%M:%S} {text}"
