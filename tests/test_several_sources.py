"""One list for several sources: what it holds, and that it is what its definition says."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from news import STORIES, article
from pipeline import ANY, NOW, Archive, text

from recommender import RelatedArticles
from recommender.errors import InvalidInput, NotFound
from recommender.pipeline.several import Example
from recommender.policy.rule_set import RuleSet
from recommender.policy.rules import Rule, Selector

Put = Callable[..., None]
Key = dict[str, str]

WORDS = ["kursk", "sudzha", "talks", "budget", "rovers", "cup"]
WIRE = text("wire", 42)

chances = st.integers(0, 2**32 - 1).map(random.Random)


def some_archive(chance: random.Random) -> Archive:
    return Archive(
        *(
            {"id": f"a{n}", "body": " ".join(chance.choices(WORDS, k=chance.randint(1, 5)))}
            for n in range(chance.randint(4, 10))
        )
    )


def listed(archive: Archive, *examples: Example) -> list[str]:
    ranked = archive.recommender.related_to_several(examples, ANY, NOW)
    return list(ranked.by_id(archive.corpus))


@given(chances)
def test_the_similarity_is_the_cosine_with_the_sum_of_all_sources(chance: random.Random) -> None:
    archive = some_archive(chance)
    corpus = archive.corpus
    names = corpus.all_ids()
    examples = [
        Example(name, chance.choice([1.0, 1.0, 2.0, -0.5])) for name in chance.sample(names, 2)
    ]
    examples[0] = examples[0]._replace(weight=1.0)
    total: dict[int, float] = {}
    for name, weight in examples:
        vector = corpus.index.vector(corpus.index.slot(str(name)) or 0)
        for term, value in zip(vector.terms.tolist(), vector.weights.tolist(), strict=True):
            total[term] = total.get(term, 0.0) + weight * value
    total = {term: value for term, value in total.items() if value > 1e-9}
    length = np.sqrt(sum(value**2 for value in total.values())) or 1.0

    ranking = archive.recommender.related_to_several(examples, ANY, NOW)

    for name, place in ranking.by_id(corpus).items():
        vector = corpus.index.vector(corpus.index.slot(name) or 0)
        pairs = zip(vector.terms.tolist(), vector.weights.tolist(), strict=True)
        cosine = sum(total.get(term, 0.0) * value for term, value in pairs) / length
        assert cosine == pytest.approx(place.similarity, abs=2e-5)


@given(chances)
def test_one_example_makes_the_list_of_that_article(chance: random.Random) -> None:
    archive = some_archive(chance)
    own = archive.recommender.related("a0", ANY, NOW).by_id(archive.corpus)

    assert list(own) == listed(archive, Example("a0", chance.choice([1.0, 3.0])))


@given(chances)
def test_no_source_is_in_the_list(chance: random.Random) -> None:
    archive = some_archive(chance)
    sources = chance.sample(archive.corpus.all_ids(), 3)
    examples = [Example(sources[0]), Example(sources[1], 0.3), Example(sources[2], -1.0)]

    assert set(sources).isdisjoint(listed(archive, *examples))


def test_an_article_that_tells_the_story_of_any_source_is_left_out() -> None:
    archive = Archive(
        {"id": "budget", "body": "budget talks tonight"},
        {"id": "wire", "body": f"kursk {WIRE}"},
        {"id": "copy", "body": f"kursk {WIRE} talks"},
        {"id": "other", "body": "kursk talks"},
    )

    assert ["other"] == listed(archive, Example("budget"), Example("wire"))
    assert ["other"] == listed(archive, Example("budget"), Example("wire", -0.1))


def test_the_weight_decides_what_the_list_is_about() -> None:
    archive = Archive(
        {"id": "war", "body": "kursk"},
        {"id": "cup", "body": "rovers"},
        {"id": "front", "body": "kursk front"},
        {"id": "final", "body": "rovers final"},
    )

    assert ["front", "final"] == listed(archive, Example("war", 3.0), Example("cup"))
    assert ["final", "front"] == listed(archive, Example("war"), Example("cup", 3.0))


def test_what_an_example_to_avoid_says_does_not_count() -> None:
    archive = Archive(
        {"id": "match", "body": "rovers cup"},
        {"id": "cup", "body": "cup"},
        {"id": "club", "body": "rovers club"},
        {"id": "draw", "body": "cup draw"},
    )

    assert {"cup", "club", "draw"} == set(listed(archive, Example("match")))
    assert ["club"] == listed(archive, Example("match"), Example("cup", -2.0))


def test_a_draft_counts_as_a_stored_article_does() -> None:
    archive = Archive({"id": "front", "body": "kursk front"}, {"id": "final", "body": "rovers cup"})
    _, draft = archive.read({"id": "draft", "body": "kursk"})

    assert ["front"] == listed(archive, Example(draft))


def test_what_the_editors_block_next_to_one_source_is_left_out() -> None:
    archive = Archive(
        {"id": "war", "body": "kursk"},
        {"id": "cup", "body": "rovers"},
        {"id": "front", "body": "kursk front"},
    )
    block = Rule(
        id="r1",
        kind="block",
        source=Selector(article="cup"),
        target=Selector(article="front"),
        created_at=NOW - timedelta(days=1),
    )

    assert ["front"] == listed(archive, Example("war"), Example("cup"))
    archive.recommender.rules = RuleSet([block])
    assert [] == listed(archive, Example("war"), Example("cup"))


def test_an_unknown_source_is_named() -> None:
    archive = Archive({"id": "war", "body": "kursk"})

    with pytest.raises(NotFound, match="no article 'cup'"):
        listed(archive, Example("war"), Example("cup"))


def test_the_library_makes_the_same_list() -> None:
    related = RelatedArticles([article(name) for name in STORIES])

    several = related.to_several(["kursk", {"title": STORIES["sudzha"][0]}], fallback=False)
    assert {"sudzha", "ceasefire"} >= {one.id for one in several}
    assert "kursk" not in {one.id for one in several}
    assert [] == related.to_several(["kursk"], unlike=["sudzha", "kursk"], fallback=False)
    with pytest.raises(InvalidInput, match="like: expected at least one"):
        related.to_several([])


SOURCES = [article(name, section="World", tags=["Kursk"]) for name in ("kursk", "sudzha")]
OTHERS = [
    article("ceasefire"),
    article("front"),
    article("village"),
    article("budget"),
    article("final"),
]


@pytest.fixture
def archive(put: Put) -> None:
    for one in (*SOURCES, *OTHERS):
        put(one)


def asked(client: FlaskClient, key: Key, body: dict[str, Any], query: str = "") -> list[str]:
    answer = client.post(f"/v1/main/related{query}", json=body, headers=key)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json["items"]]


@pytest.mark.usefixtures("archive")
def test_a_topic_page_has_one_list_for_all_its_articles(client: FlaskClient) -> None:
    answer = client.get("/v1/main/related?article=kursk&article=sudzha&limit=3&fallback=false")

    assert answer.status_code == 200
    assert {"front", "village"} <= {item["id"] for item in answer.json["items"]}
    assert {"id": None, "url": None, "title": None} == answer.json["source"]


@pytest.mark.usefixtures("archive")
def test_one_id_in_the_query_is_the_list_of_that_article(client: FlaskClient) -> None:
    by_query = client.get("/v1/main/related?article=kursk")

    assert client.get("/v1/main/articles/kursk/related").data == by_query.data


@pytest.mark.usefixtures("archive")
def test_every_form_of_a_list_is_there_for_several_articles(client: FlaskClient) -> None:
    for form in ("html", "rss", "json", "jsonld"):
        answer = client.get(f"/v1/main/related.{form}?article=kursk&article=sudzha")
        assert b"Washington presses Moscow" in answer.data, form


@pytest.mark.usefixtures("archive")
def test_like_names_articles_by_id_by_address_and_by_their_text(
    client: FlaskClient, key: Key
) -> None:
    like = ["kursk", {"url": "https://news.example/sudzha?utm_source=mail"}]
    both = asked(client, key, {"like": like})
    title, body = STORIES["sudzha"]

    assert both == asked(client, key, {"like": ["kursk", {"id": "sudzha"}]})
    # The stored article tells the story of the text.
    sent = asked(client, key, {"title": title, "body": body, "like": ["kursk"]})
    assert [one for one in both if one != "sudzha"] == sent


@pytest.mark.usefixtures("archive")
def test_unlike_keeps_its_articles_out(client: FlaskClient, key: Key) -> None:
    answer = asked(client, key, {"like": ["kursk"], "unlike": ["front"]})

    assert {"kursk", "front"}.isdisjoint(answer)


@pytest.mark.usefixtures("archive")
def test_the_list_of_several_is_explained(client: FlaskClient, key: Key) -> None:
    body = {"like": ["kursk", {"id": "sudzha", "weight": 2}], "explain": True}
    answer = client.post("/v1/main/related", json=body, headers=key).json
    first = answer["items"][0]

    assert {"kursk region", "sudzha"} & {one.casefold() for one in first["subjects"]}
    assert "About the same subject" == first["reason"]["text"]
    assert "Russia retakes villages in the Kursk region" in answer["source"]["title"]


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"unlike": ["kursk"]}, "/like"),
        ({"like": "kursk"}, "/like"),
        ({"like": [7]}, "/like/0"),
        ({"like": ["kursk", {}]}, "/like/1"),
        ({"like": ["kursk"], "unlike": [{"weight": 1}]}, "/unlike/0"),
        ({"like": [{"id": "kursk", "weight": 0}]}, "/like/0/weight"),
        ({"like": [{"id": "kursk", "weight": "2"}]}, "/like/0/weight"),
        ({"like": ["kursk"] * 21}, "/like"),
        ({"like": ["kursk", "a" * 600]}, "/like/1"),
        ({"like": [None]}, "/like/0"),
    ],
)
def test_a_mistake_is_named_by_its_place(
    client: FlaskClient, key: Key, body: dict[str, Any], pointer: str
) -> None:
    answer = client.post("/v1/main/related", json=body, headers=key)

    assert answer.status_code == 400
    assert [pointer] == [error["pointer"] for error in answer.json["errors"]]


@pytest.mark.usefixtures("archive")
def test_several_in_a_query_are_checked(client: FlaskClient) -> None:
    many = "&".join(f"article=a{n}" for n in range(11))

    assert client.get(f"/v1/main/related?{many}").status_code == 400
    assert client.get("/v1/main/related?article=kursk&url=https://news.example/").status_code == 400
    assert client.get("/v1/main/related?article=kursk&article=nowhere").status_code == 404
    assert client.get("/v1/main/related").status_code == 400


@pytest.mark.usefixtures("archive")
def test_readers_do_not_see_the_title_of_an_article_before_its_publication(
    client: FlaskClient, put: Put
) -> None:
    put(article("village", published_at="2999-01-01T00:00:00Z", title="Embargoed words"))

    answer = client.get("/v1/main/related?article=kursk&article=village")

    assert b"Embargoed" not in answer.data
