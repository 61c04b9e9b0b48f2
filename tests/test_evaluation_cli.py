"""The commands `alsosee truth`, `evaluate` and `compare`."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from api.cli.main import main

ROOT = Path(__file__).parent.parent
ARTICLES = str(ROOT / "api/sample/articles.jsonl")
TRUTH = str(ROOT / "api/sample/truth.jsonl")
QUICK = ("--systems", "alsosee,recent", "--measures", "nDCG@10,hit@5")


def alsosee(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def before(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("results") / "before.json"
    path.write_bytes(
        alsosee("evaluate", ARTICLES, TRUTH, *QUICK, "--json", "--per-query").stdout_bytes
    )
    return path


def test_the_truth_of_the_sample_is_its_own_links():
    result = alsosee("truth", ARTICLES)

    assert Path(TRUTH).read_text() == result.stdout
    assert "43 also see" in result.stderr


def test_only_json_is_on_standard_output():
    result = alsosee("evaluate", ARTICLES, TRUTH, *QUICK, "--json")

    answer = orjson.loads(result.stdout)
    assert {"corpus", "protocol", "systems", "queries"} == answer.keys()
    assert {"nDCG@10", "hit@5", "latency_ms", "seconds"} == answer["systems"]["alsosee"].keys()
    assert 0 == result.exit_code


def test_the_same_command_writes_the_same_bytes(tmp_path):
    def run(folder: str) -> list[bytes]:
        options = (
            "--json",
            "--no-timings",
            "--per-query",
            "--report",
            tmp_path / folder,
            "--trec",
            tmp_path / folder,
        )
        printed = alsosee("evaluate", ARTICLES, TRUTH, *QUICK, *options).stdout_bytes
        return [printed, *(path.read_bytes() for path in sorted((tmp_path / folder).iterdir()))]

    one, other = run("report"), run("report")
    assert one == other
    assert 5 == len(one)  # the JSON, the page, the judged pairs, and two runs


def test_a_written_run_can_take_part_again(tmp_path):
    alsosee("evaluate", ARTICLES, TRUTH, *QUICK, "--trec", tmp_path)
    written = tmp_path / "alsosee.run"
    written.write_text(written.read_text().replace(" alsosee\n", " theirs\n"))
    result = alsosee(
        "evaluate", ARTICLES, tmp_path / "qrels.txt", *QUICK, "--run", written, "--json"
    )

    systems = orjson.loads(result.stdout)["systems"]
    assert systems["alsosee"]["nDCG@10"] == systems["theirs"]["nDCG@10"]


def test_a_threshold_that_is_met_exits_with_0_and_one_that_is_not_with_1(before, tmp_path):
    gate = ("--baseline", before, "--fail-under", "nDCG@10:-0.01")
    fallen = tmp_path / "fallen.json"
    earlier = orjson.loads(before.read_bytes())
    earlier["per_query"]["systems"]["alsosee"]["values"]["nDCG@10"] = [1.0] * earlier["queries"]
    fallen.write_bytes(orjson.dumps(earlier))

    assert 0 == alsosee("evaluate", ARTICLES, TRUTH, *QUICK, *gate).exit_code
    result = alsosee("evaluate", ARTICLES, TRUTH, *QUICK, "--baseline", fallen, *gate[2:])
    assert (1, True) == (result.exit_code, "nDCG@10 fell by" in result.stderr)


def test_a_result_compared_with_itself_has_no_winner(before):
    comparison = orjson.loads(alsosee("compare", before, before, "--json").stdout)
    names = ("wins", "losses", "ties", "mean_churn")

    assert [0, 0, comparison["queries"], 0.0] == [comparison[name] for name in names]


def test_a_comparison_says_which_result_is_better_and_how_many_lists_change(before, tmp_path):
    best = orjson.loads(before.read_bytes())
    system = best["per_query"]["systems"]["alsosee"]
    system["values"]["nDCG@10"] = [1.0] * best["queries"]
    system["lists"][0] = []
    after = tmp_path / "after.json"
    after.write_bytes(orjson.dumps(best))

    printed = alsosee("compare", before, after).stdout
    assert f"B is better by nDCG@10; 1 of {best['queries']} lists change\n" in printed


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (("evaluate", ARTICLES, "nowhere.jsonl"), 1, "No such file"),
        (("evaluate", "nowhere.jsonl", TRUTH), 1, "No such file"),
        (("evaluate", ARTICLES, TRUTH, "--systems", "best"), 2, "no system 'best'"),
        (("evaluate", ARTICLES, TRUTH, "--measures", "luck"), 2, "no measure 'luck'"),
        (("evaluate", ARTICLES, TRUTH, "--queries", "0"), 2, "--queries"),
        (("evaluate", ARTICLES, TRUTH, "--fail-under", "nDCG@10:-0.01"), 2, "--baseline"),
        (("evaluate", ARTICLES, TRUTH, "--baseline", TRUTH), 1, "not the JSON of an evaluation"),
        (("evaluate", ARTICLES, TRUTH, "--run", TRUTH), 1, "a run file has 6"),
        (("evaluate", ARTICLES, TRUTH, "--ranking", TRUTH), 1, "Invalid JSON"),
        (("evaluate", ARTICLES, TRUTH, "--ranking", "nowhere.json"), 1, "No such file"),
        (("compare", TRUTH, TRUTH), 1, "not the JSON of an evaluation"),
        (("truth", "nowhere.jsonl"), 1, "No such file"),
    ],
)  # fmt: skip
def test_unusable_input_is_reported_in_one_sentence(arguments, status, complaint):
    result = alsosee(*arguments)

    assert (status, True) == (result.exit_code, complaint in result.stderr)
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "no judged pairs"),
        ('{"id": "unknown", "related": {"other": 2}}', "ids are not in the archive"),
        ('{"id": "a", "related": {"b": 1.5}}', "grade 1.5"),
        ('{"id": "a", "related": {}}\n{"id": "a", "related": {}}', "occurs twice"),
    ],
)
def test_unusable_judged_pairs_are_reported_in_one_sentence(tmp_path, line, complaint):
    path = tmp_path / "truth.jsonl"
    path.write_text(line)
    result = alsosee("evaluate", ARTICLES, path)

    assert (1, True) == (result.exit_code, complaint in result.stderr)


def test_an_archive_without_dates_needs_the_option_all(tmp_path):
    undated = tmp_path / "undated.jsonl"
    lines = [orjson.loads(line) for line in Path(ARTICLES).read_text().splitlines()]
    undated.write_bytes(b"\n".join(orjson.dumps(line | {"published_at": None}) for line in lines))

    result = alsosee("evaluate", undated, TRUTH, *QUICK)
    assert (1, True) == (result.exit_code, "use --all instead" in result.stderr)
    assert 0 == alsosee("evaluate", undated, TRUTH, *QUICK, "--all").exit_code


def test_records_that_are_no_valid_articles_are_reported(tmp_path):
    archive = tmp_path / "archive.jsonl"
    broken = "".join(f'{{"id": "bad-{number}"}}\n' for number in range(7))
    archive.write_text(Path(ARTICLES).read_text() + broken)

    result = alsosee("evaluate", archive, TRUTH, *QUICK, "--json")
    assert 0 == result.exit_code
    assert f"{archive}: record 81 (bad-0): title: Field required\n" in result.stderr
    assert result.stderr.endswith("… and 2 more\n")
