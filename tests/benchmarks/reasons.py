"""
The tables of docs/reasons.md: which shared terms do reasons name, and how do the sentences read?

    .venv/bin/python tests/benchmarks/reasons.py [FOLDER] [--write]

It draws random pairs of an article and an item of its list, the same ones every time, and counts
the terms that the sentences name by kind: as they are, and as they were when terms were named by
their part of the cosine alone. FOLDER is `../shared/data` unless given; an archive that is not
there is left out.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from documents import ROOT, arguments, write
from tables import markdown

from features.analyzer import surfaces
from features.article import Article, parse_article
from features.vectorizer import count_terms, term_ids
from recommender.articles import Facets, StoredArticle, card_of
from recommender.errors import InvalidInput
from recommender.index.corpus import Corpus
from recommender.pipeline.explain import Contributions, SharedTerm, named
from recommender.pipeline.recommender import Recommender
from recommender.pipeline.results import ListItem
from recommender.pipeline.sentences import NAMED, reason_text
from recommender.pipeline.spellings import SpelledTerms, body_of, spans_punctuation
from recommender.pipeline.subjects import SubjectFinder, Traits, choose
from recommender.policy.list_options import ListOptions
from recommender.sources.files import ArticleFile

DOCUMENT = ROOT / "docs/reasons.md"
ARCHIVES = ("opensuse-news", "18f-blog", "current-events-2025", "izquierda-es")
KINDS = ("spans punctuation", "plain", "a name", "two words", "in a title or tag")
SEED = 2026
PAIRS = 50  # of each archive
SHOWN = 10  # sentences of each archive
LIST_LENGTH = 10


class Pair(NamedTuple):
    source: Article
    target: Article
    shared: Contributions


class Named(NamedTuple):
    """
    What a sentence names, and what is known of it.

    Fields:
        traits: by spelling; a quantity ("30 days") has none.
    """

    sentence: str
    spellings: list[str]
    traits: Mapping[str, Traits]


class Change(NamedTuple):
    before: Named
    after: Named


def main() -> None:
    given = arguments(DOCUMENT)
    files = {name: given.folder / f"{name}.jsonl.gz" for name in ARCHIVES}
    changes = {
        name: [*map(change, pairs(file, PAIRS))] for name, file in files.items() if file.exists()
    }
    tables = {"kinds": kinds_table(changes), "sentences": sentences_table(changes)}
    for name, table in tables.items():
        print(f"\n{name}\n\n{table}")
        if given.write:
            write(DOCUMENT, name, table)


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


def change(pair: Pair) -> Change:
    return Change(named_by_weight(pair), named_now(pair))


def named_now(pair: Pair) -> Named:
    finder = SubjectFinder(pair.source)
    chosen = choose(finder.ranked(pair.shared, pair.target), NAMED, finder.source.text)
    spellings = [one.spelling for one in chosen]
    text = reason_text("similar", pair.source.language, finder.with_articles(spellings))
    return Named(text, spellings, {one.spelling: one.traits for one in chosen})


class AnySpelling(SpelledTerms):
    """With the most frequent spelling of each term, whether it is clean or not, as before."""

    def __init__(self, article: Article) -> None:
        super().__init__(article)
        text = "\n".join((article.title, body_of(article), *article.tags))
        spellings = surfaces(text, article.language)
        self._spellings = dict(zip(term_ids(spellings), spellings.values(), strict=True))

    def clean(self, term: int) -> str | None:
        return self._spellings.get(term)


def named_by_weight(pair: Pair) -> Named:
    """The terms with the largest part of the cosine; a pair always took its word's place."""
    finder = SubjectFinder(pair.source)
    finder.source = AnySpelling(pair.source)
    traits = {}
    for term in finder.ranked(pair.shared, pair.target):
        traits[term.spelling.casefold()] = term.traits
    spellings = heaviest(named(pair.shared, finder.source.clean))
    return Named(
        reason_text("similar", "en", spellings),
        spellings,
        {one: traits[one.casefold()] for one in spellings if one.casefold() in traits},
    )


def heaviest(terms: Sequence[SharedTerm]) -> list[str]:
    two_word = [term.term for term in terms if " " in term.term]
    chosen: list[str] = []
    for term, _ in terms:
        said = set[str]().union(*map(words_of, chosen))
        if said & words_of(term):
            continue
        longer = [one for one in two_word if words_of(term) <= words_of(one)]
        chosen.append(next((one for one in longer if not said & words_of(one)), term))
        if len(chosen) == NAMED:
            break
    return chosen


def words_of(phrase: str) -> set[str]:
    return set(re.findall(r"\w+", phrase.casefold()))


def kinds(sentences: Sequence[Named]) -> Counter[str]:
    """How many named terms there are of each kind, and in all."""
    counts = Counter[str]()
    for one in sentences:
        for spelling in one.spellings:
            traits = one.traits.get(spelling)
            counts["all"] += 1
            counts["spans punctuation"] += " " in spelling and spans_punctuation(spelling)
            if traits is None:
                counts["two words"] += " " in spelling
            else:
                counts["two words"] += traits.words == 2
                counts["plain"] += traits.is_plain
                counts["a name"] += traits.names > 0
                counts["in a title or tag"] += traits.is_prominent
    return counts


def kinds_table(changes: Mapping[str, Sequence[Change]]) -> str:
    rows = [[name, *shares(ours)] for name, ours in changes.items()]
    rows.append(["all", *shares([one for ours in changes.values() for one in ours])])
    return markdown(["archive", *KINDS], rows)


def shares(changes: Sequence[Change]) -> list[str]:
    """Percent of the named terms, before → after, for each kind."""
    before = kinds([one.before for one in changes])
    after = kinds([one.after for one in changes])
    return [f"{percent(before, kind)} → {percent(after, kind)}" for kind in KINDS]


def percent(counts: Counter[str], kind: str) -> str:
    return f"{100 * counts[kind] / max(counts['all'], 1):.1f}"


def sentences_table(changes: Mapping[str, Sequence[Change]]) -> str:
    rows = []
    for name, ours in changes.items():
        rows += [[name, one.before.sentence, one.after.sentence] for one in ours[:SHOWN]]
    return markdown(["archive", "before", "after"], rows)


if __name__ == "__main__":
    main()
