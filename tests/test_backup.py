"""Backup and restore, between real servers."""

import io
import re
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis
from click.testing import CliRunner
from flask.testing import FlaskClient
from news import STORIES, article
from servers import PATIENT_SECONDS, emptied, new_server

from api.app import create_app
from api.cli.main import main
from recommender.backend import Backend
from recommender.config import Settings
from recommender.errors import Conflict, CorruptRecord
from recommender.storage.backup import dump, restore
from recommender.storage.backup_lines import check
from recommender.zstandard import zstd

Put = Callable[..., None]
SITES = ("main", "other")
CLICK = {"type": "click", "article": "sudzha", "position": 1}


def ignore(_: int) -> None:
    """No progress is shown here."""


@pytest.fixture(scope="module")
def other_url() -> Iterator[str]:
    with new_server() as server:
        yield server.url


@pytest.fixture
def elsewhere(other_url: str, tmp_path: Path) -> Iterator[Backend]:
    """An install with an empty store of its own."""
    settings = Settings(
        redis_url=other_url,
        sites=SITES,
        data_dir=tmp_path / "elsewhere",
        store_timeout_seconds=PATIENT_SECONDS,
    )
    with emptied(other_url), Backend(settings) as backend:
        yield backend


@pytest.fixture
def full(client: FlaskClient, key: dict[str, str], put: Put, backend: Backend) -> Backend:
    """An install in which everything has happened once."""
    put(*map(article, STORIES))
    put(article("kursk", title="Kursk, edited", url="https://news.example/kursk"))
    put(article("twin", url="https://news.example/kursk", published_at="2025-04-01T00:00:00Z"))
    client.delete("/v1/main/articles/ceasefire", headers=key)
    rule = {"kind": "pin", "source": {"article": "kursk"}, "target": {"article": "sudzha"}}
    answers = [
        client.post("/v1/main/rules", json={**rule, "position": 1, "author": "Kim"}, headers=key),
        client.put("/v1/main/settings", json={"site": {"limit": 3}, "author": "Kim"}, headers=key),
        client.post("/v1/main/events", json={"events": [CLICK]}),
    ]
    assert [answer.text for answer in answers if answer.status_code >= 300] == []
    client.get("/v1/main/articles/kursk/related")
    return backend


def backed_up(backend: Backend) -> list[bytes]:
    return list(dump(backend.connection, SITES, ignore))


def content(client: "redis.Redis", is_kept: Callable[[str], bool]) -> dict[str, Any]:
    """What a server holds, by key; hashes and streams as Python has them."""
    kinds: dict[bytes, Callable[[str], Any]] = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"stream": client.xrange,
        b"list": lambda key: client.lrange(key, 0, -1),
    }
    names = sorted(key.decode() for key in client.scan_iter())
    return {name: kinds[client.type(name)](name) for name in names if is_kept(name)}


def is_no_cache(name: str) -> bool:
    return ":list:" not in name and not name.startswith("see:session")


def test_a_restored_install_holds_the_same(
    full: Backend, elsewhere: Backend, raw_redis: "redis.Redis", other_url: str
) -> None:
    restore(elsewhere.connection, backed_up(full), False, ignore)
    with redis.Redis.from_url(other_url) as other:
        restored = content(other, is_no_cache)

    assert content(raw_redis, is_no_cache) == restored
    assert {"see:keys", "see:{main}:audit", "see:{main}:settings"} <= restored.keys()


def test_lists_rules_and_keys_are_as_before(
    full: Backend, elsewhere: Backend, client: FlaskClient, key: dict[str, str]
) -> None:
    restore(elsewhere.connection, backed_up(full), False, ignore)
    there = create_app(backend=elsewhere).test_client()
    paths = ("articles/kursk/related", "articles/sudzha/related?limit=50", "recent")

    for path in paths:
        assert client.get(f"/v1/main/{path}").json == there.get(f"/v1/main/{path}").json
    assert there.get("/v1/main/rules", headers=key).json == (
        client.get("/v1/main/rules", headers=key).json
    )


def test_a_restored_delete_is_not_undone_by_a_late_copy(full: Backend, elsewhere: Backend) -> None:
    restore(elsewhere.connection, backed_up(full), False, ignore)
    statuses = [put_again(backend, "ceasefire") for backend in (full, elsewhere)]

    assert statuses[0] == statuses[1]


def put_again(backend: Backend, article_id: str) -> int:
    key = {"Authorization": f"Bearer {backend.keys.create('main', ['ingest'])}"}
    client = create_app(backend=backend).test_client()
    path = f"/v1/main/articles/{article_id}"
    return client.put(path, json=article(article_id), headers=key).status_code


def test_a_running_worker_shows_the_restored_archive(full: Backend, elsewhere: Backend) -> None:
    there = create_app(backend=elsewhere).test_client()
    assert there.get("/v1/main/articles/kursk/related").status_code == 404
    restore(elsewhere.connection, backed_up(full), False, ignore)

    assert there.get("/v1/main/articles/kursk/related").status_code == 200


def test_a_backup_during_writes_is_of_one_version(
    full: Backend, elsewhere: Backend, put: Put, raw_redis: "redis.Redis", other_url: str
) -> None:
    put(*(article(f"filler-{n}", title=f"Filler number {n}") for n in range(1_200)))
    lines: list[bytes] = []
    rounds = iter(range(10_000))

    def write_between(_: int) -> None:  # between two batches, as another process would
        for _ in range(3):
            n = next(rounds)
            put(article(f"filler-{n}", title=f"Filler number {n}, changed"))
            full.store.delete("main", f"filler-{1_199 - n}")
            put(article(f"new-{n}", title=f"New number {n}"))

    lines = list(dump(full.connection, SITES, write_between))
    restore(elsewhere.connection, lines, False, ignore)
    with redis.Redis.from_url(other_url) as other:
        restored = content(other, is_no_cache)

    assert next(rounds) > 6
    assert content(raw_redis, is_no_cache) == restored


def test_writers_that_never_pause_do_not_keep_a_backup_from_its_end(
    full: Backend, elsewhere: Backend, put: Put
) -> None:
    stop = threading.Event()

    def write() -> None:
        for n in range(100_000):
            if stop.is_set():
                return
            full.store.delete("main", f"none-{n}", revision=n)
            full.keys.create("main", ["look"])

    thread = threading.Thread(target=write)
    thread.start()
    try:
        lines = backed_up(full)
    finally:
        stop.set()
        thread.join()

    assert check(lines) == list(SITES)


@pytest.mark.parametrize("lost", [0, 1, 2, 5])
def test_a_backup_that_was_cut_is_refused(full: Backend, lost: int) -> None:
    lines = backed_up(full)
    cut = [*lines[:-2], lines[-1]] if lost == 0 else lines[:-lost]

    with pytest.raises(CorruptRecord, match="cut or damaged"):
        check(cut)


def test_a_changed_byte_is_noticed(full: Backend) -> None:
    lines = backed_up(full)
    longest = max(range(len(lines)), key=lambda number: len(lines[number]))
    place = len(lines[longest]) // 2
    other = b"A" if lines[longest][place : place + 1] != b"A" else b"B"
    lines[longest] = lines[longest][:place] + other + lines[longest][place + 1 :]

    with pytest.raises(CorruptRecord):
        check(lines)


@pytest.mark.parametrize("lines", [[], [b"\n"], [b"{}\n"], [b"[]\n", b"[]\n"], [b"no\n", b"{}\n"]])
def test_what_is_no_backup_is_refused(lines: list[bytes]) -> None:
    with pytest.raises(CorruptRecord):
        check(lines)


def b64(text: str) -> str:
    return b64encode(text.encode()).decode()


HEADER = {"alsosee_backup": 1, "created_at": "2026-12-01T00:00:00+00:00", "sites": ["main"]}
HEADS = "see:{main}:heads"
PAIR = [b64("field"), b64("value")]
HOSTILE: dict[str, tuple[object, ...]] = {
    "a key of another site": (HEADER, {"key": "see:{other}:settings", "string": b64("x")}),
    "a session": (HEADER, {"key": "see:session:" + "a" * 64, "string": b64("{}")}),
    "a key of another program": (HEADER, {"key": "anything", "string": b64("x")}),
    "a hash that is none": (HEADER, {"key": HEADS, "hash": 5}),
    "a value that is none": (HEADER, {"key": HEADS, "hash": {b64("a"): 5}}),
    "no base64": (HEADER, {"key": HEADS, "hash": {"!!!": "???"}}),
    "a key that is none": (HEADER, {"key": 5, "string": b64("x")}),
    "no content": (HEADER, {"key": HEADS}),
    "two contents": (HEADER, {"key": HEADS, "hash": {}, "string": b64("x")}),
    "an entry without an id": (HEADER, {"key": "see:{main}:log", "stream": [["x", []]]}),
    "a field without a value": (HEADER, {"key": "see:{main}:log", "stream": [["1-0", [b64("a")]]]}),
    "a version that is none": (HEADER, {"key": "see:{main}:version", "string": b64("-5")}),
    "a time that is none": (HEADER, {"key": HEADS, "hash": {}, "expires_in": "soon"}),
    "an endless time": (HEADER, {"key": HEADS, "hash": {}, "expires_in": 2**63}),
    "an entry without fields": (HEADER, {"key": "see:{main}:log", "stream": [["1-0", []]]}),
    "an entry at no time": (HEADER, {"key": "see:{main}:log", "stream": [["0-0", PAIR]]}),
    "an id of too many bits": (HEADER, {"key": "see:{main}:log", "stream": [[f"{2**64}-0", PAIR]]}),
    "entries backwards": (
        HEADER,
        {"key": "see:{main}:log", "stream": [["2-0", PAIR]]},
        {"key": "see:{main}:log", "stream": [["1-0", PAIR]]},
    ),
    "a key of two kinds": (
        HEADER,
        {"key": "see:{main}:rules", "hash": {b64("a"): b64("b")}},
        {"key": "see:{main}:rules", "string": b64("x")},
    ),
    "heads that are a text": (HEADER, {"key": HEADS, "string": b64("x")}),
    "a card that is a hash": (HEADER, {"key": "see:{main}:card:a", "hash": {b64("a"): b64("b")}}),
    "a list": (HEADER, []),
    "no sites": ({**HEADER, "sites": 5}, {"key": HEADS, "hash": {}}),
    "a site that is none": ({**HEADER, "sites": [5]}, {"key": HEADS, "hash": {}}),
    "no date": ({**HEADER, "created_at": "yesterday"}, {"key": HEADS, "hash": {}}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_backup_that_another_hand_wrote_is_refused_as_a_whole(name: str) -> None:
    lines = [orjson.dumps(line) + b"\n" for line in HOSTILE[name]]
    digest = sha256(b"".join(lines)).hexdigest()
    lines.append(orjson.dumps({"lines": len(lines), "sha256": digest}) + b"\n")

    with pytest.raises(CorruptRecord, match="no backup that Also See wrote"):
        check(lines)


def test_a_line_without_an_end_is_refused(
    elsewhere: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.cli.restore.MAX_LINE_BYTES", 100_000)
    file = tmp_path / "bomb.zst"
    file.write_bytes(zstd.compress(bytes(50_000_000)))
    refused = run(elsewhere.settings, monkeypatch, "restore", str(file))

    assert (refused.exit_code, "no backup that Also See wrote" in refused.output) == (1, True)


@pytest.mark.parametrize("kind", ["card", "text", "vector"])
def test_one_damaged_record_stops_no_restore(
    full: Backend, elsewhere: Backend, raw_redis: "redis.Redis", kind: str
) -> None:
    damaged = next(raw_redis.scan_iter(f"see:{{main}}:{kind}:*"))
    raw_redis.setrange(damaged, 9, "~~~")
    [summary, _] = restore(elsewhere.connection, backed_up(full), False, ignore)

    assert summary.articles == full.store.count("main") - 1  # without the deleted one


def test_nothing_is_overwritten_unless_asked(full: Backend, elsewhere: Backend) -> None:
    lines = backed_up(full)
    restore(elsewhere.connection, lines, False, ignore)

    with pytest.raises(Conflict, match="--replace"):
        restore(elsewhere.connection, lines, False, ignore)


def test_replacing_leaves_nothing_of_before(
    full: Backend, elsewhere: Backend, raw_redis: "redis.Redis", other_url: str
) -> None:
    there = create_app(backend=elsewhere).test_client()
    key = {"Authorization": f"Bearer {elsewhere.keys.create('main', ['ingest'])}"}
    there.put("/v1/main/articles/only-here", json=article("only-here"), headers=key)
    restore(elsewhere.connection, backed_up(full), True, ignore)
    with redis.Redis.from_url(other_url) as other:
        restored = content(other, lambda name: is_no_cache(name) and name != "see:keys")

    assert restored == content(raw_redis, lambda name: is_no_cache(name) and name != "see:keys")


# The commands


def run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, *arguments: str, stdin: bytes = b""
) -> Any:
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    return CliRunner().invoke(main, arguments, input=io.BytesIO(stdin))


def test_the_commands_write_a_file_and_read_it(
    full: Backend, elsewhere: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = run(full.settings, monkeypatch, "backup", str(tmp_path / "backups"))
    file = Path(written.output.strip())
    restored = run(elsewhere.settings, monkeypatch, "restore", str(file))

    assert [file] == list((tmp_path / "backups").iterdir())
    assert file.stat().st_mode & 0o777 == 0o600
    assert restored.exit_code == 0
    articles = full.store.count("main") - 1  # without the deleted one
    assert f"main: {articles} articles, version {full.store.change_log.version('main')}" in (
        restored.output
    )


def test_a_backup_goes_through_a_pipe(
    full: Backend, elsewhere: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = run(full.settings, monkeypatch, "backup", "-")
    packed = written.stdout_bytes
    restored = run(elsewhere.settings, monkeypatch, "restore", "-", stdin=packed)

    assert check(zstd.decompress(packed).splitlines(keepends=True)) == list(SITES)
    assert restored.exit_code == 0


def test_a_damaged_file_changes_nothing(
    full: Backend, elsewhere: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = run(full.settings, monkeypatch, "backup", "-").stdout_bytes
    file = tmp_path / "cut.zst"
    file.write_bytes(packed[: len(packed) // 2])
    restored = run(elsewhere.settings, monkeypatch, "restore", str(file), "--replace")

    assert restored.exit_code == 1
    assert elsewhere.store.count("main") == 0


def test_the_walk_of_the_documents_works(
    full: Backend, elsewhere: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (Path(__file__).parents[1] / "docs" / "backup.md").read_text()
    night, disaster, erasing, damage = (
        [line[2:].split()[1:] for line in block.splitlines() if line.startswith("$ ")]
        for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    )
    assert night == [["backup", "/backups"]]
    assert [command[0] for command in disaster] == ["restore", "doctor", "serve"]
    assert erasing == [["purge", "kursk"]]  # test_purge.py has it
    assert damage == [["repair"]]  # test_repair.py has it

    written = run(full.settings, monkeypatch, "backup", str(tmp_path))
    restored = run(elsewhere.settings, monkeypatch, "restore", written.output.strip())
    doctor = run(elsewhere.settings, monkeypatch, "doctor")

    assert restored.output.startswith("main: ")
    assert "no API key" not in doctor.output
