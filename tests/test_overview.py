"""The overview as JSON and as a page of the desk, of archives small enough to count by hand."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis
from click.testing import CliRunner
from desk_visit import DeskVisit
from faults import hurried, stopped
from flask.testing import FlaskClient
from news import STORIES, article

from api.cli.main import main
from recommender.backend import Backend
from recommender.replica.surveyor import conduct
from recommender.storage.events import Event

Put = Callable[..., None]
Ask = Callable[[], dict[str, Any]]

SAMPLE = Path(__file__).parent.parent / "api/sample"
HOSTILE = '"><script>alert(1)</script>{{ 7*7 }}'


def ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


@pytest.fixture
def ask(client: FlaskClient, key: dict[str, str]) -> Ask:
    def ask() -> dict[str, Any]:
        answer = client.get("/v1/main/overview", headers=key)
        assert 200 == answer.status_code, answer.text
        return dict(answer.json)

    return ask


@pytest.fixture
def desk(client: FlaskClient, backend: Backend) -> DeskVisit:
    visit = DeskVisit(client, backend, "look")
    visit.sign_in()
    return visit


@pytest.fixture
def surveyed(backend: Backend) -> Callable[[], None]:
    def run() -> None:
        claim = backend.surveys.claim("main")
        assert claim is not None
        conduct(backend.surveys, backend.site("main"), claim, lambda done, total: None)

    return run


# Figures


def test_an_empty_archive_has_an_overview(ask: Ask, desk: DeskVisit) -> None:
    overview = ask()

    assert (0, None, None, []) == (
        overview["archive"]["articles"],
        overview["fresh"]["newest"],
        overview["survey"],
        overview["imports"],
    )
    assert "It is empty" in desk.get("/overview").text


def test_the_archive_is_counted_by_section_language_and_year(put: Put, ask: Ask) -> None:
    put(
        article("kursk", section="World", published_at="2024-05-01T00:00:00Z"),
        article("sudzha", section="world", published_at="2025-12-31T23:59:59Z"),
        article("budget", section="City", language="de", published_at="2026-01-01T00:00:00Z"),
        article("final", published_at=None),
        article("ceasefire", published_at="9999-01-01T00:00:00Z"),
    )
    archive = ask()["archive"]

    assert (5, 1, 1) == tuple(archive[n] for n in ("articles", "undated", "scheduled"))
    assert [("world", 2), ("city", 1), (None, 2)] == rows(archive["sections"])
    assert [("en", 4), ("de", 1)] == rows(archive["languages"])
    assert [("9999", 1), ("2026", 1), ("2025", 1), ("2024", 1)] == rows(archive["years"])


def test_the_page_names_a_section_as_its_newest_article_does(
    put: Put, desk: DeskVisit, client: FlaskClient, key: dict[str, str]
) -> None:
    put(
        article("kursk", section="WORLD", published_at="2024-05-01T00:00:00Z"),
        article("sudzha", section="World", published_at="2025-12-31T23:59:59Z"),
        article("budget", section="İzmir & Co", language="tr", tags=["money"]),
        article("ceasefire", section="Not Out Yet", published_at="9999-01-01T00:00:00Z"),
    )
    settings = {"site": {"section": ["Sport"], "tag": ["war"], "author": ["Ana"], "lang": ["de"]}}
    client.put("/v1/main/settings", json=settings, headers=key)
    page = desk.get("/overview").text

    assert {"World", "İzmir &amp; Co", "not out yet"} <= set(
        re.findall(r'"auto">([^<]*)</th>', page)
    )


def test_only_the_largest_values_are_named(put: Put, ask: Ask) -> None:
    put(*(article(f"a{n}", section=f"s{n:02}") for n in range(14)), article("b", section="s13"))
    sections = rows(ask()["archive"]["sections"])

    assert [("s13", 2), ("s00", 1), (None, 2)] == [sections[0], sections[1], sections[-1]]
    assert 13 == len(sections)


def test_changed_and_deleted_articles_count_as_they_are_now(
    put: Put, ask: Ask, backend: Backend
) -> None:
    put(article("kursk", section="World"), article("sudzha", section="World"))
    ask()
    put(article("kursk", section="City"))
    backend.store.delete("main", "sudzha")

    assert [("city", 1)] == rows(ask()["archive"]["sections"])


def rows(found: list[dict[str, Any]]) -> list[tuple[str | None, int]]:
    return [(row["name"], row["articles"]) for row in found]


def test_new_articles_are_counted_by_day(put: Put, ask: Ask) -> None:
    dates = {"kursk": ago(0), "sudzha": ago(0.001), "budget": ago(29), "final": ago(31)}
    put(*(article(i, published_at=date) for i, date in dates.items()))
    put(article("ceasefire", published_at=ago(-1)))
    fresh = ask()["fresh"]

    assert (30, 3) == (len(fresh["days"]), sum(day["articles"] for day in fresh["days"]))
    assert {ago(0)[:10], ago(29)[:10]} <= {d["day"] for d in fresh["days"] if d["articles"]}
    assert (2, "kursk") == (fresh["week"], fresh["newest"]["id"])


def test_clicks_are_counted_by_place_and_day(put: Put, ask: Ask, backend: Backend) -> None:
    """Compared with a sum over all counts."""
    put(article("kursk"), article("sudzha"))
    today = datetime.now(UTC).date()
    days = [today - timedelta(n) for n in range(28)]
    for n in range(40):
        place, day = n % 4 + 1, days[n % 28]
        events = [Event("impression", i, place) for i in ("kursk", "sudzha")]
        backend.events.add("main", [*events, *[Event("click", "kursk", place)] * (n % 3 == 0)], day)
    backend.events.add("main", [Event("click", "kursk", 1)], today - timedelta(28))
    counts = backend.events.counts("main", days)
    readers = ask()["readers"]

    def summed(chosen: Callable[[Any], bool]) -> tuple[int, int]:
        mine = [count for count in counts if chosen(count)]
        return sum(c.impressions for c in mine), sum(c.clicks for c in mine)

    assert (80, 14) == (readers["impressions"], readers["clicks"]) == summed(lambda c: True)
    assert {n: summed(lambda c, n=n: c.position == n) for n in range(1, 5)} == {
        place["position"]: (place["impressions"], place["clicks"]) for place in readers["positions"]
    }
    assert {d.isoformat(): summed(lambda c, d=d: c.day == d) for d in days} == {
        day["day"]: (day["impressions"], day["clicks"]) for day in readers["days"]
    }
    assert all(
        place["click_through"] == round(place["clicks"] / place["impressions"], 6)
        for place in readers["positions"]
    )


def test_clicks_without_impressions_have_no_rate(put: Put, ask: Ask, backend: Backend) -> None:
    put(article("kursk"))
    backend.events.add("main", [Event("click", "kursk", 2)], datetime.now(UTC).date())

    assert [None] == [place["click_through"] for place in ask()["readers"]["positions"]]


def test_the_overview_has_the_survey_and_the_changes_since(
    put: Put, ask: Ask, surveyed: Callable[[], None], backend: Backend
) -> None:
    put(*map(article, STORIES))
    surveyed()
    put(article("kursk", title="Kursk, again"))
    backend.store.delete("main", "final")
    found, now = ask()["survey"], backend.surveys.latest("main")
    assert now is not None

    assert (5, 5, 2) == (found["articles"], found["lists"], found["changes_since"])
    assert list(now.related) == found["related"]
    assert found["never"] == found["recommended"][0]["articles"]
    assert (0, 1) == (found["recommended"][0]["from"], found["recommended"][0]["below"])
    assert "final" not in {one["id"] for one in found["named"]["most"]}


def test_the_overview_has_the_state_of_the_service(put: Put, ask: Ask) -> None:
    service = ask()["service"]

    assert ("ready", 0, 0) == tuple(
        service[name] for name in ("state", "damaged_records", "outdated_vectors")
    )
    assert re.match(r"(Valkey|Redis) \d", service["store"])


def test_the_page_says_why_there_is_no_index_file(put: Put, desk: DeskVisit) -> None:
    put(article("kursk"))
    page = desk.get("/overview").text

    assert "keeps the index in memory, because there are at most 2,000 articles" in page


@hurried
def test_an_unavailable_store_is_an_error_page(
    put: Put, client: FlaskClient, key: dict[str, str], desk: DeskVisit, redis_url: str
) -> None:
    put(article("kursk"))
    desk.get("/overview")
    with stopped(redis_url):
        answers = [client.get("/v1/main/overview", headers=key), desk.get("/overview")]

    assert [503, 503] == [answer.status_code for answer in answers]
    assert "not available" in answers[1].text


# The page


def test_the_page_has_a_button_for_the_first_survey(
    put: Put, desk: DeskVisit, backend: Backend
) -> None:
    put(*map(article, STORIES))
    before = desk.get("/overview").text
    answer = desk.post("/survey")
    for thread in backend.surveyor._threads:
        thread.join()
    after = desk.get("/overview").text

    assert "There is no survey yet" in before
    assert (303, "/editor/main/overview#lists") == (answer.status_code, answer.location)
    assert "all 5 lists" in after and "Survey now" in after
    assert desk.get("/survey.json").json is None


def test_a_running_survey_is_shown_and_no_second_one_starts(
    put: Put, desk: DeskVisit, backend: Backend
) -> None:
    put(article("kursk"))
    claim = backend.surveys.claim("main")
    assert claim is not None
    claim.report(1200, 10_000)
    answer = desk.post("/survey")
    page = desk.get("/overview").text

    assert 303 == answer.status_code
    assert "1,200 of 10,000" in page and "running already" in page
    assert "Survey now" not in page
    assert {"done": 1200, "total": 10_000} == desk.get("/survey.json").json


def test_hostile_names_are_inert(
    put: Put,
    desk: DeskVisit,
    client: FlaskClient,
    key: dict[str, str],
    surveyed: Callable[[], None],
) -> None:
    evil = article("evil", title=HOSTILE) | {"id": HOSTILE, "section": HOSTILE}
    client.post("/v1/main/articles", json=evil, headers=key)
    broken = {"id": HOSTILE, "title": HOSTILE, "published_at": HOSTILE, HOSTILE: 1}
    client.post("/v1/main/articles", json=broken, headers=key)
    put(article("kursk"))
    surveyed()
    page = desk.get("/overview").text

    assert "alert(1)" in page
    assert "<script>alert" not in page
    assert "49" not in re.findall(r"\b\d+\b", page)  # nothing computed the template in the name


def test_a_page_has_no_inline_style_or_script(
    put: Put, desk: DeskVisit, surveyed: Callable[[], None], backend: Backend
) -> None:
    put(*map(article, STORIES))
    surveyed()
    backend.events.add("main", [Event("impression", "kursk", 1)], datetime.now(UTC).date())
    page = desk.get("/overview").text

    assert [] == re.findall(r"<style|\sstyle=|\son\w+=|javascript:", page)
    assert [] == [tag for tag in re.findall(r"<script[^>]*>", page) if "src=" not in tag]


def test_every_plot_has_a_text_alternative(put: Put, desk: DeskVisit, backend: Backend) -> None:
    put(article("kursk"))
    for position in (1, 2, 2):
        backend.events.add("main", [Event("click", "kursk", position)], datetime.now(UTC).date())
    page = desk.get("/overview").text
    plots = re.findall(r"<svg[^>]*>", page)

    assert plots
    assert all('aria-hidden="true"' in plot or "aria-labelledby" in plot for plot in plots)
    assert "3 in all, 3 on the busiest day." in page


# Finding articles by the survey


def test_without_a_survey_the_filter_says_how_to_start_one(put: Put, desk: DeskVisit) -> None:
    put(article("kursk"))
    page = desk.get("/find.json", mark="few").json

    assert (0, True) == (page["total"], "on the page Overview" in page["note"])
    assert "on the page Overview" in desk.get("/", mark="few").text


def test_outliers_of_the_survey_are_found(
    put: Put, desk: DeskVisit, surveyed: Callable[[], None], backend: Backend
) -> None:
    put(*map(article, STORIES))
    surveyed()
    survey_now = backend.surveys.latest("main")
    assert survey_now is not None
    for mark in ("without", "few", "old", "most", "never"):
        page = desk.get("/find.json", mark=mark).json
        noted = [one.id for one in getattr(survey_now, mark)]

        assert noted == [item["id"] for item in page["items"]]
        assert f"{survey_now.made_at:%-d %B %Y, %H:%M} UTC" in page["note"]


def test_old_lists_are_found(put: Put, desk: DeskVisit, surveyed: Callable[[], None]) -> None:
    put(
        article("kursk", published_at=ago(1)),
        article("sudzha", published_at=ago(800)),
        article("ceasefire", published_at=ago(900)),
    )
    surveyed()

    [found] = desk.get("/find.json", mark="old").json["items"]

    assert ("kursk", ["849 days older"]) == (found["id"], found["marks"])


def test_words_and_sections_narrow_the_search_for_outliers(
    put: Put, desk: DeskVisit, surveyed: Callable[[], None]
) -> None:
    put(*map(article, STORIES))
    surveyed()
    items = desk.get("/find.json", mark="most", q="sudzha").json["items"]

    assert ["sudzha"] == [item["id"] for item in items]


def test_without_rules_or_survey_there_is_no_note(put: Put, desk: DeskVisit) -> None:
    put(article("kursk"))

    assert "" == desk.get("/find.json").json["note"]


# The evaluation


def test_the_last_evaluation_of_the_site_is_shown(
    ask: Ask, desk: DeskVisit, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in backend.settings.environment().items():
        monkeypatch.setenv(name, value)
    before = (ask()["evaluation"], "--overview main" in desk.get("/overview").text)
    sample = [str(SAMPLE / name) for name in ("articles.jsonl", "truth.jsonl")]
    options = ["--systems", "alsosee,recent", "--measures", "nDCG@10,hit@5", "--json"]
    done = CliRunner().invoke(main, ["evaluate", *sample, *options, "--overview", "main"])
    printed, found = orjson.loads(done.stdout), ask()["evaluation"]
    page = desk.get("/overview").text

    assert (None, True) == before
    assert (80, printed["queries"]) == (found["articles"], found["queries"])
    mean = printed["systems"]["alsosee"]["nDCG@10"]["mean"]
    assert mean == pytest.approx(found["systems"]["alsosee"]["nDCG@10"]["mean"], abs=1e-6)
    assert f"{mean:.3f}" in page and ">recent<" in page and "--overview main" not in page


def test_an_evaluation_for_an_unknown_site_does_not_start() -> None:
    done = CliRunner().invoke(main, ["evaluate", "none", "none", "--overview", "elsewhere"])

    assert (1, True) == (done.exit_code, "no site 'elsewhere'" in done.stderr)


@pytest.mark.parametrize("record", [b"", b"AR", b"\xff" * 99])
def test_an_unreadable_evaluation_is_ignored(
    ask: Ask, raw_redis: "redis.Redis", key: dict[str, str], record: bytes
) -> None:
    raw_redis.set("see:{main}:evaluation", record)

    assert ask()["evaluation"] is None
