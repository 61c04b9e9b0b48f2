"""`alsosee doctor`: checks of an installation, from the foundations up."""

import http.client
import os
import platform
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from http import HTTPStatus
from pathlib import Path
from textwrap import shorten
from typing import Any

import click
import orjson

from api.cli.options import JSON
from api.serve import free_address, url_of
from features.boilerplate import BlockBook, find_line
from features.language import UNKNOWN
from recommender import logs
from recommender.articles import NO_PAGE
from recommender.backend import Backend
from recommender.checks import Check, RepeatedLine, State, durability
from recommender.config import PREFIX, Settings
from recommender.disk_space import DiskSpace
from recommender.errors import AlsoSeeError, ConfigurationError
from recommender.index import jit as compiled
from recommender.index.code_cache import default_folder
from recommender.pipeline.warm import warm
from recommender.policy.ranking_model import DEFAULTS, RankingModel
from recommender.storage.connections import Connection
from recommender.storage.embedded import EmbeddedServerError, without_server
from recommender.storage.events import MAX_FIELDS
from recommender.storage.formats import UpgradeProgress
from recommender.storage.live_files import damage_of_live_files
from recommender.storage.repair import examine
from recommender.storage.store import Store
from recommender.storage.trial_server import CannotLoad

SECRETS = frozenset({"ALSOSEE_REDIS_URL", "ALSOSEE_CACHE_URL"})  # may hold a password
MAX_LANGUAGES = 8
MAX_LINES = 10
MAX_LINE_CHARS = 70
ALMOST_FULL = 0.8
MAX_SKEW_SECONDS = 2.0

STATE_WORDS: dict[State, str] = {"ok": "ok", "note": "note", "wrong": "WRONG"}


@click.command()
@JSON
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check this installation and report problems.

    Exit status 1 if anything is wrong.
    """
    logs.configure("error")  # warnings are lines of the report
    checks = []
    for check in _checks():
        checks.append(check)
        if not as_json:
            _print(check)
    is_wrong = any(check.state == "wrong" for check in checks)
    if as_json:
        answer = {"ok": not is_wrong, "checks": [_as_json(check) for check in checks]}
        click.echo(orjson.dumps(answer))
    ctx.exit(1 if is_wrong else 0)


def _print(check: Check) -> None:
    click.echo(f"{STATE_WORDS[check.state]:6} {check.name:10} {check.text}")
    lines = [f"{line.articles:,} × {line.text or ''}" for line in check.boilerplate]
    lines += check.examples
    for line in lines[:MAX_LINES]:
        click.echo(f"{'':17} {shorten(line, MAX_LINE_CHARS)}")
    more = len(lines) - MAX_LINES
    if more > 0:
        click.echo(f"{'':17} and {more:,} more: --json prints all")


def _as_json(check: Check) -> dict[str, Any]:
    fields = {"name": check.name, "state": check.state, "text": check.text}
    more: dict[str, Any] = {
        "boilerplate": [line._asdict() for line in check.boilerplate],
        "examples": check.examples,
    }
    return fields | {name: lines for name, lines in more.items() if lines}


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
    yield _disk(settings)
    try:
        with Backend(settings) as backend:
            yield from _store(settings, backend)
    except (AlsoSeeError, EmbeddedServerError) as error:
        yield Check("store", "wrong", str(error))
        if isinstance(error, EmbeddedServerError):
            yield from _files(settings.data_dir)
    yield from _cache(settings)


def _variables() -> str:
    values = []
    for name, value in sorted(os.environ.items()):
        if name.startswith(PREFIX):
            values.append(f"{name}={'***' if name in SECRETS else value}")
    return ", ".join(values) or "none set: all settings have their defaults"


def _compiled() -> Check:
    warm()
    if compiled.damaged:
        names = ", ".join(sorted(compiled.damaged))
        return Check(
            "compiled", "note", f"cached machine code was damaged and is compiled again: {names}"
        )
    if compiled.cache is None:
        return Check(
            "compiled",
            "note",
            "compiled code is not kept, so every start takes half a minute longer: "
            f"{default_folder()} must be a folder that only our user may write to",
        )
    return Check("compiled", "ok", "the loops that make lists run as machine code")


def _port(settings: Settings) -> Check:
    try:
        free_address(settings.host, settings.port)
    except ConfigurationError as error:
        if _is_ours(settings):
            return Check("port", "ok", f"Also See is running at {url_of(settings)}")
        return Check("port", "wrong", str(error))
    return Check("port", "ok", f"{settings.port} of {settings.host} is free")


def _disk(settings: Settings) -> Check:
    disk = DiskSpace(settings.data_dir)
    folder = settings.data_dir
    if not disk.allows_writes and settings.redis_url is None:
        return Check("disk", "wrong", f"no article is stored until the disk of {folder} has room")
    if not disk.allows_caching:
        return Check("disk", "note", f"no index file is made until the disk of {folder} has room")
    return Check("disk", "ok", f"the disk of {folder} has room")


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
    yield _clock(backend)
    if not settings.redis_url:
        yield from _live_files(settings.data_dir, backend.connection)
    yield from durability(server)
    for site in settings.sites:
        yield from _site(backend, site)
        if settings.ranking is not None:
            yield _ranking(settings.ranking, site, backend.model(site))
        yield from _events(backend, site)
    yield from _keys(settings, backend)


def _clock(backend: Backend) -> Check:
    ahead = backend.clock.ahead_seconds()
    if ahead is None:
        return Check("clock", "note", "the store's clock could not be read: run doctor again")
    if abs(ahead) < MAX_SKEW_SECONDS:
        return Check("clock", "ok", "this machine's clock agrees with the store's")
    direction = "ahead of" if ahead > 0 else "behind"
    text = (
        f"this machine's clock is {abs(ahead):,.0f} s {direction} the store's. Articles are"
        " published by the store's; set this one by NTP, or its logs have wrong times"
    )
    return Check("clock", "note", text)


def _live_files(data_dir: Path, connection: Connection) -> Iterator[Check]:
    """What a disk has damaged since the server has started."""
    for sentence in damage_of_live_files(data_dir, connection):
        text = f"{sentence}. Run alsosee repair before the service stops: then nothing is lost"
        yield Check("files", "wrong", text)


def _files(data_dir: Path) -> Iterator[Check]:
    """What is damaged in the files of an embedded server that does not start."""
    try:
        with without_server(data_dir):
            examination = examine(data_dir)
    except (EmbeddedServerError, CannotLoad, OSError):
        return  # the check of the store says why
    for sentence in examination.damage:
        yield Check("files", "wrong", sentence)
    if examination.damage:
        loss = examination.loss() or "nothing"
        yield Check("files", "note", f"alsosee repair would restore the rest, and lose {loss}")


def _site(backend: Backend, site: str) -> Iterator[Check]:
    store = backend.store
    progress = backend.formats.progress(site)
    corrupt_before = store.corrupt_records
    outdated_before = store.outdated_vectors
    languages: Counter[str] = Counter()
    book = BlockBook()
    pages: defaultdict[int, list[str]] = defaultdict(list)
    ids: dict[str, None] = {}  # a set that keeps the order
    for batch in store.all_stored(site):
        # A scan can return an article twice.
        unseen = {i: article for i, article in batch.items() if i not in ids}
        ids.update(dict.fromkeys(batch))
        book.apply([article.features.blocks.digests for article in unseen.values()], ())
        for article_id, article in unseen.items():
            if article.facets.page != NO_PAGE:
                pages[article.facets.page].append(article_id)
            languages.update(_known(language) for language in article.facets.language)
    damaged = store.corrupt_records - corrupt_before
    outdated = store.outdated_vectors - outdated_before
    yield _archive(site, len(ids), languages, damaged, outdated, progress)
    shared = [", ".join(sorted(several)) for several in pages.values() if len(several) > 1]
    if shared:
        text = f"{site}: {len(shared):,} addresses have several articles, which count as one"
        yield Check("addresses", "note", text, examples=sorted(shared))
    lines = _boilerplate(store, site, book, list(ids))
    if lines:
        text = f"{site}: {len(lines):,} lines are in many articles and do not count"
        yield Check("boilerplate", "ok", text, lines)


def _known(language: str) -> str:
    return "unknown" if language == UNKNOWN else language


def _ranking(path: Path, site: str, model: RankingModel) -> Check:
    if model == DEFAULTS:
        return Check("ranking", "note", f"{site}: the defaults, because {path} changes none")
    text = f"{site}: {path}"
    if {"gain", "queries"} <= model.measured.keys():
        text += f", {model.measured['gain']:+} nDCG@10 on {model.measured['queries']} articles"
    return Check("ranking", "ok", text)


def _events(backend: Backend, site: str) -> Iterator[Check]:
    used = backend.events.size(site, backend.clock.now().date())
    if used >= ALMOST_FULL * MAX_FIELDS:
        text = (
            f"{site}: {used:,} of today's {MAX_FIELDS:,} counts of impressions and clicks are in"
            " use; after that, articles and places without a count today are not counted"
        )
        yield Check("events", "note", text)


def _archive(
    site: str,
    articles: int,
    languages: Counter[str],
    damaged: int,
    outdated: int,
    progress: UpgradeProgress | None,
) -> Check:
    counts = ", ".join(f"{name} {n:,}" for name, n in languages.most_common(MAX_LANGUAGES))
    if len(languages) > MAX_LANGUAGES:
        counts += f" and {len(languages) - MAX_LANGUAGES} more languages"
    text = f"{articles:,} articles ({counts})" if articles else "no articles"
    if damaged:
        text += f"; {damaged:,} records are damaged: import the archive again"
    if outdated:
        text += f"; {outdated:,} articles were analysed by another version: alsosee reindex"
    if outdated and progress and not damaged:
        text += f" is running, {progress.checked:,} of {progress.articles:,} are done"
        return Check(f"site {site}", "note", text)
    if damaged or outdated:
        return Check(f"site {site}", "wrong", text)
    if not articles:
        return Check(f"site {site}", "note", "no articles: alsosee import FILE")
    return Check(f"site {site}", "ok", text)


def _boilerplate(
    store: Store, site: str, book: BlockBook, ids: Sequence[str]
) -> list[RepeatedLine]:
    """The repeated lines of a site, each as one of its articles has it."""

    @cache
    def text_of(article_id: str) -> str:
        fields = store.article(site, article_id) or {}
        return fields.get("body") or fields.get("excerpt") or ""

    lines = []
    for digest, articles, slot in book.boilerplate():
        lines.append(RepeatedLine(articles, find_line(text_of(ids[slot]), digest)))
    return lines


def _keys(settings: Settings, backend: Backend) -> Iterator[Check]:
    grants = backend.keys.all()
    for site in settings.sites:
        scopes: Counter[str] = Counter()
        for grant in grants:
            if grant.site == site:
                scopes.update(grant.scopes)
        if "ingest" not in scopes:
            text = f"no key can store articles: alsosee keys create --site {site} --scope ingest"
            yield Check("keys", "note", text)
        else:
            counts = ", ".join(f"{n} for {scope}" for scope, n in sorted(scopes.items()))
            yield Check("keys", "ok", f"{site}: {counts}")


def _cache(settings: Settings) -> Iterator[Check]:
    if settings.cache_url is None:
        return
    connection = Connection(settings.cache_url.get_secret_value())
    try:
        server = Store(connection).server()
    except AlsoSeeError as error:
        yield Check("cache", "note", f"every list is made again for each request, because {error}")
        return
    finally:
        connection.close()
    yield Check("cache", "ok", f"{server.name} {server.version}")
    limited = server.options.get("maxmemory", "0") != "0"
    if limited and server.options.get("maxmemory-policy") == "noeviction":
        text = "a full cache would refuse new lists: set maxmemory-policy allkeys-lfu"
        yield Check("cache", "note", text)
