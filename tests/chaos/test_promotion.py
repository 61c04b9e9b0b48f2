"""A replica that takes over by hand: lists are those of its archive, and no others."""

import time
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
import redis
from faults import FaultProxy, server_pid
from news import article
from running_service import Record, Service, free_port, kill, wait_until
from servers import new_server

from recommender.backend import Backend
from recommender.config import Settings
from recommender.policy.list_options import ListOptions
from recommender.replica.site import SiteReplica

pytestmark = pytest.mark.chaos

KNOWN = [f"/v1/main/articles/a{number}/related" for number in range(8)]
LOST = [f"lost{number}" for number in range(10)]


def test_after_a_replica_has_taken_over_lists_are_those_of_its_archive(
    compiled: None, tmp_path: Path, record: Record
) -> None:
    with (
        new_server() as first,
        new_server() as second,
        FaultProxy(first.url) as proxy,
        Service.started(tmp_path, ALSOSEE_REDIS_URL=proxy.url) as service,
    ):
        service.put_archive(60)
        replicate(first.url, second.url)
        promote(second.url)
        # Acknowledged by the first server, and never copied to the second.
        for name in LOST:
            assert service.put(article(name)).status == 201
        service.show_to_all_workers(*KNOWN, "/v1/main/recent")
        kill(server_pid(first.url))
        proxy.fault = "refuse"
        proxy.send_to(second.url)
        proxy.fault = "none"
        switched_at = time.monotonic()
        wait_until(lambda: service.put(article("a0", title="After")).status == 200)
        expected = lists_of(second.url)
        wait_until(lambda: shown(service) == expected)
        seconds = time.monotonic() - switched_at
        recent = service.get("/v1/main/recent?limit=50&offset=0")

    ids = {item["id"] for item in orjson.loads(recent.body)["items"]}
    record(
        9,
        f"replica promoted without the last {len(LOST)} writes: lists are those of its archive"
        f" {seconds:.1f} s later",
    )
    assert ids.isdisjoint(LOST)


def replicate(first_url: str, second_url: str) -> None:
    port = free_port()
    with redis.Redis.from_url(first_url) as first, redis.Redis.from_url(second_url) as second:
        first.config_set("port", port)
        second.replicaof("127.0.0.1", port)
        wait_until(lambda: second.info("replication")["master_link_status"] == "up")
        wait_until(
            lambda: (
                second.info("replication")["slave_repl_offset"]
                >= first.info("replication")["master_repl_offset"]
            )
        )


def promote(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.replicaof("NO", "ONE")


def lists_of(url: str) -> list[list[str]]:
    """What a worker shows that reads everything from that server."""
    with Backend(Settings(redis_url=url, store_timeout_seconds=5)) as backend:
        replica = SiteReplica("main", backend.store)
        lists = []
        for path in KNOWN:
            source = path.split("/")[4]
            related, _ = replica.read_with_cards(
                lambda recommender, source=source: recommender.related(
                    source, ListOptions(), datetime.now(UTC)
                )
            )
            lists.append([item.card["id"] for item in related.items])
        return lists


def shown(service: Service) -> list[list[str]]:
    lists = []
    for path in KNOWN:
        reply = service.get(path)
        items = orjson.loads(reply.body)["items"] if reply.status == 200 else []
        lists.append([item["id"] for item in items])
    return lists
