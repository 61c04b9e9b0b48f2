"""
How often do links for drafts lead where editors' own links led, and stand where those stood?

    .venv/bin/python tests/benchmarks/linking.py ARCHIVE

ARCHIVE is read as `alsosee import` reads it; its bodies are HTML with the editors' links in them.
Every story is asked about at its own moment, when only what was out by then can be linked to:

- without the text of its links: is a link's target among the first five?
- with that text, as before the editor set the link: is the phrase for this target in the same
  paragraph, and does it overlap the editor's? By chance, a link stands in any paragraph.
"""

import argparse
import re
from bisect import bisect_right
from collections import Counter
from itertools import chain
from typing import Any, NamedTuple

from features.analyzer import analyze
from features.article import parse_article
from features.fields import sender_names
from features.offsets import OffsetText, read
from features.vectorizer import term_ids
from recommender.articles import StoredArticle
from recommender.evaluation import Protocol, read_archive
from recommender.evaluation.archive import Archive
from recommender.evaluation.links import ArchiveLinks, harvest
from recommender.evaluation.protocol import LINKED, judge
from recommender.evaluation.systems import moment, through_time
from recommender.index.corpus import Corpus
from recommender.pipeline.anchors import Subject, place_links
from recommender.pipeline.explain import contributions
from recommender.pipeline.recommender import Recommender
from recommender.pipeline.signals import draft_source
from recommender.policy.list_options import ListOptions
from recommender.sources.files import ArticleFile

FIRST = 5
WHOLES = {
    "links": "links",
    "target among the first 5": "links",
    "in the text": "links",
    "same paragraph": "in the text",
    "same paragraph by chance": "in the text",
    "overlapping": "in the text",
}
_LINK = re.compile(r"<a\s[^>]*>(.*?)</a>", re.DOTALL | re.IGNORECASE)
Spans = dict[str, list[tuple[int, int]]]  # target → where, in characters


class Unlinked(NamedTuple):
    """A body as it was before the editor set the links to the archive, and where they came."""

    body: str
    spans: Spans


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("archive")
    with ArticleFile(arguments.parse_args().archive) as file:
        records = list(file.records())
    raw = {str(_fields(r.data)["id"]): r.data for r in records if isinstance(r.data, dict)}
    counts = counted(read_archive(records), raw)
    for name, whole in WHOLES.items():
        print(f"{name:26} {counts[name]:7.0f} {counts[name] / counts[whole]:6.0%}")


def counted(archive: Archive, raw: dict[str, dict[str, Any]]) -> Counter[str]:
    """How many links there are of each kind in `WHOLES`."""
    links, protocol = ArchiveLinks.of(list(raw.values())), Protocol()
    judged = judge(archive, harvest(list(raw.values())).truth, protocol)
    corpus = Corpus(archive.stored_articles)
    recommender = Recommender(corpus)
    counts: Counter[str] = Counter()
    for query in through_time(archive, judged, protocol, corpus):
        options = {one for one, grade in judged.qrels[query].items() if grade == LINKED}
        counts["links"] += len(options)
        first = _first(recommender, archive, query, protocol)
        counts["target among the first 5"] += len(options & first)
        counts += _standing(corpus, archive, raw[query], links, options)
    return counts


def _standing(
    corpus: Corpus, archive: Archive, data: dict[str, Any], links: ArchiveLinks, options: set[str]
) -> Counter[str]:
    """Where the anchors for these links stand, each found as if it were the only one."""
    body, spans = without_links(data, links)
    article = parse_article({**data, sender_names(data)["body"]: body})
    reading, source = read(body), draft_source(corpus, StoredArticle.of_draft(article))
    counts: Counter[str] = Counter()
    in_text = {link.target for link in links.links(data) if link.kind == "in text"}
    for target in options & spans.keys() & in_text:
        slot, other = corpus.index.slot(target), archive.articles[archive.place[target]]
        shared = contributions(corpus, source, slot or 0)
        weights = dict(zip(shared.terms.tolist(), shared.weights.tolist(), strict=True))
        title = frozenset(term_ids([*chain(*analyze(other.title, other.language))]))
        [anchor] = place_links(reading, article.title, article.language, [Subject(weights, title)])
        own = {_paragraph(reading, start) for start, _ in spans[target]}
        counts["in the text"] += 1
        counts["same paragraph by chance"] += len(own) / len(reading.paragraphs)
        if anchor is not None:
            counts["same paragraph"] += anchor.paragraph in own
            counts["overlapping"] += any(
                anchor.start < e and s < anchor.end for s, e in spans[target]
            )
    return counts


def without_links(data: dict[str, Any], links: ArchiveLinks) -> Unlinked:
    fields = _fields(data)
    body, parts, spans = str(fields["body"]), [], Spans()
    position = length = 0
    for match in _LINK.finditer(body):
        link = next(links.links({**fields, "body": match[0]}), None)
        if link is not None:
            parts += [body[position : match.start()], match[1]]
            start = length + match.start() - position
            length, position = start + len(match[1]), match.end()
            spans.setdefault(link.target, []).append((start, length))
    return Unlinked("".join([*parts, body[position:]]), spans)


def _paragraph(reading: OffsetText, place: int) -> int:
    ends = [paragraph.closes_at for paragraph in reading.paragraphs]
    return bisect_right(ends[:-1], place)


def _fields(data: Any) -> dict[str, Any]:
    return {ours: data[theirs] for ours, theirs in sender_names(data).items()}


def _first(recommender: Recommender, archive: Archive, query: str, protocol: Protocol) -> set[str]:
    options = ListOptions(limit=FIRST, mode="background", fallback=False)
    ranking = recommender.related(query, options, moment(archive, query, protocol))
    return {*ranking.by_id(recommender.corpus)}


if __name__ == "__main__":
    main()
