"""Rules over HTTP: changes, two editors at once, audit and undo."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import orjson
import pytest
import redis
from clocks import before_and_at
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from news import STORIES, article
from werkzeug.test import TestResponse

from recommender.backend import Backend
from recommender.policy.rules import Rule
from recommender.storage.audit import Editor
from recommender.storage.rulebook import new_rule_id

Put = Callable[..., None]
Key = dict[str, str]

RULES, AUDIT = "/v1/main/rules", "/v1/main/audit"
OVERRIDES = "/v1/main/articles/kursk/overrides"
BLOCK: dict[str, Any] = {"kind": "block", "target": {"article": "sudzha"}}
OPERATIONS = [
    ("GET", OVERRIDES),
    ("PUT", OVERRIDES),
    ("GET", RULES),
    ("POST", RULES),
    ("DELETE", f"{RULES}/0"),
    ("GET", AUDIT),
    ("POST", f"{AUDIT}/1-1/undo"),
]


@pytest.fixture
def editor(backend: Backend) -> Key:
    """The header of a key with the scope `edit` on site `main`."""
    return {"Authorization": f"Bearer {backend.keys.create('main', ['edit'], 'World desk')}"}


@pytest.fixture
def add(client: FlaskClient, editor: Key) -> Callable[..., dict[str, Any]]:
    """Add a rule over HTTP and return it."""

    def post(**fields: Any) -> dict[str, Any]:
        response = client.post(RULES, json=BLOCK | fields, headers=editor)
        assert 201 == response.status_code, response.text
        return response.json

    return post


Add = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def archive(put: Put) -> None:
    put(*map(article, STORIES))


def listed(client: FlaskClient, article_id: str = "kursk") -> list[str]:
    answer = client.get(f"/v1/main/articles/{article_id}/related")
    return [item["id"] for item in answer.json["items"]]


def pointers(response: TestResponse) -> list[str]:
    return [error["pointer"] for error in response.json["errors"]]


def key_id(header: Key) -> str:
    return header["Authorization"].split("_")[1]


# Access


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize(
    ("site", "scopes", "status"),
    [
        (None, [], 401),
        ("main", ["ingest"], 403),
        ("main", [], 403),
        ("other", ["edit"], 403),
    ],
)
def test_only_editors_of_the_site_have_access(
    client: FlaskClient,
    backend: Backend,
    method: str,
    path: str,
    site: str | None,
    scopes: list[str],
    status: int,
) -> None:
    key = f"Bearer {backend.keys.create(site, scopes)}" if site else ""
    response = client.open(path, method=method, json=BLOCK, headers={"Authorization": key})

    assert (status, {}) == (response.status_code, backend.store.rulebook.read("main").rules)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_an_unknown_site_has_no_rules(
    client: FlaskClient, editor: Key, method: str, path: str
) -> None:
    elsewhere = path.replace("/main/", "/elsewhere/")

    assert 404 == client.open(elsewhere, method=method, json=BLOCK, headers=editor).status_code


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_rules_and_audit_are_not_cached(
    client: FlaskClient, editor: Key, method: str, path: str
) -> None:
    response = client.open(path, method=method, json={}, headers=editor)

    assert "no-store" == response.headers.get("Cache-Control", "no-store")
    assert "Access-Control-Allow-Origin" not in response.headers


def test_rules_belong_to_one_site(client: FlaskClient, backend: Backend, add: Add) -> None:
    add()
    other = {"Authorization": f"Bearer {backend.keys.create('other', ['edit'])}"}
    answers = [client.get(f"/v1/other/{name}", headers=other) for name in ("rules", "audit")]

    assert [{"items": [], "next": None}] * 2 == [answer.json for answer in answers]


# One rule


def test_the_answer_to_a_new_rule_is_the_stored_rule(
    client: FlaskClient, editor: Key, add: Add
) -> None:
    rule = add(author="Ana Ruiz", note="Too close to the source", source={"article": "kursk"})

    assert {
        "kind": "block",
        "source": {"article": "kursk", "section": None},
        "target": {"article": "sudzha", "section": None},
        "position": None,
        "factor": None,
        "flag": None,
        "author": "Ana Ruiz",
        "key_id": key_id(editor),
        "note": "Too close to the source",
        "expires_at": None,
    } == {name: value for name, value in rule.items() if name not in ("id", "created_at")}
    assert {"items": [rule], "next": None} == client.get(RULES, headers=editor).json


def test_the_author_defaults_to_the_note_of_the_key(add: Add) -> None:
    assert "World desk" == add()["author"]


@pytest.mark.parametrize(
    ("expires_at", "after"),
    [("7d", timedelta(days=7)), ("12h", timedelta(hours=12)), ("30m", timedelta(minutes=30))],
)
def test_a_rule_may_end_a_time_from_now(add: Add, expires_at: str, after: timedelta) -> None:
    rule = add(expires_at=expires_at)
    ends = datetime.fromisoformat(rule["expires_at"])

    assert after == ends - datetime.fromisoformat(rule["created_at"])


def test_a_rule_may_end_at_a_date(add: Add) -> None:
    assert "2135-03-12T23:00:00Z" == add(expires_at="2135-03-13T00:00:00+01:00")["expires_at"]


def test_every_problem_of_a_rule_is_named(client: FlaskClient, editor: Key) -> None:
    fields = {"kind": "pin", "target": {"section": "World"}, "note": 5, "expires_at": "soon"}
    response = client.post(RULES, json=fields, headers=editor)

    detail = "target: a pin needs an article as its target (and 3 more)"
    assert (400, detail) == (response.status_code, response.json["detail"])
    assert ["/target", "/position", "/note", "/expires_at"] == pointers(response)


def test_a_removed_rule_is_gone(client: FlaskClient, editor: Key, add: Add) -> None:
    path = f"{RULES}/{add()['id']}"
    answers = [client.delete(path, headers=editor).status_code for _ in range(2)]

    assert [204, 404] == answers
    assert [] == client.get(RULES, headers=editor).json["items"]


@pytest.mark.parametrize("rule_id", ["x", "*", "%2e%2e", "%00", "%F0%9F%99%82", "a" * 5000])
def test_an_unknown_rule_cannot_be_removed(client: FlaskClient, editor: Key, rule_id: str) -> None:
    assert 404 == client.delete(f"{RULES}/{rule_id}", headers=editor).status_code


def test_rules_can_be_filtered_by_kind_and_by_article(
    client: FlaskClient, editor: Key, add: Add
) -> None:
    pair = add(source={"article": "kursk"})
    flag = add(kind="flag", flag="legal", target={"article": "kursk"})
    add(target={"section": "Sport"})

    def matching(query: str) -> list[str]:
        return [rule["id"] for rule in client.get(f"{RULES}?{query}", headers=editor).json["items"]]

    assert {pair["id"], flag["id"]} == set(matching("article=kursk"))
    assert [flag["id"]] == matching("kind=flag")
    assert [pair["id"]] == matching("article=kursk&kind=block")
    assert [pair["id"]] == matching("article=sudzha")


@pytest.mark.parametrize("path", [RULES, AUDIT])
def test_long_lists_come_in_pages_newest_first(
    client: FlaskClient, editor: Key, add: Add, path: str
) -> None:
    ids = [add(target={"article": f"a{n}"})["id"] for n in range(7)]
    seen, cursor = [], ""
    for _ in range(9):
        page = client.get(f"{path}?limit=3{cursor}", headers=editor).json
        assert len(page["items"]) <= 3
        seen += [item["after"][0] if path == AUDIT else item for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"

    assert {*ids} == {rule["id"] for rule in seen}
    assert sorted((r["created_at"] for r in seen), reverse=True) == [r["created_at"] for r in seen]


@pytest.mark.parametrize("path", [RULES, AUDIT])
@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=501", "limit=x", "limit=", "limit=1&limit=2", "limit=1e3"),
        *("cursor=", "cursor=x", "cursor=(1-0", "cursor=0-0", "cursor=%2B", "cursor=-"),
        *("cursor=1-1%0A", "cursor=1-1-1"),
        *("article=", "article=%00", "article=" + "x" * 513),
    ],
)
def test_a_bad_parameter_is_named(client: FlaskClient, editor: Key, path: str, query: str) -> None:
    response = client.get(f"{path}?{query}", headers=editor)

    assert (400, ["/" + query.partition("=")[0]]) == (response.status_code, pointers(response))


def test_an_unknown_parameter_is_ignored(client: FlaskClient, editor: Key) -> None:
    assert 200 == client.get(f"{RULES}?utm_source=x", headers=editor).status_code


# The overrides of an article

SENT: dict[str, Any] = {
    "author": "Ana Ruiz",
    "pins": [{"article": "budget", "position": 1, "note": "Live", "expires_at": "7d"}],
    "blocks": [{"article": "sudzha"}, {"section": "Sport"}],
    "boosts": [{"section": "World", "factor": 3}, {"everywhere": True, "factor": 1.5}],
    "buries": [{"article": "final", "factor": 0.5}],
    "flags": [{"flag": "never_recommend", "note": "An agency text"}],
}


def test_overrides_can_be_read_and_sent_back(client: FlaskClient, editor: Key) -> None:
    put = client.put(OVERRIDES, json=SENT, headers=editor)
    get = client.get(OVERRIDES, headers=editor)
    again = client.put(OVERRIDES, json=get.json, headers=editor)

    assert [200] * 3 == [answer.status_code for answer in (put, get, again)]
    assert put.json == get.json == again.json
    assert ("kursk", f'"{get.json["revision"]}"') == (get.json["article"], get.headers["ETag"])
    assert 1 == len(client.get(AUDIT, headers=editor).json["items"])


def test_overrides_contain_the_sent_entries(client: FlaskClient, editor: Key) -> None:
    overrides = client.put(OVERRIDES, json=SENT, headers=editor).json
    known = {"id", "author", "key_id", "note", "created_at", "expires_at"}

    assert {
        "pins": [{"article": "budget", "position": 1}],
        "blocks": [{"article": "sudzha"}, {"section": "Sport"}],
        "boosts": [{"everywhere": True, "factor": 1.5}, {"section": "World", "factor": 3.0}],
        "buries": [{"article": "final", "factor": 0.5}],
        "flags": [{"flag": "never_recommend"}],
    } == {
        group: sorted(
            ({k: v for k, v in entry.items() if k not in known} for entry in overrides[group]),
            key=str,
        )
        for group in ("pins", "blocks", "boosts", "buries", "flags")
    }


def test_entries_that_are_left_out_are_removed(client: FlaskClient, editor: Key, add: Add) -> None:
    client.put(OVERRIDES, json=SENT, headers=editor)
    elsewhere = add(source={"section": "World"})
    client.put(OVERRIDES, json={}, headers=editor)

    assert [elsewhere] == client.get(RULES, headers=editor).json["items"]


def test_the_second_of_two_editors_learns_who_was_first(client: FlaskClient, editor: Key) -> None:
    etag = client.get(OVERRIDES, headers=editor).headers["ETag"]
    headers = editor | {"If-Match": etag}
    first = client.put(OVERRIDES, json=SENT, headers=headers)
    second = client.put(OVERRIDES, json={"author": "Ben"}, headers=headers)

    assert (200, 412) == (first.status_code, second.status_code)
    assert "application/problem+json" == second.content_type
    assert f"Ana Ruiz (key {key_id(editor)}) changed these rules" in second.json["detail"]
    assert first.json == client.get(OVERRIDES, headers=editor).json


@pytest.mark.parametrize("condition", ["", "*", "W/{etag}", '"x", {etag}'])
def test_a_matching_precondition_allows_the_change(
    client: FlaskClient, editor: Key, condition: str
) -> None:
    etag = client.get(OVERRIDES, headers=editor).headers["ETag"]
    headers = editor | ({"If-Match": condition.format(etag=etag)} if condition else {})

    assert 200 == client.put(OVERRIDES, json=SENT, headers=headers).status_code


@pytest.mark.parametrize("condition", ['"x"', "x", "W/", ",", " "])
def test_a_failed_precondition_refuses_the_change(
    client: FlaskClient, editor: Key, condition: str
) -> None:
    headers = editor | {"If-Match": condition}

    assert 412 == client.put(OVERRIDES, json=SENT, headers=headers).status_code


def test_an_unknown_article_has_no_overrides(client: FlaskClient, editor: Key) -> None:
    path = "/v1/main/articles/nobody/overrides"
    answers = [client.get(path, headers=editor), client.put(path, json=SENT, headers=editor)]

    assert [404, 404] == [answer.status_code for answer in answers]


def test_rules_of_a_deleted_article_are_there_when_it_comes_back(
    client: FlaskClient, editor: Key, key: Key, put: Put
) -> None:
    before = client.put(OVERRIDES, json=SENT, headers=editor).json
    client.delete("/v1/main/articles/kursk", headers=key)
    between = client.get(OVERRIDES, headers=editor).status_code
    put(article("kursk", title="It is back"))

    assert (404, before) == (between, client.get(OVERRIDES, headers=editor).json)


@pytest.mark.parametrize("article_id", ["2025/03/13", "a b", "語", "x/related", "..", "{x}", "*"])
def test_an_article_under_any_id_has_overrides(
    client: FlaskClient, key: Key, editor: Key, article_id: str
) -> None:
    path = f"/v1/main/articles/{quote(article_id, safe='')}"
    client.put(path, json=article(article_id, url=None), headers=key)
    response = client.put(f"{path}/overrides", json=SENT, headers=editor)

    assert (200, article_id) == (response.status_code, response.json["article"])


def test_an_article_whose_id_ends_in_overrides_is_reachable(client: FlaskClient, key: Key) -> None:
    lines = orjson.dumps(article("x/overrides", url=None))
    client.post("/v1/main/articles", data=lines, headers=key)
    path = f"/v1/main/articles/{quote('x/overrides', safe='')}"

    assert "x/overrides" == client.get(path, headers=key).json["id"]
    assert 200 == client.put(path, json=article("x/overrides"), headers=key).status_code
    assert 204 == client.delete(path, headers=key).status_code


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ({"pins": [{"article": "budget"}]}, "/pins/0/position"),
        ({"pins": [{"section": "World", "position": 1}]}, "/pins/0"),
        ({"pins": [{"position": 1}]}, "/pins/0"),
        ({"pins": [{"article": "kursk", "position": 1}]}, "/pins/0"),
        ({"blocks": [{"article": "budget"}, {"article": 5.5}]}, "/blocks/1/article"),
        ({"blocks": [{"article": "budget"}] * 2}, "/blocks/1"),
        ({"blocks": [{"article": "a", "section": "b"}]}, "/blocks/0/section"),
        ({"blocks": [{"article": "a", "everywhere": True}]}, "/blocks/0/article"),
        ({"blocks": [{"article": "a", "everywhere": "yes"}]}, "/blocks/0/everywhere"),
        ({"blocks": [{"article": "a", "source": {"article": "b"}}]}, "/blocks/0"),
        ({"blocks": [{"everywhere": True, "target": {}}]}, "/blocks/0"),
        ({"blocks": [{"article": "a", "expires_at": "1999"}]}, "/blocks/0/expires_at"),
        ({"blocks": [5]}, "/blocks/0"),
        ({"blocks": {"article": "a"}}, "/blocks"),
        ({"blocks": None}, "/blocks"),
        ({"blocks": [{"article": f"a{n}"} for n in range(201)]}, "/blocks"),
        ({"boosts": [{"section": "World", "factor": 11}]}, "/boosts/0/factor"),
        ({"buries": [{"section": "World"}]}, "/buries/0/factor"),
        ({"flags": ["legal"]}, "/flags/0"),
        ({"flags": [{"flag": "rude"}]}, "/flags/0/flag"),
        ({"flags": [{"flag": "legal", "kind": "pin"}]}, "/flags/0"),
        ({"flags": [{"flag": "legal", "article": "sudzha"}]}, "/flags/0/article"),
        ({"author": 5}, "/author"),
        ({"pin": []}, "/pin"),
        ([], ""),
        (None, ""),
        ("pins", ""),
    ],
)
def test_a_bad_override_is_named_and_nothing_is_written(
    client: FlaskClient, editor: Key, backend: Backend, sent: object, found: str
) -> None:
    version = backend.store.change_log.version("main")
    response = client.put(OVERRIDES, json=sent, headers=editor)

    assert (400, [found]) == (response.status_code, pointers(response))
    assert version == backend.store.change_log.version("main")


# The audit


def test_the_audit_names_author_and_note_but_no_secret(
    client: FlaskClient, editor: Key, add: Add
) -> None:
    rule = add(author="Ana", note="Why")
    client.delete(f"{RULES}/{rule['id']}?author=Ben&note=Over", headers=editor)
    response = client.get(AUDIT, headers=editor)

    assert [("remove", "Ben", "Over", [rule], []), ("add", "Ana", "Why", [], [rule])] == [
        tuple(entry[name] for name in ("action", "author", "note", "before", "after"))
        for entry in response.json["items"]
    ]
    assert {key_id(editor)} == {entry["key_id"] for entry in response.json["items"]}
    assert editor["Authorization"].split("_", 2)[2] not in response.text


def test_the_audit_can_be_filtered_by_article(client: FlaskClient, editor: Key, add: Add) -> None:
    add(target={"article": "budget"})
    rule = add()
    entries = client.get(f"{AUDIT}?article=sudzha", headers=editor).json["items"]

    assert [[rule]] == [entry["after"] for entry in entries]


def test_a_change_can_be_undone_once(client: FlaskClient, editor: Key, add: Add) -> None:
    rule = add()
    [entry] = client.get(AUDIT, headers=editor).json["items"]
    path = f"{AUDIT}/{entry['id']}/undo?author=Ben"
    first, second = (client.post(path, headers=editor) for _ in range(2))

    assert (201, 409) == (first.status_code, second.status_code)
    assert ("undo", entry["id"], "Ben", [rule], []) == tuple(
        first.json[name] for name in ("action", "undoes", "author", "before", "after")
    )
    assert [] == client.get(RULES, headers=editor).json["items"]
    audit = client.get(AUDIT, headers=editor).json["items"]
    assert [None, first.json["id"]] == [change["undone_by"] for change in audit]
    oldest = client.get(f"{AUDIT}?cursor={first.json['id']}", headers=editor).json["items"]
    assert [first.json["id"]] == [change["undone_by"] for change in oldest]


@pytest.mark.parametrize("entry", ["1-1", "0-0", "x", "+", "%24", "99999999999999999999-1"])
def test_an_unknown_entry_cannot_be_undone(client: FlaskClient, editor: Key, entry: str) -> None:
    assert 404 == client.post(f"{AUDIT}/{entry}/undo", headers=editor).status_code


@pytest.mark.parametrize("query", ["author=" + "x" * 201, "note=" + "x" * 1001, "note=a&note=b"])
def test_author_and_note_have_limits(
    client: FlaskClient, editor: Key, add: Add, query: str
) -> None:
    response = client.delete(f"{RULES}/{add()['id']}?{query}", headers=editor)

    assert (400, ["/" + query.partition("=")[0]]) == (response.status_code, pointers(response))


# In the lists


def test_a_block_and_its_removal_affect_the_next_list(
    client: FlaskClient, editor: Key, add: Add
) -> None:
    lists = [listed(client)]
    rule = add(source={"article": "kursk"})
    lists.append(listed(client))
    client.delete(f"{RULES}/{rule['id']}", headers=editor)
    lists.append(listed(client))

    assert [True, False, True] == ["sudzha" in ids for ids in lists]


@pytest.mark.parametrize("flag", ["sensitive", "legal", "sponsored", "never_recommend"])
def test_a_flagged_article_is_in_no_list(client: FlaskClient, add: Add, flag: str) -> None:
    before = listed(client)
    add(kind="flag", flag=flag)
    lists = [listed(client, name) for name in STORIES if name != "sudzha"]

    assert "sudzha" in before
    assert not any("sudzha" in ids for ids in lists)


@pytest.mark.parametrize("flag", ["sensitive", "legal", "sponsored", "no_related"])
def test_a_silenced_article_has_an_empty_list(client: FlaskClient, add: Add, flag: str) -> None:
    add(kind="flag", flag=flag)

    assert [] == listed(client, "sudzha")


def test_a_pin_is_at_its_place(client: FlaskClient, add: Add) -> None:
    target = {"article": "final"}
    add(kind="pin", source={"article": "kursk"}, target=target, position=2)

    assert "final" == listed(client)[1]
    assert "final" != listed(client, "sudzha")[1]


def test_a_list_does_not_outlive_a_rule_in_it(
    client: FlaskClient, backend: Backend, editor: Key
) -> None:
    def add_and_read(soon: datetime) -> list[str]:
        now = datetime.now(UTC)
        rule = Rule(
            id=new_rule_id(now),
            kind="block",
            target={"article": "sudzha"},
            created_at=now,
            expires_at=soon,
        )
        backend.store.rulebook.add("main", rule, Editor("k"), now)
        return listed(client)

    before = before_and_at(add_and_read)

    assert ("sudzha" in before, "sudzha" in listed(client)) == (False, True)


# Malformed input

HOSTILE = [
    b"",
    b"\xff\xfe",
    b"null",
    b"5",
    b"NaN",
    b'{"kind": "block"',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"target": ' + b"[" * 300 + b"]" * 300 + b"}",
    b'{"kind": "block", "kind": "pin"}',
    b'{"kind": "block", "target": {"article": "\\ud800"}}',
    b'{"kind": "block", "target": {"section": "\\u0000"}, "note": "\\udfff"}',
    b'{"kind": "pin", "target": {"article": "a"}, "position": ' + b"9" * 5000 + b"}",
    b'{"kind": "boost", "target": {"article": "a"}, "factor": 1e999}',
    b'{"kind": "boost", "target": {"article": "a"}, "factor": NaN}',
    b'{"kind": {"$gt": ""}, "target": {"article": "a"}}',
    '{"kind": "block", "target": {"article": "a"}}'.encode("utf-16"),
    orjson.dumps(BLOCK | {"note": "x" * 3_000_000}),
    orjson.dumps(BLOCK | {"note": "x" * 30_000}),
    orjson.dumps(BLOCK | {"expires_at": "9" * 10_000}),
    orjson.dumps(BLOCK | {"expires_at": "99999w"} | {"author": "x" * 201}),
    orjson.dumps({"blocks": [{"article": "a", "note": "<" * 20_001}]}),
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize(("method", "path"), [("POST", RULES), ("PUT", OVERRIDES)])
def test_malformed_bodies_are_refused(
    client: FlaskClient, editor: Key, backend: Backend, method: str, path: str, body: bytes
) -> None:
    response = client.open(path, method=method, data=body, headers=editor)

    assert response.status_code in (400, 413)
    assert "application/problem+json" == response.content_type
    assert {} == backend.store.rulebook.read("main").rules


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)
VALUES = JSON | st.sampled_from(["pin", "block", "flag", "legal", {"article": "budget"}, 1, "7d"])
FIELDS = st.sampled_from([*Rule.model_fields])
ENTRIES = st.lists(
    st.dictionaries(FIELDS | st.sampled_from(["article", "section", "everywhere"]), VALUES),
    max_size=2,
)
GROUPS = st.sampled_from(["pins", "blocks", "boosts", "buries", "flags", "author", "revision"])


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(JSON | st.dictionaries(FIELDS, VALUES), JSON | st.dictionaries(GROUPS, ENTRIES | VALUES))
def test_any_json_is_accepted_or_refused_with_a_reason(
    client: FlaskClient, editor: Key, rule: object, overrides: object
) -> None:
    answers = [
        client.post(RULES, data=encoded(rule), headers=editor),
        client.put(OVERRIDES, data=encoded(overrides), headers=editor),
    ]

    assert {answer.status_code for answer in answers} <= {200, 201, 400}


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


# Damage


def test_a_damaged_rule_is_skipped(
    client: FlaskClient, editor: Key, raw_redis: "redis.Redis", add: Add
) -> None:
    good, bad = add(), add(target={"article": "budget"})
    raw_redis.hset("see:{main}:rules", bad["id"], b"rubbish")
    add(target={"article": "final"})

    rules = client.get(RULES, headers=editor).json["items"]

    assert good in rules
    assert bad not in rules
    assert "sudzha" not in listed(client)


def test_a_draft_uses_the_rules_of_its_article(client: FlaskClient, add: Add, key: Key) -> None:
    add(kind="block", source={"article": "kursk"}, target={"article": "sudzha"})
    add(kind="flag", source=None, target={"article": "budget"}, flag="no_related")
    lists = {
        draft_of: client.post(
            "/v1/main/related",
            json={"id": draft_of, "title": "Sudzha and Kursk", "body": "Talks about Sudzha."},
            headers=key,
        ).json["items"]
        for draft_of in ("kursk", "budget")
    }

    assert "sudzha" not in [item["id"] for item in lists["kursk"]]
    assert [] == lists["budget"]
