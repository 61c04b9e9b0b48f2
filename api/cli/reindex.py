"""`alsosee reindex`: features computed again from the stored texts."""

import click
import orjson

from api.cli.options import JSON, SITE
from api.cli.progress import progress_bar
from api.cli.settings import installed, pick_site, read_settings
from recommender.backend import Backend
from recommender.ingest import reindex as analyse_again
from recommender.storage.store import Store


@click.command()
@SITE
@click.option("--all", "everything", is_flag=True, help="Also articles that are up to date.")
@JSON
def reindex(site: str | None, everything: bool, as_json: bool) -> None:
    """Analyse stored articles again, after an upgrade.

    The service does this by itself for an archive of the version before. This command analyses
    articles that doctor reports, and those with damaged features. It can run while the service
    runs, and can be stopped and started again at any time.
    """
    settings = installed(read_settings())
    name = pick_site(settings, site)
    with Backend(settings, accept_old=True) as backend:
        written = _reindex(backend.store, name, everything)
        backend.formats.finish(name)
    if as_json:
        click.echo(orjson.dumps({"site": name, "reindexed": written}))
    else:
        click.echo(f"{name}: analysed {written:,} articles")


def _reindex(store: Store, site: str, everything: bool) -> int:
    """How many articles were analysed."""
    written = 0
    with progress_bar("reindex", store.count(site)) as bar:
        for checked, rewritten in analyse_again(store, site, everything):
            bar.update(checked)
            written += rewritten
    return written
