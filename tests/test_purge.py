"""Articles erased for good, from a real install: no key and no file has their text afterwards."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis
from click.testing import CliRunner, Result
from desk_visit import DeskVisit, fields_of
from news import article
from servers import PATIENT_SECONDS, parent_folder
from test_backup import content
from test_embedded import end

from api.app import create_app
from api.cli.main import main
from features.analysis import analyse
from recommender.backend import Backend
from recommender.build import build
from recommender.config import Settings
from recommender.storage.embedded import lease

MARKER = "Quillfeather"
ID = "story-7"
SECRET = article(
    ID,
    title=f"{MARKER} sues the harbour board over the sluice gates",
    excerpt=f"Ms {MARKER} says that the gates were never inspected.",
    body=f"{MARKER} told the court what she saw at the sluice gates. " * 20,
    section=f"{MARKER} case",
    tags=[MARKER, "court"],
    authors=[f"Jo {MARKER}"],
    url=f"https://news.example/{MARKER.lower()}-sues",
)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="also", dir=parent_folder()) as folder:
        path = Path(folder).resolve() / "var"
        yield path
        for name in ("keeper.lock", "valkey.pid", "cache.pid"):
            end(path / name)


def settings_of(folder: Path) -> Settings:
    return Settings(data_dir=folder, store_timeout_seconds=PATIENT_SECONDS)


def run(folder: Path, *words: str) -> Result:
    environment = settings_of(folder).environment()
    return CliRunner().invoke(main, words, env=environment, catch_exceptions=False)


@contextmanager
def install(folder: Path) -> Iterator[Backend]:
    """An install in which the article has left traces wherever it can, with a worker that runs."""
    with Backend(settings_of(folder)) as backend:
        client = create_app(backend=backend).test_client()
        key = {"Authorization": f"Bearer {backend.keys.create('main', ['ingest', 'admin'])}"}
        harbour = {"title": "Sluice gates at the harbour inspected", "body": "The sluice gates."}
        for fields in (SECRET, *(article(f"other-{n}", **harbour) for n in range(4))):
            client.put(f"/v1/main/articles/{fields['id']}", json=fields, headers=key)
        client.get("/v1/main/articles/other-1/related")
        client.get(f"/v1/main/articles/{ID}/related.html")
        for kind in ("impression", "click"):
            event = {"type": kind, "article": ID, "position": 1}
            client.post("/v1/main/events", json={"events": [event]})
        refused = {**SECRET, "version": -1}
        client.post("/v1/main/articles", data=orjson.dumps(refused), headers=key)
        visit = DeskVisit(client, backend)
        visit.sign_in()
        fields = fields_of(visit.get("/article", id="other-3").text)
        pinned = visit.post(
            "/order", id="other-3", revision=fields["revision"], **{"place.1": "other-2"}
        )
        assert pinned.status_code == 303  # its note has the titles of the list before
        pin(client, key, "other-1", ID)
        pin(client, key, ID, "other-2")
        pin(client, key, "other-2", "other-3")
        build(backend.settings, backend.store, "main")
        yield backend


def pin(client: Any, key: dict[str, str], source: str, target: str) -> None:
    rule = {"kind": "pin", "source": {"article": source}, "target": {"article": target}}
    sent = {**rule, "position": 1, "author": "Kim"}
    assert client.post("/v1/main/rules", json=sent, headers=key).status_code == 201


def files_with(folder: Path, word: str) -> list[str]:
    needle = word.lower().encode()
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(path.name for path in paths if needle in path.read_bytes().lower())


def keys_with(backend: Backend, word: str) -> list[str]:
    needle = word.lower()
    names: list[str] = []
    for url in filter(None, backend._server_urls()):
        with redis.Redis.from_url(url) as client:
            kept = content(client, lambda name: True)
        names += [name for name, value in kept.items() if needle in f"{name}{value}".lower()]
    return sorted(names)


def test_the_text_is_in_no_key_and_no_file_afterwards(data_dir: Path) -> None:
    with install(data_dir) as backend:
        assert {"1.index", "appendonly.aof.1.incr.aof"} == {*files_with(data_dir, MARKER)}
        kinds = re.findall(":(card|list|text|session):", "\n".join(keys_with(backend, MARKER)))
        assert {"card", "list", "text", "session"} == {*kinds}
        purged = run(data_dir, "purge", ID)

        assert purged.exit_code == 0, purged.output
        assert [] == keys_with(backend, MARKER)
        assert [] == files_with(data_dir, MARKER)
        assert "0 have one" in purged.output
    assert [] == files_with(data_dir, MARKER)


def test_what_names_the_article_goes_and_nothing_else(data_dir: Path) -> None:
    with install(data_dir) as backend:
        before = backend.store.rulebook.read("main").rules
        run(data_dir, "purge", ID)
        rules = backend.store.rulebook.read("main").rules
        entries = backend.store.rulebook.audit.page("main", 100).entries

        assert {"see:{main}:log"} == {*keys_with(backend, f"'{ID}'"), *keys_with(backend, f":{ID}")}
        assert (4, 2) == (len(before), len(rules))
        assert any(entry.names("other-3") for entry in entries)
        assert not any(entry.names(ID) for entry in entries)


def test_a_worker_shows_it_no_more(data_dir: Path) -> None:
    with install(data_dir) as backend:
        client = create_app(backend=backend).test_client()
        shown = client.get("/v1/main/articles/other-1/related").text
        run(data_dir, "purge", ID)

        assert MARKER in shown
        assert MARKER not in client.get("/v1/main/articles/other-1/related").text
        assert 404 == client.get(f"/v1/main/articles/{ID}/related").status_code


def test_an_article_that_was_deleted_before_is_erased_from_the_files(data_dir: Path) -> None:
    with install(data_dir) as backend:
        backend.store.delete("main", ID)
        assert files_with(data_dir, MARKER)
        purged = run(data_dir, "purge", ID, "unknown")

        assert purged.exit_code == 0, purged.output
        assert [] == files_with(data_dir, MARKER) == keys_with(backend, MARKER)
        assert "not in the archive" in purged.output


def test_a_file_that_still_has_the_text_is_named(data_dir: Path) -> None:
    with install(data_dir):
        (data_dir / "damaged-then").mkdir()
        (data_dir / "damaged-then" / "copy.aof").write_text(SECRET["body"])
        purged = run(data_dir, "purge", ID)

        assert purged.exit_code == 1
        assert "damaged-then/copy.aof" in purged.output


def test_a_server_of_one_s_own_rewrites_its_files_too(data_dir: Path, tmp_path: Path) -> None:
    with lease(data_dir) as held, redis.Redis.from_url(held.url) as client:
        client.config_set("save", "3600 1")
        settings = Settings(redis_url=held.url, data_dir=tmp_path)
        with Backend(settings) as backend:
            backend.store.put("main", [analyse(SECRET)])
        client.save()
        assert {"appendonly.aof.1.incr.aof", "dump.rdb"} == {*files_with(data_dir, MARKER)}
        purged = CliRunner().invoke(main, ["purge", ID], env=settings.environment())

        assert purged.exit_code == 0, purged.output
        assert "cannot be searched from here" in purged.output
        assert [] == files_with(data_dir, MARKER)


def test_a_late_copy_does_not_bring_it_back(data_dir: Path) -> None:
    with install(data_dir) as backend:
        client = create_app(backend=backend).test_client()
        key = {"Authorization": f"Bearer {backend.keys.create('main', ['ingest'])}"}
        dated = {**SECRET, "updated_at": "2025-03-14T00:00:00Z"}
        client.put(f"/v1/main/articles/{ID}", json=dated, headers=key)
        run(data_dir, "purge", ID)

        assert 409 == client.put(f"/v1/main/articles/{ID}", json=dated, headers=key).status_code


def test_a_restore_leaves_out_what_was_purged_since(data_dir: Path, tmp_path: Path) -> None:
    with install(data_dir) as backend:
        file = run(data_dir, "backup", str(tmp_path)).output.strip()
        run(data_dir, "purge", ID)
        restored = run(data_dir, "restore", "--replace", file)

        assert restored.exit_code == 0, restored.output
        assert f"main: left out {ID}, which was purged after this backup" in restored.output
        assert [] == keys_with(backend, MARKER)
        assert [] == files_with(data_dir, MARKER)
        assert backend.store.article("main", "other-1") is not None


def test_a_later_backup_knows_what_was_purged(data_dir: Path, tmp_path: Path) -> None:
    with install(data_dir):
        old = run(data_dir, "backup", str(tmp_path / "old")).output.strip()
        run(data_dir, "purge", ID)
        new = run(data_dir, "backup", str(tmp_path / "new")).output.strip()
    elsewhere = data_dir.parent / "two"
    run(elsewhere, "restore", new)
    restored = run(elsewhere, "restore", "--replace", old)

    assert f"left out {ID}" in restored.output
    assert [] == files_with(elsewhere, MARKER)
