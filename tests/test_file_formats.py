"""Every format is told by its content, and read into the fields of an article."""

import gzip
import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from features.article import parse_article
from recommender.errors import InvalidInput
from recommender.sources.blocks import text_of_blocks
from recommender.sources.dialects import NO_ID, NOT_EMBEDDED
from recommender.sources.files import ArticleFile, UnreadableFile
from recommender.sources.markdown import text_of_markdown
from recommender.zstandard import zstd

Write = Callable[[str, bytes], str]

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
  xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/">
<channel><title>Courier</title><language>en-gb</language>
<item><title>Gates fail</title><link>https://n.example/gates</link>
<guid isPermaLink="false">tag:7</guid><pubDate>Thu, 13 Mar 2025 07:12:44 GMT</pubDate>
<dc:creator>Jane Roe</dc:creator><category>Rivers</category><category>oak</category>
<description>Oak rots.</description>
<content:encoded><![CDATA[<p>Oak gates at the Dunmere lock failed.</p>]]></content:encoded>
<media:content url="https://n.example/a.jpg" medium="image" width="800" height="450"/></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>Courier</title>
<entry><title type="text">Gates &lt;b&gt; fail</title><id>tag:n.example,2025:7</id>
<link href="https://n.example/gates"/><published>2025-03-13T07:12:44Z</published>
<updated>2025-03-14T00:00:00Z</updated><author><name>Jane Roe</name></author>
<category term="Rivers"/><content type="html">&lt;p&gt;Oak gates failed.&lt;/p&gt;</content>
</entry></feed>"""
WXR = """<?xml version="1.0"?><rss version="2.0" xmlns:wp="http://wordpress.org/export/1.2/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"><channel><language>en-GB</language>
<wp:author><wp:author_login>jroe</wp:author_login>
<wp:author_display_name><![CDATA[Jane Roe]]></wp:author_display_name></wp:author>
<item><title>Gates fail</title><link>https://n.example/gates/</link><dc:creator>jroe</dc:creator>
<guid isPermaLink="false">https://n.example/?p=7</guid>
<content:encoded><![CDATA[Oak gates failed.\x0b

They rot.]]></content:encoded><excerpt:encoded><![CDATA[Oak rots.]]></excerpt:encoded>
<wp:post_id>7</wp:post_id><wp:post_date>2025-03-13 09:12:44</wp:post_date>
<wp:post_date_gmt>2025-03-13 07:12:44</wp:post_date_gmt><wp:status>publish</wp:status>
<wp:post_type>post</wp:post_type><category domain="category">Rivers</category>
<category domain="post_tag">oak</category><wp:postmeta><wp:meta_key>_thumbnail_id</wp:meta_key>
<wp:meta_value>9</wp:meta_value></wp:postmeta></item>
<item><title>a</title><wp:post_id>9</wp:post_id><wp:post_type>attachment</wp:post_type>
<wp:attachment_url>https://n.example/a.jpg</wp:attachment_url></item>
<item><title>Draft</title><wp:post_id>10</wp:post_id><wp:post_type>post</wp:post_type>
<wp:status>draft</wp:status></item>
</channel></rss>"""
GHOST = {
    "db": [
        {
            "data": {
                "posts": [
                    {
                        "id": "5f1",
                        "title": "Gates fail",
                        "slug": "gates-fail",
                        "html": "<p>Oak gates failed.</p>",
                        "status": "published",
                        "published_at": "2025-03-13T07:12:44.000Z",
                        "feature_image": "https://n.example/a.jpg",
                    },
                    {"id": "5f2", "title": "Draft", "status": "draft"},
                ],
                "tags": [{"id": "t1", "name": "Rivers"}, {"id": "t2", "name": "#internal"}],
                "posts_tags": [
                    {"post_id": "5f1", "tag_id": "t2", "sort_order": 0},
                    {"post_id": "5f1", "tag_id": "t1", "sort_order": 1},
                ],
                "users": [{"id": "u1", "name": "Jane Roe"}],
                "posts_authors": [{"post_id": "5f1", "author_id": "u1"}],
            }
        }
    ]
}
PAGE = """<!doctype html><html lang="en-GB"><head><meta charset="utf-8">
<title>Gates fail | The Courier</title><link rel="canonical" href="https://n.example/gates">
<meta property="og:title" content="Gates fail"><meta property="og:site_name" content="The Courier">
<script type="application/ld+json">{"@context": "https://schema.org", "@graph": [
{"@type": "WebSite", "name": "The Courier"},
{"@type": "NewsArticle", "headline": "Gates fail", "datePublished": "2025-03-13T07:12:44Z",
 "author": {"@type": "Person", "name": "Jane Roe"}, "articleSection": "Rivers",
 "image": ["https://n.example/a.jpg"]}]}</script></head>
<body><nav><a href="/">Home</a><a href="/world">World</a></nav><h1>The Courier</h1>
<article><h1>Gates fail</h1>
<p>Oak gates at the Dunmere lock failed on Monday, and barges wait at both ends of it.</p>
<p>The Waterways Board will hang new gates before the winter, it said in a statement.</p>
<p>Lock keepers had warned of the rot for years, in letters that nobody answered.</p></article>
<aside>Recent: Budget passes</aside></body></html>"""
MEDIUM = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>Gates fail</title></head><body>
<article class="h-entry"><header><h1 class="p-name">Gates fail</h1></header>
<section data-field="subtitle" class="p-summary">Oak rots.</section>
<section data-field="body" class="e-content"><p>Oak gates failed.</p></section>
<footer><p>By <a href="https://medium.com/@jroe" class="p-author h-card">Jane Roe</a> on
<a href="https://medium.com/p/7"><time class="dt-published" datetime="2025-03-13T07:12:44.000Z">
March 13, 2025</time></a>.</p>
<a href="https://medium.com/@jroe/gates-7" class="p-canonical">Canonical link</a></footer></article>
</body></html>"""
NEWS_SITEMAP = """<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"
 xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc>https://n.example/gates</loc><news:news><news:publication><news:name>Courier</news:name>
<news:language>en</news:language></news:publication>
<news:publication_date>2025-03-13T07:12:44Z</news:publication_date>
<news:title>Gates fail</news:title></news:news><image:image><image:loc>https://n.example/a.jpg</image:loc></image:image></url>
<url><loc>https://n.example/about</loc><lastmod>2025-01-01</lastmod></url></urlset>"""
HUGO_POST = """---
title: Gates fail
date: 2025-03-13T07:12:44Z
tags: [oak]
categories: [Rivers]
authors: [Jane Roe]
cover:
  image: https://n.example/a.jpg
---
Oak **gates** failed {{< ref "x" >}} on Monday.
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(name: str, content: bytes) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return str(path)

    return to_file


def workbook(*sheets: list[list[object]]) -> bytes:
    """A minimal XLSX of these rows; a tuple is a date, as a number with its format."""
    files = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/'
        'content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-'
        'package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-'
        'officedocument.spreadsheetml.sheet.main+xml"/></Types>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
        'relationships"><Relationship Id="r" Type="http://schemas.openxmlformats.org/'
        'officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>",
        "xl/styles.xml": '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/'
        'main"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>',
    }
    names = [f"Sheet {n}" for n, _ in enumerate(sheets, 1)]
    relations = [
        f'<Relationship Id="s{n}" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        f'relationships/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n, _ in enumerate(names, 1)
    ]
    files["xl/_rels/workbook.xml.rels"] = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        + "".join(relations)
        + '<Relationship Id="st" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        'relationships/styles" Target="styles.xml"/></Relationships>'
    )
    files["xl/workbook.xml"] = (
        '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r='
        '"http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
        + "".join(
            f'<sheet name="{name}" sheetId="{n}" r:id="s{n}"/>' for n, name in enumerate(names, 1)
        )
        + "</sheets></workbook>"
    )
    for number, rows in enumerate(sheets, 1):
        files[f"xl/worksheets/sheet{number}.xml"] = (
            '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
            f"<sheetData>{''.join(map(_row, range(1, len(rows) + 1), rows))}</sheetData>"
            "</worksheet>"
        )
    return zipped({name: text.encode() for name, text in files.items()})


def _row(number: int, cells: list[object]) -> str:
    return f'<row r="{number}">{"".join(map(_cell, cells))}</row>'


def _cell(value: object) -> str:
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    style = ' s="1"' if isinstance(value, tuple) else ""
    return f"<c{style}><v>{value[0] if isinstance(value, tuple) else value}</v></c>"


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def read(name: str) -> tuple[str, list[object], dict[str, int]]:
    """What it is; the records, or why they are refused; notes."""
    records: list[object] = []
    notes: dict[str, int] = {}
    with ArticleFile(name) as file:
        described = file.describe()
        for document in file.documents():
            for record in file.read(document):
                is_bad = isinstance(record.data, InvalidInput)
                records.append(str(record.data) if is_bad else record.data)
            notes |= document.notes
    return described, records, notes


def article(fields: object) -> dict[str, Any]:
    """What is kept of the fields that every example has."""
    found = parse_article(fields)
    return {
        "title": found.title,
        "body": found.body,
        "published_at": str(found.published_at),
        "section": found.section,
        "authors": found.authors,
        "image": found.image and found.image.url,
        "language": found.language,
    }


FULL = {
    "title": "Gates fail",
    "body": "Oak gates failed.",
    "published_at": "2025-03-13 07:12:44+00:00",
    "section": "Rivers",
    "authors": ("Jane Roe",),
    "image": "https://n.example/a.jpg",
    "language": "en",
}
TABLE = [
    ["ID", "Title", "Body", "Date", "Category", "Author", "Image", "Lang"],
    [7, "Gates fail", "Oak gates failed.", (45729.30050925926,), "Rivers", "Jane Roe",
     "https://n.example/a.jpg", "en"],
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "described", "expected", "article_id"),
    [
        (
            RSS.encode(),
            "RSS feed",
            {"body": "Oak gates at the Dunmere lock failed."},
            "tag:7",
        ),
        (
            ATOM.encode("utf-16"),
            "Atom feed",
            {"title": "Gates <b> fail", "image": None},
            "tag:n.example,2025:7",
        ),
        (WXR.encode(), "WordPress export (WXR)", {"body": "Oak gates failed.\n\nThey rot."}, "7"),
        (orjson.dumps(GHOST), "Ghost export", {}, "5f1"),
        (workbook([["Report"], [], *TABLE]), "Excel workbook", {}, "7"),
    ],
    ids=["RSS", "Atom", "WXR", "Ghost", "XLSX"],
)
def test_an_article_has_its_fields_from_every_format(
    write: Write, content: bytes, described: str, expected: dict[str, Any], article_id: str
) -> None:
    told, [record, *_], _ = read(write("export.txt", content))

    assert described == told
    assert {**FULL, **expected} == article(record)
    assert article_id == parse_article(record).id


@pytest.mark.parametrize(
    ("pack", "name"), [(gzip.compress, "a.gz"), (zstd.compress, "a.zst"), (bytes, "a")]
)
def test_every_format_may_be_compressed(write: Write, pack: Any, name: str) -> None:
    for content in (WXR.encode(), workbook(TABLE), RSS.encode()):
        _, [record, *_], _ = read(write(name, pack(content)))

        assert "Gates fail" == parse_article(record).title


def test_an_export_of_wordpress_says_what_is_no_article(write: Write) -> None:
    _, records, notes = read(write("a.xml", WXR.encode()))

    assert "not published: 'draft'" == records[1]
    assert {"no article: attachment": 1} == notes


def test_an_export_that_ends_in_the_middle_says_after_which_item(write: Write) -> None:
    cut = WXR[: WXR.index("<item><title>Draft")] + "<item><title>Dr"
    records = []
    with (
        ArticleFile(write("a.xml", cut.encode())) as file,
        pytest.raises(UnreadableFile, match="is not well-formed after item 2"),
    ):
        records.extend(file.records())

    assert ["7"] == [record.data["id"] for record in records]


def test_a_feed_that_is_not_well_formed_is_read_as_far_as_it_goes(write: Write) -> None:
    _, [record], notes = read(write("a.xml", RSS.replace("</channel></rss>", "").encode()))

    assert "Gates fail" == record["title"]
    assert all(note.startswith("not well-formed from line 11 on") for note in notes)


def test_a_long_feed_is_read_in_parts(write: Write) -> None:
    head, item, tail = RSS.partition("<item>")[0], "", "</channel></rss>"
    for n in range(70):
        item += f"<item><title>Story {n}</title><guid>{n}</guid><description>{'x' * 9000}"
        item += "</description></item>"
    _, records, _ = read(write("a.xml", (head + item + tail).encode()))

    assert [str(n) for n in range(70)] == [record["id"] for record in records]
    assert {"en-gb"} == {record["language"] for record in records}


def test_a_json_feed_tells_its_items_what_holds_for_all(write: Write) -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "language": "en",
        "authors": [{"name": "Jane Roe"}],
        "items": [{"id": "1", "title": "Gates", "content_html": "<p>Oak</p>"}],
    }
    described, [record], _ = read(write("a", orjson.dumps(feed)))

    assert "JSON Feed" == described
    assert ("en", ("Jane Roe",)) == (
        parse_article(record).language,
        parse_article(record).authors,
    )


@pytest.mark.parametrize(
    "wrapped",
    [
        {"hits": {"total": 1, "hits": [{"_id": "7", "_source": {"title": "Gates fail"}}]}},
        {"response": {"docs": [{"id": "7", "title": "Gates fail"}]}},
        {"data": [{"type": "node--article", "id": "u", "attributes": {
            "drupal_internal__nid": 7, "title": "Gates fail"}}]},
        {"total": 1, "articles": [{"_id": {"$oid": "7"}, "title": "Gates fail"}]},
        {"nid": [{"value": 7}], "title": [{"value": "Gates fail"}]},
    ],
    ids=["Elasticsearch", "Solr", "JSON:API", "an API", "Drupal"],
)  # fmt: skip
@pytest.mark.parametrize("option", [0, orjson.OPT_INDENT_2], ids=["one line", "pretty"])
def test_the_answers_of_searches_and_apis_are_opened(
    write: Write, wrapped: dict[str, Any], option: int
) -> None:
    _, [record], _ = read(write("a.json", orjson.dumps(wrapped, option=option)))

    assert ("7", "Gates fail") == (parse_article(record).id, parse_article(record).title)


@pytest.mark.parametrize(
    "lines",
    [
        [{"_index": "a", "_id": "7", "_source": {"title": "Gates fail"}}],
        [{"index": {"_index": "a", "_id": "7"}}, {"title": "Gates fail"}],
        [{"_id": {"$oid": "7"}, "title": "Gates fail", "date": {"$date": "2025-03-13T07:12:44Z"}}],
        [{"_id": {"$numberLong": "7"}, "title": "Gates fail",
          "date": {"$date": {"$numberLong": "1741849964000"}}}],
    ],
    ids=["hits", "bulk", "Mongo, relaxed", "Mongo, canonical"],
)  # fmt: skip
def test_the_lines_of_databases_are_opened(write: Write, lines: list[dict[str, Any]]) -> None:
    _, [record], _ = read(write("a.jsonl", b"\n".join(map(orjson.dumps, lines))))
    found = parse_article(record)

    assert ("7", "Gates fail") == (found.id, found.title)
    assert "date" not in record or "2025-03-13 07:12:44+00:00" == str(found.published_at)


STORY = {
    "id": "7", "title": "Gates fail", "body": "Oak gates failed.",
    "published_at": "2025-03-13 07:12:44+00:00",
}  # fmt: skip
MOMENT = "2025-03-13T07:12:44Z"
DIALECTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "GraphQL of WordPress": (
        {"data": {"posts": {"edges": [{"node": {
            "databaseId": 7, "title": "Gates fail", "content": "<p>Oak gates failed.</p>",
            "dateGmt": "2025-03-13T07:12:44", "author": {"node": {"name": "Jane Roe"}},
            "categories": {"nodes": [{"name": "World"}]}}}]}}},
        {"section": "World", "authors": ("Jane Roe",)},
    ),
    "views of Drupal 7": (
        {"nodes": [{"node": {"nid": "7", "title": "Gates fail", "body": "Oak gates failed.",
                             "created": "1741849964"}}]},
        {},
    ),
    "Strapi 4": (
        {"data": [{"id": 7, "attributes": {
            "title": "Gates fail", "body": "Oak gates failed.", "publishedAt": MOMENT,
            "category": {"data": {"id": 1, "attributes": {"name": "World"}}}}}]},
        {"section": "World"},
    ),
    "Contentful": (
        {"items": [{"sys": {"id": "7"}, "fields": {
            "title": {"en-GB": "Gates fail"}, "body": {"en-GB": "Oak gates failed."},
            "date": {"en-GB": MOMENT}}}]},
        {},
    ),
    "Sanity": (
        {"_id": "7", "_type": "post", "title": "Gates fail", "publishedAt": MOMENT, "body": [
            {"_type": "block", "children": [
                {"_type": "span", "text": "Oak "}, {"_type": "span", "text": "gates failed."}]}]},
        {},
    ),
    "TipTap": (
        {"id": 7, "title": "Gates fail", "date": MOMENT, "content": {"type": "doc", "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": "Oak gates failed."}]},
            {"type": "image", "attrs": {"src": "a.jpg"}}]}},
        {},
    ),
    "Editor.js": (
        {"id": 7, "title": "Gates fail", "date": MOMENT, "body": {"time": 1, "blocks": [
            {"type": "paragraph", "data": {"text": "Oak gates failed."}}]}},
        {},
    ),
    "Arc XP": (
        {"_id": "7", "headlines": {"basic": "Gates fail"}, "display_date": MOMENT,
         "content_elements": [{"type": "text", "content": "Oak gates failed."}],
         "description": {"basic": "Oak rots."}},
        {"excerpt": "Oak rots."},
    ),
    "the Guardian": (
        {"response": {"results": [{
            "id": "7", "webTitle": "Gates fail", "webPublicationDate": MOMENT,
            "sectionName": "World", "fields": {
                "bodyText": "Oak gates failed.", "byline": "Jane Roe",
                "trailText": "Oak rots."}}]}},
        {"section": "World", "authors": ("Jane Roe",), "excerpt": "Oak rots."},
    ),
    "the New York Times": (
        {"response": {"docs": [{
            "_id": "7", "headline": {"main": "Gates fail", "kicker": None}, "pub_date": MOMENT,
            "lead_paragraph": "Oak gates failed.", "snippet": "Oak rots."}]}},
        {"excerpt": "Oak rots."},
    ),
    "fields of Elasticsearch": (
        {"hits": {"hits": [{"_id": "7", "fields": {
            "title": ["Gates fail"], "body": ["Oak gates failed."], "date": [MOMENT]}}]}},
        {},
    ),
    "DynamoDB": (
        {"Item": {"id": {"S": "7"}, "title": {"S": "Gates fail"},
                  "body": {"S": "Oak gates failed."}, "published": {"N": "1741849964"}}},
        {},
    ),
    "fixtures of Django": (
        {"model": "news.article", "pk": 7, "fields": {
            "title": "Gates fail", "body": "Oak gates failed.", "pub_date": MOMENT}},
        {},
    ),
    "dates of PHP": (
        {"id": 7, "title": "Gates fail", "text": "Oak gates failed.", "date": {
            "date": "2025-03-13 03:12:44.000000", "timezone_type": 3,
            "timezone": "America/New_York"}},
        {},
    ),
    "authors of schema.org": (
        {"@type": "NewsArticle", "@id": "7", "headline": ["Gates fail"], "articleBody":
         {"@value": "Oak gates failed."}, "datePublished": {"@type": "Date", "@value": MOMENT},
         "author": {"@list": [{"@type": "Person", "givenName": "Jane", "familyName": "Roe"}]},
         "articleSection": [["World"]]},
        {"authors": ("Jane Roe",), "section": "World"},
    ),
    "lists of schema.org": (
        {"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "position": 1, "item": {
            "@type": "NewsArticle", "@id": "7", "datePublished": MOMENT,
            "headline": {"@value": "Gates fail", "@language": "en"},
            "articleBody": ["Oak gates failed."]}}]},
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("option", [0, orjson.OPT_INDENT_2], ids=["one line", "pretty"])
def test_the_dialects_of_content_systems_are_understood(
    write: Write, name: str, option: int
) -> None:
    sent, more = DIALECTS[name]
    _, [record], _ = read(write("a.json", orjson.dumps(sent, option=option)))
    found = parse_article(record)

    expected = STORY | more
    shown = {field: getattr(found, field) for field in expected}
    assert expected == shown | {"published_at": str(found.published_at)}


def test_an_article_without_an_id_has_its_address_for_one(write: Write) -> None:
    """As in the answers of news APIs; whoever gives an id keeps it."""
    url = "https://n.example/gates"
    lines = [{"link": url, "headline": "Gates"}, {"slug": "g", "url": url, "title": "Gates"}]
    _, records, notes = read(write("a.jsonl", b"\n".join(map(orjson.dumps, lines))))

    assert [url, "g"] == [parse_article(record).id for record in records]
    assert {NO_ID: 1} == notes


def test_a_field_that_says_it_is_markdown_is_read_as_text(write: Write) -> None:
    markdown = (
        '# Gates\n\nOak **gates** at the [lock](https://n.example/lock "x") *failed*.\n'
        "![A gate](a.jpg)\n> said `he` of snake_case and 2 * 3 * 4\n- [one][1]\n- [ ] two [sic]\n"
    )
    text = (
        "Gates\n\nOak gates at the lock failed.\n\nsaid he of snake_case and 2 * 3 * 4\none\n"
        "[ ] two [sic]"
    )
    sent = {"id": 7, "title": "Gates", "body_markdown": markdown}
    _, [record], _ = read(write("a.jsonl", orjson.dumps(sent)))

    assert text == parse_article(record).body


@pytest.mark.parametrize("filling", ["[", "![", "[a](", "**a", "*a ", "`", "> ", "[a][", "#"])
def test_hostile_markdown_takes_linear_time(filling: str) -> None:
    """16 times the text takes 16 times as long; what looks back takes 256 times."""

    def seconds(times: int) -> float:
        text = filling * times
        began = time.thread_time()  # of this thread alone: other programs do not count
        text_of_markdown(text)
        return time.thread_time() - began

    short = min(seconds(5_000) for _ in range(3))
    assert seconds(80_000) < 80 * short + 0.2


def test_paragraphs_of_a_text_that_is_a_list_stay_apart() -> None:
    nested: object = "too deep"
    for _ in range(100):
        nested = [nested]

    assert "One\n\nTwo" == text_of_blocks(["One", "", None, 7, "Two"])
    assert "" == text_of_blocks(nested) == text_of_blocks({"attrs": {"text": 1}})


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"post_status": "draft"}, "not published: 'draft'"),
        ({"Status": "private"}, "not published: 'private'"),
        ({"draft": True}, "not published: a draft"),
        ({"published": False}, "not published"),
        ({"post_password": "x"}, "protected by a password"),
        ({"post_type": "revision"}, "no article: 'revision'"),
    ],
)
def test_what_readers_may_not_see_is_refused(
    write: Write, fields: dict[str, Any], reason: str
) -> None:
    story = {"id": 1, "title": "Gates"}
    _, records, _ = read(write("a", b"\n".join(map(orjson.dumps, [{**story, **fields}, story]))))

    assert [reason, story] == records


@pytest.mark.parametrize(
    "fields", [{"status": "published"}, {"published": True}, {"post_status": "future"}]
)
def test_what_is_published_is_read(write: Write, fields: dict[str, Any]) -> None:
    _, [record], _ = read(write("a", orjson.dumps({"id": 1, "title": "Gates", **fields})))

    assert parse_article(record).published_at is None


def test_posts_without_their_sections_say_how_to_get_them(write: Write) -> None:
    post = {"id": 1, "title": {"rendered": "Gates"}, "content": {"rendered": "<p>Oak</p>"}}
    _, records, notes = read(write("a", orjson.dumps([post, post])))

    assert 2 == len(records)
    assert {NOT_EMBEDDED: 2} == notes


# --- pages, posts, sitemaps


def test_a_page_says_what_it_is_about_and_its_frame_is_left_out(write: Write) -> None:
    described, [record], _ = read(write("a.html", PAGE.encode()))
    body = parse_article(record).body

    assert "HTML page" == described
    assert {**FULL, "body": body} == article(record)
    assert "Dunmere lock" in body and "warned of the rot" in body
    assert not {"Home", "World", "Recent", "Budget"} & set(body.replace(":", " ").split())
    assert "https://n.example/gates" == record["id"] == record["url"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_a_page_is_read_in_its_encoding(write: Write, encoding: str) -> None:
    page = PAGE.replace("Monday", "Mőnday" if encoding != "cp1252" else "Mönday")
    page = page.replace(
        'charset="utf-8"', f'charset="{"iso-8859-1" if encoding == "cp1252" else "x"}"'
    )
    _, [record], _ = read(write("a", page.encode(encoding)))

    assert "M\ufffd" not in record["body"]
    assert "nday, and barges" in record["body"] and "Monday" not in record["body"]


def test_the_export_of_medium_is_read_exactly(write: Write) -> None:
    _, [record], _ = read(write("a.html", MEDIUM.encode()))

    assert {**FULL, "section": None, "image": None, "body": "Oak gates failed."} == article(record)
    assert "https://medium.com/@jroe/gates-7" == record["url"]
    assert "Oak rots." == record["excerpt"]


def test_a_page_without_an_article_is_refused_in_words(write: Write) -> None:
    with (
        ArticleFile(write("a.html", b"<!doctype html><html><body></body></html>")) as file,
        pytest.raises(UnreadableFile, match="is a page without an article in it"),
    ):
        list(file.records())


def test_a_sitemap_of_news_has_titles_and_others_only_addresses(write: Write) -> None:
    described, [record], notes = read(write("sitemap.xml", NEWS_SITEMAP.encode()))

    assert "sitemap" == described
    assert ("https://n.example/gates", "Gates fail") == (record["id"], record["title"])
    assert "2025-03-13 07:12:44+00:00" == str(parse_article(record).published_at)
    assert {"address without a title: import the pages themselves, as HTML": 1} == notes


@pytest.mark.parametrize(
    "matter",
    [
        HUGO_POST,
        HUGO_POST.replace("---", "+++")
        .replace("title: Gates fail", 'title = "Gates fail"')
        .replace("date: ", "date = ")
        .replace("tags: [oak]", 'tags = ["oak"]')
        .replace("categories: [Rivers]", 'categories = ["Rivers"]')
        .replace("authors: [Jane Roe]", 'authors = ["Jane Roe"]')
        .replace("cover:\n  image: https", '[cover]\nimage = "https')
        .replace("a.jpg", 'a.jpg"'),
        '{\n"title": "Gates fail", "date": "2025-03-13T07:12:44Z", "categories": ["Rivers"],\n'
        '"authors": ["Jane Roe"], "image": "https://n.example/a.jpg"\n}\n\n'
        "Oak **gates** failed on Monday.\n",
    ],
    ids=["YAML", "TOML", "JSON"],
)
def test_a_folder_of_hugo_has_the_ids_and_addresses_of_its_pages(
    write: Write, tmp_path: Path, matter: str
) -> None:
    write("site/hugo.toml", b'baseURL = "https://n.example/"\n')
    write("site/content/posts/Gates Fail.md", matter.encode())
    write("site/content/posts/_index.md", b"---\ntitle: All\n---\n")
    write("site/themes/x/layouts/index.html", PAGE.encode())
    described, [record], notes = read(str(tmp_path / "site"))

    assert "folder with 2 posts with front matter" == described
    assert {**FULL, "body": "Oak gates failed on Monday."} == article(record)
    assert "/posts/gates-fail/" == record["id"]
    assert "https://n.example/posts/gates-fail/" == record["url"]
    assert {"page of a section, not an article": 1} == notes


def test_a_folder_of_jekyll_has_the_ids_and_addresses_of_its_pages(
    write: Write, tmp_path: Path
) -> None:
    write("site/_config.yml", b"url: https://n.example\nbaseurl: /blog\npermalink: pretty\n")
    write("site/_posts/2025-03-13-gates-fail.md", b"---\ncategories: [Rivers]\n---\nOak\n")
    write("site/_drafts/barges.md", b"---\ntitle: Barges\n---\nWait\n")
    _, [record], _ = read(str(tmp_path / "site"))

    assert "/rivers/2025/03/13/gates-fail" == record["id"]
    assert "https://n.example/blog/rivers/2025/03/13/gates-fail/" == record["url"]
    assert ("Gates fail", "2025-03-13") == (record["title"], record["date"])


def test_front_matter_that_cannot_be_read_is_refused_alone(write: Write, tmp_path: Path) -> None:
    write("posts/a.md", b"---\ntitle: [x\n---\nOak\n")
    write("posts/b.md", b"---\ntitle: Gates\n---\nOak\n")
    write("posts/c.md", b"---\ntitle: No end\n")
    _, [one, two, three], _ = read(str(tmp_path / "posts"))

    assert str(one).startswith("front matter is not readable: while parsing a flow sequence")
    assert ("b", "Gates") == (two["id"], two["title"])
    assert "front matter is not readable: it has no end" == three


# --- spreadsheets


def test_the_sheet_with_known_columns_is_read_and_the_others_are_named(write: Write) -> None:
    _, [record], notes = read(write("a.xlsx", workbook([["Umsatz", 2025]], TABLE, [])))

    assert "7" == record["ID"]
    assert {"the sheet 'Sheet 2' is read, not 'Sheet 1', 'Sheet 3'": 1} == notes


def test_a_spreadsheet_without_a_known_column_names_its_columns(write: Write) -> None:
    with (
        ArticleFile(write("a.xlsx", workbook([["Nummer", "Rubrik"], [1, "x"]]))) as file,
        pytest.raises(UnreadableFile, match="has no column whose name is known"),
    ):
        list(file.records())


# --- archives and folders


def test_an_archive_says_what_is_in_it_and_reads_what_can_be_read(write: Write) -> None:
    files = {
        "b/stories.csv": b"id,title\n1,Gates\n2,Barges\n",
        "a/export.xml": WXR.encode(),
        "a.png": b"\x89PNG\r\n\x1a\n",
        "b.png": b"\x89PNG\r\n\x1a\n",
        "__MACOSX/x": b"junk",
        "inner.zip": zipped({"c.jsonl": b'{"id": 3, "title": "Tide"}'}),
    }
    name = write("a.zip", zipped(files))
    described, records, _ = read(name)

    assert (
        "zip archive with 1 WordPress export (WXR), 1 CSV and 1 JSON Lines;"
        " not read: 2 PNG pictures" == described
    )
    assert ["7", "1", "2", 3] == [record["id"] for record in records if isinstance(record, dict)]


def test_an_archive_on_standard_input_is_read(write: Write, monkeypatch: Any) -> None:
    with Path(write("a.zip", zipped({"a.csv": b"id,title\n1,Gates\n"}))).open("rb") as file:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(file))
        _, records, _ = read("-")

    assert [{"id": "1", "title": "Gates"}] == records


def test_archives_in_archives_in_archives_are_not_opened(write: Write) -> None:
    packed = zipped({"a.csv": b"id,title\n1,Gates\n"})
    with ArticleFile(write("a.zip", zipped({"b.zip": zipped({"c.zip": packed})}))) as file:
        [record] = file.records()

    assert "is an archive in an archive in an archive" in str(record.data)


def test_one_bad_file_in_a_folder_stops_no_other(write: Write, tmp_path: Path) -> None:
    write("folder/a.jsonl.gz", gzip.compress(b'{"id": 1}\n' * 9999)[:-20])
    write("folder/b.csv", b"id,title\n2,Barges\n")
    write("folder/.hidden/c.csv", b"id,title\n3,Hidden\n")
    (tmp_path / "folder/link.csv").symlink_to(tmp_path / "folder/b.csv")
    with ArticleFile(str(tmp_path / "folder")) as file:
        *_, bad, last = file.records()

    assert "a.jsonl.gz: is damaged" in str(bad.data)
    assert {"id": "2", "title": "Barges"} == last.data


# --- what nothing here reads


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"%PDF-1.7\n", "PDF; pdftotext"),
        (b"\xff\xd8\xff\xe0", "JPEG picture"),
        (b"PAR1\x15", "Parquet file; pandas or DuckDB"),
        (b"SQLite format 3\0", "SQLite database; sqlite3 -json"),
        (b"BZh91AY", "bzip2 archive; bzcat FILE | alsosee import -"),
        (b"-- MySQL dump 10.13\n/*!40101 SET x */;\nDROP TABLE IF EXISTS `p`;\n", "SQL dump; load"),
        (b"\0" * 257 + b"ustar\0" + b"\0" * 300, "tar archive; unpack it"),
        (b"<?xml version='1.0'?>\n<!-- x -->\n<nitf><head/></nitf>", "NITF; convert"),
        (b"<opml version='2.0'/>", "OPML, a list of feeds"),
        (b"<invoice><line/></invoice>", "XML with the root element <invoice>"),
        (b"Dear Sir,\nplease find enclosed\n", "text without columns"),
        (bytes(range(32)) * 40, "binary file"),
        (zipped({"word/document.xml": b"<w/>"}), "Word document; save it as HTML"),
    ],
)  # fmt: skip
def test_what_nothing_here_reads_is_named_in_one_line(
    write: Write, content: bytes, words: str
) -> None:
    with ArticleFile(write("articles.jsonl", content)) as file:
        described = file.describe()
        with pytest.raises(UnreadableFile, match="nothing here reads this: ") as caught:
            list(file.records())

    assert "" == described
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
