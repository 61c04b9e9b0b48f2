"""
Lists of current-events-2025 to read: titles and dates, the whole archive answering.

    .venv/bin/python tests/benchmarks/reading.py [FOLDER]

Ten queries, which docs/RELEVANCE.md describes, drawn with `numpy.random.default_rng(2025)`; and the
page that this product started from, as a draft: by the plain cosine, by our lists with a date and
without, and with all that is around the story on the page.
"""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from documents import ROOT, arguments
from judged import archive_of
from sklearn.feature_extraction.text import TfidfVectorizer

from features.article import parse_draft
from recommender.articles import StoredArticle
from recommender.evaluation import Archive, Protocol, read_truth
from recommender.evaluation.protocol import judge
from recommender.index.corpus import Corpus
from recommender.pipeline.recommender import Recommender
from recommender.pipeline.results import Ranking
from recommender.policy.list_options import ListOptions

NAME = "current-events-2025"
PAGE = "seed-page.txt"
PUBLISHED = "2025-03-13"
QUERIES, PLACES = 10, 5
BOX = ListOptions(limit=PLACES)
NOW = datetime.max.replace(tzinfo=UTC)


def main() -> None:
    folder = arguments(ROOT / "docs/RELEVANCE.md").folder
    archive = archive_of(folder, NAME)
    truth = read_truth(folder / f"{NAME}.truth.jsonl")
    qrels = judge(archive, truth, Protocol(as_of="all")).qrels
    drawn = np.random.default_rng(2025).choice(sorted(qrels), QUERIES, replace=False)
    corpus = Corpus(archive.stored_articles)
    corpus.apply({article.id: archive.stored(p) for p, article in enumerate(archive.articles)})
    recommender = Recommender(corpus)
    for query in drawn.tolist():
        print(f"\n{_line(archive, query)}")
        _print(archive, corpus, recommender.related(query, BOX, NOW), qrels[query])
    if (folder / PAGE).exists():
        _read_page(folder / PAGE, archive, recommender)


def _read_page(page: Path, archive: Archive, recommender: Recommender) -> None:
    title, _, whole = page.read_text().partition("\n")
    story = whole.partition("News Desk")[0]
    print(f"\n{title}: plain TF-IDF")
    _print_nearest(archive, f"{title}\n{story}")
    print("\nthe whole page: plain TF-IDF")
    _print_nearest(archive, f"{title}\n{whole}")
    drafts = {
        f"{title}: published on {PUBLISHED}": {"body": story, "published_at": PUBLISHED},
        "without a date": {"body": story},
        "the whole page": {"body": whole, "published_at": PUBLISHED},
    }
    for label, fields in drafts.items():
        print(f"\n{label}")
        draft = StoredArticle.of_draft(parse_draft({"title": title, **fields}))
        ranking = recommender.related_to(draft, BOX, NOW)
        _print(archive, recommender.corpus, ranking, {})


def _print(archive: Archive, corpus: Corpus, ranking: Ranking, qrel: dict[str, int]) -> None:
    for article_id, article in ranking.by_id(corpus).items():
        grade = qrel.get(article_id, "–")
        text = f"{article.score:.3f} cos {article.similarity:.2f} {article.reason:8}"
        print(f"  {grade} {text} {_line(archive, article_id)}")


def _print_nearest(archive: Archive, text: str) -> None:
    """The articles with the highest cosines of scikit-learn's TF-IDF."""
    vectorizer = TfidfVectorizer()
    rows = vectorizer.fit_transform(f"{one.title}\n{one.body}" for one in archive.articles)
    cosines = (rows @ vectorizer.transform([text]).T).toarray()[:, 0]
    for place in np.argsort(-cosines, kind="stable")[:PLACES].tolist():
        print(f"    cos {cosines[place]:.2f} {_line(archive, archive.articles[place].id)}")


def _line(archive: Archive, article_id: str) -> str:
    article = archive.articles[archive.place[article_id]]
    date = article.published_at.date() if article.published_at else "no date"
    return f"{date} [{article.section}] {article.body[:220]}"


if __name__ == "__main__":
    main()
