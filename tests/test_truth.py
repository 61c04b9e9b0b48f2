"""Truth and run files, ours and TREC's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.errors import UnusableData
from recommender.evaluation.trec import read_run, trec_id, write_run
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


def test_blanks_in_ids_are_encoded_for_trec():
    assert "a%20b%25c/d" == trec_id("a b%c/d")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no judged pairs"),
        ("\n\n", "no judged pairs"),
        ('{"id": "a", "related": {"b": -1}}', "grade -1"),
        ('{"id": "a", "related": {"b": 1.5}}', "grade 1.5"),
        ('{"id": "a", "related": {"b": 1}}\n{"id": "a", "related": {"c": 1}}', "occurs twice"),
        ('{"id": "a", "related": {"b": 1, "b": 2}}', "duplicate key"),
        ('{"id": "a"}', "expected"),
        ('{"id": "a", "related": {"b": 1}}\nnonsense', ":2:"),
        ("q 0 a", "3 columns"),
        ("q 0 a 1 x y", "6 columns"),
        ("q 0 a -1", "grade -1"),
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
    ],
)
def test_a_run_that_cannot_be_used_says_why(path, text, complaint):
    path.write_text(text)

    with pytest.raises(UnusableData, match=complaint):
        read_run(path)


def test_ranks_decide_and_not_the_order_of_lines(path):
    path.write_text("q Q0 b 2 9.0 ours\nq Q0 a 1 1.0 ours\n")

    assert {"q": [("a", 1.0), ("b", 9.0)]} == read_run(path)[1]


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(UnusableData, match="No such file"):
        read_truth(tmp_path / "nowhere")
