"""
The tables of docs/RELEVANCE.md about the first five items: twins, languages, a WordPress plugin.

    OMP_NUM_THREADS=1 .venv/bin/python tests/benchmarks/box_lists.py [FOLDER] [--write]

FOLDER is `../shared/data` unless given; a table whose corpus is not there is left out.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from documents import ROOT, arguments, write
from judged import PROTOCOLS, archive_of
from tables import markdown, number, signed
from variants import DEFAULT, LEFT_OUT, ONE_PER_STORY, Variant, changed

from recommender.evaluation import Archive, evaluate, read_archive, read_truth
from recommender.evaluation.measures import LIST_MEASURES
from recommender.evaluation.systems import given_run
from recommender.index.corpus import Corpus
from recommender.pipeline.recommender import Recommender
from recommender.policy.list_options import ListOptions
from recommender.sources.files import ArticleFile

DOCUMENT = ROOT / "docs/RELEVANCE.md"
TWINS, LANGUAGES, BLOG = "opensuse-news", "multilingual-news", "izquierda-es"
MIX_SIZE = 2_000
BOX = ListOptions(limit=5)

Boxes = Mapping[str, list[str]]
"""Article → the ids in its box."""


def main() -> None:
    given = arguments(DOCUMENT)
    tables = {}
    if _is_there(given.folder, TWINS) and _is_there(given.folder, LANGUAGES):
        rows = [*_twins_rows(given.folder), *_language_rows(given.folder)]
        tables["lists"] = markdown(["lists of", "measure", "lists", "value"], rows)
    if _is_there(given.folder, BLOG):
        tables["plugin"] = _plugin_table(given.folder)
    for name, table in tables.items():
        print(f"\n{name}\n\n{table}")
        if given.write:
            write(DOCUMENT, name, table)


def _is_there(folder: Path, name: str) -> bool:
    return (folder / f"{name}.jsonl.gz").exists()


def _twins_rows(folder: Path) -> list[list[str]]:
    archive = archive_of(folder, TWINS)
    _ = archive.vectors  # what a near duplicate is must not change with what is left out
    rows = []
    for name, variant in (
        (f"without: {ONE_PER_STORY}", LEFT_OUT[ONE_PER_STORY]),
        (DEFAULT, Variant()),
    ):
        with changed(variant):
            boxes = _boxes(archive)
        for measure in ("near-duplicates@5", "self@5"):
            label = f"every post of {TWINS}, {name}"
            mean = _mean(measure, archive, boxes)
            rows.append([label, f"`{measure}`", str(len(boxes)), mean])
    return rows


def _language_rows(folder: Path) -> list[list[str]]:
    rows = []
    for stated in (True, False):
        archive, boxes = _mixed_languages(folder / f"{LANGUAGES}.jsonl.gz", stated)
        label = "a mix of 21 languages" + ("" if stated else ", which the articles do not state")
        purity = _mean("language-purity@5", archive, boxes)
        rows.append([label, "`language-purity@5`", str(len(boxes)), purity])
    return rows


def _boxes(archive: Archive) -> dict[str, list[str]]:
    """What a reader sees next to every article: five ids at most."""
    corpus = Corpus(archive.stored_articles)
    corpus.apply({article.id: archive.stored(p) for p, article in enumerate(archive.articles)})
    recommender = Recommender(corpus)
    now = datetime.max.replace(tzinfo=UTC)
    boxes = {}
    for article in archive.articles:
        boxes[article.id] = [*recommender.related(article.id, BOX, now).by_id(corpus)]
    return boxes


def _mean(measure: str, archive: Archive, boxes: Boxes) -> str:
    value = LIST_MEASURES[measure]
    return f"{np.nanmean([value(archive, one, shown) for one, shown in boxes.items()]):.4f}"


def _mixed_languages(path: Path, stated: bool) -> tuple[Archive, Boxes]:
    """
    The articles with the lowest hashes of their ids as one site, and its boxes.

    Purity is measured by the languages of the source, also where articles do not state them.
    """
    with ArticleFile(str(path)) as file:
        articles: list[dict[str, Any]] = [dict(record.data) for record in file.records()]  # type: ignore[call-overload]
    by_hash = sorted(articles, key=lambda one: blake2b(str(one["id"]).encode()).digest())
    languages = {str(one["id"]): one["language"] for one in islice(by_hash, MIX_SIZE)}
    mix = [one for one in articles if str(one["id"]) in languages]
    if not stated:
        mix = [{name: one[name] for name in one if name != "language"} for one in mix]
    archive = read_archive(mix)
    boxes = _boxes(archive)
    for article_id, card in archive.cards.items():
        card["language"] = languages[article_id]
    return archive, boxes


def _plugin_table(folder: Path) -> str:
    archive = archive_of(folder, BLOG)
    truth = read_truth(folder / f"{BLOG}.truth.jsonl")
    lines = map(orjson.loads, (folder / f"{BLOG}.plugin.jsonl").open("rb"))
    shown = {one["id"]: one["plugin_related"] for one in lines}
    plugin = {query: [(a, 1.0 / r) for r, a in enumerate(ids, 1)] for query, ids in shown.items()}
    answered = {query: judged for query, judged in truth.items() if shown.get(query)}
    head = ["", "queries", "lists with an editor's link: plugin", "ours", "nDCG@4: plugin", "ours",
            "difference"]  # fmt: skip
    rows = []
    for label in ("all", "publication"):
        result = evaluate(
            archive, answered, ["plugin", "alsosee"], ["nDCG@4", "hit@4"], PROTOCOLS[BLOG][label],
            {"plugin": given_run(plugin)},
        )  # fmt: skip
        hits = [str(int(result.systems[s].values["hit@4"].sum())) for s in result.systems]
        means = [number(result.interval(system, "nDCG@4").mean) for system in result.systems]
        difference = signed(result.difference("alsosee", "plugin", "nDCG@4"))
        rows.append([label, str(len(result.judged.qrels)), *hits, *means, difference])
    theirs = _exposure({query: ids for query, ids in shown.items() if ids})
    ours = _exposure({query: ids[:4] for query, ids in _boxes(archive).items()})
    exposure = f"Articles shown at all: by the plugin {theirs}; by us {ours}."
    return f"{markdown(head, rows)}\n\n{exposure}"


def _exposure(boxes: Boxes) -> str:
    counts = Counter(article for ids in boxes.values() for article in ids)
    most = counts.most_common(1)[0][1]
    return f"{len(counts)}, the most frequent in {most} of {len(boxes)} lists"


if __name__ == "__main__":
    main()
