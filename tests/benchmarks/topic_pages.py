"""
Print lists for topic pages, to be read: `.venv/bin/python tests/benchmarks/topic_pages.py FILE`.

A topic is a tag of 8 to 40 articles. Tags, and five articles of each as sources, are drawn by
chance, the same ones each time.
"""

import argparse
import gzip
import random
from collections import defaultdict
from pathlib import Path

import orjson

from recommender import RelatedArticles

TOPICS = 5
SOURCES = 5
ITEMS = 8
SEED = 7


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("file", type=Path, help="JSON Lines, compressed by gzip or not")
    path = parser.parse_args().file
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        related = RelatedArticles(map(orjson.loads, file))
    by_tag: dict[str, list[str]] = defaultdict(list)
    for article_id in related:
        for tag in related[article_id].tags:
            by_tag[tag].append(article_id)
    topics = [tag for tag, ids in by_tag.items() if 8 <= len(ids) <= 40]
    chance = random.Random(SEED)
    for tag in chance.sample(sorted(topics), TOPICS):
        _print(related, tag, chance.sample(by_tag[tag], SOURCES))


def _print(related: RelatedArticles, tag: str, sources: list[str]) -> None:
    print(f"\n{tag}")
    for article_id in sources:
        print(f"  source  {related[article_id].title}")
    for item in related.to_several(sources, limit=ITEMS):
        mark = "*" if tag in item.article.tags else " "
        print(f"  {item.score:.2f} {mark}  {item.title}")


if __name__ == "__main__":
    main()
