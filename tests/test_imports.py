"""What was imported last: when, how many, and what was wrong; never what articles say."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis
from click.testing import CliRunner
from flask.testing import FlaskClient
from news import article

from api.cli.main import main
from api.v1 import articles
from recommender.backend import Backend
from recommender.errors import FieldProblem
from recommender.ingest import MAX_PROBLEMS, ImportCounter, IngestResult
from recommender.storage.imports import MAX_CHARS, MAX_IMPORTS, Import

Key = dict[str, str]
Last = Callable[[], list[Import]]


@pytest.fixture
def send(client: FlaskClient, key: Key) -> Callable[..., int]:
    def send(*lines: Any) -> int:
        body = b"\n".join(line if isinstance(line, bytes) else orjson.dumps(line) for line in lines)
        return client.post("/v1/main/articles", data=body, headers=key).status_code

    return send


@pytest.fixture
def last(backend: Backend) -> Last:
    return lambda: backend.imports.last("main")


def test_an_upload_is_counted_with_its_first_errors(send: Callable[..., int], last: Last) -> None:
    send(article("kursk"), article("sudzha"), b"{broken")
    bad = article("", published_at="never")
    send(article("kursk"), article("sudzha", title="New", image=7), bad)
    second, first = last()

    assert "upload" == first.source == second.source
    assert (2, 0, 0, 1) == (first.added, first.changed, first.unchanged, first.refused)
    assert (0, 1, 1, 1) == (second.added, second.changed, second.unchanged, second.refused)
    assert [(3, None, "")] == [(p.line, p.id, p.field) for p in first.problems]
    assert [(3, "id"), (3, "published_at")] == [(p.line, p.field) for p in second.problems]
    assert "expected a date" in second.problems[1].reason
    assert (0, 1) == (first.warned, second.warned)


def test_no_text_of_an_article_is_kept(send: Callable[..., int], raw_redis: "redis.Redis") -> None:
    secret = "Unmistakable"
    send(
        {"id": "a", "title": secret, "body": secret, "version": secret, "language": secret},
        article("b", title=secret),
        f'{{"id": "c", "title": "{secret}'.encode(),
        [secret],
    )
    kept = b"".join(raw_redis.lrange("see:{main}:imports", 0, -1))

    assert b"version" in kept
    assert secret.encode() not in kept


def test_the_last_ones_are_kept(send: Callable[..., int], last: Last) -> None:
    for n in range(MAX_IMPORTS + 3):
        send(article(f"a{n}"), *([b"x"] * n))

    assert [*range(MAX_IMPORTS + 2, 2, -1)] == [one.refused for one in last()]


def test_of_many_errors_the_first_are_kept_and_none_is_long() -> None:
    counter = ImportCounter("x" * 1000)
    for line in range(50):
        counter.add(IngestResult(line, "i" * 500, None, [FieldProblem("/f" * 500, "r" * 500)]))
    found = counter.report()
    assert found is not None

    assert (50, MAX_PROBLEMS) == (found.refused, len(found.problems))
    assert len(found.model_dump_json()) < (3 * MAX_PROBLEMS + 1) * (MAX_CHARS + 100)


def test_nothing_at_all_is_no_import(send: Callable[..., int], last: Last) -> None:
    send()
    send(b"", b" ")

    assert [] == last()


def test_an_upload_that_is_too_long_says_so(
    send: Callable[..., int], last: Last, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(articles, "MAX_BULK_LINES", 2)
    status = send(*(article(f"a{n}") for n in range(4)))
    [found] = last()

    assert (413, "the upload was longer than the limit") == (status, found.broke_off)


@pytest.mark.parametrize(
    ("name", "content", "added", "broke_off"),
    [
        ("archive.jsonl", orjson.dumps(article("kursk")), 1, ""),
        ("cut.jsonl.gz", gzip.compress(b"x" * 9999, mtime=0)[:-10], 0, "the file cannot be read"),
    ],
)
def test_the_command_names_the_file_without_its_folder(
    last: Last,
    backend: Backend,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    content: bytes,
    added: int,
    broke_off: str,
) -> None:
    for variable, value in backend.settings.environment().items():
        monkeypatch.setenv(variable, value)
    (tmp_path / name).write_bytes(content)
    CliRunner().invoke(main, ["import", str(tmp_path / name)])
    [found] = last()

    assert (name, added, broke_off) == (found.source, found.added, found.broke_off)


def test_what_another_version_wrote_is_passed_over(
    send: Callable[..., int], last: Last, raw_redis: "redis.Redis"
) -> None:
    send(article("kursk"))
    raw_redis.lpush("see:{main}:imports", b"{}", b"\xff")

    assert ["upload"] == [one.source for one in last()]
