"""Contributions that add up to the cosine, and a text for every refusal."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from news import STORIES
from pipeline import NOW, Archive, text

from features.vectorizer import count_terms, term_ids
from recommender.pipeline.explain import WHY_NOT, contributions, named
from recommender.pipeline.results import Explanation
from recommender.pipeline.signals import draft_source
from recommender.pipeline.spellings import SpelledTerms
from recommender.policy.list_options import ListOptions
from recommender.policy.page_token import PageToken
from recommender.policy.rule_set import RuleSet
from recommender.policy.rules import Rule

WORDS = " ".join(" ".join(story) for story in STORIES.values()).split()
bodies = st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)
ALL = ListOptions(limit=50, min_score=0.0, explain=True, fallback=False, story="best")


def newsroom() -> Archive:
    made = ({"id": i, "title": title, "body": body} for i, (title, body) in STORIES.items())
    return Archive(*made, count=count_terms)


@settings(deadline=None, max_examples=50)
@given(st.lists(bodies, min_size=2, max_size=6))
def test_the_shares_of_the_terms_add_up_to_the_cosine(texts):
    archive = Archive(*({"id": f"a{n}", "body": body} for n, body in enumerate(texts)),
                      count=count_terms)  # fmt: skip
    draft = archive.stored["a0"]

    for made in (
        archive.related("a0", ALL),
        archive.related_to(draft, ALL.replacing(exclude=("a0",))),
    ):
        for item in made.items:
            assert item.shared is not None
            assert item.similarity == pytest.approx(item.shared.weights.sum(), abs=1e-6)
            assert sorted(item.shared.weights, reverse=True) == [*item.shared.weights]


def test_a_draft_has_the_same_shares_as_the_same_text_stored():
    archive = newsroom()
    source = draft_source(archive.corpus, archive.stored["kursk"])
    stored = archive.recommender.explanation("kursk", "sudzha", ALL, NOW).shared

    drafted = contributions(archive.corpus, source, archive.slots("sudzha")[0])
    assert stored is not None and stored.terms.tolist() == drafted.terms.tolist()
    assert stored.weights.tolist() == pytest.approx(drafted.weights.tolist())


def test_terms_are_shown_as_the_source_spells_them():
    archive = newsroom()
    shared = archive.recommender.explanation("kursk", "sudzha", ALL, NOW).shared
    assert shared is not None
    terms = named(shared, SpelledTerms(archive.articles["kursk"]).shown)

    assert len(terms) == shared.terms.size
    assert {"Sudzha", "Kursk region", "Russian troops"} <= {term.term for term in terms}
    assert shared.weights.tolist() == [term.weight for term in terms]


def test_terms_without_a_spelling_are_left_out():
    archive = newsroom()
    shared = archive.recommender.explanation("kursk", "sudzha", ALL, NOW).shared

    assert shared is not None
    assert [] == named(shared, {}.get)
    assert [] == named(shared, SpelledTerms(archive.articles["final"]).shown)


def test_contributions_say_in_how_many_titles_a_term_is():
    archive = Archive(
        {"id": "a", "title": "kursk burns", "body": "kursk burns talks"},
        {"id": "b", "title": "kursk", "body": "kursk burns talks"},
    )
    shared = archive.recommender.explanation("a", "b", ALL, NOW).shared
    assert shared is not None
    titles = dict(zip(shared.terms.tolist(), shared.titles.tolist(), strict=True))

    assert [2, 1, 0] == [titles[term] for term in term_ids(["kursk", "burns", "talks"])]


@pytest.mark.parametrize(("articles", "limit"), [(40, 20), (309, 30)])
def test_a_term_is_common_in_more_than_a_tenth_of_the_archive_and_twenty_articles(articles, limit):
    both = {"body": "often rare"}
    archive = Archive(
        both | {"id": "a"},
        both | {"id": "b"},
        *({"id": f"o{n}", "body": "often"} for n in range(limit - 1)),
        *({"id": f"p{n}", "body": f"w{n}"} for n in range(articles - limit - 1)),
    )
    shared = archive.recommender.explanation("a", "b", ALL, NOW).shared
    assert shared is not None
    common = dict(zip(shared.terms.tolist(), shared.is_common.tolist(), strict=True))

    assert [True, False] == [common[term] for term in term_ids(["often", "rare"])]
    archive.delete("o0")
    shared = archive.recommender.explanation("a", "b", ALL, NOW).shared
    assert shared is not None and not shared.is_common.any()


# Why not


def rule(**fields: Any) -> Rule:
    return Rule.model_validate({"id": "r", "created_at": NOW} | fields)


BESIDE = {"source": {"article": "source"}}
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], list[Rule]]] = {
    # what is wanted, how the target differs, which rules there are
    "same_page": ({}, {"url": "https://news.example/source/amp"}, []),
    "not_published": ({}, {"published_at": "2025-04-01"}, []),
    "silenced": ({}, {}, [rule(kind="flag", flag="no_related", target={"article": "source"})]),
    "hidden": ({}, {}, [rule(kind="flag", flag="never_recommend", target={"article": "target"})]),
    "blocked": ({}, {}, [rule(kind="block", target={"article": "target"}, **BESIDE)]),
    "blocked_section": ({}, {}, [rule(kind="block", target={"section": "world"}, **BESIDE)]),
    "excluded": ({"exclude": ("target",)}, {}, []),
    "shown_elsewhere": ({"page_token": PageToken.of("target")}, {}, []),
    "other_section": ({"section": ("Local",)}, {}, []),
    "other_tag": ({"tag": ("war",)}, {}, []),
    "other_author": ({"author": ("bo",)}, {}, []),
    "other_language": ({}, {"language": "es"}, []),
    "too_old": ({"max_age": timedelta(days=5)}, {}, []),
    "too_new": ({"published_before": datetime(2025, 3, 1, tzinfo=NOW.tzinfo)}, {}, []),
    "newer_than_source": ({"mode": "background"}, {"published_at": "2025-03-19"}, []),
    "nothing_in_common": ({"fallback": False}, {"body": "tram"}, []),
    "less_similar": ({"min_score": 0.9}, {}, []),
    "same_story_as_source": ({}, {"body": text("wire", 60)}, []),
    "same_story": ({}, {"body": f"{text('wire', 9)} {text('river', 60)}"}, []),
    "enough_of_section": ({"max_per_section": 1}, {}, []),
    "enough_of_author": ({"max_per_author": 1}, {}, []),
    "enough_of_source": ({"max_per_source": 1}, {}, []),
    "further_down": ({"limit": 1}, {}, []),
}


def standing(
    options: dict[str, Any], target: dict[str, Any], rules: list[Rule], target_id: str = "target"
) -> Explanation:
    """Of a target between the source, and a nearer article of its section, author and publisher."""
    common = {"section": "World", "authors": ["Ana"]}
    archive = Archive(
        common | {"id": "source", "body": text("wire", 60), "published_at": "2025-03-13"},
        common | {"id": "near", "body": f"{text('wire', 20)} {text('river', 62)}"},
        common | {"id": "target", "body": f"{text('wire', 3)} {text('hill', 60)}"} | target,
        *({"id": f"p{n}", "body": text(f"p{n}w", 9), "section": "Sport"} for n in range(20)),
    )
    archive.recommender.rules = RuleSet(rules)
    return archive.recommender.explanation("source", target_id, ListOptions(**options), NOW)


@pytest.mark.parametrize("code", REFUSED)
def test_a_refusal_has_its_code(code):
    dropped = standing(*REFUSED[code]).exclusion

    assert dropped is not None and code == dropped.code
    assert ("near" if code == "same_story" else None) == dropped.by


def test_there_is_a_text_for_every_refusal_and_no_other():
    itself = standing({}, {}, [], "source").exclusion
    nowhere = standing({}, {}, [], "nowhere").exclusion

    assert itself is not None and nowhere is not None
    assert WHY_NOT.keys() == REFUSED.keys() | {itself.code, nowhere.code}


def test_what_stands_on_the_page_has_a_place_and_no_refusal():
    found = standing({"min_score": 0.0}, {}, [])

    assert (2, None) == (found.position, found.exclusion)
    assert found.place is not None and "similar" == found.place.reason


def test_dropped_candidates_of_a_list_are_told_only_when_asked_for():
    archive = newsroom()

    assert archive.related("kursk", ListOptions()).exclusions is None
    made = archive.related("kursk", ListOptions(explain=True, min_score=1.0))
    assert {"less_similar"} == {drop.code for drop in (made.exclusions or {}).values()}


@pytest.mark.parametrize(
    "decision",
    [
        {"kind": "flag", "flag": "legal", "target": {"article": "source"}},
        {"kind": "flag", "flag": "legal", "target": {"article": "target"}},
        {"kind": "block", "target": {"article": "target"}, **BESIDE},
        {"kind": "block", "target": {"section": "World"}, **BESIDE},
        {"kind": "pin", "target": {"article": "target"}, "position": 1},
        {"kind": "boost", "target": {"article": "target"}, "factor": 2},
        {"kind": "bury", "target": {"section": "world"}, "factor": 0.5},
    ],
)
def test_the_rule_that_decided_is_named(decision):
    made = rule(**decision)

    assert made == standing({}, {}, [made]).rule


def test_weights_are_of_the_terms_that_both_hold():
    archive = newsroom()
    found = archive.recommender.explanation("kursk", "budget", ALL, NOW).shared
    own, other = (archive.corpus.index.terms(slot) for slot in archive.slots("kursk", "budget"))

    assert found is not None
    assert sorted(found.terms) == np.intersect1d(own, other).tolist()
