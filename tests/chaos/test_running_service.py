"""A whole service under kills, crowds, slow clients, a full disk and hours in minutes."""

import contextlib
import itertools
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import orjson
import pytest
from news import article
from running_service import Record, Service, half_sent, kill, percentile, wait_until

pytestmark = pytest.mark.chaos

LIST = "/v1/main/articles/a0/related"


def read_for(
    service: Service, seconds: float, path: str = LIST
) -> tuple[list[float], Counter[int]]:
    """One reader without pause: how long each answer took, and the statuses."""
    times: list[float] = []
    statuses: Counter[int] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        reply = service.get(LIST)
        times.append(reply.seconds)
        statuses[reply.status] += 1
    return times, statuses


@contextlib.contextmanager
def beside(work: Callable[[threading.Event], None], threads: int = 1) -> Iterator[None]:
    """Run *work* in threads until the block ends."""
    stop = threading.Event()
    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(work, stop) for _ in range(threads)]
        try:
            yield
        finally:
            stop.set()
        for future in running:
            future.result(60)


# 1, 7: kills


@pytest.mark.parametrize("trial", range(10))
def test_no_acknowledged_put_is_lost_when_the_store_is_killed(
    service: Service, trial: int, record: Record
) -> None:
    ledger: dict[str, str] = {}
    chance = random.Random(trial)

    def write(stop: threading.Event) -> None:
        name = threading.get_ident()
        for number in itertools.count():
            if stop.is_set():
                return
            fields = article(f"w{name}-{number}", title=f"Title {chance.random()}")
            if service.put(fields).status in (200, 201):
                ledger[fields["id"]] = fields["title"]

    with beside(write, threads=4):
        time.sleep(chance.uniform(0.5, 4.0))
        kill(service.store_pid())
        time.sleep(2.0)
    wait_until(lambda: service.get("/readyz").status == 200)
    with service.backend() as backend:
        stored = {i: backend.store.article("main", i) for i in ledger}
    lost = [i for i, title in ledger.items() if (stored[i] or {}).get("title") != title]

    record(1, f"{len(ledger):,} acknowledged PUTs around a kill, {len(lost)} lost")
    assert lost == []


def test_the_death_of_a_worker_fails_its_own_requests_at_most(
    service: Service, record: Record
) -> None:
    statuses: Counter[int] = Counter()

    def read(stop: threading.Event) -> None:
        while not stop.is_set():
            statuses[service.get(LIST).status] += 1

    with beside(read, threads=4):
        for _ in range(3):
            time.sleep(1.0)
            kill(min(service.workers()))
            wait_until(lambda: len(service.workers()) == 2)
        time.sleep(1.0)

    failed = sum(statuses.values()) - statuses[200]
    record(20, f"3 workers killed under 4 readers: {failed} of {sum(statuses.values()):,} failed")
    assert failed <= 3 * 4


def test_reloads_fail_no_request(service: Service, record: Record) -> None:
    statuses: Counter[int] = Counter()

    def read(stop: threading.Event) -> None:
        while not stop.is_set():
            reply = service.get(LIST)
            # A connection that was closed unread may be asked again (RFC 9110, 9.2.2).
            statuses[reply.status or service.get(LIST).status] += 1

    with beside(read, threads=4):
        for _ in range(3):
            os.kill(service.process.pid, signal.SIGHUP)
            time.sleep(5.0)

    record(20, f"3 reloads under 4 readers: statuses {dict(statuses)}")
    assert set(statuses) == {200}


# 3: a full disk


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
def test_a_full_disk_loses_nothing(compiled: None, tmp_path: Path, record: Record) -> None:
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "none", str(tmp_path)], check=True
    )
    try:
        with Service.started(tmp_path) as service:
            service.put_archive(100)
            _fill_and_free(service, tmp_path / "filler", record)
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def _fill_and_free(service: Service, filler: Path, record: Record) -> None:
    acknowledged = [f"before{n}" for n in range(20)]
    for name in acknowledged:
        assert service.put(article(name)).status == 201
    with filler.open("wb") as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(2**16))
            file.flush()
    refused = [service.put(article(f"full{n}", body="word " * 20_000)) for n in range(10)]
    reads = [service.get(LIST) for _ in range(50)]
    filler.unlink()
    freed = time.monotonic()
    wait_until(lambda: service.put(article("after")).status in (200, 201))
    back = time.monotonic() - freed
    with service.backend() as backend:
        lost = [name for name in acknowledged if backend.store.article("main", name) is None]

    statuses = Counter(reply.status for reply in refused)
    record(
        3,
        f"full disk: writes {dict(statuses)}, reads {dict(Counter(r.status for r in reads))},"
        f" writable {back:.1f} s after space was freed, {len(lost)} acknowledged writes lost",
    )
    assert lost == []
    assert set(statuses) == {503}


# 13: a paused store


def test_readers_are_answered_while_the_store_is_paused(service: Service, record: Record) -> None:
    paths = [f"/v1/main/articles/a{n}/related" for n in range(8)]
    for path in paths:
        for _ in range(10):  # so that every worker has each list
            assert service.get(path).status == 200
    times: list[float] = []
    statuses: Counter[int] = Counter()

    def read(stop: threading.Event) -> None:
        path = paths[threading.get_ident() % len(paths)]
        while not stop.is_set():
            reply = service.get(path)
            times.append(reply.seconds)
            statuses[reply.status] += 1

    os.kill(service.store_pid(), signal.SIGSTOP)
    try:
        with beside(read, threads=8):
            time.sleep(10.0)
    finally:
        os.kill(service.store_pid(), signal.SIGCONT)

    record(
        13,
        f"store paused for 10 s under 8 readers: {statuses[200]:,} of {sum(statuses.values()):,}"
        f" answered with 200, p99 {1000 * percentile(times, 0.99):.0f} ms",
    )
    assert set(statuses) == {200}


# 16, 18, 19: crowds and slow clients


def test_a_stampede_makes_a_list_once_in_each_worker(service: Service, record: Record) -> None:
    with service.store() as store, ThreadPoolExecutor(64) as pool:
        for round_ in range(5):
            service.put(article("a0", title=f"Changed {round_}"))
            before = store.info("commandstats")["cmdstat_mget"]["calls"]
            replies = list(pool.map(lambda _: service.get(LIST), range(64)))
            calls = store.info("commandstats")["cmdstat_mget"]["calls"] - before
            assert {reply.status for reply in replies} == {200}

    record(16, f"64 clients on one stale list: {calls} reads of cards and states in the store")


def test_slow_clients_do_not_slow_readers(service: Service, record: Record) -> None:
    quiet, _ = read_for(service, 4.0)
    slow = [half_sent(service.port, f"/v1/main/{path}") for path in ("events", "links") * 100]
    idle = [half_sent(service.port, "/editor/main/sign-in") for _ in range(50)]
    with contextlib.ExitStack() as stack:
        for client in (*slow, *idle):
            stack.callback(client.close)
        beside_slow, statuses = read_for(service, 4.0)  # before their deadline of five seconds

    before, after = percentile(quiet, 0.99), percentile(beside_slow, 0.99)
    record(
        19,
        f"250 half-sent bodies, no proxy: readers' p99 {1000 * after:.1f} ms, {1000 * before:.1f}"
        f" without (x {after / before:.1f}); statuses {dict(statuses)}",
    )
    assert set(statuses) == {200}
    assert after < 5 * before + 0.02


def test_overload_is_refused_at_once_and_passes(service: Service, record: Record) -> None:
    def goodput(readers: int, seconds: float) -> tuple[float, Counter[int], list[float]]:
        statuses: Counter[int] = Counter()
        refused: list[float] = []
        numbers = itertools.count()

        def read(stop: threading.Event) -> None:
            while not stop.is_set():
                # `offset=0` keeps the list out of the caches.
                path = f"/v1/main/articles/a{next(numbers) % 200}/related?offset=0"
                reply = service.get(path)
                statuses[reply.status] += 1
                if reply.status == 503:
                    refused.append(reply.seconds)

        with beside(read, threads=readers):
            time.sleep(seconds)
        return statuses[200] / seconds, statuses, refused

    goodput(8, 3.0)  # to warm up
    before = goodput(8, 4.0)[0]
    crowded, statuses, _ = goodput(256, 8.0)
    wait_until(lambda: service.get(LIST).status == 200, seconds=5.0)
    peak = max(before, goodput(8, 4.0)[0])

    record(
        18,
        f"256 readers of uncached lists: {crowded / peak:.0%} of the peak of {peak:.0f} lists a"
        f" second (the clients share the two cores); statuses {dict(statuses)}",
    )
    assert set(statuses) <= {200, 503}


# 7 of the faults: readers beside writers


def test_readers_beside_writers(service: Service, record: Record) -> None:
    quiet, _ = read_for(service, 4.0)

    def write(stop: threading.Event) -> None:
        for number in itertools.count():
            if stop.wait(0.1):
                return
            service.put(article(f"new{number}"))

    with beside(write):
        busy, statuses = read_for(service, 8.0)

    before, after = percentile(quiet, 0.99), percentile(busy, 0.99)
    record(
        7,
        f"readers beside 10 PUTs a second: p99 {1000 * after:.1f} ms, {1000 * before:.1f} without"
        f" (x {after / before:.1f}); statuses {dict(statuses)}",
    )
    assert set(statuses) == {200}


# 12: determinism, 21: soak, 22: deletion


def test_a_deleted_article_is_in_no_answer_of_any_worker(service: Service, record: Record) -> None:
    shown: list[str] = []
    count = 0
    for number in range(100, 140):
        victim = f"a{number}"
        assert service.send("DELETE", f"/v1/main/articles/{victim}").status == 204
        for path in (LIST, "/v1/main/recent?limit=50"):
            for _ in range(6):
                body = service.get(path).body
                count += 1
                ids = [item["id"] for item in orjson.loads(body)["items"]]
                shown += [victim] if victim in ids else []

    record(22, f"{count} answers after 40 deletes: {len(shown)} showed the article")
    assert shown == []


def test_memory_and_keys_stay_constant(service: Service, record: Record) -> None:
    def round_() -> None:
        with ThreadPoolExecutor(4) as pool:
            list(
                pool.map(
                    lambda n: service.get(f"/v1/main/articles/a{n % 200}/related"), range(4_000)
                )
            )
        for number in range(50):
            service.put(article(f"a{number}", title=f"Changed {random.random()}"))

    round_()
    round_()
    middle = service.memory_bytes()
    with service.store() as store:
        keys = store.dbsize()
    round_()
    round_()
    last = service.memory_bytes()
    with service.store() as store:
        keys_after = store.dbsize()

    record(
        21,
        f"16,000 GETs and 200 PUTs: memory of the workers x {last / middle:.3f} in the second half,"
        f" {keys_after - keys} more keys",
    )
    assert last < 1.1 * middle
    assert abs(keys_after - keys) <= 400  # lists that were made meanwhile


def test_two_installs_make_the_same_lists(
    compiled: None, tmp_path_factory: pytest.TempPathFactory, record: Record
) -> None:
    digests = set()
    variables = [
        {"PYTHONHASHSEED": "1", "TZ": "Asia/Kathmandu", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "2", "TZ": "America/New_York", "OMP_NUM_THREADS": "1"},
    ]
    for number, one in enumerate(variables):
        with Service.started(tmp_path_factory.mktemp("install"), **one) as service:
            order = list(range(60))
            random.Random(number).shuffle(order)
            for n in order:
                service.put(article(f"a{n}"))
            lists = []
            for n in range(60):
                answer = orjson.loads(service.get(f"/v1/main/articles/a{n}/related?limit=50").body)
                lists.append([(item["id"], item["score"]) for item in answer["items"]])
            digests.add(sha256(repr(lists).encode()).hexdigest())

    record(12, f"60 lists in 2 installs of other seeds, zones and orders: {len(digests)} outcome")
    assert len(digests) == 1
