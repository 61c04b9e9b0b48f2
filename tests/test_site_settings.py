"""What the request says, then the surface, then the site, then the ranking model."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline import NOW, Archive, ids

from api.lists.options import ListQuery
from recommender.errors import FieldProblem, InvalidInput
from recommender.pipeline.recommender import Recommender
from recommender.policy.list_options import ListOptions
from recommender.policy.partial_options import PartialListOptions
from recommender.policy.ranking_model import DEFAULTS, RankingModel, SignalWeights
from recommender.policy.site_settings import (
    BUILT_IN,
    MAX_SURFACES,
    ListDefaults,
    SiteSettings,
    Surfaces,
    WeightChanges,
    parsed,
)

CHOICES: dict[str, list[Any]] = {
    "limit": [1, 5, 7],
    "section": [["world"], ["world", "local"], []],
    "tag": [["war"], []],
    "author": [["ana"], []],
    "lang": [["es"], ["any"], []],
    "max_age": ["30d", "12h"],
    "mode": ["balanced", "background", "followup", "recent"],
    "diversity": [0.0, 0.4, 1.0],
    "story": ["best", "newest", "original"],
    "max_per_section": [1, 2],
    "max_per_author": [1, 2],
    "max_per_source": [1, 2],
    "sort": ["score", "published_at"],
    "min_score": [0.0, 0.1],
    "fallback": [True, False],
}
PLURAL = {"section": "sections", "tag": "tags", "author": "authors", "lang": "languages"}
WEIGHTS = st.fixed_dictionaries(
    {}, optional={name: st.floats(0, 1) for name in SignalWeights.model_fields}
)


def subsets(**more: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Any of the fields with any of their values; the others are not there."""
    found = {name: st.sampled_from(values) for name, values in CHOICES.items()}
    return st.fixed_dictionaries({}, optional=found | more)


SETTINGS = subsets(half_life_days=st.floats(0.5, 90), weights=WEIGHTS)


def settled(site: dict[str, Any], **surfaces: dict[str, Any]) -> Surfaces:
    return Surfaces(parsed(SiteSettings, {"site": site, "surfaces": surfaces}), DEFAULTS)


def news() -> Archive:
    """Twelve articles, about four subjects, in two sections, of two weeks."""
    return Archive(
        *(
            {
                "id": f"a{n:02}",
                "body": f"kursk talks word{n % 4} word{n % 3} own{n} more{n}",
                "section": ["World", "Local"][n % 2],
                "tags": ["War"] if n % 3 else [],
                "authors": [["Ana"], ["Bo"]][n % 5 > 2],
                "language": ["en", "en", "es"][n % 3],
                "published_at": f"2025-03-{5 + n:02}",
            }
            for n in range(12)
        )
    )


ARCHIVE = news()


@given(subsets(), SETTINGS, SETTINGS)
def test_what_is_said_nearest_to_the_list_holds(request, surface, site):
    asked = ListQuery.model_validate(request).parameters()
    found = settled(site, home=surface).of("home").completed(asked)

    for name in CHOICES:
        levels = (request, surface, site)
        said = next((level[name] for level in levels if name in level), BUILT_IN.get(name))
        spelt = {"30d": timedelta(days=30), "12h": timedelta(hours=12)}
        expected = spelt[said] if name == "max_age" and said else said
        expected = tuple(expected) if isinstance(expected, list) else expected
        assert expected == getattr(found, PLURAL.get(name, name)), name


@given(SETTINGS, SETTINGS)
def test_the_numbers_of_the_formula_are_the_surfaces_then_the_sites_then_the_models(surface, site):
    model = settled(site, home=surface).of("home").model
    levels = (surface, site)
    days = next((x["half_life_days"] for x in levels if "half_life_days" in x), 7.0)
    weights = dict(DEFAULTS.weights) | site.get("weights", {}) | surface.get("weights", {})

    assert model == RankingModel(half_life_days=days, weights=weights)
    assert (model.digest == DEFAULTS.digest) == (model == DEFAULTS)


@given(SETTINGS, SETTINGS, st.sampled_from([None, "elsewhere"]))
def test_without_a_surface_and_on_one_that_has_no_settings_those_of_the_site_hold(
    site, surface, name
):
    found = settled(site, home=surface).of(name)

    assert settled(site).of("home") == found


@given(SETTINGS, SETTINGS)
def test_a_list_by_settings_is_the_list_that_asks_for_all_of_it(site, surface):
    defaults = parsed(ListDefaults, surface).over(parsed(ListDefaults, site))
    plain = Recommender(ARCHIVE.corpus, ARCHIVE._cards, defaults.model_of(DEFAULTS))
    asked, tried = ListOptions(**defaults.said()), ARCHIVE.recommender.trying(defaults)

    for article_id in ("a03", "a07"):
        expected = plain.related(article_id, asked, NOW)
        assert expected == tried.related(article_id, ListOptions(), NOW)
        assert expected == tried.related(article_id, ListOptions(surface="home"), NOW)
    assert plain.recent(asked, NOW) == tried.recent(ListOptions(), NOW)


@given(subsets())
def test_what_is_built_in_need_not_be_said(request):
    asked = ListQuery.model_validate(request).parameters()
    built_in = {n: v for n, v in BUILT_IN.items() if getattr(asked, n) is None}

    assert ARCHIVE.related("a03", asked) == ARCHIVE.related("a03", replace(asked, **built_in))


def test_a_request_with_a_half_life_has_its_own_whatever_is_settled():
    maker = ARCHIVE.recommender.trying(ListDefaults(half_life_days=90.0))
    asked = ListOptions(half_life=timedelta(days=1))

    assert ARCHIVE.related("a03", asked) == maker.related("a03", asked, NOW)


def test_settings_change_explanations_as_they_change_lists():
    maker = ARCHIVE.recommender.trying(ListDefaults(limit=1, min_score=1.0, fallback=False))
    standing = maker.standing("a03", "a07", ListOptions(), NOW)

    assert "less_similar" == standing.dropped.code
    assert [] == ids(maker.related("a03", ListOptions(), NOW))


def test_a_draft_has_the_list_that_the_settings_want():
    _, draft = ARCHIVE.read({"id": "draft", "body": "kursk talks word1"})
    maker = ARCHIVE.recommender.trying(ListDefaults(limit=2, section=("Local",)))
    made = maker.related_to(draft, ListOptions(), NOW)

    assert [("Local"), ("Local")] == [item.card["section"] for item in made.items]


# How they are written


def test_every_weight_of_the_formula_can_be_settled():
    assert SignalWeights.model_fields.keys() == WeightChanges.model_fields.keys()


def test_every_wish_can_be_settled():
    assert CHOICES.keys() == PartialListOptions.model_fields.keys()


@given(SETTINGS, SETTINGS)
def test_settings_are_read_as_they_were_written(site, surface):
    settings = parsed(SiteSettings, {"site": site, "surfaces": {"home": surface}})
    sent = settings.model_dump(mode="json", exclude_none=True)

    assert settings == parsed(SiteSettings, sent)
    assert settings == SiteSettings.model_validate_json(settings.model_dump_json())


@given(st.integers(1, 99_999), st.sampled_from("mhdw"))
def test_a_time_is_written_as_it_is_read(number, unit):
    defaults = parsed(ListDefaults, {"max_age": f"{number}{unit}"})

    assert defaults == parsed(ListDefaults, defaults.model_dump(mode="json"))


def test_a_section_keeps_its_spelling():
    assert ("World",) == parsed(ListDefaults, {"section": ["World"]}).section


def test_settings_of_a_later_version_are_read_without_what_is_new_in_them():
    stored = '{"site": {"limit": 3, "colour": "red"}, "surfaces": {"home": {"x": 1}}, "y": 2}'
    found = SiteSettings.model_validate_json(stored)

    assert SiteSettings(site=ListDefaults(limit=3), surfaces={"home": ListDefaults()}) == found


@pytest.mark.parametrize(
    ("sent", "pointers"),
    [
        ([], {""}),
        (None, {""}),
        ({"colour": "red"}, {"/colour"}),
        ({"site": None}, {"/site"}),
        ({"site": {"limit": 0, "mode": "x"}}, {"/site/limit", "/site/mode"}),
        ({"site": {"limit": 51}}, {"/site/limit"}),
        ({"site": {"colour": 1}}, {"/site/colour"}),
        ({"site": {"weights": {"time": 1.1}}}, {"/site/weights/time"}),
        ({"site": {"weights": {"colour": 1}}}, {"/site/weights/colour"}),
        ({"site": {"weights": None}}, {"/site/weights"}),
        ({"site": {"half_life_days": 0}}, {"/site/half_life_days"}),
        ({"site": {"half_life_days": float("nan")}}, {"/site/half_life_days"}),
        ({"site": {"diversity": float("nan")}}, {"/site/diversity"}),
        ({"site": {"max_age": "0d"}}, {"/site/max_age"}),
        ({"site": {"max_age": 3}}, {"/site/max_age"}),
        ({"site": {"section": "World"}}, {"/site/section"}),
        ({"site": {"section": [""]}}, {"/site/section/0"}),
        ({"site": {"section": ["x"] * 51}}, {"/site/section"}),
        ({"site": {"lang": ["no language"]}}, {"/site/lang/0"}),
        ({"site": {"offset": 1}}, {"/site/offset"}),
        ({"surfaces": {"Home page": {}}}, {"/surfaces/Home page"}),
        ({"surfaces": {"": {}}}, {"/surfaces/"}),
        ({"surfaces": {"x" * 41: {}}}, {f"/surfaces/{'x' * 41}"}),
        ({"surfaces": {"home": {"limit": "many"}}}, {"/surfaces/home/limit"}),
        ({"surfaces": {f"s{n}": {} for n in range(MAX_SURFACES + 1)}}, {"/surfaces"}),
    ],
    ids=lambda value: repr(sorted(value) if isinstance(value, set) else value),
)  # fmt: skip
def test_what_cannot_be_settled_is_named(sent, pointers):
    with pytest.raises(InvalidInput) as caught:
        parsed(SiteSettings, sent)

    assert pointers == {problem.pointer for problem in caught.value.problems}
    assert all(isinstance(problem, FieldProblem) for problem in caught.value.problems)
