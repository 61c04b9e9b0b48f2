"""`alsosee mcp`: tools for an assistant."""

from importlib.metadata import version
from pathlib import Path

import click

from api.cli.options import PATH
from recommender.extras import require_extra


@click.command()
@click.option(
    "--url", default="http://127.0.0.1:8000", show_default=True, help="Where the service answers."
)
@click.option("--site", default="main", show_default=True, metavar="NAME")
@click.option(
    "--key-file", type=PATH, help="A file with a key. Without one, only published lists are read."
)
def mcp(url: str, site: str, key_file: Path | None) -> None:
    """Let an assistant search the archive and find related articles.

    It speaks the Model Context Protocol on standard input and output. Assistants start it
    themselves; docs/ASSISTANTS.md has the lines of their settings. No tool changes anything, and
    what a tool may see is what the key may see.
    """
    require_extra("mcp")
    from api.assistant import Service, assistant_server

    service = Service(url, site, _read_key(key_file))
    assistant_server(service, version("alsosee")).run("stdio")


def _read_key(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        key = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"cannot be read: {error}", param_hint="--key-file") from None
    if not key.isascii() or not key or len(key.split()) > 1:
        raise click.BadParameter("expected a key and nothing else", param_hint="--key-file")
    return key
