"""Articles from outside into the store: each line has its answer, and twice changes nothing."""

import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from news import STORIES, article

from features.analysis import analyse
from features.vectorizer import FEATURES_VERSION, count_terms
from recommender import ingest as ingest_module
from recommender import preparing
from recommender.articles import article_from_record
from recommender.errors import FieldProblem, InvalidInput, StoreUnavailable
from recommender.ingest import IngestResult, ingest, reindex
from recommender.preparing import BATCH
from recommender.sources.files import ArticleFile
from recommender.sources.records import Record, json_record
from recommender.storage.article_records import article_key
from recommender.storage.store import REFUSALS, Store

BAD_LINES = {
    b"{": ("", "not readable as JSON: EOF while parsing an object at column 1"),
    b"null": ("", "expected a JSON object"),
    b'["kursk"]': ("", "expected a JSON object"),
    b'{"id": "x", "id": "y"}': (
        "",
        'not readable as JSON: Detected duplicate key "id" at column 18',
    ),
    b'{"title": "No id"}': ("/id", "Field required"),
    b'{"id": "", "title": "T"}': ("/id", "expected 1 to 512 bytes of UTF-8, got 0"),
    b'{"id": "a\\nb", "title": "T"}': ("/id", "must not hold control characters"),
    b'{"id": "no-title"}': ("/title", "Field required"),
    b'{"id": "x", "headline": 7}': ("/headline", "expected a string"),
    b'{"id": "x", "title": "T", "version": "new"}': (
        "/version",
        "Input should be a valid integer",
    ),
    b'{"id": "x", "title": "T", "link": "javascript:alert(1)"}': (
        "/link",
        "must be an http or https address",
    ),
    b'{"id": "x", "title": "T", "content": "\\u0000"}': (
        "/content",
        "must not hold NUL characters",
    ),
}


@pytest.fixture
def store(backend) -> Store:
    return backend.store


def good(number: int, **fields: object) -> bytes:
    return orjson.dumps(article(f"a{number}", title=f"Title {number}", **fields))


def import_file(store: Store, path: Path) -> list[IngestResult]:
    with ArticleFile(str(path)) as file:
        return list(ingest(store, "main", file.records()))


def outcomes(store: Store, *articles: dict[str, object]) -> list[str]:
    """The outcome of each, or the reason why it was rejected."""
    records = [Record(number, data) for number, data in enumerate(articles, 1)]
    results = ingest(store, "main", records)
    return [result.outcome or result.problems[0].detail for result in results]


def test_of_10_000_lines_with_37_bad_ones_9_963_are_stored_and_37_reported(store, tmp_path):
    lines = [good(n) for n in range(1, 10_001)]
    expected = {}
    for place in range(37):
        number = 1 + 270 * place
        lines[number - 1], problem = [*BAD_LINES.items()][place % len(BAD_LINES)]
        expected[number] = [FieldProblem(*problem)]
    path = tmp_path / "articles.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join(lines), 1))
    results = import_file(store, path)

    assert {"added": 9_963, None: 37} == Counter(result.outcome for result in results)
    assert list(range(1, 10_001)) == [result.line for result in results]
    assert expected == {r.line: r.problems for r in results if r.outcome is None}
    assert (9_963, 9_963) == (
        store.change_log.version("main"),
        sum(1 for _ in store.all_articles("main")),
    )


def test_the_same_file_twice_changes_nothing(store, tmp_path, raw_redis):
    path = tmp_path / "articles.jsonl"
    path.write_bytes(b"\n".join(good(n) for n in range(300)))
    import_file(store, path)
    before = {key: raw_redis.dump(key) for key in raw_redis.scan_iter()}
    results = import_file(store, path)

    assert {"unchanged"} == {result.outcome for result in results}
    assert before == {key: raw_redis.dump(key) for key in raw_redis.scan_iter()}


def test_the_same_articles_as_csv_and_as_json_are_the_same(store, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(good(1, tags=["war", "peace"], section=None))
    (tmp_path / "a.csv").write_bytes(
        "\ufeffid;headline;content;link;date;lang;keywords;category\r\n"
        'a1;Title 1;"{body}";{url};{published_at};{language};war, peace;\r\n'.format(
            **article("a1")
        ).encode()
    )
    results = [import_file(store, tmp_path / name) for name in ("a.jsonl", "a.csv")]

    assert ["added", "unchanged"] == [result.outcome for [result] in results]


def test_an_older_version_is_rejected_with_the_reason(store):
    assert ["added", "older than the version that is stored"] == outcomes(
        store, article(version=2), article(version=1, title="Old")
    )


def test_what_was_deleted_is_rejected_with_the_reason(store):
    outcomes(store, article(version=3))
    store.delete("main", "kursk")

    assert [REFUSALS["deleted"].detail] == outcomes(store, article(version=3))


def test_of_one_article_twice_the_later_line_wins(store):
    assert ["added", "changed", "unchanged"] == outcomes(
        store, article(), article(title="Later"), article(title="Later")
    )
    assert "Later" == store.article("main", "kursk")["title"]


@pytest.mark.parametrize("data", [None, 7, "kursk", [], {}, {"id": None}, {"id": ["x"]}])
def test_what_is_no_article_is_answered_all_the_same(store, data):
    [result] = ingest(store, "main", [Record(5, data)])

    assert (5, None, None) == (result.line, result.article_id, result.outcome)
    assert result.problems


def test_nothing_in_nothing_out(store):
    assert [] == list(ingest(store, "main", []))


@given(st.lists(st.sampled_from([*BAD_LINES, b"good"]), max_size=12), st.integers(1, 5))
@hypothesis_settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_record_has_one_answer_in_its_place_whatever_the_batches(
    store, raw_redis, lines, batch
):
    raw_redis.flushall()
    records = [
        json_record(n, good(n) if line == b"good" else line) for n, line in enumerate(lines, 1)
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(preparing, "BATCH", batch)
        results = list(ingest(store, "main", records))

    assert [n for n, _ in enumerate(lines, 1)] == [result.line for result in results]
    assert ["added" if line == b"good" else None for line in lines] == [r.outcome for r in results]
    assert lines.count(b"good") == store.change_log.version("main")


def test_results_come_while_the_input_is_still_coming(store):
    taken = []

    def slow_input() -> Iterator[Record]:
        for number in range(3 * BATCH):
            taken.append(number)
            yield Record(number, orjson.loads(good(number)))

    results = ingest(store, "main", slow_input())
    first = next(results)

    assert (0, "added", BATCH) == (first.line, first.outcome, len(taken))


def test_an_import_that_meets_a_store_that_stays_away_says_so_and_goes_on_later(
    store, raw_redis, monkeypatch
):
    monkeypatch.setattr(ingest_module, "PAUSE_SECONDS", 0.01)
    records = [Record(n, orjson.loads(good(n))) for n in range(2 * BATCH)]
    results, done = ingest(store, "main", records, patience_seconds=0.05), []
    done += [next(results) for _ in range(BATCH)]
    raw_redis.replicaof("127.0.0.1", 1)
    try:
        with pytest.raises(StoreUnavailable):
            next(results)
    finally:
        raw_redis.replicaof("NO", "ONE")

    again = [result.outcome for result in ingest(store, "main", records)]
    assert ["added"] * BATCH == [result.outcome for result in done]
    assert ["unchanged"] * BATCH + ["added"] * BATCH == again


def test_an_import_waits_for_a_store_that_comes_back(store, raw_redis, monkeypatch):
    monkeypatch.setattr(ingest_module, "PAUSE_SECONDS", 0.01)
    raw_redis.replicaof("127.0.0.1", 1)
    waited = []

    def come_back(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            raw_redis.replicaof("NO", "ONE")

    monkeypatch.setattr(ingest_module.time, "sleep", come_back)

    assert ["added"] == outcomes(store, article())
    assert 3 == len(waited)


def test_analysing_says_what_is_wrong(store):
    with pytest.raises(InvalidInput, match="title: Field required"):
        analyse({"id": "kursk"})


# --- reindex


@pytest.fixture
def outdated(store, monkeypatch) -> Iterator[None]:
    """Five articles under a features version that is not read any more, one of them deleted."""
    with monkeypatch.context() as earlier:
        earlier.setattr("recommender.storage.packing.FEATURES_VERSION", FEATURES_VERSION - 2)
        outcomes(store, *(article(i, version=3) for i in STORIES))
        store.delete("main", "final", 3)


@pytest.fixture
def expected(store, raw_redis) -> dict[bytes, bytes]:
    """The same articles, imported by the version of today."""
    outcomes(store, *(article(i, version=3) for i in STORIES))
    store.delete("main", "final", 3)
    found = {key: raw_redis.dump(key) for key in raw_redis.scan_iter() if not key.endswith(b":at")}
    raw_redis.flushall()
    return found


def reindexed(store: Store, everything: bool = False) -> int:
    return sum(written for _, written in reindex(store, "main", everything))


def test_reindexing_leaves_what_an_import_would_have_made(store, raw_redis, expected, outdated):
    assert {} == store.stored("main", list(STORIES))
    assert 4 == reindexed(store)

    for key in expected:
        if not key.endswith((b":version", b":log", b":format")):
            assert expected[key] == raw_redis.dump(key), key


def test_every_reindexed_article_is_a_change_that_workers_follow(store, backend, outdated):
    live = backend.site("main")
    live.sync()
    before = store.change_log.version("main")
    reindexed(store)
    live.sync()

    changes = store.change_log.changes("main", before)
    assert sorted(STORIES.keys() - {"final"}) == sorted(change.article_id for change in changes)
    assert live.may_show(("kursk", "sudzha", "ceasefire", "budget"), datetime.now(UTC))


def test_reindexing_twice_changes_nothing(store, raw_redis, outdated):
    reindexed(store)
    before = {key: raw_redis.dump(key) for key in raw_redis.scan_iter()}

    assert (0, 0) == (reindexed(store), reindexed(store, everything=True))
    assert before == {key: raw_redis.dump(key) for key in raw_redis.scan_iter()}


def test_an_import_after_reindexing_changes_nothing(store, outdated):
    reindexed(store)

    assert ["unchanged"] == outcomes(store, article("kursk", version=3))


def test_a_late_copy_of_a_deleted_article_does_not_revive_it_after_an_upgrade(store, outdated):
    assert [REFUSALS["deleted"].detail] == outcomes(store, article("final", version=3))


@pytest.mark.parametrize("how", ["damaged", "evicted"])
def test_reindexing_mends_a_vector(store, raw_redis, how):
    outcomes(store, article())
    [key] = raw_redis.keys("*:vector:*")
    before = raw_redis.dump(key)
    raw_redis.setrange(key, 20, b"?") if how == "damaged" else raw_redis.delete(key)

    assert 1 == reindexed(store)
    assert before == raw_redis.dump(key)


def test_what_is_written_or_deleted_meanwhile_is_left_alone(store, raw_redis, outdated):
    [(_, texts)] = store.texts("main", due_only=True)
    made = [(text, count_terms(article_from_record(orjson.loads(text)))) for text in texts]
    outcomes(store, article("kursk", version=4, title="Newer"))
    store.delete("main", "sudzha")
    before = {key: raw_redis.dump(key) for key in raw_redis.scan_iter("*:vector:*")}

    assert 2 == store.put_features("main", made)
    assert {"kursk", "ceasefire", "budget"} == store.stored("main", list(STORIES)).keys()
    key = f"see:{{main}}:vector:{article_key('main', 'kursk')}".encode()
    assert before[key] == raw_redis.dump(key)


def test_reindexing_reads_text_about_markup_as_text(store, raw_redis):
    outcomes(store, article(body="&lt;b&gt;bold&lt;/b&gt; is a tag"))
    [key] = raw_redis.keys("*:vector:*")
    before = raw_redis.dump(key)
    raw_redis.delete(key)
    reindexed(store)

    assert before == raw_redis.dump(key)


@pytest.mark.parametrize("damage", [b"", b"AR", b"nonsense", None])
def test_reindexing_writes_a_damaged_card_again(store, raw_redis, damage):
    outcomes(store, article(tags=["war"], image="https://news.example/a.jpg"))
    [key] = raw_redis.keys("*:card:*")
    before = raw_redis.dump(key)
    raw_redis.delete(key)
    raw_redis.lpush(key, "a list") if damage is None else raw_redis.set(key, damage)
    version = store.change_log.version("main")

    assert 1 == reindexed(store)
    assert before == raw_redis.dump(key)
    assert version + 1 == store.change_log.version("main")
