"""Keys: public operations need none, all others one with the right site and scope."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from news import article
from servers import written_keys
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from api.app import create_app
from recommender.backend import Backend
from recommender.config import Settings

Key = dict[str, str]

FORMS = ".<any(html,rss,json,jsonld):form>"
# The public operations. A new route needs a key unless it is added here.
PUBLIC = {
    ("GET", "/v1/<site>/articles/<article_id:article_id>/related"),
    ("GET", f"/v1/<site>/articles/<article_id:article_id>/related{FORMS}"),
    ("GET", f"/v1/<site>/related{FORMS}"),
    ("GET", f"/v1/<site>/recent{FORMS}"),
    ("POST", "/v1/<site>/events"),
    ("GET", "/widget"),
    ("GET", "/widget.js"),
    ("GET", "/widget/<version>/widget.js"),
    ("GET", "/widget-extras.js"),
    ("GET", "/widget/<version>/widget-extras.js"),
    ("GET", "/widget/words/<language>.json"),
    ("GET", "/v1/<site>/related"),
    ("GET", "/v1/<site>/recent"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/openapi.json"),
    ("GET", "/static/<path:filename>"),
    # The sample newspaper, in demo mode only.
    ("GET", "/"),
    ("GET", "/section/<name>"),
    ("GET", "/layouts"),
    ("GET", "/<article_id:article_id>"),
}
CLOSED = {
    ("GET", "/v1/<site>/articles"),
    ("GET", "/v1/<site>/export"),
    ("GET", "/v1/<site>/search"),
    ("PUT", "/v1/<site>/articles/<article_id:article_id>"),
    ("GET", "/v1/<site>/articles/<article_id:article_id>"),
    ("DELETE", "/v1/<site>/articles/<article_id:article_id>"),
    ("POST", "/v1/<site>/articles"),
    ("POST", "/v1/<site>/related"),
    ("POST", "/v1/<site>/links"),
    ("GET", "/v1/<site>/articles/<article_id:article_id>/related/explain"),
    ("GET", "/v1/<site>/articles/<article_id:article_id>/overrides"),
    ("PUT", "/v1/<site>/articles/<article_id:article_id>/overrides"),
    ("GET", "/v1/<site>/rules"),
    ("POST", "/v1/<site>/rules"),
    ("DELETE", "/v1/<site>/rules/<rule_id>"),
    ("GET", "/v1/<site>/settings"),
    ("PUT", "/v1/<site>/settings"),
    ("POST", "/v1/<site>/settings/compare"),
    ("GET", "/v1/<site>/audit"),
    ("POST", "/v1/<site>/audit/<entry_id>/undo"),
    ("GET", "/v1/<site>/overview"),
}
LOOKS = ("/related", "/links", "/compare")  # by POST, because much is sent
EDITORS = (
    *("/related", "/links", "/explain", "/overrides", "/rules", "/rules/0", "/audit"),
    *("/audit/1-1/undo", "/settings", "/settings/compare", "/overview", "/search"),
)
OPENED = {
    "ingest": {"ingest"},
    "look": {"look"},
    "edit": {"look", "edit"},
    "admin": {"look", "edit", "admin"},
}


def scope_of(method: str, path: str) -> str:
    if not path.endswith(EDITORS):
        return "ingest"
    if (method, path) == ("PUT", "/v1/main/settings"):
        return "admin"
    return "look" if method == "GET" or path.endswith(LOOKS) else "edit"


def bearer(key: str) -> Key:
    return {"Authorization": f"Bearer {key}"}


def operations(app: Flask) -> Iterator[tuple[str, Rule]]:
    """All routes but those of the editor's desk, which `test_editor` tests."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("editor."):
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            yield method, rule


def protected_operations(app: Flask) -> list[tuple[str, str]]:
    """Method and path of every operation that needs a key, on site `main`."""
    values = {"site": "main", "article_id": "kursk", "rule_id": "0", "entry_id": "1-1"}
    adapter = app.url_map.bind("localhost")
    return sorted(
        (method, adapter.build(rule.endpoint, values, method, append_unknown=False))
        for method, rule in operations(app)
        if (method, rule.rule) not in PUBLIC
    )


def ask(client: FlaskClient, method: str, path: str, headers: Key) -> TestResponse:
    return client.open(path, method=method, json=article(), headers=headers)


@pytest.fixture
def demo(backend: Backend, settings: Settings) -> Flask:
    return create_app(settings.model_copy(update={"demo": True}), backend)


def test_every_operation_is_either_public_or_closed(demo: Flask) -> None:
    assert PUBLIC | CLOSED == {(method, rule.rule) for method, rule in operations(demo)}


def test_all_operations_but_the_public_ones_need_a_key(
    demo: Flask, raw_redis: "redis.Redis"
) -> None:
    client = demo.test_client()
    answers = [ask(client, method, path, {}) for method, path in protected_operations(demo)]

    assert [(401, 'Bearer realm="alsosee"')] * len(CLOSED) == [
        (answer.status_code, answer.headers["WWW-Authenticate"]) for answer in answers
    ]
    assert set() == written_keys(raw_redis)


@pytest.mark.parametrize(
    ("site", "scopes"), [("other", ["ingest", "edit"]), ("main", []), ("main", ["read"])]
)
def test_a_key_with_another_site_or_scope_is_refused(
    app: Flask, backend: Backend, raw_redis: "redis.Redis", site: str, scopes: list[str]
) -> None:
    key = bearer(backend.keys.create(site, scopes))
    client = app.test_client()
    statuses = [
        ask(client, method, path, key).status_code for method, path in protected_operations(app)
    ]

    assert [403] * len(CLOSED) == statuses
    assert {b"see:keys"} == written_keys(raw_redis)


@pytest.mark.parametrize("scope", OPENED)
def test_a_scope_includes_the_operations_of_lower_roles(
    app: Flask, backend: Backend, scope: str
) -> None:
    key = bearer(backend.keys.create("main", [scope]))
    client = app.test_client()
    refused = {
        f"{method} {path}"
        for method, path in protected_operations(app)
        if ask(client, method, path, key).status_code == 403
    }

    assert refused == {
        f"{method} {path}"
        for method, path in protected_operations(app)
        if scope_of(method, path) not in OPENED[scope]
    }


def test_without_any_key_writes_are_refused_and_reads_work(
    client: FlaskClient, raw_redis: "redis.Redis"
) -> None:
    statuses = {
        "write": ask(client, "PUT", "/v1/main/articles/kursk", {}).status_code,
        "write with some key": ask(
            client, "PUT", "/v1/main/articles/kursk", bearer("as_0000_x")
        ).status_code,
        "read": client.get("/v1/main/recent").status_code,
    }

    assert {"write": 401, "write with some key": 401, "read": 200} == statuses
    assert set() == written_keys(raw_redis)


@pytest.mark.parametrize(
    "name", ["key", "api_key", "apikey", "token", "access_token", "authorization", "Authorization"]
)
def test_a_key_in_the_query_string_is_not_accepted(
    client: FlaskClient, backend: Backend, name: str
) -> None:
    key = backend.keys.create("main", ["ingest"])
    answers = [
        client.put("/v1/main/articles/kursk", query_string={name: value}, json=article())
        for value in (key, f"Bearer {key}")
    ]

    assert [401, 401] == [answer.status_code for answer in answers]


def test_a_key_in_a_cookie_is_not_accepted(client: FlaskClient, backend: Backend) -> None:
    key = backend.keys.create("main", ["ingest"])
    for name in ("key", "Authorization", "session"):
        client.set_cookie(name, key)

    assert 401 == client.put("/v1/main/articles/kursk", json=article()).status_code


@pytest.mark.parametrize(
    "spelling", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer  {}", "Bearer {} "]
)
def test_the_authorization_scheme_is_case_insensitive(
    client: FlaskClient, backend: Backend, spelling: str
) -> None:
    key = backend.keys.create("main", ["ingest"])
    headers = {"Authorization": spelling.format(key)}

    assert 201 == ask(client, "PUT", "/v1/main/articles/kursk", headers).status_code


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: "",
        lambda key: key,
        lambda key: f"Basic {key}",
        lambda key: f"Bearer{key}",
        lambda key: "Bearer",
        lambda key: "Bearer ",
        lambda key: f"Bearer {key[:-1]}",
        lambda key: f"Bearer {key}x",
        lambda key: f"Bearer {key.upper()}",
        lambda key: f"Bearer {key} {key}",
        lambda key: f"Bearer {key},{key}",
        lambda key: f'Bearer "{key}"',
        lambda key: f"Bearer {key.replace('as_', 'bs_', 1)}",
        lambda key: f"Bearer {'_'.join(key.split('_')[:2])}",
        lambda key: f"Bearer {'_'.join(key.split('_')[:2])}_",
        lambda key: "Bearer as_",
        lambda key: "Bearer as__",
        lambda key: "Bearer _",
        lambda key: "Bearer *",
        lambda key: "Bearer as_*_x",
        lambda key: "Bearer as_ä_x",
        lambda key: "Bearer as_\xff_x",
        lambda key: "Bearer " + "x" * 100_000,
        lambda key: "Bearer as_" + "x" * 100_000,
    ],
)
def test_malformed_keys_are_refused(client: FlaskClient, backend: Backend, spoil: object) -> None:
    key = backend.keys.create("main", ["ingest"])
    headers = {"HTTP_AUTHORIZATION": spoil(key)}  # type: ignore[operator]
    response = client.put("/v1/main/articles/kursk", json=article(), environ_overrides=headers)

    assert 401 == response.status_code


def test_a_revoked_key_is_refused_by_the_next_request(
    client: FlaskClient, backend: Backend
) -> None:
    key = backend.keys.create("main", ["ingest"])
    before = ask(client, "PUT", "/v1/main/articles/kursk", bearer(key)).status_code
    [grant] = backend.keys.all()
    backend.keys.revoke(grant.key_id)

    assert (201, 401) == (
        before,
        ask(client, "GET", "/v1/main/articles/kursk", bearer(key)).status_code,
    )


def test_a_key_cannot_be_read_in_the_store(
    client: FlaskClient, backend: Backend, raw_redis: "redis.Redis"
) -> None:
    key = backend.keys.create("main", ["ingest"])
    ask(client, "PUT", "/v1/main/articles/kursk", bearer(key))
    secret = key.split("_", 2)[2].encode()
    stored = b"".join(raw_redis.dump(name) or b"" for name in raw_redis.scan_iter())

    assert secret not in stored


def test_a_key_cannot_be_read_in_an_answer_or_the_log(
    client: FlaskClient, backend: Backend, capfd: pytest.CaptureFixture[str]
) -> None:
    key = backend.keys.create("main", ["edit"])
    answers = [
        ask(client, "PUT", "/v1/main/articles/kursk", bearer(key)),
        ask(client, "PUT", "/v1/main/articles/kursk", bearer(key[:-1])),
        client.get(f"/v1/{key}/recent"),
    ]
    output = "".join(f"{a.text}{a.headers}" for a in answers[:2]) + "".join(capfd.readouterr())

    assert [403, 401, 404] == [answer.status_code for answer in answers]
    assert key[:-1] not in output


def test_a_key_is_long_enough_and_never_the_same(backend: Backend) -> None:
    keys = {backend.keys.create("main", ["ingest"]) for _ in range(20)}

    assert 20 == len({key.split("_", 2)[2] for key in keys})
    assert {43} == {len(key.split("_", 2)[2]) for key in keys}


def test_a_grant_has_the_creation_date_but_not_the_key(backend: Backend) -> None:
    key = backend.keys.create("main", ["ingest"], note="the CMS")
    [grant] = backend.keys.all()
    age = datetime.now(UTC) - datetime.fromisoformat(grant.created_at)

    assert ("main", ("ingest",), "the CMS", True) == (
        grant.site,
        grant.scopes,
        grant.note,
        age < timedelta(seconds=10),
    )
    assert key not in repr(grant)


def test_a_list_ignores_keys(client: FlaskClient, backend: Backend) -> None:
    key = bearer(backend.keys.create("main", ["ingest"]))
    ask(client, "PUT", "/v1/main/articles/kursk", key)
    path = "/v1/main/articles/kursk/related"
    answers = [client.get(path, headers=headers) for headers in ({}, key, bearer("nonsense"))]

    assert {(200, answers[0].data)} == {(answer.status_code, answer.data) for answer in answers}
