"""Features made anew from the stored texts, after an upgrade of the analyzer: `reindex`."""

import sys
from collections.abc import Iterator

import click
import orjson

from api.cli.sites import pick_site
from recommender.backend import Backend
from recommender.config import Settings
from recommender.ingest import reindex as batches


def reindex(settings: Settings, site: str | None, everything: bool, as_json: bool) -> None:
    """Analyse what is outdated or damaged, or *everything*, and say how much there was to do."""
    name = pick_site(settings, site)
    with Backend(settings) as backend:
        articles = backend.store.count(name)
        written = sum(_with_bar(batches(backend.store, name, everything), articles))
    if as_json:
        click.echo(orjson.dumps({"site": name, "reindexed": written}))
    else:
        click.echo(f"{written:,} articles of {name} are analysed anew")


def _with_bar(done: Iterator[tuple[int, int]], articles: int) -> Iterator[int]:
    if not sys.stderr.isatty():
        yield from (written for _, written in done)
        return
    with click.progressbar(length=articles, label="reindex", file=sys.stderr) as bar:
        for looked_at, written in done:
            bar.update(looked_at)
            yield written
