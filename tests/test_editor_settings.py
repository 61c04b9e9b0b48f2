"""The settings page of the desk: two settings are compared, and one is saved and undone."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from desk_visit import DeskVisit, fields_of
from flask.testing import FlaskClient
from news import STORIES, article

from recommender.backend import Backend
from recommender.policy.ranking_model import SignalWeights
from recommender.policy.site_settings import ListDefaults


@pytest.fixture
def visit(client: FlaskClient, backend: Backend, put: Callable[..., None]) -> DeskVisit:
    days = {name: f"2024-08-{day:02}T10:00:00Z" for day, name in enumerate(STORIES, 10)}
    put(*(article(name, published_at=days[name]) for name in STORIES))
    visit = DeskVisit(client, backend, "admin")
    visit.sign_in()
    return visit


def list_for_readers(visit: DeskVisit, **query: str) -> list[str]:
    path = "/v1/main/articles/ceasefire/related"
    return [item["id"] for item in visit.client.get(path, query_string=query).json["items"]]


def lists(page: str) -> list[list[str]]:
    """The ids of the two lists that a page compares."""
    part = page.partition('id="compared"')[2].partition("Save B")[0]
    both = re.findall(r'<ol class="moves">(.*?)</ol>', part, re.DOTALL)
    return [[unescape(i) for i in re.findall(r"article\?id=(\w+)", one)] for one in both]


def save(visit: DeskVisit, **fields: str) -> str:
    seen = fields_of(visit.get("/settings").text)["revision"]
    answer = visit.post("/settings", **{"revision": seen, **fields})
    assert 303 == answer.status_code, answer.text
    return visit.client.get(answer.location).text


def test_two_settings_are_shown_side_by_side_with_what_moved(visit: DeskVisit) -> None:
    query = {"compare": "article", "article": "ceasefire", "b.mode": "background"}
    page = visit.get("/settings", **query).text
    current, tried = lists(page)
    gone = set(current) - set(tried)

    assert current == list_for_readers(visit)
    assert tried == list_for_readers(visit, mode="background")
    assert page.count('<span class="tag gone">gone</span>') == len(gone) > 0


def test_a_comparison_saves_nothing(visit: DeskVisit, backend: Backend) -> None:
    before = backend.store.change_log.version("main")
    visit.get("/settings", compare="sample", **{"b.mode": "background"})

    assert before == backend.store.change_log.version("main")


def test_a_sample_shows_how_many_lists_differ(visit: DeskVisit) -> None:
    page = visit.get("/settings", compare="sample", **{"b.mode": "background"}).text

    assert f"Lists of {len(STORIES)} articles" in page
    assert "of the lists differ" in page
    assert "Sections in a list" in page


def test_saved_settings_apply_to_the_next_reader_and_can_be_undone(visit: DeskVisit) -> None:
    before = list_for_readers(visit)
    page = save(visit, **{"b.mode": "background", "note": "quiet weekend"})
    saved = list_for_readers(visit)
    changes = visit.get("/changes").text
    visit.post("/undo", entry=fields_of(changes)["entry"])

    assert "Saved for the whole site" in page
    assert saved == list_for_readers(visit, mode="background") != before
    assert "quiet weekend" in changes
    assert before == list_for_readers(visit)


def test_a_surface_has_settings_of_its_own(visit: DeskVisit) -> None:
    before = list_for_readers(visit)
    save(visit, surface="home", **{"b.mode": "background"})

    assert before == list_for_readers(visit)
    assert list_for_readers(visit, mode="background") == list_for_readers(visit, surface="home")
    assert 'surface=home"' in visit.get("/settings").text


def test_a_surface_without_settings_is_removed(visit: DeskVisit, backend: Backend) -> None:
    save(visit, surface="home", **{"b.mode": "background"})
    save(visit, surface="home", **{"b.mode": ""})

    assert {} == backend.store.rulebook.settings("main").settings.surfaces


def test_every_field_comes_back_as_it_was_saved(visit: DeskVisit) -> None:
    typed = {
        "b.mode": "followup", "b.half_life_days": "3.0", "b.diversity": "0.4",
        "b.min_score": "0.05", "b.max_age": "90d", "b.story": "newest", "b.limit": "7",
        "b.max_per_section": "2", "b.max_per_author": "1",
        "b.max_per_source": "4", "b.weights.time": "0.5",
    }  # fmt: skip
    several = {
        "b.section": "Arts, Culture\nSport",
        "b.tag": "canal",
        "b.lang": "en\nfr",
        "b.author": "*",
    }
    save(visit, **typed, **several, **{"b.fallback": "false", "b.sort": "published_at"})
    page = visit.get("/settings").text
    shown = fields_of(page)

    assert typed | several == {name: shown[name] for name in typed | several}
    assert '<option value="false" selected>' in page
    assert all(f">{text}</textarea>" in page for text in several.values())


def test_saving_an_unchanged_form_changes_nothing(visit: DeskVisit, backend: Backend) -> None:
    sent = {
        "site": {"tag": ["canal"], "author": ["Ann"], "section": ["Arts, Culture"]},
        "surfaces": {"home": {"section": [], "limit": 7}},
    }
    header = {"Authorization": f"Bearer {visit.key}"}
    assert 200 == visit.client.put("/v1/main/settings", json=sent, headers=header).status_code
    before = backend.store.rulebook.settings("main").settings
    for surface in ("", "home"):
        page = visit.get("/settings", surface=surface).text
        fields = {n: v for n, v in fields_of(page).items() if n.startswith("b.")}
        save(visit, **fields, **({"surface": surface} if surface else {}))

    assert before == backend.store.rulebook.settings("main").settings


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("b.diversity", "2", "diversity"),
        ("b.max_age", "soon", "max age"),
        ("b.weights.time", "-1", "weights/time"),
        ("b.mode", "psychic", "mode"),
        ("surface", "Home Page", "surfaces"),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_saved(
    visit: DeskVisit, backend: Backend, field: str, value: str, named: str
) -> None:
    seen = fields_of(visit.get("/settings").text)["revision"]
    answer = visit.post("/settings", **{"b.limit": "4", "revision": seen, field: value})

    assert 400 == answer.status_code
    assert named in answer.text
    assert 'name="b.limit" value="4"' in answer.text
    assert None is backend.store.rulebook.settings("main").settings.site.limit


def test_the_second_of_two_editors_is_warned_and_can_save_again(
    visit: DeskVisit, backend: Backend
) -> None:
    seen = fields_of(visit.get("/settings").text)["revision"]
    save(visit, **{"b.limit": "4"})
    warning = visit.post("/settings", revision=seen, **{"b.limit": "6"})
    fields = {n: v for n, v in fields_of(warning.text).items() if n[0] != "a"}
    again = visit.post("/settings", **fields)

    assert (412, 303) == (warning.status_code, again.status_code)
    assert "Ana" in warning.text
    assert 6 == backend.store.rulebook.settings("main").settings.site.limit


def test_only_an_admin_saves(client: FlaskClient, backend: Backend) -> None:
    editor = DeskVisit(client, backend, "edit")
    editor.sign_in()

    assert 403 == editor.post("/settings", **{"b.limit": "3"}).status_code
    assert "Save B" not in editor.get("/settings").text


@pytest.mark.parametrize("article_id", ["", "nowhere"])
def test_a_missing_article_is_a_problem_of_its_field(visit: DeskVisit, article_id: str) -> None:
    page = visit.get("/settings", compare="article", article=article_id)

    assert 200 == page.status_code
    assert "<li>article: " in page.text


def test_the_form_has_a_field_for_every_setting(visit: DeskVisit) -> None:
    shown = visit.get("/settings").text
    names = [*ListDefaults.model_fields.keys() - {"weights"}]
    names += [f"weights.{signal}" for signal in SignalWeights.model_fields]

    for side in ("a", "b"):
        assert [] == [name for name in names if f'name="{side}.{name}"' not in shown]


def test_an_empty_field_shows_the_number_of_the_ranking_model(visit: DeskVisit) -> None:
    page = visit.get("/settings").text

    assert 'name="b.half_life_days" value="" placeholder="7.0"' in page
    assert 'name="b.weights.time" value="" placeholder="0.67"' in page
    assert 'name="b.limit" value="" placeholder="5"' in page
