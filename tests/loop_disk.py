"""A file system of its own on a loop device: it can lose its power, and be frozen."""

import contextlib
import fcntl
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

SIZE_BYTES = 256 * 2**20  # sparse
# ioctl(2) of ext4: the file system ends at once, with nothing flushed. What was in memory is lost.
EXT4_IOC_SHUTDOWN = 0x8004587D
NOLOGFLUSH = 2


class LoopDisk:
    """
    An ext4 file system in a file.

    Attributes:
        folder: where it is mounted.
    """

    def __init__(self, folder: Path, image: Path) -> None:
        self.folder = folder
        self._image = image

    @classmethod
    @contextlib.contextmanager
    def mounted(cls, parent: Path) -> Iterator[Self]:
        """Skips the test, and says why, where no loop device can be mounted."""
        disk = cls(parent / "disk", parent / "image")
        disk.folder.mkdir()
        with disk._image.open("wb") as image:
            image.truncate(SIZE_BYTES)
        try:
            _run("mkfs.ext4", "-q", "-F", str(disk._image))
            disk.mount()
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"needs root, mkfs.ext4 and a loop device: {error}")
        try:
            yield disk
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):
                _run("umount", "--lazy", str(disk.folder))
            disk._image.unlink()

    def mount(self) -> None:
        _run("mount", "-o", "loop", str(self._image), str(self.folder))
        self.folder.chmod(0o700)

    def unmount(self) -> None:
        _run("umount", str(self.folder))

    def cut_power(self) -> None:
        """From now on every write fails, and what was not flushed is lost."""
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, NOLOGFLUSH.to_bytes(4, "little"))
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Whoever writes waits until the block ends."""
        _run("fsfreeze", "--freeze", str(self.folder))
        try:
            yield
        finally:
            _run("fsfreeze", "--unfreeze", str(self.folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)
