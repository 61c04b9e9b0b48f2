"""Articles with one address are one article: never beside themselves, once in a list."""

from collections.abc import Callable

import pytest
from click.testing import CliRunner
from field_cases import needs_field_cases, rows
from flask.testing import FlaskClient
from news import STORIES, article

from recommender.backend import Backend

Put = Callable[..., None]

PAGE = "https://news.example/storm"
OWN = "the storm and the coast say another thing here, {0} and {0}ing, until {0}day."


def shown(client: FlaskClient, path: str) -> list[str]:
    return [item["id"] for item in client.get(f"/v1/main/{path}").json["items"]]


@needs_field_cases
def test_an_article_under_two_ids_is_not_beside_itself(put: Put, client: FlaskClient):
    put(*rows("06-same-url/in.jsonl"))

    for one in ("101", "wp-101"):
        assert {"102", "103"} == set(shown(client, f"articles/{one}/related"))
    for other in ("102", "103"):
        assert 1 == len({"101", "wp-101"} & set(shown(client, f"articles/{other}/related")))
    assert 3 == len(shown(client, "recent"))


@pytest.mark.parametrize(
    "url",
    [
        f"{PAGE}/", f"http://www.{PAGE[8:]}?utm_source=x", f"{PAGE}#comments", f"{PAGE}/amp/",
        f"{PAGE}?amp=1", "https://m.news.example/storm", "https://NEWS.example/%73torm",
    ],
)  # fmt: skip
def test_however_its_address_is_spelt(put: Put, client: FlaskClient, url: str):
    put(article("kursk", url=PAGE), article("twin", url=url, body=OWN.format("oak")))
    put(article("sudzha"))

    assert ["sudzha"] == shown(client, "articles/kursk/related")
    assert ["sudzha"] == shown(client, "articles/twin/related")
    assert 1 == len({"kursk", "twin"} & set(shown(client, "articles/sudzha/related")))


def test_articles_at_two_addresses_are_two(put: Put, client: FlaskClient):
    put(
        article("a1", url=f"{PAGE}?id=1"),
        article("a2", url=f"{PAGE}?id=2"),
        article("a3", url=None),
    )
    put(article("a4", url=None))

    assert {"a2", "a3", "a4"} == set(shown(client, "articles/a1/related"))


def test_a_declared_canonical_address_is_the_address(put: Put, client: FlaskClient, key):
    put(article("kursk", url=PAGE), article("sudzha"))
    put(article("twin", url=f"{PAGE}-2?x=1", canonical_url=PAGE, body=OWN.format("oak")))
    put(article("wire", url="https://news.example/wire", canonical_url="https://agency.example/1"))

    assert PAGE == client.get("/v1/main/articles/twin", headers=key).json["url"]
    assert (
        "https://news.example/wire"
        == (client.get("/v1/main/articles/wire", headers=key).json["url"])
    )
    assert "twin" not in shown(client, "articles/kursk/related")


def test_a_pinned_article_takes_the_place_of_its_twin(put: Put, client: FlaskClient, key):
    put(*(article(i) for i in STORIES))
    put(article("twin", url="https://news.example/sudzha", body=OWN.format("oak")))
    pin = {
        "kind": "pin",
        "source": {"article": "kursk"},
        "target": {"article": "twin"},
        "position": 1,
    }
    client.post("/v1/main/rules", json=pin, headers=key)

    assert "twin" == shown(client, "articles/kursk/related")[0]
    assert "sudzha" not in shown(client, "articles/kursk/related")


def test_a_draft_of_a_stored_article_is_not_beside_it(put: Put, client: FlaskClient, key):
    put(article("kursk", url=PAGE), article("sudzha"))
    draft = {"title": "Russia retakes villages", "body": STORIES["kursk"][1], "url": f"{PAGE}/"}
    items = client.post("/v1/main/related", json=draft, headers=key).json["items"]

    assert ["sudzha"] == [item["id"] for item in items]


def test_an_explanation_says_so(put: Put, client: FlaskClient, key):
    put(article("kursk", url=PAGE), article("twin", url=f"{PAGE}/amp", body=OWN.format("oak")))
    why = client.get("/v1/main/articles/kursk/related/explain?target=twin", headers=key).json

    assert "same address" in str(why)


def test_who_sends_a_second_article_for_an_address_is_warned(client: FlaskClient, key):
    sent = [article("kursk", url=PAGE), article("twin", url=f"{PAGE}/?utm_source=feed")]
    answers = [
        client.put(f"/v1/main/articles/{one['id']}", json=one, headers=key).json for one in sent
    ]

    assert [] == answers[0]["warnings"]
    [warning] = answers[1]["warnings"]
    assert ("/url", "is the address of article 'kursk' too: they count as one") == (
        warning["pointer"],
        warning["detail"],
    )


def test_the_doctor_lists_addresses_with_several_articles(
    put: Put, backend: Backend, monkeypatch: pytest.MonkeyPatch
):
    from api.cli.main import main

    put(article("kursk", url=PAGE), article("twin", url=f"{PAGE}/amp"), article("sudzha"))
    monkeypatch.setenv("ALSOSEE_REDIS_URL", backend.settings.redis_url.get_secret_value())
    monkeypatch.setenv("ALSOSEE_DATA_DIR", str(backend.settings.data_dir))
    printed = CliRunner().invoke(main, ["doctor"]).output

    assert "1 addresses have several articles" in printed
    assert "kursk, twin" in printed
