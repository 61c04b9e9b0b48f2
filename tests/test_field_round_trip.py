"""What was accepted once is exported so that it is imported as the same, whatever it says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from field_cases import FOLDER, needs_field_cases
from hypothesis import given
from hypothesis import strategies as st
from news import article

from api.cli.main import main
from features.article import read_article
from features.errors import InvalidInput
from features.exporting import importable
from features.markup import escape_for_import
from features.text import plain_text
from recommender.backend import Backend

PICTURE = "https://n.example/a.jpg"
MARKUP = [
    *("<b>", "</b>", "<p>", "<br>", "<!--", "-->", "<", ">", "&", "&amp;", "&lt;", "&#8217;"),
    *("&amp;#8217;", "[gallery]", "[b]", "[/b]", "[sic]", "[url=x]", "[[gallery]]", "{{ x }}"),
    *("{% raw %}", "{youtube}", "<![CDATA[", "]]>", "&lt;p&gt;", "\n", "\n\n", "Oak gates"),
    *("H&M", "5 < 6", "\x92", "é", "한", "🙂"),
]
texts = st.lists(st.sampled_from(MARKUP), max_size=6).map(" ".join) | st.text(max_size=30)
lines = texts.filter(lambda text: plain_text(text).strip())
dates = st.none() | st.datetimes().map(str) | st.sampled_from(["2025-03-13", "1741849964", "never"])
names = st.lists(lines, max_size=3)
articles = st.fixed_dictionaries(
    {"id": st.text(min_size=1, max_size=10), "title": lines},
    optional={
        "body": texts,
        "excerpt": texts,
        "section": texts,
        "tags": names,
        "authors": names,
        "published_at": dates,
        "updated_at": dates,
        "language": st.none() | st.sampled_from(["en", "pt-BR", "und", "x"]),
        "url": st.none() | st.sampled_from(["https://n.example/?a=1&amp;b=2", "/relative"]),
        "image": st.none() | st.fixed_dictionaries({"url": st.just(PICTURE), "alt": texts}),
        "version": st.none() | st.integers(0, 9),
    },
)  # fmt: skip


@given(articles)
def test_any_accepted_article_is_exported_and_imported_as_the_same(sent: dict[str, Any]):
    try:
        accepted = read_article(sent).article
    except InvalidInput:
        return
    exported = orjson.loads(orjson.dumps(importable(accepted.model_dump(mode="json"))))
    again = read_article(exported)

    assert accepted == again.article
    assert [] == again.warnings


@given(texts)
def test_escaped_text_is_read_as_it_is(text: str):
    kept = plain_text(text)

    assert kept == plain_text(escape_for_import(kept))


def test_the_longest_body_is_exported_whole():
    accepted = read_article(article(body="<" * 200_000)).article

    assert accepted == read_article(importable(accepted.model_dump(mode="json"))).article


@pytest.fixture
def run(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    for name, value in backend.settings.environment().items():
        monkeypatch.setenv(name, value)
    return lambda *arguments, **more: CliRunner().invoke(main, [*map(str, arguments)], **more)


@needs_field_cases
@pytest.mark.parametrize("name", ["in.jsonl", "in.csv"])
def test_a_picture_without_a_text_for_it_is_exported(run, name: str):
    run("import", FOLDER / "03-export-image-no-alt" / name)
    exported = run("export")
    again = run("import", "-", input=exported.stdout_bytes)

    assert 0 == exported.exit_code
    assert "0 added, 0 changed" in again.stdout
    assert b"https://n.example/a.jpg" in exported.stdout_bytes


def test_an_article_that_cannot_be_exported_is_named_and_the_others_are_written(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps(article(i)) for i in ("kursk", "sudzha", "final")))
    run("import", path)

    def fails_once(fields: dict[str, Any]) -> dict[str, Any]:
        if fields["id"] == "sudzha":
            raise TypeError("something new")
        return importable(fields)

    monkeypatch.setattr("features.exporting.importable", fails_once)
    exported = run("export")

    assert 1 == exported.exit_code
    assert "Error: article 'sudzha': something new" in exported.stderr
    assert {"kursk", "final"} == {orjson.loads(line)["id"] for line in exported.stdout.splitlines()}


def test_a_damaged_record_is_counted_and_the_others_are_written(run, tmp_path: Path, raw_redis):
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps(article(i)) for i in ("kursk", "sudzha")))
    run("import", path)
    raw_redis.setrange(raw_redis.keys("*:text:*")[0], 20, b"?")
    exported = run("export")

    assert 1 == exported.exit_code
    assert "1 records are damaged" in exported.stderr
    assert 1 == len(exported.stdout.splitlines())
