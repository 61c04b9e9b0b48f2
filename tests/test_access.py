"""Keys: who may write what, and that a stolen copy of the store opens nothing."""

import hmac
import re
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from news import article

from recommender.errors import NotFound

PATH = "/v1/main/articles/kursk"


@pytest.fixture
def keys(backend):
    return backend.keys


def everything_in(raw_redis) -> bytes:
    """All keys and values of the server, one after the other."""
    found = []
    for name in raw_redis.scan_iter():
        kind = raw_redis.type(name)
        read = {b"hash": raw_redis.hgetall, b"string": raw_redis.get, b"stream": raw_redis.xrange}
        found.append(name + repr(read[kind](name)).encode())
    return b"\n".join(found)


def digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def secret_of(key: str) -> str:
    return key[len("as_00000000_") :]


def authorization(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_a_key_says_what_it_is_for(keys):
    grant = keys.grant(keys.create("main", ["ingest", "edit"], "the CMS"))

    assert ("main", ("edit", "ingest"), "the CMS") == (grant.site, grant.scopes, grant.note)


def test_a_key_holds_256_random_bits_after_its_name(keys):
    created = {keys.create("main", ["edit"]) for _ in range(50)}

    assert 50 == len({re.fullmatch(r"as_[0-9a-f]{8}_([\w-]{43})", key)[1] for key in created})


def test_the_store_holds_only_the_digest_of_a_key(keys, raw_redis, client):
    key = keys.create("main", ["ingest"])
    client.put(PATH, json=article(), headers=authorization(key))
    stored = everything_in(raw_redis)

    assert digest(key).encode() in stored
    assert secret_of(key).encode() not in stored


def test_digests_are_compared_in_constant_time(keys, monkeypatch):
    compare, compared = hmac.compare_digest, []

    def note_and_compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return compare(one, other)

    key = keys.create("main", ["ingest"])
    monkeypatch.setattr(hmac, "compare_digest", note_and_compare)
    keys.grant(f"{key[:-1]}!")

    assert [(digest(key), digest(f"{key[:-1]}!"))] == compared


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key[:-1],
        lambda key: key + "a",
        lambda key: key.upper(),
        lambda key: key.removesuffix(secret_of(key)),
        lambda key: key[:12],
        lambda key: key.removeprefix("as_"),
        lambda key: f"{key} ",
        lambda key: f"{key[:-1]}é",
        lambda key: f"{key[:-1]}\ud800",
        lambda key: f"{key}\0",
        lambda key: f"as__{secret_of(key)}",
        lambda key: f"as_*_{secret_of(key)}",
        lambda key: key * 1000,
    ],
)
def test_a_key_that_differs_at_all_is_none(keys, change):
    assert keys.grant(change(keys.create("main", ["ingest"]))) is None


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@example("")
@example("as_")
@example("as__")
@example("\0" * 300)
@given(st.text() | st.text().map("as_{}".format) | st.text().map("as_00000000_{}".format))
def test_no_rubbish_is_a_key(keys, rubbish):
    assert keys.grant(rubbish) is None


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer as_",
        "Bearer \xff\xfe",
        "Bearer as_00000000_" + "a" * 43,
        "Bearer " + "a" * 5000,
        "Basic YWRtaW46YWRtaW4=",
        "as_00000000_" + "a" * 43,
    ],
)
def test_rubbish_instead_of_a_key_is_refused_like_no_key(client, header):
    headers = {} if header is None else {"Authorization": header}
    response = client.put(PATH, json=article(), headers=headers)

    assert (401, "application/problem+json") == (response.status_code, response.content_type)


def test_a_revoked_key_is_refused_by_the_next_request(client, keys):
    headers = authorization(keys.create("main", ["ingest"]))
    before = client.put(PATH, json=article(), headers=headers).status_code
    keys.revoke(keys.all()[0].key_id)

    assert (201, 401) == (before, client.put(PATH, json=article(), headers=headers).status_code)


def test_revoking_one_key_leaves_the_others(keys):
    one, other = keys.create("main", ["edit"]), keys.create("main", ["edit"])
    keys.revoke(one.split("_")[1])

    assert [other.split("_")[1]] == [grant.key_id for grant in keys.all()]
    assert keys.grant(other)


def test_a_key_cannot_be_revoked_twice(keys):
    with pytest.raises(NotFound, match="no key 'deadbeef'"):
        keys.revoke("deadbeef")


@pytest.mark.parametrize(
    ("site", "scopes", "status"),
    [
        ("main", ["ingest"], 201),
        ("main", ["edit"], 403),
        ("main", [], 403),
        ("other", ["ingest", "edit"], 403),
        ("elsewhere", ["ingest"], 403),
    ],
)
def test_a_key_opens_one_site_and_what_its_scopes_name(client, keys, site, scopes, status):
    headers = authorization(keys.create(site, scopes))

    assert status == client.put(PATH, json=article(), headers=headers).status_code


def test_the_list_of_keys_shows_no_secret(keys):
    key = keys.create("main", ["ingest"], "the CMS")
    shown = repr(keys.all())

    assert "the CMS" in shown
    assert secret_of(key) not in shown
    assert digest(key) not in shown
