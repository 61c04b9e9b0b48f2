"""How the index grows: passages, and for a million pieces of them, in one process for each size."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from corpora import SEED, Corpus
from lists import K
from measure import OURS, Row, rss_mib, spent, times

from features.article import Article, InvalidArticle, parse_article
from features.vectorizer import count_terms
from recommender.catalogue import Facets
from recommender.corpus import Corpus as Archive
from recommender.corpus import Stored
from recommender.files import IndexFiles
from recommender.index import warm
from recommender.sources.files import ArticleFile
from recommender.store import StoredArticle, card_of

SIZES = (10_000, 50_000, 150_000, 1_000_000)
QUERIES = 200


def growth(corpus: Corpus, articles: int) -> list[Row]:
    """Build, open and ask an index of so many articles; passages are cut if there are too few."""
    warm()
    pieces = 1 if articles <= 150_000 else -(-articles // 150_000)
    stored = dict(islice(_stored(corpus, pieces), articles))
    archive = Archive(_among(stored))
    with spent() as applying:
        archive.apply(stored)
    with tempfile.TemporaryDirectory(prefix="alsosee-growth-") as folder:
        files = IndexFiles(Path(folder))
        with spent() as building, files.building():
            files.publish(archive.arrays(), {})
        del archive, stored
        size = sum(path.stat().st_size for path in Path(folder).glob("*.index"))
        before = rss_mib()
        with spent() as opening:
            opened = files.newest()
            assert opened is not None
            found = Archive(_among({}), opened.arrays)
        ids = [found.index.ids[s] for s in _sample(len(found.index))]
        milliseconds = times({OURS: lambda i: found.index.similar(i, K)}, ids).cpu[OURS]
    name = f"{corpus.name}, {len(found.index):,}" + (f" (in {pieces} pieces)" if pieces > 1 else "")
    figures = [
        ("similar: top 10", milliseconds, "ms CPU"),
        ("read into memory", applying.cpu, "s CPU"),
        ("build", building.cpu, "s CPU"),
        ("open", 1000 * opening.wall, "ms"),
        ("files", size / len(found.index), "bytes/article"),
        ("memory of a worker, with mapped pages", rss_mib() - before, "MiB"),
    ]
    return [Row(f"growth: {what}", name, OURS, figure, unit) for what, figure, unit in figures]


def _among(stored: Mapping[str, StoredArticle]) -> Stored:
    """What a `Corpus` asks for articles that it had before."""
    return lambda article_ids: {i: stored[i] for i in article_ids if i in stored}


def _sample(articles: int) -> Sequence[int]:
    return np.random.default_rng(SEED).integers(0, articles, QUERIES).tolist()


def _stored(corpus: Corpus, pieces: int) -> Iterator[tuple[str, StoredArticle]]:
    for number, article in enumerate(_articles(corpus)):
        words = (article.body or "").split()
        length = -(-len(words) // pieces)
        for piece in range(pieces if words else 0):
            body = " ".join(words[piece * length : (piece + 1) * length])
            part = article.model_copy(update={"id": f"{number:07}-{piece}", "body": body})
            yield part.id, StoredArticle(Facets.of(card_of(part)), count_terms(part))


def _articles(corpus: Corpus) -> Iterator[Article]:
    with ArticleFile(str(corpus.file)) as file:
        for record in file.records():
            try:
                yield parse_article(record.data)
            except InvalidArticle:
                continue
