"""`alsosee events`: impressions and clicks."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal, NamedTuple, get_args

import click
import orjson

from api.cli.options import JSON, SITE
from api.cli.settings import installed, pick_site, read_settings
from recommender.backend import Backend
from recommender.storage.events import DailyCount

Grouping = Literal["article", "position", "day"]
MAX_ROWS = 50


class Row(NamedTuple):
    """Sums of one group."""

    group: str | int
    impressions: int
    clicks: int


@click.command()
@SITE
@click.option(
    "--days",
    type=click.IntRange(1, 90),
    default=7,
    show_default=True,
    help="Number of days, including today.",
)
@click.option(
    "--by",
    "grouping",
    type=click.Choice(get_args(Grouping)),
    default="article",
    show_default=True,
    help="What a row of the table is.",
)
@JSON
def events(site: str | None, days: int, grouping: Grouping, as_json: bool) -> None:
    """Print impressions and clicks.

    With --json, every count of a day, an article and a position.
    """
    settings = installed(read_settings())
    name = pick_site(settings, site)
    with Backend(settings) as backend:
        today = backend.clock.now().date()
        counts = backend.events.counts(name, (today - timedelta(n) for n in range(days)))
    if as_json:
        rows = [{**count._asdict(), "day": count.day.isoformat()} for count in counts]
        click.echo(orjson.dumps(rows))
    elif counts:
        _print(_grouped(counts, grouping), grouping)
    else:
        click.echo("No impressions or clicks in these days.", err=True)


def _grouped(counts: Sequence[DailyCount], grouping: Grouping) -> list[Row]:
    """Articles by clicks, the most first; positions and days in their order."""
    impressions: defaultdict[str | int, int] = defaultdict(int)
    clicks: defaultdict[str | int, int] = defaultdict(int)
    for count in counts:
        group = _group(count, grouping)
        impressions[group] += count.impressions
        clicks[group] += count.clicks
    rows = [Row(group, impressions[group], clicks[group]) for group in impressions]
    # Sorts are stable: this one decides between equal rows of the next.
    rows.sort(key=lambda row: row.group)
    if grouping == "article":
        rows.sort(key=lambda row: (row.clicks, row.impressions), reverse=True)
    return rows


def _group(count: DailyCount, grouping: Grouping) -> str | int:
    if grouping == "article":
        return count.article_id
    if grouping == "position":
        return count.position
    return count.day.isoformat()


def _print(rows: Sequence[Row], grouping: Grouping) -> None:
    click.echo(f"{'SEEN':>10}  {'CLICKED':>10}  {'RATE':>6}  {grouping.upper()}")
    for row in rows[:MAX_ROWS]:
        rate = f"{row.clicks / row.impressions:.1%}" if row.impressions else "–"
        click.echo(f"{row.impressions:>10,}  {row.clicks:>10,}  {rate:>6}  {row.group}")
    if len(rows) > MAX_ROWS:
        click.echo(f"… and {len(rows) - MAX_ROWS:,} more; --json prints all", err=True)
