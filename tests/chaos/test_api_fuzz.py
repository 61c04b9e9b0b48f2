"""Hundreds of random requests, valid and invalid, get the answers that the API describes."""

import copy
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from news import article
from running_service import Record
from schemathesis import BaseSchema, Case, CheckFunction, GenerationMode, SerializationContext
from schemathesis.checks import (
    ignored_auth,
    negative_data_rejection,
    positive_data_acceptance,
    unsupported_method,
)

from api.app import register_api
from api.v1.openapi.document import describe

Key = dict[str, str]

# The checks that do not fit. A text of nothing but markup is valid by its schema and refused. Keys
# have tests of their own. `PUT …/{id}/related` is an operation on the article `{id}/related`.
LEFT_OUT: list[CheckFunction] = [positive_data_acceptance, ignored_auth, unsupported_method]
# In a query everything is text: among many invalid values some are valid when written as text.
LEFT_OUT_OF_MANY = [*LEFT_OUT, negative_data_rejection]

IDS = ["kursk", "sudzha", "budget", "nobody"]
DATES = ["2025-03-13T07:12:44Z", "7d", "2025-03-13"]
# Values that pass the validation: random texts are rarely addresses, dates or languages.
LIKELY: dict[str, list[str | None]] = {
    "url": ["https://news.example/kursk", "https://news.example/nobody", None],
    "published_at": [DATES[0], DATES[2], None],
    "updated_at": [DATES[0], DATES[2], None],
    "language": ["en", "pt-BR", None],
}
LIKELY_PARAMETERS: dict[str, Any] = {
    "url": {"enum": LIKELY["url"][:2]},
    "article": {"type": "array", "maxItems": 10, "items": {"enum": IDS}},
    "lang": {"type": "array", "items": {"enum": ["en", "es", "any"]}},
    "exclude": {
        "type": "array",
        "items": {"anyOf": [{"enum": IDS}, {"type": "string", "minLength": 1, "maxLength": 512}]},
    },
    "published_after": {"enum": DATES},
    "published_before": {"enum": DATES},
}


def described_api() -> dict[str, Any]:
    app = Flask("api")
    register_api(app)
    return describe(app)


DESCRIPTION = described_api()


def likely_description() -> dict[str, Any]:
    """The API's description for one article of site `main`, with likely values."""
    likely = copy.deepcopy(DESCRIPTION)
    paths = {
        path.replace("{site}", "main")
        .replace("{id}", "kursk")
        .replace("{rule_id}", "0")
        .replace("{entry_id}", "5-1"): item
        for path, item in likely["paths"].items()
    }
    for item in paths.values():
        for operation in item.values():
            operation["security"] = []  # the key is always sent
            operation["parameters"] = [
                {**p, "schema": LIKELY_PARAMETERS.get(p["name"], p["schema"])}
                for p in operation["parameters"]
                if p["in"] != "path"
            ]
    for model in ("SentArticle", "SentSources"):
        properties = likely["components"]["schemas"][model]["properties"]
        properties |= {name: {"enum": values} for name, values in LIKELY.items()}
        properties |= {
            name: schema for name, schema in LIKELY_PARAMETERS.items() if name in properties
        } | {"url": {"enum": LIKELY["url"]}, "id": {"enum": [None]}}
    return likely | {"paths": paths}


OPERATIONS = [
    operation["operationId"]
    for path, item in DESCRIPTION["paths"].items()
    for operation in item.values()
    if "{site}" in path
]


# Operations that accept more than they describe: any id, any line of a bulk request, and articles
# with optional fields that cannot be read.
LENIENT = {
    *("putArticle", "putArticles", "relatedToDraft", "linksOfDraft"),
    *("getArticle", "getOverrides", "getSettings", "overview", "exportArticles"),
    *("removeRule", "undo"),
}

# Schemathesis adds parameters in formats that nobody described, and cannot check its own bytes.
schemathesis.openapi.format("binary", st.text())


@schemathesis.serializer("application/x-ndjson")
def lines(context: SerializationContext, value: Any) -> bytes:
    """One random body as a line of JSON."""
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


@pytest.fixture(scope="module")
def schema(one_app: Flask) -> BaseSchema:
    """Read our code only once: Schemathesis searches it for values to send."""
    schema = schemathesis.openapi.from_dict(likely_description())
    schema.app = one_app
    return schema


@pytest.fixture
def described(schema: BaseSchema, app: Flask, put: Callable[..., None]) -> BaseSchema:
    assert schema.app is app  # over this test's backend
    put(*map(article, ("kursk", "sudzha", "budget")))
    return schema


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_response_is_described(
    described: BaseSchema, key: Key, name: str, mode: GenerationMode
) -> None:
    if name in LENIENT and mode is GenerationMode.NEGATIVE:
        pytest.skip("it accepts what its description does not name")
    check_responses(described, key, name, mode, examples=30, left_out=LEFT_OUT)


@pytest.mark.chaos
def test_every_response_to_thousands_of_requests_is_described(
    described: BaseSchema, key: Key, record: Record
) -> None:
    requests = 0
    for name, mode in itertools.product(OPERATIONS, GenerationMode):
        if name not in LENIENT or mode is GenerationMode.POSITIVE:
            requests += check_responses(described, key, name, mode, 80, LEFT_OUT_OF_MANY)

    figure = f"{requests:,} made-up requests to {len(OPERATIONS)} operations: all as described"
    record(27, figure)
    record(28, figure)
    assert requests > 2_000


def check_responses(
    described: BaseSchema,
    key: Key,
    name: str,
    mode: GenerationMode,
    examples: int,
    left_out: list[CheckFunction],
) -> int:
    """Send made-up requests to one operation; return how many there were."""
    operation = described.find_operation_by_id(name)
    sent = itertools.count()

    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        next(sent)
        case.call_and_validate(headers=key, excluded_checks=left_out)

    ask()
    return next(sent)
