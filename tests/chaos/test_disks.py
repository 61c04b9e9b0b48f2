"""A disk that is full."""

import contextlib
import os
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from news import article
from running_service import LIST, Record, Service, wait_until

pytestmark = pytest.mark.chaos


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
