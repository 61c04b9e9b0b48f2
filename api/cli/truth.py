"""`alsosee truth`: the links in an archive as judged pairs."""

import sys
from typing import Literal

import click

from api.cli.progress import progress
from recommender.evaluation.links import harvest
from recommender.evaluation.truth import write_qrels, write_truth
from recommender.sources.files import ArticleFile


@click.command()
@click.argument("articles")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["jsonl", "trec"]),
    default="jsonl",
    show_default=True,
    help="JSON Lines, or TREC qrels.",
)
def truth(articles: str, file_format: Literal["jsonl", "trec"]) -> None:
    """Print the links in an archive as judged pairs.

    Links are “Also See” lines, links inside texts, and tags such as “series: …”, between articles
    of the file. Links that were left out are counted on standard error, with the reason.
    """
    records = []
    with ArticleFile(articles) as file, progress("Reading") as advance:
        for record in file.records():
            records.append(record.data)
            advance()
    harvested = harvest(records)
    write = write_qrels if file_format == "trec" else write_truth
    for line in write(harvested.truth):
        sys.stdout.buffer.write(line)
    kinds = [f"{count} {kind}" for kind, count in harvested.links.items()] or ["no links"]
    click.echo(f"{len(harvested.truth)} articles with links: {', '.join(kinds)}", err=True)
    for reason, count in harvested.left_out.items():
        click.echo(f"left out: {count} {reason}", err=True)
