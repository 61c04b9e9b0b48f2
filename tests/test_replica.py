"""Workers over one store: every write is in the next list of each of them."""

import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from news import STORIES, article
from servers import PATIENT_SECONDS, copied, put_back

from features.analysis import analyse
from recommender.errors import NotFound
from recommender.pipeline.compare import Compared, compared
from recommender.pipeline.results import RelatedList
from recommender.policy.list_options import ListOptions
from recommender.policy.rules import FLAGS, Rule, Selector
from recommender.policy.site_settings import ListDefaults, SiteSettings
from recommender.replica.follower import FOLLOW_SECONDS, Follower
from recommender.replica.sampling import compare_over_sample
from recommender.replica.site import SiteReplica
from recommender.storage import article_records, change_log
from recommender.storage.article_records import article_key
from recommender.storage.audit import Editor
from recommender.storage.connections import Connection
from recommender.storage.rulebook import new_rule_id
from recommender.storage.store import Store

NOW = datetime(2025, 3, 20, tzinfo=UTC)
LIST = ListOptions(limit=20, lang=("any",))
WORDS = " ".join(title for title, _ in STORIES.values()).split()
IDS = [f"a{n}" for n in range(40)]
EDITOR = Editor("k1", "Ana")


@pytest.fixture
def store(backend) -> Store:
    return backend.store


@pytest.fixture
def worker(redis_url, raw_redis) -> Iterator[Callable[..., SiteReplica]]:
    """Start one more worker, with connections of its own."""
    with ExitStack() as stack:

        def start(site: str = "main") -> SiteReplica:
            connection = Connection(redis_url, read_seconds=PATIENT_SECONDS)
            stack.callback(connection.close)
            return SiteReplica(site, Store(connection))

        yield start


def put(store: Store, *ids: str, **fields: object) -> int:
    """Store articles and return the site's version."""
    written = store.put("main", [analyse(article(i, **fields)) for i in ids])
    return written[-1].version


def related(
    live: SiteReplica, article_id: str, options: ListOptions = LIST, now: datetime = NOW
) -> tuple[RelatedList, int]:
    return live.read_with_cards(lambda recommender: recommender.related(article_id, options, now))


def recent(
    live: SiteReplica, options: ListOptions = LIST, now: datetime = NOW
) -> tuple[RelatedList, int]:
    return live.read_with_cards(lambda recommender: recommender.recent(options, now))


def compared_lists(
    live: SiteReplica, article_id: str, a: ListDefaults, b: ListDefaults, now: datetime
) -> tuple[Compared, int]:
    return live.read_with_cards(lambda recommender: compared(recommender, article_id, a, b, now))


def shown(live: SiteReplica, article_id: str = "kursk") -> list[str]:
    """The ids of the list beside an article."""
    related_list, _ = related(live, article_id, LIST, NOW)
    return [item.card["id"] for item in related_list.items]


def everything(live: SiteReplica, ids: Iterable[str] = IDS) -> list[object]:
    """Every list that a worker would give out now, with all that stands in it."""
    lists: list[object] = [recent(live, LIST, NOW)]
    for article_id in ids:
        try:
            lists.append(related(live, article_id, LIST, NOW))
        except NotFound:
            lists.append(None)
    return lists


class Newsroom:
    """Adds, edits and deletes articles at random, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def change(self, store: Store) -> None:
        if self._chance.random() < 0.25:
            store.delete("main", self._chance.choice(IDS))
        else:
            count = self._chance.choice([1, 1, 1, 5])
            store.put("main", [analyse(self._story()) for _ in range(count)])

    def _story(self) -> dict[str, object]:
        words = self._chance.choices(WORDS, k=self._chance.randrange(30))
        return {
            "id": self._chance.choice(IDS),
            "title": " ".join(self._chance.choices(WORDS, k=3)),
            "body": " ".join(words),
            "published_at": f"2025-03-{self._chance.randrange(1, 28):02}",
            "section": self._chance.choice(["World", "Local", None]),
            "language": self._chance.choice(["en", "es"]),
        }


@pytest.mark.parametrize("seed", range(3))
def test_workers_agree_on_every_list_whatever_happens_in_between(store, worker, seed):
    newsroom, chance = Newsroom(seed), random.Random(seed)
    workers = [worker(), worker()]
    for _ in range(40):
        newsroom.change(store)
        if chance.random() < 0.5:  # the others catch up on several changes at once
            everything(chance.choice(workers), ["a1"])

    one, other = (everything(live) for live in workers)
    assert one == other


def test_lists_after_300_changes_are_those_of_a_freshly_loaded_worker(store, worker):
    newsroom, live = Newsroom(seed=7), worker()
    for _ in range(300):
        newsroom.change(store)
        live.sync()

    assert everything(worker()) == everything(live)


@pytest.mark.parametrize("log_length", [1, 100])
def test_a_worker_that_missed_more_than_the_log_holds_reads_everything_again(
    store, worker, monkeypatch, log_length
):
    monkeypatch.setattr(article_records, "LOG_LENGTH", log_length)
    live = worker()
    put(store, *STORIES)
    live.sync()
    for first in range(0, 400, 100):
        put(store, *(f"a{n}" for n in range(first, first + 100)))
    store.delete("main", "final")

    assert store.change_log.changes("main", 5) is None
    assert everything(worker(), STORIES) == everything(live, STORIES)


def test_a_write_is_in_the_next_list_of_another_worker(store, worker):
    live, other = worker(), worker()
    put(store, "kursk", "budget")
    before = shown(live), shown(other)
    put(store, "sudzha")

    assert (["budget"], ["budget"]) == before
    assert (["sudzha", "budget"], ["sudzha", "budget"]) == (shown(live), shown(other))


def test_an_edit_is_in_the_next_list(store, worker):
    live = worker()
    put(store, "kursk", "sudzha")
    shown(live)
    put(store, "sudzha", title="Another flag over Sudzha")

    related_list, _ = related(live, "kursk", LIST, NOW)
    assert ["Another flag over Sudzha"] == [item.card["title"] for item in related_list.items]


def test_a_deleted_article_is_in_no_list_and_has_none(store, worker):
    live = worker()
    put(store, *STORIES)
    live.sync()
    store.delete("main", "sudzha")
    lists = [shown(live, i) for i in STORIES if i != "sudzha"]

    assert not any("sudzha" in ids for ids in lists)
    with pytest.raises(NotFound, match="no article 'sudzha'"):
        shown(live, "sudzha")


def test_a_list_has_the_present_version(store, worker):
    live = worker()
    version = put(store, *STORIES)

    assert (version, version) == (related(live, "kursk", LIST, NOW)[1], live.version)


def test_nothing_is_read_when_nothing_has_changed(store, worker, raw_redis):
    live = worker()
    put(store, *STORIES)
    related(live, "kursk", ListOptions(limit=1), NOW)
    raw_redis.config_resetstat()
    related(live, "kursk", ListOptions(limit=1), NOW)
    sent = raw_redis.info("commandstats")

    assert 2 == sent["cmdstat_mget"]["calls"]  # the site's state, and the cards
    assert {"cmdstat_mget"} == sent.keys() - {"cmdstat_info", "cmdstat_config|resetstat"}


def test_a_new_article_costs_a_worker_two_more_commands_at_any_size_of_the_archive(
    store, worker, raw_redis
):
    live = worker()
    put(store, *STORIES, *IDS)
    live.sync()
    put(store, "sudzha", title="News")
    raw_redis.config_resetstat()
    related(live, "kursk", ListOptions(limit=1), NOW)
    sent = raw_redis.info("commandstats")

    assert {"xrange": 1, "mget": 3} == {
        name: sent[f"cmdstat_{name}"]["calls"] for name in ("xrange", "mget")
    }
    assert "cmdstat_get" not in sent


@pytest.mark.parametrize("kind", ["card", "vector"])
@pytest.mark.parametrize("loaded", [False, True])
@pytest.mark.parametrize("how", ["damaged", "gone"])
def test_one_damaged_record_breaks_no_list(store, worker, raw_redis, kind, loaded, how):
    live = worker()
    put(store, *STORIES)
    if loaded:
        live.sync()
    key = f"see:{{main}}:{kind}:{article_key('main', 'sudzha')}"
    raw_redis.setrange(key, 30, b"\xff\xff") if how == "damaged" else raw_redis.delete(key)
    lists = [shown(live, i) for i in STORIES if i != "sudzha"]

    # A vector that was read before it was damaged still serves.
    still_there = kind == "vector" and loaded
    assert [4 if still_there else 3] * 4 == [len(ids) for ids in lists]
    assert still_there == any("sudzha" in ids for ids in lists)


def test_a_damaged_article_that_is_imported_again_is_back_in_the_lists(store, worker, raw_redis):
    live = worker()
    put(store, *STORIES)
    raw_redis.set(f"see:{{main}}:vector:{article_key('main', 'sudzha')}", b"rubbish")
    before = shown(live)
    put(store, *STORIES)

    assert "sudzha" not in before
    assert "sudzha" in shown(live)


def test_an_emptied_store_is_noticed(store, worker, raw_redis):
    live = worker()
    put(store, *STORIES)
    live.sync()
    raw_redis.flushall()

    assert [] == recent(live, LIST, NOW)[0].items
    with pytest.raises(NotFound):
        shown(live)


@pytest.mark.parametrize(
    "refill",
    [
        ["final"],
        ["final", "budget"],
        ["final", "budget", "ceasefire"],
    ],
    ids=["to less", "to the same number", "to more"],
)
def test_a_store_that_was_emptied_and_filled_again_is_noticed(store, worker, raw_redis, refill):
    live = worker()
    put(store, "kursk", "sudzha")
    live.sync()
    raw_redis.flushall()
    put(store, *refill)

    assert sorted(refill) == sorted(i.card["id"] for i in recent(live, LIST, NOW)[0].items)


@pytest.mark.parametrize("again", [["a1", "a2"], ["a1", "a2", "a3"]], ids=["as many", "more"])
def test_a_store_that_was_restored_and_written_to_again_is_noticed(store, worker, raw_redis, again):
    live = worker()
    put(store, "kursk", "sudzha")
    copy = copied(raw_redis)
    put(store, "lost", "lost too")
    live.sync()
    put_back(raw_redis, copy)
    put(store, *again)

    assert everything(worker(), STORIES) == everything(live, STORIES)
    assert sorted(["kursk", "sudzha", *again]) == live.ids()


def test_rules_of_a_restored_store_are_those_of_the_copy(store, worker, raw_redis):
    live = worker()
    put(store, *STORIES)
    copy = copied(raw_redis)
    decide(store)
    before = shown(live)
    put_back(raw_redis, copy)
    put(store, "a1")

    assert "sudzha" not in before
    assert "sudzha" in shown(live)


def test_sites_keep_apart(store, worker):
    main, other = worker(), worker("other")
    put(store, "kursk", "sudzha")
    store.put("other", [analyse(article("budget"))])

    assert ["sudzha"] == shown(main)
    assert ["budget"] == [item.card["id"] for item in recent(other, LIST, NOW)[0].items]


def test_before_the_first_request_nothing_is_loaded(worker):
    live = worker()
    before = live.loaded, live.version
    live.sync()

    assert ((False, -1), (True, 0)) == (before, (live.loaded, live.version))


def test_a_stale_copy_with_a_deleted_article_may_not_be_shown(store, worker):
    live = worker()
    put(store, "kursk", "sudzha")
    live.sync()
    before = live.may_show(("kursk", "sudzha"), NOW)
    store.delete("main", "sudzha")
    live.sync()

    assert (True, False, True) == (
        before,
        live.may_show(("kursk", "sudzha"), NOW),
        live.may_show(("kursk",), NOW),
    )


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """Threads that give way to each other fifty times as often as usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 50)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("restless_threads")
def test_stale_copies_are_checked_while_another_thread_changes_the_corpus(store, worker):
    """No lock is taken: while one thread loads changes, others show stale copies."""
    live, done = worker(), Event()
    put(store, *IDS)
    live.sync()
    stored = store.stored("main", IDS)

    def edit() -> None:
        for _ in range(200):
            live._corpus.apply(stored)
        done.set()

    with ThreadPoolExecutor(1) as pool:
        editing = pool.submit(edit)
        while not done.is_set():
            live.may_show(("a1", "a39"), NOW)  # an article that is being replaced may be away
        editing.result()

    assert live.may_show(("a1", "a39"), NOW)


def test_spellings_of_one_address_are_kept_once(store, worker):
    live = worker()
    put(store, "kursk")
    ids = {live.id_of_url(f"https://news.example/kursk?utm_source={n}") for n in range(5)}

    assert {"kursk"} == ids
    assert 1 == len(live._ids_by_url)


# What editors decided


def decide(store: Store, kind: str = "block", target: object = "sudzha", **fields: object) -> str:
    """Add a rule and return its id."""
    chosen = {"article": target} if isinstance(target, str) else target
    own = {"id": new_rule_id(NOW), "created_at": NOW, "target": chosen}
    rule = Rule.model_validate({"kind": kind} | own | fields)
    store.rulebook.add("main", rule, EDITOR, NOW)
    return rule.id


def test_a_rule_and_its_end_are_in_the_next_list_of_every_worker(store, worker):
    workers = [worker(), worker()]
    put(store, *STORIES)
    lists = [[shown(live) for live in workers]]
    rule_id = decide(store, source={"article": "kursk"})
    lists.append([shown(live) for live in workers])
    store.rulebook.remove("main", rule_id, EDITOR, NOW)
    lists.append([shown(live) for live in workers])

    assert [[True] * 2, [False] * 2, [True] * 2] == [
        ["sudzha" in ids for ids in of_workers] for of_workers in lists
    ]


def test_pins_have_their_places_and_the_newer_of_two_for_one_place_comes_first(store, worker):
    put(store, *STORIES)
    for number, (target, position) in enumerate([("final", 1), ("budget", 1), ("ceasefire", 3)]):
        source, created_at = {"article": "kursk"}, NOW + timedelta(minutes=number)
        decide(store, "pin", target, source=source, position=position, created_at=created_at)

    assert ["budget", "final", "ceasefire", "sudzha"] == shown(worker())


@pytest.mark.parametrize("seed", range(5))
def test_no_list_breaks_a_rule_whatever_the_rules_are(store, worker, seed):
    chance, live = random.Random(seed), worker()
    sections = {article_id: chance.choice(["World", "Local"]) for article_id in IDS[:12]}
    for article_id, section in sections.items():
        text = [" ".join(chance.choices(WORDS, k=size)) for size in (4, 30)]
        put(store, article_id, section=section, title=text[0], body=text[1])
    for _ in range(6):
        for _ in range(3):
            decide(store, **made_up_rule(chance))
        rules = list(store.rulebook.read("main").rules.values())
        pairs = {(source, item) for source in sections for item in shown(live, source)}

        assert set() == {pair for pair in pairs if any(forbids(r, *pair, sections) for r in rules)}
        for source in sections:
            may = {i for i in sections if not any(forbids(r, source, i, sections) for r in rules)}
            assert pinned(rules, source, sections) & may <= {i for s, i in pairs if s == source}


def made_up_rule(chance: random.Random) -> dict[str, Any]:
    """A rule on the first dozen articles and their sections, as `decide` takes it."""
    articles = chance.sample(IDS[:12], 2)
    one, other = ({"article": i} for i in articles)
    source = chance.choice([one, {"section": chance.choice(["World", "Local"])}])
    kind = chance.choice(["pin", "pin", "block", "block", "boost", "flag"])
    if kind == "flag":
        return {"kind": kind, "flag": chance.choice([*FLAGS]), "target": other}
    if kind == "block" and "section" in source and chance.random() < 0.3:
        return {"kind": kind, "source": source, "target": {"section": "Local"}}
    own = {"pin": {"position": chance.randint(1, 9)}, "boost": {"factor": 10}}.get(kind, {})
    return {"kind": kind, "source": source, "target": other, **own}


def forbids(rule: Rule, source: str, item: str, sections: dict[str, str]) -> bool:
    """Whether a rule keeps *item* out of the list beside *source*, read word by word."""
    if rule.flag is not None:
        hidden, silenced = FLAGS[rule.flag]
        return (hidden and rule.target.article == item) or (
            silenced and rule.target.article == source
        )
    meant = fits(rule.source, source, sections) and fits(rule.target, item, sections)
    return rule.kind == "block" and meant


def pinned(rules: list[Rule], source: str, sections: dict[str, str]) -> set[str]:
    pins = (r for r in rules if r.kind == "pin" and fits(r.source, source, sections))
    return {str(pin.target.article) for pin in pins} - {source}


def fits(selector: Selector, article_id: str, sections: dict[str, str]) -> bool:
    if selector.article is not None:
        return selector.article == article_id
    return selector.section in (None, sections[article_id])


def test_a_worker_that_starts_later_knows_the_rules(store, worker):
    put(store, *STORIES)
    decide(store)

    assert "sudzha" not in shown(worker())


def test_a_rule_of_one_site_is_in_no_list_of_another(store, worker):
    put(store, "kursk", "sudzha")
    store.put("other", [analyse(article("sudzha"))])
    decide(store)

    assert ["sudzha"] == [i.card["id"] for i in recent(worker("other"), LIST, NOW)[0].items]


def test_a_rule_applies_until_it_expires_and_the_list_expires_with_it(store, worker):
    live, ends = worker(), NOW + timedelta(hours=1)
    put(store, *STORIES)
    decide(store, expires_at=ends)
    before, _ = related(live, "kursk", LIST, NOW)
    after, _ = related(live, "kursk", LIST, ends)

    assert (ends, None) == (before.expires_at, after.expires_at)
    assert [False, True] == [
        "sudzha" in [item.card["id"] for item in one.items] for one in (before, after)
    ]


def test_rules_are_read_when_the_log_does_not_reach_back(store, worker, monkeypatch):
    monkeypatch.setattr(article_records, "LOG_LENGTH", 1)
    live = worker()
    put(store, *STORIES)
    live.sync()
    decide(store)
    for first in range(0, 400, 100):
        put(store, *(f"a{n}" for n in range(first, first + 100)))

    assert "sudzha" not in shown(live)


def test_rules_are_gone_with_an_emptied_store(store, worker, raw_redis):
    live = worker()
    put(store, *STORIES)
    decide(store)
    live.sync()
    raw_redis.flushall()
    put(store, *STORIES)

    assert "sudzha" in shown(live)


def test_rules_are_read_when_they_change_and_not_otherwise(store, worker, raw_redis):
    live = worker()
    put(store, *STORIES)
    live.sync()
    raw_redis.config_resetstat()
    put(store, "a1")
    live.sync()
    before = "cmdstat_hgetall" in raw_redis.info("commandstats")
    decide(store)
    raw_redis.config_resetstat()
    for _ in range(3):
        live.sync()

    assert (False, 1) == (before, raw_redis.info("commandstats")["cmdstat_hgetall"]["calls"])


def test_a_damaged_rule_does_not_affect_the_others(store, worker, raw_redis):
    live = worker()
    put(store, *STORIES)
    raw_redis.hset("see:{main}:rules", decide(store, target="budget"), b"rubbish")
    decide(store)

    assert "sudzha" not in shown(live)


def test_workers_make_the_same_list_of_one_version_while_rules_change(store, worker):
    workers, done = [worker() for _ in range(2)], Event()
    put(store, *STORIES)

    def edit() -> None:
        for number in range(60):
            rule_id = decide(store, target=["sudzha", "budget", "final"][number % 3])
            put(store, f"a{number % 5}", title=f"Number {number}")
            if number % 2:
                store.rulebook.remove("main", rule_id, EDITOR, NOW)
        done.set()

    def read(live: SiteReplica) -> list[tuple[int, str]]:
        seen = []
        while not done.is_set():
            related_list, version = related(live, "kursk", LIST, NOW)
            seen.append((version, str([item.card["id"] for item in related_list.items])))
        return seen

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read, live) for live in workers]
        pool.submit(edit).result()
        seen = {entry for reader in readers for entry in reader.result()}

    assert len(seen) == len({version for version, _ in seen})


@pytest.mark.parametrize(
    ("rule", "may"),
    [
        ({"kind": "flag", "flag": "legal"}, {"kursk": False, "sudzha": False, "budget": True}),
        ({"kind": "flag", "flag": "no_related"}, {"kursk": True, "sudzha": False, "budget": True}),
        ({"source": {"article": "kursk"}}, {"kursk": False, "sudzha": True, "budget": True}),
    ],
    ids=["a flag", "no list beside it", "a block of the pair"],
)
def test_no_stale_copy_shows_an_article_that_a_rule_excludes(store, worker, rule, may):
    """Asked of an old list beside each of three articles, which shows the two others or one."""
    live = worker()
    put(store, *STORIES)
    decide(store, **rule)
    live.sync()
    lists = {"kursk": ("sudzha", "final"), "sudzha": ("final",), "budget": ("kursk", "final")}

    assert may == {name: live.may_show((name, *shown), NOW) for name, shown in lists.items()}


@contextmanager
def following(live: SiteReplica) -> Iterator[None]:
    follower = Follower([live])
    follower.start()
    try:
        yield
    finally:
        follower.stop()


def reaches(live: SiteReplica, version: int) -> bool:
    """Whether the follower brings the site there in time."""
    deadline = time.monotonic() + 20 * FOLLOW_SECONDS
    while live.version != version and time.monotonic() < deadline:
        time.sleep(0.01)
    return live.version == version


def test_a_follower_keeps_a_site_current_without_requests(store, worker):
    live = worker()
    with following(live):
        version = put(store, *STORIES)

        assert reaches(live, version)


def test_a_follower_continues_after_an_unexpected_error(store, worker, raw_redis):
    live = worker()
    with following(live):
        assert reaches(live, put(store, "kursk"))
        log = raw_redis.dump("see:{main}:log")
        raw_redis.set("see:{main}:log", "not a log")
        raw_redis.incr("see:{main}:version")
        time.sleep(1.2 * FOLLOW_SECONDS)
        raw_redis.restore("see:{main}:log", 0, log, replace=True)

        assert reaches(live, put(store, "sudzha"))


def test_readers_of_four_workers_never_miss_what_was_acknowledged(store, worker):
    """One writer adds articles, each newer than the one before, and deletes the fifth last."""
    workers, done = [worker() for _ in range(4)], Event()
    added, deleted = [-1], [-1]

    def write() -> None:
        for number in range(120):
            date = (NOW - timedelta(hours=200 - number)).isoformat()
            put(store, f"a{number}", published_at=date)
            added.append(number)
            if number >= 5:
                store.delete("main", f"a{number - 5}")
                deleted.append(number - 5)
        done.set()

    def read(live: SiteReplica) -> list[tuple[int, int, list[int]]]:
        seen = []
        while not done.is_set():
            newest, gone = added[-1], deleted[-1]
            items = recent(live, ListOptions(limit=50), NOW)[0].items
            seen.append((newest, gone, [int(item.card["id"][1:]) for item in items]))
        return seen

    with ThreadPoolExecutor(5) as pool:
        readers = [pool.submit(read, live) for live in workers]
        pool.submit(write).result()
        seen = [entry for reader in readers for entry in reader.result()]

    assert [] == [s for s in seen if s[2] and max(s[2]) < s[0]]
    assert [] == [s for s in seen if s[2] and min(s[2]) <= s[1]]
    assert 1 == len({str(everything(live, ["a118"])) for live in workers})


# What editors settled


def settle(store: Store, site: dict[str, Any], **surfaces: dict[str, Any]) -> None:
    settings = SiteSettings.model_validate({"site": site, "surfaces": surfaces})
    store.rulebook.replace_settings("main", settings, EDITOR, NOW)


def lengths(live: SiteReplica) -> list[int]:
    """Of the lists of a surface with settings, of one without any, and of none."""
    surfaces = ("home", "elsewhere", None)
    lists = [related(live, "kursk", ListOptions(surface=name), NOW)[0] for name in surfaces]
    return [len(one.items) for one in lists]


def test_settings_and_their_end_are_in_the_next_list_of_every_worker(store, worker):
    workers = [worker(), worker()]
    put(store, *STORIES)
    seen = [[lengths(live) for live in workers]]
    for surfaces in ({"home": {"limit": 2}}, {"home": {}}, {}):
        settle(store, {"limit": 3}, **surfaces)
        seen.append([lengths(live) for live in (*workers, worker())])
    settle(store, {})
    seen.append([lengths(live) for live in workers])

    everywhere = [[4, 4, 4]] * 2
    assert [everywhere, [[2, 3, 3]] * 3, [[3, 3, 3]] * 3, [[3, 3, 3]] * 3, everywhere] == seen


def test_a_list_of_a_version_is_made_by_the_settings_of_that_version(store, worker):
    put(store, *IDS)
    first = store.change_log.version("main")
    live, made_one, done = worker(), Event(), Event()

    def edit() -> None:
        for n in range(30):
            settle(store, {"limit": 1 + n % 20})
            if n % 3 == 2:  # or no list would be finished in between
                made_one.clear()
                made_one.wait(5)
        done.set()

    seen = []
    with ThreadPoolExecutor(1) as pool:
        editing = pool.submit(edit)
        while not done.is_set():
            related_list, version = related(live, "a1", ListOptions(), NOW)
            seen.append((version - first, len(related_list.items)))
            made_one.set()
        editing.result()

    assert len({version for version, _ in seen}) > 3
    assert [] == [(v, n) for v, n in seen if v and n != 1 + (v - 1) % 20]


def test_settings_and_rules_apply_together(store, worker):
    live = worker()
    put(store, *STORIES)
    settle(store, {"limit": 2})
    decide(store, "pin", "final", source={"article": "kursk"}, position=1)
    related_list, _ = related(live, "kursk", ListOptions(), NOW)

    assert (2, "final") == (len(related_list.items), related_list.items[0].card["id"])


def test_two_settings_are_compared_without_being_stored(store, worker):
    put(store, *STORIES)
    settle(store, {"limit": 1})
    live = worker()
    both, version = compared_lists(live, "kursk", ListDefaults(limit=2), ListDefaults(limit=4), NOW)

    assert (2, 4) == (len(both.a.items), len(both.b.items))
    assert (store.change_log.version("main"), [1, 1, 1]) == (version, lengths(live))


def test_a_deleted_article_has_nothing_to_compare(store, worker):
    live = worker()
    put(store, *STORIES)
    live.sync()
    store.delete("main", "kursk")

    with pytest.raises(NotFound, match="no article 'kursk'"):
        compared_lists(live, "kursk", ListDefaults(), ListDefaults(), NOW)
    assert 4 == compare_over_sample(live, ListDefaults(), ListDefaults(limit=1), 200, NOW).articles


def test_articles_that_are_deleted_while_a_sample_is_compared_are_left_out(store, worker):
    live, done = worker(), Event()
    put(store, *IDS)

    def delete() -> None:
        for article_id in IDS[::2]:
            store.delete("main", article_id)
            time.sleep(0.01)
        done.set()

    figures = []
    with ThreadPoolExecutor(1) as pool:
        deleting = pool.submit(delete)
        while not done.is_set():
            figures.append(compare_over_sample(live, ListDefaults(), ListDefaults(), 40, NOW))
        deleting.result()
    figures.append(compare_over_sample(live, ListDefaults(), ListDefaults(), 40, NOW))

    assert {(0.0, 1.0)} == {(one.changed, one.overlap) for one in figures}
    assert 20 == figures[-1].articles == min(one.articles for one in figures)


def test_an_empty_site_has_no_figures_to_compare(worker):
    figures = compare_over_sample(worker(), ListDefaults(), ListDefaults(limit=1), 200, NOW)

    assert (0, None, None, None) == figures[:4]
    assert {None} == {*figures.a, *figures.b}


def requests_to_store(raw_redis) -> int:
    return raw_redis.info("commandstats")["cmdstat_mget"]["calls"]


def test_a_list_of_the_known_state_takes_one_request_to_the_store(backend, store, raw_redis):
    put(store, "kursk", "sudzha")
    live = backend.site("main")
    shown(live)
    before = requests_to_store(raw_redis)
    shown(live)
    first, before = requests_to_store(raw_redis) - before, requests_to_store(raw_redis)
    store.change_log.raw_state("main")
    shown(live)

    assert (2, 2) == (first, requests_to_store(raw_redis) - before)
    before = requests_to_store(raw_redis)
    shown(live)
    assert 1 == requests_to_store(raw_redis) - before


def test_a_write_of_another_machine_is_in_a_list_of_the_known_state(backend, redis_url):
    put(backend.store, "kursk", "sudzha")
    live = backend.site("main")

    def as_believed(write: Callable[[], object], article_id: str = "kursk") -> list[str]:
        shown(live)
        time.sleep(change_log.KNOWN_STATE_SECONDS)
        backend.store.change_log.raw_state("main")
        write()
        assert backend.store.change_log.known_state("main") == live._state
        return shown(live, article_id)

    with closing(
        Connection(redis_url, read_seconds=PATIENT_SECONDS)
    ) as connection:  # which rings no bell of ours
        elsewhere = Store(connection)
        assert "ceasefire" in as_believed(lambda: put(elsewhere, "ceasefire"))
        assert "ceasefire" not in as_believed(lambda: elsewhere.delete("main", "ceasefire"))
        assert "kursk" in as_believed(lambda: put(elsewhere, "new"), "new")
