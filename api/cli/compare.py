"""`alsosee compare`: two evaluations."""

from pathlib import Path

import click
import orjson

from api.cli.options import JSON, PATH
from recommender.evaluation.compare import Comparison, read_result
from recommender.evaluation.compare import compare as compare_results

MAX_CHANGED_LISTS = 10


@click.command()
@click.argument("a", metavar="A.json", type=PATH)
@click.argument("b", metavar="B.json", type=PATH)
@click.option("--system", default="alsosee", show_default=True, help="The system to compare.")
@JSON
def compare(a: Path, b: Path, system: str, as_json: bool) -> None:
    """Show which of two evaluations is better, and what changed.

    Both files are the output of evaluate --json --per-query.
    """
    comparison = compare_results(read_result(a), read_result(b), system)
    if as_json:
        click.echo(orjson.dumps(comparison.to_json()))
    else:
        _print(comparison, system)


def _print(comparison: Comparison, system: str) -> None:
    click.echo(
        f"{system}: {comparison.queries} shared queries; B is better on {comparison.wins},"
        f" worse on {comparison.losses}, equal on {comparison.ties}"
    )
    click.echo(f"{comparison.verdict()}; {comparison.changed} of {comparison.queries} lists change")
    for measure, d in comparison.differences.items():
        click.echo(f"  {measure:22} {d.mean:+.4f}  [{d.low:+.4f}, {d.high:+.4f}]  p = {d.p:.3f}")
    changed = [(query, share) for query, share in comparison.churn.items() if share]
    click.echo("Lists that changed most:" if changed else "No list changed.")
    for query, share in changed[:MAX_CHANGED_LISTS]:
        click.echo(f"  {share:4.0%}  {query}")
