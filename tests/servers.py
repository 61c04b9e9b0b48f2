"""Servers for single tests, in addition to the shared one."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import redis
from flask import Flask

from api.caches.hot import HotAnswers
from api.caches.lists import ListCache
from recommender.backend import Backend
from recommender.storage.embedded import EmbeddedLease, lease

# A generous timeout for a store that is available, on a machine that may be busy.
PATIENT_SECONDS = 5.0

# A folder in memory, if the system has one: writes there do not wait for a disk.
_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 2**30


def parent_folder() -> Path | None:
    """The parent of the servers' folders; None for the system's folder of temporary files."""
    if not os.access(_MEMORY, os.W_OK) or shutil.disk_usage(_MEMORY).free < _ROOM_BYTES:
        return None  # containers often have 64 MB of it
    return _MEMORY


@contextmanager
def new_server() -> Iterator[EmbeddedLease]:
    """An embedded server in a temporary folder, whose path is short because sockets need that."""
    folder = tempfile.TemporaryDirectory(prefix="also", dir=parent_folder())
    with folder, lease(Path(folder.name) / "var") as held:
        yield held


def written_keys(client: "redis.Redis") -> set[bytes]:
    """All keys but the records of the format, which every backend writes when it starts."""
    return {key for key in client.scan_iter() if not key.endswith(b":format")}


@contextmanager
def emptied(url: str) -> Iterator["redis.Redis"]:
    """Empty a server, and return a plain client to inspect or damage its data."""
    with redis.Redis.from_url(url, driver_info=None) as client:
        client.flushall()
        yield client


def put_backend(app: Flask, backend: Backend) -> None:
    """Give an application this backend, because to build another application takes longer."""
    app.extensions["alsosee"] = backend
    app.extensions["alsosee_lists"] = ListCache(
        backend.connection,
        backend.cache_connection,
        backend.settings.list_ttl_seconds,
        backend.clock,
    )
    hot = cast(HotAnswers, app.wsgi_app)
    app.wsgi_app = HotAnswers(hot.flask, backend.store, backend.settings.sites)  # type: ignore[method-assign]


def copied(client: "redis.Redis") -> dict[bytes, bytes]:
    """A copy of all data of a server, for `put_back`."""
    return {key: client.dump(key) for key in client.scan_iter()}


def put_back(client: "redis.Redis", copy: dict[bytes, bytes]) -> None:
    """Restore a server from an older copy, as from a backup."""
    client.flushall()
    for key, record in copy.items():
        client.restore(key, 0, record)
