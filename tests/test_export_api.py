"""Everything back out over HTTP: what an import reads as the same articles."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
import redis
from flask.testing import FlaskClient
from news import STORIES, article

from recommender.backend import Backend
from recommender.errors import StoreUnavailable
from recommender.storage.article_records import article_key

Put = Callable[..., None]
Key = dict[str, str]


def test_an_export_that_is_sent_again_changes_nothing(
    client: FlaskClient, key: Key, put: Put
) -> None:
    put(*map(article, STORIES))
    put(article("markup", title="The tag <b> explained", body="Write [gallery] to show pictures."))

    answer = client.get("/v1/main/export", headers=key)
    again = client.post("/v1/main/articles", data=answer.data, headers=key)

    results = [orjson.loads(line) for line in again.data.splitlines()]
    assert {*STORIES, "markup"} == {one["id"] for one in results}
    assert {"unchanged"} == {one["status"] for one in results}


def test_an_empty_archive_has_an_empty_export(client: FlaskClient, key: Key) -> None:
    answer = client.get("/v1/main/export", headers=key)

    assert (200, b"") == (answer.status_code, answer.data)
    assert "application/x-ndjson" == answer.content_type


def test_an_export_needs_a_key(client: FlaskClient) -> None:
    assert 401 == client.get("/v1/main/export").status_code


def test_a_damaged_article_is_named_in_the_last_line(
    client: FlaskClient, key: Key, put: Put, raw_redis: redis.Redis
) -> None:
    put(article("kursk"), article("sudzha"))
    raw_redis.setrange(f"see:{{main}}:text:{article_key('main', 'kursk')}", 20, b"?")

    lines = client.get("/v1/main/export", headers=key).data.splitlines()

    assert "sudzha" == orjson.loads(lines[0])["id"]
    assert {"problem": "1 articles are damaged and left out"} == orjson.loads(lines[1])


def test_an_article_with_a_field_of_the_wrong_type_is_left_out_and_counted(
    client: FlaskClient, key: Key, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = [{"id": "kursk", "title": "t", "body": object()}, {"id": "sudzha", "title": "t"}]
    monkeypatch.setattr(backend.store, "all_articles", lambda _: iter(stored))

    lines = client.get("/v1/main/export", headers=key).data.splitlines()

    assert "sudzha" == orjson.loads(lines[0])["id"]
    assert {"problem": "1 articles are damaged and left out"} == orjson.loads(lines[1])


def test_a_store_that_goes_away_is_named_in_the_last_line(
    client: FlaskClient,
    key: Key,
    put: Put,
    backend: Backend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(article("kursk"))

    def break_off(_: str) -> Iterator[dict[str, Any]]:
        yield orjson.loads(b'{"id": "kursk", "title": "t"}')
        raise StoreUnavailable("the store does not answer")

    monkeypatch.setattr(backend.store, "all_articles", break_off)
    lines = client.get("/v1/main/export", headers=key).data.splitlines()

    assert 2 == len(lines)
    assert "not complete" in orjson.loads(lines[1])["problem"]
