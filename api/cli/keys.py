"""Keys: create, list, revoke."""

from collections.abc import Sequence

import click
import orjson

from api.cli.sites import pick_site
from recommender.backend import Backend
from recommender.config import Settings


def create(settings: Settings, site: str | None, scopes: Sequence[str], note: str) -> None:
    name = pick_site(settings, site)
    with Backend(settings) as backend:
        key = backend.keys.create(name, set(scopes), note)
    click.echo(key)
    click.echo("This key is shown once. Send it as: Authorization: Bearer KEY", err=True)


def show(settings: Settings, as_json: bool) -> None:
    with Backend(settings) as backend:
        grants = backend.keys.all()
    if as_json:
        click.echo(orjson.dumps([grant._asdict() for grant in grants]))
        return
    if not grants:
        click.echo("No keys. Make one with: alsosee keys create --scope ingest", err=True)
        return
    rows = [("ID", "SITE", "SCOPES", "CREATED", "NOTE")]
    rows += [(g.key_id, g.site, ",".join(g.scopes), g.created_at, g.note) for g in grants]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def revoke(settings: Settings, key_id: str) -> None:
    if key_id.startswith("as_"):  # the whole key: its second part is the id
        key_id = key_id.split("_")[1]
    with Backend(settings) as backend:
        backend.keys.revoke(key_id)
    click.echo(f"Revoked {key_id}.", err=True)
