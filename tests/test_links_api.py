"""Suggested links for a draft over HTTP."""

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient
from news import STORIES, article

Put = Callable[..., None]
Key = dict[str, str]
PATH = "/v1/main/links"
DRAFT = {
    "title": "What Washington can offer",
    "body": "Nobody knows 😀 what comes next.\n\n"
    "Russian troops have the Kursk region back, Ukrainian units are withdrawing.\n\n"
    "The United States wants a 30-day ceasefire, which the Kremlin is examining.",
    "published_at": "2025-03-14T09:00:00Z",
    "url": "https://news.example/what-next?a=1&b=2",
    "language": "en",
}


@pytest.fixture(autouse=True)
def archive(put: Put) -> None:
    put(*map(article, STORIES))


def answer_to(client: FlaskClient, key: Key, query: str = "", **fields: Any) -> dict[str, Any]:
    response = client.post(f"{PATH}?{query}", json=DRAFT | fields, headers=key)
    assert 200 == response.status_code, response.text
    return response.json


def targets(answer: dict[str, Any]) -> list[str]:
    return [item["target"]["id"] for item in answer["items"]]


def sources(answer: dict[str, Any]) -> list[str]:
    return [item["source"]["id"] for item in answer["items"]]


@pytest.mark.parametrize("direction", ["out", "in"])
def test_a_request_over_its_deadline_is_refused(
    client: FlaskClient, key: Key, monkeypatch: pytest.MonkeyPatch, direction: str
) -> None:
    monkeypatch.setattr("api.app.REQUEST_SECONDS", -1.0)
    response = client.post(f"{PATH}?direction={direction}", json=DRAFT, headers=key)

    assert (503, "2") == (response.status_code, response.headers["Retry-After"])
    assert response.json["detail"] == "This request took too long. Send a shorter text."
    assert client.get("/v1/main/articles/kursk/related").status_code == 200


# Links of the draft


def test_each_link_has_a_phrase_of_the_text(client: FlaskClient, key: Key) -> None:
    found = {item["target"]["id"]: item for item in answer_to(client, key)["items"]}

    assert {"kursk", "ceasefire"} <= found.keys()
    for item in found.values():
        if item["anchor"]:
            start, end = item["anchor"]["start"], item["anchor"]["end"]
            assert item["anchor"]["text"] == DRAFT["body"][start:end]
            assert item["score"] > 0
            assert item["reason"]["text"].startswith("Both about")
    assert "Kursk region" in found["kursk"]["anchor"]["text"]


def test_offsets_count_code_points_and_utf_16_units(client: FlaskClient, key: Key) -> None:
    units = DRAFT["body"].encode("utf-16-le")
    for item in answer_to(client, key)["items"]:
        anchor, after = item["anchor"], item["after_paragraph"]
        if anchor:
            assert (
                1
                == anchor["start_utf16"] - anchor["start"]
                == after["offset_utf16"] - after["offset"]
            )
            part = units[2 * anchor["start_utf16"] : 2 * anchor["end_utf16"]]
            assert anchor["text"] == part.decode("utf-16-le")


def test_a_separate_line_belongs_after_the_paragraph_of_its_phrase(
    client: FlaskClient, key: Key
) -> None:
    [kursk] = [i for i in answer_to(client, key)["items"] if i["target"]["id"] == "kursk"]

    assert 1 == kursk["after_paragraph"]["index"]
    assert DRAFT["body"][: kursk["after_paragraph"]["offset"]].endswith("are withdrawing.")


def test_a_link_is_ready_to_be_copied(client: FlaskClient, key: Key, put: Put) -> None:
    put(article("kursk", title="Kursk & “Sudzha”", url="https://news.example/k?a=1&b=\"2'"))
    [kursk] = [i for i in answer_to(client, key)["items"] if i["target"]["id"] == "kursk"]
    address = "https://news.example/k?a=1&amp;b=&quot;2&#x27;"

    assert f'<p>Also See: <a href="{address}">Kursk &amp; “Sudzha”</a></p>' == kursk["html"]
    assert f'<a href="{address}">{kursk["anchor"]["text"]}</a>' == kursk["anchor"]["html"]


def test_the_line_is_in_the_language_of_the_draft(client: FlaskClient, key: Key) -> None:
    answer = answer_to(client, key, "lang=any", language="es")

    assert answer["items"]
    assert answer["items"][0]["html"].startswith("<p>Leer también: <a ")


@pytest.mark.parametrize(
    "link",
    [
        '<a href="https://www.news.example/kursk/?utm_source=x">Kursk</a>',
        '<a href="/kursk">there</a>',
        "https://news.example/kursk",
        "[there](https://news.example/kursk)",
        "\nAlso See: Russia retakes villages in the Kursk region\n",
    ],
)
def test_what_the_draft_links_to_already_is_not_suggested(
    client: FlaskClient, key: Key, link: str
) -> None:
    assert "kursk" in targets(answer_to(client, key))
    assert "kursk" not in targets(answer_to(client, key, body=f"{DRAFT['body']}\n\n{link}"))


def test_links_lead_only_to_older_articles(client: FlaskClient, key: Key, put: Put) -> None:
    put(article("later", published_at="2025-03-15T00:00:00Z"))

    assert "later" not in targets(answer_to(client, key))
    assert "later" in targets(answer_to(client, key, mode="balanced"))
    assert "later" in targets(answer_to(client, key, published_at=None))


def test_links_are_the_items_of_the_drafts_list(client: FlaskClient, key: Key) -> None:
    options = {"mode": "background", "fallback": False}
    beside = client.post("/v1/main/related", json=DRAFT | options, headers=key).json["items"]

    assert [card["id"] for card in beside] == targets(answer_to(client, key))


def test_rules_apply_to_links(client: FlaskClient, key: Key) -> None:
    def rule(**fields: Any) -> None:
        assert 201 == client.post("/v1/main/rules", json=fields, headers=key).status_code

    rule(kind="block", target={"article": "kursk"})
    assert "kursk" not in targets(answer_to(client, key, id="draft"))

    rule(kind="pin", source={"article": "draft"}, target={"article": "final"}, position=1)
    first = answer_to(client, key, id="draft")["items"][0]
    assert ("final", "pinned") == (first["target"]["id"], first["reason"]["code"])

    rule(kind="flag", target={"article": "draft"}, flag="no_related")
    assert [] == targets(answer_to(client, key, id="draft"))


def test_links_take_the_filters_and_the_limit_of_lists(
    client: FlaskClient, key: Key, put: Put
) -> None:
    put(article("sudzha", section="World"))

    assert ["sudzha"] == targets(answer_to(client, key, "section=world"))
    assert 1 == len(answer_to(client, key, limit=1)["items"])
    assert "kursk" not in targets(answer_to(client, key, exclude=["kursk"]))


# Incoming links


def test_incoming_links_have_their_place_in_the_older_article(
    client: FlaskClient, key: Key
) -> None:
    answer = answer_to(client, key, direction="in")

    assert {"kursk", "ceasefire"} <= {*sources(answer)}
    for item in answer["items"]:
        body, anchor = STORIES[item["source"]["id"]][1], item["anchor"]
        assert anchor is None or anchor["text"] == body[anchor["start"] : anchor["end"]]
        assert DRAFT["title"] in item["html"]
        assert 'href="https://news.example/what-next?a=1&amp;b=2"' in item["html"]


def test_incoming_links_to_a_draft_without_an_address_have_no_html(
    client: FlaskClient, key: Key
) -> None:
    items = answer_to(client, key, direction="in", url=None)["items"]

    assert items
    assert {None} == {item["html"] for item in items}
    assert {None} == {item["anchor"]["html"] for item in items if item["anchor"]}


def test_articles_that_announce_the_draft_are_not_suggested(
    client: FlaskClient, key: Key, put: Put
) -> None:
    put(article("kursk", body=f"{STORIES['kursk'][1]}\n\nAlso See: {DRAFT['title']}"))

    assert "kursk" not in sources(answer_to(client, key, direction="in"))


def test_newer_articles_are_not_suggested_for_incoming_links(
    client: FlaskClient, key: Key, put: Put
) -> None:
    put(article("later", published_at="2025-03-15T00:00:00Z"))

    assert "later" not in sources(answer_to(client, key, direction="in"))


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "flag", "target": {"article": "kursk"}, "flag": "no_related"},
        {"kind": "block", "source": {"article": "kursk"}, "target": {"article": "draft"}},
        {"kind": "block", "source": {"article": "kursk"}, "target": {"section": "world"}},
    ],
)
def test_articles_that_block_the_draft_are_not_suggested(
    client: FlaskClient, key: Key, rule: dict[str, Any]
) -> None:
    fields = {"id": "draft", "section": "World", "direction": "in"}
    before = sources(answer_to(client, key, **fields))
    assert 201 == client.post("/v1/main/rules", json=rule, headers=key).status_code

    assert "kursk" in before
    assert [i for i in before if i != "kursk"] == sources(answer_to(client, key, **fields))


def test_a_draft_that_is_hidden_by_a_flag_has_no_incoming_links(
    client: FlaskClient, key: Key
) -> None:
    client.post(
        "/v1/main/rules", json={"kind": "block", "target": {"article": "draft"}}, headers=key
    )

    assert [] == sources(answer_to(client, key, id="draft", direction="in"))


# Duplicates


def test_a_duplicate_is_reported_with_its_date(client: FlaskClient, key: Key) -> None:
    title, body = STORIES["kursk"]
    [found] = answer_to(client, key, title="Villages", body=f"<p>{body}</p>")["duplicates"]

    assert {
        "id": "kursk",
        "title": title,
        "url": "https://news.example/kursk",
        "published_at": "2025-03-13T07:12:44Z",
        "message": "We already ran this on 13 March 2025.",
    }.items() <= found.items()
    assert 0.3 < found["similarity"] <= 1
    assert 0.9 < found["overlap"] <= 1


def test_another_story_on_the_same_subject_is_not_a_duplicate(
    client: FlaskClient, key: Key
) -> None:
    assert [] == answer_to(client, key)["duplicates"]


def test_filters_do_not_hide_duplicates(client: FlaskClient, key: Key) -> None:
    title, body = STORIES["kursk"]
    twice = {"title": title, "body": body, "exclude": ["kursk"], "section": "Sport"}

    assert ["kursk"] == [d["id"] for d in answer_to(client, key, **twice)["duplicates"]]
    assert [] == answer_to(client, key, **twice, id="kursk")["duplicates"]


def test_an_unpublished_article_is_not_a_duplicate(client: FlaskClient, key: Key, put: Put) -> None:
    put(article("kursk", published_at="2125-01-01T00:00:00Z"))
    title, body = STORIES["kursk"]

    assert [] == answer_to(client, key, title=title, body=body)["duplicates"]


def test_an_undated_duplicate_is_reported_without_a_date(
    client: FlaskClient, key: Key, put: Put
) -> None:
    put(article("kursk", published_at=None))
    title, body = STORIES["kursk"]

    [found] = answer_to(client, key, title=title, body=body)["duplicates"]
    assert "We already ran this." == found["message"]


# Bad input, and what is stored


@pytest.mark.parametrize(
    ("query", "fields", "pointer"),
    [
        ("limit=21", {}, "limit"),
        ("", {"limit": 0}, "limit"),
        ("direction=sideways", {}, "direction"),
        ("", {"direction": 5}, "direction"),
        ("", {"mode": "best"}, "mode"),
        ("lang=?", {}, "lang"),
        ("", {"body": 5}, "/body"),
        ("", {"title": "", "body": ""}, "/title"),
    ],
)
def test_bad_input_is_named(
    client: FlaskClient, key: Key, query: str, fields: dict[str, Any], pointer: str
) -> None:
    response = client.post(f"{PATH}?{query}", json=DRAFT | fields, headers=key)

    assert 400 == response.status_code
    assert pointer.strip("/") in {e["pointer"].strip("/") for e in response.json["errors"]} | {
        e.get("parameter") for e in response.json["errors"]
    }


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b'{"title": "\\ud800"}'])
def test_an_invalid_draft_is_refused(client: FlaskClient, key: Key, body: bytes) -> None:
    assert 400 == client.post(PATH, data=body, headers=key).status_code


@pytest.mark.parametrize("direction", ["out", "in"])
def test_a_draft_needs_only_a_title_or_a_body(
    client: FlaskClient, key: Key, direction: str
) -> None:
    for draft in ({"title": "Kursk"}, {"body": "Kursk"}, {"title": "Kursk", "excerpt": "Sudzha"}):
        answer = client.post(f"{PATH}?direction={direction}", json=draft, headers=key)

        assert 200 == answer.status_code


@pytest.mark.parametrize("direction", ["out", "in"])
def test_nothing_of_a_draft_is_stored(
    client: FlaskClient, key: Key, raw_redis: "redis.Redis", direction: str
) -> None:
    keys, version = raw_redis.dbsize(), raw_redis.get("see:{main}:version")
    answer_to(client, key, direction=direction, id="new")

    assert (keys, version) == (raw_redis.dbsize(), raw_redis.get("see:{main}:version"))


def test_links_are_not_cached(client: FlaskClient, key: Key) -> None:
    response = client.post(PATH, json=DRAFT, headers=key)

    assert "no-store" == response.headers["Cache-Control"]
    assert "Access-Control-Allow-Origin" not in response.headers


HOSTILE = [
    '"><script>alert(1)</script>',
    "</a></p><img src=x onerror=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    '" onmouseover="alert(1)',
    "' onmouseover='alert(1)",
]


class Tags(HTMLParser):
    """The tags of an HTML fragment, with the names of their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, list[str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [name for name, _ in attrs]))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_words_are_inert(client: FlaskClient, key: Key, put: Put, hostile: str) -> None:
    body = f"The Kursk {hostile} region\n\nKursk region {hostile}"
    url = f"https://news.example/{hostile}"
    put(article("kursk", title=f"Kursk region {hostile}", body=body, url=url))
    for direction in ("out", "in"):
        items = answer_to(
            client, key, direction=direction, title=f"Kursk {hostile}", body=body, url=url
        )["items"]

        assert items
        for item in items:
            assert [("p", []), ("a", ["href"])] == Tags(item["html"]).found
            if item["anchor"]:
                assert [("a", ["href"])] == Tags(item["anchor"]["html"]).found


def test_an_article_without_an_address_has_no_link_to_copy(
    client: FlaskClient, key: Key, put: Put
) -> None:
    put(article("kursk", url=None))
    [kursk] = [i for i in answer_to(client, key)["items"] if i["target"]["id"] == "kursk"]

    assert (None, None) == (kursk["html"], kursk["anchor"]["html"])
