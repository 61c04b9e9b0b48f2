"""The rules in the store: atomic changes, audit and undo."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from news import article
from test_store import logged

from features.analysis import analyse
from recommender.errors import Conflict, NotFound
from recommender.policy.rules import Rule
from recommender.policy.site_settings import NO_SETTINGS, ListDefaults, SiteSettings
from recommender.storage import audit, rule_changes
from recommender.storage import rulebook as rulebook_module
from recommender.storage.audit import Editor
from recommender.storage.change_log import ArchiveChange
from recommender.storage.packing import pack_record
from recommender.storage.rulebook import Rulebook, RulesChanged, new_rule_id
from recommender.storage.store import Store

NOW = datetime(2025, 3, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANA, BEN = Editor("k1", "Ana", "Why"), Editor("k2", "Ben")
SEVEN = SiteSettings(site=ListDefaults(limit=7), surfaces={"home": ListDefaults(mode="recent")})
KURSK, SUDZHA, BUDGET = ({"article": name} for name in ("kursk", "sudzha", "budget"))


@pytest.fixture
def store(backend) -> Store:
    return backend.store


@pytest.fixture
def book(store) -> Rulebook:
    return store.rulebook


def rule(kind: str = "block", target: Any = SUDZHA, now: datetime = NOW, **fields: Any) -> Rule:
    needs = {"pin": {"position": 1}, "boost": {"factor": 2.0}, "flag": {"flag": "legal"}}
    given = {"id": new_rule_id(now), "created_at": now, **needs.get(kind, {}), **fields}
    return Rule(kind=kind, target=target, **given)


def ids(book: Rulebook, site: str = "main") -> set[str]:
    return set(book.read(site).rules)


def test_a_rule_is_read_as_it_was_added(book):
    added = rule("pin", source={"section": "World"}, note="Ünïcode", expires_at=NOW + HOUR)
    book.add("main", added, ANA, NOW)

    assert {added.id: added} == book.read("main").rules


def test_a_change_of_rules_counts_the_site_up_and_stands_in_its_log(book, store):
    store.put("main", [analyse(article())])
    book.add("main", rule(), ANA, NOW)

    assert 2 == store.change_log.version("main")
    assert [ArchiveChange(2, "", "rules")] == logged(store, 1)


def test_an_archive_that_begins_with_a_rule_is_told_apart_too(book, store, raw_redis):
    book.add("main", rule(), ANA, NOW)
    before = store.change_log.state("main")
    raw_redis.flushall()
    book.add("main", rule(), ANA, NOW)

    after = store.change_log.state("main")
    assert (1, 1) == (before.version, after.version)
    assert "" != before.at != after.at


def test_rules_belong_to_one_site(book, store):
    book.add("main", rule(), ANA, NOW)

    assert set() == ids(book, "other")
    assert 0 == store.change_log.version("other")
    assert ([], None) == book.audit.page("other", 10)


def test_of_two_rules_on_one_question_the_later_replaces_the_earlier(book):
    old, new = rule(target={"section": "World"}), rule(target={"section": "WORLD"}, note="again")
    for added in (old, new):
        book.add("main", added, ANA, NOW)
    [last, _], _ = book.audit.page("main", 2)

    assert {new.id} == ids(book)
    assert ((old,), (new,)) == (last.before, last.after)


def test_what_is_not_there_cannot_be_removed(book, store):
    with pytest.raises(NotFound, match="no rule 'x'"):
        book.remove("main", "x", ANA, NOW)
    assert 0 == store.change_log.version("main")


def test_a_removed_rule_is_gone(book):
    added = rule()
    book.add("main", added, ANA, NOW)
    book.remove("main", added.id, BEN, NOW)

    assert set() == ids(book)


def test_the_audit_says_who_did_what_when_and_why(book):
    added = rule()
    book.add("main", added, ANA, NOW)
    book.remove("main", added.id, BEN, NOW + HOUR)
    [removal, addition], following = book.audit.page("main", 10)

    assert ("add", NOW, "k1", "Ana", "Why", (), (added,)) == (
        addition.action,
        addition.at,
        addition.key_id,
        addition.author,
        addition.note,
        addition.before,
        addition.after,
    )
    assert ("remove", "Ben", (added,), ()) == (
        removal.action,
        removal.author,
        removal.before,
        removal.after,
    )
    assert following is None


# The overrides of one article


def test_overrides_are_what_stands_beside_an_article_and_what_is_about_it_everywhere(book):
    own = [
        rule("pin", source=KURSK),
        rule("block", {"section": "Sport"}, source=KURSK),
        rule("flag", KURSK),
        rule("boost", KURSK),
    ]
    others = [
        rule("block", KURSK, source=SUDZHA),
        rule("boost", KURSK, source={"section": "World"}),
        rule("flag", SUDZHA),
        rule("block", BUDGET),
    ]
    for added in (*own, *others):
        book.add("main", added, ANA, NOW)

    assert {r.id for r in own} == {r.id for r in book.overrides("main", "kursk", NOW).rules}


def test_overrides_are_replaced_as_a_whole(book):
    rules = [rule(source=KURSK), rule("pin", BUDGET, source=KURSK)]
    book.add("main", rule("flag", KURSK), ANA, NOW)
    book.add("main", rule("flag", SUDZHA, id="kept"), ANA, NOW)
    overrides = book.replace("main", "kursk", rules, ANA, NOW)

    assert {r.id for r in rules} | {"kept"} == ids(book)
    assert overrides == book.overrides("main", "kursk", NOW)


def test_a_rule_that_stays_as_it_is_keeps_its_author_and_writes_nothing(book, store):
    old = rule(source=KURSK, author="Ana")
    book.replace("main", "kursk", [old], ANA, NOW)
    later = rule(source=KURSK, author="Ben", now=NOW + HOUR)
    overrides = book.replace("main", "kursk", [later], BEN, NOW + HOUR)

    assert (old,) == overrides.rules
    assert 1 == store.change_log.version("main")


def test_a_rule_that_is_changed_keeps_its_id(book):
    old = rule("pin", source=KURSK, author="Ana")
    book.replace("main", "kursk", [old], ANA, NOW)
    new = rule("pin", source=KURSK, author="Ben", position=2)
    book.replace("main", "kursk", [new], BEN, NOW)

    assert {old.id: new.model_copy(update={"id": old.id})} == book.read("main").rules


def test_an_editor_with_an_older_revision_learns_who_changed_the_rules(book):
    before = book.overrides("main", "kursk", NOW).revision
    book.replace("main", "kursk", [rule(source=KURSK)], ANA, NOW)
    book.add("main", rule(target=BUDGET), BEN, NOW + HOUR)
    rules = [rule("flag", KURSK)]
    message = r"^Ana \(key k1\) changed these rules on 20 March 2025, 00:00 UTC$"

    with pytest.raises(RulesChanged, match=message):
        book.replace("main", "kursk", rules, BEN, NOW, {before})
    assert (SUDZHA["article"],) == tuple(
        r.target.article for r in book.overrides("main", "kursk", NOW).rules
    )


def test_changes_of_other_articles_do_not_change_the_revision(book):
    before = book.overrides("main", "kursk", NOW).revision
    book.add("main", rule(target=BUDGET), BEN, NOW)
    overrides = book.replace("main", "kursk", [rule(source=KURSK)], ANA, NOW, {before})

    assert overrides.revision != before


def test_of_editors_at_once_one_wins_and_the_others_hear_of_it(book):
    before = book.overrides("main", "kursk", NOW).revision

    def write(position: int) -> bool:
        rules = [rule("pin", source=KURSK, position=position)]
        try:
            book.replace("main", "kursk", rules, ANA, NOW, {before})
        except RulesChanged:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert 1 == sum(pool.map(write, range(1, 9)))
    assert 1 == len(ids(book))
    assert 1 == len(book.audit.page("main", 10)[0])


def test_writers_of_different_rules_all_succeed(book, store):
    def write(number: int) -> None:
        book.add("main", rule(target={"article": f"a{number}"}), ANA, NOW)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(30)))

    assert (
        30
        == len(ids(book))
        == store.change_log.version("main")
        == len(book.audit.page("main", 99)[0])
    )


# Undo


def test_an_addition_a_removal_and_a_replacement_can_be_undone(book):
    first, second = rule(), rule(note="again")
    for added in (first, second):
        book.add("main", added, ANA, NOW)
    book.remove("main", second.id, ANA, NOW)
    states = [set(ids(book))]
    for entry in book.audit.page("main", 10)[0]:
        book.undo("main", entry.id, BEN, NOW)
        states.append(ids(book))

    assert [set(), {second.id}, {first.id}, set()] == states


def test_an_undo_is_an_entry_of_its_own_and_can_be_undone(book):
    added = rule()
    book.add("main", added, ANA, NOW)
    [addition], _ = book.audit.page("main", 1)
    undone = book.undo("main", addition.id, BEN, NOW)
    again = book.undo("main", undone.id, ANA, NOW)

    assert {added.id} == ids(book)
    assert [("undo", undone.id), ("undo", addition.id), ("add", None)] == [
        (entry.action, entry.undoes) for entry in book.audit.page("main", 10)[0]
    ]
    assert again == book.audit.page("main", 1)[0][0]


def test_a_change_is_undone_while_the_undo_of_it_stands(book):
    book.add("main", rule(), ANA, NOW)
    book.add("main", rule(target=BUDGET), ANA, NOW)
    page, _ = book.audit.page("main", 10)
    first = book.undo("main", "1-1", BEN, NOW)
    undone = [book.audit.undone("main", page)]
    book.undo("main", first.id, ANA, NOW)
    undone.append(book.audit.undone("main", page))
    again = book.undo("main", "1-1", ANA, NOW)
    undone.append(book.audit.undone("main", page))
    longer, _ = book.audit.page("main", 10)

    assert [{"1-1": first}, {}, {"1-1": again}] == undone
    assert {"1-1": "5-1", "3-1": "4-1"} == {
        entry_id: undo.id for entry_id, undo in book.audit.undone("main", longer).items()
    }
    assert {} == book.audit.undone("main", []) == book.audit.undone("other", longer)


def test_what_was_touched_since_cannot_be_undone(book):
    added = rule()
    book.add("main", added, ANA, NOW)
    [addition], _ = book.audit.page("main", 1)
    book.remove("main", added.id, ANA, NOW)
    [removal], _ = book.audit.page("main", 1)
    book.add("main", rule(note="once more"), ANA, NOW)

    for entry in (addition, removal):
        with pytest.raises(Conflict, match="a later change touched the same rules"):
            book.undo("main", entry.id, BEN, NOW)


def test_overrides_can_be_undone_while_others_change(book):
    old = rule("pin", source=KURSK)
    book.replace("main", "kursk", [old], ANA, NOW)
    book.replace("main", "kursk", [rule("flag", KURSK)], BEN, NOW)
    [entry], _ = book.audit.page("main", 1)
    book.add("main", rule(target=BUDGET), ANA, NOW)
    book.undo("main", entry.id, ANA, NOW)

    assert (old,) == book.overrides("main", "kursk", NOW).rules


@pytest.mark.parametrize("entry_id", ["", "1", "1-1", "x", "-", "+", "1-1\n", "9" * 30, "*"])
def test_an_entry_that_never_was_cannot_be_undone(book, entry_id):
    with pytest.raises(NotFound, match="no audit entry"):
        book.undo("main", entry_id, ANA, NOW)


# Settings


def test_settings_are_read_as_they_were_written_and_count_the_site_up(book, store):
    stored = book.replace_settings("main", SEVEN, ANA, NOW)

    assert (SEVEN, stored) == (book.read("main").settings, book.settings("main"))
    assert [ArchiveChange(1, "", "rules")] == logged(store, 0)
    assert NO_SETTINGS == book.settings("other").settings


def test_the_same_settings_again_write_nothing(book, store):
    first = book.replace_settings("main", SEVEN, ANA, NOW)
    again = book.replace_settings("main", SEVEN, BEN, NOW + HOUR)

    assert (first, 1) == (again, store.change_log.version("main"))


def test_a_change_of_settings_leaves_the_rules_and_the_other_way_round(book):
    added = rule()
    book.add("main", added, ANA, NOW)
    book.replace_settings("main", SEVEN, ANA, NOW)
    book.add("main", rule(target=BUDGET, id="later"), ANA, NOW)

    assert {added.id, "later"} == ids(book)
    assert SEVEN == book.settings("main").settings


def test_the_audit_says_who_changed_settings_and_how(book):
    book.replace_settings("main", SEVEN, ANA, NOW)
    book.add("main", rule(), BEN, NOW)
    entries, _ = book.audit.page("main", 10)
    changed = entries[1]

    assert ("settings", NOW, "k1", "Ana", "Why") == (
        changed.action,
        changed.at,
        changed.key_id,
        changed.author,
        changed.note,
    )
    assert (NO_SETTINGS, SEVEN) == (changed.settings.before, changed.settings.after)
    assert ["add"] == [e.action for e in book.audit.page("main", 10, "sudzha")[0]]


def test_an_editor_with_older_settings_learns_who_changed_them(book):
    before = book.settings("main").revision
    book.replace_settings("main", SEVEN, ANA, NOW)
    book.add("main", rule(), BEN, NOW + HOUR)
    message = r"^Ana \(key k1\) changed these settings on 20 March 2025, 00:00 UTC$"

    with pytest.raises(RulesChanged, match=message):
        book.replace_settings("main", NO_SETTINGS, BEN, NOW, {before})
    assert SEVEN == book.settings("main").settings


def test_changes_of_rules_do_not_change_the_revision_of_settings(book):
    before = book.settings("main").revision
    book.add("main", rule(), BEN, NOW)
    stored = book.replace_settings("main", SEVEN, ANA, NOW, {"other", before})

    assert SEVEN == stored.settings


def test_settings_go_back_and_forth(book):
    book.replace_settings("main", SEVEN, ANA, NOW)
    states = []
    for _ in range(3):
        [last], _ = book.audit.page("main", 1)
        book.undo("main", last.id, BEN, NOW)
        states.append(book.settings("main").settings)
    [last], _ = book.audit.page("main", 1)

    assert [NO_SETTINGS, SEVEN, NO_SETTINGS] == states
    assert ("undo", "3-1", "Ben", SEVEN) == (
        last.action,
        last.undoes,
        last.author,
        last.settings.before,
    )


def test_settings_that_were_changed_since_are_not_undone(book):
    book.replace_settings("main", SEVEN, ANA, NOW)
    [first], _ = book.audit.page("main", 1)
    book.replace_settings("main", NO_SETTINGS, BEN, NOW)

    with pytest.raises(Conflict, match="a later change touched the same settings"):
        book.undo("main", first.id, ANA, NOW)


def test_of_editors_of_settings_at_once_one_wins_and_the_others_hear_of_it(book):
    before = book.settings("main").revision

    def write(limit: int) -> bool:
        settings = SiteSettings(site=ListDefaults(limit=limit))
        try:
            book.replace_settings("main", settings, ANA, NOW, {before})
        except RulesChanged:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert 1 == sum(pool.map(write, range(1, 9)))
    assert 1 == len(book.audit.page("main", 10)[0])


def test_damaged_settings_are_as_none_and_can_be_replaced(book, raw_redis):
    book.replace_settings("main", SEVEN, ANA, NOW)
    record = raw_redis.get("see:{main}:settings")
    for damaged in (record[:-1], b"", pack_record(b'{"site": {"limit": 0}}')):
        raw_redis.set("see:{main}:settings", damaged)
        assert NO_SETTINGS == book.read("main").settings
    book.replace_settings("main", SEVEN, BEN, NOW)

    assert (SEVEN, 4) == (book.settings("main").settings, book.corrupt_records)


# Expiry


def test_an_expired_rule_goes_with_the_next_change_and_the_audit_says_so(book):
    short, other = rule(expires_at=NOW + HOUR), rule(target=BUDGET, now=NOW + HOUR)
    book.add("main", short, ANA, NOW)
    before = ids(book)
    book.add("main", other, BEN, NOW + HOUR)
    [_, expiry, _], _ = book.audit.page("main", 10)

    assert ({short.id}, {other.id}) == (before, ids(book))
    assert ("expire", "", (short,)) == (expiry.action, expiry.key_id, expiry.before)


def test_an_expired_rule_is_none_for_editors(book):
    short = rule("pin", source=KURSK, expires_at=NOW + HOUR)
    book.add("main", short, ANA, NOW)

    assert () == book.overrides("main", "kursk", NOW + HOUR).rules
    with pytest.raises(NotFound):
        book.remove("main", short.id, ANA, NOW + HOUR)


def test_expired_rules_do_not_come_back(book):
    short = rule(expires_at=NOW + HOUR)
    book.add("main", short, ANA, NOW)
    book.remove("main", short.id, ANA, NOW)
    [removal], _ = book.audit.page("main", 1)

    with pytest.raises(Conflict, match="nothing to undo"):
        book.undo("main", removal.id, ANA, NOW + HOUR)


# Bounds


def test_a_site_has_at_most_10_000_rules(book, store, raw_redis):
    many = {f"{n:019x}": rule(target={"article": f"a{n}"}, id=f"{n:019x}") for n in range(10_000)}
    packed = {name: rule_changes.pack_model(one) for name, one in many.items()}
    raw_redis.hset("see:{main}:rules", mapping=packed)

    assert 10_000 == len(ids(book))
    with pytest.raises(Conflict, match="at most 10000 rules"):
        book.add("main", rule(), ANA, NOW)
    book.add("main", rule(target={"article": "a7"}), ANA, NOW)
    assert 10_000 == len(ids(book))


def test_at_most_50_pins_stand_beside_one_article(book):
    pins = [rule("pin", {"article": f"a{n}"}, source=KURSK) for n in range(50)]
    book.replace("main", "kursk", pins, ANA, NOW)
    book.add("main", rule("pin", source=BUDGET), ANA, NOW)

    with pytest.raises(Conflict, match="at most 50 pins"):
        book.add("main", rule("pin", source=KURSK), ANA, NOW)


def test_the_audit_forgets_its_oldest_entries(book, monkeypatch):
    monkeypatch.setattr(rulebook_module, "AUDIT_LENGTH", 100)
    for n in range(300):
        book.add("main", rule(note=str(n)), ANA, NOW)
    entries, following = book.audit.page("main", 500)

    assert 100 <= len(entries) <= 200  # the server trims in blocks of a hundred
    assert "299" == entries[0].after[0].note
    assert following is None


def test_the_audit_comes_in_pages_and_of_one_article(book, monkeypatch):
    monkeypatch.setattr(audit, "BATCH", 4)
    for n in range(20):
        book.add("main", rule(target=[SUDZHA, BUDGET][n % 2], note=str(n)), ANA, NOW)
    notes, following = [], None
    for _ in range(99):
        page, following = book.audit.page("main", 3, "budget", following)
        notes += [entry.after[0].note for entry in page]
        if following is None:
            break

    assert [str(n) for n in range(19, 0, -2)] == notes


def test_a_page_looks_through_no_more_than_it_may(book, monkeypatch):
    monkeypatch.setattr(audit, "BATCH", 2)
    monkeypatch.setattr(audit, "MAX_SEARCHED", 4)
    book.add("main", rule(target=BUDGET), ANA, NOW)
    for n in range(5):
        book.add("main", rule(note=str(n)), ANA, NOW)
    first, following = book.audit.page("main", 3, "budget")
    second, _ = book.audit.page("main", 3, "budget", following)

    assert ([], ["budget"]) == (first, [entry.after[0].target.article for entry in second])


def test_a_rule_of_a_later_version_is_read_without_what_is_new_in_it(book, raw_redis):
    added = rule("flag")
    fields = orjson.loads(added.model_dump_json()) | {"colour": "red"}
    raw_redis.hset("see:{main}:rules", added.id, pack_record(orjson.dumps(fields)))

    assert {added.id: added} == book.read("main").rules


# Damage


def test_a_damaged_rule_is_passed_over_and_counted(book, raw_redis):
    good, bad = rule(), rule(target=BUDGET)
    for added in (good, bad):
        book.add("main", added, ANA, NOW)
    record = raw_redis.hget("see:{main}:rules", bad.id)
    for damaged in (record[:-1], record.replace(b"budget", b"budgex"), b""):
        raw_redis.hset("see:{main}:rules", bad.id, damaged)

        assert {good.id} == ids(book)
    assert 3 == book.corrupt_records


def test_a_damaged_audit_entry_is_passed_over(book, raw_redis):
    book.add("main", rule(), ANA, NOW)
    raw_redis.xadd("see:{main}:audit", {"entry": b"rubbish"}, id="2-1")
    raw_redis.xadd("see:{main}:audit", {"other": b"field"}, id="3-1")

    assert ["1-1"] == [entry.id for entry in book.audit.page("main", 10)[0]]
    with pytest.raises(NotFound):
        book.undo("main", "2-1", ANA, NOW)


def test_ids_are_in_the_order_of_their_moments_to_the_microsecond() -> None:
    start = datetime(2026, 3, 1, 23, 59, 59, 999_000, tzinfo=UTC)
    ids_by_age = [new_rule_id(start + timedelta(microseconds=n)) for n in range(2000)]

    assert sorted(ids_by_age) == ids_by_age
    assert {22} == set(map(len, ids_by_age))
