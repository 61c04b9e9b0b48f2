"""A bell that all processes of an install hear: whoever may have changed the store rings it."""

import contextlib
import os
from pathlib import Path

_BYTES = 8


class ChangeSignal:
    """
    Some bytes of a file that every process reads, other ones after every `ring`.

    So a worker learns without asking that there is something to ask about, before whoever wrote is
    told that it is done. Where that file cannot be written, nobody hears anything.

    Args:
        file: made, with its folder, if it is not there.
    """

    def __init__(self, file: Path) -> None:
        self._file: int | None = None
        self._works = False
        with contextlib.suppress(OSError):
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._works = True
            self.ring()

    def ring(self) -> None:
        if self._file is None or not self._works:
            return
        try:
            os.pwrite(self._file, os.urandom(_BYTES), 0)
        except OSError:
            self._works = False  # whoever cannot be heard does not listen either

    def sound(self) -> bytes | None:
        """As it is since it was last rung; None where nobody would hear it."""
        if self._file is None or not self._works:
            return None
        try:
            # Not mapped: what somebody cuts off a file ends the process that reads it in a map.
            sound = os.pread(self._file, _BYTES, 0)
        except OSError:
            return None
        return sound if len(sound) == _BYTES else None

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)
