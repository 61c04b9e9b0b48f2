"""Options that several commands take."""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)
SITE = click.option("--site", metavar="NAME", help="Default: the first of ALSOSEE_SITES.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
PORT = click.option(
    "--port", type=click.IntRange(1, 65_535), help="Port to listen on.  [ALSOSEE_PORT]"
)
