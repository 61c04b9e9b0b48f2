"""Drafts at the editor's desk, and two articles side by side."""

import re
from collections.abc import Callable
from html import unescape

import pytest
import redis
from desk_visit import DeskVisit
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from news import STORIES, article

from api.editor.drafts import as_html, linked
from api.editor.side_by_side import pieces
from features.analyzer import analyze
from features.vectorizer import term_ids
from recommender.backend import Backend

TITLE, BODY = STORIES["kursk"]
DRAFT = {
    "title": "Kursk villages change hands again",
    "body": "Russian troops are back in the Kursk region.\r\n\r\nKyiv hints at more, and the flag "
    "over Sudzha is gone.",
}


@pytest.fixture
def visit(client: FlaskClient, backend: Backend, put: Callable[..., None]) -> DeskVisit:
    put(*map(article, STORIES))
    visit = DeskVisit(client, backend, "look")
    visit.sign_in()
    return visit


def test_a_draft_shows_the_list_that_the_api_gives(visit: DeskVisit, key: dict[str, str]) -> None:
    page = visit.post("/draft", **DRAFT).text
    items = visit.client.post("/v1/main/related", json=DRAFT, headers=key).json["items"]
    beside = page.partition("Its list")[2].partition("Links for the text")[0]

    assert [item["id"] for item in items] == re.findall(r"article\?id=(\w+)", beside)


def test_links_are_marked_in_the_text_and_can_be_copied(visit: DeskVisit) -> None:
    page = visit.post("/draft", **DRAFT).text
    [copied] = re.findall(r'id="html">([^<]*)<', page)
    html = unescape(copied)

    assert page.count("<mark title=") == html.count("<a href=") >= 1
    assert 2 == html.count("<p>")
    assert "Also See: " in unescape(page)


def test_incoming_links_show_their_place(visit: DeskVisit) -> None:
    page = visit.post("/draft", **DRAFT).text

    assert "<mark>" in page.partition("Older stories that could link to it")[2]


def test_a_draft_that_was_published_before_is_reported(visit: DeskVisit) -> None:
    page = visit.post("/draft", title=TITLE, body=BODY).text

    assert "We already ran this" in page


def test_nothing_of_a_draft_is_stored(visit: DeskVisit, raw_redis: "redis.Redis") -> None:
    before = {key: raw_redis.dump(key) for key in raw_redis.scan_iter()}
    visit.post("/draft", **DRAFT)
    visit.post("/draft.json", **DRAFT)

    assert before == {key: raw_redis.dump(key) for key in raw_redis.scan_iter()}


def test_the_script_gets_list_and_duplicates_as_json(visit: DeskVisit) -> None:
    answer = visit.post("/draft.json", **DRAFT).json

    assert "sudzha" in [item["id"] for item in answer["items"]]


def test_an_empty_draft_is_a_problem_in_json_and_on_the_page(
    visit: DeskVisit,
) -> None:
    page = visit.post("/draft", title="", body=" ")

    answer = visit.post("/draft.json").json
    assert ([], "expected a title or a body") == (answer["items"], answer["problems"][0]["detail"])
    assert 400 == page.status_code
    assert "expected a title or a body" in page.text


def test_a_draft_that_cannot_be_read_stays_in_the_form(visit: DeskVisit) -> None:
    page = visit.post("/draft", title="x" * 5000, body=DRAFT["body"])

    assert 400 == page.status_code
    assert "Kyiv hints at more" in page.text


def test_a_hostile_draft_is_inert(visit: DeskVisit) -> None:
    evil = "<script>alert(1)</script><p onclick=x>Kursk Sudzha</p></textarea><img src=x onerror=1>"
    page = visit.post("/draft", title=evil, body=evil).text

    assert "<script>alert" not in page
    assert "</textarea><img" not in page


@given(st.text(), st.data())
def test_the_pieces_of_a_text_are_the_text(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    items = [{"anchor": {"start": start, "end": end, "html": "<a>x</a>"}} for start, end in spans]
    links = list(linked(text, items))

    assert text == "".join(piece.text for piece in links)
    assert len(spans) == sum(piece.link is not None for piece in links)
    assert len(spans) == as_html(text, links).count("<a>x</a>") - text.count("<a>x</a>")


def test_html_that_is_copied_is_escaped_once() -> None:
    html = "<p>Brown &amp; Sons</p>"
    link = {"anchor": {"start": 3, "end": 18, "html": None}}

    assert html == as_html(html, list(linked(html, [link])))
    assert "<p>a &amp; b</p>" == as_html("a & b", list(linked("a & b", [])))


def test_two_articles_are_shown_with_their_shared_words(visit: DeskVisit) -> None:
    page = visit.get("/pair", id="kursk", target="sudzha").text

    assert "In the list, at place 1" in page
    assert re.search(r'<mark class="heavy">Sudzha</mark>', page)


def test_a_missing_article_of_a_pair_is_reported(visit: DeskVisit) -> None:
    assert 404 == visit.get("/pair", id="kursk", target="nowhere").status_code
    assert 404 == visit.get("/pair", id="nowhere", target="kursk").status_code
    assert 400 == visit.get("/pair", id="kursk").status_code


@given(st.text(alphabet="ab cd. É\u0301\n,", max_size=60))
def test_marking_words_leaves_the_text_as_it_is(text: str) -> None:
    terms = term_ids([term for terms in analyze(text, "en") for term in terms])
    marked = list(pieces(text, "en", terms[::2]))

    assert text == "".join(piece.text for piece in marked)
