"""Truth and run files, ours and TREC's."""

import gzip
import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import read_trec_qrels

from recommender.errors import UnusableData
from recommender.evaluation.trec import known_id, read_run, trec_id, write_run
from recommender.evaluation.truth import read_truth, write_qrels, write_truth

ids = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8)
qrels = st.dictionaries(
    ids, st.dictionaries(ids, st.integers(0, 3), min_size=1, max_size=4), min_size=1, max_size=4
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("truth") / "file"


@given(truth=qrels)
def test_truth_survives_both_formats(path, truth):
    for write in (write_truth, write_qrels):
        path.write_bytes(b"".join(write(truth)))

        assert truth == read_truth(path)


@given(
    run=st.dictionaries(
        ids, st.lists(ids, unique=True, min_size=1, max_size=4), min_size=1, max_size=3
    )
)
def test_a_run_survives_its_file(path, run):
    scored = {query: [(a, 1.0 / n) for n, a in enumerate(found, 1)] for query, found in run.items()}
    path.write_bytes(b"".join(write_run("ours", scored)))

    name, read = read_run(path)
    assert "ours" == name
    assert run == {query: [article for article, _ in found] for query, found in read.items()}


@pytest.mark.parametrize(
    ("article_id", "column"),
    [
        ("a b%c/d", "a%20b%25c/d"),
        ("%d8%a7%d9%84", "%d8%a7%d9%84"),  # a slug of WordPress
        ("100%", "100%"),
        ("a%20b", "a%2520b"),  # or it would be read as "a b"
        ("a\u00a0b", "a%C2%A0b"),
    ],
)
def test_ids_are_encoded_for_trec_only_where_they_have_to_be(article_id, column):
    assert column == trec_id(article_id)


GRADES = {"q": {"a": 16, "b": 8, "c": 0, "d": 0, "e": 1}}
LINES = "q 0 a 16\nq 0 b 8.0\nq 0 c -1\nq 0 d -2\nq 0 e +1\n"


@pytest.mark.parametrize(
    "content",
    [
        LINES.encode(),
        b"\xef\xbb\xbf" + LINES.encode(),
        LINES.encode("utf-16"),
        LINES.replace("\n", "\r\n").replace(" ", "\t").encode(),
        gzip.compress(LINES.encode()),
        (LINES + "q 0 a 16\n").encode(),
        b"query-id\tcorpus-id\tscore\nq\ta\t16\nq\tb\t8\nq\tc\t-1\nq\td\t0\nq\te\t1\n",
        b"\xef\xbb\xbf" + b'{"id": "q", "related": {"a": 16, "b": 8.0, "c": -1, "d": -2, "e": 1}}',
        b"".join(
            b'{"query_id": "q", "doc_id": "%s", "relevance": %d, "iteration": "0"}\n' % pair
            for pair in [(b"a", 16), (b"b", 8), (b"c", -1), (b"d", -2), (b"e", 1)]
        ),
    ],
    ids=[
        "TREC", "byte order mark", "UTF-16", "tabs and Windows", "gzip", "a pair twice", "BEIR",
        "JSON", "ir_datasets",
    ],
)  # fmt: skip
def test_grades_of_other_collections_are_read(path, content):
    path.write_bytes(content)

    assert GRADES == read_truth(path)


@given(
    qrels=st.dictionaries(
        st.sampled_from(["%0A", "%0a", "100%25", "%250A"])
        | st.text(st.characters(codec="ascii", exclude_categories=["Cc", "Zs"]), min_size=1),
        st.dictionaries(st.sampled_from(["a", "b%20", "%d8"]), st.integers(-2, 50), min_size=1),
        min_size=1,
    )
)
def test_other_programs_read_the_same_grades(path, qrels):
    """In the files that they write, and in those that we write: ids without blanks are the same."""
    lines = [f"{q} 0 {a} {g}" for q, judged in qrels.items() for a, g in judged.items()]
    path.write_text("\n".join(lines))
    theirs = [(q.query_id, q.doc_id, max(q.relevance, 0)) for q in read_trec_qrels(str(path))]
    ours = read_truth(path)
    path.write_bytes(b"".join(write_qrels(ours)))

    pairs = [(q, a, g) for q, judged in ours.items() for a, g in judged.items()]
    assert sorted((_decoded(q), _decoded(a), g) for q, a, g in theirs) == sorted(pairs)
    assert ours == read_truth(path)


# What we write in place of a blank, of which ASCII has ten, and of the percent sign.
ESCAPES = re.compile(r"%(?:09|0[A-D]|1[C-F]|20|25)")


def _decoded(column: str) -> str:
    """The id in a column: one that has other percent signs is not ours, and stays."""
    return column if "%" in ESCAPES.sub("", column) else unquote(column)


@pytest.mark.parametrize("query", ["q", "1", "{brace"])
def test_a_query_may_be_a_number_or_begin_with_a_brace(path, query):
    path.write_text(f"{query} 0 a -1\n{query} 0 b 1")

    assert {query: {"a": 0, "b": 1}} == read_truth(path)


def test_a_number_as_an_id_is_read_from_json_too(path):
    path.write_text('{"id": 11, "related": {"12": 1}}')

    assert {"11": {"12": 1}} == read_truth(path)


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ("%d8%a7", "%d8%a7"),
        ("%d8%a7", "ا"),
        ("ا", "%D8%A7"),
        ("a b", "a%20b"),
        ("https://a.example/x%20y", "https://a.example/x%20y"),
    ],
)
def test_an_id_is_known_however_it_is_encoded(asked, known):
    assert known == known_id(asked, {known})
    assert asked == known_id(asked, {"another"})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no judged pairs"),
        ("\n\n", "no judged pairs"),
        ('{"id": "a", "related": {"b": 1.5}}', "grade 1.5"),
        ('{"id": "a", "related": {"b": 1}}\n{"id": "a", "related": {"c": 1}}', "occurs twice"),
        ('{"id": "a", "related": {"b": 1, "b": 2}}', "duplicate key"),
        ('{"id": "a"}', "expected"),
        ('{"id": "a", "related": {"b": 1}}\nnonsense', ":2:"),
        ("q 0 a", "3 columns"),
        ("q 0 a 1 x y", "6 columns"),
        ("q 0 a 0.5", "grade '0.5'"),
        ("q 0 a 1e3", "grade '1e3'"),
        ("q 0 a 1000001", "expected a whole number up to 1,000,000"),
        ('{"id": "a", "related": {"b": true}}', "grade True"),
        ('{"id": "a", "related": {"b": null}}', "grade None"),
        ("query-id corpus-id score\nq a 1 2", ":2: 4 columns; a BEIR qrels file has 3"),
        ("q 0 a high", "grade 'high'"),
        ("q 0 a 1\nq 0 a 2", "twice"),
    ],
)
def test_truth_that_cannot_be_used_says_why(path, text, complaint):
    path.write_text(text)

    with pytest.raises(UnusableData, match=complaint):
        read_truth(path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no lists"),
        ("q Q0 a", "3 columns"),
        ("q Q0 a first 0.5 ours", "numbers"),
        ("q Q0 a 1 0.5 ours\nq Q0 a 2 0.4 ours", "twice"),
        ("q Q0 a 1 nan ours", "numbers"),
        ("q 0 a 9.0 1 ours\nq 0 b 8.0 2 ours\n", "expected the rank before the score"),
    ],
)
def test_a_run_that_cannot_be_used_says_why(path, text, complaint):
    path.write_text(text)

    with pytest.raises(UnusableData, match=complaint):
        read_run(path)


def test_ranks_decide_and_not_the_order_of_lines(path):
    path.write_text("q Q0 b 2 9.0 ours\nq Q0 a 1 1.0 ours\n")

    assert {"q": [("a", 1.0), ("b", 9.0)]} == read_run(path)[1]


@pytest.mark.parametrize("ranks", [(0, 0), (1, 1)])
def test_scores_decide_where_ranks_do_not(path, ranks):
    path.write_text("q Q0 b {} 1.0 ours\nq Q0 a {} 9.0 ours\n".format(*ranks))

    assert {"q": [("a", 9.0), ("b", 1.0)]} == read_run(path)[1]


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_a_run_of_another_program_is_read(path, start):
    path.write_bytes(start + b"q\tQ0\ta\t1.0\t9.0\tBM25(k1=0.9)\r\nq\tQ0\tb\t2.0\t1e-3\tx\r\n")

    assert ("BM25-k1-0.9-", {"q": [("a", 9.0), ("b", 0.001)]}) == read_run(path)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(UnusableData, match="No such file"):
        read_truth(tmp_path / "nowhere")
