"""
Ten lists of current-events-2025 to read: titles and dates, the whole archive answering.

    .venv/bin/python tests/benchmarks/reading.py [FOLDER]

The queries are those that docs/RELEVANCE.md tells of, drawn with `numpy.random.default_rng(2025)`.
"""

from datetime import UTC, datetime

import numpy as np
from documents import ROOT, arguments
from judged import archive_of

from recommender.evaluation import Archive, Protocol, read_truth
from recommender.evaluation.protocol import judge
from recommender.index.corpus import Corpus
from recommender.pipeline.recommender import Recommender
from recommender.policy.list_options import ListOptions

NAME = "current-events-2025"
QUERIES, PLACES = 10, 5


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
        now = datetime.max.replace(tzinfo=UTC)
        ranking = recommender.related(query, ListOptions(limit=PLACES), now)
        for article_id, article in ranking.by_id(corpus).items():
            grade = qrels[query].get(article_id, "–")
            text = f"{article.score:.3f} cos {article.similarity:.2f} {article.reason:8}"
            print(f"  {grade} {text} {_line(archive, article_id)}")


def _line(archive: Archive, article_id: str) -> str:
    article = archive.articles[archive.place[article_id]]
    date = article.published_at.date() if article.published_at else "no date"
    return f"{date} [{article.section}] {article.body[:220]}"


if __name__ == "__main__":
    main()
