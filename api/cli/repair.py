"""`alsosee repair`: restores what can be read of a damaged archive."""

from pathlib import Path

import click

from api.cli.settings import installed, read_settings
from recommender.backend import Backend
from recommender.config import Settings
from recommender.errors import ConfigurationError
from recommender.recovery import recover
from recommender.replica.builder import index_files
from recommender.storage.embedded import ArchiveInUse, EmbeddedServerError, without_server
from recommender.storage.live_files import damage_of_live_files, write_anew
from recommender.storage.repair import LOST_FILE, Examination, examine
from recommender.storage.repair import repair as repair_files
from recommender.storage.trial_server import CannotLoad

MAX_LOST = 20


@click.command()
def repair() -> None:
    """Restore what can be read of a damaged archive.

    For installs with the embedded server. The damaged files are kept. Prints what is damaged and
    what is lost, and whether the server starts. While the service runs nothing is lost: the server
    has everything in memory, and writes its files anew.
    """
    settings = read_settings()
    if settings.redis_url is not None:
        raise ConfigurationError(
            "ALSOSEE_REDIS_URL names a server of your own: repair it with the tools of that server,"
            " such as valkey-check-aof, or restore a backup"
        )
    installed(settings)
    try:
        examination = _repair_stopped(settings.data_dir)
    except ArchiveInUse:
        _repair_running(settings)
        return
    _start(settings, examination)


def _repair_running(settings: Settings) -> None:
    """Have the server write its files anew: once it stops, what they lack is lost."""
    with Backend(settings, accept_old=True) as backend:
        damage = damage_of_live_files(settings.data_dir, backend.connection)
        if not damage:
            click.echo("Also See runs here, and no file of its archive is damaged.")
            return
        copy = write_anew(settings.data_dir, backend.connection)
    for sentence in damage:
        click.echo(f"Damaged: {sentence}.")
    click.echo(f"Kept:    the damaged files, in {copy}")
    click.echo("Lost:    nothing. The server runs, and has written its files anew from memory.")


def _repair_stopped(data_dir: Path) -> Examination:
    with without_server(data_dir):
        examination = examine(data_dir)
        if examination.damage:
            _repair(data_dir, examination)
        else:
            click.echo("No file of the archive is damaged.")
    return examination


def _repair(data_dir: Path, examination: Examination) -> None:
    for sentence in examination.damage:
        click.echo(f"Damaged: {sentence}.")
    try:
        copy = repair_files(data_dir, examination)
    except CannotLoad as error:
        raise EmbeddedServerError(
            f"Nothing was changed, because the server cannot read the rest either: {error}."
            " Restore a backup: alsosee restore"
        ) from error
    click.echo(f"Kept:    the damaged files, in {copy}")
    click.echo(f"Lost:    {examination.loss() or 'nothing'}.")
    for change in examination.lost[:MAX_LOST]:
        click.echo(f"         {change.site}: {change.op} {change.article_id}")
    if len(examination.lost) > MAX_LOST:
        click.echo(f"         All {len(examination.lost):,} are in {copy / LOST_FILE}")
    if examination.lost:
        click.echo("         Send these articles again from the CMS, and check the last rules.")


def _start(settings: Settings, examination: Examination) -> None:
    """Start the server on the repaired files, and say what the archive has."""
    with Backend(settings, accept_old=True) as backend:
        for site in settings.sites:
            files = index_files(settings, site)
            if files is not None and examination.damage:
                files.delete_all()  # they may have articles that the archive lacks now
            if examination.base_is_damaged:
                listed_again, without_text = recover(backend, site)
                if listed_again:
                    click.echo(f"{site}: {listed_again:,} articles were found by their texts")
                if without_text:
                    click.echo(f"{site}: {without_text:,} articles lost their texts: import again")
            articles = sum(len(batch) for batch in backend.store.all_cards(site))
            version = backend.store.change_log.version(site)
            click.echo(f"{site}: {articles:,} articles, version {version:,}")
    click.echo("The server starts. Start the service: alsosee serve", err=True)
