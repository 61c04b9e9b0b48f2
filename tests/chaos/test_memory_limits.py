"""A cache that is emptied, full or killed changes no answer, and a full store loses nothing."""

import threading
import time
from pathlib import Path

import pytest
import redis
from faults import server_pid
from news import article
from running_service import Record, Reply, Service, beside, kill, percentile, wait_until
from servers import new_server

pytestmark = pytest.mark.chaos

KNOWN = [f"/v1/main/articles/a{number}/related" for number in range(40)]


class Readers:
    """Clients that ask for many lists; `bodies` has every body that came under each path."""

    def __init__(self, service: Service) -> None:
        self.replies: list[Reply] = []
        self.bodies: dict[str, set[bytes]] = {path: set() for path in KNOWN}
        self._service = service

    def read(self, stop: threading.Event) -> None:
        while not stop.is_set():
            for path in KNOWN:
                reply = self._service.get(path)
                self.replies.append(reply)
                self.bodies[path].add(reply.body)

    @property
    def p99_milliseconds(self) -> float:
        return 1000 * percentile([reply.seconds for reply in self.replies], 0.99)


def test_a_cache_that_is_emptied_full_or_killed_changes_no_answer(
    compiled: None, tmp_path: Path, record: Record
) -> None:
    with (
        new_server() as cache,
        Service.started(tmp_path, ALSOSEE_CACHE_URL=cache.url) as service,
    ):
        service.put_archive(200)
        control = Readers(service)
        with beside(control.read, threads=8):
            time.sleep(3.0)
        disturbed = Readers(service)
        with beside(disturbed.read, threads=8):
            limit(cache.url)
            for _ in range(30):
                empty(cache.url)
                time.sleep(0.1)
            kill(server_pid(cache.url))
            time.sleep(3.0)

    changed = sum(len(disturbed.bodies[path] | control.bodies[path]) > 1 for path in KNOWN)
    record(
        5,
        f"cache limited, emptied 30 times and killed under 8 readers: {len(disturbed.replies):,}"
        f" answers, {changed} lists changed, p99 {disturbed.p99_milliseconds:.0f} ms"
        f" ({control.p99_milliseconds:.0f} ms before)",
    )
    assert {reply.status for reply in disturbed.replies} == {200}
    assert changed == 0


def limit(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("maxmemory", "2mb")


def empty(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.flushall()


def test_a_store_at_its_memory_limit_refuses_and_evicts_nothing(
    service: Service, record: Record
) -> None:
    service.show_to_all_workers(*KNOWN[:8])
    with service.store() as store:
        keys = store.dbsize()
        store.config_set("maxmemory", store.info("memory")["used_memory"] + 2**19)
        acknowledged, refused = fill(service)
        reads = [service.get(path) for path in KNOWN[:8] for _ in range(10)]
        evicted = store.info("stats")["evicted_keys"]
        keys_after = store.dbsize()
        store.config_set("maxmemory", 0)
    wait_until(lambda: service.put(article("after")).status in (200, 201))
    with service.backend() as backend:
        lost = [name for name in acknowledged if backend.store.article("main", name) is None]

    record(
        6,
        f"store at its memory limit: {len(acknowledged)} PUTs accepted before, then"
        f" {refused.status}; {evicted} keys evicted, {len(lost)} articles lost, reads"
        f" {sorted({reply.status for reply in reads})}",
    )
    assert refused.status == 503
    assert {reply.status for reply in reads} == {200}
    assert (evicted, lost) == (0, [])
    assert keys_after >= keys


def fill(service: Service) -> tuple[list[str], Reply]:
    """Store articles until one is refused; return their ids, and the refusal."""
    acknowledged: list[str] = []
    while True:
        name = f"full{len(acknowledged)}"
        words = " ".join(f"word{number}" for number in range(2_000))
        reply = service.put(article(name, body=f"{name} {words}"))
        if reply.status != 201:
            return acknowledged, reply
        acknowledged.append(name)
        assert len(acknowledged) < 1_000
