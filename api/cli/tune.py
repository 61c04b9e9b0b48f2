"""`alsosee tune`: a ranking learnt from the links in an archive."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
import orjson

from api.cli.options import JSON, PATH
from api.cli.progress import progress
from recommender.errors import InvalidInput, UnusableData
from recommender.evaluation import Archive, Qrels, read_archive, read_truth
from recommender.evaluation.links import harvest
from recommender.evaluation.tune import MEASURE, Tuned, lists_to_make, split
from recommender.evaluation.tune import tune as learn
from recommender.sources.files import ArticleFile
from recommender.sources.records import Record


class Newsroom(NamedTuple):
    """An archive and the links in it."""

    archive: Archive
    truth: Qrels


@click.command()
@click.argument("articles")
@click.argument("truth_file", metavar="[TRUTH]", type=PATH, required=False)
@click.option(
    "--output",
    type=PATH,
    default="ranking.json",
    show_default=True,
    metavar="FILE",
    help="File for the ranking, if it helps.",
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Seed of folds and intervals.")
@JSON
def tune(articles: str, truth_file: Path | None, output: Path, seed: int, as_json: bool) -> None:
    """Learn from the links in an archive how to rank it.

    It learns from the older half of the links and tests on the newer half. The file is written
    only if the 95 % interval of the gain lies above zero. To use it, set ALSOSEE_RANKING=FILE.
    TRUTH is the output of `truth`; without it, the links are taken from ARTICLES.
    """
    # Checked first, because learning takes minutes.
    folder = output.absolute().parent
    if not folder.is_dir():
        raise InvalidInput.at("output", f"there is no folder {folder}")
    newsroom = read_newsroom(articles, truth_file)
    halves = split(newsroom.archive, newsroom.truth)
    with progress("Learning", lists_to_make(halves)) as advance:
        tuned = learn(newsroom.archive, halves, seed, advance)
    if tuned.helps:
        _write(tuned, output)
    if as_json:
        written = str(output) if tuned.helps else None
        answer = {**tuned.to_json(), "written": written}
        click.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
    else:
        click.echo(summary(tuned, output))


def read_newsroom(articles: str, truth_file: Path | None) -> Newsroom:
    """Read an archive, and judged pairs from a file or from the archive itself."""
    # Before the archive, so that a mistake in this file is reported at once.
    truth = read_truth(truth_file) if truth_file else None
    records = _read_records(articles)
    with progress("Analysing", len(records)) as advance:
        archive = read_archive(records, advance)
    if not archive.articles:
        raise UnusableData(f"{articles}: holds no articles")
    if truth is None:
        truth = harvest([record.data for record in records]).truth
    return Newsroom(archive, truth)


def _read_records(articles: str) -> Sequence[Record]:
    records = []
    with ArticleFile(articles) as file, progress("Reading") as advance:
        for record in file.records():
            records.append(record)
            advance()
    return records


def _write(tuned: Tuned, output: Path) -> None:
    try:
        tuned.model.write(output)
    except OSError as error:
        raise click.ClickException(f"{output}: {error.strerror}") from error


def summary(tuned: Tuned, output: Path) -> str:
    """What was learnt, what it gains, and whether the file was written."""
    gains = ", ".join(f"{name} {gain:+.3f}" for name, gain in tuned.cross_validated.items())
    gain = tuned.gain
    lines = [
        f"Learnt from {tuned.learnt_from:,} older articles with links, "
        f"tested on {tuned.queries:,} newer ones.",
        f"Gain on the older ones, cross-validated: {gains}.",
        f"{MEASURE} on the newer ones: {tuned.before:.3f} before, {tuned.after:.3f} with "
        f"{tuned.recipe!r}: {gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}].",
        _verdict(tuned, output),
    ]
    return "\n".join(lines if tuned.helps else [*lines, _power(tuned)])


def _verdict(tuned: Tuned, output: Path) -> str:
    if tuned.helps:
        return f"Wrote {output}. To use it, set ALSOSEE_RANKING={output}"
    if tuned.recipe == "defaults":
        return "Wrote no file: no learnt ranking is better than the defaults."
    return "Wrote no file: the 95 % interval of the gain does not lie above zero."


def _power(tuned: Tuned) -> str:
    """What the test could have detected."""
    power = tuned.power
    detects = (
        f"With {power.queries:,} newer articles, this test detects a true gain of "
        f"{power.detectable:.3f} in four cases of five, and smaller gains less often."
    )
    if power.queries_needed is None:
        return f"{detects} On the older articles, no ranking gained."
    return (
        f"{detects} To detect the gain on the older ones, {power.expected:+.3f}, it would take "
        f"{power.queries_needed:,}."
    )
