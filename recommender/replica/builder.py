"""Builders of index files, as processes of their own: no reader waits for one."""

import os
import subprocess
import sys
import time

from recommender.config import Settings
from recommender.index.files import IndexFiles

# A disk that is full or read-only is not tried again with every look at the archive, nor is a file
# made again and again that this process cannot use, such as one by an upgrade that it misses.
PAUSE_SECONDS = 60.0
NOTHING_NEW = 3  # the exit status of a builder when the file in place is up to date


def index_files(settings: Settings, site: str) -> IndexFiles | None:
    """Where the files of a site are; None on Windows, which has no such locks."""
    return IndexFiles(settings.data_dir / "index" / site) if sys.platform != "win32" else None


class Builder:
    """Starts `recommender.build` for the sites of this process, one at a time for each."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._not_before: dict[str, float] = {}

    def start(self, site: str) -> None:
        """Have the file of a site made, unless that is under way or was of no use just now."""
        if site in self._running:
            self._look_after(site)  # before another one, whoever asks looks at what it has made
            return
        files = index_files(self._settings, site)
        if files is None or files.is_building() or time.monotonic() < self._not_before.get(site, 0):
            return
        self._running[site] = self._process(site)

    def run(self, site: str) -> bool:
        """Have the file of a site made, and return whether that worked."""
        return self._process(site).wait() in (0, NOTHING_NEW)

    def close(self) -> None:
        """End what is still running; the next worker begins anew."""
        for process in self._running.values():
            process.kill()
            process.wait()
        self._running.clear()

    def _look_after(self, site: str) -> None:
        status = self._running[site].poll()
        if status is None:
            return
        del self._running[site]
        if status != 0:
            self._not_before[site] = time.monotonic() + PAUSE_SECONDS

    def _process(self, site: str) -> "subprocess.Popen[bytes]":
        path = os.pathsep.join(sys.path)
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "recommender.build", site],
            stdin=subprocess.DEVNULL,
            stdout=2,  # what it has to say belongs to our log
            env=os.environ | self._settings.environment() | {"PYTHONPATH": path},
        )
