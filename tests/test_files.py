"""Files of articles: every line has its number, and a bad one stops no other."""

import csv
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

from recommender.errors import InvalidInput
from recommender.sources.files import ArticleFile, UnreadableFile
from recommender.sources.records import MAX_RECORD_BYTES, Record

BOM = b"\xef\xbb\xbf"
LINES = b'{"id": "kursk"}\n{"id": "sudzha"}\n'
RECORDS = [(1, {"id": "kursk"}), (2, {"id": "sudzha"})]

# All text that a CSV file can hold: no NUL, and line ends as they are.
cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


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
    ],
    ids=["plain", "no last newline", "byte order mark", "Windows", "gzip", "two gzip members"],
)
@pytest.mark.parametrize("name", ["articles.jsonl", "articles.ndjson", "articles"])
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


@pytest.mark.parametrize("content", [b"[]", b' [\n  {"id": 1}\n]', BOM + b"[{}]"])
def test_a_json_array_is_told_apart(write, content):
    with pytest.raises(UnreadableFile, match="a JSON array; expected one JSON object on each line"):
        read(write("a.json", content))


@pytest.mark.parametrize("name", ["nowhere.jsonl", "."])
def test_a_file_that_cannot_be_opened_says_why(name):
    with pytest.raises(UnreadableFile, match=f"^{name}: (No such file|Is a) "):
        read(name)


def test_what_stands_before_the_cut_of_a_gzip_file_is_read_and_the_cut_reported(write):
    packed = gzip.compress(LINES + os.urandom(2000).hex().encode())
    found = []
    with (
        ArticleFile(write("a.jsonl.gz", packed[:-900])) as file,
        pytest.raises(UnreadableFile, match=r"a\.jsonl\.gz: Compressed file ended"),
    ):
        found.extend(file.records())

    assert RECORDS == plain(found)


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
        assert len(found) <= 1 + rubbish.count(b"\n") + rubbish.count(b"\r")


def test_a_csv_file_has_its_fields_in_the_first_line(write):
    content = b"id,title\nkursk,Kursk\nsudzha,Sudzha\n"

    assert [
        (2, {"id": "kursk", "title": "Kursk"}),
        (3, {"id": "sudzha", "title": "Sudzha"}),
    ] == read(write("a.csv", content))


@pytest.mark.parametrize("separator", [b",", b";", b"\t"])
def test_what_spreadsheets_of_any_country_write_is_read(write, separator):
    """Excel writes semicolons where the comma is the decimal sign."""
    rows = [[b"id", b"title", b"body"], [b"1", b'"Talks, again; and more"', b"3,14"]]
    quoted = [[*row[:2], b'"%s"' % row[2]] for row in rows]
    content = BOM + b"\r\n".join(separator.join(row) for row in quoted)

    assert [(2, {"id": "1", "title": "Talks, again; and more", "body": "3,14"})] == read(
        write("a.csv", content)
    )


def test_an_empty_cell_is_a_missing_field(write):
    content = b"id,title,url\n1,,\n2,Two\n3,Three,u,,\n\n"

    assert [
        (2, {"id": "1"}),
        (3, {"id": "2", "title": "Two"}),
        (4, {"id": "3", "title": "Three", "url": "u"}),
    ] == read(write("a.csv", content))


def test_a_row_with_more_cells_than_the_header_is_not_guessed_at(write):
    [(line, complaint)] = read(write("a.csv", b"id,title,url\n3,One, two,u\n"))

    assert (2, True) == (line, "4 cells, the header has 3" in complaint)


def test_a_quoted_cell_may_hold_newlines_and_the_row_has_the_number_of_its_last_line(write):
    content = b'id,body\n1,"One\nTwo ""three""\n"\n2,x\n'

    assert [(4, {"id": "1", "body": 'One\nTwo "three"\n'}), (5, {"id": "2", "body": "x"})] == read(
        write("a.csv.gz", gzip.compress(content))
    )


@given(st.lists(st.fixed_dictionaries({"id": cells, "the title, quoted": cells}), max_size=5))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_csv_comes_back_as_it_was_written(tmp_path, rows):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["id", "the title, quoted"], quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    path = tmp_path / "a.csv"
    path.write_bytes(text.getvalue().encode())

    assert rows == [data for _, data in read(str(path))]


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers(-(2**60), 2**60)), max_size=5))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_json_comes_back_as_it_was_written(tmp_path, objects):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(orjson.dumps(o, option=orjson.OPT_APPEND_NEWLINE) for o in objects))

    assert objects == [data for _, data in read(str(path))]


def test_bytes_that_are_no_utf_8_spoil_their_cell_only(write):
    found = read(write("a.csv", b"id,title\n1,caf\xe9\n2,ok\n"))

    assert [(2, {"id": "1", "title": "caf\udce9"}), (3, {"id": "2", "title": "ok"})] == found


def test_a_cell_over_2_mib_is_reported_and_the_next_row_is_read(write):
    [(line, reason), (_, after)] = read(
        write("a.csv", b"id,body\n1,%s\n2,ok\n" % (b"a" * 3_000_000))
    )

    assert (2, "not readable as CSV: field larger than field limit (2097152)") == (line, reason)
    assert {"id": "2", "body": "ok"} == after
