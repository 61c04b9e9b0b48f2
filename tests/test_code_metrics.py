"""The figures of code_metrics.py, on a few lines that are easy to count by hand."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "benchmarks" / "code_metrics.py"
SPEC = importlib.util.spec_from_file_location("code_metrics", SCRIPT)
code_metrics = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(code_metrics)


def read_source(tmp_path, source, name="module.py"):
    path = tmp_path / name
    path.write_text(source)
    return code_metrics.read_module(path, tmp_path)


@pytest.mark.parametrize(
    ("statement", "counts"),
    [
        ("a, b = 1, 2", True),
        ("a, (b, c) = 1, pair", True),
        ("a, b = pair()", False),
        ("a, b = b, a", False),
        ("a = 1, 2", False),
    ],
)
def test_only_two_assignments_on_one_line_count_as_such(tmp_path, statement, counts):
    module = read_source(tmp_path, statement)

    assert len(module.tuple_assignments) == counts


def test_comments_comprehensions_and_function_lengths_are_counted(tmp_path):
    source = """\
def double(numbers):  # a comment
    # another one
    text = "# no comment"
    return [2 * n for n in numbers], {n for n in numbers}
"""
    module = read_source(tmp_path, source)

    assert module.comments == 2
    assert len(module.comprehensions) == 2
    assert module.function_lines == [4]
    assert (module.lines, module.filled_lines) == (4, 4)


def test_a_type_name_counts_when_two_modules_define_it(tmp_path):
    first = read_source(
        tmp_path, "class Kind: ...\nclass _Own: ...\nPace = Literal['read']", "a.py"
    )
    second = read_source(tmp_path, "Kind = Literal['click']\nclass _Own: ...\nLIMIT = x[1]", "b.py")

    assert list(code_metrics.types_in_several_modules([first, second])) == ["Kind"]


def test_variables_and_arguments_with_a_vague_name_are_listed(tmp_path):
    module = read_source(tmp_path, "def find(wanted):\n    found = wanted\n    return found\n")

    assert sorted(place.text for place in module.vague_names) == ["found", "wanted"]
