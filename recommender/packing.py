"""Vectors, cards and lists as checksummed bytes: no pickle, nothing read unchecked."""

import struct
from zlib import crc32

import numpy as np

from features.vectorizer import FEATURES_VERSION, TermCounts
from recommender.errors import CorruptRecord

# magic, format, features version, number of terms, crc32 of what follows the header
_VECTOR_HEADER = struct.Struct("<2sBxHxxII")
_VECTOR_MAGIC, _VECTOR_FORMAT = b"AV", 1
# magic, format, crc32 of the payload
_RECORD_HEADER = struct.Struct("<2sBxI")
_RECORD_MAGIC, _RECORD_FORMAT = b"AR", 1


class OutdatedVector(CorruptRecord):
    """A vector that another version of the analyzer made; a new import makes it anew."""


def pack_vector(row: TermCounts) -> bytes:
    """Header, then term ids as little-endian uint32, then counts as little-endian float32."""
    payload = row.terms.astype("<u4").tobytes() + row.counts.astype("<f4").tobytes()
    header = _VECTOR_HEADER.pack(
        _VECTOR_MAGIC, _VECTOR_FORMAT, FEATURES_VERSION, row.terms.size, crc32(payload)
    )
    return header + payload


def unpack_vector(data: bytes) -> TermCounts:
    """
    Read what `pack_vector` wrote.

    Raises:
        CorruptRecord: for bytes that are cut, changed or of an unknown format.
        OutdatedVector: for a vector of another features version.
    """
    if len(data) < _VECTOR_HEADER.size:
        raise CorruptRecord("vector: too short")
    magic, version, features, size, checksum = _VECTOR_HEADER.unpack_from(data)
    payload = data[_VECTOR_HEADER.size :]
    if (magic, version) != (_VECTOR_MAGIC, _VECTOR_FORMAT) or len(payload) != 8 * size:
        raise CorruptRecord("vector: unknown format or wrong length")
    if crc32(payload) != checksum:
        raise CorruptRecord("vector: wrong checksum")
    if features != FEATURES_VERSION:
        raise OutdatedVector(f"vector: features version {features}, this is {FEATURES_VERSION}")
    terms = np.frombuffer(payload, "<u4", size)
    return TermCounts(terms, np.frombuffer(payload, "<f4", size, offset=4 * size))


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
