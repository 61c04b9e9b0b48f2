"""Files of articles: every line has its number, and a bad one stops no other."""

import codecs
import gzip
import io
import os
import sys
from collections.abc import Iterable

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.fields import field_of, folded_name
from recommender.errors import InvalidInput
from recommender.sources import json_values, unpacking
from recommender.sources.dialects import CONTROLS
from recommender.sources.files import ArticleFile, UnreadableFile
from recommender.sources.records import MAX_RECORD_BYTES, Record
from recommender.sources.unpacking import MAX_GROWTH
from recommender.zstandard import zstd

BOM = b"\xef\xbb\xbf"
LINES = b'{"id": "kursk"}\n{"id": "sudzha"}\n'
RECORDS = [(1, {"id": "kursk"}), (2, {"id": "sudzha"})]


@pytest.fixture
def write(tmp_path):
    """Write bytes to a file of that name and return its path."""

    def to_file(name: str, content: bytes) -> str:
        path = tmp_path / name
        path.write_bytes(content)
        return str(path)

    return to_file


def plain(records: Iterable[Record]) -> list[tuple[int, object]]:
    """Line numbers with what stands there; for what cannot be read, the reason."""
    return [(line, str(data) if isinstance(data, InvalidInput) else data) for line, data in records]


def read(name: str) -> list[tuple[int, object]]:
    with ArticleFile(name) as file:
        return plain(file.records())


def pipe(content: bytes) -> int:
    """The reading end of a pipe that holds *content* (at most 64 kB)."""
    reader, writer = os.pipe()
    os.write(writer, content)
    os.close(writer)
    return reader


@pytest.mark.parametrize(
    "content",
    [
        LINES,
        LINES.rstrip(b"\n"),
        BOM + LINES,
        LINES.replace(b"\n", b"\r\n"),
        gzip.compress(LINES),
        gzip.compress(LINES[:16]) + gzip.compress(LINES[16:]),
        gzip.compress(gzip.compress(LINES)),
        zstd.compress(LINES),
        zstd.compress(LINES[:16]) + zstd.compress(LINES[16:]),
        codecs.BOM_UTF16_LE + LINES.decode().encode("utf-16-le"),
        LINES.decode().encode("utf-16-be"),
    ],
    ids=[
        "plain",
        "no last newline",
        "byte order mark",
        "Windows",
        "gzip",
        "two gzip members",
        "twice gzip",
        "zstd",
        "two zstd frames",
        "UTF-16",
        "UTF-16 without a mark",
    ],
)
@pytest.mark.parametrize("name", ["articles.jsonl", "articles.csv", "articles"])
def test_each_line_is_an_article(write, name, content):
    assert RECORDS == read(write(name, content))


def test_blank_lines_are_passed_over_and_counted(write):
    assert [(2, {}), (5, {})] == read(write("a.jsonl", b"\n{}\n \t\n\r\n{}\n\n"))


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.jsonl.gz"])
def test_an_empty_file_has_no_articles(write, name):
    assert [] == read(write(name, b""))


@pytest.mark.parametrize("content", [LINES, gzip.compress(LINES)], ids=["plain", "gzip"])
def test_standard_input_is_read_like_a_file(monkeypatch, content):
    with os.fdopen(pipe(content)) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)

        assert RECORDS == read("-")


def test_a_pipe_with_a_path_has_no_size(write):
    """As in `alsosee import <(zcat old.gz)`."""
    reader = pipe(LINES)
    with ArticleFile(f"/dev/fd/{reader}") as file:
        found, position = plain(file.records()), file.position()
    os.close(reader)

    assert (RECORDS, None, 0) == (found, file.size, position)


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.csv.gz"])
def test_the_position_grows_to_the_size(write, name):
    content = b"id,title\n" + b"kursk,Flag over Sudzha\n" * 20_000
    packed = gzip.compress(content) if name.endswith(".gz") else content
    with ArticleFile(write(name, packed)) as file:
        positions = [file.position() for _ in file.records()]

        assert sorted(positions) == positions
        assert len(packed) == file.size == file.position()


def test_what_is_not_json_is_reported_with_its_line(write):
    bad = [b"{", b'{"id": NaN}', b'{"id": 1, "id": 2}', b'"\\ud800"', b"\xff\xfe", b"[" * 1000]
    content = b"{}\n" + b"\n{}\n".join(bad) + b"\n{}\n"
    found = read(write("a.jsonl", content))

    assert [(line, {}) for line in range(1, 14, 2)] == found[::2]
    assert all(reason.startswith("not readable as JSON: ") for _, reason in found[1::2])
    assert list(range(2, 14, 2)) == [line for line, _ in found[1::2]]


@pytest.mark.parametrize("size", [3_000_000, MAX_RECORD_BYTES + 1, 2 * MAX_RECORD_BYTES + 7])
@pytest.mark.parametrize("filling", [b"a", b'{"id":1} '])
def test_a_line_over_2_mib_is_refused_and_the_next_one_is_read(write, size, filling):
    long = (filling * (size // len(filling) + 1))[:size]
    reason = "expected at most 2097152 bytes a line"

    assert [(1, {}), (2, reason), (3, {})] == read(write("a.jsonl", b"{}\n" + long + b"\n{}"))


def test_a_line_of_2_mib_with_its_end_is_read(write):
    content = b'{"id": "%s"}\n' % (b"a" * (MAX_RECORD_BYTES - 11))
    [(_, data)] = read(write("a.jsonl", content))

    assert MAX_RECORD_BYTES == len(content)
    assert MAX_RECORD_BYTES - 11 == len(data["id"])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"[]", []),
        (b' [\n  {"id": 1}\n]', [(1, {"id": 1})]),
        (BOM + b'[{}, {"id": "]"}]', [(1, {}), (2, {"id": "]"})]),
        (b'[{"id": 1}]\n[{"id": 2}]', [(1, {"id": 1}), (2, {"id": 2})]),
        (b'{\n "id": 1\n}\n{\n "id": 2\n}\n', [(1, {"id": 1}), (2, {"id": 2})]),
        (b'[{"id": 1}, "two", 3, [4]]', [(1, {"id": 1}), (2, "two"), (3, 3), (4, [4])]),
    ],
    ids=["empty", "one", "two", "pages of an API", "pretty", "what is no object"],
)
def test_the_elements_of_an_array_are_numbered(write, content, expected):
    assert expected == read(write("a.json", content))


@given(
    st.lists(
        st.dictionaries(st.text(), st.text() | st.integers(-(2**60), 2**60) | st.none()), max_size=5
    ),
    st.integers(1, 40),
    st.booleans(),
)
def test_an_array_comes_back_whatever_the_chunks_it_is_read_in(objects, chunk, pretty):
    text = orjson.dumps(objects, option=orjson.OPT_INDENT_2 if pretty else 0)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_values, "CHUNK_BYTES", chunk)
        values = [record.data for record in json_values.read(io.BytesIO(text))]

    assert objects == values


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b'[{"id": 1}, {"id": 2', "in the middle of record 2"),
        (b'[{"id": 1}', "before the array is closed, after record 1"),
        (b'[{"id": 1}, {"id": "2}]', "in the middle of record 2"),
    ],
)
def test_an_array_that_ends_in_the_middle_says_which_records_were_read(write, content, place):
    records = []
    with (
        ArticleFile(write("a.json", content)) as file,
        pytest.raises(UnreadableFile, match=f"a.json: ends {place}"),
    ):
        records.extend(file.records())

    assert [(1, {"id": 1})] == plain(records)


def test_an_element_over_2_mib_is_refused_and_the_next_one_is_read(write):
    long = b'{"body": "%s"}' % (b"a" * MAX_RECORD_BYTES)

    assert [(1, {}), (2, "expected at most 2097152 bytes"), (3, {})] == read(
        write("a.json", b"[{}, %s, {}]" % long)
    )


@pytest.mark.parametrize("name", ["nowhere.jsonl", "nowhere"])
def test_a_file_that_cannot_be_opened_says_why(name):
    with pytest.raises(UnreadableFile, match=f"^{name}: (No such file|Is a) "):
        read(name)


def test_what_stands_before_the_cut_of_a_gzip_file_is_read_and_the_cut_reported(write):
    packed = gzip.compress(LINES + os.urandom(2000).hex().encode())
    found = []
    with (
        ArticleFile(write("a.jsonl.gz", packed[:-900])) as file,
        pytest.raises(UnreadableFile, match=r"a\.jsonl\.gz: is damaged: Compressed file ended"),
    ):
        found.extend(file.records())

    assert RECORDS == plain(found)


def test_a_zstd_file_that_is_cut_is_reported(write):
    with pytest.raises(UnreadableFile, match="is damaged: Compressed file ended"):
        read(write("a.zst", zstd.compress(LINES)[:-3]))


def test_a_file_that_grows_beyond_measure_is_given_up(write, monkeypatch):
    monkeypatch.setattr(unpacking, "ALWAYS_ALLOWED_BYTES", 10_000)
    bomb = gzip.compress(b"\n" * 5_000_000)
    honest = gzip.compress(b"\n" * 9_000)

    assert [] == read(write("honest", honest))
    with pytest.raises(UnreadableFile, match=f"bomb: grows to more than {MAX_GROWTH} times"):
        read(write("bomb", bomb))


def test_a_file_that_is_compressed_too_often_is_given_up(write):
    packed = LINES
    for _ in range(5):
        packed = gzip.compress(packed)
    with pytest.raises(UnreadableFile, match="is compressed more than 3 times"):
        read(write("a.gz", packed))


def test_a_gzip_file_with_a_wrong_checksum_is_reported(write):
    packed = bytearray(gzip.compress(LINES))
    packed[-8] ^= 1
    with pytest.raises(UnreadableFile, match="CRC check failed"):
        read(write("a.jsonl", packed))


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
@given(st.binary(max_size=200))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rubbish_is_read_to_its_end_or_refused_with_the_name(tmp_path, name, rubbish):
    path = tmp_path / name
    path.write_bytes(rubbish)
    try:
        found = read(str(path))
    except UnreadableFile as error:
        assert str(error).startswith(f"{path}: ")
    else:
        assert len(found) <= len(rubbish)


# Some of these say that a record is no article that readers may see.
names = st.text().filter(lambda name: field_of(name) is None and folded_name(name) not in CONTROLS)


@given(st.lists(st.dictionaries(names, st.text() | st.integers(-(2**60), 2**60)), max_size=5))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_json_comes_back_as_it_was_written(tmp_path, objects):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(orjson.dumps(o, option=orjson.OPT_APPEND_NEWLINE) for o in objects))

    assert objects == [data for _, data in read(str(path))]
