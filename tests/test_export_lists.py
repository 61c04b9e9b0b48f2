"""`alsosee export --related`: every article's list, as over HTTP, into a file to continue."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from news import STORIES, article

from api.cli.main import main
from features.analysis import analyse


@pytest.fixture
def lists(backend, settings, tmp_path, monkeypatch):
    """Run the command and return what it wrote."""
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    backend.store.put("main", [analyse(article(i)) for i in STORIES])

    def run(*options: str) -> list[dict[str, object]]:
        output = tmp_path / "lists.jsonl"
        process = CliRunner().invoke(
            main, ["export", "--related", "--output", str(output), *options]
        )
        assert 0 == process.exit_code, process.output
        return [orjson.loads(line) for line in output.read_bytes().splitlines()]

    return run


def test_every_article_has_its_list_as_http_gives_it(lists, client):
    written = lists("--limit", "3")

    assert sorted(STORIES) == [line["source"]["id"] for line in written]
    for line in written:
        answer = client.get(f"/v1/main/articles/{line['source']['id']}/related?limit=3").json
        assert answer | {"recommendation_id": None} == line | {"recommendation_id": None}


def test_options_of_lists_have_the_same_effect_as_over_http(lists, client, backend):
    key = {"Authorization": f"Bearer {backend.keys.create('main', ['look'])}"}
    query = "mode=followup&diversity=0.5&max_per_section=1&explain=true"
    options = "--mode followup --diversity 0.5 --max-per-section 1 --explain"
    written = lists(*options.split())

    for line in written:
        path = f"/v1/main/articles/{line['source']['id']}/related?{query}"
        answer = client.get(path, headers=key).json
        assert answer | {"recommendation_id": None} == line | {"recommendation_id": None}
    assert any(item["terms"] for line in written for item in line["items"])


@pytest.mark.usefixtures("lists")
def test_standard_output_has_lists_and_nothing_else():
    command = [str(Path(sys.executable).with_name("alsosee")), "export", "--related"]
    process = subprocess.run(command, capture_output=True, timeout=60, check=True)

    assert sorted(STORIES) == [
        orjson.loads(line)["source"]["id"] for line in process.stdout.splitlines()
    ]


def test_a_file_that_was_cut_is_continued(lists, tmp_path):
    whole = lists()
    output = tmp_path / "lists.jsonl"
    content = output.read_bytes()
    output.write_bytes(content[: len(content) // 2])
    lists()

    assert (whole, content) == (lists(), output.read_bytes())


@pytest.mark.parametrize("option", [("--output", "somewhere"), ("--mode", "recent")])
def test_options_of_lists_are_refused_for_articles(option):
    result = CliRunner().invoke(main, ["export", *option])

    assert (2, True) == (result.exit_code, "need --related" in result.output)
