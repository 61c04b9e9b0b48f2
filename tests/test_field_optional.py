"""Optional fields that cannot be read are left out with a warning, and the story is kept."""

import base64
from typing import Any

import pytest
from field_cases import FOLDER, needs_field_cases, rows
from news import article

from features.article import ReadArticle, read_article
from features.errors import InvalidInput
from features.site_defaults import SiteDefaults
from recommender.sources.files import ArticleFile

PICTURE = "https://n.example/a.jpg"
NO_PICTURE = {"width": None, "height": None, "alt": None}


def read(**fields: Any) -> ReadArticle:
    return read_article(article(**fields))


def image(value: Any) -> Any:
    picture = read(image=value).article.image
    return None if picture is None else picture.model_dump()


def warned(**fields: Any) -> list[str]:
    return [warning.pointer for warning in read(**fields).warnings]


@needs_field_cases
def test_schema_org_objects_of_the_field_are_read_in_full():
    first, second = (
        read_article({"id": n, **sent})
        for n, sent in enumerate(rows("02-json-shapes/jsonld.jsonl"))
    )

    assert [] == first.warnings == second.warnings
    assert ("Jane Roe",) == first.article.authors == second.article.authors
    assert "World" == first.article.section == second.article.section
    assert ("gates", "oak") == first.article.tags
    assert "https://n.example/1x1.jpg" == first.article.image.url
    assert {"url": "https://n.example/16x9.jpg", "width": 1200, "height": 675, "alt": None} == (
        second.article.image.model_dump()
    )


@needs_field_cases
def test_of_wordpress_two_dates_the_good_one_wins():
    dates = {}
    with ArticleFile(str(FOLDER / "16-unmapped-columns/wpdate.json")) as file:
        records = list(file.records())
    for record in records:
        try:
            made = read_article(record.data).article
        except InvalidInput as error:
            dates[record.line] = str(error)
        else:
            dates[record.line] = made.published_at.isoformat()

    assert {
        1: "2009-03-13T07:12:44+00:00",
        2: "2009-03-13T07:12:44+00:00",
        3: "title: String should have at least 1 character",
        4: "2009-03-13T06:12:44+00:00",
    } == dates


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"date_gmt": "0000-00-00 00:00:00", "date": "2009-03-13"}, "2009-03-13"),
        ({"published_at": "0001-01-01", "pubDate": "2009-03-13"}, "2009-03-13"),
        ({"published_at": "long ago", "date": "2009-03-13"}, "2009-03-13"),
        ({"published_at": "long ago", "date": "soon"}, None),
        ({"published_at": "0001-01-01"}, None),
    ],
)
def test_the_first_field_with_a_date_in_it_wins(sent, expected):
    made = read_article({"id": "a", "title": "t", **sent}).article

    assert expected == (made.published_at and made.published_at.strftime("%Y-%m-%d"))


def test_every_field_that_cannot_be_read_is_warned_of_also_where_another_is_read_instead():
    sent = {"id": "a", "title": "t", "published_at": "long ago", "date": "2009-03-13", "tags": 7}

    assert ["/published_at", "/tags"] == [w.pointer for w in read_article(sent).warnings]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Jane Roe", ("Jane Roe",)),
        ("Jane Roe, John Doe", ("Jane Roe", "John Doe")),
        ({"@type": "Person", "name": "Jane Roe"}, ("Jane Roe",)),
        ({"@type": "Person", "name": ["Jane Roe", "John Doe"]}, ("Jane Roe", "John Doe")),
        ([{"name": "Jane Roe"}, "John Doe"], ("Jane Roe", "John Doe")),
        ("['rivers', 'oak']", ("rivers", "oak")),
        ('["rivers","oak"]', ("rivers", "oak")),
        ("{rivers,oak}", ("rivers", "oak")),
        ([2024, "election"], ("2024", "election")),
    ],
)
def test_names_come_in_many_shapes(value, expected):
    made, warnings, _ = read(tags=value, authors=value)

    assert (expected, expected, []) == (made.tags, made.authors, warnings)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ([{"@type": "Person"}, "Ana"], ("Ana",)),
        ([None, "Ana"], ("Ana",)),
        (["https://social.example/ana", "Ana"], ("Ana",)),
        ({"@id": "#author"}, ()),
    ],
)
def test_of_several_authors_those_with_a_name_are_kept(value, kept):
    made, warnings, _ = read(authors=value)

    assert (kept, ["/authors"]) == (made.authors, [warning.pointer for warning in warnings])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (PICTURE, {"url": PICTURE, **NO_PICTURE}),
        ([PICTURE, "https://n.example/b.jpg"], {"url": PICTURE, **NO_PICTURE}),
        ({"contentUrl": PICTURE, "width": "1200px"}, {"url": PICTURE, **NO_PICTURE, "width": 1200}),
        ({"url": [PICTURE], "height": {"value": 9}}, {"url": PICTURE, **NO_PICTURE, "height": 9}),
        ({"@id": PICTURE}, {"url": PICTURE, **NO_PICTURE}),
        ("/a.jpg", {"url": "https://news.example/a.jpg", **NO_PICTURE}),
        ("//n.example/a.jpg", {"url": PICTURE, **NO_PICTURE}),
        ({"source_url": "https://n.example/a.svg", "width": 0, "height": 0, "alt_text": "Oak"},
         {"url": "https://n.example/a.svg", "width": None, "height": None, "alt": "Oak"}),
        (["data:image/gif;base64,R0lGOD", PICTURE], {"url": PICTURE, **NO_PICTURE}),
        ([], None),
        ("", None),
        (None, None),
    ],
)  # fmt: skip
def test_a_picture_comes_in_many_shapes(value, expected):
    assert expected == image(value)
    assert [] == warned(image=value)


@pytest.mark.parametrize(
    "value",
    [
        {"@id": "https://n.example/#primaryimage"}, {"width": 7}, 7, "ftp://n.example/a.jpg",
        "data:image/gif;base64,R0lGOD", ["javascript:alert(1)"], {"url": "https://n.example/\0"},
    ],
)  # fmt: skip
def test_a_picture_that_cannot_be_read_is_left_out(value):
    assert image(value) is None
    assert ["/image"] == warned(image=value)


@pytest.mark.parametrize(
    ("value", "language"),
    [
        ({"@type": "Language", "name": "English", "alternateName": "en"}, "en"),
        (["pt-BR", "en"], "pt"),
        ("und", "en"),
    ],
)
def test_a_language_comes_in_many_shapes(value, language):
    assert language == read(language=value).article.language


def test_a_language_that_is_none_is_detected_with_a_warning():
    made, warnings, _ = read(language="Klingon")

    assert ("en", ["/language"]) == (made.language, [warning.pointer for warning in warnings])


def test_a_relative_address_is_completed_by_the_home_page_of_the_site():
    sent = article(url="/node/7")
    defaults = SiteDefaults(home_page="https://news.example/")

    assert "https://news.example/node/7" == read_article(sent, defaults).article.url
    assert ["/url"] == [warning.pointer for warning in read_article(sent).warnings]


def test_an_inline_picture_of_a_megabyte_does_not_refuse_a_story_of_two_lines():
    data = base64.b64encode(bytes(900_000)).decode()
    for body in (
        f'<p>Oak gates failed.</p><img src="data:image/png;base64,{data}"><p>Barges wait.</p>',
        f"<style>@font-face {{ src: url(data:font/woff2;base64,{data}) }}</style>"
        "<p>Oak gates failed.</p><p>Barges wait.</p>",
        f"<p>Oak gates failed.</p><script>x = '{data}'</script><p>Barges wait.</p>",
    ):
        made, warnings, _ = read(body=body)
        assert ("Oak gates failed.\n\nBarges wait.", []) == (made.body, warnings)


@pytest.mark.parametrize("around", ["![A gate]({})", "url({})", '"{}"'])
def test_an_inline_picture_in_markdown_is_no_text(around):
    picture = "data:image/png;base64," + base64.b64encode(bytes(900_000)).decode()
    made, warnings, _ = read(body=f"Oak gates {around.format(picture)} failed.")

    assert (f"Oak gates {around.format('')} failed.", []) == (made.body, warnings)


def test_a_short_data_url_stays_where_it_is_an_example():
    body = "Write data:image/gif;base64,R0lGODlhAQABAAAAACw= for a pixel."

    assert body == read(body=body).article.body


def test_an_inline_picture_in_a_line_does_not_refuse_it_either():
    data = base64.b64encode(bytes(300_000)).decode()
    title = f'<img src="data:image/png;base64,{data}">Oak gates'

    assert ("Oak gates", []) == (read(title=title).article.title, warned(title=title))


def test_a_transcript_is_cut_at_the_end_of_a_line_with_a_warning():
    line = "The member for Dunmere said that the gates were rotten.\n"
    made, warnings, _ = read(body=line * 4800)

    assert 268_000 < 4800 * len(line)
    assert 199_900 < len(made.body) <= 200_000
    assert set(made.body.split("\n")) == {line.strip()}
    assert ["/body"] == [warning.pointer for warning in warnings]
