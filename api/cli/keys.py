"""`alsosee keys`: the API keys."""

import click
import orjson

from api.cli.options import JSON, SITE
from api.cli.settings import installed, pick_site, read_settings
from recommender.backend import Backend
from recommender.config import Settings
from recommender.errors import ConfigurationError
from recommender.storage.access import SCOPES, Grant


@click.group()
def keys() -> None:
    """Create, list and revoke API keys.

    Writing, and everything that only editors may see, needs a key.
    """


@keys.command()
@SITE
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    required=True,
    help="What the key allows. ingest: store articles. look: see what editors see. edit: also"
    " change lists. admin: also change site settings. Repeat it for several.",
)
@click.option("--note", default="", help="Who or what the key is for.")
@click.option("--new", is_flag=True, help="Make a new install in this folder, if it has none.")
def create(site: str | None, scopes: tuple[str, ...], note: str, new: bool) -> None:
    """Print a new key.

    It cannot be shown again: the service keeps only its hash.
    """
    settings = read_settings()
    if not new:
        _expect_install(settings)
    name = pick_site(settings, site)
    with Backend(settings) as backend:
        key = backend.keys.create(name, set(scopes), note)
    click.echo(key)
    # On standard error, so that KEY=$(alsosee keys create …) holds only the key.
    click.echo("This key is shown once. Send it as: Authorization: Bearer KEY", err=True)


def _expect_install(settings: Settings) -> None:
    """A key of another install is refused by every service."""
    try:
        installed(settings)
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}; or make a new install here with --new") from None


@keys.command("list")
@JSON
def list_(as_json: bool) -> None:
    """Print every key without its secret."""
    with Backend(installed(read_settings())) as backend:
        grants = backend.keys.all()
    if as_json:
        click.echo(orjson.dumps([grant._asdict() for grant in grants]))
    elif grants:
        click.echo(_table(grants))
    else:
        click.echo("No keys. Create one with: alsosee keys create --scope ingest", err=True)


def _table(grants: list[Grant]) -> str:
    rows = [("ID", "SITE", "SCOPES", "CREATED", "NOTE")]
    for grant in grants:
        scopes = ",".join(grant.scopes)
        rows.append((grant.key_id, grant.site, scopes, grant.created_at, grant.note))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


@keys.command()
@click.argument("key_id", metavar="ID")
def revoke(key_id: str) -> None:
    """Revoke a key, from the next request on.

    ID is the part of the key between as_ and the next _. The whole key is accepted too.
    """
    # People paste the whole key, which is what they have.
    if key_id.startswith("as_"):
        key_id = key_id.split("_")[1]
    with Backend(installed(read_settings())) as backend:
        backend.keys.revoke(key_id)
    click.echo(f"Revoked {key_id}.", err=True)
