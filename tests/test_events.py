"""Impressions and clicks: anonymous counts, in bounded space."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from faults import hurried, stopped
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from news import article
from werkzeug.test import TestResponse

from api.cli.main import main
from api.v1.events import MAX_BATCH, MAX_BATCH_BYTES
from recommender.backend import Backend
from recommender.errors import FieldProblem
from recommender.storage import events
from recommender.storage.events import (
    BURST,
    KEPT_DAYS,
    MAX_NETWORKS,
    NETWORK_SHARE,
    DailyCount,
    DailyTotal,
    Event,
    EventCounts,
)
from recommender.storage.rate_limit import TokenBucket

Put = Callable[..., None]
Counts = list[tuple[str, int, int, int]]

PATH = "/v1/main/events"
TODAY = date(2026, 11, 22)
HEAD = {"recommendation_id": "5a1f0c2b9d3e4f6071"}


def impression(name: str = "kursk", position: Any = 1, kind: str = "impression") -> dict[str, Any]:
    return {"type": kind, "article": name, "position": position}


def click(name: str = "kursk", position: int = 1) -> dict[str, Any]:
    return impression(name, position, "click")


@pytest.fixture(autouse=True)
def archive(put: Put) -> None:
    put(article("kursk"), article("sudzha"))


@pytest.fixture
def send(client: FlaskClient) -> Callable[..., TestResponse]:
    def send(*events: object, **headers: str) -> TestResponse:
        return client.post(PATH, data=orjson.dumps({**HEAD, "events": events}), headers=headers)

    return send


@pytest.fixture
def counts(backend: Backend) -> Callable[[], Counts]:
    def counts() -> Counts:
        found = backend.events.counts("main", [datetime.now(UTC).date()])
        return [tuple(count[1:]) for count in found]

    return counts


def test_impressions_and_clicks_are_counted_by_article_and_place(send, counts):
    send(impression(), impression("sudzha", 2))
    send(impression(), click())

    assert [("kursk", 1, 2, 1), ("sudzha", 2, 1, 0)] == counts()


@pytest.mark.parametrize("content_type", ["text/plain;charset=UTF-8", "application/json", ""])
def test_a_beacon_comes_as_text_or_as_json(client, counts, content_type):
    response = client.post(
        PATH, data=orjson.dumps({"events": [impression()]}), content_type=content_type
    )

    assert (204, b"", "*") == (
        response.status_code,
        response.data,
        response.headers["Access-Control-Allow-Origin"],
    )
    assert [("kursk", 1, 1, 0)] == counts()


def test_a_browser_may_send_json_from_any_page(client):
    response = client.options(PATH, headers={"Origin": "https://paper.example"})

    assert ("*", "Content-Type", "POST") == tuple(
        response.headers[f"Access-Control-Allow-{name}"]
        for name in ("Origin", "Headers", "Methods")
    )
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize("header", ["DNT", "Sec-GPC"])
def test_do_not_track_and_global_privacy_control_are_respected(send, counts, header):
    assert (204, []) == (send(impression(), **{header: "1"}).status_code, counts())


def test_a_reader_leaves_nothing_but_a_count(client, raw_redis):
    before = set(raw_redis.keys())
    headers = {"User-Agent": "Unmistakable/1.0", "Cookie": "id=unmistakable"}
    client.post(
        PATH, json={**HEAD, "events": [impression()], "user": "unmistakable"}, headers=headers
    )
    [new] = set(raw_redis.keys()) - before

    assert new.decode() == f"see:{{main}}:events:{datetime.now(UTC).date()}"
    assert {b"i1:kursk": b"1"} == raw_redis.hgetall(new)


def test_no_answer_sets_a_cookie(send):
    assert "Set-Cookie" not in send(impression()).headers


# Bounds


def test_events_of_unknown_articles_are_ignored(send, counts):
    assert (204, []) == (send(impression("nobody"), impression("kursk2", 3)).status_code, counts())


def test_the_same_event_counts_once_in_a_batch(send, counts):
    send(*[click()] * MAX_BATCH)

    assert [("kursk", 1, 0, 1)] == counts()


@pytest.mark.parametrize("position", [0, -1, 51, 1.5, "1", True, None, 2**62])
def test_positions_are_1_to_50(send, counts, position):
    response = send(impression(), impression(position=position))

    assert (400, "/events/1/position", []) == (
        response.status_code,
        response.json["errors"][0]["pointer"],
        counts(),
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"events": null}',
        b'{"events": [1]}',
        b'{"events": {}}',
        b'{"events": [{"type": "scroll", "article": "kursk", "position": 1}]}',
        b'{"events": [{"type": "click", "article": "\\u0000", "position": 1}]}',
        b'{"events": [{"type": "click", "article": "", "position": 1}]}',
        b'{"events": [], "recommendation_id": "<script>"}',
        b'{"events": [NaN]}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_invalid_events_are_refused_with_a_reason(client, body):
    response = client.post(PATH, data=body)

    assert (400, "application/problem+json") == (response.status_code, response.content_type)
    assert response.json["detail"].startswith(str(FieldProblem(**response.json["errors"][0])))


def test_a_batch_has_100_events_at_most(send):
    assert [204, 400] == [send(*[impression()] * n).status_code for n in (MAX_BATCH, MAX_BATCH + 1)]


def test_a_batch_has_a_limited_size(client):
    assert 413 == client.post(PATH, data=b" " * (MAX_BATCH_BYTES + 1)).status_code


def test_other_kinds_of_bodies_are_refused(client):
    response = client.post(PATH, data={"events": "[]"})

    assert 415 == response.status_code


def test_an_unknown_site_counts_nothing(client):
    assert 404 == client.post("/v1/elsewhere/events", json={"events": []}).status_code


def test_events_cannot_be_read(client):
    assert 405 == client.get(PATH).status_code


def test_counts_are_deleted_after_ninety_days(backend, raw_redis):
    backend.events.add("main", [Event("click", "kursk", 1)], TODAY)

    assert 0 < raw_redis.ttl("see:{main}:events:2026-11-22") <= KEPT_DAYS * 86_400


def test_a_full_day_takes_no_further_counters(backend, monkeypatch):
    monkeypatch.setattr(events, "MAX_FIELDS", 3)
    for _ in range(2):
        backend.events.add("main", [Event("click", "kursk", n) for n in range(1, 9)], TODAY)
    found = backend.events.counts("main", [TODAY])

    assert [DailyCount(TODAY, "kursk", n, 0, 2) for n in (1, 2, 3)] == found


def test_any_article_id_is_counted(backend):
    names = ["a:b", "i1:x", "Straße 🎈", "{x}", " "]
    backend.events.add("main", [Event("impression", name, 50) for name in names], TODAY)

    assert sorted(names) == [count.article_id for count in backend.events.counts("main", [TODAY])]


def test_sites_and_days_are_counted_apart(backend):
    backend.events.add("main", [Event("click", "kursk", 1)], TODAY)
    backend.events.add("other", [Event("click", "kursk", 2)], TODAY - timedelta(1))

    assert [DailyCount(TODAY, "kursk", 1, 0, 1)] == backend.events.counts(
        "main", [TODAY, TODAY - timedelta(1)]
    )


# Of all articles together

happened = st.tuples(
    st.sampled_from(["impression", "click"]),
    st.sampled_from(["kursk", "sudzha", "a:b", "c1:x"]),
    st.integers(1, 50),
    st.integers(0, 5),
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(happened, max_size=30))
def test_totals_are_the_sums_of_the_counts(backend, raw_redis, batches):
    raw_redis.flushall()
    counts = EventCounts(backend.events._connection)
    days = [TODAY - timedelta(n) for n in range(4)]
    for kind, article_id, position, ago in batches:
        counts.add("main", [Event(kind, article_id, position)], TODAY - timedelta(ago))
    summed = Counter()
    for count in counts.counts("main", days):
        summed[count.day, count.position, "seen"] += count.impressions
        summed[count.day, count.position, "clicked"] += count.clicks
    places = sorted({key[:2] for key in summed})
    expected = [DailyTotal(*p, summed[*p, "seen"], summed[*p, "clicked"]) for p in places]

    assert expected == counts.totals("main", days, TODAY)
    assert expected == counts.totals("main", days, TODAY)  # and once they are kept


def test_the_totals_of_a_past_day_are_computed_once(backend, raw_redis):
    old, yesterday = TODAY - timedelta(2), TODAY - timedelta(1)
    for day in (old, yesterday, TODAY):
        backend.events.add("main", [Event("click", "kursk", 3)], day)
    first = backend.events.totals("main", [old, yesterday, TODAY], TODAY)

    assert [DailyTotal(day, 3, 0, 1) for day in (old, yesterday, TODAY)] == first
    assert [b"see:{main}:events:2026-11-20:sums"] == raw_redis.keys("*:sums")
    assert 0 < raw_redis.ttl("see:{main}:events:2026-11-20:sums") <= KEPT_DAYS * 86_400


# The limit


def test_a_bucket_lets_a_burst_through_and_then_its_rate():
    now = [0.0]
    bucket = TokenBucket(rate=2, burst=3, clock=lambda: now[0])
    burst = [bucket.take() for _ in range(5)]
    now[0] = 1.0
    later = [bucket.take() for _ in range(3)]

    assert ([True] * 3 + [False] * 2, [True, True, False]) == (burst, later)


@pytest.fixture
def frozen_limit(backend):
    """The limits at a moment that lasts: on a slow machine they would refill."""
    backend.events._clock = lambda: 0.0


def test_a_bucket_is_exact_under_32_threads():
    bucket = TokenBucket(rate=2, burst=100, clock=lambda: 0.0)
    with ThreadPoolExecutor(32) as pool:
        taken = list(pool.map(lambda _: bucket.take(), range(1_000)))

    assert 100 == sum(taken)


@pytest.mark.usefixtures("frozen_limit")
def test_made_up_addresses_do_not_lift_the_limit(send):
    statuses = []
    for number in range(BURST + 50):
        address = f"203.0.{number % 250}.7"  # of another network each time
        headers = {"X-Forwarded-For": address, "X-Real-IP": address, "Forwarded": f"for={address}"}
        statuses.append(send(**headers).status_code)

    assert [204] * BURST + [429] * 50 == statuses


@pytest.fixture
def send_from(client: FlaskClient) -> Callable[..., int]:
    """Send a batch from an address, maybe through a proxy."""

    def send_from(peer: str, forwarded: str | None = None) -> int:
        return client.post(
            PATH,
            data=orjson.dumps({**HEAD, "events": []}),
            headers={} if forwarded is None else {"X-Forwarded-For": forwarded},
            environ_overrides={"REMOTE_ADDR": peer},
        ).status_code

    return send_from


FLOODS = [
    ("an address", ["8.8.8.8"], None),
    ("a network of addresses", [f"8.8.8.{n}" for n in range(256)], None),
    ("a network of IPv6", [f"2a00:1450:4001:813::{n:x}" for n in range(256)], None),
    ("IPv4 in IPv6", ["::ffff:8.8.8.8", "8.8.8.9"], None),
    ("a proxy of ours", [f"8.8.8.{n}" for n in range(256)], "10.0.0.2"),
]


@pytest.mark.usefixtures("frozen_limit")
@pytest.mark.parametrize(("clients", "proxy"), [f[1:] for f in FLOODS], ids=[f[0] for f in FLOODS])
def test_a_flood_from_one_network_leaves_the_other_readers_their_part(
    send_from: Callable[..., int], clients: list[str], proxy: str | None
) -> None:
    def send(client: str) -> int:
        return send_from(client) if proxy is None else send_from(proxy, client)

    flood = [send(clients[n % len(clients)]) for n in range(2 * BURST)]
    honest = [send(f"9.9.{n}.9") for n in range(BURST // 2)]

    assert flood == [204] * (BURST // NETWORK_SHARE) + [429] * (2 * BURST - BURST // NETWORK_SHARE)
    assert honest == [204] * len(honest)


@pytest.mark.usefixtures("frozen_limit")
def test_a_client_outside_cannot_claim_another_address(send_from: Callable[..., int]) -> None:
    statuses = [send_from("8.8.8.8", f"9.9.{n}.9") for n in range(BURST)]

    assert statuses.count(204) == BURST // NETWORK_SHARE


@pytest.mark.usefixtures("frozen_limit")
@pytest.mark.parametrize("forwarded", [None, "", "unknown", "8.8.8.8:123x"])
def test_behind_a_proxy_that_names_no_client_the_limit_is_that_of_the_site(
    send_from: Callable[..., int], forwarded: str | None
) -> None:
    statuses = [send_from("10.0.0.2", forwarded) for _ in range(BURST + 1)]

    assert statuses == [204] * BURST + [429]


def test_the_limits_of_networks_take_a_limited_memory(backend: Backend) -> None:
    for number in range(2 * MAX_NETWORKS):
        backend.events._bucket_of("main", f"network {number}")

    assert len(backend.events._network_buckets) <= MAX_NETWORKS + 1


@pytest.mark.usefixtures("frozen_limit")
def test_too_many_batches_are_refused(send):
    answers = [send() for _ in range(BURST + 2)]
    refused = [answer for answer in answers if answer.status_code == 429]

    assert "2" == refused[0].headers["Retry-After"]
    assert [204] * BURST + [429] * 2 == [answer.status_code for answer in answers]


@hurried
@pytest.mark.usefixtures("frozen_limit")
def test_the_limit_holds_while_the_store_is_away(send, redis_url):
    send(impression())
    with stopped(redis_url):
        statuses = [send(impression()).status_code for _ in range(BURST + 1)]

    assert [503] * (BURST - 1) + [429] * 2 == statuses


# The command


@pytest.fixture
def command(backend, redis_url, monkeypatch):
    today = datetime.now(UTC).date()
    backend.events.add("main", [Event("impression", "kursk", n) for n in (1, 2)], today)
    backend.events.add("main", [Event("click", "kursk", 1)], today - timedelta(2))
    backend.events.add("main", [Event("impression", "sudzha", 1)], today - timedelta(30))
    monkeypatch.setenv("ALSOSEE_REDIS_URL", redis_url)

    def command(*arguments):
        return CliRunner().invoke(main, ["events", *arguments])

    return command


def test_the_table_has_the_last_week_by_article(command):
    assert ["SEEN CLICKED RATE ARTICLE", "2 1 50.0% kursk"] == [
        " ".join(line.split()) for line in command().output.splitlines()
    ]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("--by", "position"), ["1", "2"]),
        (("--days", "31"), ["kursk", "sudzha"]),
        (("--days", "1", "--by", "position"), ["1", "2"]),
    ],
)
def test_the_table_can_be_grouped_by_position_and_day(command, arguments, names):
    lines = command(*arguments).output.splitlines()[1:]

    assert names == [line.split()[-1] for line in lines]


def test_scripts_get_every_count(command):
    rows = orjson.loads(command("--json").output)

    assert [("kursk", 1, 0, 1), ("kursk", 1, 1, 0), ("kursk", 2, 1, 0)] == [
        tuple(row[name] for name in ("article_id", "position", "impressions", "clicks"))
        for row in rows
    ]


def test_the_command_says_when_there_are_no_counts(command):
    result = command("--site", "main", "--days", "1", "--by", "day")
    empty = CliRunner().invoke(main, ["events"], env={"ALSOSEE_SITES": "empty"})

    assert (0, 0, "") == (result.exit_code, empty.exit_code, empty.stdout)
    assert "No impressions or clicks" in empty.stderr
