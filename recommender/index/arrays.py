"""
Named arrays in one file that many processes map: written once, checked as a whole when opened.

    magic, format, length and crc32 of the head
    head: JSON, what the file says of itself, and name, type, shape, place and crc32 of each array
    the arrays, each at a multiple of 64 bytes, little-endian
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

_HEAD = struct.Struct("<4sIII")  # magic, format, length and crc32 of the JSON
_MAGIC, _FORMAT = b"ASIX", 1
_ALIGNMENT = 64


def write_arrays(
    file: IO[bytes], arrays: Mapping[str, NDArray[Any]], about: dict[str, Any]
) -> None:
    """Write *arrays*, and *about* as JSON. The file is on the disk when this returns."""
    place, entries, contents = 0, [], []
    for name, array in arrays.items():
        content = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        entries.append([name, content.dtype.str, content.shape, place, crc32(content.data)])
        contents.append(content)
        place += _padded(content.nbytes)
    head = orjson.dumps({"about": about, "arrays": entries, "size": place})
    file.write(_HEAD.pack(_MAGIC, _FORMAT, len(head), crc32(head)) + head)
    file.write(bytes(_padded(_HEAD.size + len(head)) - _HEAD.size - len(head)))
    for content in contents:
        file.write(content.data)
        file.write(bytes(_padded(content.nbytes) - content.nbytes))
    file.flush()
    os.fsync(file.fileno())


def map_arrays(file: IO[bytes]) -> tuple[dict[str, Any], Arrays]:
    """
    Map what `write_arrays` wrote, once every byte of it has been checked (2 GB a second).

    Returns:
        what the file says of itself, and read-only arrays, which keep the file open.

    Raises:
        CorruptRecord: for a file that is cut, changed or of an unknown format.
    """
    size = os.fstat(file.fileno()).st_size
    if size < _HEAD.size:
        raise CorruptRecord("index file: too short")
    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    magic, version, length, checksum = _HEAD.unpack_from(mapped)
    head = mapped[_HEAD.size : _HEAD.size + length]
    if (magic, version) != (_MAGIC, _FORMAT) or crc32(head) != checksum:
        raise CorruptRecord("index file: unknown format, or a damaged head")
    content = orjson.loads(head)
    start = _padded(_HEAD.size + length)
    if size != start + content["size"]:
        raise CorruptRecord("index file: wrong length")
    arrays = {}
    for name, dtype, shape, place, expected in content["arrays"]:
        array = np.frombuffer(mapped, dtype, int(np.prod(shape)), start + place).reshape(shape)
        if crc32(array.data) != expected:
            raise CorruptRecord(f"index file: wrong checksum of {name}")
        arrays[name] = array
    return content["about"], arrays


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
