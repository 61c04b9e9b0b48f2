"""
The reasons of lists: which shared terms do they name, and how do the sentences read?

    .venv/bin/python tests/benchmarks/reasons.py shared/data/18f-blog.jsonl.gz …

It draws random pairs of an article and an item of its list, the same ones every time, and counts
the terms that the sentences name by kind. `--show 10` prints ten sentences of each archive, to read
by eye.
"""

import argparse
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from features.article import Article, parse_article
from features.vectorizer import count_terms
from recommender.articles import Facets, StoredArticle, card_of
from recommender.errors import InvalidInput
from recommender.index.corpus import Corpus
from recommender.pipeline.explain import Contributions
from recommender.pipeline.recommender import Recommender
from recommender.pipeline.results import ListItem
from recommender.pipeline.sentences import NAMED, reason_text
from recommender.pipeline.spellings import spans_punctuation
from recommender.pipeline.subjects import SubjectFinder, choose
from recommender.policy.list_options import ListOptions
from recommender.sources.files import ArticleFile

SEED = 2026
PAIRS = 50  # of each archive
LIST_LENGTH = 10


class Pair(NamedTuple):
    source: Article
    target: Article
    shared: Contributions


def main() -> None:
    parser = argparse.ArgumentParser(description="Count the terms that reasons name, by kind.")
    parser.add_argument("archives", nargs="+", type=Path, metavar="ARCHIVE")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="of each archive")
    parser.add_argument("--show", type=int, default=0, help="sentences of each archive")
    options = parser.parse_args()
    total: Counter[str] = Counter()
    for archive in options.archives:
        counts: Counter[str] = Counter()
        for number, pair in enumerate(pairs(archive, options.pairs)):
            counts += kinds(pair)
            if number < options.show:
                print(f"- {pair.source.title} | {pair.target.title}\n  {sentence(pair)}")
        print_shares(archive.name.partition(".")[0], counts)
        total += counts
    print_shares("all", total)


def pairs(archive: Path, count: int) -> Iterator[Pair]:
    """Random articles, each with a random item of its list."""
    articles = read(archive)
    stored = {i: StoredArticle(Facets.of(card_of(a)), count_terms(a)) for i, a in articles.items()}
    corpus = Corpus(lambda ids: {i: stored[i] for i in ids})
    corpus.apply(stored)
    recommender = Recommender(corpus)
    options = ListOptions(limit=LIST_LENGTH, explain=True, fallback=False)
    chance = random.Random(SEED)
    drawn = 0
    for article_id in chance.sample(sorted(articles), len(articles)):
        items = list_of(article_id, recommender, articles, options)
        if items:
            item = chance.choice(items)
            assert item.shared is not None
            yield Pair(articles[article_id], articles[item.card["id"]], item.shared)
            drawn += 1
        if drawn == count:
            return


def list_of(
    article_id: str, recommender: Recommender, articles: dict[str, Article], options: ListOptions
) -> list[ListItem]:
    ranking = recommender.related(article_id, options, datetime.now(UTC))
    ids = recommender.corpus.index.ids
    cards = {slot: card_of(articles[ids[slot]]) for slot in ranking.slots()}
    return ranking.with_cards(recommender.corpus, cards).items


def read(archive: Path) -> dict[str, Article]:
    articles = {}
    with ArticleFile(str(archive)) as file:
        for record in file.records():
            try:
                article = parse_article(record.data)
            except InvalidInput:
                continue
            articles[article.id] = article
    return articles


def kinds(pair: Pair) -> Counter[str]:
    """How many named terms there are of each kind."""
    counts = Counter({"sentences": 1})
    finder = SubjectFinder(pair.source)
    for term in choose(finder.ranked(pair.shared, pair.target), NAMED, finder.source.text):
        counts["terms"] += 1
        counts["spans punctuation"] += " " in term.spelling and spans_punctuation(term.spelling)
        counts["plain"] += term.traits.is_plain
        counts["name"] += term.traits.names > 0
        counts["two words"] += term.traits.words == 2
        counts["in a title or tag"] += term.traits.is_prominent
    return counts


def sentence(pair: Pair) -> str:
    finder = SubjectFinder(pair.source)
    named = finder.subjects(pair.shared, pair.target, NAMED)
    return reason_text("similar", pair.source.language, finder.with_articles(named))


def print_shares(name: str, counts: Counter[str]) -> None:
    terms = counts["terms"]
    print(f"{name}: {counts['sentences']} sentences, {terms} terms", end="")
    for kind in ("spans punctuation", "plain", "name", "two words", "in a title or tag"):
        print(f", {kind} {counts[kind] / max(terms, 1):.1%}", end="")
    print()


if __name__ == "__main__":
    main()
