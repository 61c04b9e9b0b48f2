"""Which shared terms a reason names: each factor of the ranking, and the rules of the choice."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from news import article

from features.article import Article, parse_article
from features.vectorizer import count_terms, term_ids
from recommender.pipeline.explain import Contributions
from recommender.pipeline.spellings import spans_punctuation
from recommender.pipeline.subjects import (
    PAIR_SHARE,
    RankedTerm,
    SubjectFinder,
    Traits,
    choose,
    is_adverb,
)

PROMINENT_NAME = Traits(1.0, titles=1, names=1)


@pytest.mark.parametrize(
    ("traits", "factor"),
    [
        (Traits(1.0), 0.5),  # plain
        (Traits(1.0, is_adverb=True), 0.5 * 0.2),
        (Traits(1.0, titles=2), 3),
        (Traits(1.0, titles=1), 2),
        (Traits(1.0, in_tag=True), 2),
        (Traits(1.0, titles=2, in_tag=True), 3),
        (Traits(1.0, titles=1, is_adverb=True), 2),  # not plain
        (Traits(1.0, names=1), 2),
        (Traits(1.0, words=2), 1.5),
        (Traits(1.0, words=2, names=1), 1.5 * 1.5),
        (Traits(1.0, words=2, names=2), 1.5 * 2),
        (Traits(1.0, words=2, names=2, titles=2), 3 * 2 * 1.5),
        (Traits(1.0, is_common=True), 0.5 * 0.3),
        (Traits(1.0, names=1, is_common=True), 2 * 0.3),
        (Traits(1.0, titles=1, is_common=True), 2 * 0.3),
        (PROMINENT_NAME._replace(is_common=True), 2 * 2),  # a name in a title stays
        (Traits(1.0, in_tag=True, names=1, is_common=True), 2 * 2),
    ],
)
def test_each_trait_has_its_factor(traits, factor):
    assert factor == pytest.approx(traits.score)
    assert 0.25 * factor == pytest.approx(traits._replace(weight=0.25).score)


@pytest.mark.parametrize(
    ("word", "language", "expected"),
    [
        ("quickly", "en", True),
        ("Fully", "en", True),
        ("family", "en", False),
        ("supply", "en", False),
        ("fly", "en", False),
        ("rápidamente", "es", True),
        ("mente", "es", False),
        ("récemment", "fr", True),
        ("gouvernement", "fr", False),
        ("quickly", "de", False),
        ("quickly", None, False),
    ],
)
def test_adverbs_are_known_by_their_form(word, language, expected):
    assert expected == is_adverb(word, language)


# The choice


def term(spelling: str, weight: float, **traits: object) -> RankedTerm:
    words = spelling.casefold().split()
    parts = frozenset((words[0], words[-1]))
    all_traits = Traits(weight, words=len(parts), **traits)  # type: ignore[arg-type]
    return RankedTerm(spelling, parts, all_traits, all_traits.score)


def chosen(*candidates: RankedTerm, limit: int = 3, text: str = "") -> list[str]:
    in_order = sorted(candidates, key=lambda one: -one.traits.score)
    return [one.spelling for one in choose(in_order, limit, text)]


def test_a_pair_takes_the_place_of_its_word_above_a_quarter_of_its_score():
    word = term("Kursk", 1.0, names=1)  # 2
    above = term("Kursk region", 0.26 / 1.125, names=1)
    below = term("Kursk region", 0.22 / 1.125, names=1)

    assert above.traits.score > PAIR_SHARE * word.traits.score > below.traits.score
    assert ["Kursk region"] == chosen(word, above)
    assert ["Kursk"] == chosen(word, below)


def test_no_word_is_named_twice():
    assert ["Kursk region", "talks"] == chosen(
        term("Kursk", 1.0, names=1),
        term("Kursk region", 0.9, names=1),
        term("region", 0.8, titles=1),
        term("border region", 0.7),
        term("talks", 0.5, titles=1),
    )


def test_plain_words_go_after_the_first_term_that_is_not_plain():
    assert ["war", "Kursk"] == chosen(term("war", 9.0), term("Kursk", 1.0, names=1), term("a", 1.0))
    assert ["war", "peace"] == chosen(term("war", 9.0), term("peace", 8.0))


def test_an_abbreviation_is_not_named_beside_its_words():
    union = term("European Union", 1.0, names=2)

    assert ["European Union"] == chosen(union, term("EU", 0.5, names=1))
    assert ["European Union", "UN"] == chosen(union, term("UN", 0.5, names=1))


def test_a_name_of_more_words_is_named_in_full():
    text = "The World Health Organization said so. World Health Organization doctors agree."
    names = (
        term("World Health", 1.0, names=2),
        term("Health Organization", 0.9, names=2),
        term("Organization said", 0.5, names=1),
    )

    assert ["World Health Organization"] == chosen(*names, text=text)
    assert ["World Health"] == chosen(*names[:1], text=text)
    assert ["World Health"] == chosen(*names[:2], text="World Health. Health Organization.")


def test_a_name_that_goes_on_is_not_cut_off():
    assert [] == chosen(
        term("President of the United", 1.0, names=2), text="President of the United States"
    )


spellings = st.lists(st.sampled_from(["Kursk", "talks", "war", "region", "Sudzha"]), min_size=1,
                     max_size=2, unique=True).map(" ".join)  # fmt: skip
candidates = st.lists(
    st.builds(
        lambda spelling, weight, titles, names, common: term(
            spelling, weight, titles=titles, names=min(names, len(spelling.split())),
            is_common=common,
        ),
        spellings,
        st.floats(0.01, 1),
        st.integers(0, 2),
        st.integers(0, 2),
        st.booleans(),
    ),
    max_size=10,
)  # fmt: skip


@given(candidates, st.integers(0, 4))
def test_whatever_is_shared_the_choice_keeps_its_rules(shared, limit):
    in_order = sorted(shared, key=lambda one: -one.traits.score)
    picked = choose(in_order, limit, "")
    words = [part for one in picked for part in one.parts]
    kinds = [one.traits.is_plain for one in picked]

    assert len(picked) <= limit
    assert len(words) == len({*words})
    assert kinds == sorted(kinds, reverse=True)
    assert {*picked} <= {*shared}
    assert bool(picked) == bool(shared and limit)


# The terms of two articles


@dataclass
class Two:
    source: Article
    target: Article

    def shared(self, common: tuple[str, ...] = ()) -> Contributions:
        """Every term of both, each of the same weight."""
        own, other = (count_terms(one) for one in (self.source, self.target))
        terms = np.intersect1d(own.counts.terms, other.counts.terms)
        titles = np.isin(terms, own.title).astype(np.intp) + np.isin(terms, other.title)
        is_common = np.isin(terms, term_ids(common))
        return Contributions(terms, np.ones(terms.size), titles, is_common)

    def ranked(self, common: tuple[str, ...] = ()) -> dict[str, Traits]:
        ranked = SubjectFinder(self.source).ranked(self.shared(common), self.target)
        return {one.spelling: one.traits for one in ranked}

    def subjects(self, limit: int = 3) -> list[str]:
        return SubjectFinder(self.source).subjects(self.shared(), self.target, limit)


def two(
    source: str, target: str, language: str = "en", titles: tuple[str, str] = ("–", "–")
) -> Two:
    return Two(
        *(
            parse_article(article(title=title, body=body, tags=[], language=language))
            for title, body in zip(titles, (source, target), strict=True)
        )
    )


def test_titles_tags_and_frequency_come_from_the_numbers_and_the_texts():
    pair = two(
        "They met at the Dunmere locks. Near Dunmere it rained. The budget was quietly cut.",
        "Boats wait at Dunmere locks. The budget was quietly passed.",
        titles=("Locks closed", "Locks open"),
    )
    pair.target = pair.target.model_copy(update={"tags": ("budget",)})
    traits = pair.ranked(common=("budget",))

    assert 2 == traits["locks"].titles and not traits["locks"].in_tag
    assert traits["budget"].in_tag and traits["budget"].is_common
    assert (2, 1) == (traits["Dunmere locks"].words, traits["Dunmere locks"].names)
    assert 1 == traits["Dunmere"].names
    assert traits["quietly"].is_adverb


def test_names_are_known_from_both_texts():
    source = "Kursk is far. Kursk burns."
    evidence = "There is war in Kursk, and people leave Kursk."

    assert 0 == two(source, "Kursk fell.").ranked()["Kursk"].names
    assert 1 == two(source, evidence).ranked()["Kursk"].names


@given(st.integers(0, 8), st.integers(0, 8), st.integers(0, 8), st.integers(0, 8))
def test_a_word_is_a_name_from_six_capitals_in_ten_on_in_both_texts(a, b, c, d):
    def body(capitalised: int, small: int) -> str:
        lines = ["They see Kursk there."] * capitalised + ["They see kursk there."] * small
        return "\n".join(["Kursk.", *lines])

    [traits] = [
        traits
        for spelling, traits in two(body(a, b), body(c, d)).ranked().items()
        if spelling.casefold() == "kursk"
    ]
    total = a + b + c + d
    assert traits.names == (total > 0 and a + c >= 0.6 * total)


def test_the_sentence_of_the_documentation():
    pair = two(
        "Boats wait at the Dunmere locks. A spokesman of the Waterways Board, which runs the "
        "Dunmere locks, said so. The Waterways Board.",
        "Repairs of the Dunmere locks go on, and for now the Waterways Board pays.",
    )

    assert ["the Dunmere locks", "the Waterways Board"] == sorted(
        SubjectFinder(pair.source).with_articles(pair.subjects(2)), key=str.casefold
    )


@pytest.mark.parametrize(
    "body", ["Justice (DOJ) at DOJ", "on opensuse.org now", "in Kyiv, Ukraine, today"]
)
def test_no_subject_spans_punctuation_or_splits_a_host_name(body):
    named = two(body, body).subjects(9)

    assert not any(spans_punctuation(one) for one in named if " " in one)
    assert not {"opensuse", "org"} & {*named}


def test_numbers_are_subjects_only_as_part_of_a_name():
    text = "They use Plasma 42 for two weeks. Then Plasma 42 and 30 days, in 2025, at 7."

    assert {"Plasma 42", "Plasma"} <= two(text, text).ranked().keys()
    assert not {"2025", "7", "two weeks", "30 days", "30", "42"} & two(text, text).ranked().keys()


def test_a_script_without_spaces_is_named_in_whole_stretches():
    pair = two("ウクライナ軍がクルスク州で停戦", "クルスク州の停戦をウクライナは", language="ja")

    assert {"ウクライナ", "クルスク州", "停戦"} == {*pair.subjects(3)}


def test_words_get_small_letters_where_only_their_place_made_them_capital():
    pair = two("Ceasefire holds. Ceasefire broken.", "They want a ceasefire. The ceasefire.")

    assert ["ceasefire"] == pair.subjects()


def test_nothing_shared_is_no_subject():
    assert [] == two("tram", "final").subjects()


words = st.sampled_from(
    ["Kursk", "kursk", "talks", "the", "of", "(", ")", ",", "U.S.", "a.org", "7", "Sudzha", "."]
)


@given(st.lists(words, max_size=25).map(" ".join), st.lists(words, max_size=25).map(" ".join))
def test_whatever_two_articles_say_their_subjects_are_clean(source, target):
    pair = two(source, target)
    named = pair.subjects(5)

    assert len(named) == len({*named}) <= 5
    for one in named:
        assert " " not in one or not spans_punctuation(one)
        assert one not in ("a", "org", "7")
