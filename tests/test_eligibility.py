"""The conditions of being in a list, one by one and together."""

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
    newsroom = archive()
    corpus, model = newsroom.corpus, newsroom.recommender.model
    article = None if source is None else stored_source(corpus, newsroom.slots(source)[0])
    rules = rules or AppliedRules()
    required = conditions(corpus, article, ListOptions(**options), rules, model, NOW)
    slots = {i: newsroom.slots(i)[0] for i in newsroom.articles}
    eligible = {i for i, slot in slots.items() if all_passed(required)[slot]}

    assert eligible == {i for i, slot in slots.items() if first_failed(required, slot) is None}
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
def test_a_filter_passes_what_it_describes(options, expected):
    assert expected == passing(**options)


def test_without_a_source_every_published_article_is_eligible_in_any_language():
    assert OUT | {"source"} == passing(None) == passing(None, mode="background")


@pytest.mark.parametrize("source", ["undated", "embargoed"])
def test_background_is_what_was_published_before_or_everything_without_a_date(source):
    assert ENGLISH | {"source"} == passing(source, mode="background") | {source} - {"embargoed"}


def test_rules_hide_and_block_articles_and_sections():
    def rules_of(**fields: Any) -> AppliedRules:
        own = {"id": "r", "created_at": NOW, "source": {"article": "source"}}
        rules = RuleSet([Rule.model_validate(own | fields)])
        return rules.for_list("source", None, NOW)

    never = {"kind": "flag", "flag": "never_recommend", "source": None}
    assert ENGLISH - {"late"} == passing(rules=rules_of(**never, target={"article": "late"}))
    assert ENGLISH - {"late"} == passing(rules=rules_of(kind="block", target={"article": "late"}))
    worldly = rules_of(kind="block", target={"section": "World"})
    assert ENGLISH - {"early", "undated"} == passing(rules=worldly)


def test_only_the_default_language_and_the_age_limit_of_the_list_yield_to_a_pin():
    newsroom = archive()
    options = {
        "max_age": timedelta(1),
        "mode": "background",
        "exclude": ("late",),
        "tag": ("war",),
    }
    corpus, model = newsroom.corpus, newsroom.recommender.model
    source = stored_source(corpus, 0)

    for languages, expected in [
        (None, {"too_old", "newer_than_source", "other_language"}),
        (("en",), {"too_old", "newer_than_source"}),
    ]:
        all_options = ListOptions(lang=languages, **options)
        required = conditions(corpus, source, all_options, AppliedRules(), model, NOW)
        assert expected == {one.code for one in required if not one.binds_pins}
