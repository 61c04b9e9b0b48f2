"""Two versions of all lists side by side, against figures that can be counted by hand."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from news import article

from api.cli.main import main
from recommender.backend import Backend
from recommender.replica.against import ArticleExposure, LinkedInList, ListPair, two_versions

Put = Callable[..., None]
NAMES = ["a", "b", "c", "d"]
chances = st.integers(0, 2**32 - 1).map(random.Random)


def some_pairs(chance: random.Random) -> list[ListPair]:
    def some_list() -> list[str]:
        return chance.sample(NAMES, chance.randint(0, 3))

    return [ListPair(name, some_list(), some_list()) for name in NAMES[: chance.randint(0, 4)]]


@given(chances)
def test_every_gain_and_loss_is_counted(chance: random.Random) -> None:
    pairs = some_pairs(chance)
    versions = two_versions(pairs)
    in_lists = {
        name: (
            sum(name in pair.before for pair in pairs),
            sum(name in pair.after for pair in pairs),
        )
        for name in NAMES
    }

    expected_gains = {name for name, (before, after) in in_lists.items() if after > before}
    expected_losses = {name for name, (before, after) in in_lists.items() if after < before}
    assert expected_gains == {one.article for one in versions.gained}
    assert expected_losses == {one.article for one in versions.lost}
    assert all(in_lists[one.article] == one[1:] for one in versions.gained + versions.lost)
    assert sum(pair.before != pair.after for pair in pairs) == versions.changed


def test_the_lists_that_lose_most_links_are_named_first() -> None:
    pairs = [
        ListPair("kursk", ["a", "b", "c"], ["d", "c"]),
        ListPair("budget", ["a"], ["b"]),
        ListPair("final", ["c"], ["a", "b"]),
        ListPair("no links", ["a"], []),
    ]
    links = {"kursk": {"a": 1, "b": 1}, "budget": {"a": 2}, "final": {"a": 1, "d": 1}}

    versions = two_versions(pairs, links)

    assert LinkedInList("", 5, 3, 1) == versions.linked
    assert (1, 2) == (versions.better, versions.worse)
    expected = [LinkedInList("kursk", 2, 2, 0), LinkedInList("budget", 1, 1, 0)]
    assert expected == versions.worst
    assert [ArticleExposure("b", 1, 2), ArticleExposure("d", 0, 1)] == versions.gained
    assert [ArticleExposure("a", 3, 1), ArticleExposure("c", 2, 1)] == versions.lost


def test_equal_versions_have_nothing_to_tell() -> None:
    versions = two_versions([ListPair("kursk", ["a", "b"], ["a", "b"])])

    assert (1, 0, 1.0, 0.0) == versions[:4]
    assert versions.gained == versions.lost == versions.worst == []
    assert versions.linked is None


@pytest.fixture
def archive(put: Put) -> None:
    put(*map(article, ("kursk", "sudzha", "ceasefire", "budget", "final")))


@pytest.fixture
def run(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    assert backend.settings.redis_url is not None
    monkeypatch.setenv("ALSOSEE_REDIS_URL", backend.settings.redis_url.get_secret_value())
    monkeypatch.setenv("ALSOSEE_DATA_DIR", str(backend.settings.data_dir))

    def run(*arguments: str, status: int = 0) -> Any:
        result = CliRunner().invoke(main, arguments)
        assert status == result.exit_code, result.output
        return result.stdout if status == 0 else result.output

    return run


@pytest.mark.usefixtures("archive")
def test_settings_are_tried_over_all_lists_before_they_are_stored(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{\n  "site": {"limit": 1}\n}')

    versions = orjson.loads(run("survey", "--against", str(file), "--json"))

    assert 5 == versions["lists"] == versions["changed"]
    assert [] == versions["gained"]
    assert "5 lists compared, 5 differ." in run("survey", "--against", str(file))


@pytest.mark.usefixtures("archive")
def test_lists_of_another_release_are_compared_with_those_made_now(
    run: Callable[..., Any], tmp_path: Path, put: Put
) -> None:
    file = tmp_path / "lists.jsonl"
    file.write_text(run("export", "--related"))
    assert "5 lists compared, 0 differ." in run("survey", "--against", str(file))

    lists = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    kursk = next(one for one in lists if one["source"]["id"] == "kursk")
    kursk["items"] = [one for one in kursk["items"] if one["id"] != "sudzha"]
    file.write_bytes(b"\n".join(map(orjson.dumps, lists)))
    links = tmp_path / "links.jsonl"
    links.write_text('{"id": "kursk", "related": {"sudzha": 1}}\n')

    versions = orjson.loads(run("survey", "--against", str(file), "--links", str(links), "--json"))

    assert 1 == versions["changed"]
    assert {"linked": 1, "before": 0, "after": 1} == versions["linked"]
    assert "sudzha" == versions["gained"][0]["article"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not json", "expected site settings, or the output of"),
        (b'{"items": []}\n{"items": []}', "expected site settings, or the output of"),
        (b'{"site": {"limt": 5}}', "site/limt"),
        (b"[]", "expected a JSON object"),
        (b"", "expected site settings, or the output of"),
    ],
)
def test_a_file_that_holds_neither_is_refused(
    run: Callable[..., Any], tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)

    assert message in run("survey", "--against", str(file), status=2)
    assert "--links needs --against" in run("survey", "--links", str(file), status=2)
