"""`alsosee build`: the index file of a site."""

import time

import click

from api.cli.options import SITE
from api.cli.settings import installed, pick_site, read_settings
from recommender.backend import Backend
from recommender.build import build as build_index_file


@click.command()
@SITE
def build(site: str | None) -> None:
    """Write the index file of a site, if articles changed.

    Workers do this themselves. Before `serve` starts, it saves them the first minute.
    """
    settings = installed(read_settings())
    name = pick_site(settings, site)
    started = time.monotonic()
    with Backend(settings) as backend:
        try:
            number = build_index_file(settings, backend.store, name)
        except OSError as error:
            raise click.ClickException(f"the index file cannot be written: {error}") from error
    if number is None:
        click.echo(f"{name}: the index file is up to date")
    else:
        click.echo(f"{name}: wrote index file {number} in {time.monotonic() - started:.1f} s")
