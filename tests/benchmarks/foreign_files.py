"""
How well files of other systems are read: feeds, HTML pages, and what WordPress gives.

    .venv/bin/python tests/benchmarks/foreign_files.py [FOLDER] [--write]

Feeds are those of feedparser's tests, each with what must come out of it; pages have their text
and metadata as people took them. A body is compared by the words that it shares with that text
(F1 of two bags of words), a title by its letters and digits, a date by its day where it stands.
"""

import ast
import calendar
import json
import re
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import regex
from documents import ROOT, arguments, write

from features.article import Article, read_article
from features.dates import parse_date
from features.text import plain_text
from recommender import RelatedArticles
from recommender.errors import InvalidInput
from recommender.sources.files import ArticleFile, UnreadableFile

DOCUMENT = ROOT / "docs/importing.md"
_WORD = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Myanmar}]|[\w\p{M}]+")
_EXPECTED = re.compile(rb"Expect:\s*(.*?)\s*\n")
_FACT = re.compile(
    r"entries\[(\d+)\]\[['\"](title|link|published_parsed|updated_parsed)['\"]\]\s*==\s*"
    r"(.+?)\s*(?:$| and )"
)
# Their addresses are relative to one that only the header of the answer names.
_OVER_HTTP = ("http_item_link_base_content_location.xml", "http_item_link_base_docuri.xml")


class Feeds(NamedTuple):
    """What became of the feeds: how many facts about their entries there are, and are right."""

    files: int
    entries: int
    unreadable: int
    facts: Counter[str]
    right: Counter[str]
    wrong: list[str]


class Page(NamedTuple):
    """How much of a page's text is right, and whether title and date are; None: not known."""

    name: str
    body_f1: float | None
    title_is_right: bool | None
    date_is_right: bool | None


def main() -> None:
    given = arguments(DOCUMENT)
    with tempfile.TemporaryDirectory() as folder:
        unpacked = Path(folder)
        for name in ("feeds-feedparser", "html-gold-aeb", "html-newspaper4k", "wordpress"):
            unpack(given.folder / f"fixtures/{name}.tar.gz", unpacked / name)
        table = "\n".join(
            [
                "| files | read | figure |",
                "|---|---|---|",
                *_feed_rows(read_feeds(unpacked / "feeds-feedparser")),
                *_page_rows(list(read_pages(unpacked))),
                *_wordpress_rows(unpacked / "wordpress"),
            ]
        )
    print(table)
    if given.write:
        write(DOCUMENT, "foreign-files", table)


def unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


# --- feeds


def read_feeds(folder: Path) -> Feeds:
    entries = unreadable = 0
    facts: Counter[str] = Counter()
    right: Counter[str] = Counter()
    wrong = []
    read = _records_of_folder(folder)
    for path in read:
        records, problem = read[path]
        entries += len(records)
        unreadable += bool(problem)
        for number, kind, expected in _facts(path):
            facts[kind] += 1
            value = _value(records, number, kind)
            if _agrees(kind, value, expected):
                right[kind] += 1
            else:
                wrong.append(f"{path.name}: {kind}: {value!r}, expected {expected!r}")
    files = sum(path.is_file() for path in folder.rglob("*"))
    return Feeds(files, entries, unreadable, facts, right, wrong)


def _records_of_folder(folder: Path) -> dict[Path, tuple[list[Any], str]]:
    """The records of each document in a folder, and why there are no more."""
    read: dict[Path, tuple[list[Any], str]] = {}
    with ArticleFile(str(folder)) as file:
        for document in file.documents():
            records: list[Any] = []
            problem = ""
            try:
                records.extend(record.data for record in file.read(document))
            except UnreadableFile as error:
                problem = str(error)
            read[Path(document.name)] = records, problem
    return read


def _facts(path: Path) -> Iterator[tuple[int, str, Any]]:
    """Entry, field and value of what a feed's own comment says that must come out."""
    match = _EXPECTED.search(path.read_bytes())
    if match is None or path.name in _OVER_HTTP:
        return
    for number, field, literal in _FACT.findall(match[1].decode(errors="replace")):
        try:
            yield int(number), field.removesuffix("_parsed"), ast.literal_eval(literal)
        except (SyntaxError, ValueError):
            continue  # the rest of a longer expression


def _value(records: list[Any], number: int, kind: str) -> Any:
    data = records[number] if number < len(records) else None
    if not isinstance(data, dict):
        return None
    if kind == "title":
        return _line(data["title"])
    if kind == "link":
        return data["url"]
    return parse_date(data["published_at" if kind == "published" else "updated_at"])


def _agrees(kind: str, value: Any, expected: Any) -> bool:
    if kind == "title":
        return value in (expected, _line(expected))
    if kind == "link":
        return (value or "") == expected
    return value == datetime.fromtimestamp(calendar.timegm(expected), UTC)


def _line(text: str) -> str:
    return " ".join(plain_text(text).split())


def _feed_rows(feeds: Feeds) -> Iterator[str]:
    for line in feeds.wrong:
        print(line)
    figures = ", ".join(
        f"{feeds.right[kind]} of {count} {kind}s" if kind in ("title", "link") else
        f"{feeds.right[kind]} of {count} dates ({kind})"
        for kind, count in sorted(feeds.facts.items())
    )  # fmt: skip
    yield (
        f"| {feeds.files:,} feeds of feedparser's tests, well-formed or not |"
        f" {feeds.entries:,} entries; {feeds.unreadable} files without any are named |"
        f" as expected: {figures} |"
    )


# --- pages


def read_pages(unpacked: Path) -> Iterator[Page]:
    articles = _articles(unpacked / "html-gold-aeb") | _articles(unpacked / "html-newspaper4k")
    gold = json.loads((unpacked / "html-gold-aeb/ground-truth.json").read_text())
    for name, truth in gold.items():
        path = unpacked / f"html-gold-aeb/html/{name}.html"
        yield _page(path, articles.get(path), truth["articleBody"], {})
    folder = unpacked / "html-newspaper4k"
    for path in sorted((folder / "html").glob("*.html")):
        text = folder / f"txt/{path.stem}.txt"
        metadata = folder / f"metadata/{path.stem}.json"
        yield _page(
            path,
            articles.get(path),
            text.read_text() if text.exists() else None,
            json.loads(metadata.read_text()) if metadata.exists() else {},
        )


def _page(path: Path, article: Article | None, text: str | None, metadata: dict[str, Any]) -> Page:
    title, date = metadata.get("title"), metadata.get("publish_date")
    return Page(
        f"{path.parts[-3]}/{path.stem}",
        None if text is None else f1(article.body if article else "", text),
        None if not title else article is not None and _letters(article.title) == _letters(title),
        None if not date or date == "None" else article is not None and _same_day(article, date),
    )


def _articles(folder: Path) -> dict[Path, Article]:
    found = {}
    for path, (records, _) in _records_of_folder(folder / "html").items():
        for data in records:
            with suppress(InvalidInput):
                found[path] = read_article(data).article
    return found


def f1(text: str, gold: str) -> float:
    """Harmonic mean of precision and recall of the words, each as often as it occurs."""
    ours, theirs = _bag(text), _bag(gold)
    shared = (ours & theirs).total()
    return 2 * shared / (ours.total() + theirs.total()) if shared else 0.0


def _bag(text: str) -> Counter[str]:
    return Counter(word.casefold() for word in _WORD.findall(text))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _same_day(article: Article, date: str) -> bool:
    """By the day that stands in the truth, which mostly has no zone: the next one may be right."""
    if article.published_at is None:
        return False
    expected = datetime.fromisoformat(date)
    expected = expected if expected.tzinfo else expected.replace(tzinfo=UTC)
    return abs((article.published_at - expected).total_seconds()) < 86_400


def _page_rows(pages: list[Page]) -> Iterator[str]:
    for corpus in ("html-gold-aeb", "html-newspaper4k"):
        own = [page for page in pages if page.name.startswith(corpus)]
        bodies = [page.body_f1 for page in own if page.body_f1 is not None]
        figures = [f"body F1 {sum(bodies) / len(bodies):.3f} ({len(bodies)} with gold text)"]
        for name, values in (
            ("titles", [page.title_is_right for page in own]),
            ("dates", [page.date_is_right for page in own]),
        ):
            known = [value for value in values if value is not None]
            if known:
                figures.append(f"{sum(known)} of {len(known)} {name}")
        yield f"| {corpus}: {len(own)} HTML pages | | {', '.join(figures)} |"


# --- WordPress


def _wordpress_rows(folder: Path) -> Iterator[str]:
    for path, (records, problem) in _records_of_folder(folder / "wxr").items():
        refused = Counter(str(data) for data in records if isinstance(data, InvalidInput))
        good = RelatedArticles([data for data in records if isinstance(data, dict)])
        others = ", ".join(f"{n} × {reason}" for reason, n in refused.items()) or "none"
        yield (
            f"| {path.name} (WXR) | {len(good)} articles{problem} | refused: {others};"
            f" {len(good.rejections)} more for their fields |"
        )
    posts = folder / "site/wp-json/wp/v2/posts.json"
    records, _ = _records_of_folder(posts.parent)[posts]
    site = RelatedArticles(records)
    languages = Counter(site[article_id].language for article_id in site)
    empty = sum(not site.to(article_id) for article_id in site)
    named = ", ".join(f"{n} {language or 'unknown'}" for language, n in languages.most_common())
    yield (
        f"| REST answer of a Spanish magazine | {len(site)} of {len(records)} posts |"
        f" languages: {named}; {empty} empty lists |"
    )


if __name__ == "__main__":
    main()
