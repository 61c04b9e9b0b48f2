"""What lists look like, all together: against lists that can be counted by hand."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from click.testing import CliRunner
from faults import hurried, stopped
from hypothesis import given
from hypothesis import strategies as st
from news import STORIES, article

from api.cli.main import main
from recommender.backend import Backend
from recommender.errors import StoreUnavailable
from recommender.pipeline.results import FALLBACKS, ListItem, RelatedList
from recommender.policy.list_options import DEFAULT_LIMIT
from recommender.replica import survey as surveying
from recommender.replica.sampling import sample_ids
from recommender.replica.survey import OLD_DAYS, SurveyCounter, survey
from recommender.replica.surveyor import conduct
from recommender.storage import surveys
from recommender.storage.surveys import (
    DAYS,
    TIMES,
    ClaimProgress,
    Survey,
    SurveyOutlier,
    SurveyStopped,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
Put = Callable[..., None]


def before(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat()


def card(name: str, days: float | None = 0.5) -> dict[str, Any]:
    return {"id": name, "published_at": None if days is None else before(days)}


def a_list(source: dict[str, Any], *items: tuple[dict[str, Any], str]) -> RelatedList:
    found = [ListItem(one, 0.5, reason) for one, reason in items]  # type: ignore[arg-type]
    return RelatedList(source, found, False, None)


def added_up(*lists: RelatedList) -> Survey:
    sums = SurveyCounter(NOW)
    for made in lists:
        sums.add((made.source or {})["id"], made)
    return sums.survey(version=7, articles=len(lists))


def numbers(noted: tuple[SurveyOutlier, ...]) -> dict[str, float]:
    return {one.id: one.number for one in noted}


def test_what_only_fills_a_list_up_is_not_related_and_a_pin_is() -> None:
    found = added_up(
        a_list(card("a"), (card("b"), "similar"), (card("c"), "relaxed"), (card("d"), "recent")),
        a_list(card("b"), (card("a"), "pinned"), (card("c"), "similar"), (card("d"), "similar")),
        a_list(card("c"), (card("a"), "same_section")),
        a_list(card("d")),
    )

    assert (2, 1, 0, 1, 0, 0) == found.related
    assert ({"c": 0, "d": 0}, {"a": 1}) == (numbers(found.without), numbers(found.few))


def test_longer_lists_are_counted_to_their_end() -> None:
    found = added_up(a_list(card("a"), *((card(f"i{n}"), "similar") for n in range(8))))

    assert (0,) * 8 + (1,) == found.related


def test_it_says_which_articles_stand_everywhere_and_which_nowhere() -> None:
    found = added_up(
        a_list(card("a"), (card("b"), "similar"), (card("c"), "similar")),
        a_list(card("b"), (card("c"), "similar")),
        a_list(card("c"), (card("b"), "similar")),
        a_list(card("d"), (card("c"), "recent")),
    )

    assert ({"c": 3, "b": 2}, {"a": 0, "d": 0}) == (numbers(found.most), numbers(found.never))
    assert (2, 0, 1, 1, 0, 0, 0, 0) == found.recommended


def test_a_list_is_as_old_as_its_middle_article() -> None:
    items = [(card(f"i{days}", days), "similar") for days in (1.5, 400, 4000)]
    found = added_up(a_list(card("new", 2), *items), a_list(card("as old", 400), *items))

    assert (0, 0, 0, 0, 0, 2, 0) == found.ages
    assert (0, 1, 0, 0, 0, 0, 1, 0) == found.gaps
    assert {"new": 398.0} == numbers(found.old)


def test_a_list_that_came_out_after_its_story_is_newer_than_it() -> None:
    found = added_up(a_list(card("old", 100), (card("new", 1), "similar")))

    assert (1, 0, 0, 0, 0, 0, 0, 0) == found.gaps


def test_without_dates_a_list_has_no_age() -> None:
    undated = a_list(card("a"), (card("b", None), "similar"))
    beside_undated = a_list(card("c", None), (card("d", 3), "similar"))
    found = added_up(undated, beside_undated)

    assert (1, 0) == (sum(found.ages), sum(found.gaps))


def test_of_many_that_stand_out_some_are_named() -> None:
    found = added_up(*(a_list(card(f"a{n}")) for n in range(300)))

    assert (200, 300, "a0") == (len(found.without), found.related[0], found.without[0].id)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9),
            st.lists(
                st.tuples(
                    st.integers(0, 9),
                    st.floats(0, 3000),
                    st.sampled_from(["similar", "pinned", "relaxed", "recent"]),
                ),
                max_size=5,
                unique_by=lambda item: item[0],
            ),
        ),
        max_size=10,
        unique_by=lambda one: one[0],
    )
)
def test_it_adds_up_as_counting_on_fingers_does(rows: Any) -> None:
    lists = [
        a_list(card(f"a{own}", 100), *((card(f"a{n}", days), why) for n, days, why in items))
        for own, items in rows
    ]
    found = added_up(*lists)
    times = Counter(i.card["id"] for made in lists for i in made.items)
    related = [sum(i.reason not in FALLBACKS for i in made.items) for made in lists]

    assert [related.count(n) for n in range(6)] == list(found.related)
    for number, (start, end) in enumerate(zip(TIMES, (*TIMES[1:], 10**9), strict=True), 1):
        assert sum(start <= n < end for n in times.values()) == found.recommended[number]
    assert sum(bool(made.items) for made in lists) == sum(found.ages) == sum(found.gaps)
    assert all(one.number >= OLD_DAYS for one in found.old)
    assert sum(found.gaps[DAYS.index(OLD_DAYS) + 2 :]) == len(found.old)


# The survey of a site


@pytest.fixture
def stories(put: Put) -> None:
    put(*map(article, STORIES))


def nothing(done: int, total: int) -> None:
    pass


def test_it_sees_the_lists_that_readers_see(stories: None, backend: Backend, client: Any) -> None:
    found = survey(backend.site("main"), datetime.now(UTC), nothing)
    lists = [client.get(f"/v1/main/articles/{i}/related").json["items"] for i in STORIES]
    times = Counter(item["id"] for items in lists for item in items)

    assert (5, 5) == (found.articles, found.lists)
    assert dict(times) == numbers(found.most)
    assert [
        sum(n == sum(i["reason"]["code"] == "similar" for i in items) for items in lists)
        for n in range(DEFAULT_LIMIT + 1)
    ] == list(found.related)


def test_of_a_large_archive_it_says_that_it_looked_at_some(
    stories: None, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveying, "MAX_LISTS", 3)
    found = survey(backend.site("main"), datetime.now(UTC), nothing)

    assert (5, 3) == (found.articles, found.lists)


def test_what_is_not_out_yet_is_not_looked_at(put: Put, backend: Backend) -> None:
    put(article("kursk"), article("sudzha", published_at=None))
    put(article("final", published_at="2999-01-01T00:00:00Z"))
    found = survey(backend.site("main"), datetime.now(UTC), nothing)

    assert (2, 2, {"kursk": 1, "sudzha": 1}) == (found.articles, found.lists, numbers(found.most))


def test_of_an_empty_archive_it_finds_nothing(backend: Backend) -> None:
    found = survey(backend.site("main"), datetime.now(UTC), nothing)

    assert (0, 0, 0, ()) == (found.articles, found.lists, sum(found.recommended), found.most)


def test_what_is_deleted_meanwhile_is_passed_over(stories: None, backend: Backend) -> None:
    last = sample_ids(backend.site("main"), 5, datetime.now(UTC))[-1]

    def delete(done: int, total: int) -> None:
        if done == 1:
            backend.store.delete("main", last)

    found = survey(backend.site("main"), datetime.now(UTC), delete)

    assert (5, 4) == (found.articles, found.lists)


def test_a_store_that_stumbles_is_asked_again() -> None:
    answers = iter([StoreUnavailable("away"), StoreUnavailable("away"), "there"])

    def ask() -> str:
        answer = next(answers)
        if isinstance(answer, StoreUnavailable):
            raise answer
        return answer

    assert "there" == surveying.patiently(ask)


# Who does it


def conducted(backend: Backend, between: Callable[[int, int], None] = nothing) -> Survey:
    claim = backend.surveys.claim("main")
    assert claim is not None
    return conduct(backend.surveys, backend.site("main"), claim, between)


def test_the_last_survey_is_kept_for_every_worker(stories: None, backend: Backend) -> None:
    assert backend.surveys.latest("main") is None
    first, second = conducted(backend), conducted(backend)

    assert first.made_at < second.made_at
    assert second == backend.surveys.latest("main")
    assert backend.surveys.latest("other") is None


def test_one_survey_runs_at_a_time_and_says_how_far_it_is(
    stories: None, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveys, "REPORT_SECONDS", 0.0)
    seen: list[object] = []

    def look(done: int, total: int) -> None:
        seen.append((backend.surveys.progress("main"), backend.surveys.claim("main")))

    conducted(backend, look)

    assert [(ClaimProgress(n, 5), None) for n in range(5)] == seen
    assert backend.surveys.progress("main") is None


def test_a_survey_that_ends_early_keeps_nothing_and_lets_others_begin(
    stories: None, backend: Backend
) -> None:
    def stop(done: int, total: int) -> None:
        raise SurveyStopped("enough")

    with pytest.raises(SurveyStopped):
        conducted(backend, stop)

    assert (None, None) == (backend.surveys.progress("main"), backend.surveys.latest("main"))


def test_whoever_was_silent_for_too_long_stops(
    stories: None, backend: Backend, raw_redis: "redis.Redis"
) -> None:
    claim = backend.surveys.claim("main")
    assert claim is not None
    assert 0 < raw_redis.ttl("see:{main}:survey:running") <= surveys.SILENCE_SECONDS
    raw_redis.delete("see:{main}:survey:running")
    other = backend.surveys.claim("main")
    with pytest.raises(SurveyStopped):
        claim.report(1, 5)
    claim.release()

    assert other is not None
    assert ClaimProgress(0, 0) == backend.surveys.progress("main")


def test_a_process_that_ends_stops_its_survey(stories: None, backend: Backend) -> None:
    assert backend.surveyor.start(backend.site("main"))
    backend.surveyor.close()

    assert backend.surveys.progress("main") is None


@pytest.mark.parametrize("record", [b"", b"AR", b"{}", b"\xff" * 100])
def test_a_survey_that_cannot_be_read_is_none(
    backend: Backend, raw_redis: "redis.Redis", record: bytes
) -> None:
    raw_redis.set("see:{main}:survey", record)

    assert backend.surveys.latest("main") is None


@hurried
def test_while_the_store_is_away_there_is_no_claim(backend: Backend, redis_url: str) -> None:
    backend.surveys.latest("main")
    with stopped(redis_url), pytest.raises(StoreUnavailable):
        backend.surveys.claim("main")


# The command


def test_the_command_leaves_its_survey_for_the_overview(
    stories: None, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in backend.settings.environment().items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(main, ["survey"])
    found = backend.surveys.latest("main")

    assert (0, True) == (done.exit_code, "5 lists of 5 articles." in done.output), done.output
    assert found is not None and found.lists == 5


def test_the_command_says_when_a_survey_is_under_way(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in backend.settings.environment().items():
        monkeypatch.setenv(name, value)
    backend.surveys.claim("main")
    done = CliRunner().invoke(main, ["survey"])

    assert (1, "Error: another survey of main is running\n") == (done.exit_code, done.stderr)
