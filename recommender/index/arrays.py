"""
Named arrays in one file that many processes map: written once, checked as a whole when opened.

    magic, format, and the header's length and CRC-32
    header: JSON with the writer's notes, and name, type, shape, offset and CRC-32 of each array
    the arrays, little-endian, each at a multiple of 64 bytes

docs/index-format.md draws the layout.
"""

import mmap
import os
import struct
from collections.abc import Mapping
from typing import IO, Any
from zlib import crc32

import numpy as np
import orjson
from numpy.typing import NDArray

from recommender.errors import CorruptRecord

Arrays = dict[str, NDArray[Any]]

PREFIX = struct.Struct("<4sIII")  # magic, format, length and CRC-32 of the JSON header
MAGIC = b"ASIX"
CONTAINER_FORMAT = 1
ALIGNMENT = 64  # bytes of a cache line


def write_arrays(
    file: IO[bytes], arrays: Mapping[str, NDArray[Any]], about: dict[str, Any]
) -> None:
    """Write *arrays*, and *about* as JSON; the file is on the disk when this returns."""
    offset = 0
    entries = []
    contents = []
    for name, array in arrays.items():
        content = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        entries.append([name, content.dtype.str, content.shape, offset, crc32(content.data)])
        contents.append(content)
        offset += _padded(content.nbytes)
    header = orjson.dumps({"about": about, "arrays": entries, "size": offset})
    file.write(PREFIX.pack(MAGIC, CONTAINER_FORMAT, len(header), crc32(header)) + header)
    file.write(bytes(_padded(PREFIX.size + len(header)) - PREFIX.size - len(header)))
    for content in contents:
        file.write(content.data)
        file.write(bytes(_padded(content.nbytes) - content.nbytes))
    # A file gets its name after this; a power cut must not leave a name without the content.
    file.flush()
    os.fsync(file.fileno())


def map_arrays(file: IO[bytes]) -> tuple[dict[str, Any], Arrays]:
    """
    Map what `write_arrays` wrote, after checking every byte of it (2 GB a second).

    Returns:
        the *about* of the writer, and read-only arrays, which keep the file open.

    Raises:
        CorruptRecord: for a file that is truncated, changed or of an unknown format.
    """
    size = os.fstat(file.fileno()).st_size
    if size < PREFIX.size:
        raise CorruptRecord("index file: too short")
    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    magic, version, length, checksum = PREFIX.unpack_from(mapped)
    header = mapped[PREFIX.size : PREFIX.size + length]
    if (magic, version) != (MAGIC, CONTAINER_FORMAT) or crc32(header) != checksum:
        raise CorruptRecord("index file: unknown format, or a damaged header")
    content = orjson.loads(header)
    start = _padded(PREFIX.size + length)
    if size != start + content["size"]:
        raise CorruptRecord("index file: wrong length")
    arrays = {}
    for name, dtype, shape, offset, expected in content["arrays"]:
        array = np.frombuffer(mapped, dtype, int(np.prod(shape)), start + offset).reshape(shape)
        # Unchecked slots would be used as positions by compiled code, which checks no bounds.
        if crc32(array.data) != expected:
            raise CorruptRecord(f"index file: wrong checksum of {name}")
        arrays[name] = array
    return content["about"], arrays


def _padded(size: int) -> int:
    """The next multiple of `ALIGNMENT`."""
    return -(-size // ALIGNMENT) * ALIGNMENT
