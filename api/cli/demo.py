"""`alsosee demo`: the service with a sample newspaper."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import click

from api.cli.options import PORT
from api.cli.settings import read_settings
from api.serve import answers, serve, url_of
from recommender.config import Settings
from recommender.errors import ConfigurationError

# Other modules are imported while the web server starts, which takes as long again.

KEY_NOTE = "demo"
LOADING_SECONDS = 5.0


@click.command()
@PORT
@click.pass_context
def demo(ctx: click.Context, port: int | None) -> None:
    """Run the service with a sample newspaper.

    Its archive, and everything you add, is in the folder demo of ALSOSEE_DATA_DIR.
    """
    log_level = os.environ.get("ALSOSEE_LOG_LEVEL", "warning")
    settings = read_settings(port=port, demo=True, log_level=log_level)
    # In a folder of its own, so that the sample is never mixed with a newspaper's archive.
    ctx.exit(_run(read_settings(data_dir=settings.data_dir / "demo")))


def _run(settings: Settings) -> int:
    """
    Serve the first site with the sample archive in it, and return the exit status.

    Raises:
        ConfigurationError: if the store is the user's own, which the demo does not write to.
    """
    if settings.redis_url is not None:
        raise ConfigurationError("the demo uses ALSOSEE_DATA_DIR only: unset ALSOSEE_REDIS_URL")
    prepared: dict[str, str] = {}

    def prepare() -> None:
        prepared.update(_prepare(settings))

    def welcome() -> None:
        _wait_until_loaded(settings)
        click.echo(_welcome(settings, **prepared))

    with _only_one(settings.data_dir):
        return serve(settings, welcome, prepare)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Two demos on one archive would each change the addresses of its pages to their own port."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(
                "a demo is already running here: stop it, or set another ALSOSEE_DATA_DIR"
            ) from None
        yield


def _wait_until_loaded(settings: Settings) -> None:
    deadline = time.monotonic() + LOADING_SECONDS
    while time.monotonic() < deadline and not answers(settings, "/readyz"):
        time.sleep(0.05)


def _prepare(settings: Settings) -> dict[str, str]:
    """Import the sample with addresses of this service, and replace the last demo's key."""
    from api.site.demo import sample_articles
    from recommender.backend import Backend
    from recommender.ingest import ImportCounter, ingest
    from recommender.sources.records import Record

    site = settings.sites[0]
    articles = list(sample_articles(url_of(settings)))
    records = (Record(line, fields) for line, fields in enumerate(articles, 1))
    with Backend(settings) as backend:
        counter = ImportCounter("articles.jsonl")
        for _ in counter.counting(ingest(backend.store, site, records)):
            pass
        backend.imports.record(site, counter.report())
        for grant in backend.keys.all():
            if grant.note == KEY_NOTE:
                backend.keys.revoke(grant.key_id)
        key = backend.keys.create(site, {"ingest", "admin"}, KEY_NOTE)
    return {"story": str(articles[0]["id"]), "key": key}


def _welcome(settings: Settings, story: str, key: str) -> str:
    url = url_of(settings)
    article = f"{url}/v1/{settings.sites[0]}/articles/{quote(story, safe='')}"
    return f"""
  Also See is ready.

  The sample newspaper    {url}/
  A story with its box    {url}/{quote(story)}
  The box as HTML         {article}/related.html
  Its list as JSON        curl '{article}/related'
  The editor's desk       {url}/editor/
  Its key                 {key}

  Ctrl-C stops it.
"""
