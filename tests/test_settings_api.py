"""Settings over HTTP: changes, their effect on lists, undo and comparisons."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
from faults import hurried, stopped
from flask import Flask
from flask.testing import FlaskClient
from news import STORIES, article
from servers import copied, put_back
from werkzeug.test import TestResponse

from api.app import create_app
from recommender.backend import Backend
from recommender.config import Settings
from recommender.policy.list_options import ListOptions
from recommender.policy.site_settings import NO_SETTINGS, ListDefaults, SiteSettings
from recommender.storage.audit import Editor

Put = Callable[..., None]
Key = dict[str, str]

SETTINGS, COMPARE = "/v1/main/settings", "/v1/main/settings/compare"
AUDIT = "/v1/main/audit"
KURSK = "/v1/main/articles/kursk/related"
HOME = {"site": {"limit": 3}, "surfaces": {"home": {"limit": 2}}}


@pytest.fixture
def keys(backend: Backend) -> dict[str, Key]:
    """By scope, the header of a key with that scope on site `main`."""
    return {
        scope: {"Authorization": f"Bearer {backend.keys.create('main', [scope], 'World desk')}"}
        for scope in ("ingest", "look", "edit", "admin")
    }


@pytest.fixture
def settle(client: FlaskClient, keys: dict[str, Key]) -> Callable[..., TestResponse]:
    def put(sent: Any, **headers: str) -> TestResponse:
        return client.put(SETTINGS, json=sent, headers=keys["admin"] | headers)

    return put


@pytest.fixture
def compare(client: FlaskClient, keys: dict[str, Key]) -> Callable[..., TestResponse]:
    def post(**sent: Any) -> TestResponse:
        return client.post(COMPARE, json=sent, headers=keys["look"])

    return post


Settle = Callable[..., TestResponse]
Compare = Callable[..., TestResponse]


@pytest.fixture(autouse=True)
def archive(put: Put) -> None:
    put(*map(article, STORIES))


def length(client: FlaskClient, query: str = "", path: str = KURSK) -> int:
    return len(client.get(f"{path}?{query}").json["items"])


def pointers(response: TestResponse) -> list[str]:
    return [error["pointer"] for error in response.json["errors"]]


# Access


@pytest.mark.parametrize(
    ("method", "path", "open_to"),
    [
        ("GET", SETTINGS, {"look", "edit", "admin"}),
        ("PUT", SETTINGS, {"admin"}),
        ("POST", COMPARE, {"look", "edit", "admin"}),
    ],
)
def test_every_editor_reads_settings_and_only_admins_change_them(
    client: FlaskClient, keys: dict[str, Key], method: str, path: str, open_to: set[str]
) -> None:
    statuses = {s: client.open(path, method=method, json={}, headers=k) for s, k in keys.items()}

    assert 401 == client.open(path, method=method, json={}).status_code
    assert {s: 200 if s in open_to else 403 for s in keys} == {
        scope: answer.status_code for scope, answer in statuses.items()
    }
    assert {"no-store"} == {answer.headers["Cache-Control"] for answer in statuses.values()}


def test_settings_belong_to_one_site(
    client: FlaskClient, backend: Backend, keys: dict[str, Key], settle: Settle
) -> None:
    settle(HOME)
    elsewhere = [
        client.get(f"/v1/{site}/settings", headers=keys["admin"]).status_code
        for site in ("other", "elsewhere")
    ]

    assert [403, 404] == elsewhere
    assert NO_SETTINGS == backend.store.rulebook.settings("other").settings


# Changes


def test_the_answer_to_new_settings_is_the_stored_settings(
    client: FlaskClient, keys: dict[str, Key], settle: Settle
) -> None:
    settings = {
        "site": {"limit": 8, "mode": "followup", "half_life_days": 3.5, "fallback": False},
        "surfaces": {
            "home": {"section": ["World"], "lang": ["any"], "max_age": "90d", "min_score": 0.1},
            "app-2": {"weights": {"time": 0.5, "title": 0.25}, "max_per_section": 2},
        },
    }
    answer = settle(settings | {"author": "Ana", "note": "Try it"})
    stored = client.get(SETTINGS, headers=keys["look"])
    full = {
        "articles": {},
        "site": settings["site"] | {"weights": {}},
        "surfaces": {
            "home": settings["surfaces"]["home"] | {"weights": {}},
            "app-2": settings["surfaces"]["app-2"],
        },
    }

    assert answer.json == stored.json == full | {"revision": answer.json["revision"]}
    assert answer.headers["ETag"] == stored.headers["ETag"] == f'"{stored.json["revision"]}"'


def test_without_any_settings_there_is_a_revision_to_start_from(
    client: FlaskClient, keys: dict[str, Key], settle: Settle
) -> None:
    before = client.get(SETTINGS, headers=keys["look"])
    answer = settle(HOME, **{"If-Match": before.headers["ETag"]})

    assert {
        "articles": {},
        "site": {"weights": {}},
        "surfaces": {},
        "revision": before.json["revision"],
    } == (before.json)
    assert (200, True) == (answer.status_code, answer.json["revision"] != before.json["revision"])


def test_settings_can_be_read_and_sent_back(
    client: FlaskClient, keys: dict[str, Key], settle: Settle, backend: Backend
) -> None:
    settle(HOME)
    stored = client.get(SETTINGS, headers=keys["look"]).json
    version = backend.store.change_log.version("main")
    again = settle(stored)

    assert (stored, version) == (again.json, backend.store.change_log.version("main"))


def test_an_editor_with_older_settings_learns_who_changed_them(
    client: FlaskClient, keys: dict[str, Key], settle: Settle
) -> None:
    etag = client.get(SETTINGS, headers=keys["look"]).headers["ETag"]
    settle(HOME | {"author": "Ben"})
    late = settle({}, **{"If-Match": etag})

    assert (412, True) == (
        late.status_code,
        late.json["detail"].startswith("Ben (key "),
    )
    assert 3 == length(client)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"site": {"limit": 0}}, ["/site/limit"]),
        ({"site": {"colour": 1}, "colour": 1}, ["/site/colour", "/colour"]),
        ({"surfaces": {"Home": {}}}, ["/surfaces/Home"]),
        ({"surfaces": {"home": {"weights": {"time": 2}}}}, ["/surfaces/home/weights/time"]),
        ({"surfaces": {f"s{n}": {} for n in range(51)}}, ["/surfaces"]),
        ({"note": "x" * 1001}, ["/note"]),
        ({"site": {"tag": [f"{n:0>1000}" for n in range(50)], "author": ["y" * 1000] * 50}}, [""]),
        ([], [""]),
        ("settings", [""]),
        (None, [""]),
    ],
)
def test_bad_settings_are_named_and_change_nothing(
    client: FlaskClient, backend: Backend, settle: Settle, sent: Any, expected: list[str]
) -> None:
    refused = settle(sent)

    assert (400, sorted(expected)) == (refused.status_code, sorted(pointers(refused)))
    assert NO_SETTINGS == backend.store.rulebook.settings("main").settings


@pytest.mark.parametrize("path", [SETTINGS, COMPARE])
def test_invalid_json_is_refused(client: FlaskClient, keys: dict[str, Key], path: str) -> None:
    method = "PUT" if path == SETTINGS else "POST"
    refused = client.open(path, method=method, data=b'{"site": {}', headers=keys["admin"])

    assert (400, [""]) == (refused.status_code, pointers(refused))
    assert refused.json["detail"].startswith("not readable as JSON: ")


# The audit


def test_the_audit_covers_rules_and_settings(
    client: FlaskClient, keys: dict[str, Key], settle: Settle
) -> None:
    block = {"kind": "block", "target": {"article": "sudzha"}}
    client.post("/v1/main/rules", json=block, headers=keys["edit"])
    settle(HOME | {"author": "Ana", "note": "Try it"})
    changed, added = client.get(AUDIT, headers=keys["look"]).json["items"]
    before, after = (changed["settings"][name] for name in ("before", "after"))

    assert ("add", None) == (added["action"], added["settings"])
    assert ("settings", "Ana", "Try it", [], []) == tuple(
        changed[name] for name in ("action", "author", "note", "before", "after")
    )
    assert (None, 3, 2) == (
        before["site"]["limit"],
        after["site"]["limit"],
        after["surfaces"]["home"]["limit"],
    )


def test_only_an_admin_undoes_settings(
    client: FlaskClient, keys: dict[str, Key], settle: Settle
) -> None:
    settle(HOME)
    [entry] = client.get(AUDIT, headers=keys["look"]).json["items"]
    lengths, statuses = [length(client)], []
    for scope in ("ingest", "look", "edit", "admin"):
        undone = client.post(f"{AUDIT}/{entry['id']}/undo", headers=keys[scope])
        statuses.append(undone.status_code)
        lengths.append(length(client))

    assert [403, 403, 403, 201] == statuses
    assert [3, 3, 3, 3, 4] == lengths
    assert 409 == client.post(f"{AUDIT}/{entry['id']}/undo", headers=keys["admin"]).status_code


# In the lists


def test_a_list_uses_the_settings_of_its_surface_then_of_the_site(
    client: FlaskClient, settle: Settle
) -> None:
    settle(HOME)

    assert [3, 2, 3, 1, 1] == [
        length(client, query)
        for query in ("", "surface=home", "surface=elsewhere", "limit=1", "surface=home&limit=1")
    ]
    assert [3, 2] == [length(client, q, "/v1/main/recent") for q in ("", "surface=home")]


@pytest.mark.parametrize("name", ["Home", "", "x" * 41, "home page", "home\n", "é"])
def test_a_name_that_no_surface_can_have_is_refused(client: FlaskClient, name: str) -> None:
    refused = client.get(KURSK, query_string={"surface": name})

    assert (400, ["/surface"]) == (refused.status_code, pointers(refused))


def test_drafts_explanations_and_lists_use_the_same_settings(
    client: FlaskClient, keys: dict[str, Key], settle: Settle
) -> None:
    settle({"site": {"section": ["World"]}, "surfaces": {"home": {"section": []}}})
    draft = article("kursk") | {"surface": "home"}
    plain = {key: value for key, value in draft.items() if key != "surface"}
    drafts = [
        len(client.post("/v1/main/related", json=sent, headers=keys["look"]).json["items"])
        for sent in (plain, draft)
    ]
    explained = [
        len(client.get(f"{KURSK}/explain?{q}", headers=keys["look"]).json["items"])
        for q in ("", "surface=home")
    ]
    why = client.get(f"{KURSK}/explain?target=sudzha", headers=keys["look"]).json["reason"]

    assert ([0, 4], [0, 4], "other_section") == (drafts, explained, why["code"])
    assert [0, 4] == [length(client), length(client, "surface=home")]


def test_an_explanation_shows_the_weights_of_the_settings(
    client: FlaskClient, keys: dict[str, Key], settle: Settle
) -> None:
    settle({"surfaces": {"home": {"weights": {"title": 1}}}})
    weights = {
        query: client.get(f"{KURSK}/explain?{query}", headers=keys["look"]).json["items"][0]
        for query in ("", "surface=home")
    }

    assert "title" not in weights[""]["factors"]
    assert "title" in weights["surface=home"]["factors"]


# The cache


def states(client: FlaskClient, *queries: str) -> list[str]:
    return [client.get(f"{KURSK}?{q}").headers["Cache-Status"][9:] for q in queries]


HIT, MISS = "hit", "fwd=miss"


def test_no_list_of_older_settings_is_served(client: FlaskClient, settle: Settle) -> None:
    lengths = []
    for limit in (1, 2, 3, None):
        settle({"surfaces": {"home": {"limit": limit}}, "site": {"limit": limit}})
        lengths.append([length(client, query) for query in ("", "surface=home", "limit=2") * 2])

    assert [[n, n, min(2, 4)] * 2 for n in (1, 2, 3, 4)] == lengths


def test_a_surface_has_lists_of_its_own_in_the_cache(client: FlaskClient, settle: Settle) -> None:
    settle(HOME)

    own = "surface=home&limit=4"

    assert [MISS, HIT, MISS, HIT, MISS, HIT] == states(
        client, "", "", "surface=home", "surface=home", own, own
    )


def test_made_up_surfaces_share_the_plain_list_and_cannot_fill_the_cache(
    client: FlaskClient, raw_redis: "redis.Redis", settle: Settle
) -> None:
    settle(HOME)
    client.get(KURSK)
    known = raw_redis.dbsize()
    bodies = {client.get(f"{KURSK}?surface=s{n}").data for n in range(20)}

    assert {client.get(KURSK).data} == bodies
    assert known == raw_redis.dbsize()


def test_options_equal_to_the_settings_share_the_cached_list(
    client: FlaskClient, settle: Settle
) -> None:
    settle(HOME)
    client.get(KURSK)
    client.get(f"{KURSK}?surface=home")

    assert [HIT, MISS, HIT, MISS] == states(
        client, "limit=3", "limit=5", "surface=home&limit=2", "surface=home&limit=3"
    )


def test_a_worker_with_older_settings_does_not_serve_the_sites_list_for_a_surface(
    settings: Settings, client: FlaskClient, settle: Settle
) -> None:
    settle({"site": {"limit": 3}})
    with Backend(settings) as other:
        app: Flask = create_app(backend=other)
        late = app.test_client()
        assert 3 == length(late)
        settle(HOME)
        assert 3 == length(client)  # now the plain list of this version is in the cache

        assert [2, 2] == [length(late, "surface=home"), length(client, "surface=home")]


def test_settings_from_before_a_restore_do_not_name_lists(
    settings: Settings, client: FlaskClient, settle: Settle, raw_redis: "redis.Redis"
) -> None:
    settle({"site": {"limit": 3}})
    copy = copied(raw_redis)
    settle({"site": {"limit": 2}})
    assert 2 == length(client)
    put_back(raw_redis, copy)
    with Backend(settings) as other:
        plain: Flask = create_app(backend=other)
        assert 3 == length(plain.test_client())  # and so it is in the cache

    assert 2 == length(client, "limit=2")


@hurried
def test_while_the_store_is_away_an_unknown_surface_gets_the_stale_list(
    client: FlaskClient, redis_url: str, settle: Settle
) -> None:
    settle(HOME)
    plain, home = client.get(KURSK).data, client.get(f"{KURSK}?surface=home").data
    with stopped(redis_url):
        answers = [client.get(f"{KURSK}?surface={name}").data for name in ("elsewhere", "home")]

    assert [plain, home] == answers


# Comparisons


def test_two_settings_are_compared_and_nothing_is_stored(
    client: FlaskClient, backend: Backend, compare: Compare
) -> None:
    version = backend.store.change_log.version("main")
    comparison = compare(article="kursk", a={"limit": 1}, b={"limit": 3, "mode": "recent"}).json
    a, b = ([item["id"] for item in comparison[side]] for side in "ab")

    assert (1, 3) == (len(a), len(b))
    assert ("kursk", version) == (comparison["source"]["id"], comparison["version"])
    assert [item["id"] for item in client.get(f"{KURSK}?limit=1").json["items"]] == a
    assert [item["id"] for item in client.get(f"{KURSK}?limit=3&mode=recent").json["items"]] == b
    assert {"in"} == {i["movement"]["code"] for i in comparison["b"] if i["id"] not in a}
    assert version == backend.store.change_log.version("main")


def test_settings_that_are_left_out_are_the_stored_ones(settle: Settle, compare: Compare) -> None:
    settle(HOME)
    asked: list[dict[str, Any]] = [{}, {"surface": "home"}, {"surface": "elsewhere"}]

    assert [(3, 3), (2, 2), (3, 3)] == [
        tuple(len(compare(article="kursk", **more).json[side]) for side in "ab") for more in asked
    ]


def test_settings_of_a_surface_are_compared_over_those_of_the_site(
    settle: Settle, compare: Compare
) -> None:
    settle(HOME)
    comparison = {"article": "kursk", "b": {"mode": "recent"}}

    assert (3, 4) == tuple(len(compare(**comparison).json[side]) for side in "ab")
    assert (2, 3) == tuple(len(compare(**comparison, surface="home").json[side]) for side in "ab")


def test_a_sample_is_compared_in_figures(settle: Settle, compare: Compare) -> None:
    comparison = compare(a={}, b={"limit": 2}).json

    assert (5, 1.0, 0.5, 4.0, 2.0) == (
        comparison["articles"],
        comparison["changed"],
        comparison["overlap"],
        comparison["a"]["items"],
        comparison["b"]["items"],
    )
    assert 3 == compare(b={"limit": 2}, sample=3).json["articles"]


def test_a_deleted_article_is_not_found(client: FlaskClient, key: Key, compare: Compare) -> None:
    client.delete("/v1/main/articles/kursk", headers=key)

    assert 404 == compare(article="kursk", b={}).status_code


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"a": {"limit": 0}}, "/a/limit"),
        ({"b": {"colour": 1}}, "/b/colour"),
        ({"b": []}, "/b"),
        ({"colour": 1}, "/colour"),
        ({"sample": 0}, "/sample"),
        ({"sample": 201}, "/sample"),
        ({"article": ""}, "/article"),
        ({"surface": "Home"}, "/surface"),
    ],
)
def test_bad_comparisons_are_named(compare: Compare, sent: dict[str, Any], expected: str) -> None:
    refused = compare(**sent)

    assert (400, [expected]) == (refused.status_code, pointers(refused))


def test_a_site_may_settle_whatever_a_request_may_say_that_many_readers_share() -> None:
    personal = {"surface", "offset", "exclude", "page_token", "explain"}
    personal |= {"published_after", "published_before", "half_life"}

    assert ListOptions.model_fields.keys() - personal == ListDefaults.model_fields.keys() - {
        "half_life_days",
        "weights",
    }


def test_settings_by_hand_and_over_http_are_the_same(backend: Backend, settle: Settle) -> None:
    settle(HOME)
    by_hand = SiteSettings(site=ListDefaults(limit=3), surfaces={"home": ListDefaults(limit=2)})
    backend.store.rulebook.replace_settings("other", by_hand, Editor("k"), datetime.now(UTC))

    assert backend.store.rulebook.settings("main") == backend.store.rulebook.settings("other")


@pytest.mark.parametrize(
    ("site", "pointer"),
    [
        ({"weights": {"title": False}}, "/site/weights/title"),
        ({"limit": True}, "/site/limit"),
        ({"diversity": True}, "/site/diversity"),
    ],
)
def test_booleans_are_not_numbers(
    client: FlaskClient, key: dict[str, str], site: dict[str, object], pointer: str
) -> None:
    answer = client.put("/v1/main/settings", json={"site": site}, headers=key)

    assert (400, [pointer]) == (
        answer.status_code,
        [error["pointer"] for error in answer.json["errors"]],
    )
