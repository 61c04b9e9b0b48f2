"""Hot answers: the same bytes as Flask's, never older, in a limited memory."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import pytest
import redis
from clocks import before_and_at
from faults import stopped
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from news import article
from servers import copied, put_back
from werkzeug.test import TestResponse, create_environ

from api.app import create_app
from api.caches import hot
from api.caches.hot import SERVED, HotAnswers, RequestKey, Served
from features.analysis import analyse
from recommender.backend import Backend
from recommender.config import Settings
from recommender.policy.rules import Rule
from recommender.storage.audit import Editor
from recommender.storage.change_log import BUSY_CHANGES, BUSY_SECONDS, KNOWN_STATE_SECONDS
from recommender.storage.embedded import lease
from recommender.storage.store import Store

Put = Callable[..., None]
Key = dict[str, str]
Environ = dict[str, Any]

KURSK = "/v1/main/articles/kursk/related"
IDS = ["kursk", "sudzha", "2025/03/kursk", "Żółw & Co", "kursk/related", "nowhere"]
PIECES = [
    *("limit=3", "limit=03", "%6cimit=3", "limit=20", "limit=21", "limit=0", "limit=x"),
    *("mode=recent", "mode=", "sort=published_at", "fallback=false", "story=newest"),
    *("section=World", "section=WORLD", "section=a&section=b", "tag=war", "tag=caf%C3%A9"),
    *("lang=en", "lang=any", "lang=?", "offset=1", "exclude=sudzha", "diversity=0.5"),
    *("explain=1", "explain=false", "page_token=", "min_score=0", "published_after=7d"),
    *("layout=grid", "layout=?", "embed=1", "embed=maybe", "utm_source=x", "=", "%", "%ff", "+"),
    *("url=https://news.example/kursk", "url=http%3A%2F%2Fwww.news.example%2Fkursk%2F", "url="),
]
ACCEPTED = [
    None,
    "*/*",
    "",
    "application/json",
    "text/html",
    "text/html,application/xhtml+xml,*/*;q=0.8",
    "application/rss+xml, text/html;q=0.5",
    "application/ld+json;q=0.1",
    "image/png",
    "text/html;q=x",
]
OTHER_HEADERS = {
    "Authorization": "Bearer as_wrong_key",
    "If-Match": '"other"',
    "If-Modified-Since": "Wed, 12 Mar 2025 08:00:00 GMT",
    "Range": "bytes=0-3",
    "Origin": "https://news.example",
    "Cookie": "a=b",
}


class Answer(NamedTuple):
    status: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def undated(self) -> "Answer":
        """Without the time of the answer, which must be now."""
        dates = [value for name, value in self.headers if name == "Date"]
        now = datetime.now(UTC)
        assert all(abs(parsedate_to_datetime(d) - now) < timedelta(seconds=60) for d in dates)
        return self._replace(headers=[(n, "" if n == "Date" else v) for n, v in self.headers])

    @property
    def state(self) -> str | None:
        return dict(self.headers).get("Cache-Status")


def ask(application: Any, environ: Environ) -> Answer:
    started: list[Any] = []
    parts = application({**environ}, lambda *start: started.append(start))
    body = b"".join(parts)
    if hasattr(parts, "close"):
        parts.close()
    [(status, headers)] = started
    return Answer(status, headers, body)


def requests_to_flask(hot_answers: HotAnswers) -> list[Environ]:
    """The requests that reach Flask from now on."""
    requests: list[Environ] = []
    flask = hot_answers.flask

    def noting(environ: Environ, start: Any) -> Iterable[bytes]:
        requests.append(environ)
        return flask(environ, start)

    hot_answers.flask = noting
    return requests


@pytest.fixture
def hot_answers(app: Flask) -> HotAnswers:
    assert isinstance(app.wsgi_app, HotAnswers)
    return app.wsgi_app


@pytest.fixture
def archive(put: Put) -> None:
    for article_id in IDS[:-1]:
        put(article("kursk", id=article_id, title=article_id, section="World", tags=["war"]))
    put(article("sudzha", tags=["café"]), article("ceasefire", section="World", tags=["war"]))


@st.composite
def requests(draw: st.DrawFn) -> Environ:
    """Requests for lists, valid and invalid, and for other things."""
    article_id = draw(st.sampled_from(IDS))
    ending = draw(st.sampled_from(["", "", ".html", ".rss", ".json", ".jsonld", ".txt", "/"]))
    beside = f"/v1/main/articles/{article_id}/related{ending}"
    theirs = [f"/v1/main/recent{ending}", f"/v1/main/related{ending}", "/v1/nowhere/recent"]
    others = ["/v1//recent", "/v1/main", "/v1/main/articles", "/healthz"]
    path = draw(st.sampled_from([beside, *theirs, *others]))
    query = "&".join(draw(st.lists(st.sampled_from(PIECES), max_size=4)))
    headers = draw(st.sets(st.sampled_from([*OTHER_HEADERS]), max_size=2))
    environ = create_environ(
        path,
        method=draw(st.sampled_from(["GET", "GET", "HEAD", "OPTIONS"])),
        headers={name: OTHER_HEADERS[name] for name in headers},
    )
    accepted = draw(st.sampled_from(ACCEPTED))
    return {
        **environ,
        "QUERY_STRING": query,
        **({} if accepted is None else {"HTTP_ACCEPT": accepted}),
    }


@pytest.mark.usefixtures("archive")
@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(requests(), st.sampled_from(["{}", "W/{}", '"x", {}', "*", '"x"', "x", ""]))
def test_every_answer_is_that_of_flask(
    hot_answers: HotAnswers, request_: Environ, tags: str
) -> None:
    for _ in range(2):  # the second comes from the cache
        expected = ask(hot_answers.flask, request_)
    tag = dict(expected.headers).get("ETag", '"none"')
    known = {**request_, "HTTP_IF_NONE_MATCH": tags.format(tag)}
    expected_if_known = ask(hot_answers.flask, known)

    for _ in range(3):  # kept, and then sent again
        assert expected.undated == ask(hot_answers, request_).undated
        assert expected_if_known.undated == ask(hot_answers, known).undated


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", [KURSK, f"{KURSK}.html", "/v1/main/recent.rss"])
def test_a_repeated_request_does_not_reach_flask(
    hot_answers: HotAnswers, path: str, method: str
) -> None:
    environ = create_environ(path, query_string="limit=3", method=method)
    states = [ask(hot_answers, environ).state for _ in range(2)]
    to_flask = requests_to_flask(hot_answers)
    again = [ask(hot_answers, environ).state for _ in range(3)]

    assert ["AlsoSee; fwd=miss", "AlsoSee; hit"] == states
    assert ["AlsoSee; hit"] * 3 == again
    assert [] == to_flask


@pytest.mark.usefixtures("archive")
def test_a_repeated_conditional_request_does_not_reach_flask(hot_answers: HotAnswers) -> None:
    environ = create_environ(KURSK)
    ask(hot_answers, environ)
    environ["HTTP_IF_NONE_MATCH"] = dict(ask(hot_answers, environ).headers)["ETag"]
    first = ask(hot_answers, environ)
    to_flask = requests_to_flask(hot_answers)
    second = ask(hot_answers, environ)

    assert "304 NOT MODIFIED" == first.status
    assert first.undated == second.undated
    assert [] == to_flask


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize("tag", ['"other"', "*", ""])
def test_a_hot_answer_does_not_replace_the_check_of_if_match(
    hot_answers: HotAnswers, tag: str
) -> None:
    environ = create_environ(KURSK)
    for _ in range(3):
        ask(hot_answers, environ)
    conditional = {**environ, "HTTP_IF_MATCH": tag}

    assert ask(hot_answers.flask, conditional).undated == ask(hot_answers, conditional).undated


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize(
    "query", ["explain=true", "offset=1", "exclude=x", "limit=21", "tag=a&tag=b", "min_score=0.1"]
)
def test_a_list_that_only_one_reader_asks_for_is_not_kept(
    hot_answers: HotAnswers, query: str
) -> None:
    environ = create_environ(KURSK, query_string=query)
    for _ in range(3):
        ask(hot_answers, environ)
    to_flask = requests_to_flask(hot_answers)
    ask(hot_answers, environ)

    assert 1 == len(to_flask)


def test_a_deleted_article_is_in_no_later_answer(
    client: FlaskClient, put: Put, key: Key, hot_answers: HotAnswers
) -> None:
    put(article("kursk"), article("sudzha"), article("ceasefire"))
    before = [client.get(KURSK).text for _ in range(3)]
    assert 204 == client.delete("/v1/main/articles/sudzha", headers=key).status_code

    assert all("sudzha" in text for text in before)
    assert "sudzha" not in client.get(KURSK).text
    assert [404, 404] == [
        client.get(f"/v1/main/articles/{gone}/related").status_code for gone in ("sudzha", "sudzha")
    ]


def test_what_another_worker_writes_is_in_the_very_next_answer(
    client: FlaskClient, settings: Settings, put: Put, key: Key
) -> None:
    put(article("kursk"), article("sudzha"))
    with Backend(settings) as other:
        writer = create_app(backend=other).test_client()
        for number in range(20):
            client.get("/v1/main/recent"), client.get("/v1/main/recent")
            path = f"/v1/main/articles/new-{number}"
            writer.put(path, json=article(f"new-{number}"), headers=key)
            assert f'"new-{number}"' in client.get("/v1/main/recent?limit=20").text
            writer.delete(path, headers=key)
            assert f'"new-{number}"' not in client.get("/v1/main/recent").text


def test_what_another_machine_writes_is_seen_within_a_second(
    client: FlaskClient, settings: Settings, put: Put, key: Key, tmp_path: Path
) -> None:
    put(article("kursk"), article("sudzha"))
    elsewhere = settings.model_copy(update={"data_dir": tmp_path / "elsewhere"})
    with Backend(elsewhere) as other:
        writer = create_app(backend=other).test_client()
        for _ in range(3):
            client.get(KURSK)
        assert 204 == writer.delete("/v1/main/articles/sudzha", headers=key).status_code
        time.sleep(KNOWN_STATE_SECONDS)

        assert "sudzha" not in client.get(KURSK).text
    assert KNOWN_STATE_SECONDS < 1


def test_readers_of_all_workers_never_miss_what_was_acknowledged(
    settings: Settings, key: Key
) -> None:
    """One writer adds articles, each newer than the one before, and deletes the third last."""
    done, added, deleted = Event(), [-1], [-1]

    def write(client: FlaskClient) -> None:
        for number in range(60):
            date = (datetime(2025, 3, 1, tzinfo=UTC) + timedelta(hours=number)).isoformat()
            made = article(f"a{number}", published_at=date)
            client.put(f"/v1/main/articles/a{number}", json=made, headers=key)
            added.append(number)
            if number >= 3:
                client.delete(f"/v1/main/articles/a{number - 3}", headers=key)
                deleted.append(number - 3)
            time.sleep(0.002 * (number % 4))
        done.set()

    def read(client: FlaskClient) -> list[tuple[int, int, list[int]]]:
        seen = []
        while not done.is_set():
            newest, gone = added[-1], deleted[-1]
            items = client.get("/v1/main/recent?limit=10").json["items"]
            seen.append((newest, gone, [int(item["id"][1:]) for item in items]))
        return seen

    workers = [Backend(settings) for _ in range(3)]
    clients = [create_app(backend=worker).test_client() for worker in workers]
    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read, client) for client in clients]
        pool.submit(write, clients[0]).result()
        seen = [found for reader in readers for found in reader.result()]
    for worker in workers:
        worker.close()

    assert [] == [s for s in seen if s[2] and max(s[2]) < s[0]]
    assert [] == [s for s in seen if s[2] and min(s[2]) <= s[1]]


def many_puts(store: Store, number: int = BUSY_CHANGES + 1) -> None:
    """Changes of a site that this worker notices, one after the other."""
    store.change_log.raw_state("main")
    for n in range(number):
        store.put("main", [analyse(article(f"other-{n}", title=f"Version {time.monotonic()}"))])
    store.change_log.raw_state("main")


@pytest.fixture
def read_before(hot_answers: HotAnswers, archive: None) -> RequestKey:
    """A list that readers have just had from the hot answers."""
    for _ in range(3):
        ask(hot_answers, create_environ(KURSK))
    key = RequestKey("GET", KURSK, "", None, None)
    time.sleep(BUSY_SECONDS)  # the articles of the archive came long ago
    ask(hot_answers, create_environ(KURSK))
    return key


def test_while_many_changes_come_the_list_of_a_moment_ago_is_sent(
    hot_answers: HotAnswers,
    read_before: RequestKey,
    backend: Backend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hot, "RECENT_SECONDS", 3600.0)
    before = hot_answers.at_once(read_before)
    many_puts(backend.store)
    recent = hot_answers.recent(read_before)

    assert before is not None
    assert hot_answers.at_once(read_before) is None
    assert recent is not None
    assert (before[0], before[2]) == (recent.answer[0], recent.answer[2])


def test_after_a_few_changes_the_list_is_made_before_the_answer(
    hot_answers: HotAnswers,
    read_before: RequestKey,
    backend: Backend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hot, "RECENT_SECONDS", 3600.0)
    many_puts(backend.store, BUSY_CHANGES)

    assert hot_answers.recent(read_before) is None


def test_a_list_of_more_than_a_moment_ago_is_made_before_the_answer(
    hot_answers: HotAnswers,
    read_before: RequestKey,
    backend: Backend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hot, "RECENT_SECONDS", 0.0)
    many_puts(backend.store)

    assert hot_answers.recent(read_before) is None


@pytest.mark.parametrize("how", ["a delete", "a rule"])
def test_what_was_taken_away_is_in_no_answer_although_many_changes_come(
    hot_answers: HotAnswers,
    read_before: RequestKey,
    backend: Backend,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hot, "RECENT_SECONDS", 3600.0)
    many_puts(backend.store)
    assert hot_answers.recent(read_before) is not None
    if how == "a delete":
        backend.store.delete("main", "sudzha")
    else:
        now = datetime.now(UTC)
        rule = Rule(id="r", kind="block", target={"article": "sudzha"}, created_at=now)
        backend.store.rulebook.add("main", rule, Editor("k"), now)

    assert hot_answers.recent(read_before) is None


def test_an_answer_expires_when_a_future_article_will_change_it(
    client: FlaskClient, put: Put
) -> None:
    def put_and_read(moment: datetime) -> list[TestResponse]:
        future = article("ceasefire", published_at=moment.isoformat())
        put(article("kursk"), article("sudzha"), future)
        return [client.get(KURSK) for _ in range(3)]

    early = before_and_at(put_and_read)

    assert ["hit"] * 2 == [a.headers["Cache-Status"].split()[1] for a in early[1:]]
    assert not any("ceasefire" in a.text for a in early)
    assert "ceasefire" in client.get(KURSK).text


def test_an_answer_is_not_sent_after_the_clock_was_set_back(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    hot_answers = HotAnswers(listing, backend.store, ["main"])
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": KURSK, "QUERY_STRING": ""}
    an_hour_later = time.time() + 3_600
    with monkeypatch.context() as patched:
        patched.setattr(backend.clock, "time", lambda: an_hour_later)
        patched.setattr(time, "time", lambda: an_hour_later)  # of the listing
        to_flask = requests_to_flask(hot_answers)
        for _ in range(2):
            ask(hot_answers, environ)
        before = len(to_flask)
    ask(hot_answers, environ)

    assert (1, 2) == (before, len(to_flask))
    assert hot_answers.at_once(RequestKey("GET", KURSK, "", None, None)) is not None


def test_a_store_that_was_emptied_and_filled_to_the_same_version_is_noticed(
    client: FlaskClient, put: Put, raw_redis: "redis.Redis", backend: Backend
) -> None:
    put(article("kursk"), article("sudzha"))
    before = [client.get("/v1/main/recent").json for _ in range(3)]
    raw_redis.flushall()
    key = {"Authorization": f"Bearer {backend.keys.create('main', ['ingest'])}"}
    for one in ("budget", "final"):
        made = client.put(f"/v1/main/articles/{one}", json=article(one), headers=key)
        assert 201 == made.status_code
    after = client.get("/v1/main/recent").json

    assert before[-1]["version"] == after["version"]
    assert {"budget", "final"} == {item["id"] for item in after["items"]}


def test_a_store_that_was_put_back_and_written_to_again_is_noticed(
    client: FlaskClient, put: Put, raw_redis: "redis.Redis"
) -> None:
    put(article("kursk"))
    copy = copied(raw_redis)
    put(article("lost"))
    before = [client.get("/v1/main/recent").json for _ in range(3)]
    put_back(raw_redis, copy)
    put(article("new"))
    after = client.get("/v1/main/recent").json

    assert before[-1]["version"] == after["version"]
    assert {"kursk", "new"} == {item["id"] for item in after["items"]}


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[Settings]:
    """A server that a test may stop."""
    with lease(tmp_path / "store") as server:
        yield Settings(redis_url=server.url, data_dir=tmp_path)


@pytest.mark.parametrize("path", [KURSK, "/v1/main/related?url=https://news.example/kursk"])
def test_a_reader_waits_once_for_a_store_that_hangs(own_store: Settings, path: str) -> None:
    with Backend(own_store) as backend:
        client = create_app(backend=backend).test_client()
        key = {"Authorization": f"Bearer {backend.keys.create('main', ['ingest'])}"}
        for one in ("kursk", "sudzha"):
            fields = article(one, url=f"https://news.example/{one}")
            client.put(f"/v1/main/articles/{one}", json=fields, headers=key)
        fresh = [client.get(path) for _ in range(3)]
        with stopped(own_store.redis_url.get_secret_value()):
            time.sleep(KNOWN_STATE_SECONDS)
            stale = client.get(path)
            waits = backend.store._connection._breaker._failures

    assert (200, 200) == (fresh[-1].status_code, stale.status_code)
    assert "AlsoSee; fwd=stale" == stale.headers["Cache-Status"]
    assert 1 == waits


def test_while_the_store_hangs_answers_are_stale_copies_with_their_age(own_store: Settings) -> None:
    with Backend(own_store) as backend:
        client = create_app(backend=backend).test_client()
        key = {"Authorization": f"Bearer {backend.keys.create('main', ['ingest'])}"}
        for one in ("kursk", "sudzha"):
            client.put(f"/v1/main/articles/{one}", json=article(one), headers=key)
        fresh = [client.get(KURSK) for _ in range(3)]
        with stopped(own_store.redis_url.get_secret_value()):
            time.sleep(KNOWN_STATE_SECONDS)
            away = [client.get(KURSK) for _ in range(5)]
            unknown = client.get("/v1/main/articles/sudzha/related")
        deadline = time.monotonic() + 10
        while "hit" not in client.get(KURSK).headers["Cache-Status"]:
            assert time.monotonic() < deadline

    assert {"AlsoSee; fwd=stale"} == {a.headers["Cache-Status"] for a in away}
    assert all(int(a.headers["Age"]) >= 0 for a in away)
    assert {fresh[-1].data} == {a.data for a in away}
    assert 503 == unknown.status_code


def test_no_list_that_readers_ask_for_is_written_to_the_disk(tmp_path: Path) -> None:
    with Backend(Settings(data_dir=tmp_path)) as backend:
        for name in ("kursk", "sudzha"):
            backend.store.put("main", [analyse(article(name))])
        client = create_app(backend=backend).test_client()
        before = bytes_of_the_log(backend)
        answers = [client.get(f"{KURSK}?limit={limit}") for limit in range(1, 21)]
        again = create_app(backend=backend).test_client().get(f"{KURSK}?limit=7")

        assert {answer.status_code for answer in answers} == {200}
        assert again.headers["Cache-Status"] == "AlsoSee; hit"
        assert bytes_of_the_log(backend) == before


def bytes_of_the_log(backend: Backend) -> int:
    with backend.connection.using("read") as client:
        return int(client.info("persistence")["aof_current_size"])


def test_while_the_store_hangs_a_worker_shows_what_another_one_made(tmp_path: Path) -> None:
    with lease(tmp_path / "store") as server:
        settings = Settings(
            redis_url=server.url, cache_url=server.cache_url, data_dir=tmp_path / "var"
        )
        with Backend(settings) as one, Backend(settings) as two:
            for name in ("kursk", "sudzha"):
                one.store.put("main", [analyse(article(name))])
            two.site("main").sync()
            made = create_app(backend=one).test_client().get(KURSK)
            client = create_app(backend=two).test_client()
            with stopped(server.url):
                time.sleep(KNOWN_STATE_SECONDS)
                shown = client.get(KURSK)
                unknown = client.get("/v1/main/articles/sudzha/related")

    assert (200, "AlsoSee; fwd=stale") == (shown.status_code, shown.headers["Cache-Status"])
    assert made.data == shown.data
    assert 503 == unknown.status_code


def listing(environ: Environ, start: Any) -> Iterable[bytes]:
    """Answers every request with a list, as an application does that has it in its cache."""
    environ[SERVED] = Served(0, time.time(), time.time() + 60)
    start("200 OK", [("Date", "Thu, 13 Mar 2025 07:12:44 GMT"), ("ETag", '"x"')])
    return Parts([environ["QUERY_STRING"].encode() * 50])


class Parts(list[bytes]):
    def close(self) -> None:
        pass


def kept(hot_answers: HotAnswers, query: str) -> bool:
    return hot_answers._answers.get(RequestKey("GET", KURSK, query, None, None)) is not None


def test_made_up_queries_cannot_fill_the_memory(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hot, "HOT_BYTES", 2**20)
    hot_answers = HotAnswers(listing, backend.store, ["main"])
    long = ["x" * size for size in (1_000, 3_000, 100_000)]
    for query in [*(f"u={number}" for number in range(20_000)), *long]:
        ask(hot_answers, {"REQUEST_METHOD": "GET", "PATH_INFO": KURSK, "QUERY_STRING": query})

    assert 2**20 - 60_000 < hot_answers._answers.bytes <= 2**20
    assert 100 < len(hot_answers._answers) < 2**20 / hot.ENTRY_BYTES
    assert [True, True, False, False] == [kept(hot_answers, q) for q in ("u=19999", *long)]


def test_an_answer_that_is_asked_for_again_outlives_others(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hot, "HOT_BYTES", 100_000)
    hot_answers = HotAnswers(listing, backend.store, ["main"])
    to_flask = requests_to_flask(hot_answers)
    for number in range(1_000):
        for query in (f"u={number}", "popular"):
            environ = {"REQUEST_METHOD": "GET", "PATH_INFO": KURSK, "QUERY_STRING": query}
            ask(hot_answers, environ)
    queries = [environ["QUERY_STRING"] for environ in to_flask]

    assert (1_000, 1) == (len({*queries} - {"popular"}), queries.count("popular"))
