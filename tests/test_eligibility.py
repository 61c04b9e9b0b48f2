"""Who may stand in a list, test by test: each says what it means, and all of them are asked."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from pipeline import NOW, Archive

from recommender.pipeline.eligibility import all_passed, conditions, first_failed
from recommender.pipeline.signals import stored_source
from recommender.policy.list_options import ListOptions
from recommender.policy.rule_set import AppliedRules, RuleSet
from recommender.policy.rules import Rule

MARCH = [datetime(2025, 3, day, tzinfo=NOW.tzinfo) for day in range(1, 32)]
ARTICLES: list[dict[str, Any]] = [
    {"id": "source", "published_at": MARCH[9].isoformat()},
    {"id": "early", "published_at": MARCH[0].isoformat(), "section": "World", "tags": ["War"]},
    {"id": "late", "published_at": MARCH[14].isoformat(), "authors": ["Ana"]},
    {"id": "undated", "published_at": None, "section": "world", "authors": ["Bo", "ana"]},
    {"id": "evergreen", "published_at": MARCH[0].isoformat(), "tags": ["Evergreen"]},
    {"id": "spanish", "published_at": MARCH[9].isoformat(), "language": "es"},
    {"id": "embargoed", "published_at": MARCH[24].isoformat(), "section": "World"},
]
OUT = {"early", "late", "undated", "evergreen", "spanish"}
ENGLISH = OUT - {"spanish"}


def archive() -> Archive:
    return Archive(*({"body": "kursk", **fields} for fields in ARTICLES))


def passing(
    source: str | None = "source", rules: AppliedRules | None = None, **options: Any
) -> set[str]:
    made = archive()
    beside = None if source is None else stored_source(made.corpus, made.slots(source)[0])
    asked, model = ListOptions(**options), made.recommender.model
    found = conditions(made.corpus, beside, asked, rules or AppliedRules(), model, NOW)
    eligible = {i for i in made.articles if all_passed(found)[made.slots(i)[0]]}

    assert eligible == {i for i in made.articles if first_failed(found, made.slots(i)[0]) is None}
    return eligible


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ENGLISH),
        ({"lang": ("any",)}, OUT),
        ({"lang": ("ES",)}, {"spanish"}),
        ({"lang": ("en", "es")}, OUT),
        ({"section": ("WORLD",)}, {"early", "undated"}),
        ({"section": ("nowhere",)}, set()),
        ({"tag": ("war",)}, {"early"}),
        ({"tag": ("war", "evergreen")}, {"early", "evergreen"}),
        ({"author": ("Ana",)}, {"late", "undated"}),
        ({"author": ("ana",), "section": ("world",)}, {"undated"}),
        ({"exclude": ("early", "nowhere")}, ENGLISH - {"early"}),
        ({"published_after": MARCH[14]}, {"late"}),
        ({"published_after": timedelta(days=5)}, {"late"}),
        ({"published_before": MARCH[14]}, {"early", "evergreen"}),
        ({"published_after": MARCH[0], "published_before": MARCH[1]}, {"early", "evergreen"}),
        ({"max_age": timedelta(days=5)}, {"late", "evergreen"}),
        ({"max_age": timedelta(days=5), "published_after": timedelta(days=5)}, {"late"}),
        ({"mode": "background"}, {"early", "undated", "evergreen"}),
        ({"mode": "followup"}, ENGLISH),
    ],
)
def test_a_filter_lets_through_what_it_says(options, expected):
    assert expected == passing(**options)


def test_beside_nothing_everything_that_is_out_may_stand_in_any_language():
    assert OUT | {"source"} == passing(None) == passing(None, mode="background")


@pytest.mark.parametrize("source", ["undated", "embargoed"])
def test_background_is_what_came_before_and_all_that_is_out_when_that_is_unknown(source):
    assert ENGLISH | {"source"} == passing(source, mode="background") | {source} - {"embargoed"}


def test_rules_hide_and_block_articles_and_sections():
    def beside(**fields: Any) -> AppliedRules:
        made = {"id": "r", "created_at": NOW, "source": {"article": "source"}}
        rules = RuleSet([Rule.model_validate(made | fields)])
        return rules.for_list("source", None, NOW)

    never = {"kind": "flag", "flag": "never_recommend", "source": None}
    assert ENGLISH - {"late"} == passing(rules=beside(**never, target={"article": "late"}))
    assert ENGLISH - {"late"} == passing(rules=beside(kind="block", target={"article": "late"}))
    worldly = beside(kind="block", target={"section": "World"})
    assert ENGLISH - {"early", "undated"} == passing(rules=worldly)


def test_only_the_default_language_and_the_lists_own_idea_of_age_yield_to_a_pin():
    made = archive()
    options = {
        "max_age": timedelta(1),
        "mode": "background",
        "exclude": ("late",),
        "tag": ("war",),
    }
    source = stored_source(made.corpus, 0)

    for languages, expected in [
        (None, {"too_old", "newer_than_source", "other_language"}),
        (("en",), {"too_old", "newer_than_source"}),
    ]:
        asked = ListOptions(lang=languages, **options)
        found = conditions(made.corpus, source, asked, AppliedRules(), made.recommender.model, NOW)
        assert expected == {test.code for test in found if not test.binds_pins}
