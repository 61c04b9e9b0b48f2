"""Whether the service lives, can answer readers, and can store articles."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from faults import stopped
from flask.testing import FlaskClient
from news import article
from servers import new_server

from api.app import create_app
from features.analysis import analyse
from recommender import disk_space
from recommender.backend import Backend
from recommender.config import Settings
from recommender.errors import StoreUnavailable
from recommender.replica import site as replica


@pytest.fixture
def server() -> Iterator["redis.Redis"]:
    """A server that a test may change."""
    with new_server() as held, redis.Redis.from_url(held.url) as client:
        yield client


@pytest.fixture
def backend(server: "redis.Redis", tmp_path: Path) -> Iterator[Backend]:
    url = f"unix://{server.connection_pool.connection_kwargs['path']}"
    settings = Settings(redis_url=url, data_dir=tmp_path, store_timeout_seconds=5)
    with Backend(settings) as backend:
        backend.store.put("main", [analyse(article("kursk"))])
        backend.site("main").sync()
        yield backend


@pytest.fixture
def client(backend: Backend) -> FlaskClient:
    return create_app(backend=backend).test_client()


def test_a_service_that_can_read_and_write_says_so(client: FlaskClient) -> None:
    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json == {"ready": True, "sites": {"main": "ready"}, "writes": "ready"}


def test_a_replica_takes_no_writes(client: FlaskClient, server: "redis.Redis") -> None:
    server.replicaof("127.0.0.1", 1)  # nothing listens there
    response = client.get("/readyz")

    assert response.json["writes"] == "the store is a replica, which takes no writes"


def test_a_store_at_its_memory_limit_takes_no_writes(
    client: FlaskClient, server: "redis.Redis"
) -> None:
    server.config_set("maxmemory", "1mb")
    response = client.get("/readyz")

    assert response.status_code == 200  # readers are answered
    assert response.json["writes"] == "the memory of the store is full"


def test_before_the_disk_is_full_there_are_no_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Backend(Settings(data_dir=tmp_path, store_timeout_seconds=5)) as backend:
        backend.site("main").sync()
        monkeypatch.setattr(disk_space, "RESERVE_BYTES", shutil.disk_usage(tmp_path).total)
        monkeypatch.setattr(disk_space, "RESERVE_SHARE", 1.0)
        response = create_app(backend=backend).test_client().get("/readyz")

    assert response.status_code == 200
    assert response.json["writes"].startswith("the disk is nearly full")


def test_a_store_that_is_away_is_ready_for_nothing(tmp_path: Path) -> None:
    with new_server() as held:
        settings = Settings(redis_url=held.url, data_dir=tmp_path)
        with Backend(settings) as backend, stopped(held.url):
            response = create_app(backend=backend).test_client().get("/readyz")

    assert response.status_code == 503
    assert "ready" not in (response.json["sites"]["main"], response.json["writes"])


def test_a_look_at_the_readiness_writes_nothing(client: FlaskClient, server: "redis.Redis") -> None:
    before = server.info("persistence")["aof_current_size"]
    for _ in range(20):
        client.get("/readyz")

    assert server.info("persistence")["aof_current_size"] == before


def test_while_another_thread_loads_the_archive_no_reader_waits_for_it(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "BUSY_WAIT_SECONDS", 3600.0)
    loading = replica.SiteReplica("main", backend.store)
    with loading._lock, pytest.raises(StoreUnavailable, match="still being loaded"):
        loading.sync()


def test_a_reader_waits_for_a_thread_that_changes_the_archive(backend: Backend) -> None:
    loaded = backend.site("main")
    with loaded._lock:
        reader = threading.Thread(target=loaded.sync)
        reader.start()
        reader.join(3 * replica.LOADING_WAIT_SECONDS)
        waits = reader.is_alive()
    reader.join(30)

    assert waits
    assert not reader.is_alive()
