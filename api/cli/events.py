"""What readers saw and clicked, as a table or as JSON."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Literal

import click
import orjson

from api.cli.sites import pick_site
from recommender.backend import Backend
from recommender.config import Settings
from recommender.storage.events import DailyCount

By = Literal["article", "position", "day"]
SHOWN = 50


def events(settings: Settings, site: str | None, days: int, by: By, as_json: bool) -> None:
    """Print the counts of the last *days*, today included."""
    name = pick_site(settings, site)
    today = datetime.now(UTC).date()
    with Backend(settings) as backend:
        counts = backend.events.counts(name, (today - timedelta(n) for n in range(days)))
    if as_json:
        rows = [{**count._asdict(), "day": count.day.isoformat()} for count in counts]
        click.echo(orjson.dumps(rows))
    elif counts:
        _print(_summed(counts, by), by)
    else:
        click.echo("Nothing was counted in these days.", err=True)


def _summed(counts: list[DailyCount], by: By) -> list[tuple[str, int, int]]:
    """Impressions and clicks of each; articles by clicks, most first, the rest in their order."""
    sums: dict[str | int, list[int]] = defaultdict(lambda: [0, 0])
    for count in counts:
        names: dict[By, str | int] = {
            "article": count.article_id,
            "position": count.position,
            "day": count.day.isoformat(),
        }
        sums[names[by]][0] += count.impressions
        sums[names[by]][1] += count.clicks
    rows = sorted(sums.items(), key=lambda row: row[0])
    if by == "article":
        rows.sort(key=lambda row: (row[1][1], row[1][0]), reverse=True)
    return [(str(name), seen, clicked) for name, (seen, clicked) in rows]


def _print(rows: list[tuple[str, int, int]], by: By) -> None:
    click.echo(f"{'SEEN':>10}  {'CLICKED':>10}  {'RATE':>6}  {by.upper()}")
    for name, seen, clicked in rows[:SHOWN]:
        rate = f"{clicked / seen:.1%}" if seen else "–"
        click.echo(f"{seen:>10,}  {clicked:>10,}  {rate:>6}  {name}")
    if len(rows) > SHOWN:
        click.echo(f"… and {len(rows) - SHOWN:,} more; --json prints all", err=True)
