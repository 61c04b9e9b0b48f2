"""The page of changes: which of them can be undone."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import redis
from desk_visit import DeskVisit
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from news import article

from recommender.backend import Backend
from recommender.errors import Conflict, NotFound
from recommender.policy.rules import Rule
from recommender.policy.site_settings import ListDefaults, SiteSettings
from recommender.storage.audit import Editor
from recommender.storage.rule_changes import MAX_PINS
from recommender.storage.rulebook import Rulebook, new_rule_id

NOW = datetime(2025, 3, 20, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)
ANA = Editor("k1", "Ana")
NOTHING_TO_UNDO = "there is nothing to undo"


def pin(target: str, position: int, ends: bool = False) -> Rule:
    return Rule(
        id=new_rule_id(NOW),
        kind="pin",
        source={"article": "kursk"},
        target={"article": target},
        position=position,
        created_at=NOW,
        expires_at=NOW + timedelta(hours=1) if ends else None,
    )


def test_a_removed_pin_offers_no_undo_but_its_removal_does(
    client: FlaskClient, backend: Backend, put: Callable[..., None]
) -> None:
    put(article("kursk"), article("budget"))
    visit = DeskVisit(client, backend)
    visit.sign_in()
    book, kept = backend.store.rulebook, pin("budget", 1)
    book.add("main", kept, ANA, NOW)
    before = visit.get("/changes").text
    book.remove("main", kept.id, ANA, NOW)
    after = visit.get("/changes").text

    assert [(1, 0), (1, 1)] == [
        (page.count("Undo<"), page.count(NOTHING_TO_UNDO)) for page in (before, after)
    ]
    assert after.index("Undo<") < after.index(NOTHING_TO_UNDO)


def test_removed_articles_are_named_by_title(
    client: FlaskClient, backend: Backend, put: Callable[..., None], raw_redis: "redis.Redis"
) -> None:
    put(article("kursk"), article("budget", title="The budget passes"))
    visit = DeskVisit(client, backend)
    visit.sign_in()
    book, kept = backend.store.rulebook, pin("budget", 1)
    book.add("main", kept, ANA, NOW)
    book.remove("main", kept.id, ANA, NOW)
    raw_redis.xtrim("see:{main}:audit", maxlen=1, approximate=False)  # the pin is long forgotten
    page = visit.get("/changes").text

    assert (1, 0) == (page.count(">The budget passes</a>"), page.count(">budget</a>"))


def test_a_change_is_not_undoable_when_its_place_is_taken(backend: Backend) -> None:
    book, kept = backend.store.rulebook, pin("budget", 1)
    book.add("main", kept, ANA, NOW)
    book.remove("main", kept.id, ANA, NOW)
    removal = book.audit.page("main", 1)[0]
    before = book.undoable("main", removal, NOW)
    others = [pin(f"other {place}", place) for place in range(1, MAX_PINS + 1)]
    book.replace("main", "kursk", others, ANA, NOW)

    assert {removal[0].id} == before
    assert set() == book.undoable("main", removal, NOW)
    assert not can_be_undone(book, removal[0].id, NOW)


TARGETS = st.sampled_from(["sudzha", "budget"])
STEPS = st.one_of(
    st.tuples(st.just("pin"), TARGETS, st.integers(1, 2), st.booleans()),
    st.tuples(st.just("replace"), st.lists(TARGETS, unique=True)),
    st.tuples(st.just("remove"), st.integers(0, 3)),
    st.tuples(st.just("settings"), st.integers(1, 2)),
    st.tuples(st.just("undo"), st.integers(0, 9)),
)


def apply(book: Rulebook, step: tuple) -> None:
    match step:
        case "pin", target, position, ends:
            book.add("main", pin(target, position, ends), ANA, NOW)
        case "replace", targets:
            wanted = [pin(target, place) for place, target in enumerate(targets, 1)]
            book.replace("main", "kursk", wanted, ANA, NOW)
        case "remove", place:
            book.remove("main", [*book.read("main").rules, *"----"][place], ANA, NOW)
        case "settings", limit:
            book.replace_settings("main", SiteSettings(site=ListDefaults(limit=limit)), ANA, NOW)
        case "undo", place:
            ids = [entry.id for entry in book.audit.page("main", 10)[0]]
            book.undo("main", ids[place] if place < len(ids) else "", ANA, NOW)


def can_be_undone(book: Rulebook, entry_id: str, now: datetime) -> bool:
    """Found out by trying; an undone change is restored."""
    try:
        undone = book.undo("main", entry_id, ANA, now)
    except Conflict:
        return False
    book.undo("main", undone.id, ANA, now)
    return True


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(STEPS, max_size=8), st.sampled_from([NOW, LATER]))
def test_undoable_entries_are_those_that_undo_accepts(
    backend: Backend, raw_redis: "redis.Redis", steps: list[tuple], now: datetime
) -> None:
    raw_redis.flushdb()
    book = backend.store.rulebook
    for step in steps:
        with suppress(Conflict, NotFound):
            apply(book, step)
    entries, _ = book.audit.page("main", 20)
    found = book.undoable("main", entries, now)

    assert {entry.id for entry in entries if can_be_undone(book, entry.id, now)} == found
