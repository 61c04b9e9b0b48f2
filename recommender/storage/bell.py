"""A bell that all processes of an install hear: whoever may have changed the store rings it."""

import contextlib
import mmap
import os
from pathlib import Path

_BYTES = 8


class Bell:
    """
    Some bytes of a file that every process maps, other ones after every `ring`.

    So a worker learns without asking that there is something to ask about, before whoever wrote is
    told that it is done. Where that file cannot be written, nobody hears anything.

    Args:
        file: made, with its folder, if it is not there.
    """

    def __init__(self, file: Path) -> None:
        self._file: int | None = None
        self._mapped: mmap.mmap | None = None
        with contextlib.suppress(OSError):
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._change()
            self._mapped = mmap.mmap(self._file, _BYTES, access=mmap.ACCESS_READ)

    def ring(self) -> None:
        if self._mapped is None:
            return
        try:
            self._change()
        except OSError:
            self._mapped = None  # whoever cannot be heard does not listen either

    def sound(self) -> bytes | None:
        """As it is since it was last rung; None where nobody would hear it."""
        mapped = self._mapped
        return None if mapped is None else mapped[:]

    def close(self) -> None:
        self._mapped = None
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _change(self) -> None:
        # By a write and not in the map, where a full disk is no error but the end of the process.
        assert self._file is not None  # noqa: S101
        os.pwrite(self._file, os.urandom(_BYTES), 0)
