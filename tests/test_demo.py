"""The sample newspaper: its pages, its links and the lists in its boxes."""

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from news import article
from selectolax.lexbor import LexborHTMLParser

from api.app import create_app
from api.http.dates import day
from api.site.demo import ALSO_SEE, POLICY, SAMPLE_ORIGIN, sample_articles
from recommender.backend import Backend
from recommender.config import Settings
from recommender.ingest import ingest
from recommender.sources.records import Record
from recommender.storage.embedded import lease

SAMPLE = files("api").joinpath("sample")
ARTICLES = {fields["id"]: fields for fields in sample_articles(SAMPLE_ORIGIN)}
TRUTH = [orjson.loads(line) for line in SAMPLE.joinpath("truth.jsonl").read_bytes().splitlines()]
ORIGIN = "http://localhost"


# All tests share one archive, which none of them changes.


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with lease(tmp_path_factory.mktemp("demo")) as embedded:
        settings = Settings(redis_url=embedded.url, demo=True)
        with Backend(settings) as backend:
            records = (Record(n, fields) for n, fields in enumerate(sample_articles(ORIGIN), 1))
            stored = [result.outcome for result in ingest(backend.store, "main", records)]
            assert ["added"] * len(ARTICLES) == stored
            yield create_app(settings, backend)


@pytest.fixture(scope="module")
def reader(demo: Flask) -> FlaskClient:
    return demo.test_client()


@pytest.fixture(scope="module")
def pages(reader: FlaskClient) -> dict[str, LexborHTMLParser]:
    """The page of every story by id."""
    return {name: LexborHTMLParser(reader.get(page_of(name)).text) for name in ARTICLES}


def page_of(article_id: str) -> str:
    return "/" + quote(article_id)


def texts(page: LexborHTMLParser, selector: str) -> list[str]:
    return [node.text().strip() for node in page.css(selector)]


def links(page: LexborHTMLParser, selector: str) -> list[str]:
    return [str(node.attributes["href"]) for node in page.css(selector)]


def linked(fields: dict[str, Any]) -> set[str]:
    """The ids of the stories that a sample story links to."""
    addresses = links(LexborHTMLParser(fields["body"]), "a")
    return {address.removeprefix(f"{SAMPLE_ORIGIN}/") for address in addresses}


def also_see(fields: dict[str, Any]) -> dict[str, str]:
    """The targets of the "Also See" lines of a sample story: ids by the text of the link."""
    body = LexborHTMLParser(fields["body"])
    return {
        link.text(): str(link.attributes["href"]).removeprefix(f"{SAMPLE_ORIGIN}/")
        for paragraph in body.css("p")
        if paragraph.text().strip().startswith(ALSO_SEE)
        for link in paragraph.css("a")
    }


# The archive


def test_the_archive_has_eighty_stories_of_fifteen_threads_and_four_more_languages() -> None:
    sections = {fields["section"] for fields in ARTICLES.values()}
    languages = {fields["language"] for fields in ARTICLES.values()}

    assert 80 == len(ARTICLES)
    assert {"en", "es", "de", "ur", "zh"} == languages
    assert len(sections) >= 5


def test_the_truth_is_the_links_with_half_the_grade_backwards() -> None:
    truth: dict[str, dict[str, int]] = {name: {} for name in ARTICLES}
    for name, fields in ARTICLES.items():
        for target in linked(fields):
            truth[name][target] = 2
            truth[target].setdefault(name, 1)

    assert {name: related for name, related in truth.items() if related} == {
        line["id"]: line["related"] for line in TRUTH
    }


def test_every_link_leads_to_another_story_of_the_archive() -> None:
    astray = [
        (name, target)
        for name, fields in ARTICLES.items()
        for target in linked(fields)
        if target not in ARTICLES or target == name
    ]

    assert [] == astray


def test_an_also_see_line_has_the_title_of_its_story() -> None:
    lines = [line for fields in ARTICLES.values() for line in also_see(fields).items()]

    assert [(ARTICLES[target]["title"], target) for _, target in lines] == lines
    assert len(lines) >= 30


def test_no_story_links_to_a_later_one() -> None:
    later = [
        (name, target)
        for name, fields in ARTICLES.items()
        for target in linked(fields)
        if ARTICLES[target]["published_at"] > fields["published_at"]
    ]

    assert [] == later


def test_every_picture_exists(reader: FlaskClient) -> None:
    pictures = {fields["image"]["url"] for fields in ARTICLES.values() if fields.get("image")}
    answers = [reader.get(url.removeprefix(SAMPLE_ORIGIN), buffered=True) for url in pictures]

    assert {(200, "image/svg+xml")} == {(answer.status_code, answer.mimetype) for answer in answers}


def test_pictures_hold_no_scripts_and_fetch_nothing() -> None:
    folder = files("api").joinpath("static/sample")
    pictures = [picture.read_text("utf-8") for picture in folder.iterdir()]
    active = re.compile(r"(?i)<script|\bon\w+=|href=[\"'](?!#)|url\((?!#)|@import|<foreignObject")

    assert [] == [picture for picture in pictures if active.search(picture)]


def test_the_sample_can_have_any_address() -> None:
    moved = list(sample_articles("http://127.0.0.1:9000"))

    assert ("http://127.0.0.1:9000/" + moved[0]["id"], False) == (
        moved[0]["url"],
        any(SAMPLE_ORIGIN in orjson.dumps(fields).decode() for fields in moved),
    )


# The pages


def test_the_front_page_shows_the_newest_stories(
    reader: FlaskClient,
) -> None:
    page = LexborHTMLParser(reader.get("/").text)
    newest = sorted(ARTICLES.values(), key=lambda fields: fields["published_at"], reverse=True)
    titles = texts(page, ".story h2")

    assert [fields["title"] for fields in newest[: len(titles)]] == titles
    assert len(titles) >= 12


def test_the_front_page_leads_to_stories(reader: FlaskClient) -> None:
    page = LexborHTMLParser(reader.get("/").text)

    assert {200} == {reader.get(link).status_code for link in links(page, ".story a")}


def test_every_story_has_a_page_with_its_title_and_text(
    pages: dict[str, LexborHTMLParser],
) -> None:
    assert {name: [fields["title"]] for name, fields in ARTICLES.items()} == {
        name: texts(page, "article h1") for name, page in pages.items()
    }
    assert all(len("".join(texts(page, "article p"))) > 150 for page in pages.values())


def test_inline_links_lead_to_the_stories_they_name(
    pages: dict[str, LexborHTMLParser],
) -> None:
    expected = {
        name: {page_of(target) for target in also_see(fields).values()}
        for name, fields in ARTICLES.items()
    }

    assert expected == {name: set(links(page, ".inline-link a")) for name, page in pages.items()}


def test_cards_lead_to_pages_of_the_paper(
    reader: FlaskClient, pages: dict[str, LexborHTMLParser]
) -> None:
    targets = {link for page in pages.values() for link in links(page, ".also-see a")}
    statuses = {reader.get(link.removeprefix(ORIGIN)).status_code for link in targets}

    assert ({200}, True) == (statuses, all(link.startswith(f"{ORIGIN}/") for link in targets))


def test_every_english_story_has_five_cards(pages: dict[str, LexborHTMLParser]) -> None:
    english = [name for name, fields in ARTICLES.items() if fields["language"] == "en"]

    assert {5} == {len(pages[name].css(".also-see-card")) for name in english}


def test_the_page_and_the_service_show_the_same_list(
    reader: FlaskClient, pages: dict[str, LexborHTMLParser]
) -> None:
    name = "2026/02/10/lock-gates-fail-inspection"
    answer = reader.get(f"/v1/main/articles/{quote(name, safe='')}/related").json

    assert [item["title"] for item in answer["items"]] == texts(pages[name], ".also-see-title")


def test_the_box_finds_what_editors_linked(
    pages: dict[str, LexborHTMLParser],
) -> None:
    """Measured: 78 of 79 boxes contain a linked story, and all together over 90 % of them."""
    boxes = {
        name: {link.removeprefix(f"{ORIGIN}/") for link in links(page, ".also-see a")}
        for name, page in pages.items()
    }
    truth = {line["id"]: line["related"].keys() for line in TRUTH}
    found = {name: related & boxes[name] for name, related in truth.items()}

    assert sum(map(bool, found.values())) >= 78
    assert sum(map(len, found.values())) / sum(map(len, truth.values())) > 0.9


def test_the_paper_writes_dates_as_the_desk_does(
    reader: FlaskClient, pages: dict[str, LexborHTMLParser]
) -> None:
    documents = [LexborHTMLParser(reader.get("/").text), *pages.values()]
    english = [date for page in documents for date in page.css("time:not([lang])")]
    boxes = [date for page in documents for date in page.css("time[lang=en]")]

    assert english
    assert boxes
    assert [] == [
        date.text()
        for date in (*english, *boxes)
        if day(date.attributes["datetime"]).striptags() != date.text()
    ]


def test_a_page_may_load_only_its_own_style_script_and_pictures(reader: FlaskClient) -> None:
    answers = [reader.get(path) for path in ("/", page_of(next(iter(ARTICLES))), "/nowhere")]

    assert [POLICY] * 3 == [answer.headers["Content-Security-Policy"] for answer in answers]
    assert POLICY.startswith("default-src 'none'; script-src 'self'; connect-src 'self';")
    assert "unsafe" not in POLICY


def test_a_page_holds_one_script_and_nothing_inline(
    pages: dict[str, LexborHTMLParser],
) -> None:
    active = (
        "script:not([src='/widget.js']), style, iframe, object, embed, "
        "[style], [onclick], [onload], [onerror]"
    )

    assert [] == [node.tag for page in pages.values() for node in page.css(active)]


def test_an_unknown_page_is_an_html_page(reader: FlaskClient) -> None:
    answer = reader.get("/2026/02/31/nothing")

    assert (404, "text/html", ["No such story"]) == (
        answer.status_code,
        answer.mimetype,
        texts(LexborHTMLParser(answer.text), "h1"),
    )


@pytest.mark.parametrize("path", ["/v1/main/nothing", "/v1/main/recent/", "/v1", "/v1/"])
def test_an_unknown_address_of_the_api_is_a_problem_document(
    reader: FlaskClient, path: str
) -> None:
    answer = reader.get(path)

    assert (404, "application/problem+json") == (answer.status_code, answer.content_type)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/v1/main/recent"])
def test_the_sample_newspaper_hides_no_address_of_the_service(
    reader: FlaskClient, path: str
) -> None:
    assert (200, "application/json") == (
        (answer := reader.get(path)).status_code,
        answer.content_type,
    )


@pytest.mark.parametrize("path", ["/", "/2026/02/10/lock-gates-fail-inspection"])
def test_the_sample_newspaper_needs_the_setting(client: FlaskClient, path: str) -> None:
    assert 404 == client.get(path).status_code


# Stories with missing fields


@pytest.fixture
def incomplete(settings: Settings, backend: Backend) -> FlaskClient:
    """Two stories without address, authors, section, picture or excerpt; one has no date either."""
    fields = [
        article("kursk", url=None, body="Troops advanced.\n\nRead More »\n\nRead more: the map."),
        article("sudzha", url=None, published_at=None),
    ]
    records = (Record(n, one) for n, one in enumerate(fields, 1))
    assert ["added"] * 2 == [result.outcome for result in ingest(backend.store, "main", records)]
    return create_app(settings.model_copy(update={"demo": True}), backend).test_client()


def test_a_card_without_an_address_leads_to_its_page_here(incomplete: FlaskClient) -> None:
    page = LexborHTMLParser(incomplete.get("/kursk").text)

    assert ["/sudzha"] == links(page, ".also-see-title a")
    assert [None] == [
        item["url"] for item in incomplete.get("/v1/main/articles/kursk/related").json["items"]
    ]


def test_a_paragraph_that_only_says_read_more_is_not_drawn(incomplete: FlaskClient) -> None:
    page = LexborHTMLParser(incomplete.get("/kursk").text)

    assert ["Troops advanced.", "Read more: the map."] == texts(page, "article p[dir]")


def test_missing_fields_leave_no_empty_elements(incomplete: FlaskClient) -> None:
    pages = {
        path: LexborHTMLParser(incomplete.get(path).text) for path in ("/", "/kursk", "/sudzha")
    }
    bare = [
        node.html for p in pages.values() for node in p.css("p, time") if not node.text().strip()
    ]

    assert [] == bare
    assert ["13 March 2025"] == texts(pages["/kursk"], ".byline")
    assert [] == texts(pages["/sudzha"], ".byline")


def test_a_story_without_a_picture_takes_one_place_of_the_front_page(
    incomplete: FlaskClient, reader: FlaskClient
) -> None:
    leads = [LexborHTMLParser(paper.get("/").text).css(".lead") for paper in (incomplete, reader)]

    assert [0, 1] == [len(found) for found in leads]
