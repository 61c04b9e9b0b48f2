"""Stored bytes: what was written comes back, and damaged bytes are never taken for it."""

import struct
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from zlib import crc32

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.caches.lists import FinishedList
from features.boilerplate import Blocks
from features.vectorizer import FEATURES_VERSION, ArticleFeatures, TermCounts
from recommender.errors import CorruptRecord
from recommender.storage.packing import (
    OutdatedVector,
    pack_record,
    pack_vector,
    unpack_record,
    unpack_vector,
)

ids = st.integers(0, 2**32 - 1)
rows = st.dictionaries(ids, st.floats(1, 2**20, width=32), max_size=20)
blocks = st.dictionaries(st.integers(0, 2**64 - 1), st.lists(st.integers(0, 2**16 - 1)), max_size=5)
lists = st.builds(
    FinishedList,
    version=st.integers(0, 2**53),
    made_at=st.floats(0, 1e10),
    expires_at=st.floats(0, 1e10),
    etag=st.text("0123456789abcdef"),
    ids=st.lists(st.text(st.characters(codec="utf-8"), min_size=1), max_size=5).map(tuple),
    body=st.binary(max_size=50),
)

NO_BLOCKS: Mapping[int, list[int]] = MappingProxyType({})
CARD = '{"id":"kursk","title":"Вести из Курска","tags":[]}'.encode()
LIST = FinishedList.of(b'{"items": []}', ("kursk", "a\nb"), 7, 1741850000.5, 1741850300.25)

# Of the function `print`, as Python writes it: whoever reads that runs what a stranger wrote.
A_PICKLE = (
    b"\x80\x04\x95\x16\x00\x00\x00\x00\x00\x00\x00\x8c\x08builtins\x94\x8c\x05print\x94\x93\x94."
)


def features(
    row: Mapping[int, float], title: Iterable[int] = (), blocks: Mapping[int, list[int]] = NO_BLOCKS
) -> ArticleFeatures:
    ordered, lines = sorted(row), sorted(blocks)
    counts = np.array([row[term] for term in ordered], dtype=np.float32)
    return ArticleFeatures(
        TermCounts(np.array(ordered, dtype=np.uint32), counts),
        np.array(sorted(title), dtype=np.uint32),
        Blocks(
            np.array(lines, dtype=np.uint64),
            np.cumsum([len(blocks[line]) for line in lines], dtype=np.uint32),
            np.array([place for line in lines for place in blocks[line]], dtype=np.uint32),
            total=7,
        ),
    )


def as_lists(made: ArticleFeatures) -> list[list[float]]:
    *arrays, total = (*made.counts, made.title, *made.blocks)
    return [*(array.tolist() for array in arrays), [total]]


def unpacked(data: bytes) -> list[list[float]]:
    return as_lists(unpack_vector(data))


VECTOR = features({3: 1.0, 77: 2.5, 2**31 + 5: 9.0}, {77}, {2**63: [0, 0], 5: [1, 2]})
KINDS = {
    "vector": (pack_vector(VECTOR), unpacked),
    "vector without terms": (pack_vector(features({})), unpacked),
    "card": (pack_record(CARD), unpack_record),
    "list": (LIST.pack(), FinishedList.unpack),
}
each_kind = pytest.mark.parametrize(("packed", "unpack"), KINDS.values(), ids=KINDS)


def silently_wrong(damaged: bytes, packed: bytes, unpack: Callable[[bytes], object]) -> bool:
    """Whether the reader takes damaged bytes for something else than what was written."""
    try:
        return unpack(damaged) != unpack(packed)
    except CorruptRecord:
        return False


@given(rows, st.sets(ids), blocks)
def test_a_vector_comes_back_as_it_was(row, title, blocks):
    made = features(row, title, blocks)

    assert as_lists(made) == unpacked(pack_vector(made))


def test_an_article_of_more_terms_than_two_bytes_count_comes_back():
    made = features(dict.fromkeys(range(70_000), 1.0), (), {1: [69_999]})

    assert as_lists(made) == unpacked(pack_vector(made))


@given(st.binary())
def test_a_record_comes_back_as_it_was(payload):
    assert payload == unpack_record(pack_record(payload))


@given(lists)
def test_a_list_comes_back_as_it_was(finished):
    assert finished == FinishedList.unpack(finished.pack())


@each_kind
def test_no_flip_of_a_single_bit_goes_unnoticed(packed, unpack):
    wrong = []
    for bit in range(8 * len(packed)):
        flipped = bytearray(packed)
        flipped[bit // 8] ^= 1 << bit % 8
        if silently_wrong(bytes(flipped), packed, unpack):
            wrong.append(bit)

    assert [] == wrong


@each_kind
def test_cut_bytes_are_refused_wherever_the_cut_is(packed, unpack):
    for size in range(len(packed)):
        with pytest.raises(CorruptRecord):
            unpack(packed[:size])


@each_kind
def test_bytes_too_many_are_refused(packed, unpack):
    with pytest.raises(CorruptRecord):
        unpack(packed + b"\0")


@each_kind
@pytest.mark.parametrize("planted", [A_PICKLE, b"[]", b"\x00" * 64, b"AV" + b"\xff" * 60])
def test_what_another_program_left_under_a_key_is_refused(packed, unpack, planted):
    with pytest.raises(CorruptRecord):
        unpack(planted)


@each_kind
def test_another_format_number_is_refused(packed, unpack):
    with pytest.raises(CorruptRecord):
        unpack(packed[:2] + bytes([packed[2] + 1]) + packed[3:])


def test_a_vector_of_another_analyzer_says_so(monkeypatch):
    monkeypatch.setattr("recommender.storage.packing.FEATURES_VERSION", FEATURES_VERSION + 2)

    with pytest.raises(OutdatedVector):
        unpack_vector(KINDS["vector"][0])


@pytest.mark.parametrize("version", [1, 2])
def test_a_vector_of_the_first_format_is_outdated_and_not_damaged(version):
    payload = b"\3\0\0\0" + b"\0\0\x80\x3f"
    header = struct.pack("<2sBxHxxII", b"AV", 1, version, 1, crc32(payload))

    with pytest.raises(OutdatedVector):
        unpack_vector(header + payload)
    with pytest.raises(CorruptRecord, match="checksum"):
        unpack_vector(header + payload[:-1] + b"\x40")


@pytest.mark.parametrize("payload", [b"", CARD, b"{}\n{}", orjson.dumps([1, 2]) + b"\nbody"])
def test_a_sound_record_of_another_kind_is_no_list(payload):
    with pytest.raises(CorruptRecord):
        FinishedList.unpack(pack_record(payload))
