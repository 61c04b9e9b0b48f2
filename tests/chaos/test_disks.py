"""Disks that are full, dead or frozen, and a machine that loses its power."""

import contextlib
import itertools
import os
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from loop_disk import LoopDisk
from news import article
from running_service import LIST, Record, Reply, Service, beside, wait_until

pytestmark = pytest.mark.chaos

WRITERS = 4
FROZEN_SECONDS = 4.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[LoopDisk]:
    with LoopDisk.mounted(tmp_path) as disk:
        yield disk


class Writers:
    """
    Clients that put one article after the other.

    Attributes:
        titles: of the articles whose PUT was acknowledged.
        replies: to all PUTs.
        count: whether acknowledgements still count.
    """

    def __init__(self, service: Service, prefix: str) -> None:
        self.titles: dict[str, str] = {}
        self.replies: list[Reply] = []
        self.count = True
        self._service = service
        self._prefix = prefix
        self._numbers = itertools.count()  # which, unlike a generator, threads can share

    def write(self, stop: threading.Event) -> None:
        while not stop.is_set():
            name = f"{self._prefix}{next(self._numbers)}"
            fields = article(name, title=f"Title {random.random()}")
            reply = self._service.put(fields)
            self.replies.append(reply)
            if reply.status in (200, 201) and self.count:
                self.titles[name] = fields["title"]

    def lost(self, service: Service) -> list[str]:
        with service.backend() as backend:
            stored = {name: backend.store.article("main", name) for name in self.titles}
        return [
            name
            for name, title in self.titles.items()
            if (stored[name] or {}).get("title") != title
        ]


def test_a_power_cut_loses_nothing_that_was_acknowledged(
    compiled: None, disk: LoopDisk, record: Record
) -> None:
    acknowledged = 0
    lost: list[str] = []
    unflushed = disk.folder / "unflushed"
    for trial in range(3):
        with Service.started(disk.folder) as service:
            writers = Writers(service, f"trial{trial}-")
            with beside(writers.write, WRITERS):
                time.sleep(random.Random(trial).uniform(0.5, 4.0))
                unflushed.write_bytes(b"written, and not flushed")
                # A machine without power acknowledges nothing, while ours goes on: a flush that
                # the end of the file system overtakes may return without an error.
                writers.count = False
                disk.cut_power()
            service.kill_everything()
        wait_until(lambda: can_unmount(disk))
        disk.mount()
        with Service.started(disk.folder) as service:
            wait_until(lambda: service.get("/readyz").status == 200)
            lost += writers.lost(service)
        acknowledged += len(writers.titles)
        # The control: a write that is not flushed does not survive.
        assert not unflushed.exists() or unflushed.read_bytes() == b""
        unflushed.unlink(missing_ok=True)

    record(2, f"3 power cuts under {WRITERS} writers: {acknowledged:,} PUTs, {len(lost)} lost")
    assert acknowledged > 0
    assert lost == []


def can_unmount(disk: LoopDisk) -> bool:
    try:
        disk.unmount()
    except subprocess.CalledProcessError:  # a process that was killed is not gone yet
        return False
    return True


def test_readers_are_answered_after_the_disk_is_dead(
    compiled: None, disk: LoopDisk, record: Record
) -> None:
    with Service.started(disk.folder) as service:
        service.put_archive(100)
        service.show_to_all_workers(LIST)
        disk.cut_power()
        refused = [service.put(article(f"late{n}")) for n in range(10)]
        reads = [service.get(LIST) for _ in range(100)]
        service.kill_everything()

    record(3, f"dead disk: writes {statuses(refused)}, reads of known lists {statuses(reads)}")
    assert {reply.status for reply in reads} == {200}
    check_refusals(refused)


def test_a_frozen_disk_loses_nothing(compiled: None, disk: LoopDisk, record: Record) -> None:
    with Service.started(disk.folder) as service:
        service.put_archive(100)
        service.show_to_all_workers(LIST)
        writers = Writers(service, "new")
        reads = []
        with beside(writers.write):
            wait_until(lambda: writers.titles)
            with disk.frozen():
                end = time.monotonic() + FROZEN_SECONDS
                while time.monotonic() < end:
                    reads.append(service.get(LIST))
            thawed = time.monotonic()
            acknowledged = len(writers.titles)
            wait_until(lambda: len(writers.titles) > acknowledged)
            back = time.monotonic() - thawed
        wait_until(lambda: service.get("/readyz").status == 200)
        lost = writers.lost(service)

    refused = [reply for reply in writers.replies if reply.status not in (200, 201)]
    record(
        3,
        f"disk frozen for {FROZEN_SECONDS:.0f} s: writes {statuses(writers.replies)}, reads of"
        f" known lists {statuses(reads)}, writable {back:.1f} s later, {len(lost)} acknowledged"
        f" writes lost",
    )
    assert {reply.status for reply in reads} == {200}
    check_refusals(refused)
    assert lost == []


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
    service.show_to_all_workers(LIST)
    with filler.open("wb") as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(2**16))
            file.flush()
    store = service.store_pid()
    refused = [service.put(article(f"full{n}", body="word " * 20_000)) for n in range(10)]
    reads = [service.get(LIST) for _ in range(50)]
    new_lists = [service.get(f"/v1/main/articles/a{n}/related") for n in range(50)]
    assert service.store_pid() == store  # a full disk would end it with each write
    filler.unlink()
    freed = time.monotonic()
    wait_until(lambda: service.put(article("after")).status in (200, 201))
    back = time.monotonic() - freed
    with service.backend() as backend:
        lost = [name for name in acknowledged if backend.store.article("main", name) is None]

    record(
        3,
        f"full disk: writes {statuses(refused)}, reads of known lists {statuses(reads)},"
        f" of new ones {statuses(new_lists)},"
        f" writable {back:.1f} s after space was freed, {len(lost)} acknowledged writes lost",
    )
    assert lost == []
    check_refusals(refused)
    assert {reply.status for reply in (*reads, *new_lists)} == {200}


def statuses(replies: list[Reply]) -> dict[int, int]:
    return dict(Counter(reply.status for reply in replies))


def check_refusals(replies: list[Reply]) -> None:
    """All are 503, with a problem document and the time of the next attempt."""
    for reply in replies:
        assert (reply.status, reply.headers["content-type"]) == (503, "application/problem+json")
        assert int(reply.headers["retry-after"]) > 0
