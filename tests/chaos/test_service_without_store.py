"""The whole service while its store is stopped, killed, loading, or behind a bad network."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import redis
from faults import Fault, FaultProxy, server_pid, stopped
from news import article
from running_service import (
    Record,
    Reply,
    Service,
    beside,
    kill,
    percentile,
    wait_until,
)
from servers import new_server

pytestmark = pytest.mark.chaos

KNOWN = [f"/v1/main/articles/a{number}/related" for number in range(8)]
UNKNOWN = "/v1/main/articles/a150/related?limit=7"
# What an outage may add to the slowest answers of a quiet service: the store is waited for once.
# What goes wrong takes many times as long, see `tests/chaos/test_store_faults.py`.
ALLOWED_SECONDS = 0.5
GENEROUS = 6


class Readers:
    """
    Clients that ask for known lists without pause.

    Attributes:
        replies: to all of them.
    """

    def __init__(self, service: Service) -> None:
        self.replies: list[Reply] = []
        self._service = service

    def read(self, stop: threading.Event) -> None:
        path = KNOWN[threading.get_ident() % len(KNOWN)]
        while not stop.is_set():
            self.replies.append(self._service.get(path))

    def during(self, seconds: float) -> list[Reply]:
        """Read with eight clients for so long."""
        with beside(self.read, threads=8):
            time.sleep(seconds)
        return self.replies


def check_known(replies: list[Reply], control: list[Reply]) -> None:
    """All are lists, none took much longer than without the outage, and stale ones say so."""
    assert {reply.status for reply in replies} == {200}
    limit = GENEROUS * (ALLOWED_SECONDS + max(reply.seconds for reply in control))
    assert max(reply.seconds for reply in replies) < limit
    stale = [one for one in replies if one.headers["cache-status"] == "AlsoSee; fwd=stale"]
    assert all(int(one.headers["age"]) >= 0 for one in stale)


def check_others(service: Service) -> None:
    """A list that was never made is refused with a time; health and readiness differ."""
    unknown = service.get(UNKNOWN)
    assert (unknown.status, unknown.headers["content-type"]) == (503, "application/problem+json")
    assert int(unknown.headers["retry-after"]) > 0
    assert service.get("/healthz").status == 200
    assert service.get("/readyz").status == 503


def in_words(replies: list[Reply], control: list[Reply]) -> str:
    answered = sum(reply.status == 200 for reply in replies)
    return (
        f"{answered:,} of {len(replies):,} answered with 200, p99"
        f" {milliseconds(replies):.0f} ms ({milliseconds(control):.0f} ms without the outage)"
    )


def milliseconds(replies: list[Reply]) -> float:
    return 1000 * percentile([reply.seconds for reply in replies], 0.99)


# 13: a paused store


def test_readers_are_answered_while_the_store_is_paused(service: Service, record: Record) -> None:
    service.show_to_all_workers(*KNOWN)
    control = Readers(service).during(3.0)
    os.kill(service.store_pid(), signal.SIGSTOP)
    try:
        paused = Readers(service).during(10.0)
        check_others(service)
        last = [service.get(path) for path in KNOWN]
    finally:
        os.kill(service.store_pid(), signal.SIGCONT)

    record(13, f"store paused for 10 s under 8 readers: {in_words(paused, control)}")
    check_known(paused, control)
    assert {reply.headers["cache-status"] for reply in last} == {"AlsoSee; fwd=stale"}
    assert all(int(reply.headers["age"]) > 0 for reply in last)


# 14: a bad network


@pytest.fixture(scope="module")
def remote(
    compiled: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, FaultProxy, str]]:
    """A service whose store is behind a network."""
    with new_server() as server, FaultProxy(server.url) as proxy:
        folder = tmp_path_factory.mktemp("remote")
        with Service.started(folder, ALSOSEE_REDIS_URL=proxy.url) as service:
            service.put_archive(200)
            yield service, proxy, server.url


Outage = Callable[[FaultProxy, str], AbstractContextManager[None]]


def network(fault: Fault) -> Outage:
    @contextlib.contextmanager
    def outage(proxy: FaultProxy, _: str) -> Iterator[None]:
        proxy.fault = fault
        try:
            yield
        finally:
            proxy.fault = "none"

    return outage


@contextlib.contextmanager
def paused(_: FaultProxy, url: str) -> Iterator[None]:
    with stopped(url):
        yield


FAULTS: tuple[Fault, ...] = ("blackhole", "reset", "refuse", "drip", "slow")
OUTAGES: dict[str, Outage] = {"paused": paused} | {fault: network(fault) for fault in FAULTS}


@pytest.mark.parametrize("name", OUTAGES)
def test_readers_are_answered_in_every_outage(
    remote: tuple[Service, FaultProxy, str], name: str, record: Record
) -> None:
    service, proxy, url = remote
    service.show_to_all_workers(*KNOWN)
    control = Readers(service).during(2.0)
    before = service.usage()
    with OUTAGES[name](proxy, url):
        answered = Readers(service).during(6.0)
        check_others(service)
    ended = time.monotonic()
    wait_until(lambda: service.put(article("a0", title=f"After {name}")).status == 200)
    wait_until(lambda: all_show(service, f"After {name}"))
    fresh = time.monotonic() - ended
    wait_until(lambda: service.usage() <= before)

    record(14, f"store behind {name}: {in_words(answered, control)}, fresh {fresh:.1f} s later")
    check_known(answered, control)


def all_show(service: Service, title: str) -> bool:
    """Whether every worker shows this title for the article `a0`."""
    replies = service.get_often("/v1/main/recent?limit=50", 16)
    return all(title.encode() in reply.body for reply in replies)


# 15: a store that reads its files

JUNK = 1_000_000  # keys: to read them takes a second or more
JUNK_SCRIPT = """
for number = ARGV[1], ARGV[2] do redis.call('SET', 'junk:' .. number, number) end
"""


def test_readers_are_answered_while_the_store_reads_its_file(
    compiled: None, tmp_path: Path, record: Record
) -> None:
    with new_server() as server, FaultProxy(server.url) as proxy:
        fill(server.url)
        with Service.started(tmp_path, ALSOSEE_REDIS_URL=proxy.url) as service:
            service.put_archive(200)
            service.show_to_all_workers(*KNOWN)
            control = Readers(service).during(2.0)
            connections = proxy.accepted
            readers = Readers(service)
            with beside(readers.read, threads=8):
                kill(server_pid(server.url))
                seconds = loading_seconds(server.url)
            connections = proxy.accepted - connections
            # The server has forgotten the scripts of the writes.
            wait_until(lambda: service.put(article("a0", title="After")).status == 200)
            wait_until(lambda: all_show(service, "After"))

    record(
        15,
        f"store read its file for {seconds:.1f} s under 8 readers:"
        f" {in_words(readers.replies, control)}, {connections} connections to it",
    )
    check_known(readers.replies, control)
    # Each of two workers has at most seven connections to renew, and then tries once a second.
    assert connections <= 2 * 7 + 2 * 2 * (seconds + 2)


def fill(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        for start in range(0, JUNK, 50_000):
            client.eval(JUNK_SCRIPT, 0, start, start + 49_999)


def loading_seconds(url: str) -> float:
    """Wait until the server that was killed answers again; return how long it said LOADING."""
    loading = []
    deadline = time.monotonic() + 60
    with redis.Redis.from_url(url) as client:
        while time.monotonic() < deadline:
            try:
                client.ping()
                break
            except redis.BusyLoadingError:
                loading.append(time.monotonic())
            except redis.ConnectionError:
                pass
            time.sleep(0.02)
    assert len(loading) > 1
    return loading[-1] - loading[0]
