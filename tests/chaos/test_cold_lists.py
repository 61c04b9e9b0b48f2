"""Crowds on lists that no cache has: each worker makes a list once, and all are answered."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from news import article
from running_service import LIST, PATIENCE_SECONDS, Record, Reply, Service, kill, wait_until

pytestmark = pytest.mark.chaos

CLIENTS = 64
WORKERS = 2
# A crowd's slowest answer, as a multiple of a crowd's on a list that is there and of making one.
GENEROUS = 10


def path_of(number: int) -> str:
    return f"/v1/main/articles/a{number}/related"


def lists_shared(service: Service) -> int:
    """How many finished lists the workers have given each other: they SET them with a lifetime."""
    total = 0
    for socket in service.folder.glob("var/**/*.sock"):
        with redis.Redis(unix_socket_path=str(socket)) as server:
            total += server.info("commandstats").get("cmdstat_set", {"calls": 0})["calls"]
    return total


def forget_lists(service: Service) -> None:
    for socket in service.folder.glob("var/**/*.sock"):
        with redis.Redis(unix_socket_path=str(socket)) as server:
            for key in list(server.scan_iter("see:*:list:*", count=1_000)):
                server.delete(key)


def slowest(replies: list[Reply]) -> float:
    return max(reply.seconds for reply in replies)


def test_a_stampede_makes_a_list_once_in_each_worker(service: Service, record: Record) -> None:
    service.show_to_all_workers(LIST)
    alone = [service.get(f"{LIST}?offset=0") for _ in range(10)]
    quiet = service.get_often(LIST, 5 * CLIENTS, CLIENTS)
    crowd: list[Reply] = []
    most = 0
    for number in range(5):
        assert service.put(article("a0", title=f"Changed {number}")).status == 200
        before = lists_shared(service)
        crowd += service.get_often(LIST, CLIENTS, CLIENTS)
        most = max(most, lists_shared(service) - before)

    record(
        16,
        f"{CLIENTS} clients on one stale list: made {most} times at most in {WORKERS} workers,"
        f" slowest answer {1000 * slowest(crowd):.0f} ms ({1000 * slowest(quiet):.0f} ms when it"
        f" is there, {1000 * slowest(alone):.0f} ms to make it alone)",
    )
    assert {reply.status for reply in crowd} == {200}
    assert 1 <= most <= WORKERS
    assert slowest(crowd) < GENEROUS * (slowest(quiet) + slowest(alone) + 0.1)


def test_lists_that_expire_together_are_made_once_in_each_worker(
    service: Service, record: Record
) -> None:
    service.put(article("a0", title="Changed"))  # now no list is of this state
    before = lists_shared(service)
    replies = ask_until_answered(service, lists=200)
    times = (lists_shared(service) - before) / 200

    refused = sum(reply.status == 503 for reply in replies)
    record(
        16,
        f"{CLIENTS} clients on 200 stale lists: each made {times:.2f} times, {refused} of"
        f" {len(replies):,} requests were told to come again",
    )
    check_answered_or_refused(replies)
    assert 1 <= times <= WORKERS


def test_a_list_is_made_though_the_worker_dies_that_makes_it(
    service: Service, record: Record
) -> None:
    service.show_to_all_workers(LIST)
    service.put(article("a0", title="Changed"))
    with ThreadPoolExecutor(CLIENTS) as pool:
        asked = [pool.submit(service.get, LIST) for _ in range(CLIENTS)]
        kill(min(service.workers()))
        replies = [one.result(PATIENCE_SECONDS) for one in asked]
    broken = sum(reply.status == 0 for reply in replies)
    wait_until(lambda: service.get(LIST).status == 200)

    record(
        16,
        f"a worker of two killed while {CLIENTS} clients wait for one list: {broken} connections"
        " broken, the next request answered",
    )
    assert {reply.status for reply in replies} <= {0, 200}


def test_a_cold_start_answers_a_crowd(
    compiled: None, tmp_path_factory: pytest.TempPathFactory, record: Record
) -> None:
    folder: Path = tmp_path_factory.mktemp("cold")
    with Service.started(folder) as service:
        service.put_archive(500)
        forget_lists(service)
    with Service.started(folder) as service:
        before = lists_shared(service)
        began = time.monotonic()
        replies = ask_until_answered(service, lists=500)
        seconds = time.monotonic() - began
        times = (lists_shared(service) - before) / 500
        cold_bytes = service.memory_bytes()
        ask_until_answered(service, lists=500)
        steady_bytes = service.memory_bytes()

    refused = sum(reply.status == 503 for reply in replies)
    record(
        17,
        f"{CLIENTS} clients on 500 lists after a start without any: all answered after"
        f" {seconds:.1f} s, each made {times:.2f} times, {refused} of {len(replies):,} requests"
        f" were told to come again, memory x {cold_bytes / steady_bytes:.2f} of the steady one",
    )
    check_answered_or_refused(replies)
    assert times <= WORKERS
    assert cold_bytes < 1.2 * steady_bytes


def ask_until_answered(service: Service, lists: int) -> list[Reply]:
    """Each of many clients asks for all lists, in its own order, again after a refusal."""

    def client(seed: int) -> list[Reply]:
        numbers = list(range(lists))
        random.Random(seed).shuffle(numbers)
        replies = []
        for number in numbers[: 4 * lists // CLIENTS]:  # each list four times
            replies.append(service.get(path_of(number)))
            while replies[-1].status == 503:
                time.sleep(0.05)
                replies.append(service.get(path_of(number)))
        return replies

    with ThreadPoolExecutor(CLIENTS) as pool:
        of_clients = list(pool.map(client, range(CLIENTS)))
    return [reply for replies in of_clients for reply in replies]


def check_answered_or_refused(replies: list[Reply]) -> None:
    for reply in replies:
        assert reply.status in (200, 503)
        assert reply.status == 200 or int(reply.headers["retry-after"]) > 0
