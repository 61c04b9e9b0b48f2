"""Finding an article by a few letters of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from news import article
from servers import copied, put_back

from recommender.backend import Backend
from recommender.ingest import ingest
from recommender.replica.finder import Finder, folded
from recommender.sources.records import Record

ARCHIVE = [
    article("kursk", title="Kursk: the fighting goes on", published_at="2024-08-20T10:00:00Z"),
    article("cafe", title="A Café for Kursk", published_at="2024-08-19T10:00:00Z"),
    article("budget", title="The budget", section="Politics", published_at="2024-08-21T10:00:00Z"),
    article("undated", title="Unkursked", published_at=None),
]


def store(backend: Backend, *articles: dict) -> None:
    list(ingest(backend.store, "main", (Record(n, a) for n, a in enumerate(articles, 1))))


@pytest.fixture
def finder(backend: Backend) -> Finder:
    store(backend, *ARCHIVE)
    return backend.finder("main")


def test_without_a_word_the_newest_come_first(finder: Finder) -> None:
    assert ["budget", "kursk", "cafe", "undated"] == finder.find().ids


def test_the_start_of_a_title_word_comes_before_the_middle_of_one(finder: Finder) -> None:
    assert ["kursk", "cafe", "undated"] == finder.find("kursk").ids


def test_every_word_must_match_in_any_order_case_and_accent(finder: Finder) -> None:
    assert ["cafe"] == finder.find("KURSK cafe").ids


def test_letters_of_id_and_address_find_an_article_too(finder: Finder) -> None:
    assert ["budget"] == finder.find("budg").ids
    address = article("budget")["url"]
    assert ["budget"] == finder.find(address).ids


def test_a_section_and_a_choice_of_ids_narrow_the_search(finder: Finder) -> None:
    assert ["budget"] == finder.find(section="politics").ids
    assert ["kursk"] == finder.find(among=["kursk", "gone"]).ids


def test_pages_follow_each_other(finder: Finder) -> None:
    pages = [finder.find(offset=place, limit=1) for place in range(4)]

    assert ["budget", "kursk", "cafe", "undated"] == [page.ids[0] for page in pages]
    assert {4} == {page.total for page in pages}


def test_writes_and_deletes_count_at_once(finder: Finder, backend: Backend) -> None:
    finder.find()
    backend.store.delete("main", "kursk")
    store(backend, article("cafe", title="Tea"), article("new", title="Kursk again"))

    assert ["new", "undated"] == finder.find("kursk").ids


def test_a_store_that_was_emptied_is_read_again(
    finder: Finder, backend: Backend, raw_redis
) -> None:  # type: ignore[no-untyped-def]
    finder.find()
    raw_redis.flushall()
    store(backend, article("only"))

    assert ["only"] == finder.find().ids


def test_a_store_that_was_restored_and_written_to_again_is_read_again(  # type: ignore[no-untyped-def]
    finder: Finder, backend: Backend, raw_redis
) -> None:
    copy = copied(raw_redis)
    store(backend, article("lost"))
    finder.find()
    put_back(raw_redis, copy)
    store(backend, article("new"))

    assert {"budget", "kursk", "cafe", "undated", "new"} == set(finder.find().ids)


def test_sections_are_counted_in_their_usual_spelling(finder: Finder, backend: Backend) -> None:
    named = {"a": "Politics", "b": "POLITICS", "c": "Sport"}
    store(backend, *(article(i, section=section) for i, section in named.items()))

    assert [("Politics", 3), ("Sport", 1)] == finder.sections()


@given(st.text())
def test_folding_is_done_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)
