"""How the index grows: passages, and for a million pieces of them, in one process for each size."""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from corpora import SEED, Corpus
from lists import K
from measure import OURS, Row, rss_mib, spent, times

from features.article import Article, parse_article
from features.vectorizer import count_terms
from recommender.articles import Facets, StoredArticle, card_of
from recommender.errors import InvalidInput
from recommender.index.corpus import Corpus as Archive
from recommender.index.corpus import FetchArticles
from recommender.index.files import IndexFiles
from recommender.index.index import warm
from recommender.sources.files import ArticleFile

SIZES = (10_000, 50_000, 150_000, 1_000_000)
QUERIES = 200
LATENCY = "growth: similar: top 10"
IN_PIECES = "pieces"
HOLLOW = ' fill="#fff" stroke="#333"'
WIDTH, HEIGHT, MARGIN = 560, 320, 56


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
    name = f"{corpus.name}, {len(found.index):,}" + (
        f" (in {pieces} {IN_PIECES})" if pieces > 1 else ""
    )
    figures = [
        ("similar: top 10", milliseconds, "ms CPU"),
        ("read into memory", applying.cpu, "s CPU"),
        ("build", building.cpu, "s CPU"),
        ("open", 1000 * opening.wall, "ms"),
        ("files", size / len(found.index), "bytes/article"),
        ("memory of a worker, with mapped pages", rss_mib() - before, "MiB"),
    ]
    return [Row(f"growth: {what}", name, OURS, figure, unit) for what, figure, unit in figures]


def _among(stored: Mapping[str, StoredArticle]) -> FetchArticles:
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
            except InvalidInput:
                continue


def section(rows: Sequence[Row]) -> str:
    """Markdown: a line for each size, and how the latency grows."""
    grown = [row for row in rows if row.path.startswith("growth: ")]
    if not grown:
        return ""
    figures = {(row.corpus, row.path): f"{row.figure:,.2f}" for row in grown}
    paths = {row.path: f"{row.path.removeprefix('growth: ')}, {row.unit}" for row in grown}
    lines = [
        "## Growth\n",
        "![Milliseconds a query by number of articles, both logarithmic](growth.svg)\n",
        f"A query of ten times as many articles takes {10 ** slope(rows):.1f} times as long: the "
        f"slope of the logarithms is {slope(rows):.2f}, among passages as they are. To have more "
        "articles they are cut into pieces, with as many words less in each: a circle in the plot, "
        "which is not in the slope.\n",
        "| articles | " + " | ".join(paths.values()) + " |",
        "|---|" + "--:|" * len(paths),
    ]
    for corpus in sorted({row.corpus for row in grown}, key=_articles_in):
        cells = (figures.get((corpus, path), "–") for path in paths)
        lines.append(f"| {corpus} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n\n"


def slope(rows: Sequence[Row]) -> float:
    """Of the latency's logarithm over that of the number of articles, by least squares."""
    found = _latencies(rows)
    sizes = [_articles_in(corpus) for corpus in found if IN_PIECES not in corpus]
    milliseconds = [ms for corpus, ms in found.items() if IN_PIECES not in corpus]
    return float(np.polyfit(np.log(sizes), np.log(milliseconds), 1)[0])


def plot(rows: Sequence[Row]) -> str:
    """The latency over the number of articles as SVG, both logarithmic; nothing without rows."""
    found = _latencies(rows)
    if not found:
        return ""
    xs = _spread([_articles_in(corpus) for corpus in found], MARGIN, WIDTH - MARGIN)
    ys = _spread(list(found.values()), HEIGHT - MARGIN, MARGIN)
    places = list(zip(found, xs, ys, strict=True))
    line = " ".join(f"{x:.0f},{y:.0f}" for corpus, x, y in places if IN_PIECES not in corpus)
    marks = [
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4"{HOLLOW if IN_PIECES in corpus else ""}/>'
        f'<text x="{x:.0f}" y="{y - 10:.0f}" text-anchor="middle">{found[corpus]:.2f} ms</text>'
        f'<text x="{x:.0f}" y="{HEIGHT - 24}" text-anchor="middle">{_articles_in(corpus):,}</text>'
        for corpus, x, y in places
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
            ' font-family="sans-serif" font-size="12" fill="#333">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
            f'<text x="{MARGIN}" y="20">CPU of an exact top 10, by number of articles; '
            f"slope {slope(rows):.2f}</text>",
            f'<polyline points="{line}" fill="none" stroke="#2563eb" stroke-width="2"/>',
            *marks,
            "</svg>\n",
        ]
    )


def _latencies(rows: Sequence[Row]) -> dict[str, float]:
    """What a query takes, by corpus, the smallest first."""
    found = {row.corpus: row.figure for row in rows if row.path == LATENCY}
    return {corpus: found[corpus] for corpus in sorted(found, key=_articles_in)}


def _articles_in(corpus: str) -> int:
    """The number of articles that a corpus is named after."""
    size = re.search(r", ([0-9,]+)", corpus)
    assert size is not None, corpus
    return int(size[1].replace(",", ""))


def _spread(values: Sequence[float], first: float, last: float) -> list[float]:
    """Places for *values* on a logarithmic axis between two coordinates."""
    logs = np.log(values)
    share = (logs - logs.min()) / max(np.ptp(logs), 1e-9)
    return (first + share * (last - first)).tolist()
