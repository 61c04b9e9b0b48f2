"""The sample newspaper: the service with something in it, to look around."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import click

from api.serve import answers, serve, url_of
from recommender.config import Settings
from recommender.errors import ConfigurationError

# The rest is imported while the web server starts, which takes as long again.

KEY_NOTE = "demo"
LOADING_SECONDS = 5.0


def demo(settings: Settings) -> int:
    """
    Serve the first site with the sample archive in it, and return the exit status.

    Raises:
        ConfigurationError: for a store of the user's own, where the sample has no business.
    """
    if settings.redis_url is not None:
        raise ConfigurationError("the demo keeps to ALSOSEE_DATA_DIR: unset ALSOSEE_REDIS_URL")
    made: dict[str, str] = {}

    def welcome() -> None:
        _wait_until_loaded(settings)
        click.echo(_welcome(settings, **made))

    with _only_one(settings.data_dir):
        return serve(settings, welcome, lambda: made.update(_prepare(settings)))


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Two demos on one archive would move each other's pages to their own port."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(
                "a demo runs here already: stop it, or set another ALSOSEE_DATA_DIR"
            ) from None
        yield


def _wait_until_loaded(settings: Settings) -> None:
    deadline = time.monotonic() + LOADING_SECONDS
    while time.monotonic() < deadline and not answers(settings, "/readyz"):
        time.sleep(0.05)


def _prepare(settings: Settings) -> dict[str, str]:
    """Import the sample as it would be on this address, and make a key in place of the last one."""
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
