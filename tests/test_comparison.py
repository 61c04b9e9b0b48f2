"""Comparisons of two settings, against the obvious arithmetic."""

from datetime import datetime
from functools import cache
from itertools import combinations
from statistics import mean, median
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline import NOW, Archive, ids

from recommender.errors import NotFound
from recommender.pipeline.compare import (
    ListFigures,
    Movement,
    compared,
    figures_of_both,
    movements,
    overlap,
    sample,
    sampled,
)
from recommender.pipeline.results import FALLBACKS, RelatedList
from recommender.policy.list_options import ListOptions
from recommender.policy.site_settings import ListDefaults

LISTS = st.lists(st.sampled_from("abcdefg"), unique=True).map(tuple)
SETTINGS = st.sampled_from(
    [
        ListDefaults(),
        ListDefaults(limit=2),
        ListDefaults(mode="recent", fallback=False),
        ListDefaults(diversity=1.0, limit=8),
        ListDefaults(weights={"time": 0.0}, half_life_days=1.0),
        ListDefaults(section=("Local",), sort="published_at"),
        ListDefaults(min_score=1.0, fallback=False),
    ]
)


def news(**fields: Any) -> Archive:
    return Archive(
        *(
            {
                "id": f"a{n:02}",
                "body": f"kursk talks word{n % 4} word{n % 3} own{n} more{n}",
                "section": ["World", "Local", None][n % 3],
                "published_at": None if n == 7 else f"2025-03-{1 + n:02}",
                **fields,
            }
            for n in range(18)
        )
    )


ARCHIVE = news()
SOURCES = sorted(ARCHIVE.articles)


# One list


@given(LISTS, LISTS)
def test_every_item_of_both_lists_moves_somewhere(before, after):
    moves = movements(before, after)

    assert moves.keys() == {*before, *after}
    for i, (code, places) in moves.items():
        climbed = before.index(i) - after.index(i) if i in before and i in after else 0
        assert places == abs(climbed)
        assert code == (
            "in" if i not in before
            else "out" if i not in after
            else "up" if climbed > 0 else "down" if climbed else "same"
        )  # fmt: skip


@given(LISTS, LISTS)
def test_the_overlap_is_the_share_of_all_items_that_both_lists_have(a, b):
    expected = len([i for i in a if i in b]) / max(1, len({*a, *b}))

    assert (expected if a or b else 1.0) == overlap(a, b)


def test_two_lists_are_compared_item_by_item():
    settings = ListDefaults(limit=3), ListDefaults(limit=4, mode="recent")
    comparison = ARCHIVE.with_cards(compared(ARCHIVE.recommender, "a03", *settings, NOW))
    a = ARCHIVE.related("a03", ListOptions(limit=3))
    b = ARCHIVE.related("a03", ListOptions(limit=4, mode="recent"))

    assert (a, b, movements(ids(a), ids(b))) == (comparison.a, comparison.b, comparison.movements)
    assert {*ids(a), *ids(b)} == comparison.movements.keys()
    assert Movement("in") in comparison.movements.values()


def test_the_same_settings_move_nothing():
    comparison = ARCHIVE.with_cards(
        compared(ARCHIVE.recommender, "a03", ListDefaults(), ListDefaults(), NOW)
    )

    assert ({Movement("same")}, 1.0) == ({*comparison.movements.values()}, comparison.overlap)


def test_an_unknown_article_has_no_lists_to_compare():
    for call in (compared, figures_of_both):
        with pytest.raises(NotFound):
            call(ARCHIVE.recommender, "nowhere", ListDefaults(), ListDefaults(), NOW)


# A sample


def published(article_id: str) -> datetime | None:
    date = ARCHIVE.card(article_id)["published_at"]
    return datetime.fromisoformat(date) if date else None


def days(article_id: str, origin: datetime | None) -> float | None:
    date = published(article_id)
    return None if date is None or origin is None else abs(date - origin).total_seconds() / 86400


@cache
def cosine(a: str, b: str) -> float:
    near = ARCHIVE.corpus.index.similar(a, 100)
    cosines = dict(zip(ARCHIVE.corpus.ids(near.slots), near.scores.tolist(), strict=True))
    return cosines.get(b, 0.0)


def expected_figures(lists: dict[str, RelatedList]) -> dict[str, float | None]:
    """`SampleFigures` of the lists by their sources, read off card by card."""
    shown = [
        (source, item) for source, related_list in lists.items() for item in related_list.items
    ]
    ages = [d for _, i in shown if (d := days(i.card["id"], NOW)) is not None]
    distances = [d for s, i in shown if (d := days(i.card["id"], published(s))) is not None]
    alike = [
        mean(cosine(x, y) for x, y in combinations(ids(related_list), 2))
        for related_list in lists.values()
        if len(related_list.items) > 1
    ]
    sections = [
        len({i.card["section"] for i in related_list.items} - {None})
        for related_list in lists.values()
        if related_list.items
    ]
    return {
        "items": mean(len(related_list.items) for related_list in lists.values()),
        "age_days": median(ages) if ages else None,
        "distance_days": median(distances) if distances else None,
        "cosine": mean(alike) if alike else None,
        "sections": mean(sections) if sections else None,
        "fallback": mean(i.reason in FALLBACKS for _, i in shown) if shown else None,
    }


@settings(deadline=None, max_examples=30)
@given(SETTINGS, SETTINGS)
def test_figures_of_a_sample_are_those_of_its_lists(a, b):
    recommender = ARCHIVE.recommender
    lists = [
        {
            i: ARCHIVE.with_cards(recommender.with_settings(s).related(i, ListOptions(), NOW))
            for i in SOURCES
        }
        for s in (a, b)
    ]
    figures = sampled([figures_of_both(recommender, i, a, b, NOW) for i in SOURCES])
    pairs = [(ids(lists[0][i]), ids(lists[1][i])) for i in SOURCES]
    moved = [abs(x.index(i) - y.index(i)) for x, y in pairs for i in x if i in y]

    assert len(SOURCES) == figures.articles
    assert mean(x != y for x, y in pairs) == pytest.approx(figures.changed)
    assert mean(overlap(x, y) for x, y in pairs) == pytest.approx(figures.overlap)
    assert (mean(moved) if moved else None) == pytest.approx(figures.moved)
    assert expected_figures(lists[0]) == pytest.approx(figures.a._asdict(), abs=1e-6)
    assert expected_figures(lists[1]) == pytest.approx(figures.b._asdict(), abs=1e-6)


def test_two_empty_lists_are_equal_and_have_no_figures():
    nothing = ListFigures((), (), (), None, 0, 0)
    figures = sampled([(nothing, nothing)])

    assert (1, 0.0, 1.0, None) == figures[:4]
    assert (0.0, None, None, None, None, None) == figures.a == figures.b


def test_half_of_a_sample_are_the_newest_articles():
    assert ["a17", "a16", "a15"] == sample(ARCHIVE.corpus, 6, NOW)[:3]


@pytest.mark.parametrize("size", [1, 2, 5, 17, 18, 200])
def test_a_sample_has_no_article_twice_and_at_most_all_articles(size):
    ids_of_sample = sample(ARCHIVE.corpus, size, NOW)

    assert min(size, len(SOURCES)) == len(ids_of_sample) == len({*ids_of_sample})


def test_a_sample_holds_only_published_articles():
    then = datetime.fromisoformat("2025-03-05T12:00:00Z")
    dates = [published(i) for i in sample(ARCHIVE.corpus, 200, then)]

    assert all(date is None or date <= then for date in dates)
    assert 6 == len(dates)


def test_the_same_articles_have_the_same_sample_after_any_changes():
    other = Archive()
    other.put({"id": "gone", "body": "x", "published_at": "2025-03-19"})
    for article_id in reversed(SOURCES):
        other.put(ARCHIVE.articles[article_id].model_dump(mode="json", exclude_none=True))
    other.delete("gone")

    assert sample(ARCHIVE.corpus, 8, NOW) == sample(other.corpus, 8, NOW)
