"""Vectors, cards and lists as bytes with a format number and a checksum; no pickle."""

import struct
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from features.boilerplate import Blocks
from features.vectorizer import FEATURES_VERSION, ArticleFeatures, TermCounts
from recommender.errors import CorruptRecord

# magic, format, features version, number of terms, CRC-32 of the rest
_VECTOR_HEADER = struct.Struct("<2sBxHxxII")
_VECTOR_MAGIC, _VECTOR_FORMAT = b"AV", 2
# number of terms in the title, of blocks, of places in the blocks, and of terms in the body
_VECTOR_SIZES = struct.Struct("<IIII")
# magic, format, CRC-32 of the payload
_RECORD_HEADER = struct.Struct("<2sBxI")
_RECORD_MAGIC, _RECORD_FORMAT = b"AR", 1


class OutdatedVector(CorruptRecord):
    """A vector of a version of the analyzer that is too old, or newer than this one."""


def pack_vector(features: ArticleFeatures) -> bytes:
    """Return header, sizes, and the arrays in the order of `_layout`, little-endian."""
    (terms, counts), title, (digests, ends, places, total) = features
    sizes = (title.size, digests.size, places.size)
    layout = _layout(terms.size, *sizes)
    arrays: list[NDArray[Any]] = [digests, terms, counts, title, ends, places]
    payload = _VECTOR_SIZES.pack(*sizes, total)
    for array, (dtype, _) in zip(arrays, layout, strict=True):
        payload += array.astype(dtype).tobytes()
    header = _VECTOR_HEADER.pack(
        _VECTOR_MAGIC, _VECTOR_FORMAT, FEATURES_VERSION, terms.size, crc32(payload)
    )
    return header + payload


def unpack_vector(data: bytes) -> ArticleFeatures:
    """
    Read what `pack_vector` wrote.

    Raises:
        CorruptRecord: for bytes that are cut, changed or of an unknown format.
        OutdatedVector: for an intact vector of an earlier format, or of a features version that
            is neither this one nor the one before it.
    """
    size = _checked_size(data)
    start = _VECTOR_HEADER.size + _VECTOR_SIZES.size
    if len(data) < start:
        raise CorruptRecord("vector: too short")
    *sizes, total = _VECTOR_SIZES.unpack_from(data, _VECTOR_HEADER.size)
    arrays = []
    for dtype, length in _layout(size, *sizes):
        end = start + np.dtype(dtype).itemsize * length
        arrays.append(np.frombuffer(data[start:end], dtype))
        start = end
    if start != len(data):
        raise CorruptRecord("vector: wrong length")
    digests, terms, counts, title, ends, places = arrays
    return ArticleFeatures(TermCounts(terms, counts), title, Blocks(digests, ends, places, total))


def _checked_size(data: bytes) -> int:
    """Return the number of terms, after a check of format, checksum and version."""
    if len(data) < _VECTOR_HEADER.size:
        raise CorruptRecord("vector: too short")
    magic, version, features, size, checksum = _VECTOR_HEADER.unpack_from(data)
    if magic != _VECTOR_MAGIC or not 1 <= version <= _VECTOR_FORMAT:
        raise CorruptRecord("vector: unknown format")
    if crc32(data[_VECTOR_HEADER.size :]) != checksum:
        raise CorruptRecord("vector: wrong checksum")
    readable = (FEATURES_VERSION - 1, FEATURES_VERSION)
    if version != _VECTOR_FORMAT or features not in readable:
        raise OutdatedVector(f"vector: features version {features}, expected {FEATURES_VERSION}")
    return int(size)


def vector_version(data: bytes) -> int:
    """The features version of a vector that `unpack_vector` has read."""
    return int(_VECTOR_HEADER.unpack_from(data)[2])


def is_current_vector(data: bytes) -> bool:
    """Whether a vector is intact and of this features version."""
    try:
        _checked_size(data)
    except CorruptRecord:
        return False
    return vector_version(data) == FEATURES_VERSION


def _layout(terms: int, title: int, blocks: int, places: int) -> list[tuple[str, int]]:
    """Type and length of each array."""
    place = "<u2" if terms <= 1 << 16 else "<u4"
    return [
        ("<u8", blocks),
        ("<u4", terms),
        ("<f4", terms),
        ("<u4", title),
        ("<u4", blocks),
        (place, places),
    ]


def pack_record(payload: bytes) -> bytes:
    return _RECORD_HEADER.pack(_RECORD_MAGIC, _RECORD_FORMAT, crc32(payload)) + payload


def unpack_record(data: bytes) -> bytes:
    """
    Read what `pack_record` wrote.

    Raises:
        CorruptRecord: for bytes that are cut, changed or of an unknown format.
    """
    if len(data) < _RECORD_HEADER.size:
        raise CorruptRecord("record: too short")
    magic, version, checksum = _RECORD_HEADER.unpack_from(data)
    payload = data[_RECORD_HEADER.size :]
    if (magic, version, checksum) != (_RECORD_MAGIC, _RECORD_FORMAT, crc32(payload)):
        raise CorruptRecord("record: unknown format or wrong checksum")
    return payload
