"""A server that is away costs a caller one time-out at most, and is soon found again."""

import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis
from faults import DRIP_SECONDS, Fault, FaultProxy, server_pid, stopped
from hypothesis import given
from hypothesis import strategies as st
from servers import new_server

from recommender.errors import StoreUnavailable
from recommender.storage import embedded
from recommender.storage.change_signal import ChangeSignal
from recommender.storage.connections import (
    READ_SECONDS,
    Breaker,
    Connection,
    one_wait_per_server,
)

# What a caller may wait, in time-outs of a plain socket on this machine at this moment. The promise
# is five; redis-py's defaults come to hundreds.
MAX_TIMEOUTS = 20
HEALING_SECONDS = 30.0  # until a test gives up; no promise
GREETING = b"hello " * 6
FAULTS: list[Fault] = ["blackhole", "reset", "refuse"]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server of this file's own, since it is stopped and killed."""
    with new_server() as held:
        with redis.Redis.from_url(held.url) as client:
            client.set("greeting", GREETING)
        yield held.url


@pytest.fixture
def proxy(url: str) -> Iterator[FaultProxy]:
    with FaultProxy(url) as proxy:
        yield proxy


@pytest.fixture
def opened(url: str) -> Iterator[Callable[[], int]]:
    """How many connections the server has been opened, but for that of who asks."""
    with redis.Redis.from_url(url) as client:
        client.ping()
        yield lambda: int(client.info("stats")["total_connections_received"])


@pytest.fixture
def connect() -> Iterator[Callable[..., Connection]]:
    made: list[Connection] = []

    def to(url: str, threads: int = 8) -> Connection:
        made.append(Connection(url, threads))
        return made[-1]

    yield to
    for connection in made:
        connection.close()


def ask(connection: Connection, key: str = "greeting") -> str:
    """`ok`, or why there is no answer."""
    try:
        with connection.using("read") as client:
            return "ok" if client.get(key) else "nothing there"
    except StoreUnavailable as error:
        return f"{error}: {error.reason}" if error.reason else str(error)


def write(connection: Connection) -> str:
    try:
        with connection.using("write") as client:
            return "ok" if client.set("mark", "x") else "refused"
    except StoreUnavailable as error:
        return str(error)


def timed(call: Callable[[], str]) -> tuple[str, float]:
    started = time.monotonic()
    return call(), time.monotonic() - started


def one_timeout() -> float:
    """Seconds that a plain socket waits for a silent peer, with the time-out of a read."""
    ours, silent = socket.socketpair()
    with ours, silent:
        ours.settimeout(READ_SECONDS)
        started = time.monotonic()
        with suppress(TimeoutError):
            ours.recv(1)
        return time.monotonic() - started


def longest_wait(call: Callable[[], str], times: int = 5) -> tuple[list[str], float]:
    """The answers to some calls in a row, and the longest wait, in time-outs of a plain socket."""
    answers, seconds = zip(*(timed(call) for _ in range(times)), strict=True)
    return list(answers), max(seconds) / one_timeout()


def wait_until_ok(connection: Connection) -> str:
    deadline = time.monotonic() + HEALING_SECONDS
    while (answer := ask(connection)) != "ok" and time.monotonic() < deadline:
        time.sleep(0.01)
    return answer


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.booleans(), max_size=8))
def test_the_breaker_opens_after_three_failures_in_a_row(answers):
    breaker = Breaker(clock=Clock())
    for answered in answers:
        breaker.succeeded() if answered else breaker.failed()

    failed_lately = answers[-3:] == [False] * 3
    assert failed_lately != breaker.allows()


def test_an_open_breaker_lets_one_caller_through_about_every_second():
    clock = Clock()
    breaker = Breaker(clock=clock)
    for _ in range(3):
        breaker.failed()
    allowed = []
    for tick in range(1000):
        clock.now = tick / 100
        if breaker.allows():
            allowed.append(clock.now)

    gaps = [later - earlier for earlier, later in zip([0.0, *allowed], allowed, strict=False)]
    assert all(0.8 <= gap <= 1.21 for gap in gaps)
    assert len(set(gaps)) > 1  # not all workers at once


def test_one_success_closes_the_breaker():
    breaker = Breaker(clock=Clock())
    for _ in range(9):
        breaker.failed()
    breaker.succeeded()

    assert [True] * 3 == [breaker.allows() for _ in range(3)]


def test_after_a_success_every_silence_counts():
    clock = Clock()
    breaker = Breaker(clock=clock)
    began = breaker.now()
    clock.now = 1.0
    breaker.failed()
    breaker.succeeded()
    breaker.failed(began)

    assert not breaker.has_no_failures


def test_one_silence_that_many_meet_is_one_failure():
    clock = Clock()
    breaker = Breaker(clock=clock)
    allowed = []
    for round_ in range(3):
        began = [round_ + thread / 100 for thread in range(8)]
        for moment in began:
            clock.now = moment + 0.1
            breaker.failed(moment)
        allowed.append(breaker.allows())

    assert [True, True, False] == allowed


@pytest.mark.parametrize("fault", FAULTS)
def test_a_reader_waits_once_for_a_server_behind_a_bad_network(proxy, connect, fault):
    connection = connect(proxy.url)
    assert "ok" == ask(connection)
    proxy.fault = fault
    answers, timeouts = longest_wait(lambda: ask(connection))

    assert "ok" not in answers
    assert timeouts < MAX_TIMEOUTS


@pytest.mark.parametrize("pace", ["read", "write"])
def test_the_bytes_of_a_reply_that_drips_do_not_count_anew(proxy, connect, pace):
    connection = connect(proxy.url)
    with connection.using("write") as client:
        client.set("long", bytes(2_000))
        client.get("long")
    connection.try_command("GET", "long")
    proxy.fault = "drip"
    taken = len(proxy.dripped)
    with pytest.raises(StoreUnavailable), connection.using(pace) as client:
        client.get("long")

    # A byte comes every 30 ms or later: in two time-outs not even a hundredth of the reply.
    promised = 2 * {"read": 1, "write": 10}[pace] * READ_SECONDS / DRIP_SECONDS
    assert len(proxy.dripped) - taken <= promised + 10


def test_a_quick_question_is_not_held_by_a_reply_that_drips(proxy, connect):
    connection = connect(proxy.url)
    assert GREETING == asked(connection)
    proxy.fault = "drip"
    taken = len(proxy.dripped)

    assert asked(connection) is None
    assert len(proxy.dripped) - taken < len(GREETING) // 2


def test_who_answers_a_reader_waits_once_for_a_silent_server(proxy, connect):
    connection, other = connect(proxy.url), connect(proxy.url)
    assert ("ok", "ok") == (ask(connection), ask(other))
    proxy.fault = "blackhole"
    with one_wait_per_server():
        answers = {ask(connection), ask(connection), write(connection), ask(other)}
    waits = connection._breaker._failures, other._breaker._failures
    ask(connection)

    assert "ok" not in answers
    assert (1, 1) == waits
    assert 2 == connection._breaker._failures  # the next one asks again


def test_what_was_asked_in_vain_just_before_counts(proxy, connect):
    connection = connect(proxy.url)
    assert GREETING == connection.try_command("GET", "greeting")
    proxy.fault = "blackhole"
    asked = connection.try_command("GET", "greeting")
    with one_wait_per_server():
        answer = ask(connection)

    assert (None, 1) == (asked, connection._breaker._failures)
    assert "ok" != answer


def test_a_writer_waits_once(proxy, connect):
    connection = connect(proxy.url)
    assert "ok" == write(connection)
    proxy.fault = "blackhole"
    answer, seconds = timed(lambda: write(connection))

    assert "ok" != answer
    assert seconds / one_timeout() < 10 * MAX_TIMEOUTS


@pytest.mark.parametrize("fault", FAULTS)
def test_after_any_fault_the_next_probe_finds_the_server_again(proxy, connect, fault):
    clock = Clock()
    connection = connect(proxy.url)
    connection._breaker = Breaker(clock=clock)
    proxy.fault = fault
    for second in range(3):
        clock.now = float(second)
        ask(connection)
    proxy.fault = "none"
    asked_before = proxy.accepted
    answers = []
    for seconds_later in (0.0, 0.79, 1.21, 1.22):
        clock.now = 2.0 + seconds_later
        answers.append(ask(connection))

    assert ["the store does not answer; waiting before the next try"] * 2 == [
        answer.partition(":")[0] for answer in answers[:2]
    ]
    assert ["ok", "ok"] == answers[2:]
    assert proxy.accepted <= asked_before + 1


def test_callers_of_a_stopped_server_wait_once(url, connect):
    connection = connect(url)
    with stopped(url):
        answers, timeouts = longest_wait(lambda: ask(connection))

    assert "ok" not in answers
    assert timeouts < MAX_TIMEOUTS


def test_of_many_callers_at_once_of_a_stopped_server_few_wait(url, connect):
    connection = connect(url, threads=4)
    clock = Clock()
    connection._breaker = Breaker(clock=clock)
    connection._breaker.failed()
    connection._breaker.failed()
    with stopped(url), ThreadPoolExecutor(8) as pool:
        first = pool.submit(ask, connection).result()
        answers = list(pool.map(lambda _: ask(connection), range(40)))

    assert "the store does not answer: Timeout reading from socket" == first
    waiting = "the store does not answer; waiting before the next try: Timeout reading from socket"
    assert [waiting] * 40 == answers


def test_a_server_that_is_killed_and_started_again_is_found_again(url, connect):
    connection = connect(url)
    assert "ok" == ask(connection)
    with redis.Redis.from_url(url) as client:
        killed = client.info("server")["process_id"]
    subprocess.run(["kill", "-9", str(killed)], check=True)

    assert "ok" == wait_until_ok(connection)
    assert killed != server_pid(url)


@pytest.mark.parametrize(
    "nowhere",
    ["unix:///nowhere/valkey.sock", "redis://127.0.0.1:1", "redis://no-such-host.invalid"],
)
def test_no_pause_and_no_second_try_precede_the_report_that_there_is_no_server(
    connect, nowhere, monkeypatch
):
    pauses = []
    monkeypatch.setattr(redis.retry, "sleep", pauses.append)
    connection = connect(nowhere)
    answers = [ask(connection) for _ in range(5)]

    assert all(answer.startswith("the store does not answer") for answer in answers)
    assert [] == pauses


def test_a_server_that_is_away_is_tried_once_a_second(proxy, connect):
    connection = connect(proxy.url)
    clock = Clock()
    connection._breaker = Breaker(clock=clock)
    proxy.fault = "reset"

    def ask_often(_: int) -> None:
        for _ in range(100):
            ask(connection)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask_often, range(8)))
        opened = proxy.accepted
        clock.now = 1.21
        list(pool.map(ask_often, range(8)))

    # First the calls on their way when the breaker opened; then one probe.
    assert 3 <= opened <= 2 + 8
    assert opened + 1 == proxy.accepted


def test_after_a_short_silence_all_are_answered_at_once(url, connect):
    connection = connect(url)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ask(connection), range(8)))
        with stopped(url):
            silent = list(pool.map(lambda _: ask(connection), range(8)))
        answers = list(pool.map(lambda _: ask(connection), range(8)))

    assert all(answer.startswith("the store does not answer") for answer in silent)
    assert ["ok"] * 8 == answers


def ping(connection: Connection) -> str:
    try:
        with connection.using("batch") as client:
            return "ok" if client.ping() else "refused"
    except StoreUnavailable as error:
        return str(error)


def test_a_full_pool_does_not_open_the_breaker(url, connect):
    connection = connect(url, threads=1)
    with connection.using("batch") as client:
        taken = client.connection_pool.get_connection()
        refused = [ping(connection) for _ in range(4)]
        client.connection_pool.release(taken)

    assert ["all connections to the store are in use"] * 4 == refused
    assert ("ok", "ok") == (ask(connection), ping(connection))


def test_outages_leave_no_connections_behind(url, proxy, connect):
    connection = connect(proxy.url)
    connection._breaker = Breaker(failures=1000)  # or most would not even be tried
    with redis.Redis.from_url(url) as client:
        before = len(client.client_list())
        for fault in FAULTS * 2:
            proxy.fault = fault
            for _ in range(4):
                ask(connection)
        proxy.fault = "none"

        assert "ok" == ask(connection)
        assert len(client.client_list()) <= before + 1


@pytest.mark.parametrize(
    "address",
    [
        "redis://:hunter2@127.0.0.1:1",
        "redis://user:hunter2@no-such-host.invalid",
        "unix://user:hunter2@/nowhere/valkey.sock",
        "{unix}",
        "{tcp}",
    ],
)
def test_no_error_holds_the_password(url, proxy, connect, address):
    places = {
        "{unix}": url.replace("unix://", "unix://user:hunter2@"),
        "{tcp}": proxy.url.replace("redis://", "redis://user:hunter2@"),
    }
    connection = connect(places.get(address, address))
    with pytest.raises(StoreUnavailable) as refused, connection.using("read") as client:
        client.ping()

    chain, error = [], refused.value
    while error is not None:
        chain.append(repr(error))
        error = error.__cause__ or error.__context__
    assert "hunter2" not in " ".join(chain) + repr(connection)


@contextmanager
def server(folder: str, delay: int = 0) -> Iterator[str]:
    """Run a server on that append-only file; a *delay* of -n lets it rest after n commands."""
    options = {
        "--port": "0",
        "--dir": folder,
        "--unixsocket": f"{folder}/s",
        "--appendonly": "yes",
        "--key-load-delay": str(delay),
    }
    words = [word for option in options.items() for word in option]
    process = subprocess.Popen([embedded.server_binary(), *words], stdout=subprocess.DEVNULL)
    try:
        while not Path(folder, "s").exists():
            time.sleep(0.002)
        yield f"unix://{folder}/s"
    finally:
        process.kill()
        process.wait()
        Path(folder, "s").unlink()


def test_a_server_that_still_reads_its_file_is_away(connect):
    with tempfile.TemporaryDirectory(prefix="also") as folder:
        with server(folder) as url, redis.Redis.from_url(url) as client:
            writes = client.pipeline(transaction=False)
            for number in range(30_000):
                writes.set(f"greeting{number}", "hello")
            writes.execute()
        with server(folder, delay=-2) as url:  # for a second or so
            connection = connect(url)
            connection._breaker = Breaker(failures=1000)  # so as not to miss the moment
            answers = []
            while "ok" not in answers and len(answers) < 10_000:
                answers.append(ask(connection, "greeting1"))

    assert any(answer.endswith("is loading the dataset in memory") for answer in answers)
    assert "ok" == answers[-1]


def asked(connection: Connection) -> object:
    return connection.try_command("GET", "greeting")


def test_a_quick_question_has_the_answer_of_any_other(connect, url):
    connection = connect(url)

    assert GREETING == asked(connection)
    assert [GREETING, None] == connection.try_command("MGET", "greeting", "nothing")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_quick_question_without_an_answer_is_no_error(connect, proxy, fault):
    connection = connect(proxy.url)
    before = asked(connection)
    proxy.fault = fault
    away = [asked(connection) for _ in range(20)]
    proxy.fault = "none"
    wait_until_ok(connection)
    deadline = time.monotonic() + HEALING_SECONDS
    while asked(connection) is None and time.monotonic() < deadline:
        time.sleep(0.01)

    assert GREETING == before == asked(connection)
    assert [None] * 20 == away


@pytest.mark.parametrize("fault", FAULTS)
def test_a_reply_is_told_or_why_there_is_none(connect, proxy, fault):
    connection = connect(proxy.url)
    before = connection.read("MGET", "greeting", "nothing")
    proxy.fault = fault
    with pytest.raises(StoreUnavailable):
        connection.read("GET", "greeting")
    proxy.fault = "none"
    wait_until_ok(connection)

    assert [GREETING, None] == before == connection.read("MGET", "greeting", "nothing")
    assert connection.read("GET", "nothing") is None


def test_what_was_asked_in_vain_for_nobody_is_forgotten(connect, url):
    connection = connect(url)
    connection._breaker = Breaker(failures=1000)
    with stopped(url), pytest.raises(StoreUnavailable):
        connection.read("GET", "greeting")
    with one_wait_per_server():
        assert "ok" == ask(connection)


def test_a_reader_waits_once_also_when_others_are_answered(connect, proxy):
    connection = connect(proxy.url)
    before = asked(connection)
    proxy.fault = "blackhole"
    with one_wait_per_server():
        first = asked(connection)
        proxy.fault = "none"
        connection._breaker.succeeded()  # as another thread says
        second = asked(connection)

    assert (GREETING, None, None) == (before, first, second)
    assert GREETING == asked(connection)


def test_a_refusal_costs_no_connection(connect, url, opened):
    connection = connect(url)
    asked(connection)
    before = opened()
    refused = [connection.try_command("INCR", "greeting") for _ in range(20)]

    assert [None] * 20 == refused
    assert before == opened()


def test_a_quick_question_waits_once_for_a_server_that_hangs(connect, url):
    connection = connect(url)
    asked(connection)
    with stopped(url):
        answers = [asked(connection) for _ in range(1000)]

    assert [None] * 1000 == answers
    assert 1 == connection._breaker._failures


def test_threads_that_ask_at_once_get_their_own_answers(connect, url):
    connection = connect(url)
    with connection.using("write") as client:
        client.mset({f"key-{number}": number for number in range(8)})

    def ask_often(number: int) -> set[bytes]:
        return {connection.try_command("GET", f"key-{number}") for _ in range(300)}

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask_often, range(8)))

    assert [{str(number).encode()} for number in range(8)] == answers


def test_a_command_that_a_server_refuses_has_no_answer(connect, url):
    connection = connect(url)

    assert connection.try_command("LRANGE", "greeting", "0", "1") is None
    assert connection.try_command("NO", "SUCH") is None


@pytest.mark.parametrize(
    ("pace", "sends"), [("read", False), ("load", False), ("write", True), ("batch", True)]
)
def test_whatever_may_have_changed_something_sends_the_signal(redis_url, tmp_path, pace, sends):
    signal = ChangeSignal(tmp_path / "signal")
    connection = Connection(redis_url, signal=signal)
    before = signal.current()
    with connection.using(pace) as client:
        client.get("greeting")

    assert sends == (before != signal.current())
    connection.close()


def test_a_write_whose_answer_got_lost_sends_the_signal_too(proxy, tmp_path):
    signal = ChangeSignal(tmp_path / "signal")
    connection = Connection(proxy.url, signal=signal)
    before = signal.current()
    proxy.fault = "reset"
    write(connection)

    assert before != signal.current()
    connection.close()
