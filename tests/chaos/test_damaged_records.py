"""Whatever is in the store is data from outside: no damage is an error 500, and repair heals it."""

import copy
import os
import pickle
import random
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
import redis
from desk_visit import DeskVisit
from flask import Flask
from flask.testing import FlaskClient
from news import STORIES, article
from servers import PATIENT_SECONDS, copied, new_server, put_back, put_backend

from api.app import create_app
from recommender.backend import Backend
from recommender.config import Settings
from recommender.errors import ConfigurationError, CorruptRecord
from recommender.replica.surveyor import conduct
from recommender.storage.evaluations import EvaluationFigures, MeasureFigures
from recommender.storage.events import Event
from recommender.storage.packing import pack_record, unpack_record

NOW = datetime.now(UTC)
KURSK = "/v1/main/articles/kursk"
DRAFT = {"title": STORIES["kursk"][0], "body": STORIES["kursk"][1]}
BLOCK = {"kind": "block", "target": {"article": "final"}}

READS = [
    "/readyz",
    f"{KURSK}/related",
    f"{KURSK}/related?limit=3&offset=0",
    f"{KURSK}/related.html",
    f"{KURSK}/related.rss",
    f"{KURSK}/related.json",
    f"{KURSK}/related.jsonld",
    "/v1/main/related?url=https://news.example/kursk",
    "/v1/main/recent?limit=7",
    f"{KURSK}/related/explain",
    f"{KURSK}/related/explain?target=budget",
    KURSK,
    f"{KURSK}/overrides",
    "/v1/main/rules",
    "/v1/main/audit",
    "/v1/main/settings",
    "/v1/main/overview",
]
# Answers that tell the archive, and not how often or when something happened.
STABLE_READS = [path for path in READS if "overview" not in path and "readyz" not in path]
PAGES = ["/", "/article?id=kursk", "/settings", "/overview", "/changes", "/draft", "/survey.json"]
WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/v1/main/links", DRAFT),
    ("POST", "/v1/main/related", DRAFT),
    ("POST", "/v1/main/events", {"events": [{"type": "click", "article": "kursk", "position": 1}]}),
    ("PUT", KURSK, article("kursk")),
    ("PUT", f"{KURSK}/overrides", {"rules": []}),
    ("PUT", "/v1/main/settings", {"site": {"limit": 4}}),
    ("POST", "/v1/main/settings/compare", {"a": {}, "b": {"limit": 2}, "article": "kursk"}),
    ("POST", "/v1/main/rules", BLOCK),
    ("POST", "/v1/main/audit/9-1/undo", None),
    ("DELETE", "/v1/main/articles/budget", None),
]


class Site(NamedTuple):
    """A site with at least one record of every kind, and who may see all of it."""

    app: Flask
    settings: Settings
    raw: "redis.Redis"
    records: dict[bytes, bytes]
    key: dict[str, str]
    cookie: str


def visitor(backend: Backend, site: Site) -> FlaskClient:
    """Somebody who is signed in, before a worker with this backend."""
    put_backend(site.app, backend)
    client = site.app.test_client()
    name, _, value = site.cookie.partition("=")
    client.set_cookie(name, value)
    return client


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("damaged")
    with new_server() as server:
        settings = Settings(
            redis_url=server.url, data_dir=folder, store_timeout_seconds=PATIENT_SECONDS
        )
        with Backend(settings) as backend, redis.Redis.from_url(server.url) as raw:
            key = backend.keys.create("main", ["ingest", "admin"])
            bearer = {"Authorization": f"Bearer {key}"}
            app = create_app(backend=backend)
            client = app.test_client()
            fill(backend, client, bearer)
            cookie = signed_in(backend, client)
            for path in READS:
                assert client.get(path, headers=bearer).status_code in (200, 404), path
            yield Site(app, settings, raw, copied(raw), bearer, cookie)


def fill(backend: Backend, client: FlaskClient, bearer: dict[str, str]) -> None:
    lines = [orjson.dumps(article(one, section="World", tags=["war"])) for one in STORIES]
    assert client.post("/v1/main/articles", data=b"\n".join(lines), headers=bearer).text
    client.delete("/v1/main/articles/final", headers=bearer)
    for method, path, sent in WRITES[2:8]:
        client.open(path, method=method, json=sent, headers=bearer)
    for days_ago in (0, 1, 5):
        day = (NOW - timedelta(days=days_ago)).date()
        backend.events.add("main", [Event("impression", "kursk", 1), Event("click", "a:b", 2)], day)
    figures = MeasureFigures(mean=0.5, low=0.4, high=0.6)
    backend.evaluations.keep(
        "main",
        EvaluationFigures(
            made_at=NOW, articles=5, queries=3, systems={"alsosee": {"nDCG@10": figures}}
        ),
    )
    claim = backend.surveys.claim("main")
    assert claim is not None
    conduct(backend.surveys, backend.site("main"), claim, lambda *_: None)
    assert backend.surveys.claim("main") is not None  # of a survey that is under way


def signed_in(backend: Backend, client: FlaskClient) -> str:
    desk = DeskVisit(client, backend, "admin")
    answer = desk.sign_in()
    return re.split("[;,]", answer.headers["Set-Cookie"])[0]


# Damage


def kinds(site: Site) -> dict[str, bytes]:
    """One key of every kind, by its name without what is an article's or a day's own."""
    found: dict[str, bytes] = {}
    for key in sorted(site.records):
        name = re.sub(r"[a-z2-7]{26}|[0-9a-f]{64}|\d{4}-\d\d-\d\d", "*", key.decode())
        name = re.sub(r":list:.*", ":list:*", name)
        found.setdefault(name, key)
    return found


NAMES = [
    "see:keys",
    "see:session:*",
    "see:{main}:at",
    "see:{main}:audit",
    "see:{main}:card:*",
    "see:{main}:evaluation",
    "see:{main}:events:*",
    "see:{main}:events:*:sums",
    "see:{main}:format",
    "see:{main}:heads",
    "see:{main}:imports",
    "see:{main}:list:*",
    "see:{main}:log",
    "see:{main}:rules",
    "see:{main}:settings",
    "see:{main}:survey",
    "see:{main}:survey:running",
    "see:{main}:text:*",
    "see:{main}:urls",
    "see:{main}:vector:*",
    "see:{main}:version",
]
# Workers hold what is in these. One that has started during the damage reads the article again with
# its next change, such as `alsosee reindex` makes.
HELD = {"see:{main}:card:*", "see:{main}:heads", "see:{main}:vector:*"}
# One of so many ways, chosen by their order; `EVERY=1 pytest tests/chaos/test_damaged_records.py`
# tries all of them, which takes some minutes.
EVERY = int(os.environ.get("EVERY", "6"))
BYTES = [b"", b"-5", b"\xff\xfe", b"null", b"[]", b"{}", b"9" * 40, bytes(64)]
LEAVES: list[Any] = [None, -5, 2**63 - 1, 1e300, "", "\x00", "x" * 50, [], {}, [[[]]], True]


def damaged_values(value: bytes, others: list[bytes], chance: random.Random) -> Iterator[bytes]:
    """The value with a bit flipped, cut, swapped, replaced, and with a leaf of its JSON changed."""
    for _ in range(3 if value else 0):
        place = chance.randrange(len(value))
        flipped = value[place] ^ (1 << chance.randrange(8))
        yield value[:place] + bytes([flipped]) + value[place + 1 :]
    yield value[: len(value) // 2]
    yield from chance.sample(others, min(3, len(others)))
    yield from BYTES
    yield from changed_documents(value, chance)


def changed_documents(value: bytes, chance: random.Random) -> Iterator[bytes]:
    """Sound records whose content makes no sense."""
    is_packed = True
    try:
        text = unpack_record(value)
    except CorruptRecord:
        is_packed = False
        text = value
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return
    for _ in range(12):
        changed = orjson.dumps(with_changed_leaf(document, chance))
        yield pack_record(changed) if is_packed else changed


def with_changed_leaf(document: Any, chance: random.Random) -> Any:
    changed = copy.deepcopy(document)
    place, parent, name = changed, None, None
    while isinstance(place, dict | list) and place and (parent is None or chance.random() < 0.8):
        name = (
            chance.choice(list(place)) if isinstance(place, dict) else chance.randrange(len(place))
        )
        parent, place = place, place[name]
    if parent is None:
        return chance.choice(LEAVES)
    if isinstance(parent, dict) and chance.random() < 0.2:
        del parent[name]
    else:
        parent[name] = chance.choice(LEAVES)
    return changed


def damages(site: Site, key: bytes, chance: random.Random) -> Iterator[str]:
    """Damage the record in one way after the other; restored before each."""
    raw = site.raw
    kind = raw.type(key).decode()
    others = [raw.get(one) for one in sorted(site.records) if raw.type(one) == b"string"]
    if kind == "string":
        value = raw.get(key)
        for damaged in damaged_values(value, others, chance):
            raw.set(key, damaged)
            yield repr(damaged[:80])
    elif kind == "hash":
        fields = raw.hgetall(key)
        for field in chance.sample(sorted(fields), min(2, len(fields))):
            for damaged in damaged_values(fields[field], others, chance):
                raw.hset(key, field, damaged)
                yield f"{field!r}: {damaged[:80]!r}"
        for field in (b"", b"\xff", b"i1", b"c:x", b"ix:y", b"iix:\xff"):
            raw.hset(key, field, 1)
            yield f"a new field {field!r}"
        first, *rest = fields
        if rest:
            raw.hset(key, mapping={first: fields[rest[0]], rest[0]: fields[first]})
            yield "two fields swapped"
    elif kind == "list":
        for damaged in damaged_values(raw.lindex(key, 0), others, chance):
            raw.lset(key, 0, damaged)
            yield repr(damaged[:80])
    elif kind == "stream":
        yield from damaged_streams(raw, key, chance)
    for other in ("string", "hash", "list", "stream"):
        if other != kind:
            raw.delete(key)
            plant(raw, key, other)
            yield f"a {other}"
    raw.delete(key)
    yield "nothing"


def damaged_streams(raw: "redis.Redis", key: bytes, chance: random.Random) -> Iterator[str]:
    entries = raw.xrange(key)
    last, fields = entries[-1]
    for name, value in fields.items():
        for damaged in damaged_values(value, [], chance):
            raw.delete(key)
            for entry_id, entry in entries:
                raw.xadd(key, {**entry, name: damaged} if entry_id == last else entry, entry_id)
            yield f"{name!r}: {damaged[:80]!r}"
    raw.xadd(key, {"other": "field"})
    yield "an entry without our fields, of today"
    raw.xadd(key, {"other": "field"}, "9999999999-1")
    yield "an entry with an id of the far future"
    raw.xtrim(key, 0)
    yield "no entries"


def plant(raw: "redis.Redis", key: bytes, kind: str) -> None:
    if kind == "string":
        raw.set(key, "x")
    elif kind == "hash":
        raw.hset(key, "x", "y")
    elif kind == "list":
        raw.lpush(key, "x")
    else:
        raw.xadd(key, {"x": "y"})


# What is asked


def failures(client: FlaskClient, site: Site) -> list[str]:
    """Every request that an error answers which is ours; 503 says that the store is in order."""
    wrong = []
    for path in READS:
        wrong += _failure(client, "GET", path, None, site.key)
    for path in PAGES:
        wrong += _failure(client, "GET", f"/editor/main{path}", None, {})
    for method, path, sent in WRITES:
        wrong += _failure(client, method, path, sent, site.key)
    return wrong


def _failure(
    client: FlaskClient, method: str, path: str, sent: Any, headers: dict[str, str]
) -> list[str]:
    answer = client.open(path, method=method, json=sent, headers=headers)
    is_ours = answer.status_code >= 500 and answer.status_code != 503
    return [f"{method} {path}: {answer.status_code}"] if is_ours else []


def answers(client: FlaskClient, site: Site) -> dict[str, Any]:
    """What readers get, without what differs from one worker to another."""
    found = {}
    for path in STABLE_READS:
        answer = client.get(path, headers=site.key)
        found[path] = answer.status_code, answer.json if answer.is_json else len(answer.data)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_no_damage_of_a_record_is_an_error_500_and_repair_heals(
    site: Site, name: str, logged: Callable[[], set[str]]
) -> None:
    put_back(site.raw, site.records)
    key = kinds(site)[name]
    wrong: list[str] = []
    with Backend(site.settings) as running:
        expected = answers(visitor(running, site), site)
        for number, what in enumerate(damages(site, key, random.Random(name))):
            if number % EVERY == 0:
                damage = site.raw.dump(key)
                wrong += [f"{what}, {one}" for one in failures(visitor(running, site), site)]
                put_back(site.raw, site.records | ({key: damage} if damage else {}))
                wrong += [
                    f"{what}, {one}" for one in failures_of_a_new_worker(site, name, expected)
                ]
                if answers(visitor(running, site), site) != expected:
                    wrong.append(f"{what}: the running worker is not healed")
            put_back(site.raw, site.records)
    assert [] == wrong[:20]


def failures_of_a_new_worker(site: Site, name: str, expected: dict[str, Any]) -> list[str]:
    """What goes wrong in a worker that starts with the damage, and whether it and others heal."""
    try:
        new = Backend(site.settings)
    except ConfigurationError:  # a program that cannot read the features refuses to start
        assert name == "see:{main}:format"
        put_back(site.raw, site.records)
        return []
    with new:
        wrong = [f"a new worker: {one}" for one in failures(visitor(new, site), site)]
        put_back(site.raw, site.records)
        if name not in HELD and answers(visitor(new, site), site) != expected:
            wrong.append("the new worker is not healed")
    with Backend(site.settings) as later:
        if answers(visitor(later, site), site) != expected:
            wrong.append("a later worker is not healed")
    return wrong


class Canary:
    """Unpickling it makes a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> Any:
        return Path.touch, (self._file,)


@pytest.mark.parametrize("name", NAMES)
def test_a_pickle_in_place_of_a_record_is_never_run(site: Site, name: str, tmp_path: Path) -> None:
    put_back(site.raw, site.records)
    key = kinds(site)[name]
    canary = tmp_path / "canary"
    plant_everywhere(site.raw, key, pickle.dumps(Canary(canary)))
    try:
        with Backend(site.settings) as backend:
            wrong = failures(visitor(backend, site), site)
    except ConfigurationError:  # a program that cannot read the features refuses to start
        assert name == "see:{main}:format"
        wrong = []
    put_back(site.raw, site.records)

    assert [] == wrong
    assert not canary.exists()


def plant_everywhere(raw: "redis.Redis", key: bytes, planted: bytes) -> None:
    """Replace all values under a key, whatever holds them."""
    kind = raw.type(key)
    if kind == b"hash":
        raw.hset(key, mapping=dict.fromkeys(raw.hkeys(key), planted))
    elif kind == b"list":
        raw.lset(key, 0, planted)
    elif kind == b"stream":
        raw.xadd(key, dict.fromkeys(raw.xrange(key)[-1][1], planted))
    else:
        raw.set(key, planted)


def test_every_kind_of_record_is_damaged(site: Site) -> None:
    assert sorted(NAMES) == sorted(kinds(site))
