"""CSV as offices and databases write it: dialects, encodings, and what is broken."""

import csv
import gzip
import io
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from recommender.errors import InvalidInput
from recommender.sources.delimited import MAX_COLUMNS, dialect_of
from recommender.sources.files import ArticleFile, UnreadableFile
from recommender.sources.records import UnreadableDocument

BOM = b"\xef\xbb\xbf"
UNCLOSED = "a quote is opened here and never closed"

# All text that a CSV file can hold: no NUL, and line ends as they are.
# Some mean nothing, or what is in them: see below.
NOT_PLAIN = re.compile(r'NULL|\\N|=".*"', re.DOTALL)
cells = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20
).filter(lambda cell: not NOT_PLAIN.fullmatch(cell))


@pytest.fixture
def table(tmp_path):
    """Write bytes to a file, and open it."""

    def open_file(content: bytes) -> ArticleFile:
        path = tmp_path / "table"
        path.write_bytes(content)
        return ArticleFile(str(path))

    return open_file


@pytest.fixture
def read(table):
    """Rows with the lines they end on, or why they cannot be read."""

    def rows(content: bytes) -> list[tuple[int, object]]:
        with table(content) as file:
            return [
                (line, str(data) if isinstance(data, InvalidInput) else data)
                for line, data in file.records()
            ]

    return rows


def test_a_csv_file_has_its_fields_in_the_first_line(read):
    content = b"id,title\nkursk,Kursk\nsudzha,Sudzha\n"

    assert [
        (2, {"id": "kursk", "title": "Kursk"}),
        (3, {"id": "sudzha", "title": "Sudzha"}),
    ] == read(content)


@pytest.mark.parametrize("separator", [b",", b";", b"\t"])
def test_what_spreadsheets_of_any_country_write_is_read(read, separator):
    """Excel writes semicolons where the comma is the decimal sign."""
    rows = [[b"id", b"title", b"body"], [b"1", b'"Talks, again; and more"', b"3,14"]]
    quoted = [[*row[:2], b'"%s"' % row[2]] for row in rows]
    content = BOM + b"\r\n".join(separator.join(row) for row in quoted)

    assert [(2, {"id": "1", "title": "Talks, again; and more", "body": "3,14"})] == read(content)


def test_an_empty_cell_is_a_missing_field(read):
    content = b"id,title,url\n1,,\n2,Two,\n3,Three,u,,\n\n,,\n"

    assert [
        (2, {"id": "1"}),
        (3, {"id": "2", "title": "Two"}),
        (4, {"id": "3", "title": "Three", "url": "u"}),
    ] == read(content)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"3,One, two,u", "4 cells, the header has 3: a separator outside quotes?"),
        (b"3,One", "2 cells, the header has 3: a line break outside quotes?"),
    ],
)
def test_a_row_with_too_many_or_too_few_cells_is_not_guessed_at(read, row, reason):
    assert [(2, reason), (3, {"id": "4", "title": "Four", "url": "u"})] == read(
        b"id,title,url\n%s\n4,Four,u\n" % row
    )


def test_a_quoted_cell_may_hold_newlines_and_the_row_has_the_number_of_its_last_line(read):
    content = b'id,body\n1,"One\nTwo ""three""\n"\n2,x\n'

    assert [(4, {"id": "1", "body": 'One\nTwo "three"\n'}), (5, {"id": "2", "body": "x"})] == read(
        gzip.compress(content)
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

    with ArticleFile(str(path)) as file:
        assert rows == [data for _, data in file.records()]


def test_bytes_that_are_no_utf_8_in_a_file_that_is_spoil_their_cell_only(read):
    content = "id,title\n0,Zażółć gęślą\n".encode() + b"1,caf\xe9\n2,ok\n"

    assert [
        (2, {"id": "0", "title": "Zażółć gęślą"}),
        (3, {"id": "1", "title": "caf\udce9"}),
        (4, {"id": "2", "title": "ok"}),
    ] == read(content)


def test_a_line_over_2_mib_is_reported_and_the_next_row_is_read(read):
    assert [(2, "expected at most 2097152 bytes a line"), (3, {"id": "2", "body": "ok"})] == read(
        b"id,body\n1,%s\n2,ok\n" % (b"a" * 3_000_000)
    )


# --- dialects


@pytest.mark.parametrize(
    ("content", "described"),
    [
        (b"id,title,body\n1,Gates fail,Oak\n", "commas"),
        (b"\r\n\r\nid,title,body\r\n1,Gates fail,Oak\r\n", "commas"),
        (b"id,title,body\r1,Gates fail,Oak\r", "commas"),
        (b"sep=;\r\nid;title;body\r\n1;Gates fail;Oak\r\n", "semicolons"),
        (b'"sep=\t"\nid\ttitle\tbody\n1\tGates fail\tOak\n', "tabs"),
        (b"id\ttitle\tbody\n1\tGates fail\tOak\n", "tabs"),
        (b"id|title|body\n1|Gates fail|Oak\n", "vertical bars"),
        (b'id, title, body\n1, Gates fail, "Oak"\n', "commas, blanks after them"),
        (b'"id";"title";"body"\n"1";"Gates fail";"Oak"\n', "semicolons"),
        (b"id,title,body\n\n1,Gates fail,Oak\n,,\n", "commas"),
    ],
    ids=[
        "plain", "blank first lines", "old Mac", "sep=;", "sep=tab", "tabs", "bars",
        "blanks after commas", "all quoted", "empty rows",
    ],
)  # fmt: skip
def test_the_dialects_of_offices_are_read_and_named(table, content, described):
    with table(content) as file:
        assert f"CSV, 3 columns between {described}" == file.describe()
        [(_, data)] = file.records()

    assert {"id": "1", "title": "Gates fail", "body": "Oak"} == data


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_a_table_is_read_in_the_encoding_that_its_office_wrote(read, encoding):
    text = "id;title;body\r\n1;Café Müller schließt;„Für immer“, sagt er – und geht\r\n"

    assert [
        (2, {"id": "1", "title": "Café Müller schließt", "body": "„Für immer“, sagt er – und geht"})
    ] == read(text.encode(encoding))


@pytest.mark.parametrize(
    ("encoding", "title"),
    [
        ("cp1250", "Łódź przyjęła budżet a mieszkańcy żądają nowych ścieżek"),
        ("cp1251", "Жители города требуют новый мост через реку"),
        ("koi8_r", "Жители города требуют новый мост через реку"),
        ("cp1253", "Οι κάτοικοι της πόλης ζητούν νέα γέφυρα"),
        ("cp1254", "Şehir sakinleri ırmağın üzerine yeni bir köprü istiyor"),
        ("cp1256", "سكان المدينة يطالبون بجسر جديد فوق النهر"),
        ("cp932", "市民は川に新しい橋を求めている"),
        ("gb18030", "市民要求在河上修建一座新桥"),
        ("big5", "市民要求在河上修建一座新橋"),
        ("cp949", "시민들은 강 위에 새 다리를 요구하고 있다"),
    ],
)
def test_an_encoding_without_a_mark_is_guessed_and_said_aloud(table, encoding, title):
    with table(f"id,title\n1,{title}\n2,{title}\n".encode(encoding)) as file:
        described = file.describe()
        [document] = file.documents()
        titles = [record.data["title"] for record in file.read(document)]

    assert [title, title] == titles
    assert described.endswith(f"{encoding.upper()} (guessed)")
    assert [f"read as {encoding}, which is a guess: it is not UTF-8"] == [*document.notes]


@pytest.mark.parametrize(
    ("encoding", "title"),
    [
        ("mac_roman", "Über die Brücke in München: größte Straße Österreichs"),
        ("mac_roman", "L’été à Besançon : près de « l’hôtel »"),
        ("cp850", "Über die Brücke in München: größte Straße Österreichs"),
        ("iso8859_2", "Zażółć gęślą jaźń: już świeci słońce, Łódź śpi"),
        ("cp1252", "The keeper’s “gates” — 1990–2000 — don’t hold… £5 ½"),
        ("cp1252", "Señor Muñoz: «¿Qué pasó?» · 20 °C ± 2"),
        ("cp1250", "Zażółć gęślą jaźń: już świeci słońce, Łódź śpi"),
    ],
)
def test_the_encodings_of_other_machines_are_guessed_and_windows_stays(table, encoding, title):
    content = f"id;title;body\n1;{title};{title}\n2;{title};x\n".encode(encoding)
    with table(content) as file:
        [document] = file.documents()
        titles = [record.data["title"] for record in file.read(document)]

    assert [title, title] == titles
    assert {f"read as {encoding}, which is a guess: it is not UTF-8": 1} == document.notes


@pytest.mark.parametrize(
    ("content", "first_line"),
    [
        ("Export of 13 March\n\nid,title,body\n1,Gates,Oak\n", 4),
        ("Courier,,\nall stories,,\nid,title,body\n1,Gates,Oak\n", 4),
        (" id | title | body\n----+-------+------\n 1  | Gates | Oak\n", 3),
        ("| id | title | body |\n|----|:-----:|------|\n| 1 | Gates | Oak |\n", 3),
        ("+----+-------+------+\n| id | title | body |\n+----+-------+------+\n"
         "| 1  | Gates | Oak  |\n+----+-------+------+\n", 4),
        ('id,title,body,excerpt\n="1",="Gates","=""Oak""",NULL\n', 2),
        ("id\ttitle\tbody\texcerpt\n1\tGates\tOak\t\\N\n", 2),
    ],
    ids=["a title", "lines of cells", "psql", "Markdown", "mysql", "formulas", "mysqldump"],
)  # fmt: skip
def test_what_programs_write_around_rows_and_cells_is_no_part_of_them(read, content, first_line):
    expected = {"id": "1", "title": "Gates", "body": "Oak"}

    assert [(first_line, expected)] == read(content.encode())


def test_a_row_that_names_one_column_is_no_header(read):
    with pytest.raises(UnreadableFile, match="no column has a known name"):
        read(b"Nummer,Rubrik\n1,title\n2,Oak\n")


def test_an_encoding_is_guessed_where_it_first_matters(read):
    rows = [f"{n},{'plain title ' * 20}\n" for n in range(2000)]
    content = "".join(["id,title\n", *rows, "last,Café Müller schließt für immer\n"])
    *_, (_, last) = read(content.encode("cp1252"))

    assert "Café Müller schließt für immer" == last["title"]


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        (r'"He said \"no\" today"', 'He said "no" today'),
        ('"He said ""no"" today"', 'He said "no" today'),
        ('"He said "no" today"', 'He said "no" today'),
        ('He said "no" today', 'He said "no" today'),
        (r'"C:\dir\"', "C:\\dir\\"),
    ],
    ids=["backslashes", "doubled", "as they come", "in a bare cell", "a backslash at the end"],
)
def test_quotes_in_cells_are_read_as_they_are_written(read, written, read_as):
    rows = "".join(f"{n},{written},Oak\n" for n in range(1, 4))
    titles = [data["title"] for _, data in read(f"id,title,body\n{rows}".encode())]

    assert [read_as] * 3 == titles


def test_two_columns_of_one_name_are_said_aloud_and_the_filled_one_is_read(table):
    with table(b"id,title,title\n1,Gates,\n2,,Barges\n3,Both,Twice\n") as file:
        [document] = file.documents()
        titles = [record.data["title"] for record in file.read(document)]

    assert ["Gates", "Barges", "Both"] == titles
    assert {"2 columns are called 'title'": 1} == document.notes


# --- quotes that are never closed


def test_a_quote_that_is_never_closed_costs_its_own_row(read):
    content = b'id,title,body\n1,"Never closed,x\n2,Two,x\n3,Three,x\n'

    assert [
        (2, UNCLOSED),
        (3, {"id": "2", "title": "Two", "body": "x"}),
        (4, {"id": "3", "title": "Three", "body": "x"}),
    ] == read(content)


@pytest.mark.parametrize(
    "rows",
    [
        '1,"Never closed,x\n2,Two,x\n3,"Three",x\n',  # closed by the wrong quote
        '1,"Never closed,x\n2,Two,x\n3,Three",x\n',  # a row of the right length, full of rows
        '1,One,"never closed\n2,Two,x\n3,"Three",x\n',
        'a,"Never closed,x\nb,Two,x\nc,"Three",x\n',  # ids that are no numbers
    ],
)
def test_rows_behind_an_unclosed_quote_are_not_swallowed(read, rows):
    found = read(f"id,title,body\n{rows}".encode())

    assert (2, UNCLOSED) == found[0]
    assert (3, "Two") == (found[1][0], found[1][1]["title"])
    assert all(isinstance(data, str) or "\n" not in data["title"] for _, data in found)


def test_a_text_of_several_lines_with_commas_is_no_row(read):
    text = "Oak, elm, and ash:\nall of them, he said,\nhave failed, and will, again"

    assert [(4, {"id": "1", "title": "Gates", "body": text})] == read(
        f'id,title,body\n1,Gates,"{text}"\n'.encode()
    )


def test_a_file_of_nothing_but_unclosed_quotes_is_given_up(read, monkeypatch):
    monkeypatch.setattr("recommender.sources.delimited.MAX_REREAD_CHARS", 100_000)
    with pytest.raises(UnreadableFile, match=r"too many quotes that are never closed, line \d+"):
        read(b"id,title,body\n" + b'1",b,"c\n' * 20_000)


# --- bounds and what is no table of articles


def test_a_row_of_commas_is_refused_and_the_next_one_read(read):
    commas = b",x" * 1_000_000

    assert [
        (2, "1000001 cells, the header has 2: a separator outside quotes?"),
        (3, {"id": "1"}),
    ] == [*read(b"id,title\nx%s\n1,\n" % commas)]


def test_a_table_has_no_more_than_1000_columns(read):
    with pytest.raises(UnreadableFile, match="expected at most 1000 columns"):
        read(b"id,title" + b",x" * MAX_COLUMNS + b"\n")


def test_a_table_without_a_known_column_says_what_to_do(read):
    with pytest.raises(
        UnreadableFile, match=r"\(Nummer, Rubrik\): say which is which with --field"
    ):
        read(b"Nummer;Rubrik\n1;Oak\n")


@pytest.mark.parametrize("text", [b"", b"\n\n", b" \r\n\t\n"])
def test_a_file_without_text_has_no_articles(read, text):
    assert [] == read(text)


@given(st.text(max_size=300))
def test_any_head_has_a_dialect_or_a_reason(head):
    try:
        assert dialect_of(head).header
    except UnreadableDocument as error:
        assert str(error)


# --- the files of bug reports


FIELD_CASES = Path(__file__).parents[2] / "shared/data/field-cases"


@pytest.mark.skipif(not FIELD_CASES.exists(), reason="needs ../shared/data/field-cases")
@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("blank", ["Gates"]), ("caps", ["Gates fail"]), ("cr", ["Gates fail", "Barges"]),
        ("cp1252", ["Café gates fail", "Plain"]), ("dup", ["Gates"]), ("pipe", ["Gates"]),
        ("quotedhead", ["Gates"]), ("sep", ["Gates fail", "Barges wait"]),
        ("spaces", ["Gates fail"]), ("trailing", ["Gates", "Two"]), ("wpexp", ["Gates fail"]),
        ("unclosed", ['Gates "fail" again', 'Barges "wait"', None, "Four", "Five"]),
    ],
)  # fmt: skip
def test_files_of_bug_reports_are_read(name, titles):
    with ArticleFile(str(FIELD_CASES / f"01-excel-csv/{name}.csv")) as file:
        found = [record.data for record in file.records()]

    assert titles == [
        None if isinstance(data, InvalidInput) else data.get("title") or data["Title"]
        for data in found
    ]
