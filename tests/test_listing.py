"""Pages of all articles, compared with a plain filter and sort."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from news import article
from pipeline import NOW, Archive

from recommender.index.ids import Ids, SortedIds
from recommender.pipeline.listing import listing
from recommender.policy.list_options import ListingOptions

Put = Callable[..., None]
Key = dict[str, str]

NAMES = ["a", "a/b", "b", "B", "ä", "z", "日本", "a-1", "\U0001f600"]
chances = st.integers(0, 2**32 - 1).map(random.Random)


def some_article(chance: random.Random, article_id: str) -> dict[str, Any]:
    return {
        "id": article_id,
        "section": chance.choice([None, "World", "world", "Sport"]),
        "tags": chance.choice([[], ["war"], ["war", "Peace"]]),
        "authors": chance.choice([[], ["Ana"], ["Bo", "ana"]]),
        "language": chance.choice(["en", "es"]),
        "published_at": chance.choice([None, "2025-01-01", "2025-03-12", "2999-01-01"]),
    }


def passes(fields: dict[str, Any], options: ListingOptions) -> bool:
    """Whether an article passes the filters, by their descriptions."""
    labels = {
        "section": [fields["section"] or ""],
        "tag": fields["tags"],
        "author": fields["authors"],
        "lang": [fields["language"]],
    }
    for name, own in labels.items():
        asked = getattr(options, name)
        if asked and not {one.casefold() for one in own} & {one.casefold() for one in asked}:
            return False
    date = fields["published_at"] and datetime.fromisoformat(fields["published_at"])
    date = date and date.replace(tzinfo=UTC)
    after, before = options.published_after, options.published_before
    after = NOW - after if isinstance(after, timedelta) else after
    if after is not None and (date is None or date < after):
        return False
    return before is None or (date is not None and date < before)


def some_options(chance: random.Random) -> ListingOptions:
    return ListingOptions(
        section=chance.choice([None, None, ("WORLD",), ("world", "sport")]),
        tag=chance.choice([None, None, ("peace",)]),
        author=chance.choice([None, None, ("ANA",)]),
        lang=chance.choice([None, None, ("es",)]),
        published_after=chance.choice([None, None, "30d", "2025-03-12"]),
        published_before=chance.choice([None, None, "2025-03-12"]),
        limit=chance.randint(1, 4),
    )


def all_pages(archive: Archive, options: ListingOptions) -> list[str]:
    listed: list[str] = []
    while True:
        page = archive.with_cards(listing(archive.corpus, options, NOW))
        assert len(page.cards) <= options.limit
        listed += [card["id"] for card in page.cards]
        if page.next is None:
            return listed
        options = options.model_copy(update={"cursor": page.next})


@given(chances)
def test_all_pages_together_hold_what_passes_in_the_order_of_ids(chance: random.Random) -> None:
    names = chance.sample(NAMES, chance.randint(0, len(NAMES)))
    articles = {name: some_article(chance, name) for name in names}
    archive = Archive(*articles.values())
    for name in names[:2]:  # an edited article has two slots
        articles[name] = some_article(chance, name)
        archive.put(articles[name])
    options = some_options(chance)

    expected = sorted(name for name, fields in articles.items() if passes(fields, options))
    assert expected == all_pages(archive, options)


@given(st.sets(st.text(min_size=1)), st.lists(st.text(min_size=1), unique=True), st.text())
def test_slots_come_in_the_order_of_ids_in_base_and_delta(
    in_base: set[str], added: list[str], after: str
) -> None:
    ids = Ids(SortedIds.of(sorted(in_base)))
    ids.extend(added)
    names = [*sorted(in_base), *added]
    # As in an index: of an article that was edited, only the latest slot is live.
    is_live = [slot >= len(in_base) or name not in added for slot, name in enumerate(names)]

    slots = ids.in_order(np.array(is_live, np.bool_), after or None)

    expected = sorted(name for name in {*in_base, *added} if name > after)
    assert expected == [ids[slot] for slot in slots]


@pytest.fixture
def archive(put: Put) -> None:
    put(
        article("kursk", section="World"),
        article("sudzha", section="World"),
        article("budget", section="Local"),
        article("embargoed", section="World", published_at="2999-01-01T00:00:00Z"),
    )


@pytest.mark.usefixtures("archive")
def test_pages_are_read_until_there_is_no_next(client: FlaskClient, key: Key) -> None:
    path = "/v1/main/articles?limit=2"
    first = client.get(path, headers=key).json
    second = client.get(f"{path}&cursor={first['next']}", headers=key).json

    assert ["budget", "embargoed"] == [item["id"] for item in first["items"]]
    assert ["kursk", "sudzha"] == [item["id"] for item in second["items"]]
    assert second["next"] is None
    assert "body" not in first["items"][0]


@pytest.mark.usefixtures("archive")
def test_filters_repeat_as_those_of_lists_do(client: FlaskClient, key: Key) -> None:
    answer = client.get("/v1/main/articles?section=local&section=sport", headers=key)

    assert ["budget"] == [item["id"] for item in answer.json["items"]]


def test_the_listing_needs_a_key_for_it_shows_embargoed_articles(client: FlaskClient) -> None:
    assert 401 == client.get("/v1/main/articles").status_code


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("limit", "0"), ("limit", "1001"), ("limit", "x"), ("lang", "klingon!")),
        *(("published_after", "soon"), ("cursor", "")),
    ],
)
def test_a_bad_parameter_is_named(client: FlaskClient, key: Key, name: str, value: str) -> None:
    answer = client.get("/v1/main/articles", query_string={name: value}, headers=key)

    assert 400 == answer.status_code
    assert [f"/{name}"] == [error["pointer"] for error in answer.json["errors"]]
