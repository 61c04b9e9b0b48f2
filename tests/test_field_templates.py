"""Articles of one template tell their own stories; copies of one article still tell one."""

from collections.abc import Callable
from typing import Any

import pytest
from field_cases import needs_field_cases, rows
from flask.testing import FlaskClient
from templates import TEMPLATES, filled

from features.analysis import analyse
from recommender.pipeline.stories import Fingerprint, is_duplicate

Put = Callable[..., None]
Key = dict[str, str]

GUIDES = {"watch-arsenal", "watch-leeds", "watch-wolves", "watch-burnley"}
RESULTS = {"res-0", "res-1", "res-2", "res-3"}


def fingerprint(article: dict[str, Any]) -> Fingerprint:
    features = analyse(article).features
    return Fingerprint.of(features.counts, features.title)


def are_one_story(one: dict[str, Any], other: dict[str, Any]) -> bool:
    first, second = fingerprint(one), fingerprint(other)
    assert is_duplicate(first, second) == is_duplicate(second, first)
    return is_duplicate(first, second)


def listed(client: FlaskClient, article_id: str) -> set[str]:
    answer = client.get(f"/v1/main/articles/{article_id}/related?limit=20")
    return {item["id"] for item in answer.json["items"]}


def already_ran(client: FlaskClient, key: Key, draft: dict[str, Any]) -> list[str]:
    answer = client.post("/v1/main/links", json=draft, headers=key)
    assert 200 == answer.status_code
    return [article["id"] for article in answer.json["duplicates"]]


@needs_field_cases
def test_guides_to_other_matches_stand_in_the_list_of_a_guide(put: Put, client: FlaskClient):
    put(*rows("08-templates/in.jsonl"))

    for guide in GUIDES:
        assert GUIDES - {guide} <= listed(client, guide)
    for result in RESULTS:
        assert RESULTS - {result} <= listed(client, result)


@needs_field_cases
def test_the_guide_to_a_new_match_did_not_run_yet(put: Put, client: FlaskClient, key: Key):
    articles = rows("08-templates/in.jsonl")
    put(*articles)

    assert [] == already_ran(client, key, rows("08-templates/draft.json")[0])
    for article in articles:
        again = {"title": article["title"], "body": article["body"]}
        assert [article["id"]] == already_ran(client, key, again)


@pytest.mark.parametrize("kind", TEMPLATES)
def test_articles_of_one_template_are_stories_of_their_own(
    kind: str, put: Put, client: FlaskClient, key: Key
):
    *articles, draft = filled(kind)
    put(*articles)
    ids = {article["id"] for article in articles}

    for article_id in ids:
        assert ids - {article_id} == listed(client, article_id)
    assert [] == already_ran(client, key, {"title": draft["title"], "body": draft["body"]})


@pytest.mark.parametrize("kind", TEMPLATES)
def test_an_article_of_a_template_under_another_headline_is_the_same_story(kind: str):
    for article in filled(kind):
        name = article["title"].split()[-1]
        copy = article | {"title": f"All you need to know: {name}"}

        assert are_one_story(article, copy)


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("Storm kills 14 on the coast", "The storm has killed 14 people so far."),
        ("Coast: 14 dead after storm", "At least 14 people have died, and more are missing."),
        ("Storm toll rises from 12 to 14", "Two more bodies were found on the beach of Sarn."),
    ],
)
def test_a_report_that_grew_by_a_line_is_the_same_story(title: str, body: str):
    report = (
        "The storm came ashore at Sarn before dawn and tore the roofs from three schools.\n"
        "Twelve people died when the sea broke through the wall of the old harbour, police said.\n"
        "Fishermen brought forty families to the church, which stands on a hill above the town.\n"
        "The road to the north is closed, and trains end at Weller until the bridge is inspected.\n"
        "The county has opened a telephone line for those who look for relatives.\n"
        "Forecasters expect that the wind will calm down on Wednesday afternoon."
    )
    early = {"id": "a", "title": "Storm kills 12 on the coast", "body": report, "language": "en"}
    later = {"id": "b", "title": title, "body": f"{body}\n{report}", "language": "en"}

    assert are_one_story(early, later)


def test_a_copy_that_spells_a_name_in_another_way_is_the_same_story():
    [match, *_] = filled("match")
    copy = {field: value.replace("Mainz", "Mainz05") for field, value in match.items()}

    assert are_one_story(match, copy)
