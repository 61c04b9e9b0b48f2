"""Starts the builders of index files. Each is a process of its own, so no reader waits for one."""

import os
import subprocess
import sys
import time

from recommender.config import Settings
from recommender.disk_space import DiskSpace
from recommender.index.files import IndexFiles

# After a failure: a full or read-only disk is not tried again at once, and a process that cannot
# use new files, as after an upgrade, does not have them built again and again.
PAUSE_SECONDS = 60.0
NOTHING_NEW = 3  # the exit status of a builder when the file in place is up to date


def index_files(settings: Settings, site: str) -> IndexFiles | None:
    """The index files of a site; None on Windows, which lacks the file locks that they need."""
    return IndexFiles(settings.data_dir / "index" / site) if sys.platform != "win32" else None


class Builder:
    """Starts `recommender.build` for the sites of this process, once at a time for each site."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._disk = DiskSpace(settings.data_dir)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._not_before: dict[str, float] = {}

    def start(self, site: str) -> None:
        """Start to build the file of a site, unless a builder runs or has failed just now."""
        if site in self._running:
            self._check(site)  # the caller adopts the new file before the next builder starts
            return
        files = index_files(self._settings, site)
        if files is None or files.is_building() or time.monotonic() < self._not_before.get(site, 0):
            return
        if not self._disk.allows_caching:
            return
        self._running[site] = self._process(site)

    def run(self, site: str) -> bool:
        """Build the file of a site, and return whether that worked."""
        return self._disk.allows_caching and self._process(site).wait() in (0, NOTHING_NEW)

    def close(self) -> None:
        """Stop the builders that still run; the next worker starts them again."""
        for process in self._running.values():
            process.kill()  # an unfinished file has no name yet, and the next builder deletes it
            process.wait()
        self._running.clear()

    def _check(self, site: str) -> None:
        status = self._running[site].poll()
        if status is None:
            return
        del self._running[site]
        if status != 0:
            self._not_before[site] = time.monotonic() + PAUSE_SECONDS

    def _process(self, site: str) -> "subprocess.Popen[bytes]":
        path = os.pathsep.join(sys.path)
        return subprocess.Popen(
            # `-P`: a module in the working folder must not take the place of ours.
            [sys.executable, "-P", "-m", "recommender.build", site],
            stdin=subprocess.DEVNULL,
            stdout=2,  # its log lines belong to ours
            env=os.environ | self._settings.environment() | {"PYTHONPATH": path},
        )
