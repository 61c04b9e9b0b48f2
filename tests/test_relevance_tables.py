"""The scripts that make the tables of EVALUATION.md, RELEVANCE.md and reasons.md still run."""

import gzip
import shutil
import sys
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
BENCHMARKS = Path(__file__).parent / "benchmarks"
NAME = "18f-blog"  # one of the corpora by name; here it is the sample


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of corpora with one corpus, the sample archive."""
    folder = tmp_path_factory.mktemp("corpora")
    sample = files("api").joinpath("sample")
    with gzip.open(folder / f"{NAME}.jsonl.gz", "wb") as archive:
        archive.write(sample.joinpath("articles.jsonl").read_bytes())
    (folder / f"{NAME}.truth.jsonl").write_bytes(sample.joinpath("truth.jsonl").read_bytes())
    return folder


@pytest.fixture(scope="module", autouse=True)
def scripts(tmp_path_factory: pytest.TempPathFactory, folder: Path):
    """The scripts can be imported, and keep their lists elsewhere; the sample's are made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        patch.setattr(import_module("judged"), "KEPT", tmp_path_factory.mktemp("runs"))
        patch.setattr(sys, "argv", ["keep_runs.py", str(folder)])
        import_module("keep_runs").main()
        yield


def printed_by(script: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [f"{script}.py", str(folder)])
        import_module(script).main()
    return capsys.readouterr().out


def rows_of(text: str) -> dict[str, list[str]]:
    """First cell → the others, of all tables."""
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines}


def test_every_variant_and_every_plain_system_is_ranked(folder):
    judged, variants = import_module("judged"), import_module("variants")
    systems = import_module("recommender.evaluation.systems").SYSTEMS

    for corpus in judged.kept_corpora(folder):
        assert {*systems, *variants.all_variants(corpus.label)} == corpus.runs.keys()
        assert len(corpus.runs["bm25"]) == len(corpus.judged.qrels) > 30


def test_a_part_that_is_left_out_changes_lists(folder):
    """The constants that variants change are those that the ranking reads."""
    judged, variants = import_module("judged"), import_module("variants")
    publication, everything = judged.kept_corpora(folder)
    default = everything.runs[variants.DEFAULT]
    same = {
        name
        for name in variants.all_variants("all")
        if publication.runs.get(name) == publication.runs[variants.DEFAULT]
        and everything.runs[name] == default
    }

    # The sample has neither twins nor boilerplate nor titles that open the text.
    assert same - {variants.DEFAULT} <= {
        "without: one per story",
        "without: boilerplate shield",
        "without: no weight for titles that open the text",
    }


def test_lists_of_single_variants_are_added_to_those_that_are_kept(folder, monkeypatch):
    judged = import_module("judged")
    before = judged.kept_runs(NAME, "all")
    judged.keep_runs(NAME, "all", {n: run for n, run in before.items() if n != "without: tags"})
    monkeypatch.setattr(
        sys, "argv", ["keep_runs.py", str(folder), "--corpus", NAME, "--variant", "without: tags"]
    )
    import_module("keep_runs").main()

    assert before == judged.kept_runs(NAME, "all")


@pytest.mark.parametrize("script", ["relevance", "ablation", "holdout"])
def test_tables_are_made_of_the_lists(script, folder, capsys):
    rows = rows_of(printed_by(script, folder, capsys))

    labels = {
        "relevance": {"`alsosee`", "`lsa`", f"{NAME}, all"},
        "ablation": {"the defaults", "without: time", f"{NAME}, publication"},
        "holdout": {"weight of time (2/3)", "fading idf (10)"},
    }
    assert labels[script] <= rows.keys()


def test_reasons_are_counted_and_shown_before_and_after(folder, capsys):
    printed = printed_by("reasons", folder, capsys)

    assert {NAME, "all"} <= rows_of(printed).keys()
    assert 10 == printed.count(f"| {NAME} | Both about ")


def test_a_corpus_with_too_few_links_to_tune_has_its_row(folder, capsys):
    assert (
        "refused: 40 are needed in each half"
        == rows_of(printed_by("tuning", folder, capsys))[NAME][-1]
    )


def test_a_table_goes_between_its_marks(tmp_path, folder, capsys, monkeypatch):
    holdout = import_module("holdout")
    document = tmp_path / "RELEVANCE.md"
    shutil.copy(holdout.DOCUMENT, document)
    before = document.read_text()
    monkeypatch.setattr(holdout, "DOCUMENT", document)
    monkeypatch.setattr(import_module("documents"), "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["holdout.py", str(folder), "--write"])
    holdout.main()

    after = document.read_text()
    assert f"without {NAME}" in after
    assert before.partition("<!-- grid -->")[0] == after.partition("<!-- grid -->")[0]
    assert before.partition("<!-- /holdout -->")[2] == after.partition("<!-- /holdout -->")[2]
