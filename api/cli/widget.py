"""`alsosee widget`: the HTML of the box."""

import click

from api.cli.options import SITE
from api.cli.settings import pick_site, read_settings
from api.site.widget import tags


@click.command()
@SITE
@click.option(
    "--url",
    default="https://related.your.site",
    show_default=True,
    metavar="ADDRESS",
    help="Address of this service for the browsers of readers.",
)
def widget(site: str | None, url: str) -> None:
    """Print the HTML that shows the box on a page.

    It names the script by its hash, so browsers run no other script.
    """
    click.echo(tags(url.rstrip("/"), pick_site(read_settings(), site)))
