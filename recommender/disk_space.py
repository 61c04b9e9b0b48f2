"""
How much room the disk of a folder has, and when the names of its files are on it.

When room gets short, files that can be made again are no longer written; later nothing is.
"""

import os
import shutil
from pathlib import Path

# Kept free for what must always work: deletes, rules, and a store that puts its files in order.
RESERVE_BYTES = 64 * 2**20
RESERVE_SHARE = 0.05  # of a small disk


class DiskSpace:
    """The disk that has this folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def allows_writes(self) -> bool:
        return self._has_reserves(1)

    @property
    def allows_caching(self) -> bool:
        """Whether there is room for files that can be made again."""
        return self._has_reserves(3)

    def _has_reserves(self, number: int) -> bool:
        try:
            usage = shutil.disk_usage(self._folder)
        except OSError:  # the write itself will say why
            return True
        return usage.free >= number * min(RESERVE_BYTES, RESERVE_SHARE * usage.total)


def sync_folder(folder: Path) -> None:
    """Return when the disk has the names of all files in *folder*."""
    # Syncing a file does not sync its name: after a power cut the file could be missing.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
