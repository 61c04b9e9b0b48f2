"""One list in five forms: each valid, and all of them the same list."""

from collections.abc import Callable
from html import unescape
from typing import Any

import feedparser
import orjson
import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator, FormatChecker
from news import article
from selectolax.lexbor import LexborHTMLParser
from werkzeug.test import TestResponse

from api.lists.formats import LAYOUTS
from api.lists.words import WORDS, box_words

Put = Callable[..., None]
Shown = list[dict[str, Any]]

KURSK = "/v1/main/articles/kursk/related"
PLACES = [KURSK, "/v1/main/recent", "/v1/main/related"]
TRICKY = 'Flag & "Sudzha": a < b, </script> & ]]> Straße 🎈'
PICTURE = {
    "url": "https://cdn.example/a.jpg?x=1&y=2",
    "width": 800,
    "height": 450,
    "alt": "A <flag>",
}

# The specifications, as JSON Schemas: jsonfeed.org/version/1.1 and schema.org/ItemList.
TEXT = {"type": "string", "minLength": 1}
ADDRESS = {"type": "string", "format": "uri", "pattern": "^https?://"}
MOMENT = {"type": "string", "format": "date-time"}
OWN = {"patternProperties": {"^_[^.]+$": {"type": "object"}}}  # extensions, in JSON Feed


def closed(required: list[str], properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An object that holds these properties and no others."""
    rest = {"properties": properties, "additionalProperties": False}
    return {"type": "object", "required": required, **rest, **more}


def typed(name: str, required: list[str], /, **properties: Any) -> dict[str, Any]:
    return closed(["@type", *required], {"@type": {"const": name}, **properties})


def many(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


FEED_ITEM = closed(
    ["id"],
    {
        **dict.fromkeys(("id", "title", "summary", "content_text", "language"), TEXT),
        **dict.fromkeys(("url", "external_url", "image", "banner_image"), ADDRESS),
        "date_published": MOMENT,
        "date_modified": MOMENT,
        "tags": many(TEXT),
        "authors": many({"type": "object", "properties": {"name": TEXT}, "minProperties": 1}),
    },
    anyOf=[{"required": ["content_text"]}, {"required": ["content_html"]}],
    **OWN,
)
JSON_FEED = closed(
    ["version", "title", "items"],
    {
        "version": {"const": "https://jsonfeed.org/version/1.1"},
        "title": TEXT,
        "home_page_url": ADDRESS,
        "items": many(FEED_ITEM),
    },
    **OWN,
)
NUMBER = {"type": "integer"}
NEWS_ARTICLE = typed(
    "NewsArticle",
    ["identifier", "headline"],
    **dict.fromkeys(("identifier", "headline", "description", "articleSection"), TEXT),
    url=ADDRESS,
    datePublished=MOMENT,
    dateModified=MOMENT,
    inLanguage=TEXT,
    keywords=many(TEXT),
    author=many(typed("Person", ["name"], name=TEXT)),
    image=typed("ImageObject", ["url"], url=ADDRESS, width=NUMBER, height=NUMBER, caption=TEXT),
)
LIST_ITEM = typed(
    "ListItem",
    ["position", "item"],
    position={"type": "integer", "minimum": 1},
    item=NEWS_ARTICLE,
)
ITEM_LIST = closed(
    ["@context", "@type", "itemListElement"],
    {
        "@context": {"const": "https://schema.org"},
        "@type": {"const": "ItemList"},
        "name": TEXT,
        "numberOfItems": NUMBER,
        "itemListElement": many(LIST_ITEM),
    },
)


@pytest.fixture(autouse=True)
def archive(put: Put) -> None:
    put(
        article("kursk", section="World"),
        article("a b/c&d", title=TRICKY, excerpt=TRICKY, image=PICTURE, tags=["a&b", "c"]),
        article("sudzha", authors=["Ana <b>", "Bo"], updated_at="2025-03-14T08:00:00Z"),
        article("bare", url=None, published_at=None, body="", language=None),
        article("final", image="https://cdn.example/b.jpg"),
    )


def get(client: FlaskClient, place: str, ending: str = "", **query: object) -> TestResponse:
    by_url = {"url": "https://news.example/kursk"} if place.endswith("main/related") else {}
    response = client.get(place + ending, query_string={**by_url, **query})
    assert response.status_code == 200, response.text
    return response


def complaints(schema: dict[str, Any], document: object) -> list[str]:
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


# Each by its own rules


@pytest.mark.parametrize("place", PLACES)
def test_the_rss_is_what_feed_readers_read(client: FlaskClient, place: str) -> None:
    response = get(client, place, ".rss")
    feed = feedparser.parse(response.data)

    assert ("rss20", False, "application/rss+xml; charset=utf-8") == (
        feed.version,
        bool(feed.bozo),
        response.content_type,
    )
    assert feed.feed.title and feed.feed.link and feed.feed.description
    assert all(entry.title and entry.id for entry in feed.entries)


def test_pictures_travel_in_rss_as_media_content(client: FlaskClient) -> None:
    entries = feedparser.parse(get(client, KURSK, ".rss").data).entries
    [entry] = [entry for entry in entries if entry.id == "a b/c&d"]

    assert [PICTURE["url"], "image", "800", "450"] == [
        entry.media_content[0][name] for name in ("url", "medium", "width", "height")
    ]


def test_dates_in_rss_are_the_stories_own(client: FlaskClient) -> None:
    entries = feedparser.parse(get(client, KURSK, ".rss").data).entries
    dates = {entry.id: entry.get("published_parsed") for entry in entries}

    assert (2025, 3, 13, 7, 12, 44) == dates["sudzha"][:6]
    assert dates["bare"] is None


@pytest.mark.parametrize("place", PLACES)
def test_the_json_feed_follows_version_1_1(client: FlaskClient, place: str) -> None:
    response = get(client, place, ".json")

    assert ([], "application/feed+json") == (
        complaints(JSON_FEED, orjson.loads(response.data)),
        response.content_type,
    )


@pytest.mark.parametrize("place", PLACES)
def test_the_json_ld_is_an_item_list(client: FlaskClient, place: str) -> None:
    response = get(client, place, ".jsonld")

    assert ([], "application/ld+json") == (
        complaints(ITEM_LIST, orjson.loads(response.data)),
        response.content_type,
    )


@pytest.mark.parametrize("ending", [".json", ".jsonld"])
def test_a_document_may_stand_inside_a_script(client: FlaskClient, ending: str) -> None:
    assert "<" not in get(client, KURSK, ending).text


@pytest.mark.parametrize("ending", ["", ".html", ".rss", ".json", ".jsonld"])
def test_an_empty_list_is_an_answer_in_every_form(client: FlaskClient, ending: str) -> None:
    assert get(client, KURSK, ending, section="nowhere").status_code == 200


def test_characters_that_xml_forbids_are_left_out(client: FlaskClient, put: Put) -> None:
    put(article("odd \ufffe id", title="Sudzha \uffff in Kursk"))
    feed = feedparser.parse(get(client, "/v1/main/recent", ".rss", limit=50).data)

    assert not feed.bozo
    assert "odd  id" in [entry.id for entry in feed.entries]


# The same items in all of them


def from_list(response: TestResponse) -> Shown:
    return [
        {
            "id": item["id"],
            "title": item["title"],
            "url": item["url"],
            "excerpt": item["excerpt"],
            "image": item["image"] and item["image"]["url"],
        }
        for item in orjson.loads(response.data)["items"]
    ]


def from_html(response: TestResponse) -> Shown:
    cards = LexborHTMLParser(response.text).css(".also-see-card")
    return [
        {
            "id": card.attributes["data-article"],
            "title": (title := card.css_first(".also-see-title")).text(),
            "url": (link := title.css_first("a")) and link.attributes["href"],
            "excerpt": (text := card.css_first(".also-see-excerpt")) and text.text(),
            "image": (image := card.css_first("img")) and image.attributes["src"],
        }
        for card in cards
    ]


def from_rss(response: TestResponse) -> Shown:
    entries = feedparser.parse(response.data, sanitize_html=False).entries
    return [
        {
            "id": entry.id,
            "title": entry.title,
            "url": entry.get("link"),
            "excerpt": unescape(entry.summary) if "summary" in entry else None,
            "image": entry.media_content[0]["url"] if "media_content" in entry else None,
        }
        for entry in entries
    ]


def from_feed(response: TestResponse) -> Shown:
    return [
        {name: item.get(theirs) for name, theirs in FEED_NAMES.items()}
        for item in orjson.loads(response.data)["items"]
    ]


FEED_NAMES = {"id": "id", "title": "title", "url": "url", "excerpt": "summary", "image": "image"}


def from_json_ld(response: TestResponse) -> Shown:
    return [
        {
            "id": item["identifier"],
            "title": item["headline"],
            "url": item.get("url"),
            "excerpt": item.get("description"),
            "image": item.get("image", {}).get("url"),
        }
        for element in orjson.loads(response.data)["itemListElement"]
        for item in [element["item"]]
    ]


READERS = {".html": from_html, ".rss": from_rss, ".json": from_feed, ".jsonld": from_json_ld}


@pytest.mark.parametrize("ending", READERS)
@pytest.mark.parametrize("place", PLACES)
def test_every_form_holds_the_same_items_byte_for_byte(
    client: FlaskClient, place: str, ending: str
) -> None:
    expected = from_list(get(client, place, lang="any"))

    assert expected == READERS[ending](get(client, place, ending, lang="any"))
    assert len(expected) >= 4


@pytest.mark.parametrize("embedded", [0, 1])
def test_a_frame_holds_the_same_items_too(client: FlaskClient, embedded: int) -> None:
    assert from_list(get(client, KURSK)) == from_html(get(client, KURSK, ".html", embed=embedded))


def test_a_list_has_one_recommendation_id_whatever_its_form(client: FlaskClient) -> None:
    own = get(client, KURSK).json["recommendation_id"]
    feed = orjson.loads(get(client, KURSK, ".json").data)["_also_see"]["recommendation_id"]
    box = LexborHTMLParser(get(client, KURSK, ".html").text).css_first("aside")

    assert [own] * 2 == [feed, box.attributes["data-recommendation"]]


# Accept


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html", "text/html; charset=utf-8"),
        ("application/rss+xml, */*;q=0.5", "application/rss+xml; charset=utf-8"),
        ("application/feed+json", "application/feed+json"),
        ("application/ld+json;q=0.9, text/html;q=0.8", "application/ld+json"),
        # The address bar of a browser: who opens the address of the data wants to see the data.
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
        ("image/png", "application/json"),
        (";;;q=x,,\xff", "application/json"),
    ],
)
@pytest.mark.parametrize("place", PLACES)
def test_accept_chooses_the_form(
    client: FlaskClient, place: str, accept: str, content_type: str
) -> None:
    query = {"url": "https://news.example/kursk"}
    response = client.get(place, query_string=query, headers={"Accept": accept})

    assert (200, content_type, "Accept") == (
        response.status_code,
        response.content_type,
        response.headers["Vary"],
    )


def test_the_path_has_the_last_word(client: FlaskClient) -> None:
    response = client.get(f"{KURSK}.rss", headers={"Accept": "application/json"})

    assert "application/rss+xml; charset=utf-8" == response.content_type
    assert "Vary" not in response.headers


@pytest.mark.parametrize("ending", ["", ".html", ".rss", ".json", ".jsonld"])
@pytest.mark.parametrize("place", PLACES)
def test_any_page_may_read_any_form(client: FlaskClient, place: str, ending: str) -> None:
    assert "*" == get(client, place, ending).headers["Access-Control-Allow-Origin"]


def test_an_unknown_form_is_not_found(client: FlaskClient) -> None:
    assert 404 == client.get("/v1/main/recent.xml").status_code


# HTML


@pytest.mark.parametrize("layout", LAYOUTS)
def test_html_comes_in_every_layout(client: FlaskClient, layout: str) -> None:
    page = LexborHTMLParser(get(client, KURSK, ".html", layout=layout).text)

    assert 1 == len(page.css(f".also-see-as-{layout}"))


@pytest.mark.parametrize("query", ["layout=carousel", "embed=2", "layout=", "embed=1&embed=1"])
def test_a_bad_value_is_named(client: FlaskClient, query: str) -> None:
    answer = client.get(f"{KURSK}.html?{query}")
    wanted = query.partition("=")[0]

    assert (200 if query == "layout=" else 400) == answer.status_code
    assert query == "layout=" or f"/{wanted}" == answer.json["errors"][0]["pointer"]


def test_a_frame_runs_our_script_and_nothing_else(client: FlaskClient) -> None:
    response = get(client, KURSK, ".html", embed="1")
    page = LexborHTMLParser(response.text)

    assert (
        "default-src 'none'; script-src 'self'; style-src 'self'"
        in (response.headers["Content-Security-Policy"])
    )
    assert ["/static/embed.js"] == [node.attributes["src"] for node in page.css("script")]
    assert [] == page.css("style, [style], [onload], [onclick]")


@pytest.mark.parametrize(("language", "written"), [("en", "13 March 2025"), ("de", "2025-03-13")])
def test_months_have_names_where_the_box_speaks_english(
    client: FlaskClient, put: Put, language: str, written: str
) -> None:
    put(article("one", language=language), article("two", language=language))
    box = LexborHTMLParser(get(client, KURSK.replace("kursk", "one"), ".html").text)

    assert written == box.css_first(".also-see-date").text()


@pytest.mark.parametrize("language", sorted(tag for tag in WORDS if "-" not in tag))
def test_the_words_around_a_list_are_in_its_language(
    client: FlaskClient, put: Put, language: str
) -> None:
    put(article("one", language=language), article("two", language=language))
    box = LexborHTMLParser(get(client, KURSK.replace("kursk", "one"), ".html").text)
    aside = box.css_first("aside")

    assert (language, WORDS[language][0], f"{WORDS[language][1]} »") == (
        aside.attributes["lang"],
        box.css_first("h2").text(),
        box.css_first(".also-see-more").text(),
    )
    assert ("rtl" if language in ("ar", "fa", "he", "ur") else "ltr") == aside.attributes["dir"]


@pytest.mark.parametrize(
    ("titles", "tag", "heading", "reason"),
    [
        (("臺灣總統選舉結果揭曉", "選舉後的臺灣總統府"), "zh-hant", "延伸閱讀", "同一主題"),
        (("台湾总统选举结果揭晓", "选举后的台湾总统府"), "zh", "延伸阅读", "同一主题"),
        (("香港天文台", "天文台公布"), "zh", "延伸阅读", "同一主题"),
    ],
    ids=["Taiwan", "mainland", "neither"],
)
@pytest.mark.parametrize("sent", ["zh-TW", "zh_HK", "zh-Hans", "zh", None])
def test_chinese_is_written_in_the_characters_of_the_article(
    client: FlaskClient,
    put: Put,
    titles: tuple[str, str],
    tag: str,
    heading: str,
    reason: str,
    sent: str | None,
) -> None:
    put(
        *(
            article(f"a{n}", title=title, body=title, language=sent)
            for n, title in enumerate(titles)
        )
    )
    box = LexborHTMLParser(get(client, "/v1/main/articles/a0/related", ".html").text)
    item = client.get("/v1/main/articles/a0/related").json["items"][0]

    assert (tag, heading) == (box.css_first("aside").attributes["lang"], box.css_first("h2").text())
    assert (reason, "zh") == (item["reason"]["text"], item["language"])


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("zh-TW", "zh-hant"), ("zh_HK", "zh-hant"), ("zh-Hant-MO", "zh-hant"), ("zh", "zh"),
        ("xx", "en"), (None, "en"),
    ],
)  # fmt: skip
def test_the_words_for_a_tag(tag: str | None, language: str) -> None:
    assert language == box_words(tag).language
