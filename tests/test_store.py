"""Articles in the store: one state for one set of writes, whatever the order and however often."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from news import article
from servers import PATIENT_SECONDS

from features.analysis import AnalysedArticle, analyse
from recommender.errors import StoreUnavailable
from recommender.storage import article_records
from recommender.storage.article_records import article_key
from recommender.storage.change_log import ArchiveChange
from recommender.storage.connections import Connection
from recommender.storage.packing import unpack_record
from recommender.storage.store import Store, WriteResult

on_one_server = hypothesis_settings(
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

HOSTILE_IDS = [
    "2014/03/19/hello-world",
    "/",
    "//",
    ":",
    "a:b",
    "*",
    "?",
    "[a-z]*",
    "{x}",
    "a}{b",
    "}",
    "see:{other}:version",
    "main}:version",
    "..",
    "../../etc/passwd",
    "%2F",
    "%2e%2e",
    "\u200fעברית",
    "\u202egnp.exe",
    " ",
    "|",
    "live||x|",
    "'; return redis.call('FLUSHALL') --",
    "𓂀",
    "e\u0301",
    "\u00e9",
    "0",
    "-1",
    "None",
    "draft",
    "x" * 512,
    "я" * 256,
]


@pytest.fixture
def store(backend) -> Store:
    return backend.store


@cache
def analysed(article_id: str = "kursk", **fields: Any) -> AnalysedArticle:
    return analyse(article(article_id, **fields))


def put(store: Store, article_id: str = "kursk", site: str = "main", **fields: Any) -> WriteResult:
    url = f"https://news.example/{quote(article_id)}"
    [written] = store.put(site, [analysed(article_id, **({"url": url} | fields))])
    return written


def test_only_what_may_leave_lists_is_signalled_as_a_removal(store):
    before = store.change_log.last_removal()
    put(store, published_at="2025-03-13T07:12:44Z")
    after_a_put = store.change_log.last_removal()
    put(store, published_at="2999-01-01T00:00:00Z")
    postponed = store.change_log.last_removal()
    store.delete("main", "kursk")

    assert before == after_a_put is not None
    assert 3 == len({before, postponed, store.change_log.last_removal()})


def logged(store: Store, after: int) -> list[ArchiveChange]:
    """The changes after that version, whenever they were."""
    return [change._replace(at="") for change in store.change_log.changes("main", after) or []]


def title_of(store: Store, article_id: str = "kursk") -> str | None:
    found = store.article("main", article_id)
    return found and found["title"]


def dump(raw_redis, pattern: str = "*") -> dict[bytes, bytes]:
    return {key: raw_redis.dump(key) for key in raw_redis.scan_iter(pattern)}


def commands(raw_redis, call: Callable[[], object]) -> Counter[str]:
    """The commands that the server got from one call."""
    call()  # connects
    raw_redis.config_resetstat()
    call()
    statistics = raw_redis.info("commandstats")
    counts = {name.removeprefix("cmdstat_"): s["calls"] for name, s in statistics.items()}
    return Counter(counts) - Counter({"info": 1, "config|resetstat": 1})


def test_a_new_article_is_added(store):
    assert WriteResult("added", 1) == put(store)


def test_the_same_again_is_unchanged_and_no_change(store, raw_redis):
    put(store)
    before = dump(raw_redis)

    assert WriteResult("unchanged", 1) == put(store)
    assert before == dump(raw_redis)


def test_other_content_is_a_change(store):
    put(store)

    assert WriteResult("changed", 2) == put(store, title="Another title")
    assert "Another title" == title_of(store)


def test_without_a_revision_the_last_writer_wins(store):
    put(store, title="Two", version=2)

    assert "changed" == put(store, title="Later").outcome
    assert "Later" == title_of(store)


def test_an_older_revision_is_stale_even_after_a_write_without_one(store):
    put(store, version=2)
    put(store, title="Later")

    assert WriteResult("stale", 2) == put(store, title="One", version=1)
    assert "Later" == title_of(store)


def test_lost_heads_are_restored_as_they_were(store, raw_redis):
    put(store, "kursk", version=3, url="https://news.example/kursk?page=2")
    put(store, "sudzha", updated_at="2025-03-12T08:00:00Z")
    put(store, "budget")
    put(store, "gone")
    store.delete("main", "gone")
    heads = raw_redis.hgetall("see:{main}:heads")
    raw_redis.delete("see:{main}:heads")

    assert 3 == store.restore_heads("main")
    del heads[article_key("main", "gone").encode()]
    assert heads == raw_redis.hgetall("see:{main}:heads")
    assert 0 == store.restore_heads("main")


def test_without_a_version_the_date_of_the_update_decides(store):
    put(store, updated_at="2025-03-13T08:00:00.001Z")

    assert "stale" == put(store, updated_at="2025-03-13T08:00:00Z").outcome
    assert "changed" == put(store, updated_at="2025-03-13T09:00:00.001+01:00", title="x").outcome


def test_an_update_before_1970_is_older_than_one_after(store):
    put(store, updated_at="1955-03-13")

    assert "unchanged" == put(store, updated_at="1955-03-13").outcome
    assert "stale" == put(store, updated_at="1954-03-13").outcome
    assert "changed" == put(store, updated_at="1971-03-13").outcome
    assert "deleted" == store.delete("main", "kursk").outcome


def test_a_deleted_article_is_gone(store, raw_redis):
    put(store)

    assert WriteResult("deleted", 2) == store.delete("main", "kursk")
    assert (None, {}) == (store.article("main", "kursk"), store.cards("main", ["kursk"]))
    assert {"see:{main}:version", "see:{main}:at", "see:{main}:log", "see:{main}:heads"} == {
        key.decode() for key in raw_redis.scan_iter() if not key.endswith(b":format")
    }


def test_deleting_twice_changes_nothing_more(store):
    put(store)
    store.delete("main", "kursk")

    assert WriteResult("unchanged", 2) == store.delete("main", "kursk")


def test_what_never_was_is_missing(store, raw_redis):
    assert WriteResult("missing", 0) == store.delete("main", "kursk")
    assert {b"format"} == {key.rpartition(b":")[2] for key in raw_redis.scan_iter()}


def test_a_delete_older_than_the_article_is_stale(store):
    put(store, version=5)

    assert WriteResult("stale", 1) == store.delete("main", "kursk", 4)
    assert title_of(store)


@pytest.mark.parametrize("late", [{"version": 4}, {"version": 5}, {"version": 5, "title": "y"}])
def test_a_late_write_never_revives_a_deleted_article(store, late):
    put(store, version=5)
    put(store)
    store.delete("main", "kursk", 5)

    assert put(store, **late).outcome in ("deleted", "stale")
    assert store.article("main", "kursk") is None


def test_a_delete_that_comes_before_its_article_still_counts(store):
    store.delete("main", "kursk", 5)

    assert ["stale", "deleted", "added"] == [put(store, version=v).outcome for v in (4, 5, 6)]


def test_a_newer_revision_brings_a_deleted_article_back(store):
    put(store, version=5)
    store.delete("main", "kursk")

    assert WriteResult("added", 3) == put(store, version=6)
    assert title_of(store)


def test_many_articles_have_their_results_in_order(store):
    put(store, "kursk")
    ids = ["sudzha", "kursk", "budget", "sudzha"]

    assert ["added", "unchanged", "added", "unchanged"] == [
        written.outcome for written in store.put("main", [analysed(i) for i in ids])
    ]


def test_no_articles_are_no_work(store, raw_redis):
    assert [] == store.put("main", [])
    assert ({}, {}) == (store.cards("main", []), store.stored("main", []))
    assert {b"format"} == {key.rpartition(b":")[2] for key in raw_redis.scan_iter()}


def test_sites_know_nothing_of_each_other(store):
    put(store, site="main")
    put(store, site="other", title="Theirs")
    store.delete("main", "kursk")

    assert ("Theirs", 2, 1) == (
        store.article("other", "kursk")["title"],
        store.change_log.version("main"),
        store.change_log.version("other"),
    )


@pytest.mark.parametrize("kind", ["card", "text", "vector"])
@pytest.mark.parametrize("how", ["damaged", "evicted"])
def test_importing_again_mends_a_record(store, raw_redis, kind, how):
    put(store)
    before = dump(raw_redis, f"*{article_key('main', 'kursk')}")
    key = f"see:{{main}}:{kind}:{article_key('main', 'kursk')}"
    raw_redis.setrange(key, 20, b"?") if how == "damaged" else raw_redis.delete(key)

    assert WriteResult("changed", 2) == put(store)
    assert before == dump(raw_redis, f"*{article_key('main', 'kursk')}")


class Write(NamedTuple):
    """A put of some title or, without one, a delete."""

    article_id: str
    revision: int | None
    title: str | None

    def __call__(self, store: Store) -> WriteResult:
        if self.title is None:
            return store.delete("main", self.article_id, self.revision)
        url = f"https://news.example/{self.article_id}/{self.title}"
        return put(store, self.article_id, title=self.title, version=self.revision, url=url)


class Head(NamedTuple):
    live: bool
    revision: int | None
    last: tuple[int | None, str | None]


class Oracle:
    """The rules in plain Python."""

    def __init__(self) -> None:
        self.heads: dict[str, Head] = {}
        self.accepted: list[ArchiveChange] = []

    def __call__(self, write: Write) -> WriteResult:
        head = self.heads.get(write.article_id)
        outcome = self._outcome(write, head)
        old = head.revision if head else None
        revision = old if write.revision is None else write.revision
        last = (write.revision, write.title) if write.title else head.last if head else (None, None)
        if outcome in ("added", "changed"):
            self.heads[write.article_id] = Head(True, revision, last)
        elif write.title is None and outcome != "stale" and (head or write.revision is not None):
            self.heads[write.article_id] = Head(False, revision, last)
        if outcome in ("added", "changed") or (outcome == "deleted" and write.title is None):
            change = ArchiveChange(
                len(self.accepted) + 1, write.article_id, "delete" if write.title is None else "put"
            )
            self.accepted.append(change)
        return WriteResult(outcome, len(self.accepted))

    @staticmethod
    def _outcome(write: Write, head: Head | None) -> str:
        if head is None:
            return "missing" if write.title is None else "added"
        both = write.revision is not None and head.revision is not None
        if both and write.revision < head.revision:
            return "stale"
        if write.title is None:
            return "deleted" if head.live else "unchanged"
        same = (write.revision, write.title) == head.last
        if head.live:
            return "unchanged" if same else "changed"
        return "deleted" if both and write.revision == head.revision else "added"


ids = st.sampled_from(["kursk", "sudzha", "a/b"])
titles = st.sampled_from(["One", "Two", None])
any_writes = st.lists(st.builds(Write, ids, st.none() | st.integers(1, 3), titles), max_size=12)


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Write], list[Write]]:
    """A history whose writes of one article have distinct versions, and how it arrived."""
    history = draw(
        st.lists(
            st.builds(Write, ids, st.integers(1, 9), titles),
            max_size=10,
            unique_by=lambda write: (write.article_id, write.revision),
        )
    )
    repeated = draw(st.lists(st.sampled_from(history), max_size=5)) if history else []
    return history, draw(st.permutations(history + repeated))


def expected_titles(history: list[Write]) -> dict[str, str | None]:
    newest: dict[str, Write] = {}
    for write in sorted(history, key=lambda write: write.revision or 0):
        newest[write.article_id] = write
    return {article_id: write.title for article_id, write in newest.items()}


def check_state(store: Store, titles: dict[str, str | None]) -> None:
    """Card, text, vector and address of every article belong to the write that won."""
    live = {article_id for article_id, title in titles.items() if title}
    every_url = {
        f"https://news.example/{article_id}/{title}": article_id if title == won else None
        for article_id, won in titles.items()
        for title in ("One", "Two")
    }

    assert titles == {i: title_of(store, i) for i in titles}
    assert {i: titles[i] for i in live} == {
        i: card["title"] for i, card in store.cards("main", list(titles)).items()
    }
    assert live == store.stored("main", list(titles)).keys()
    assert live == {i for batch in store.all_stored("main") for i in batch}
    assert every_url == {url: store.id_of_url("main", url) for url in every_url}


@on_one_server
@given(any_writes)
def test_every_write_has_the_outcome_of_the_rules_and_the_log_holds_each_change_once(
    store, raw_redis, writes
):
    raw_redis.flushall()
    oracle = Oracle()

    assert [oracle(write) for write in writes] == [write(store) for write in writes]
    assert oracle.accepted == logged(store, 0)
    assert len(oracle.accepted) == store.change_log.version("main")


@on_one_server
@given(deliveries())
def test_the_newest_version_wins_in_any_order_and_number_of_deliveries(store, raw_redis, delivered):
    history, arrived = delivered
    raw_redis.flushall()
    for write in arrived:
        write(store)

    check_state(store, expected_titles(history))


@pytest.mark.parametrize("number", range(3))
def test_the_newest_version_wins_among_four_writers_at_once(redis_url, store, number):
    chance = random.Random(number)
    history = [
        Write(f"a{n % 5}", version, chance.choice(["One", "Two", None]))
        for n, version in enumerate(chance.sample(range(1, 200), 60))
    ]
    deliveries = [chance.sample(history, len(history)) for _ in range(4)]
    connections = [Connection(redis_url, read_seconds=PATIENT_SECONDS) for _ in deliveries]

    def deliver(connection: Connection, writes: list[Write]) -> list[WriteResult]:
        return [write(Store(connection)) for write in writes]

    with ThreadPoolExecutor(4) as pool:
        written = [w for ws in pool.map(deliver, connections, deliveries) for w in ws]
    for connection in connections:
        connection.close()

    check_state(store, expected_titles(history))
    accepted = [w for w in written if w.outcome in ("added", "changed")]
    puts = [change for change in store.change_log.changes("main", 0) or [] if change.op == "put"]
    assert sorted(w.version for w in accepted) == [change.version for change in puts]


@pytest.mark.parametrize("hostile", HOSTILE_IDS)
def test_any_id_is_just_a_name(store, raw_redis, hostile):
    neighbours = ["kursk", "sudzha", "x", "a", "b", "a:", "{", "é" if hostile != "é" else "è"]
    for site in ("main", "other"):
        store.put(site, [analysed(i) for i in neighbours])
    put(store, hostile, site="other")
    theirs, ours = dump(raw_redis, "see:{other}:*"), dump(raw_redis, "see:{main}:*:*")
    heads = raw_redis.hgetall("see:{main}:heads")

    assert "added" == put(store, hostile).outcome
    assert hostile == store.article("main", hostile)["id"]
    assert [hostile] == [*store.cards("main", [hostile])]
    assert ArchiveChange(9, hostile, "put") == logged(store, 8)[0]
    assert "deleted" == store.delete("main", hostile).outcome
    assert theirs == dump(raw_redis, "see:{other}:*")
    assert ours == dump(raw_redis, "see:{main}:*:*")
    assert heads.items() <= raw_redis.hgetall("see:{main}:heads").items()


def test_no_two_ids_share_a_key():
    names = [(site, article_id) for site in ("a", "b", "a-b") for article_id in HOSTILE_IDS]

    assert len(names) == len({article_key(*name) for name in names})


def test_no_id_is_part_of_a_key(store, raw_redis):
    put(store, "unmistakable")

    assert not [key for key in raw_redis.scan_iter() if b"unmistakable" in key]


def test_an_article_is_found_by_its_address_in_any_spelling(store):
    put(store, url="https://www.news.example/kursk/?utm_source=x")

    assert "kursk" == store.id_of_url("main", "http://news.example/kursk#top")


def test_an_address_moves_with_an_edit(store):
    put(store, url="https://news.example/old")
    put(store, url="https://news.example/new")

    assert (None, "kursk") == tuple(
        store.id_of_url("main", f"https://news.example/{page}") for page in ("old", "new")
    )


def test_an_address_goes_with_an_edit_or_with_its_article(store):
    put(store, "kursk")
    put(store, "sudzha")
    put(store, "kursk", url=None)
    store.delete("main", "sudzha")

    assert (None, None) == tuple(
        store.id_of_url("main", f"https://news.example/{page}") for page in ("kursk", "sudzha")
    )


def test_an_address_belongs_to_the_last_article_that_claims_it(store):
    """As when a site numbers its articles anew: the new one comes, then the old one goes."""
    put(store, "old", url="https://news.example/page")
    put(store, "new", url="https://news.example/page")
    store.delete("main", "old")

    assert "new" == store.id_of_url("main", "https://news.example/page")


def test_an_address_falls_back_to_the_article_that_still_has_it(store):
    put(store, "one", url="https://news.example/page")
    put(store, "other", url="https://news.example/page")
    store.delete("main", "other")

    assert "one" == store.id_of_url("main", "https://news.example/page")


def test_an_address_of_another_site_is_unknown(store):
    put(store)

    assert store.id_of_url("other", "https://news.example/kursk") is None


def test_the_changes_after_a_version_are_told_oldest_first(store):
    put(store, "kursk")
    put(store, "sudzha")
    store.delete("main", "kursk")

    assert [ArchiveChange(2, "sudzha", "put"), ArchiveChange(3, "kursk", "delete")] == logged(
        store, 1
    )
    assert [ArchiveChange(2, "sudzha", "put")] == [
        change._replace(at="") for change in store.change_log.changes("main", 1, limit=1)
    ]
    assert [] == store.change_log.changes("main", 3)


def test_the_last_change_is_told_with_its_moment_everywhere(store):
    put(store, "kursk")
    put(store, "sudzha")
    [last] = store.change_log.changes("main", 1)

    assert (
        (last.version, last.at)
        == store.change_log.state("main")
        == store.cards_with_state("main", [])[0]
    )
    assert (
        last.at
        == store.change_log.accepted_at("main", 2)
        > store.change_log.accepted_at("main", 1)
        > ""
    )


def test_a_log_of_another_past_says_so(store):
    put(store, "kursk")
    at = store.change_log.accepted_at("main", 1)
    put(store, "sudzha")

    assert 1 == len(store.change_log.changes("main", 1, at))
    assert store.change_log.changes("main", 1, "1.5") is None


def test_a_store_from_before_there_was_a_key_for_the_moment_is_in_the_state_that_its_log_says(
    store, raw_redis
):
    put(store)
    before = store.change_log.state("main")
    raw_redis.delete("see:{main}:at")

    assert before == store.change_log.state("main") == store.cards_with_state("main", [])[0]


def test_a_log_that_does_not_reach_back_says_so(store, monkeypatch):
    monkeypatch.setattr(article_records, "LOG_LENGTH", 50)
    for first in range(0, 300, 100):
        store.put("main", [analysed(f"a{n}") for n in range(first, first + 100)])

    assert store.change_log.changes("main", 0) is None
    assert ["a298", "a299"] == [
        change.article_id for change in store.change_log.changes("main", 298)
    ]


def test_a_store_that_has_less_than_before_says_so(store, raw_redis):
    put(store)
    raw_redis.flushall()

    assert store.change_log.changes("main", 1) is None


def test_a_card_is_the_article_without_body_and_version(store):
    put(store, version=3, tags="war, peace")
    card = store.cards("main", ["kursk"])["kursk"]

    assert (store.article("main", "kursk") | card).items() >= card.items()
    assert {"body", "version"} == store.article("main", "kursk").keys() - card.keys()


def test_every_record_can_be_read_without_this_program(store, raw_redis):
    put(store)
    text = raw_redis.get(f"see:{{main}}:text:{article_key('main', 'kursk')}")

    assert "kursk" == orjson.loads(unpack_record(text))["id"]


def test_all_articles_come_back(store):
    made = [analysed(f"a{n}", title=f"Title {n}") for n in range(700)]
    for first in range(0, 700, 100):
        store.put("main", made[first : first + 100])
    store.delete("main", "a0")

    assert {f"a{n}" for n in range(1, 700)} == {a["id"] for a in store.all_articles("main")}
    assert {f"a{n}" for n in range(1, 700)} == {
        i for batch in store.all_stored("main") for i in batch
    }


@pytest.mark.parametrize("kind", ["card", "text", "vector"])
def test_a_damaged_record_is_left_out_and_counted(store, raw_redis, kind):
    put(store, "kursk")
    put(store, "sudzha")
    raw_redis.setrange(f"see:{{main}}:{kind}:{article_key('main', 'kursk')}", 25, b"\xff")
    found = {
        "card": lambda: store.cards("main", ["kursk", "sudzha"]).keys(),
        "text": lambda: {i for i in ("kursk", "sudzha") if store.article("main", i)},
        "vector": lambda: store.stored("main", ["kursk", "sudzha"]).keys(),
    }[kind]()

    assert {"sudzha"} == found
    assert 1 == store.corrupt_records


def outdate(raw_redis, article_id: str = "kursk") -> None:
    """Turn the vector into one of an earlier features version."""
    key = f"see:{{main}}:vector:{article_key('main', article_id)}"
    raw_redis.setrange(key, 4, b"\1\0")


def test_an_outdated_vector_is_left_out_and_is_not_damaged(store, raw_redis):
    put(store, "kursk")
    put(store, "sudzha")
    outdate(raw_redis)

    assert {"sudzha"} == store.stored("main", ["kursk", "sudzha"]).keys()
    assert (0, 1) == (store.corrupt_records, store.outdated_vectors)


REFUSALS = {
    "out of memory": ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"),
    "read-only replica": ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
    "too few replicas": (
        "CONFIG SET min-replicas-to-write 1",
        "CONFIG SET min-replicas-to-write 0",
    ),
}


@pytest.mark.parametrize(("refuse", "accept"), REFUSALS.values(), ids=REFUSALS)
def test_a_refused_write_is_an_outage_for_writers_only(store, raw_redis, refuse, accept):
    put(store)
    before = dump(raw_redis)
    raw_redis.execute_command(*refuse.split())
    try:
        for _ in range(5):
            with pytest.raises(StoreUnavailable, match=r"^the store refuses"):
                put(store, title="New")
            with pytest.raises(StoreUnavailable, match=r"^the store refuses"):
                store.delete("main", "kursk")

        assert title_of(store)
        assert before == dump(raw_redis)
    finally:
        raw_redis.execute_command(*accept.split())
    assert "changed" == put(store, title="New").outcome


def test_a_user_without_rights_is_refused(store, raw_redis, redis_url):
    put(store)
    rights = ["on", ">secret", "~*", "+@read", "+@connection"]
    raw_redis.execute_command("ACL", "SETUSER", "reader", *rights)
    connection = Connection(redis_url.replace("unix://", "unix://reader:secret@"))
    reader = Store(connection)
    try:
        assert title_of(reader)
        with pytest.raises(StoreUnavailable, match="refuses"):
            put(reader, title="New")
        with pytest.raises(StoreUnavailable, match="refuses"):
            reader.delete("main", "kursk")
    finally:
        connection.close()
        raw_redis.execute_command("ACL", "DELUSER", "reader")


MANY_IDS = [f"a{n}" for n in range(50)]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda s: s.cards("main", MANY_IDS), {"mget": 1}),
        (lambda s: s.stored("main", MANY_IDS), {"mget": 1}),
        (lambda s: s.article("main", "kursk"), {"get": 1}),
        (lambda s: s.change_log.version("main"), {"get": 1}),
        (lambda s: s.id_of_url("main", "https://news.example/kursk"), {"hget": 1}),
        (lambda s: s.change_log.changes("main", 1), {"xrange": 1}),
    ],
    ids=["cards", "stored", "article", "version", "id_of_url", "changes"],
)
def test_reading_takes_one_command_for_any_number(store, raw_redis, call, expected):
    store.put("main", [analysed(i) for i in ("kursk", *MANY_IDS)])

    assert expected == commands(raw_redis, lambda: call(store))


@pytest.mark.parametrize("number", [1, 50])
def test_writing_takes_one_script_for_each_article(store, raw_redis, number):
    made = [analysed(i) for i in MANY_IDS[:number]]
    sent = commands(raw_redis, lambda: store.put("main", made))

    assert {"script|exists": 1, "evalsha": number} == {
        name: sent[name] for name in ("script|exists", "evalsha")
    }


def test_scripts_load_themselves_after_a_restart(store, raw_redis):
    put(store)
    raw_redis.script_flush()

    assert "changed" == put(store, title="New").outcome
    raw_redis.script_flush()
    assert "deleted" == store.delete("main", "kursk").outcome
