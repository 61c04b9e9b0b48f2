"""Articles over HTTP: stored and read singly and in bulk, with any id and in any order."""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
import pytest
import redis
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from news import article

from recommender.backend import Backend
from recommender.config import Settings
from recommender.storage.embedded import lease

Put = Callable[..., None]
Key = dict[str, str]

ROOT = Path(__file__).parents[1]
HOSTILE_IDS = [
    "2014/03/19/hello-world",
    "a:b",
    "*",
    "a[bc]*?",
    "{x}",
    "a}{b",
    "..",
    ".",
    "../../etc/passwd",
    "%2F",
    "%252e%252e",
    "%",
    "\u200fabc",
    "\u202egpj",
    "/leading",
    "//",
    "trailing/",
    "double//slash",
    "x/related",
    "x/related.html",
    "related",
    "related.html",
    "related/related",
    "?q=1",
    "#fragment",
    "a?b#c&d=e;f",
    "a b",
    "+",
    "a+b",
    " ",
    " padded ",
    "ä",
    "a\u0308",
    "جنگ",
    "北京",
    "🙂",
    "a\\b",
    '"quoted"',
    "'",
    "<script>",
    "null",
    "0",
    "-1",
    "x" * 512,
    "語" * 170,
    "see:{main}:version",
]


def path_of(article_id: str, suffix: str = "") -> str:
    return f"/v1/main/articles/{quote(article_id, safe='')}{suffix}"


def named(article_id: str, **fields: Any) -> dict[str, Any]:
    """The bulk line of an article, whose id a URL could not contain."""
    return article(article_id, url=None, **fields)


def ndjson(*lines: object) -> bytes:
    return b"\n".join(line if isinstance(line, bytes) else orjson.dumps(line) for line in lines)


# One article


def test_an_article_is_returned_as_it_was_stored(client: FlaskClient, key: Key, put: Put) -> None:
    stored = {
        "id": "kursk",
        "title": "Russia retakes villages",
        "body": "First paragraph.\n\nSecond paragraph.",
        "url": "https://news.example/kursk",
        "excerpt": "A summary.",
        "published_at": "2025-03-13T07:12:44Z",
        "updated_at": "2025-03-13T08:00:00Z",
        "section": "World",
        "tags": ["Ukraine", "Kursk"],
        "authors": ["Ana Ruiz"],
        "language": "en",
        "image": {"url": "https://news.example/a.jpg", "width": 8, "height": 5, "alt": "A flag"},
        "version": 3,
    }
    put(stored)

    assert stored == client.get(path_of("kursk"), headers=key).json


def test_put_returns_the_outcome(client: FlaskClient, key: Key) -> None:
    answers = [
        client.put(path_of("kursk"), json=fields, headers=key)
        for fields in (article(), article(), article(title="Edited"), article(title="Edited"))
    ]

    assert [
        (201, {"id": "kursk", "outcome": "added", "version": 1, "warnings": []}),
        (200, {"id": "kursk", "outcome": "unchanged", "version": 1, "warnings": []}),
        (200, {"id": "kursk", "outcome": "changed", "version": 2, "warnings": []}),
        (200, {"id": "kursk", "outcome": "unchanged", "version": 2, "warnings": []}),
    ] == [(answer.status_code, answer.json) for answer in answers]


def test_an_identical_put_writes_nothing(
    client: FlaskClient, key: Key, raw_redis: "redis.Redis", put: Put
) -> None:
    put(article())
    before = {name: raw_redis.dump(name) for name in raw_redis.scan_iter()}
    put(article())

    assert before == {name: raw_redis.dump(name) for name in raw_redis.scan_iter()}


def test_the_id_in_the_path_is_enough(client: FlaskClient, key: Key) -> None:
    client.put(path_of("kursk"), json={"title": "Short"}, headers=key)

    assert "kursk" == client.get(path_of("kursk"), headers=key).json["id"]


@pytest.mark.parametrize("named", ["kursk", None])
def test_the_body_may_repeat_the_id(client: FlaskClient, key: Key, named: str | None) -> None:
    assert 201 == client.put(path_of("kursk"), json=article(id=named), headers=key).status_code


def test_a_number_in_the_body_is_an_id(client: FlaskClient, key: Key) -> None:
    assert 201 == client.put(path_of("4711"), json=article(id=4711), headers=key).status_code


@pytest.mark.parametrize("other", ["sudzha", "", 7, True, ["kursk"], {"id": "kursk"}])
def test_a_body_with_another_id_is_refused(client: FlaskClient, key: Key, other: object) -> None:
    response = client.put(path_of("kursk"), json=article(id=other), headers=key)

    assert (400, "/id") == (response.status_code, response.json["errors"][0]["pointer"])


def test_an_unknown_article_has_no_record(client: FlaskClient, key: Key) -> None:
    assert 404 == client.get(path_of("kursk"), headers=key).status_code


def test_a_deleted_article_has_no_record(client: FlaskClient, key: Key, put: Put) -> None:
    put(article())
    client.delete(path_of("kursk"), headers=key)

    assert 404 == client.get(path_of("kursk"), headers=key).status_code


def test_a_second_delete_changes_nothing(
    client: FlaskClient, key: Key, raw_redis: "redis.Redis", put: Put
) -> None:
    put(article())
    answers = [client.delete(path_of("kursk"), headers=key) for _ in range(2)]

    assert [(204, b"")] * 2 == [(answer.status_code, answer.data) for answer in answers]
    assert b"2" == raw_redis.get("see:{main}:version")


def test_an_unknown_article_cannot_be_deleted(client: FlaskClient, key: Key) -> None:
    assert 404 == client.delete(path_of("kursk"), headers=key).status_code


def test_stored_articles_are_not_cached(client: FlaskClient, key: Key, put: Put) -> None:
    put(article())

    assert "no-store" == client.get(path_of("kursk"), headers=key).headers["Cache-Control"]


def test_articles_belong_to_one_site(client: FlaskClient, backend: Backend, put: Put) -> None:
    other = {"Authorization": f"Bearer {backend.keys.create('other', ['ingest'])}"}
    put(article())

    assert 404 == client.get("/v1/other/articles/kursk", headers=other).status_code


def test_a_deleted_article_leaves_nothing_in_the_store(
    client: FlaskClient, key: Key, raw_redis: "redis.Redis", put: Put
) -> None:
    put(article(body="An unmistakable word."))
    client.delete(path_of("kursk"), headers=key)
    remaining = [
        name for name in raw_redis.scan_iter() if b"unmistakable" in (raw_redis.dump(name) or b"")
    ]

    assert [] == remaining


# Two writers


@pytest.mark.parametrize("ordered_by", ["version", "updated_at"])
def test_the_newer_of_two_writes_wins_in_any_order(
    client: FlaskClient, key: Key, ordered_by: str
) -> None:
    values = {"version": (1, 2), "updated_at": ("2025-03-13T08:00:00Z", "2025-03-13T08:00:00.5Z")}
    older, newer = values[ordered_by]
    late = [
        client.put(path_of("kursk"), json=article(title=title, **{ordered_by: value}), headers=key)
        for title, value in (("New", newer), ("Old", older))
    ]

    assert [201, 409] == [answer.status_code for answer in late]
    assert "New" == client.get(path_of("kursk"), headers=key).json["title"]


def test_a_conflict_gives_its_reason(client: FlaskClient, key: Key, put: Put) -> None:
    put(article(version=2))
    response = client.put(path_of("kursk"), json=article(version=1), headers=key)

    assert (409, "kursk: older than the version that is stored") == (
        response.status_code,
        response.json["detail"],
    )


def test_without_a_version_the_last_writer_wins(client: FlaskClient, key: Key, put: Put) -> None:
    put(article(title="First", version=7), article(title="Second"))

    assert "Second" == client.get(path_of("kursk"), headers=key).json["title"]


def test_a_write_without_a_version_does_not_forget_the_version(
    client: FlaskClient, key: Key, put: Put
) -> None:
    put(article(version=7), article(title="Second"))
    late = client.put(path_of("kursk"), json=article(title="Late", version=6), headers=key)

    assert 409 == late.status_code


def test_a_late_write_does_not_revive_a_deleted_article(
    client: FlaskClient, key: Key, put: Put
) -> None:
    put(article(version=2))
    client.delete(path_of("kursk"), headers=key)
    answers = [
        client.put(path_of("kursk"), json=article(version=version), headers=key).status_code
        for version in (1, 2, 3)
    ]

    assert [409, 409, 201] == answers


def test_a_delete_may_come_before_the_article(client: FlaskClient, key: Key) -> None:
    client.delete(path_of("kursk", "?version=5"), headers=key)
    answers = [
        client.put(path_of("kursk"), json=article(version=version), headers=key).status_code
        for version in (5, 6)
    ]

    assert [409, 201] == answers


def test_a_late_delete_does_not_remove_a_newer_article(
    client: FlaskClient, key: Key, put: Put
) -> None:
    put(article(version=5))
    late = client.delete(path_of("kursk", "?version=4"), headers=key)

    assert (409, 200) == (
        late.status_code,
        client.get(path_of("kursk"), headers=key).status_code,
    )


@pytest.mark.parametrize("version", ["x", "-1", "1.5", "1e3", "１２", "", "9" * 17, "1&version=2"])
def test_a_delete_of_an_invalid_version_is_refused(
    client: FlaskClient, key: Key, put: Put, version: str
) -> None:
    put(article())
    response = client.delete(path_of("kursk", f"?version={version}"), headers=key)

    assert (400, "/version") == (response.status_code, response.json["errors"][0]["pointer"])


def test_dates_before_1970_order_writers_too(client: FlaskClient, key: Key) -> None:
    answers = [
        client.put(path_of("moon"), json=article("moon", updated_at=date), headers=key).status_code
        for date in ("1969-07-20", "1969-07-21", "1969-07-19", "1969-07-22")
    ]

    assert [201, 200, 409, 200] == answers


WRITES = st.lists(
    st.tuples(st.sampled_from(["put", "delete"]), st.integers(0, 5)), min_size=1, max_size=8
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data(), WRITES)
def test_writes_converge_in_any_order_and_with_repeats(
    client: FlaskClient,
    key: Key,
    raw_redis: "redis.Redis",
    data: st.DataObject,
    writes: list[tuple[str, int]],
) -> None:
    distinct = list({version: (kind, version) for kind, version in writes}.values())
    shuffled = data.draw(st.permutations(distinct + distinct[: len(distinct) // 2]))
    results = []
    for order in (distinct, shuffled):
        raw_redis.delete("none", *raw_redis.keys("see:{main}*"))
        for kind, version in order:
            if kind == "put":
                fields = article(title=f"Version {version}", version=version)
                client.put(path_of("kursk"), json=fields, headers=key)
            else:
                client.delete(path_of("kursk", f"?version={version}"), headers=key)
        response = client.get(path_of("kursk"), headers=key)
        results.append((response.status_code, response.json.get("title")))
    kind, newest = max(distinct, key=lambda write: write[1])
    expected = (200, f"Version {newest}") if kind == "put" else (404, "Not Found")

    assert [expected] * 2 == results


def test_of_many_writers_at_once_the_newest_wins(
    client: FlaskClient, key: Key, raw_redis: "redis.Redis"
) -> None:
    def write(version: int) -> None:
        fields = article(title=f"Version {version}", version=version)
        client.application.test_client().put(path_of("kursk"), json=fields, headers=key)

    threads = [threading.Thread(target=write, args=(version,)) for version in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert "Version 7" == client.get(path_of("kursk"), headers=key).json["title"]
    assert int(raw_redis.get("see:{main}:version") or 0) == raw_redis.xlen("see:{main}:log")


# Ids


@pytest.mark.parametrize("article_id", HOSTILE_IDS)
def test_unusual_ids_survive_the_round_trip(
    client: FlaskClient, key: Key, put: Put, article_id: str
) -> None:
    put(article("sudzha"))
    statuses = [client.put(path_of(article_id), json=named(article_id), headers=key).status_code]
    answer = client.get(path_of(article_id), headers=key)
    listed = client.get(path_of(article_id, "/related"))
    beside = client.get(path_of("sudzha", "/related"))
    fragment = client.get(path_of(article_id, "/related.html"))
    statuses += [answer.status_code, listed.status_code, beside.status_code, fragment.status_code]
    statuses.append(client.delete(path_of(article_id), headers=key).status_code)
    statuses.append(client.get(path_of(article_id), headers=key).status_code)

    assert [201, 200, 200, 200, 200, 204, 404] == statuses
    assert (article_id, article_id, ["sudzha"], [article_id]) == (
        answer.json["id"],
        listed.json["source"]["id"],
        [item["id"] for item in listed.json["items"]],
        [item["id"] for item in beside.json["items"]],
    )


def test_similar_ids_are_distinct(client: FlaskClient, key: Key) -> None:
    sent = [named(name, title=f"Title {n}") for n, name in enumerate(HOSTILE_IDS)]
    client.post("/v1/main/articles", data=ndjson(*sent), headers=key)
    ambiguous = {"related", "/related", "related/related"}
    titles = {
        name: client.get(path_of(name), headers=key).json.get("title")
        for name in HOSTILE_IDS
        if name not in ambiguous
    }

    assert {
        fields["id"]: fields["title"] for fields in sent if fields["id"] not in ambiguous
    } == titles


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40))
def test_random_ids_survive_the_round_trip(client: FlaskClient, key: Key, article_id: str) -> None:
    client.put(path_of(article_id), json=named(article_id), headers=key)
    stored = client.get(path_of(article_id), headers=key).json
    client.delete(path_of(article_id), headers=key)

    assert article_id == stored["id"]


@pytest.mark.parametrize("article_id", ["x" * 513, "語" * 171, "a\nb", "a\0b", "\x7f", "\x85"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_invalid_ids_are_refused(
    client: FlaskClient, key: Key, raw_redis: "redis.Redis", article_id: str, method: str
) -> None:
    response = client.open(
        path_of(article_id), method=method, json=article(article_id), headers=key
    )

    assert (400, "/id") == (response.status_code, response.json["errors"][0]["pointer"])
    assert None is raw_redis.get("see:{main}:version")


# Many at once


def test_a_bulk_write_returns_the_outcome_of_each_line(
    client: FlaskClient, key: Key, put: Put
) -> None:
    put(article("sudzha"), article("budget", version=5))
    lines = ndjson(
        article("kursk"),
        article("sudzha"),
        article("sudzha", title="Edited"),
        article("budget", version=4),
        b'{"title": ',
        article("final", title=7, tags="a"),
        {"title": "No id"},
    )
    response = client.post("/v1/main/articles", data=lines, headers=key)
    *_, broken, wrong, nameless = answers = [orjson.loads(x) for x in response.data.splitlines()]

    assert (200, "application/x-ndjson") == (response.status_code, response.content_type)
    assert [
        (1, "kursk", "added"),
        (2, "sudzha", "unchanged"),
        (3, "sudzha", "changed"),
        (4, "budget", "rejected"),
        (5, None, "rejected"),
        (6, "final", "rejected"),
        (7, None, "rejected"),
    ] == [(answer["line"], answer["id"], answer["status"]) for answer in answers]
    assert ["", "/title", "/id"] == [
        answer["errors"][0]["pointer"] for answer in (broken, wrong, nameless)
    ]


@pytest.mark.parametrize(
    "text",
    [
        ndjson(article("kursk"), article("sudzha")),
        ndjson(article("kursk"), article("sudzha")) + b"\n",
        ndjson(article("kursk"), article("sudzha")).replace(b"\n", b"\r\n") + b"\r\n",
        b"\n\n \t\n" + ndjson(article("kursk"), b"", b"\r", article("sudzha")) + b"\n\n\n",
    ],
    ids=["no newline at the end", "newline at the end", "CRLF", "blank lines"],
)
def test_blank_lines_are_ignored(client: FlaskClient, key: Key, text: bytes) -> None:
    answers = client.post("/v1/main/articles", data=text, headers=key).data.splitlines()

    assert ["kursk", "sudzha"] == [orjson.loads(answer)["id"] for answer in answers]


def test_lines_are_numbered_as_in_a_text_editor(client: FlaskClient, key: Key) -> None:
    lines = ndjson(b"", article("kursk"), b"", b"\t", b"broken", article("sudzha"))
    answers = client.post("/v1/main/articles", data=lines, headers=key).data.splitlines()

    assert [2, 5, 6] == [orjson.loads(answer)["line"] for answer in answers]


def test_a_line_that_is_too_long_is_one_bad_line(client: FlaskClient, key: Key) -> None:
    endless = orjson.dumps(article("endless", body="x" * 5 * 2**20))
    lines = ndjson(article("kursk"), endless, article("sudzha"), endless)
    answers = client.post("/v1/main/articles", data=lines, headers=key).data.splitlines()

    assert [(1, "added"), (2, "rejected"), (3, "added"), (4, "rejected")] == [
        (answer["line"], answer["status"]) for answer in map(orjson.loads, answers)
    ]


def test_an_empty_bulk_write_stores_nothing(client: FlaskClient, key: Key) -> None:
    response = client.post("/v1/main/articles", data=b"", headers=key)

    assert (200, b"") == (response.status_code, response.data)


def test_too_many_bytes_are_refused_before_any_is_stored(
    client: FlaskClient, key: Key, raw_redis: "redis.Redis"
) -> None:
    too_many = {"CONTENT_LENGTH": str(64 * 2**20 + 1)}
    line = ndjson(article("kursk"))
    response = client.post("/v1/main/articles", data=line, headers=key, environ_overrides=too_many)

    assert (413, None) == (response.status_code, raw_redis.get("see:{main}:version"))


BAD_LINES = [
    b"null",
    b"[]",
    b'"text"',
    b"{}",
    b'{"id": "bad"}',
    b'{"id": "bad", "title": 7}',
    b'{"id": "bad", "title": "x", "version": NaN}',
    b'{"id": "bad", "title": "x", "title": "y"}',
    b'{"id": "bad", "title": "\\ud800"}',
    b'{"id": "bad", "title": "x\\u0000"}',
    b'{"id": "bad", "title": "\xff"}',
    b'{"id": "bad\\n", "title": "x"}',
    b'{"id": "", "title": "x"}',
    b'{"id": "bad", "title": "x", "version": "yesterday"}',
    b'{"id": "bad", "title": "x", "url": "javascript:alert(1)"}',
    b'{"id": "bad", "title": "x", "zz": ' + b"[" * 1000 + b"]" * 1000 + b"}",
    b'{"id": ' + b"9" * 4301 + b', "title": "x"}',
    b'{"id": "bad", "title": "x", "tags": ["\\u0000"]}',
]


def test_a_bulk_write_is_not_held_in_memory(client: FlaskClient, key: Key) -> None:
    """JSON of empty lists takes twenty times its size as Python objects."""
    junk = b'{"id": "kursk", "title": "x", "zz": [' + b"[]," * 40_000 + b"[]]}\n"
    tracemalloc.start()
    client.post("/v1/main/articles", data=junk * 8, headers=key)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 8 * 2**20


def good_and_bad_lines() -> list[bytes]:
    """10,000 lines, 37 of them bad, spread evenly."""
    bad = [BAD_LINES[n % len(BAD_LINES)] for n in range(37)]
    good = [b'{"id":"a%d","title":"Story %d","language":"en"}' % (n, n) for n in range(9_963)]
    for n, line in enumerate(bad):
        good.insert(270 * n + 5, line)
    return good


class RealServer(NamedTuple):
    """The service as in production, on a store of its own."""

    port: int
    redis_url: str
    key: Key

    def ask(
        self, method: str, path: str, body: Any = None, in_chunks: bool = False
    ) -> tuple[int, bytes]:
        """Send one request; with *in_chunks*, the body (an iterator) has no declared length."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = self.key | ({"Transfer-Encoding": "chunked"} if in_chunks else {})
        try:
            connection.request(method, path, body, headers, encode_chunked=in_chunks)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                if self.ask("GET", "/readyz")[0] == 200:
                    return
            except OSError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.02)


@pytest.fixture(scope="module")
def server() -> Iterator[RealServer]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="alsosee-test-"))
        url = stack.enter_context(lease(Path(folder))).url
        backend = stack.enter_context(Backend(Settings(redis_url=url, store_timeout_seconds=5)))
        probe = stack.enter_context(socket.socket())
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        foreign = {k: v for k, v in os.environ.items() if not k.startswith("ALSOSEE_")}
        environment = foreign | {
            "ALSOSEE_REDIS_URL": url,
            "ALSOSEE_PORT": str(port),
            "ALSOSEE_WORKERS": "1",
            "ALSOSEE_LOG_LEVEL": "error",
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-P", "-m", "api.wsgi", str(os.getpid())]
        process = subprocess.Popen(command, env=environment, process_group=0)
        stack.callback(process.wait, 20)
        stack.callback(process.terminate)
        key = {"Authorization": f"Bearer {backend.keys.create('main', ['ingest'])}"}
        server = RealServer(port, url, key)
        server.wait_until_ready()
        yield server


def test_37_bad_lines_of_10000_are_reported_and_9963_are_stored(server: RealServer) -> None:
    """All is sent before anything is read: neither side may wait for the other."""
    lines = good_and_bad_lines()
    text = b"\n".join(lines)
    chunks = (text[at : at + 65_536] for at in range(0, len(text), 65_536))
    status, body = server.ask("POST", "/v1/main/articles", chunks, in_chunks=True)
    answers = [orjson.loads(line) for line in body.splitlines()]
    with redis.Redis.from_url(server.redis_url) as client:
        stored = int(client.get("see:{main}:version") or 0)

    assert (200, 10_000, 9_963) == (status, len(answers), stored)
    assert [n for n, line in enumerate(lines, 1) if not line.startswith(b'{"id":"a')] == [
        answer["line"] for answer in answers if answer["status"] == "rejected"
    ]


def test_an_article_may_come_in_chunks(server: RealServer) -> None:
    pieces = iter([b'{"title": "in ', b"chu", b'nks", "id": "chunks"}'])

    assert 201 == server.ask("PUT", path_of("chunks"), pieces, in_chunks=True)[0]


def test_an_article_that_is_too_long_is_refused(server: RealServer) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        connection.putrequest("PUT", path_of("long"))
        connection.putheader("Authorization", server.key["Authorization"])
        connection.putheader("Content-Length", str(2 * 2**20 + 1))
        connection.endheaders()

        assert 413 == connection.getresponse().status


def test_an_article_that_is_too_long_in_chunks_is_refused(server: RealServer) -> None:
    chunks = iter([b" " * 2**20] * 3)

    assert server.ask("PUT", path_of("long"), chunks, in_chunks=True)[0] in (400, 413)


def test_a_bulk_that_is_too_long_in_chunks_is_refused(server: RealServer) -> None:
    chunks = iter([b" " * 2**20] * 65)

    assert 413 == server.ask("POST", "/v1/main/articles", chunks, in_chunks=True)[0]


@pytest.mark.parametrize(
    ("path", "article_id"),
    [
        ("..", ".."),
        ("%2E%2E", ".."),
        ("a/../b", "a/../b"),
        ("a%2Fb", "a/b"),
        ("a/b", "a/b"),
        ("//", "//"),
        ("%252F", "%2F"),
        ("%3F%23", "?#"),
        ("+", "+"),
        ("%E2%80%8Fabc", "\u200fabc"),
    ],
)
def test_a_path_reaches_the_service_as_it_was_sent(
    server: RealServer, path: str, article_id: str
) -> None:
    status, body = server.ask("GET", f"/v1/main/articles/{path}/related")

    assert (404, f"no article {article_id!r}") == (status, orjson.loads(body)["detail"])
