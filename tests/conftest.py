"""Fixtures. Every test has a real store, an embedded server that is emptied before the test."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis
import structlog
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings as properties
from servers import PATIENT_SECONDS, emptied, new_server, put_backend
from structlog.testing import capture_logs

from api.app import create_app
from recommender.backend import Backend
from recommender.config import Settings
from recommender.pipeline.warm import warm

# The time of an example depends on how busy the machine is, so it is no criterion.
properties.register_profile("suite", deadline=None)
properties.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse test names with a set, whose order differs between the processes of one run."""
    for item in items:
        values = item.callspec.params.values() if hasattr(item, "callspec") else ()
        sets = (value for value in values if isinstance(value, set | frozenset) and len(value) > 1)
        if any(repr(value) in item.name for value in sets):
            raise pytest.UsageError(f"{item.nodeid}: give this case an id that has an order")


def pytest_collection_finish() -> None:
    """Exempt collected tests from garbage collection, because they live until the end."""
    gc.freeze()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with new_server() as held:
        yield held.url


@pytest.fixture
def raw_redis(redis_url: str) -> Iterator["redis.Redis"]:
    with emptied(redis_url) as client:
        yield client


@pytest.fixture
def settings(redis_url: str, raw_redis: "redis.Redis", tmp_path: Path, patience: float) -> Settings:
    return Settings(
        redis_url=redis_url,
        sites=("main", "other"),
        data_dir=tmp_path,
        store_timeout_seconds=patience,
    )


@pytest.fixture
def patience() -> float:
    """The seconds that a read of the store may take, see `faults.hurried`."""
    return PATIENT_SECONDS


@pytest.fixture
def backend(settings: Settings) -> Iterator[Backend]:
    with Backend(settings) as backend:
        yield backend


@pytest.fixture(scope="session")
def one_app(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application for all tests: to compile its routes takes longer than most tests."""
    folder = tmp_path_factory.mktemp("one-app")
    with Backend(Settings(redis_url=redis_url, data_dir=folder)) as backend:
        yield create_app(backend=backend)


@pytest.fixture
def app(one_app: Flask, backend: Backend) -> Flask:
    """The shared application, with this test's backend. A test that adds routes builds its own."""
    put_backend(one_app, backend)
    return one_app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def key(backend: Backend) -> dict[str, str]:
    """The header with an admin key of site `main`."""
    return {"Authorization": f"Bearer {backend.keys.create('main', ['ingest', 'admin'])}"}


@pytest.fixture
def put(client: FlaskClient, key: dict[str, str]) -> Callable[..., None]:
    """Store articles by one request: `put(article("kursk"), article("sudzha"))`."""

    def store(*articles: dict[str, Any]) -> None:
        if len(articles) == 1:
            path = f"/v1/main/articles/{articles[0]['id']}"
            assert client.put(path, json=articles[0], headers=key).status_code in (200, 201)
            return
        lines = b"\n".join(orjson.dumps(fields) for fields in articles)
        answer = client.post("/v1/main/articles", data=lines, headers=key)
        statuses = [orjson.loads(line)["status"] for line in answer.data.splitlines()]
        assert len(articles) == len(statuses)
        assert set(statuses) <= {"added", "changed", "unchanged"}

    return store


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """Restore the configuration of the log, which a command in this process may change."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture
def logged(_logging: None) -> Iterator[Callable[[], set[str]]]:
    """The events in the log since the test began, without their fields."""
    structlog.reset_defaults()  # or some levels would be filtered out
    with capture_logs() as entries:
        yield lambda: {entry["event"] for entry in entries}


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Compile everything before the first test, so that no test waits for the compiler."""
    warm()
