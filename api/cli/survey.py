"""What the lists of the whole archive look like, for the editors' overview."""

import sys

import click

from api.cli.sites import pick_site
from recommender.backend import Backend
from recommender.config import Settings
from recommender.replica.survey import FEW
from recommender.replica.surveyor import conduct
from recommender.storage.surveys import Survey, SurveyStopped


def survey(settings: Settings, site: str | None, as_json: bool) -> None:
    """Survey a site, keep what was found for the overview, and print it."""
    name = pick_site(settings, site)
    with Backend(settings) as backend:
        claim = backend.surveys.claim(name)
        if claim is None:
            raise click.ClickException(f"{name} is being surveyed just now")
        with click.progressbar(
            length=0, label="Lists", file=sys.stderr, hidden=not sys.stderr.isatty(), show_pos=True
        ) as bar:

            def advance(done: int, total: int) -> None:
                bar.length = total
                bar.update(done - bar.pos)

            try:
                found = conduct(backend.surveys, backend.site(name), claim, advance)
            except SurveyStopped as error:
                raise click.ClickException(str(error)) from None
    click.echo(found.model_dump_json() if as_json else told(found))


def told(found: Survey) -> str:
    few = sum(found.related[1 : FEW + 1])
    return "\n".join(
        (
            f"{found.lists:,} lists of {found.articles:,} articles.",
            f"{found.related[0]:,} have no related articles, {few:,} have one or two.",
            f"{found.recommended[0]:,} articles stand in none of them.",
        )
    )
