"""`alsosee survey`: figures about the lists of the whole archive, also in two versions."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import orjson

from api.cli.options import JSON, PATH, SITE
from api.cli.progress import progress_bar
from api.cli.settings import installed, pick_site, read_settings
from recommender.backend import Backend
from recommender.extras import require_extra
from recommender.policy.site_settings import ListDefaults, SiteSettings, parse_settings
from recommender.replica.against import (
    ArticleExposure,
    LinkedInList,
    TwoVersions,
    two_versions,
    with_lists,
    with_settings,
)
from recommender.replica.survey import FEW, BetweenLists
from recommender.replica.surveyor import conduct
from recommender.storage.surveys import Survey, SurveyStopped

NewsroomLinks = Mapping[str, Mapping[str, int]]


@click.command()
@SITE
@click.option(
    "--against",
    type=PATH,
    metavar="FILE",
    help="Compare the lists with those of other settings, or with the output of export --related.",
)
@click.option(
    "--links",
    "links_file",
    type=PATH,
    metavar="FILE",
    help="With --against: the newsroom's own links, as `alsosee truth` prints them.",
)
@JSON
def survey(site: str | None, against: Path | None, links_file: Path | None, as_json: bool) -> None:
    """Make every list, and count how many are short.

    It also finds articles that no list shows. The overview of the editor's desk has the last
    survey. An archive of more than 10,000 articles is surveyed by a sample of that size. A survey
    can run while the service runs; a second one at the same time is refused.

    With --against, two versions of the lists are compared, and nothing is stored. FILE holds site
    settings, in the JSON of `PUT /v1/{site}/settings`: what would they change? Or it holds lists
    that another release made of the same archive: what has changed since? The result names the
    articles that are in more and in fewer lists and, with --links, the lists that lose most of the
    links that the newsroom chose.
    """
    if links_file is not None and against is None:
        raise click.UsageError("--links needs --against.")
    settings = installed(read_settings())
    name = pick_site(settings, site)
    with Backend(settings) as backend:
        if against is not None:
            links = None if links_file is None else _read_links(links_file)
            versions = _compare(backend, name, against, links)
            click.echo(_json(versions) if as_json else comparison(versions))
            return
        result = _conduct(backend, name)
    click.echo(result.model_dump_json() if as_json else summary(result))


def _conduct(backend: Backend, site: str) -> Survey:
    claim = backend.surveys.claim(site)
    if claim is None:
        raise click.ClickException(f"another survey of {site} is running")
    with _lists_bar() as advance:
        try:
            return conduct(backend.surveys, backend.site(site), claim, advance)
        except SurveyStopped as error:
            raise click.ClickException(str(error)) from None


@contextmanager
def _lists_bar() -> Iterator[BetweenLists]:
    with progress_bar("Lists") as bar:

        def advance(done: int, total: int) -> None:
            bar.length = total  # known once the survey has begun
            bar.update(done - bar.pos)

        yield advance


def summary(survey: Survey) -> str:
    few = sum(survey.related[1 : FEW + 1])
    return (
        f"{survey.lists:,} lists of {survey.articles:,} articles.\n"
        f"{survey.related[0]:,} have no related articles, {few:,} have one or two.\n"
        f"{survey.recommended[0]:,} articles are in none of them."
    )


# Two versions of the lists


def _compare(backend: Backend, site: str, file: Path, links: NewsroomLinks | None) -> TwoVersions:
    replica = backend.site(site)
    other = _read_other(file)
    now = replica.now()
    with _lists_bar() as advance:
        if isinstance(other, ListDefaults):
            stored = backend.store.rulebook.settings(site).settings.site
            pairs = with_settings(replica, stored, other, now, advance)
        else:
            pairs = with_lists(replica, other, now, advance)
        return two_versions(pairs, links)


def _read_other(file: Path) -> ListDefaults | dict[str, list[str]]:
    """Settings of a site, or the lists of an export by article."""
    try:
        lines = [orjson.loads(line) for line in file.read_bytes().splitlines() if line.strip()]
    except OSError as error:
        raise click.BadParameter(f"cannot be read: {error}", param_hint="--against") from None
    except orjson.JSONDecodeError:
        lines = [_one_document(file)]
    if not lines:
        raise _unreadable(file)
    if len(lines) == 1 and "items" not in lines[0]:
        return parse_settings(SiteSettings, lines[0]).site
    try:
        lists = {}
        for line in lines:
            lists[line["source"]["id"]] = [item["id"] for item in line["items"]]
        return lists
    except (KeyError, TypeError):
        raise _unreadable(file) from None


def _one_document(file: Path) -> object:
    """JSON over several lines."""
    try:
        return orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError:
        raise _unreadable(file) from None


def _unreadable(file: Path) -> click.BadParameter:
    return click.BadParameter(
        f"{file}: expected site settings, or the output of `alsosee export --related`",
        param_hint="--against",
    )


def _read_links(file: Path) -> NewsroomLinks:
    require_extra("evaluate")
    from recommender.evaluation import read_truth

    return read_truth(file)


def comparison(versions: TwoVersions) -> str:
    lines = [f"{versions.lists:,} lists compared, {versions.changed:,} differ."]
    if versions.overlap is not None:
        lines.append(f"Of all items of two lists, {versions.overlap:.1%} are in both.")
    if versions.moved is not None:
        lines.append(f"Those move by {versions.moved:.2f} places on average.")
    lines += _exposures("In more lists than before:", versions.gained)
    lines += _exposures("In fewer lists than before:", versions.lost)
    if versions.linked is not None:
        lines += _links(versions, versions.linked)
    return "\n".join(lines)


def _exposures(heading: str, exposures: Sequence[ArticleExposure]) -> list[str]:
    rows = [f"  {one.before:5,} → {one.after:5,}  {one.article}" for one in exposures]
    return [heading, *rows] if rows else []


def _links(versions: TwoVersions, total: LinkedInList) -> list[str]:
    lines = [
        f"Of {total.linked:,} articles that the newsroom linked, {total.before:,} were in the lists"
        f" and {total.after:,} are: more in {versions.better:,} lists, fewer in {versions.worse:,}."
    ]
    if versions.worst:
        lines.append("Lists that lose most of them:")
    for one in versions.worst:
        counts = f"{one.before} → {one.after} of {one.linked}"
        lines.append(f"  {counts}  {one.article}")
    return lines


def _json(versions: TwoVersions) -> str:
    linked = versions.linked
    answer = {
        **versions._asdict(),
        "gained": [one._asdict() for one in versions.gained],
        "lost": [one._asdict() for one in versions.lost],
        "linked": None
        if linked is None
        else {"linked": linked.linked, "before": linked.before, "after": linked.after},
        "worst": [one._asdict() for one in versions.worst],
    }
    return orjson.dumps(answer).decode()
