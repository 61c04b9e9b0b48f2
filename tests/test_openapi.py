"""The description of the API matches the API."""

import re
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from news import article
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.app import register_api
from api.v1.openapi.document import describe
from api.v1.openapi.examples import BODY_LINES, EXAMPLES, RESULT_LINES

Key = dict[str, str]
Operation = dict[str, Any]
METHODS = {"get", "put", "post", "delete"}
# Files, and pages for people.
NOT_DESCRIBED = {
    "/static/{filename}",
    "/widget",
    "/widget.js",
    "/widget/{version}/widget.js",
    "/widget-extras.js",
    "/widget/{version}/widget-extras.js",
    "/widget/words/{language}.json",
}


def described_api() -> dict[str, Any]:
    """The description of the API, without a backend."""
    app = Flask("api")
    register_api(app)
    return describe(app)


DESCRIPTION = described_api()


def operations() -> list[tuple[str, str, Operation]]:
    return [
        (method, path, operation)
        for path, item in DESCRIPTION["paths"].items()
        for method, operation in item.items()
    ]


OPERATIONS = operations()
NAMES = [operation["operationId"] for _, _, operation in OPERATIONS]


def schema(model: str) -> Draft202012Validator:
    """A validator of one of the described models."""
    reference = {"$ref": f"#/components/schemas/{model}"}
    return Draft202012Validator({**reference, "components": DESCRIPTION["components"]})


def described_path(rule: str) -> str:
    """The path in OpenAPI's notation."""
    path = re.sub(r"<(?:\w+(?:\(.*?\))?:)?(\w+)>", r"{\1}", rule)
    return path.replace("{article_id}", "{id}")


def test_the_description_is_valid_openapi_3_1() -> None:
    assert [] == list(OpenAPIV31SpecValidator(DESCRIPTION).iter_errors())


def test_the_description_needs_no_key(client: FlaskClient) -> None:
    response = client.get("/openapi.json")

    assert (200, "application/json", "3.1.0") == (
        response.status_code,
        response.content_type,
        response.json["openapi"],
    )


def test_every_route_is_described_and_every_described_route_exists(app: Flask) -> None:
    routes = {
        (method.lower(), described_path(rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if described_path(rule.rule) not in NOT_DESCRIBED
        and not rule.endpoint.startswith("editor.")  # pages for people
    }

    assert routes == {(method, path) for method, path, _ in OPERATIONS}


def test_every_parameter_of_a_path_is_described() -> None:
    described = {
        (path, parameter["name"])
        for _, path, operation in OPERATIONS
        for parameter in operation["parameters"]
        if parameter["in"] == "path"
    }

    assert described == {
        (path, name) for _, path, _ in OPERATIONS for name in re.findall(r"{(\w+)}", path)
    }


def test_operation_ids_are_unique() -> None:
    assert len(OPERATIONS) == len(set(NAMES))


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_operations_describe_whether_they_need_a_key(
    client: FlaskClient, key: Key, method: str, path: str, operation: Operation
) -> None:
    client.put("/v1/main/articles/kursk", json=article(), headers=key)
    url = re.sub(r"{\w+}", "kursk", path.replace("{site}", "main").replace("{form}", "rss"))
    query = {"url": article()["url"]}
    refused = tuple(
        client.open(url, method=method, json=article(), query_string=asked).status_code == 401
        for asked in (query, query | {"explain": "true"})
    )
    needed = [{"key": []}]
    security = {(True, True): needed, (False, True): [{}, *needed], (False, False): []}

    assert security[refused] == operation["security"]
    assert [status for status in ("401", "403") if any(refused)] == [
        status for status in ("401", "403") if status in operation["responses"]
    ]


# Examples


@pytest.mark.parametrize("model", EXAMPLES)
def test_examples_match_their_schemas(model: str) -> None:
    assert [] == list(schema(model).iter_errors(EXAMPLES[model]))


def test_bodies_and_answers_have_examples() -> None:
    without = [
        (name, content_type)
        for _, _, operation in OPERATIONS
        for name, part in {
            "request": operation.get("requestBody", {}),
            **operation["responses"],
        }.items()
        for content_type, content in part.get("content", {}).items()
        if "example" not in content
        and content_type != "text/html"
        and operation["operationId"] != "openapi"
    ]

    assert [] == without


def test_the_example_of_an_article_is_accepted_and_stored_as_described(
    client: FlaskClient, key: Key
) -> None:
    path = "/v1/main/articles/" + quote(EXAMPLES["Article"]["id"], safe="")
    answer = client.put(path, json=EXAMPLES["SentArticle"], headers=key)

    assert (201, EXAMPLES["Stored"] | {"version": 1}) == (answer.status_code, answer.json)
    assert EXAMPLES["Article"] == client.get(path, headers=key).json


def test_the_example_of_a_bulk_is_answered_as_described(client: FlaskClient, key: Key) -> None:
    text = BODY_LINES
    answer = client.post("/v1/main/articles", data=text, headers=key).text

    assert [orjson.loads(line) for line in RESULT_LINES.splitlines()] == [
        orjson.loads(line) for line in answer.splitlines()
    ]


def test_the_example_of_a_draft_is_accepted(client: FlaskClient, key: Key) -> None:
    answer = client.post("/v1/main/related", json=EXAMPLES["SentSources"], headers=key)

    assert 200 == answer.status_code


def test_the_example_of_links_is_the_answer_to_its_draft(client: FlaskClient, key: Key) -> None:
    path = "/v1/main/articles/" + quote(EXAMPLES["Article"]["id"], safe="")
    client.put(path, json=EXAMPLES["SentArticle"], headers=key)
    answer = client.post("/v1/main/links", json=EXAMPLES["SentLinkDraft"], headers=key).json
    varying = ("score", "reason")

    assert [EXAMPLES["Links"]["items"][0] | dict.fromkeys(varying)] == [
        item | dict.fromkeys(varying) for item in answer["items"]
    ]
    assert EXAMPLES["Links"]["draft"] == answer["draft"]


def test_the_example_of_a_rule_is_accepted_and_stored_as_described(
    client: FlaskClient, key: Key
) -> None:
    answer = client.post("/v1/main/rules", json=EXAMPLES["SentRule"], headers=key)
    varying = dict.fromkeys(("id", "key_id", "created_at", "expires_at"))

    assert (201, EXAMPLES["Rule"] | varying) == (answer.status_code, answer.json | varying)


def test_the_example_of_overrides_is_accepted(client: FlaskClient, key: Key) -> None:
    path = "/v1/main/articles/kursk"
    client.put(path, json=article(), headers=key)
    answer = client.put(f"{path}/overrides", json=EXAMPLES["SentOverrides"], headers=key)

    assert 200 == answer.status_code


def test_the_examples_of_settings_are_accepted_and_answered_as_described(
    client: FlaskClient, key: Key
) -> None:
    path = "/v1/main/settings"
    stored = client.put(path, json=EXAMPLES["SentSettings"], headers=key)
    compared = client.post(f"{path}/compare", json=EXAMPLES["SentComparison"], headers=key)
    varying = {"revision": None}

    assert (200, EXAMPLES["RevisedSettings"] | varying) == (
        stored.status_code,
        stored.json | varying,
    )
    assert (200, 0) == (compared.status_code, compared.json["articles"])


@pytest.mark.parametrize("parameter", ["published_after", "published_before"])
def test_the_examples_of_a_parameter_are_accepted(client: FlaskClient, parameter: str) -> None:
    [described] = [
        p
        for _, path, o in OPERATIONS
        if path.endswith("recent")
        for p in o["parameters"]
        if p["name"] == parameter
    ]
    statuses = {
        client.get("/v1/main/recent", query_string={parameter: example}).status_code
        for example in described["schema"]["examples"]
    }

    assert {200} == statuses


# Answers


def test_answers_are_as_described(client: FlaskClient, key: Key) -> None:
    full = article(
        "sudzha",
        image={"url": "https://news.example/a.jpg", "width": 8},
        tags=["Kursk"],
        updated_at="2025-03-13T08:00:00Z",
        section="World",
        version=7,
    )
    path = "/v1/main/articles/kursk"
    bulk = b"\n".join([orjson.dumps(full), b"broken"])
    answers = {
        "Stored": client.put(path, json=article(), headers=key).json,
        "Article": client.get(path, headers=key).json,
        "LineResult": [
            orjson.loads(line)
            for line in client.post("/v1/main/articles", data=bulk, headers=key).data.splitlines()
        ],
        "List": [
            client.get(f"{path}/related").json,
            client.get("/v1/main/recent").json,
            client.post("/v1/main/related", json=full, headers=key).json,
        ],
        "Links": [
            client.post(f"/v1/main/links?direction={direction}", json=sent, headers=key).json
            for direction in ("out", "in")
            for sent in (full, article("new"))
        ],
        "Problem": [
            client.get("/v1/main/articles/nobody/related").json,
            client.get("/v1/main/recent?limit=0").json,
        ],
        "Rule": client.post("/v1/main/rules", json=EXAMPLES["SentRule"], headers=key).json,
        "ArticleOverrides": client.put(
            f"{path}/overrides", json=EXAMPLES["SentOverrides"], headers=key
        ).json,
        "RulePage": client.get("/v1/main/rules", headers=key).json,
        "RevisedSettings": [
            client.put("/v1/main/settings", json=EXAMPLES["SentSettings"], headers=key).json,
            client.get("/v1/main/settings", headers=key).json,
        ],
        "ComparedSample": client.post("/v1/main/settings/compare", json={}, headers=key).json,
        "ComparedLists": client.post(
            "/v1/main/settings/compare", json={"article": "kursk"}, headers=key
        ).json,
        "AuditedChanges": client.get("/v1/main/audit?limit=1", headers=key).json,
        "AuditEntry": client.post("/v1/main/audit/3-1/undo", headers=key).json,
        "Overview": client.get("/v1/main/overview", headers=key).json,
        "Health": client.get("/healthz").json,
        "Readiness": client.get("/readyz").json,
    }
    errors = [
        (model, error.message)
        for model, found in answers.items()
        for answer in (found if isinstance(found, list) else [found])
        for error in schema(model).iter_errors(answer)
    ]

    assert [] == errors


@pytest.mark.parametrize("model", ["List", "Links", "Article", "Stored", "Problem"])
def test_answers_have_only_described_fields(client: FlaskClient, key: Key, model: str) -> None:
    path = "/v1/main/articles/kursk"
    client.put("/v1/main/articles/sudzha", json=article("sudzha"), headers=key)
    stored = client.put(path, json=article(), headers=key).json
    answer = {
        "Stored": stored,
        "Article": client.get(path, headers=key).json,
        "List": client.get(f"{path}/related?explain=true", headers=key).json,
        "Links": client.post("/v1/main/links", json=article("new"), headers=key).json,
        "Problem": client.get("/v1/main/recent?limit=0").json,
    }[model]
    models = DESCRIPTION["components"]["schemas"]

    assert answer.keys() == models[model]["properties"].keys()
    if model == "Links":
        described = models["SuggestedLink"]["properties"].keys() - {"source"}
        assert {frozenset(described)} == {frozenset(item) for item in answer["items"]}
    if model == "List":
        assert answer["items"][0].keys() == models["ListedArticle"]["properties"].keys()
        assert answer["source"].keys() == models["ListSource"]["properties"].keys()
