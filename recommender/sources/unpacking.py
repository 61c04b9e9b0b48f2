"""Compressed files and archives as streams, with a bound on how far they may grow."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, BinaryIO

from recommender.sources.records import UnreadableDocument
from recommender.zstandard import zstd

HEAD_BYTES = 2**16
# Text is seldom packed to less than a fortieth of its size, and a bomb to a thousandth.
MAX_GROWTH = 200
ALWAYS_ALLOWED_BYTES = 16 * 2**20
MAX_WINDOW_LOG = 27  # of zstd: 128 MB
MAX_LAYERS = 3  # of compression around each other

_ENCRYPTED = 1  # in the flags of a file in a zip archive
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
UNPACKING_ERRORS = (
    EOFError, NotImplementedError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error,
    zstd.ZstdError,
)  # fmt: skip


class Rest(io.RawIOBase):
    """A stream of which the first bytes have been read, from its beginning."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = head
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self._head[: len(buffer)] or _read_some(self._stream, len(buffer))
        self._head = self._head[len(chunk) :]
        buffer[: len(chunk)] = chunk
        return len(chunk)


class Allowance:
    """
    How far compressed data may grow.

    Args:
        packed_bytes: returns the size of what has been unpacked so far, as it was.
    """

    def __init__(self, packed_bytes: Callable[[], int]) -> None:
        self._packed_bytes = packed_bytes
        self._spent = 0

    def spend(self, size: int) -> None:
        """Raises UnreadableDocument when the data has grown too far."""
        self._spent += size
        if self._spent > max(ALWAYS_ALLOWED_BYTES, MAX_GROWTH * self._packed_bytes()):
            raise UnreadableDocument(f"grows to more than {MAX_GROWTH} times its size")


class _Bounded(io.RawIOBase):
    """
    What a compressed stream holds.

    Raises:
        UnreadableDocument: when read, for damage and at the end of the allowance.
    """

    def __init__(self, unpacked: IO[bytes], allowance: Allowance) -> None:
        self._unpacked = unpacked
        self._allowance = allowance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            chunk = _read_some(self._unpacked, len(buffer))
        except UNPACKING_ERRORS as error:
            raise UnreadableDocument(f"is damaged: {error}") from error
        self._allowance.spend(len(chunk))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self._unpacked.close()
        super().close()


class _Counted(io.RawIOBase):
    """A stream that knows how much of it was read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._size = 0

    def read_bytes(self) -> int:
        return self._size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = _read_some(self._stream, len(buffer))
        self._size += len(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)


def decompressed(stream: BinaryIO) -> tuple[bytes, BinaryIO, bool]:
    """
    The first bytes of what a stream holds, all of it, and whether it was compressed.

    gzip and zstd are unpacked, also around each other.

    Raises:
        UnreadableDocument: for too many layers; the stream raises it for damage and for bombs.
    """
    for layer in range(MAX_LAYERS + 1):
        head = _head(stream)
        stream = io.BufferedReader(Rest(head, stream), HEAD_BYTES)
        if not head.startswith((_GZIP, _ZSTD)):
            return head, stream, layer > 0
        packed = _Counted(stream)
        unpacked = _gunzipped(packed) if head.startswith(_GZIP) else _unzstd(packed)
        stream = io.BufferedReader(_Bounded(unpacked, Allowance(packed.read_bytes)), HEAD_BYTES)
    raise UnreadableDocument(f"is compressed more than {MAX_LAYERS} times")


def members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files in a zip archive, by name, without folders and what macOS adds."""
    files = [info for info in archive.infolist() if not info.is_dir()]
    # macOS puts its own metadata into this folder.
    files = [info for info in files if not info.filename.startswith("__MACOSX/")]
    return sorted(files, key=lambda info: info.filename)


def archive_allowance(archive: zipfile.ZipFile) -> Allowance:
    """For all files of a zip archive together: they may lie on top of each other."""
    size = sum(info.compress_size for info in archive.infolist())
    stored = archive.start_dir  # where the list of files begins, behind all of them
    return Allowance(lambda: min(size, stored))


def check_growth(archive: zipfile.ZipFile) -> None:
    """Raises UnreadableDocument when the files of an archive say that they grow too far."""
    archive_allowance(archive).spend(sum(info.file_size for info in archive.infolist()))


def open_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, allowance: Allowance) -> BinaryIO:
    """
    One file of a zip archive; *allowance* is that of the whole archive.

    Raises:
        UnreadableDocument: for a file that is encrypted or damaged.
    """
    if info.flag_bits & _ENCRYPTED:
        raise UnreadableDocument("needs a password")
    try:
        unpacked = archive.open(info)
    except UNPACKING_ERRORS as error:
        raise UnreadableDocument(f"is damaged: {error}") from error
    return io.BufferedReader(_Bounded(unpacked, allowance), HEAD_BYTES)


def _head(stream: BinaryIO) -> bytes:
    """What one read gives, and at least one line of it, or all of a binary file's head."""
    head = _read_some(stream, HEAD_BYTES)
    while head and len(head) < HEAD_BYTES and b"\n" not in head and b"\r" not in head:
        more = _read_some(stream, HEAD_BYTES - len(head))
        if not more:
            break
        head += more
    return head


def _read_some(stream: IO[bytes], size: int) -> bytes:
    """At most *size* bytes, as many as one read gives."""
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    return read(size) or b""


def _gunzipped(packed: io.RawIOBase) -> BinaryIO:
    return gzip.GzipFile(fileobj=packed)  # type: ignore[return-value]


def _unzstd(packed: io.RawIOBase) -> BinaryIO:
    # A larger window needs as much memory as the archive says.
    limit = {int(zstd.DecompressionParameter.window_log_max): MAX_WINDOW_LOG}
    return zstd.ZstdFile(packed, options=limit)  # type: ignore[return-value]
