"""`alsosee tune`: learn from the newsroom's own links, and say what that is worth."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
import orjson

from api.cli.evaluation import counted, progress
from recommender.errors import InvalidInput, UnusableData
from recommender.evaluation import Archive, Qrels, read_archive, read_truth
from recommender.evaluation.links import harvest
from recommender.evaluation.tune import MEASURE, Tuned, lists_to_make, split
from recommender.evaluation.tune import tune as learn
from recommender.sources.files import ArticleFile
from recommender.sources.records import Record


class Newsroom(NamedTuple):
    """An archive and its own links."""

    archive: Archive
    truth: Qrels


def tune(articles: str, truth_file: Path | None, output: Path, seed: int, as_json: bool) -> None:
    """Write the ranking if it surely helps, and print what was learnt and measured."""
    if not output.absolute().parent.is_dir():
        raise InvalidInput.at("output", f"there is no folder {output.absolute().parent}")
    newsroom = read_newsroom(articles, truth_file)
    halves = split(newsroom.archive, newsroom.truth)
    with progress("Learning", lists_to_make(halves)) as advance:
        found = learn(newsroom.archive, halves, seed, advance)
    if found.helps:
        _write(found, output)
    if as_json:
        written = str(output) if found.helps else None
        click.echo(
            orjson.dumps({**found.to_json(), "written": written}, option=orjson.OPT_INDENT_2)
        )
    else:
        click.echo(told(found, output))


def read_newsroom(articles: str, truth_file: Path | None) -> Newsroom:
    """Without a file of them, the links are those of the articles."""
    truth = read_truth(truth_file) if truth_file else None
    with ArticleFile(articles) as file, progress("Reading", None) as advance:
        records = [counted(record, advance) for record in file.records()]
    with progress("Analysing", len(records)) as advance:
        archive = read_archive(records, advance)
    if not archive.articles:
        raise UnusableData(f"{articles}: holds no articles")
    return Newsroom(archive, _links(records) if truth is None else truth)


def _links(records: Sequence[Record]) -> Qrels:
    return harvest([record.data for record in records]).truth


def _write(found: Tuned, output: Path) -> None:
    try:
        found.model.write(output)
    except OSError as error:
        raise click.ClickException(f"{output}: {error.strerror}") from error


def told(found: Tuned, output: Path) -> str:
    """What was learnt, what it is worth, and what became of the file."""
    tried = ", ".join(f"{name} {gain:+.3f}" for name, gain in found.cross_validated.items())
    gain = found.gain
    return "\n".join(
        (
            f"Learnt from {found.learnt_from:,} older articles with links, "
            f"tested on {found.queries:,} newer ones.",
            f"Gain among the older ones, cross-validated: {tried}.",
            f"{MEASURE} on the newer ones: {found.before:.3f} before, {found.after:.3f} with "
            f"{found.recipe!r}: {gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}].",
            _verdict(found, output),
        )
    )


def _verdict(found: Tuned, output: Path) -> str:
    if found.helps:
        return f"Written: {output}. To use it: ALSOSEE_RANKING={output}"
    if found.recipe == "defaults":
        return "Nothing was written: nothing that was learnt beats the defaults."
    return "Nothing was written: the 95 % interval of the gain does not lie above zero."
