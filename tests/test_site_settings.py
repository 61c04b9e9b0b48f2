"""An option is set by the request, else by the surface, else by the site, else by the ranking."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline import NOW, Archive, ids

from recommender.errors import FieldProblem, InvalidInput
from recommender.pipeline.recommender import Recommender
from recommender.pipeline.results import RelatedList
from recommender.policy.list_options import ListOptions, SharedOptions
from recommender.policy.ranking_model import DEFAULTS, RankingModel, SignalWeights
from recommender.policy.site_settings import (
    BUILT_IN,
    MAX_SURFACES,
    ListDefaults,
    SiteSettings,
    Surfaces,
    WeightChanges,
    parse_settings,
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
DURATIONS = {"30d": timedelta(days=30), "12h": timedelta(hours=12)}
WEIGHTS = st.fixed_dictionaries(
    {}, optional={name: st.floats(0, 1) for name in SignalWeights.model_fields}
)


def subsets(**more: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the options, each with one of its values."""
    options = {name: st.sampled_from(values) for name, values in CHOICES.items()}
    return st.fixed_dictionaries({}, optional=options | more)


SETTINGS = subsets(half_life_days=st.floats(0.5, 90), weights=WEIGHTS)


def surfaces_of(site: dict[str, Any], **surfaces: dict[str, Any]) -> Surfaces:
    settings = parse_settings(SiteSettings, {"site": site, "surfaces": surfaces})
    return Surfaces(settings, DEFAULTS)


def first_set(name: str, *levels: dict[str, Any]) -> Any:
    """The value of an option at the first level that sets it, as `ListOptions` holds it."""
    value = next((level[name] for level in levels if name in level), BUILT_IN.get(name))
    if name == "max_age" and value:
        return DURATIONS[value]
    return tuple(value) if isinstance(value, list) else value


def news() -> Archive:
    """Twelve articles of two weeks, on four subjects, in two sections."""
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


def related(recommender: Recommender, article_id: str, options: ListOptions) -> RelatedList:
    return ARCHIVE.with_cards(recommender.related(article_id, options, NOW))


@given(subsets(), SETTINGS, SETTINGS)
def test_the_request_goes_before_the_surface_and_the_surface_before_the_site(
    request, surface, site
):
    options = surfaces_of(site, home=surface).of("home").complete(ListOptions(**request))

    for name in CHOICES:
        assert first_set(name, request, surface, site) == getattr(options, name), name


@given(SETTINGS, SETTINGS)
def test_the_numbers_of_the_formula_are_the_surfaces_then_the_sites_then_the_models(surface, site):
    model = surfaces_of(site, home=surface).of("home").model
    levels = (surface, site)
    days = next((x["half_life_days"] for x in levels if "half_life_days" in x), 7.0)
    weights = dict(DEFAULTS.weights) | site.get("weights", {}) | surface.get("weights", {})

    assert model == RankingModel(half_life_days=days, weights=weights)
    assert (model.digest == DEFAULTS.digest) == (model == DEFAULTS)


@given(SETTINGS, SETTINGS, st.sampled_from([None, "elsewhere"]))
def test_the_settings_of_the_site_apply_without_a_surface_and_on_an_unknown_one(
    site, surface, name
):
    of_surface = surfaces_of(site, home=surface).of(name)

    assert surfaces_of(site).of("home") == of_surface


@given(SETTINGS, SETTINGS)
def test_a_setting_has_the_same_effect_as_the_option_of_a_request(site, surface):
    defaults = parse_settings(ListDefaults, surface).over(parse_settings(ListDefaults, site))
    plain = Recommender(ARCHIVE.corpus, defaults.ranking(DEFAULTS))
    tried = ARCHIVE.recommender.with_settings(defaults)
    options = ListOptions(**defaults.options())

    for article_id in ("a03", "a07"):
        expected = related(plain, article_id, options)
        assert expected == related(tried, article_id, ListOptions())
        assert expected == related(tried, article_id, ListOptions(surface="home"))
    expected = ARCHIVE.with_cards(plain.recent(options, NOW))
    assert expected == ARCHIVE.with_cards(tried.recent(ListOptions(), NOW))


@given(subsets())
def test_asking_for_a_built_in_default_changes_nothing(request):
    options = ListOptions(**request)
    built_in = {n: v for n, v in BUILT_IN.items() if getattr(options, n) is None}

    expected = ARCHIVE.related("a03", options.replacing(**built_in))
    assert expected == ARCHIVE.related("a03", options)


def test_the_half_life_of_a_request_goes_before_the_setting():
    recommender = ARCHIVE.recommender.with_settings(ListDefaults(half_life_days=90.0))
    options = ListOptions(half_life=timedelta(days=1))

    assert ARCHIVE.related("a03", options) == related(recommender, "a03", options)


def test_settings_change_explanations_as_they_change_lists():
    recommender = ARCHIVE.recommender.with_settings(
        ListDefaults(limit=1, min_score=1.0, fallback=False)
    )
    explanation = recommender.explanation("a03", "a07", ListOptions(), NOW)

    assert "less_similar" == explanation.exclusion.code
    assert [] == ids(related(recommender, "a03", ListOptions()))


def test_settings_apply_to_the_list_of_a_draft():
    _, draft = ARCHIVE.read({"id": "draft", "body": "kursk talks word1"})
    recommender = ARCHIVE.recommender.with_settings(ListDefaults(limit=2, section=("Local",)))
    related_list = ARCHIVE.with_cards(recommender.related_to(draft, ListOptions(), NOW))

    assert [("Local"), ("Local")] == [item.card["section"] for item in related_list.items]


# Reading and writing settings


def test_every_weight_of_the_formula_can_be_set():
    assert SignalWeights.model_fields.keys() == WeightChanges.model_fields.keys()


def test_these_tests_try_every_option():
    assert CHOICES.keys() == SharedOptions.model_fields.keys()


@given(SETTINGS, SETTINGS)
def test_settings_are_read_as_they_were_written(site, surface):
    settings = parse_settings(SiteSettings, {"site": site, "surfaces": {"home": surface}})
    sent = settings.model_dump(mode="json", exclude_none=True)

    assert settings == parse_settings(SiteSettings, sent)
    assert settings == SiteSettings.model_validate_json(settings.model_dump_json())


@given(st.integers(1, 99_999), st.sampled_from("mhdw"))
def test_a_duration_is_written_as_it_is_read(number, unit):
    defaults = parse_settings(ListDefaults, {"max_age": f"{number}{unit}"})

    assert defaults == parse_settings(ListDefaults, defaults.model_dump(mode="json"))


def test_a_section_keeps_its_spelling():
    assert ("World",) == parse_settings(ListDefaults, {"section": ["World"]}).section


def test_settings_of_a_later_version_are_read_without_their_new_fields():
    stored = '{"site": {"limit": 3, "colour": "red"}, "surfaces": {"home": {"x": 1}}, "y": 2}'
    expected = SiteSettings(site=ListDefaults(limit=3), surfaces={"home": ListDefaults()})

    assert expected == SiteSettings.model_validate_json(stored)


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
def test_every_bad_field_of_settings_is_named(sent, pointers):
    with pytest.raises(InvalidInput) as caught:
        parse_settings(SiteSettings, sent)

    assert pointers == {problem.pointer for problem in caught.value.problems}
    assert all(isinstance(problem, FieldProblem) for problem in caught.value.problems)
