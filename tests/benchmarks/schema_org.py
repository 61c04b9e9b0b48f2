"""
How many of the NewsArticle objects of real news pages are accepted, and what is left out of them.

    .venv/bin/python tests/benchmarks/schema_org.py [FOLDER] [--write]

Reads the schema.org objects (JSON-LD) in the pages of FOLDER's fixtures, as their sites wrote them,
and gives each an id of its own. Those without a headline are no articles, and are not counted.
"""

import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from documents import ROOT, arguments, write
from selectolax.lexbor import LexborHTMLParser

from features.article import read_article
from features.errors import InvalidInput

DOCUMENT = ROOT / "docs/ARCHIVES.md"
PAGES = ("html-gold-aeb", "html-newspaper4k")


def main() -> None:
    given = arguments(DOCUMENT)
    table = _table([found for name in PAGES for found in _articles(given.folder, name)])
    print(table)
    if given.write:
        write(DOCUMENT, "schema-org", table)


def _articles(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    with tarfile.open(folder / f"fixtures/{name}.tar.gz") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".html") else None
            if file is not None:
                yield from _articles_of(file.read())


def _articles_of(page: bytes) -> Iterator[dict[str, Any]]:
    for script in LexborHTMLParser(page).css('script[type="application/ld+json"]'):
        try:
            data = json.loads(script.text(), strict=False)
        except ValueError:
            continue
        yield from _articles_in(data)


def _articles_in(data: Any) -> Iterator[dict[str, Any]]:
    if isinstance(data, list):
        for entry in data:
            yield from _articles_in(entry)
    elif isinstance(data, dict):
        kinds = data.get("@type")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if not any(str(kind).endswith(("Article", "BlogPosting")) for kind in kinds):
            yield from _articles_in(data.get("@graph"))
        elif data.get("headline"):
            yield data


def _table(articles: list[dict[str, Any]]) -> str:
    refused: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    accepted = 0
    for number, sent in enumerate(articles):
        try:
            warnings = read_article({**sent, "id": number}).warnings
        except InvalidInput as error:
            refused.update(str(problem) for problem in error.problems)
            continue
        accepted += 1
        left_out.update(f"`{warning.field}`: {warning.detail}" for warning in warnings)
    lines = ["| objects | accepted | left out of how many |", "|---|---|---|"]
    reasons = "<br>".join(f"{n} × {what}" for what, n in (refused + left_out).most_common())
    return "\n".join([*lines, f"| {len(articles)} | {accepted} | {reasons} |"])


if __name__ == "__main__":
    main()
