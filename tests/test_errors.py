"""Every error is a problem document, and every kind of error has one status."""

from collections.abc import Iterator
from http import HTTPStatus

import orjson
import pytest
import redis
from flask import abort
from flask.testing import FlaskClient
from news import article

from api.app import create_app
from api.http.errors import STATUSES, status_of
from api.http.responses import problem
from recommender.backend import Backend
from recommender.deadline import check_deadline
from recommender.errors import (
    AlsoSeeError,
    Conflict,
    CorruptRecord,
    FieldProblem,
    InvalidInput,
    NotFound,
    StoreUnavailable,
)

Key = dict[str, str]


def descendants(kind: type[Exception]) -> Iterator[type[Exception]]:
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


def direct(kind: type[Exception]) -> set[type[Exception]]:
    """The direct subclasses of *kind* in `recommender/errors.py`."""
    return {child for child in kind.__subclasses__() if child.__module__ == "recommender.errors"}


def test_the_table_has_a_status_for_each_error_of_the_tree() -> None:
    assert set() == direct(AlsoSeeError) - STATUSES.keys()


@pytest.mark.parametrize(
    "kind",
    [*descendants(AlsoSeeError), AlsoSeeError],
    ids=lambda kind: kind.__name__,
)
def test_every_error_has_a_status(kind: type[Exception]) -> None:
    assert status_of(kind.__new__(kind)) >= HTTPStatus.BAD_REQUEST


@pytest.fixture
def failing(backend: Backend) -> FlaskClient:
    """An application whose route `/fail/<kind>` raises that error."""
    errors: dict[str, Exception] = {
        "not-found": NotFound("no article 'kursk'"),
        "conflict": Conflict("kursk: older"),
        "parameter": InvalidInput.at("limit", "too many"),
        "article": InvalidInput([FieldProblem("/title", "missing"), FieldProblem("/url", "bad")]),
        "unavailable": StoreUnavailable("the store does not answer"),
        "corrupt": CorruptRecord("vector: wrong checksum"),
        "bug": ZeroDivisionError("secret-key-in-a-message"),
        "bare": AlsoSeeError("what?"),
    }

    def fail(kind: str) -> str:
        if kind.isdigit():
            abort(int(kind))
        raise errors[kind]

    app = create_app(backend=backend)
    app.add_url_rule("/fail/<kind>", view_func=fail)
    return app.test_client()


@pytest.mark.parametrize(
    ("kind", "status", "title", "detail", "errors"),
    [
        ("not-found", 404, "Not Found", "no article 'kursk'", None),
        ("conflict", 409, "Conflict", "kursk: older", None),
        (
            "parameter",
            400,
            "Bad Request",
            "limit: too many",
            [{"pointer": "/limit", "detail": "too many"}],
        ),
        (
            "article",
            400,
            "Bad Request",
            "title: missing (and 1 more)",
            [{"pointer": "/title", "detail": "missing"}, {"pointer": "/url", "detail": "bad"}],
        ),
        ("unavailable", 503, "Service Unavailable", "the store does not answer", None),
        (
            "corrupt",
            500,
            "Internal Server Error",
            "Something went wrong. The log has the details.",
            None,
        ),
    ],
)
def test_an_error_is_a_problem_document(
    failing: FlaskClient,
    kind: str,
    status: int,
    title: str,
    detail: str,
    errors: list[dict[str, str]] | None,
) -> None:
    response = failing.get(f"/fail/{kind}")
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail}

    assert (status, "application/problem+json", "no-store") == (
        response.status_code,
        response.content_type,
        response.headers["Cache-Control"],
    )
    assert document | ({"errors": errors} if errors else {}) == response.json


@pytest.mark.parametrize("kind", ["bug", "bare", "corrupt"])
def test_an_internal_error_reveals_no_details(failing: FlaskClient, kind: str) -> None:
    response = failing.get(f"/fail/{kind}")

    assert (500, "Something went wrong. The log has the details.") == (
        response.status_code,
        response.json["detail"],
    )


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 415, 418, 429, 500, 503])
def test_an_error_of_the_framework_is_a_problem_document_too(
    failing: FlaskClient, status: int
) -> None:
    response = failing.get(f"/fail/{status}")

    assert (status, "application/problem+json", status) == (
        response.status_code,
        response.content_type,
        response.json["status"],
    )


def test_a_temporary_error_says_when_to_retry(failing: FlaskClient) -> None:
    assert 1 <= int(failing.get("/fail/unavailable").headers["Retry-After"]) <= 10


def test_an_unknown_address_is_a_problem_document(client: FlaskClient) -> None:
    response = client.get("/nowhere")

    assert (404, "application/problem+json") == (response.status_code, response.content_type)


def test_the_response_to_head_is_the_same_without_a_body(client: FlaskClient) -> None:
    response = client.head("/nowhere")

    assert (404, "application/problem+json", b"") == (
        response.status_code,
        response.content_type,
        response.data,
    )


def test_a_detail_may_contain_any_text() -> None:
    text = 'a "quoted" \x00 \u2028 </script> 語'

    assert text == orjson.loads(problem(400, text).data)["detail"]


def test_damaged_records_are_skipped(
    client: FlaskClient, key: Key, raw_redis: "redis.Redis"
) -> None:
    """A flipped bit hides one article, and lists stay correct."""
    for name in ("kursk", "sudzha", "ceasefire"):
        client.put(f"/v1/main/articles/{name}", json=article(name), headers=key)
    for name in raw_redis.scan_iter("see:{main}:card:*"):
        card = raw_redis.get(name) or b""
        if b'"sudzha"' in card:
            raw_redis.set(name, card.replace(b"Flag", b"Flaw"))
    response = client.get("/v1/main/articles/kursk/related")

    assert (200, ["ceasefire"]) == (
        response.status_code,
        [item["id"] for item in response.json["items"]],
    )


def test_an_article_whose_record_was_damaged_is_not_found(
    client: FlaskClient, key: Key, raw_redis: "redis.Redis"
) -> None:
    client.put("/v1/main/articles/kursk", json=article("kursk"), headers=key)
    for kind in ("card", "text", "vector"):
        for name in raw_redis.scan_iter(f"see:{{main}}:{kind}:*"):
            raw_redis.set(name, (raw_redis.get(name) or b"")[:-1])
    paths = ["/v1/main/articles/kursk/related", "/v1/main/articles/kursk"]

    assert [404, 404] == [client.get(path, headers=key).status_code for path in paths]


def test_a_deadline_ends_with_its_request(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.app.REQUEST_SECONDS", 0.0)

    client.get("/healthz")

    check_deadline()  # raises TookTooLong if the deadline of the request still holds
