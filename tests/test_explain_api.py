"""Explanations of lists and pairs over HTTP."""

from collections.abc import Callable
from math import prod

import orjson
import pytest
from flask.testing import FlaskClient
from news import STORIES, article

Put = Callable[..., None]
Key = dict[str, str]
PATH = "/v1/main/articles/kursk/related"
COPY = {"id": "wire", "title": "Agency: Kursk villages retaken"}
AT = {"url": "https://news.example/wire"}


@pytest.fixture(autouse=True)
def archive(put: Put) -> None:
    own = [article(name, section="World", authors=["Ana Ruiz"]) for name in STORIES]
    put(*own, article("kursk") | COPY | AT)


def explained(client: FlaskClient, key: Key, **query: str) -> dict:
    response = client.get(f"{PATH}/explain", query_string=query, headers=key)
    assert 200 == response.status_code, response.text
    return response.json


def test_the_terms_add_up_to_the_similarity_and_the_factors_multiply_to_the_score(
    client: FlaskClient, key: Key
) -> None:
    answer = explained(client, key, target="sudzha")

    weights = [term["weight"] for term in answer["terms"]]
    assert answer["similarity"] == pytest.approx(sum(weights), abs=2e-6)
    assert answer["score"] == pytest.approx(prod(answer["factors"].values()), abs=1e-6)
    assert {"similarity", "time", "author", "section"} <= answer["factors"].keys()


def test_the_diversity_penalty_is_not_part_of_the_score(client: FlaskClient, key: Key) -> None:
    query = {"explain": "true", "diversity": 0.5}
    items = client.get(PATH, query_string=query, headers=key).json["items"]
    pair = explained(client, key, target=items[1]["id"], diversity="0.5")
    plain = client.get(PATH, query_string={"explain": "true"}, headers=key).json["items"]

    assert 0.0 == items[0]["diversity_penalty"] < items[1]["diversity_penalty"] <= 0.5
    assert items[1]["diversity_penalty"] == pair["diversity_penalty"]
    assert items[1]["score"] == pytest.approx(prod(items[1]["factors"].values()), abs=1e-6)
    assert {0.0} == {item["diversity_penalty"] for item in plain}


def test_a_reason_names_shared_subjects_in_the_words_of_the_texts(
    client: FlaskClient, key: Key
) -> None:
    text = explained(client, key, target="sudzha")["reason"]["text"]

    assert text.startswith("Both about ")
    assert "Sudzha" in text
    assert "Kursk region" in text


def test_the_ranking_continues_the_readers_list(client: FlaskClient, key: Key) -> None:
    answer = explained(client, key)
    items = client.get(PATH).json["items"]

    assert [item["id"] for item in items] == [item["id"] for item in answer["items"]][: len(items)]
    assert [item["score"] for item in items] == [i["score"] for i in answer["items"]][: len(items)]


def test_excluded_articles_are_listed_nearest_first(client: FlaskClient, key: Key) -> None:
    nearest = [item["id"] for item in explained(client, key)["items"]]
    for target in (nearest[2], nearest[0]):
        rule = {"kind": "block", "source": {"article": "kursk"}, "target": {"article": target}}
        assert 201 == client.post("/v1/main/rules", json=rule, headers=key).status_code
    dropped = explained(client, key)["dropped"]

    assert ["wire", nearest[0], nearest[2]] == [drop["id"] for drop in dropped]
    assert "blocked" == dropped[1]["reason"]["code"]


def test_excluded_articles_have_a_reason(client: FlaskClient, key: Key) -> None:
    assert [
        {
            **COPY,
            "reason": {
                "code": "same_story_as_source",
                "text": "It tells the same story in the same words.",
            },
        }
    ] == explained(client, key)["dropped"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"target": "kursk"}, "itself"),
        ({"target": "nowhere"}, "not_there"),
        ({"target": "wire"}, "same_story_as_source"),
        ({"target": "sudzha", "exclude": "sudzha"}, "excluded"),
        ({"target": "sudzha", "section": "Sport"}, "other_section"),
        ({"target": "sudzha", "lang": "es"}, "other_language"),
        ({"target": "sudzha", "published_after": "2026-01-01"}, "too_old"),
        ({"target": "sudzha", "min_score": "0.99"}, "less_similar"),
        ({"target": "final", "limit": "1"}, "further_down"),
    ],
)
def test_an_article_that_is_not_in_the_list_has_one_reason(
    client: FlaskClient, key: Key, query: dict[str, str], code: str
) -> None:
    answer = explained(client, key, **query)

    assert (False, code) == (answer["shown"], answer["reason"]["code"])


def test_a_blocked_article_names_the_rule_and_who_made_it(client: FlaskClient, key: Key) -> None:
    rule = {"kind": "block", "source": {"article": "kursk"}, "target": {"article": "sudzha"}}
    rule_answer = client.post(
        "/v1/main/rules", json=rule | {"author": "Ana", "note": "old"}, headers=key
    )
    answer = explained(client, key, target="sudzha")

    assert "blocked" == answer["reason"]["code"]
    assert rule_answer.json == answer["rule"]


def test_a_pinned_article_says_so(client: FlaskClient, key: Key) -> None:
    rule = {"kind": "pin", "source": {"article": "kursk"}, "target": {"article": "final"}}
    client.post("/v1/main/rules", json=rule | {"position": 1}, headers=key)
    answer = explained(client, key, target="final")

    assert (1, "pinned") == (answer["position"], answer["reason"]["code"])


def test_a_list_is_explained_to_editors_when_asked(client: FlaskClient, key: Key) -> None:
    plain = client.get(PATH).json["items"]
    items = client.get(PATH, query_string={"explain": "true"}, headers=key).json["items"]

    assert [item["id"] for item in plain] == [item["id"] for item in items]
    assert not {"terms", "factors", "diversity_penalty"} & plain[0].keys()
    assert items[0]["reason"]["text"].startswith("Both about ")


def test_an_explanation_needs_a_key(client: FlaskClient) -> None:
    assert 401 == client.get(PATH, query_string={"explain": "true"}).status_code


def test_a_draft_is_explained_like_a_stored_article(client: FlaskClient, key: Key) -> None:
    title, body = STORIES["ceasefire"]
    draft = {"title": "A new " + title, "body": body[:90] + " More later.", "explain": True}
    first = client.post("/v1/main/related", json=draft, headers=key).json["items"][0]

    assert first["similarity"] == pytest.approx(sum(t["weight"] for t in first["terms"]), abs=2e-6)
    assert first["reason"]["text"].startswith("Both about ")


def test_an_unknown_source_is_not_found(client: FlaskClient, key: Key) -> None:
    response = client.get("/v1/main/articles/nowhere/related/explain", headers=key)

    assert 404 == response.status_code


def test_boxes_of_a_page_never_repeat_an_article(client: FlaskClient) -> None:
    first = client.get(PATH, query_string={"limit": 2}).json
    second = client.get(PATH, query_string={"limit": 2, "page_token": first["page_token"]}).json
    third = client.get(PATH, query_string={"limit": 9, "page_token": second["page_token"]}).json
    listed = [item["id"] for answer in (first, second, third) for item in answer["items"]]

    assert len(STORIES) - 1 == len(listed) == len(set(listed))


def test_a_second_box_does_not_repeat_stories_of_the_first(client: FlaskClient, put: Put) -> None:
    put(article("sudzha") | {"id": "copy", "title": "Agency: a flag over Sudzha"})
    first = client.get(PATH, query_string={"limit": 1}).json
    rest = client.get(PATH, query_string={"limit": 9, "page_token": first["page_token"]}).json

    assert first["items"][0]["reason"]["same_story"]
    assert not {"sudzha", "copy"} & {item["id"] for item in rest["items"]}


def test_a_thousand_copies_of_one_story_take_one_place(client: FlaskClient, key: Key) -> None:
    copies = [article("final") | {"id": f"copy{n}"} for n in range(1_000)]
    lines = b"\n".join(map(orjson.dumps, copies))
    client.post("/v1/main/articles", data=lines, headers=key)
    items = client.get(PATH, query_string={"limit": 20, "max_per_section": 1}).json["items"]

    assert 1 == sum(item["id"].startswith("copy") or item["id"] == "final" for item in items)
