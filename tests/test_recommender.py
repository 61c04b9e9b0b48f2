"""The pipeline in memory, as evaluation will use it, held against a plain-Python version of it."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from news import article

from features.article import parse_article
from features.vectorizer import hash_counts
from recommender.catalogue import Facets
from recommender.corpus import Corpus
from recommender.errors import NotFound
from recommender.related import ListParameters, Recommender
from recommender.store import StoredArticle, card_of

NOW = datetime(2025, 3, 20, tzinfo=UTC)

stories = st.fixed_dictionaries(
    {
        "body": st.lists(st.sampled_from(["kursk", "sudzha", "talks", "budget"]), max_size=4),
        "published_at": st.none() | st.sampled_from(["2025-03-10", "2025-03-15", "2025-03-25"]),
        "section": st.none() | st.sampled_from(["World", "Local"]),
        "tags": st.lists(st.sampled_from(["war", "peace"]), unique=True),
        "language": st.sampled_from(["en", "es"]),
    }
)
archives = st.lists(stories, min_size=1, max_size=8)
wishes = st.builds(
    ListParameters,
    limit=st.integers(1, 4),
    offset=st.integers(0, 3),
    sections=st.sampled_from([(), ("world",), ("World", "Local")]),
    tags=st.sampled_from([(), ("war",)]),
    languages=st.sampled_from([None, ("any",), ("es",)]),
    exclude=st.sampled_from([(), ("a1", "nowhere")]),
    published_after=st.sampled_from([None, datetime(2025, 3, 12, tzinfo=UTC), timedelta(days=6)]),
    published_before=st.sampled_from([None, datetime(2025, 3, 15, tzinfo=UTC)]),
    min_score=st.sampled_from([0.0, 0.5]),
    fallback=st.booleans(),
)


def archive(stories: list[dict]) -> tuple[Recommender, dict]:
    """Articles a0, a1, … whose only terms are the words of their body."""
    corpus, cards, stored = Corpus(), {}, {}
    for number, story in zip(count(), stories, strict=False):
        made = parse_article(article(f"a{number}", **(story | {"body": " ".join(story["body"])})))
        cards[made.id] = card_of(made)
        counts = hash_counts(Counter(story["body"]), {})
        stored[made.id] = StoredArticle(Facets.of(cards[made.id]), counts)
    corpus.apply(stored)
    return Recommender(corpus, lambda ids: {i: cards[i] for i in ids if i in cards}), cards


def is_eligible(card: dict, wanted: ListParameters, own_language: str | None) -> bool:
    date = card["published_at"] and datetime.fromisoformat(card["published_at"])
    after = wanted.published_after
    after = NOW - after if isinstance(after, timedelta) else after
    languages = wanted.languages or (own_language or "any",)
    folded = {name.casefold() for name in wanted.sections}
    return (
        card["id"] not in wanted.exclude
        and (date is None or date <= NOW)
        and (after is None or (date is not None and date >= after))
        and (
            wanted.published_before is None or (date is not None and date < wanted.published_before)
        )
        and (not folded or (card["section"] or "").casefold() in folded)
        and (not wanted.tags or bool(set(wanted.tags) & set(card["tags"])))
        and ("any" in languages or card["language"] in languages)
    )


def newest_first(card: dict) -> tuple:
    date = card["published_at"]
    return (-datetime.fromisoformat(date).timestamp() if date else float("inf"), card["id"])


@given(archives, wishes)
def test_a_list_is_the_eligible_articles_by_score_then_date_then_id_filled_with_recent_ones(
    stories, wanted
):
    recommender, cards = archive(stories)
    everything = ListParameters(limit=50, languages=("any",), fallback=False)
    future = {i for i, c in cards.items() if (c["published_at"] or "") > "2025-03-20"}
    scores = {
        item.card["id"]: item.score for item in recommender.related("a0", everything, NOW).items
    }

    own = cards["a0"]["language"]
    eligible = [c for i, c in cards.items() if i != "a0" and is_eligible(c, wanted, own)]
    similar = [c for c in eligible if scores.get(c["id"], -1) >= wanted.min_score]
    similar.sort(key=lambda c: (-scores[c["id"]], newest_first(c)))
    rest = sorted((c for c in eligible if c not in similar), key=newest_first)
    expected = [(c["id"], "similar") for c in similar]
    expected += [(c["id"], "recent") for c in rest] if wanted.fallback else []
    page = slice(wanted.offset, wanted.offset + wanted.limit)
    made = recommender.related("a0", wanted, NOW)
    assert expected[page] == [(item.card["id"], item.reason) for item in made.items]
    assert not future & {item.card["id"] for item in made.items}
    assert made.fallback == any(reason == "recent" for _, reason in expected[page])


@given(archives, wishes)
def test_the_newest_articles_are_the_eligible_ones_by_date_then_id(stories, wanted):
    recommender, cards = archive(stories)

    eligible = [c for c in cards.values() if is_eligible(c, wanted, None)]
    expected = [c["id"] for c in sorted(eligible, key=newest_first)]
    made = recommender.recent(wanted, NOW)
    page = slice(wanted.offset, wanted.offset + wanted.limit)
    assert expected[page] == [item.card["id"] for item in made.items]


@given(archives, wishes)
def test_a_draft_gets_the_list_it_would_have_were_it_stored(stories, wanted):
    recommender, _ = archive(stories)
    draft = hash_counts(Counter(["kursk", "talks"]), {})

    made = recommender.related_to(draft, "en", wanted, NOW)
    assert len({item.card["id"] for item in made.items}) == len(made.items) <= wanted.limit


def test_a_list_is_right_until_the_next_embargo_ends():
    recommender, _ = archive(
        [{"body": ["kursk"]}, {"body": ["kursk"], "published_at": "2025-03-25"}]
    )

    made = recommender.related("a0", ListParameters(), NOW)
    assert datetime(2025, 3, 25, tzinfo=UTC) == made.expires_at
    assert [] == made.items


def test_sorting_by_date_orders_the_page_and_not_the_choice():
    recommender, _ = archive(
        [
            {"body": ["kursk", "sudzha"]},
            {"body": ["kursk", "sudzha"], "published_at": "2025-03-01"},
            {"body": ["kursk", "budget"], "published_at": "2025-03-02"},
            {"body": ["kursk", "talks", "budget"], "published_at": "2025-03-03"},
        ]
    )

    made = recommender.related("a0", ListParameters(limit=2, sort="published_at"), NOW)
    assert ["a2", "a1"] == [item.card["id"] for item in made.items]


def test_an_unknown_article_is_not_found():
    recommender, _ = archive([{"body": ["kursk"]}])

    with pytest.raises(NotFound):
        recommender.related("nowhere", ListParameters(), NOW)
