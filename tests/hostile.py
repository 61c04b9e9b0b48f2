"""
Hostile files of every format, one folder for each, and what must come of them.

Long ones are made here from a few characters; none of them is in the repository.
"""

import gzip
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import NamedTuple

import orjson

from recommender.zstandard import zstd

DEEP = 100_000
GIVEN_UP = r"takes longer than 2 seconds|needs more than 512 MB|makes its reader crash"
GUESS = "which is a guess"


class Case(NamedTuple):
    """
    A hostile file.

    Fields:
        content: its bytes.
        ids: of the articles that are read from it.
        problem: what is said about it or a record of it, as a pattern; empty where all is right.
        is_heavy: whether its reader may need more than the two seconds that it has; then it is
            either read as said here, or named.
    """

    content: bytes
    ids: tuple[str, ...] = ()
    problem: str = ""
    is_heavy: bool = False


class Folder(NamedTuple):
    """
    The hostile files of one format.

    Fields:
        good: a harmless file of the format, with one article; it must still be read.
        good_id: of that article.
        cases: by file name.
    """

    good: bytes
    good_id: str
    cases: Mapping[str, Case]


def line(article_id: str, **fields: object) -> bytes:
    return orjson.dumps({"id": article_id, "title": f"Title {article_id}", **fields})


def between(bad: bytes, problem: str) -> Case:
    """JSON Lines with a bad one between two that are right."""
    return Case(b"\n".join([line("1"), bad, line("2")]), ("1", "2"), problem)


BAD_JSON = "not readable as JSON"
JSON_LINES = Folder(
    line("good"),
    "good",
    {
        "cut": Case(line("1") + b"\n" + line("2")[:-9], ("1",), BAD_JSON),
        "cut-in-a-letter": Case(line("1") + b"\n" + line("2", body="é")[:-3], ("1",), BAD_JSON),
        "deep": between(b'{"id": "x", "tags": ' + b"[" * DEEP, BAD_JSON),
        "deep-objects": between(b'{"a":' * DEEP, BAD_JSON),
        "long": between(b'{"id": "x", "body": "%s"}' % (b"a" * 3_000_000), "at most 2097152"),
        "twice": between(b'{"id": "x", "id": "y"}', BAD_JSON),
        "not-a-number": between(b'{"id": "x", "version": NaN}', BAD_JSON),
        "digits": between(b'{"id": "x", "title": "t", "version": %s}' % (b"9" * 5000), BAD_JSON),
        "half-a-pair": between(rb'{"id": "x", "title": "\ud800"}', BAD_JSON),
        "no-utf-8": Case(b'{"id": "1", "title": "\xff\xfe"}', ("1",), GUESS),
        "no-objects": between(b'[1]\nnull\n7\n"text"', "expected"),
        "mark-in-the-middle": between(b"\xef\xbb\xbf{}", BAD_JSON),
    },
)


def array(*parts: bytes) -> bytes:
    return b"[" + b",".join(parts)


JSON_ARRAY = Folder(
    array(line("good")) + b"]",
    "good",
    {
        "cut": Case(array(line("1"), line("2"), line("3")[:-9]), ("1", "2"), "middle of record 3"),
        "cut-in-a-string": Case(array(line("1"), b'{"id": "'), ("1",), "middle of record 2"),
        "cut-behind-a-comma": Case(array(line("1"), line("2"), b""), ("1", "2"), "after record 2"),
        "cut-behind-a-record": Case(array(line("1")), ("1",), "after record 1"),
        "deep": Case(array(line("1"), b"[" * DEEP), ("1",), "middle of record 2"),
        "deeper": Case(array(line("1"), b"[" * 1_100_000), ("1",), "record 2 is nested too deeply"),
        "deep-and-closed": Case(
            array(line("1"), b"[" * DEEP + b"]" * DEEP, line("2")) + b"]", ("1", "2"), BAD_JSON
        ),
        "long": Case(
            array(line("1"), b'{"body": "%s"}' % (b"a" * 3_000_000), line("2")) + b"]",
            ("1", "2"),
            "at most 2097152",
        ),
        "long-text": Case(
            array(line("1"), b'"%s"' % (b"a" * 3_000_000)) + b"]", ("1",), "record 2; all before it"
        ),
        "numbers": Case(
            array(line("1"), *[b"7"] * 20_000) + b"]", ("1",), "10,000 records in a row"
        ),
        "closed-too-often": Case(array(line("1")) + b"]]]}}", ("1",), "not readable|expected"),
        "no-json": Case(array(line("1"), b"<p>", line("2")) + b"]", ("1", "2"), BAD_JSON),
    },
)


def table(*rows: str) -> bytes:
    return "\n".join(["id,title,body", *rows, ""]).encode()


CSV = Folder(
    table("good,Good,text"),
    "good",
    {
        "cut-in-quotes": Case(table("1,One,x", '2,Two,"never')[:-1], ("1",), "never closed"),
        "cut-in-a-row": Case(table("1,One,x", "2,Two")[:-1], ("1",), "cells"),
        "quotes": Case(table("1,One,x", '2,"' + '"' * 100_001, "3,Three,x"), ("1", "3"), "quote"),
        "commas": Case(table("1,One,x", "," * 1_000_000, "2,Two,x"), ("1", "2"), ""),
        "cells": Case(table("1,One,x", ",x" * 500_000, "2,Two,x"), ("1", "2"), "cells"),
        "long": Case(table("1,One,x", "2,Two," + "a" * 3_000_000, "3,Three,x"), ("1", "3"), "most"),
        "columns": Case(b"id,title" + b",x" * 2000 + b"\n", (), "at most 1000 columns"),
        "empty-columns": Case(b"id,title" + b"," * 100_000 + b"\n1,One", (), "columns|header"),
        "nul": Case(table("1,One,x", "2,T\0wo,x", "3,Three,x"), ("1", "3"), "NUL|control"),
        "no-utf-8": Case(table("1,Öne,x").replace(b"\xc3", b"\xff\xc3\xc3"), ("1",), GUESS),
        "no-column": Case(b"a,b\n1,2\n", (), "no column has a known name"),
    },
)


def sheet(dimension: str, cells: str) -> bytes:
    from test_file_formats import workbook, zipped

    book = workbook([["id", "title"], ["1", "One"]])
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    files[name] = files[name].replace(b"</sheetData>", cells.encode() + b"</sheetData>")
    return zipped(files)


def excel() -> Folder:
    from test_file_formats import workbook, zipped

    good = workbook([["id", "title"], ["good", "Good"]])
    bomb = {"xl/workbook.xml": b"<workbook/>", "xl/worksheets/sheet1.xml": b" " * 100_000_000}
    return Folder(
        good,
        "good",
        {
            "cut": Case(good[:-300], (), "damaged"),
            "far-cell": Case(
                sheet("", '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
                (),
                "MB|crash|columns|seconds|readable",
            ),
            "bomb": Case(zipped(bomb), (), "grows"),
            "entities": Case(
                zipped({"xl/workbook.xml": laughs("workbook").encode()}),
                (),
                "readable|known|no sheets",
            ),
            "strings": Case(
                sheet("", '<row r="3"><c t="s"><v>99999999</v></c></row>'),
                (),
                "readable|crash|known",
            ),
            "nothing": Case(zipped({"xl/workbook.xml": b""}), (), "readable|no sheets"),
        },
    )


# --- XML


def laughs(root: str, inner: str = "&i;") -> str:
    """Ten entities of ten entities each: 10 GB of text."""
    entities = "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise("abcdefghi")
    )
    return f'<!DOCTYPE {root} [<!ENTITY a "ha">{entities}]><{root}>{inner}</{root}>'


def quadratic(root: str, inner: str) -> str:
    text = f'<!DOCTYPE {root} [<!ENTITY a "{"a" * 50_000}">]><{root}>{inner}</{root}>'
    return text.replace("&i;", "&a;" * 50_000)


def external(root: str, inner: str) -> str:
    return f'<!DOCTYPE {root} [<!ENTITY i SYSTEM "file:///etc/passwd">]><{root}>{inner}</{root}>'


def item(name: str, body: str = "") -> str:
    return (
        f"<item><guid>{name}</guid><title>Title {name}</title><link>https://n.example/{name}</link>"
        f"<description>{body}</description></item>"
    )


def rss(*items: str) -> str:
    return f'<rss version="2.0"><channel>{"".join(items)}</channel></rss>'


def in_rss(make: Callable[[str, str], str]) -> bytes:
    return make("rss", f"<channel>{item('1', '&i;')}</channel>").encode()


MIDDLE = "ends in the middle of this item"
FEEDS = Folder(
    rss(item("good")).encode(),
    "good",
    {
        "cut-in-a-tag": Case(rss(item("1"), item("2"))[:-60].encode(), ("1",), MIDDLE),
        "cut-in-a-text": Case(
            rss(item("1"), item("2", "Half a text. " * 9))[:-90].encode(), ("1",), MIDDLE
        ),
        "cut-between-items": Case(rss(item("1"), item("2"))[:-16].encode(), ("1", "2"), "formed"),
        "laughs": Case(in_rss(laughs), ("1",), "not well-formed"),
        "quadratic": Case(in_rss(quadratic), ("1",), "not well-formed"),
        "external": Case(in_rss(external), ("1",), "not well-formed"),
        "deep": Case(rss(item("1", "<b>" * DEEP)).encode(), (), GIVEN_UP, is_heavy=True),
        "attributes": Case(
            rss("<item " + " ".join(f'a{n}="1"' for n in range(DEEP)) + "/>", item("1")).encode(),
            (),
            GIVEN_UP,
            is_heavy=True,
        ),
        "controls": Case(rss(item("1", "a\x0b\x01b"), item("2")).encode(), ("1", "2"), "formed"),
        "no-utf-8": Case(rss(item("1", "a\xffb"), item("2")).encode("latin-1"), ("1", "2"), ""),
        "another-encoding": Case(
            b'<?xml version="1.0" encoding="utf-16"?>' + rss(item("1")).encode(), ("1",), ""
        ),
        "no-encoding": Case(
            b'<?xml version="1.0" encoding="klingon"?>' + rss(item("1")).encode(), ("1",), ""
        ),
    },
)


def post(name: str, body: str = "text", more: str = "") -> str:
    return (
        f"<item><title>Title {name}</title><link>https://n.example/{name}/</link>"
        f"<content:encoded><![CDATA[{body}]]></content:encoded><wp:post_id>{name}</wp:post_id>"
        f"<wp:post_type>post</wp:post_type><wp:status>publish</wp:status>{more}</item>"
    )


WXR_ROOT = (
    '<rss version="2.0" xmlns:wp="http://wordpress.org/export/1.2/"'
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/">'
)


def wxr(*posts: str) -> bytes:
    return f"{WXR_ROOT}<channel>{''.join(posts)}</channel></rss>".encode()


def in_wxr(make: Callable[[str, str], str]) -> bytes:
    text = make("rss", f"<channel>{post('1').replace('Title', '&i;')}</channel>")
    return text.replace("<rss>", WXR_ROOT).encode()


WXR = Folder(
    wxr(post("7")),
    "7",
    {
        "cut": Case(wxr(post("1"), post("2"), post("3"))[:-90], ("1", "2"), "after item 2"),
        "cut-in-a-text": Case(
            wxr(post("1"), post("2", "Half a text. " * 9))[:-200], ("1",), "after item 1"
        ),
        "laughs": Case(in_wxr(laughs), (), "not well-formed after item 0"),
        "quadratic": Case(in_wxr(quadratic), (), "not well-formed"),
        "external": Case(in_wxr(external), (), "not well-formed after item 0"),
        "deep": Case(
            wxr(post("1"), post("2", more="<a>" * DEEP)), ("1",), "not well-formed after item 1"
        ),
        "long": Case(wxr(post("1"), post("2", "a" * 3_000_000), post("3")), ("1", "2", "3"), ""),
        "controls": Case(wxr(post("1", "a\x0b\x01b")), ("1",), ""),
        "no-id": Case(
            wxr(post("1").replace("<wp:post_id>1</wp:post_id>", ""), post("2")), ("2",), "id"
        ),
        "categories": Case(
            wxr(post("1", more="<category>x</category>" * DEEP)), ("1",), "", is_heavy=True
        ),
    },
)


def url(name: str) -> str:
    return (
        f"<url><loc>https://n.example/{name}</loc><n:news><n:title>Title</n:title></n:news></url>"
    )


def sitemap(*urls: str) -> bytes:
    return (
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
        f' xmlns:n="http://www.google.com/schemas/sitemap-news/0.9">{"".join(urls)}</urlset>'
    ).encode()


def in_sitemap(make: Callable[[str, str], str]) -> bytes:
    return make("urlset", url("&i;").replace("n:", "")).encode()


SITEMAPS = Folder(
    sitemap(url("good")),
    "https://n.example/good",
    {
        "cut": Case(sitemap(url("1"), url("2"))[:-40], ("https://n.example/1",), "after entry 1"),
        "laughs": Case(in_sitemap(laughs), (), "not well-formed after entry 0"),
        "quadratic": Case(in_sitemap(quadratic), (), "not well-formed after entry 0"),
        "external": Case(in_sitemap(external), (), "not well-formed after entry 0"),
        "of-itself": Case(
            b"<sitemapindex><sitemap><loc>https://n.example/x</loc></sitemap></sitemapindex>",
            (),
            "another sitemap",
        ),
        "long": Case(
            sitemap(*["<url><loc>https://n.example/</loc></url>"] * 50_001),
            (),
            "at most 50,000",
            is_heavy=True,
        ),
        "deep": Case(sitemap("<url>" * DEEP), (), "not well-formed after entry 0"),
    },
)


# --- JSON objects


def ghost(**tables: object) -> bytes:
    return orjson.dumps({"db": [{"data": tables}]})


def ghost_post(name: str, **fields: object) -> dict[str, object]:
    return {"id": name, "title": f"Title {name}", "status": "published", **fields}


GHOST = Folder(
    ghost(posts=[ghost_post("good")]),
    "good",
    {
        "cut": Case(ghost(posts=[ghost_post("1"), ghost_post("2")])[:-30], (), BAD_JSON),
        "deep": Case(b'{"db": [{"data": {"posts": ' + b"[" * DEEP, (), BAD_JSON),
        "no-posts": Case(ghost(posts=[None, 7, "x", [], ghost_post("1")]), ("1",), "expected"),
        "tables": Case(
            ghost(
                posts=[ghost_post("1")], tags=None, posts_tags=[7, {"post_id": []}], users={"a": 1}
            ),
            ("1",),
            "",
        ),
        "orders": Case(
            ghost(posts=[ghost_post("1")], posts_tags=[{"sort_order": "x"}, {"sort_order": 1}]),
            ("1",),
            "",
        ),
        "ids": Case(ghost(posts=[ghost_post("1", id=[]), ghost_post("2")]), ("2",), "id"),
    },
)


def rest(name: int, **fields: object) -> dict[str, object]:
    return {"id": name, "title": {"rendered": f"Title {name}"}, "type": "post", **fields}


REST = Folder(
    orjson.dumps([rest(7)]),
    "7",
    {
        "cut": Case(orjson.dumps([rest(1), rest(2)])[:-9], ("1",), "middle of record 2"),
        "error": Case(
            b'{"code": "rest_no_route", "message": "No route", "data": {"status": 404}}',
            (),
            "No route",
        ),
        "types": Case(
            orjson.dumps(
                [rest(1, content=7), rest(2, title=[]), rest(3, _embedded={"wp:term": [7, [None]]})]
            ),
            ("1", "3"),
            "title",
        ),
        "deep": Case(
            b'[{"id": 1, "title": {"rendered": "x"}, "content": ' + b"{" * DEEP, (), "record 1"
        ),
        "wrapped": Case(
            orjson.dumps([rest(1, _embedded={"author": [{"name": {"a": [1]}}], "wp:term": "x"})]),
            ("1",),
            "",
        ),
    },
)

JSON_FEED_HEAD = b'{"version": "https://jsonfeed.org/version/1.1", "items": '
JSON_FEED = Folder(
    JSON_FEED_HEAD + b'[{"id": "good", "title": "Good"}]}',
    "good",
    {
        "cut": Case(JSON_FEED_HEAD + b'[{"id": "1", "title": "One"}, {"id"', (), BAD_JSON),
        "no-items": Case(JSON_FEED_HEAD + b'[7, null, "x", {"id": "1", "title": "One"}]}', ("1",),
                         "expected"),
        "deep": Case(JSON_FEED_HEAD + b"[" * DEEP, (), BAD_JSON),
        "no-list": Case(JSON_FEED_HEAD + b'{"id": "1"}}', (), "title"),
    },
)  # fmt: skip


# --- posts and pages


def matter(front: str, body: str = "Text.") -> bytes:
    return f"---\n{front}\n---\n{body}\n".encode()


YAML_LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in pairwise("abcdefghi")
)
BAD_MATTER = "front matter is not readable"
POSTS = Folder(
    matter("title: Good"),
    "good.md",
    {
        "no-end.md": Case(b"---\ntitle: One\n", (), BAD_MATTER),
        "laughs.md": Case(matter(f"title: One\n{YAML_LAUGHS}"), (), GIVEN_UP, is_heavy=True),
        "objects.md": Case(
            matter("title: !!python/object/apply:os.system ['true']"), (), BAD_MATTER
        ),
        "deep.md": Case(matter("title: " + "[" * DEEP), (), BAD_MATTER),
        "deep-toml.md": Case(b"+++\na = " + b"[" * DEEP + b"\n+++\nText.", (), BAD_MATTER),
        "list.md": Case(matter("- 1\n- 2"), (), BAD_MATTER),
        "twice.md": Case(matter("title: One\ntitle: Two"), ("twice",), ""),
        "no-utf-8.md": Case(b"---\ntitle: O\xffne\xc3\xa9\n---\n", ("no-utf-8",), GUESS),
        "quotes.md": Case(matter("title: One", ">" * 50_000), ("quotes",), "", is_heavy=True),
        "brackets.md": Case(matter("title: One", "[" * 50_000), ("brackets",), "", is_heavy=True),
        "stars.md": Case(matter("title: One", "*a **b " * 10_000), ("stars",), "", is_heavy=True),
        "templates.md": Case(
            matter("title: One", "{{<" * 50_000), ("templates",), "", is_heavy=True
        ),
    },
)


def page(body: str, head: str = "") -> bytes:
    text = "<p>Oak gates at the lock failed on Monday, and barges wait at both ends of it.</p>" * 3
    return (
        f'<!doctype html><html><head><title>One</title><link rel="canonical"'
        f' href="https://n.example/1">{head}</head><body><article><h1>One</h1>{text}{body}'
        "</article></body></html>"
    ).encode()


ONE = ("https://n.example/1",)
PAGES = Folder(
    page("").replace(b"/1", b"/good"),
    "https://n.example/good",
    {
        "divs.html": Case(page("<div>" * DEEP), ONE, "", is_heavy=True),
        "tables.html": Case(page("<table><tr><td>" * 20_000), ONE, "", is_heavy=True),
        "bold.html": Case(page("<b><i><p>" * 20_000), ONE, "", is_heavy=True),
        "lists.html": Case(page("<ul><li>" * 20_000), ONE, "", is_heavy=True),
        "angles.html": Case(page("<" * 1_000_000), ONE, "", is_heavy=True),
        "attribute.html": Case(page(f'<p title="{"a" * 5_000_000}">'), ONE, "", is_heavy=True),
        "attributes.html": Case(
            page("<p " + " ".join(f"a{n}" for n in range(50_000)) + ">"), ONE, "", is_heavy=True
        ),
        "comment.html": Case(page("<!--" + "-" * 1_000_000), ONE, "", is_heavy=True),
        "script.html": Case(page("<script>" + "a(" * 500_000), ONE, "", is_heavy=True),
        "entities.html": Case(page("&amp;" * 500_000), ONE, "", is_heavy=True),
        "unknown-entities.html": Case(page("&a" * 500_000), ONE, "", is_heavy=True),
        "blanks.html": Case(page(" " * 2_000_000), ONE, "", is_heavy=True),
        "picture.html": Case(
            page(f'<img src="data:image/png;base64,{"A" * 5_000_000}">'), ONE, "", is_heavy=True
        ),
        "json-ld-deep.html": Case(
            page("", f'<script type="application/ld+json">{"[" * DEEP}</script>'), ONE, ""
        ),
        "json-ld-cut.html": Case(
            page("", '<script type="application/ld+json">{"@type": "NewsArticle", "head</script>'),
            ONE,
            "",
        ),
        "scripts.html": Case(
            page("", '<script type="application/ld+json">{}</script>' * 20_000),
            ONE,
            "",
            is_heavy=True,
        ),
        "nul.html": Case(page("a\0b" * 1000), (), "binary file"),
        "charset.html": Case(page("", '<meta charset="x-klingon">'), ONE, ""),
        "wide.html": Case(page("").decode().encode("utf-16-le"), ONE, GUESS),
        "cut.html": Case(page("")[:-150], ONE, "may have been cut"),
        "nothing.html": Case(
            b"<!doctype html><html><head></head><body></body></html>", (), "article"
        ),
        "frames.html": Case(page("<iframe><svg><math>" * 5_000), ONE, "", is_heavy=True),
        "select.html": Case(page("<select><option>" * 20_000), ONE, "", is_heavy=True),
    },
)


# --- archives and folders


OVERLAPPED = b'{"id": "x"}\n' + b"\n" * 10_000_000


def lying_zip() -> bytes:
    """Many files that all lie on the same bytes, as in the bomb of David Fifield."""
    packed = zlib.compress(OVERLAPPED, 9)[2:-4]
    sizes = (zlib.crc32(OVERLAPPED), len(packed), len(OVERLAPPED), 1, 0)
    local = struct.pack("<4sHHHHHLLLHH", b"PK\3\4", 20, 0, 8, 0, 0, *sizes) + b"a"
    about = (20, 20, 0, 8, 0, 0, *sizes, 0, 0, 0, 0, 0)
    entry = struct.pack("<4sHHHHHHLLLHHHHHLL", b"PK\1\2", *about) + b"a"
    entries = entry * 500
    body = local + packed
    end = struct.pack("<4sHHHHLLH", b"PK\5\6", 0, 0, 500, 500, len(entries), len(body), 0)
    return body + entries + end


def archives() -> Folder:
    from test_file_formats import zipped

    good = zipped({"a.jsonl": line("good")})
    three = zipped({"c.zip": zipped({"b.zip": zipped({"a.jsonl": line("x")})})})
    lines = line("1") + b"\n" + line("2") + b"\n" + os.urandom(3000).hex().encode()
    return Folder(
        good,
        "good",
        {
            "cut.zip": Case(good[:-30], (), "damaged"),
            "cut.gz": Case(gzip.compress(lines)[:-900], ("1", "2"), "damaged"),
            "cut.zst": Case(zstd.compress(lines)[:-900], (), "damaged"),
            "wrong-sum.gz": Case(gzip.compress(line("1"))[:-8] + bytes(8), (), "damaged"),
            "wrong-sum.zip": Case(good.replace(b"Title", b"Tutle"), ("good",), ""),
            "bomb.gz": Case(gzip.compress(bytes(100_000_000), 9), (), "binary file"),
            "blank-bomb.gz": Case(gzip.compress(b"\n" * 100_000_000, 9), (), "grows"),
            "twice.gz": Case(gzip.compress(gzip.compress(b"\n" * 100_000_000, 9), 9), (), "grows"),
            "bomb.zst": Case(zstd.compress(b"\n" * 100_000_000), (), "grows"),
            "too-often.gz": Case(often(line("x")), (), "more than 3 times"),
            "overlapping.zip": Case(lying_zip(), (), "grows"),
            "three-deep.zip": Case(three, (), "archive in an archive in an archive"),
            "outside.zip": Case(zipped({"../../etc/a.jsonl": line("1")}), ("1",), ""),
            "members.zip": Case(
                zipped({f"{n}.txt": b"" for n in range(2000)}), (), "2,000 empty files"
            ),
            "password.zip": Case(locked(good), (), "password"),
            "empty.zip": Case(b"PK\5\6" + bytes(18), (), "nothing that can be read"),
        },
    )


def often(content: bytes) -> bytes:
    for _ in range(6):
        content = gzip.compress(content)
    return content


def locked(archive: bytes) -> bytes:
    """The archive with the bit that says that its files are encrypted."""
    data = bytearray(archive)
    for magic, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(magic) + at] |= 1
    return bytes(data)


FOLDERS: dict[str, Callable[[], Folder]] = {
    "JSON Lines": lambda: JSON_LINES,
    "JSON array": lambda: JSON_ARRAY,
    "CSV": lambda: CSV,
    "XLSX": excel,
    "feeds": lambda: FEEDS,
    "JSON Feed": lambda: JSON_FEED,
    "WXR": lambda: WXR,
    "REST": lambda: REST,
    "Ghost": lambda: GHOST,
    "posts": lambda: POSTS,
    "HTML": lambda: PAGES,
    "sitemaps": lambda: SITEMAPS,
    "archives": archives,
}
