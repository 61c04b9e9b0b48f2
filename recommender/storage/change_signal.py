"""A signal between the processes of an install: each write to the store changes it."""

import contextlib
import os
from pathlib import Path

_BYTES = 8  # of each half


class ChangeSignal:
    """
    A few random bytes in a file that every process of the install reads.

    `send` replaces them after each write and before the writer reports success. So a worker can
    tell without asking the store that nothing has been written on this machine. The first half
    changes only when an article may have to leave lists.

    Where the file cannot be written, `current` returns None and workers ask the store.

    Args:
        file: created, with its folder, if it is missing.
    """

    def __init__(self, file: Path) -> None:
        self._file: int | None = None
        self._works = False
        with contextlib.suppress(OSError):
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._works = True
            self.send(removal=True)

    def send(self, removal: bool = False) -> None:
        """
        Change the bytes.

        Args:
            removal: whether an article may have to leave lists: a delete, an embargo, or a rule.
        """
        if self._file is None or not self._works:
            return
        try:
            if removal:
                os.pwrite(self._file, os.urandom(2 * _BYTES), 0)
            else:
                os.pwrite(self._file, os.urandom(_BYTES), _BYTES)
        except OSError:
            # A process that cannot send must not trust the file either: others may fail as well.
            self._works = False

    def current(self) -> bytes | None:
        """The bytes now, to compare with earlier ones; None where the signal does not work."""
        if self._file is None or not self._works:
            return None
        try:
            # Not mapped into memory: a truncated file would kill every process that maps it.
            signal = os.pread(self._file, 2 * _BYTES, 0)
        except OSError:
            return None
        return signal if len(signal) == 2 * _BYTES else None

    def last_removal(self) -> bytes | None:
        """The bytes that only a removal changes; None where the signal does not work."""
        signal = self.current()
        return signal[:_BYTES] if signal is not None else None

    def close(self) -> None:
        file = self._file
        self._file = None
        if file is not None:
            os.close(file)
