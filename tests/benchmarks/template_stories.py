"""
Articles of one template that were taken for one story before their titles counted, and now.

    .venv/bin/python tests/benchmarks/template_stories.py [FOLDER] [--write]

Compares the articles of each template of `tests/templates.toml`, and every article of opensuse-news
with the thirty that are nearest to it, as lists do.
"""

import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
from documents import ROOT, arguments, write
from judged import archive_of
from tables import markdown

from features.analysis import analyse
from recommender.evaluation import Archive
from recommender.index.corpus import Corpus
from recommender.pipeline.fingerprints import Fingerprints
from recommender.pipeline.stories import Fingerprint, is_duplicate

sys.path.append(str(ROOT / "tests"))
from templates import TEMPLATES, filled

DOCUMENT = ROOT / "docs/RELEVANCE.md"
CORPUS = "opensuse-news"
NEIGHBOURS = 30

Pair = tuple[Fingerprint, Fingerprint]


def main() -> None:
    given = arguments(DOCUMENT)
    rows = [_row(f"{kind}, of one template", _filled_pairs(kind)) for kind in TEMPLATES]
    if (given.folder / f"{CORPUS}.jsonl.gz").exists():
        rows.append(_row(f"{CORPUS}, neighbours", _near_pairs(given.folder)))
    table = markdown(["articles", "pairs", "one story without titles", "one story"], rows)
    print(table)
    if given.write:
        write(DOCUMENT, "templates", table)


def _row(label: str, pairs: Iterator[Pair]) -> list[str]:
    compared = [(is_duplicate(*map(_without_subject, pair)), is_duplicate(*pair)) for pair in pairs]
    before = sum(without for without, _ in compared)
    now = sum(with_titles for _, with_titles in compared)
    return [label, str(len(compared)), str(before), str(now)]


def _without_subject(article: Fingerprint) -> Fingerprint:
    return article._replace(subject=np.empty(0, np.uint32))


def _filled_pairs(kind: str) -> Iterator[Pair]:
    features = [analyse(article).features for article in filled(kind)]
    return combinations([Fingerprint.of(one.counts, one.title) for one in features], 2)


def _near_pairs(folder: Path) -> Iterator[Pair]:
    archive: Archive = archive_of(folder, CORPUS)
    corpus = Corpus(archive.stored_articles)
    corpus.apply({one.id: archive.stored(place) for place, one in enumerate(archive.articles)})
    slots = np.arange(len(archive.articles))
    pairs = set()
    for slot in slots.tolist():
        near = corpus.index.similar(corpus.ids([slot])[0], NEIGHBOURS).slots.tolist()
        pairs |= {(max(slot, other), min(slot, other)) for other in near}
    numbers = np.array(sorted(pairs), np.intp)
    fingerprints = Fingerprints(corpus, slots).of(numbers)
    for one, other in numbers.tolist():
        yield fingerprints[one], fingerprints[other]


if __name__ == "__main__":
    main()
