"""What speaks for a candidate besides the cosine, by paper and pencil."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline import ANY, Archive, as_written

from recommender.articles import UNDATED
from recommender.pipeline.signals import (
    SIGNALS,
    UNDATED_DAYS,
    draft_source,
    recency,
    signals,
    stored_source,
)

words = st.lists(st.sampled_from(["kursk", "sudzha", "talks", "budget"]), max_size=4)
articles = st.lists(
    st.fixed_dictionaries(
        {
            "title": words.map(lambda drawn: " ".join(drawn) or "untitled"),
            "body": words.map(" ".join),
            "section": st.sampled_from([None, "World", "world", "Local"]),
            "tags": st.lists(st.sampled_from(["war", "peace"]), unique=True),
            "authors": st.lists(st.sampled_from(["Ana", "Bo"]), unique=True),
        }
    ),
    min_size=1,
    max_size=7,
)


def terms(text: str) -> set[str]:
    words_of_text = text.split()
    return {*words_of_text, *map(" ".join, pairwise(words_of_text))}


class Oracle:
    def __init__(self, fields: Sequence[dict[str, Any]]) -> None:
        self.all = fields

    def idf(self, term: str) -> float:
        there = len(self.all)
        df = sum(term in terms(other["body"]) for other in self.all)
        return math.log((1 + there) / (1 + df)) + 10 / (10 + there)

    def mass(self, terms: set[str]) -> float:
        return sum(self.idf(term) ** 2 for term in terms)

    def title(self, own: dict[str, Any], other: dict[str, Any]) -> float:
        one, two = terms(own["title"]), terms(other["title"])
        return self.mass(one & two) / math.sqrt(self.mass(one) * self.mass(two))

    def mention(self, own: dict[str, Any], other: dict[str, Any]) -> float:
        title = terms(other["title"])
        return self.mass(title & terms(own["body"])) / self.mass(title)

    def rarity(self, field: str, value: str) -> float:
        there, carriers = len(self.all), sum(value in folded(other[field]) for other in self.all)
        return math.log((1 + there) / (1 + carriers))

    def tags(self, own: dict[str, Any], other: dict[str, Any]) -> float:
        named = [tag.casefold() for tag in own["tags"]]
        whole = sum(self.rarity("tags", tag) for tag in named)
        shared = sum(self.rarity("tags", tag) for tag in named if tag in folded(other["tags"]))
        return shared / whole if whole else 0.0

    def author(self, own: dict[str, Any], other: dict[str, Any]) -> float:
        shared = folded(own["authors"]) & folded(other["authors"])
        rarest = max((self.rarity("authors", name) for name in shared), default=0.0)
        return rarest / math.log(1 + len(self.all))

    def section(self, own: dict[str, Any], other: dict[str, Any]) -> float:
        return float(bool(folded([own["section"]]) & folded([other["section"]])))


def folded(values: Sequence[str | None]) -> set[str]:
    return {value.casefold() for value in values if value}


@settings(deadline=None)
@given(articles, st.integers(0, 6))
def test_every_signal_is_its_definition_and_between_0_and_1(fields, number):
    oracle = Oracle(fields)
    archive = Archive(*({"id": f"a{n}"} | own for n, own in enumerate(fields)))
    slots = archive.slots(*archive.articles)
    own = fields[number % len(fields)]
    source = stored_source(archive.corpus, slots[number % len(fields)])
    values_by_name = signals(archive.corpus, source, slots, [*SIGNALS])

    for name, values in values_by_name.items():
        expected = [getattr(oracle, name)(own, other) for other in fields]
        assert expected == pytest.approx(values.tolist()), name
        assert all(0 <= value <= 1 + 1e-12 for value in values)


@settings(deadline=None)
@given(articles)
def test_a_draft_has_the_signals_of_the_same_text_stored(fields):
    archive = Archive(*({"id": f"a{n}"} | own for n, own in enumerate(fields)))
    slots = archive.slots(*archive.articles)
    stored = signals(archive.corpus, stored_source(archive.corpus, slots[0]), slots, [*SIGNALS])
    drafted = draft_source(archive.corpus, archive.stored["a0"])

    for name, values in signals(archive.corpus, drafted, slots, [*SIGNALS]).items():
        assert stored[name].tolist() == values.tolist()


def test_only_signals_that_the_model_uses_are_computed():
    archive = Archive({"id": "a", "body": "kursk"})
    source = stored_source(archive.corpus, 0)

    assert ["section"] == [
        *signals(archive.corpus, source, archive.slots("a"), ["time", "section"])
    ]


def test_the_only_author_of_one_article_among_many_counts_most_and_the_author_of_all_nothing():
    rest = [{"id": f"r{n}", "body": "x", "authors": ["Desk"]} for n in range(60)]
    archive = Archive(
        {"id": "a", "body": "x", "authors": ["Ana", "Desk"]},
        {"id": "b", "body": "x", "authors": ["ana", "Desk"]},
        *rest,
    )
    source = stored_source(archive.corpus, 0)
    values = signals(archive.corpus, source, archive.slots("b", "r0"), ["author"])["author"]

    assert [pytest.approx(math.log(63 / 3) / math.log(63)), 0.0] == values.tolist()


def test_the_first_draft_of_a_site_without_articles_has_a_list_without_items():
    archive = Archive()
    _, draft = archive.read(
        {"id": "a", "body": "kursk", "section": "World", "authors": ["Ana"], "tags": ["war"]}
    )

    for diversity in (None, 0.5):
        options = ANY if diversity is None else type(ANY)(diversity=diversity)
        assert [] == archive.related_to(draft, options).items


def test_an_article_without_a_date_counts_as_a_year_away():
    year = round(UNDATED_DAYS * 86_400e6)
    dates = np.array([0, year, -year, UNDATED])

    [here, *away] = recency(dates, 0, 7.0).tolist()
    assert (1.0, 1) == (here, len({*away}))
    assert [away[0]] * 4 == recency(dates, UNDATED, 7.0).tolist()


def test_helpers_count_titles_as_the_pipeline_does():
    archive = Archive({"id": "a", "title": "Kursk talks", "body": "sudzha"})

    title = as_written(archive.articles["a"]).title
    assert title.tolist() == archive.corpus.title_terms(0).tolist() and 3 == title.size


def test_an_author_named_in_two_spellings_counts_once():
    archive = Archive({"id": "a", "body": "x", "authors": ["Ana", "ANA"], "tags": ["war", "War"]})

    facets = archive.corpus.facets.of(0)
    assert (("ana",), ("war",)) == (facets.author, facets.tag)
