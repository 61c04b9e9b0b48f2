"""Is this install in order? Checks, in the order in which things depend on each other."""

import http.client
import os
import platform
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from textwrap import shorten
from typing import Any

import click
import orjson

from api.serve import free_address, url_of
from features.boilerplate import BlockBook, find_line
from recommender import logs
from recommender.backend import Backend
from recommender.checks import Check, RepeatedLine, State, durability
from recommender.config import PREFIX, Settings
from recommender.errors import AlsoSeeError, ConfigurationError
from recommender.index import jit as compiled
from recommender.pipeline.recommender import warm
from recommender.policy.ranking_model import DEFAULTS, RankingModel
from recommender.storage.connections import Connection
from recommender.storage.embedded import EmbeddedServerError
from recommender.storage.events import MAX_FIELDS, EventCounts
from recommender.storage.store import Store

SECRET = frozenset({"ALSOSEE_REDIS_URL", "ALSOSEE_CACHE_URL"})  # may hold a password
LANGUAGES_SHOWN = 8
LINES_SHOWN = 10
LINE_CHARS = 70
NEARLY = 0.8  # of what a day's counts have room for
EMPTY = "no articles: alsosee import FILE"

WORDS: dict[State, str] = {"ok": "ok", "note": "note", "wrong": "WRONG"}


def doctor(as_json: bool) -> int:
    """Print every check and return the exit status."""
    logs.configure("error")  # what it finds stands in its own lines
    found = []
    for check in _checks():
        found.append(check)
        if not as_json:
            _print(check)
    wrong = any(check.state == "wrong" for check in found)
    if as_json:
        click.echo(orjson.dumps({"ok": not wrong, "checks": [_as_json(check) for check in found]}))
    return 1 if wrong else 0


def _print(check: Check) -> None:
    click.echo(f"{WORDS[check.state]:6} {check.name:10} {check.text}")
    for line in check.boilerplate[:LINES_SHOWN]:
        click.echo(f"{'':17} {line.articles:,} × {shorten(line.text or '', LINE_CHARS)}")
    more = len(check.boilerplate) - LINES_SHOWN
    if more > 0:
        click.echo(f"{'':17} and {more:,} more: --json has them all")


def _as_json(check: Check) -> dict[str, Any]:
    fields = {"name": check.name, "state": check.state, "text": check.text}
    lines = [line._asdict() for line in check.boilerplate]
    return {**fields, "boilerplate": lines} if lines else fields


def _checks() -> Iterator[Check]:
    yield Check("Python", "ok", f"{platform.python_version()} at {sys.executable}")
    yield Check("variables", "ok", _variables())
    yield _compiled()
    try:
        settings = Settings.from_environment()
    except ConfigurationError as error:
        yield Check("settings", "wrong", str(error))
        return
    yield _port(settings)
    try:
        with Backend(settings) as backend:
            yield from _store(settings, backend)
    except (AlsoSeeError, EmbeddedServerError) as error:
        yield Check("store", "wrong", str(error))
    yield from _cache(settings)


def _variables() -> str:
    given = sorted(name for name in os.environ if name.startswith(PREFIX))
    shown = [f"{name}={'***' if name in SECRET else os.environ[name]}" for name in given]
    return ", ".join(shown) or "none set: everything has its default"


def _compiled() -> Check:
    warm()
    if compiled.damaged:
        names = ", ".join(sorted(compiled.damaged))
        return Check("compiled", "note", f"what was kept was damaged, and is made anew: {names}")
    return Check("compiled", "ok", "everything that makes lists runs as machine code")


def _port(settings: Settings) -> Check:
    try:
        free_address(settings.host, settings.port)
    except ConfigurationError as error:
        if _is_ours(settings):
            return Check("port", "ok", f"Also See is running at {url_of(settings)}")
        return Check("port", "wrong", str(error))
    return Check("port", "ok", f"{settings.port} of {settings.host} is free")


def _is_ours(settings: Settings) -> bool:
    connection = http.client.HTTPConnection(url_of(settings).removeprefix("http://"), timeout=2.0)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        answer = orjson.loads(response.read())
        return response.status == HTTPStatus.OK and answer == {"status": "ok"}
    except (OSError, http.client.HTTPException, orjson.JSONDecodeError):
        return False
    finally:
        connection.close()


def _store(settings: Settings, backend: Backend) -> Iterator[Check]:
    server = backend.store.server()
    embedded = "" if settings.redis_url else f", embedded, files in {settings.data_dir.resolve()}"
    yield Check("store", "ok", f"{server.name} {server.version}{embedded}")
    yield from durability(server)
    for site in settings.sites:
        yield from _site(backend.store, site)
        if settings.ranking is not None:
            yield _ranking(settings.ranking, site, backend.model(site))
        yield from _events(backend.events, site)
    yield from _keys(settings, backend)


def _site(store: Store, site: str) -> Iterator[Check]:
    before = store.corrupt_records, store.outdated_vectors
    languages: Counter[str] = Counter()
    book, ids = BlockBook(), dict[str, None]()
    for batch in store.all_stored(site):
        fresh = [batch[i] for i in batch if i not in ids]  # a scan may meet one twice
        ids.update(dict.fromkeys(batch))
        book.apply([article.features.blocks.digests for article in fresh], ())
        languages.update((a.facets.language or ("unknown",))[0] for a in fresh)
    damaged, outdated = store.corrupt_records - before[0], store.outdated_vectors - before[1]
    yield _archive(site, len(ids), languages, damaged, outdated)
    lines = _boilerplate(store, site, book, list(ids))
    if lines:
        text = f"{site}: {len(lines):,} lines stand in many articles, and do not count"
        yield Check("boilerplate", "ok", text, lines)


def _ranking(path: Path, site: str, model: RankingModel) -> Check:
    if model == DEFAULTS:
        return Check("ranking", "note", f"{site}: the defaults; {path} says nothing else")
    text = f"{site}: {path}"
    if {"gain", "queries"} <= model.measured.keys():
        text += f", {model.measured['gain']:+} nDCG@10 on {model.measured['queries']} articles"
    return Check("ranking", "ok", text)


def _events(events: EventCounts, site: str) -> Iterator[Check]:
    taken = events.size(site, datetime.now(UTC).date())
    if taken >= NEARLY * MAX_FIELDS:
        text = (
            f"{site}: {taken:,} of today's {MAX_FIELDS:,} counts of impressions and clicks are"
            " taken; beyond that, articles and places that are new today are not counted"
        )
        yield Check("events", "note", text)


def _archive(
    site: str, articles: int, languages: Counter[str], damaged: int, outdated: int
) -> Check:
    shown = ", ".join(f"{name} {n:,}" for name, n in languages.most_common(LANGUAGES_SHOWN))
    if len(languages) > LANGUAGES_SHOWN:
        shown += f" and {len(languages) - LANGUAGES_SHOWN} more languages"
    text = f"{articles:,} articles ({shown})" if articles else "no articles"
    if damaged:
        text += f"; {damaged:,} records are damaged: import the archive again"
    if outdated:
        text += f"; {outdated:,} vectors are outdated: alsosee reindex --site {site}"
    if damaged or outdated:
        return Check(f"site {site}", "wrong", text)
    return Check(f"site {site}", "ok" if articles else "note", text if articles else EMPTY)


def _boilerplate(
    store: Store, site: str, book: BlockBook, ids: Sequence[str]
) -> list[RepeatedLine]:
    texts: dict[str, str] = {}
    lines = []
    for digest, articles, slot in book.boilerplate():
        if ids[slot] not in texts:
            fields = store.article(site, ids[slot]) or {}
            texts[ids[slot]] = fields.get("body") or fields.get("excerpt") or ""
        lines.append(RepeatedLine(articles, find_line(texts[ids[slot]], digest)))
    return lines


def _keys(settings: Settings, backend: Backend) -> Iterator[Check]:
    grants = backend.keys.all()
    for site in settings.sites:
        scopes = Counter(scope for grant in grants if grant.site == site for scope in grant.scopes)
        if "ingest" not in scopes:
            text = f"no key may write to {site}: alsosee keys create --site {site} --scope ingest"
            yield Check("keys", "note", text)
        else:
            shown = ", ".join(f"{n} for {scope}" for scope, n in sorted(scopes.items()))
            yield Check("keys", "ok", f"{site}: {shown}")


def _cache(settings: Settings) -> Iterator[Check]:
    if settings.cache_url is None:
        return
    connection = Connection(settings.cache_url.get_secret_value())
    try:
        server = Store(connection).server()
    except AlsoSeeError as error:
        yield Check("cache", "note", f"lists are made anew each time, because {error}")
        return
    finally:
        connection.close()
    yield Check("cache", "ok", f"{server.name} {server.version}")
    limited = server.options.get("maxmemory", "0") != "0"
    if limited and server.options.get("maxmemory-policy") == "noeviction":
        text = "full, it keeps old lists and refuses new ones: set maxmemory-policy allkeys-lfu"
        yield Check("cache", "note", text)
