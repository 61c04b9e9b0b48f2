"""`alsosee purge`: erases articles for good."""

import click

from api.cli.options import SITE
from api.cli.settings import installed, pick_site, read_settings
from recommender.backend import Backend
from recommender.purging import phrases, search
from recommender.purging import purge as purge_articles


@click.command()
@click.argument("article_ids", metavar="ID...", nargs=-1, required=True)
@SITE
@click.pass_context
def purge(ctx: click.Context, article_ids: tuple[str, ...], site: str | None) -> None:
    """Erase articles for good, with their text in every file.

    Also erases what names them: rules, their audit, counts of events, reports of imports. Then it
    searches the data folder for their text, and exits with 1 if a file still has it. The service
    may run. Backups made before still have the text.
    """
    settings = installed(read_settings())
    name = pick_site(settings, site)
    with Backend(settings) as backend:
        pieces: set[bytes] = set()
        for article_id in article_ids:
            pieces |= phrases(backend.store.article(name, article_id) or {})
        erased = purge_articles(backend, name, article_ids)
    for article_id in article_ids:
        if article_id in erased:
            click.echo(f"{name}: {article_id} is erased")
        else:
            click.echo(f"{name}: {article_id} is not in the archive; what named it is erased")
    result = search(settings.data_dir, pieces)
    click.echo(
        f"Searched {result.files:,} files ({result.size / 2**20:,.1f} MB) in {settings.data_dir}"
        f" for {len(pieces):,} pieces of the text: {len(result.with_text):,} have one."
    )
    for path in result.with_text:
        click.echo(f"  {path}: delete it, if no other article has the same words")
    if settings.redis_url is not None:
        click.echo("The files of your own server were rewritten, but cannot be searched from here.")
    click.echo(
        "Backups and exports made before now still have the text. After restoring one, purge again:"
        f" alsosee purge --site {name} {' '.join(article_ids)}",
        err=True,
    )
    ctx.exit(1 if result.with_text else 0)
