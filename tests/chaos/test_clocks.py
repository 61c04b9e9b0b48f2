"""A machine whose clock jumps: no article is shown before its time, and the service goes on."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
import redis
from news import article
from running_service import Record, Service, wait_until

pytestmark = pytest.mark.chaos

SOURCE = Path(__file__).with_name("jumping_clock.c")
HOUR_SECONDS = 3_600
RECENT = "/v1/main/recent"


class Clock:
    """The wall clock of a service; its monotonic clock stays as it is."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "offset"
        self._file.write_bytes(bytes(8))
        self._library = folder / "jumping_clock.so"
        subprocess.run(
            ["cc", "-O2", "-shared", "-fPIC", "-o", self._library, SOURCE], check=True, timeout=60
        )

    def set_ahead(self, seconds: int) -> None:
        """Let the clock jump to so many seconds after the right time."""
        with self._file.open("r+b") as file:
            file.write(seconds.to_bytes(8, sys.byteorder, signed=True))

    @property
    def variables(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self._library), "CLOCK_OFFSET_FILE": str(self._file)}


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    if sys.platform != "linux" or shutil.which("cc") is None:
        pytest.skip("needs Linux and a C compiler, for a clock that can jump")
    return Clock(tmp_path)


@pytest.fixture
def service_with_clock(compiled: None, clock: Clock, tmp_path: Path) -> Iterator[Service]:
    with Service.started(tmp_path, **clock.variables) as service:
        service.put_archive(20)
        yield service


def test_an_embargo_holds_while_the_clock_jumps(
    service_with_clock: Service, clock: Clock, record: Record
) -> None:
    service = service_with_clock
    embargo = datetime.now(UTC) + timedelta(seconds=HOUR_SECONDS / 2)
    assert service.put(article("later", published_at=embargo.isoformat())).status == 201
    jumps = [0, HOUR_SECONDS, 0, -HOUR_SECONDS, HOUR_SECONDS, -HOUR_SECONDS, 0]
    early = 0
    for ahead in jumps:
        clock.set_ahead(ahead)
        is_out = ahead == HOUR_SECONDS
        if is_out:
            wait_until(lambda: all(shown_by_workers(service)))
        else:
            early += sum(shown_by_workers(service))

    record(24, f"{len(jumps)} jumps of the clock by an hour or two: shown too early {early} times")
    assert early == 0


def shown_by_workers(service: Service) -> list[bool]:
    return [shows(service, "later") for _ in range(32)]


def shows(service: Service, article_id: str) -> bool:
    reply = service.get(RECENT)
    assert reply.status == 200
    return article_id in [item["id"] for item in orjson.loads(reply.body)["items"]]


def test_a_machine_whose_clock_is_ahead_shows_nothing_early_nor_keeps_it_for_others(
    compiled: None,
    clock: Clock,
    tmp_path: Path,
    redis_url: str,
    raw_redis: "redis.Redis",
    record: Record,
) -> None:
    """Two machines on one store, whose clock and one machine's are right."""
    store = {"ALSOSEE_REDIS_URL": redis_url}
    clock.set_ahead(600)
    with (
        Service.started(tmp_path / "right", **store) as right,
        Service.started(tmp_path / "ahead", **store, **clock.variables) as ahead,
    ):
        right.put_archive(20)
        embargo = datetime.now(UTC) + timedelta(seconds=300)
        assert right.put(article("later", published_at=embargo.isoformat())).status == 201
        early = 0
        for service in (ahead, right, ahead, right):
            early += sum(shown_by_workers(service))

    record(24, f"a machine that is ten minutes ahead, and one beside it: shown early {early} times")
    assert early == 0
