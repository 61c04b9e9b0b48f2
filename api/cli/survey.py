"""`alsosee survey`: what the lists of the whole archive look like."""

import click

from api.cli.options import JSON, SITE
from api.cli.progress import progress_bar
from api.cli.settings import pick_site, read_settings
from recommender.backend import Backend
from recommender.replica.survey import FEW
from recommender.replica.surveyor import conduct
from recommender.storage.surveys import Survey, SurveyStopped


@click.command()
@SITE
@JSON
def survey(site: str | None, as_json: bool) -> None:
    """Make every list, and count how many are short.

    It also finds articles that no list shows. The overview of the editor's desk has the last
    survey. An archive of more than 10,000 articles is surveyed by a sample of that size. A survey
    can run while the service runs; a second one at the same time is refused.
    """
    settings = read_settings()
    name = pick_site(settings, site)
    with Backend(settings) as backend:
        result = _conduct(backend, name)
    click.echo(result.model_dump_json() if as_json else summary(result))


def _conduct(backend: Backend, site: str) -> Survey:
    claim = backend.surveys.claim(site)
    if claim is None:
        raise click.ClickException(f"another survey of {site} is running")
    with progress_bar("Lists") as bar:

        def advance(done: int, total: int) -> None:
            bar.length = total  # known once the survey has begun
            bar.update(done - bar.pos)

        try:
            return conduct(backend.surveys, backend.site(site), claim, advance)
        except SurveyStopped as error:
            raise click.ClickException(str(error)) from None


def summary(survey: Survey) -> str:
    few = sum(survey.related[1 : FEW + 1])
    return (
        f"{survey.lists:,} lists of {survey.articles:,} articles.\n"
        f"{survey.related[0]:,} have no related articles, {few:,} have one or two.\n"
        f"{survey.recommended[0]:,} articles are in none of them."
    )
