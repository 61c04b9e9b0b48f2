"""Before the disk is full, what can be made again stops, then writes; readers go on."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from news import article

from api.app import create_app
from recommender import disk_space
from recommender.backend import Backend
from recommender.config import Settings
from recommender.disk_space import DiskSpace

KURSK = "/v1/main/articles/kursk"


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    """An install with its own store."""
    with Backend(Settings(data_dir=tmp_path, store_timeout_seconds=5)) as backend:
        yield backend


@pytest.fixture
def key(backend: Backend) -> dict[str, str]:
    return {"Authorization": f"Bearer {backend.keys.create('main', ['ingest'])}"}


@pytest.fixture
def client(backend: Backend, key: dict[str, str]) -> FlaskClient:
    client = create_app(backend=backend).test_client()
    for name in ("kursk", "sudzha", "ceasefire"):
        assert put(client, key, name) == 201
    return client


def put(client: FlaskClient, key: dict[str, str], name: str) -> int:
    return client.put(f"/v1/main/articles/{name}", json=article(name), headers=key).status_code


def reserve(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Keep so many bytes of the disk free."""
    monkeypatch.setattr(disk_space, "RESERVE_BYTES", size)
    monkeypatch.setattr(disk_space, "RESERVE_SHARE", 1.0)


def test_while_the_disk_is_nearly_full_nothing_is_stored_and_the_answer_says_why(
    client: FlaskClient, key: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve(monkeypatch, shutil.disk_usage(tmp_path).total)
    refused = [
        client.put(KURSK, json=article("kursk", title="Changed"), headers=key),
        client.post("/v1/main/articles", data=b'{"id": "a", "title": "A"}', headers=key),
        client.post(
            "/v1/main/events",
            json={"events": [{"type": "click", "article": "kursk", "position": 1}]},
        ),
    ]
    monkeypatch.undo()

    assert {response.status_code for response in refused} == {503}
    assert {response.json["detail"] for response in refused} == {
        "the disk is nearly full: nothing is stored until there is room"
    }
    assert all(int(response.headers["Retry-After"]) > 0 for response in refused)
    assert put(client, key, "budget") == 201


def test_while_the_disk_is_nearly_full_readers_get_new_lists_and_deletes_work(
    client: FlaskClient, key: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve(monkeypatch, shutil.disk_usage(tmp_path).total)
    deleted = client.delete("/v1/main/articles/sudzha", headers=key)
    lists = [client.get(f"{KURSK}/related?limit={limit}") for limit in (1, 2, 3)]

    assert deleted.status_code == 204
    assert {response.status_code for response in lists} == {200}
    assert "sudzha" not in lists[-1].text


def test_index_files_stop_before_writes_do(
    backend: Backend,
    client: FlaskClient,
    key: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reserve(monkeypatch, shutil.disk_usage(tmp_path).free // 2)
    backend.builder.start("main")

    assert DiskSpace(tmp_path).allows_writes
    assert not DiskSpace(tmp_path).allows_caching
    assert not backend.builder.run("main")
    assert not (tmp_path / "index").exists()
    assert put(client, key, "budget") == 201


def test_the_disk_of_a_server_elsewhere_is_not_known(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = backend._server_urls()
    reserve(monkeypatch, shutil.disk_usage(tmp_path).total)
    settings = Settings(redis_url=url, data_dir=tmp_path / "elsewhere", store_timeout_seconds=5)
    with Backend(settings) as other:
        key = {"Authorization": f"Bearer {other.keys.create('main', ['ingest'])}"}

        assert put(create_app(backend=other).test_client(), key, "kursk") == 201


def test_a_folder_that_is_not_there_stops_nothing(tmp_path: Path) -> None:
    assert DiskSpace(tmp_path / "nowhere").allows_writes
