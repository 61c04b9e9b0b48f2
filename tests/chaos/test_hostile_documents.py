"""Documents made to hold a parser up: each ends with a line about it, and the next one is read."""

import time
from collections.abc import Iterator

import pytest
from running_service import Record as KeepFigure

from recommender.sources import child
from recommender.sources.records import Note, Record, UnreadableDocument
from recommender.sources.sandbox import Sandbox

pytestmark = pytest.mark.chaos

ITEM = "<item><title>Talks in Kursk</title><link>https://news.example/1</link></item>"
RSS = f'<rss version="2.0"><channel>{ITEM}</channel></rss>'
ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
PAGE = "<html><head><title>Talks in Kursk</title></head><body><p>{}</p></body></html>"
STORY = "Talks went on in the town of Kursk on Monday, and nobody left the table. " * 20

XML = {
    "entities of entities": f'<!DOCTYPE r [<!ENTITY e0 "ha">{ENTITIES}]><r>&e9;</r>',
    "one long entity": f'<!DOCTYPE r [<!ENTITY e "{"x" * 100_000}">]><r>{"&e;" * 20_000}</r>',
    "an outer entity": '<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><r>&e;</r>',
    "an outer DTD": f'<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd">{RSS}',
    "many attributes": "<rss " + " ".join(f'a{n}="1"' for n in range(200_000)) + "/>",
    "deep elements": "<rss>" + "<a>" * 200_000,
    "many namespaces": "<rss " + " ".join(f'xmlns:n{n}="u{n}"' for n in range(50_000)) + "/>",
}
HTML = {
    "open comments": "<!--" * 20_000,
    "open tags": "<" * 200_000,
    "deep elements": "<div>" * 200_000,
    "deep lists": "<ul><li>" * 50_000,
    "deep tables": "<table><tr><td>" * 20_000,
    "deep formatting": "<b><i>" * 50_000,
    "open forms": "<form>x" * 20_000 + "</form>" * 20_000,
    "many attributes": "<p " + " ".join(f"a{n}=1" for n in range(200_000)) + ">",
    "open quotes": "<p class='" * 50_000,
    "open scripts": "<script>" * 25_000,
    "references": "&amp" * 50_000,
    "a long reference": "&#" + "9" * 100_000 + ";",
    "blanks": " " * 500_000,
    "marks on one letter": "a" + "\u0301" * 40_000,
    "one long word": "x" * 1_000_000,
    "links": "<a href='/x'>x</a>" * 50_000,
    "broken JSON-LD": '<script type="application/ld+json">' + "[" * 100_000 + "</script>",
}
DOCUMENTS = [
    *(("feeds", name, text) for name, text in XML.items()),
    *(("sitemaps", name, text) for name, text in XML.items()),
    *(("wxr", name, text) for name, text in XML.items()),
    *(("pages", name, PAGE.format(text + STORY)) for name, text in HTML.items()),
]
GOOD = {
    "feeds": RSS,
    "sitemaps": "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'></urlset>",
    "wxr": RSS,
    "pages": PAGE.format(STORY),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def read(sandbox: Sandbox, reader: str, document: str) -> list[Record | Note]:
    return list(sandbox.read(reader, document.encode()))


def test_hostile_documents_end_in_time_and_the_next_one_is_read(
    sandbox: Sandbox, record: KeepFigure
) -> None:
    control = slowest_good(sandbox)
    refused = 0
    slowest = 0.0
    secrets = []
    for reader, _, document in DOCUMENTS:
        began = time.monotonic()
        try:
            items = read(sandbox, reader, document)
            secrets += [item for item in items if "root:" in str(item)]
        except UnreadableDocument as error:
            assert str(error)
            refused += 1
        slowest = max(slowest, time.monotonic() - began)
        read(sandbox, reader, GOOD[reader])

    record(
        31,
        f"{len(DOCUMENTS)} hostile documents: {refused} refused with a reason, the slowest after"
        f" {slowest:.1f} s, the next document read each time",
    )
    assert secrets == []
    # The reader is stopped after its seconds; a new one starts within those of a good document.
    assert slowest < 2 * child.SECONDS + 10 * control


def slowest_good(sandbox: Sandbox) -> float:
    """How long a good document takes with a reader that must start first."""
    slowest = 0.0
    for reader, document in GOOD.items():
        began = time.monotonic()
        read(sandbox, reader, document)
        slowest = max(slowest, time.monotonic() - began)
    return slowest
