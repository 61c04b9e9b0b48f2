"""`alsosee evaluate`: the quality of lists, on judged pairs."""

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import click
import orjson

from api.cli.options import JSON, PATH
from api.cli.progress import progress
from api.cli.settings import pick_site
from recommender.backend import Backend
from recommender.config import Settings
from recommender.errors import InvalidInput, UnusableData
from recommender.evaluation import Archive, Evaluation, Protocol, read_archive, read_truth
from recommender.evaluation import evaluate as evaluate_systems
from recommender.evaluation.compare import (
    Comparison,
    Threshold,
    compare,
    failures,
    parse_threshold,
    read_result,
)
from recommender.evaluation.embedding import embedding
from recommender.evaluation.measures import DEFAULT_MEASURES
from recommender.evaluation.systems import (
    MODES,
    SYSTEMS,
    System,
    baseline,
    given_run,
    ranked_by,
)
from recommender.evaluation.trec import read_run, write_run
from recommender.evaluation.truth import write_qrels
from recommender.policy.ranking_model import RankingModel
from recommender.sources.files import ArticleFile
from recommender.storage.evaluations import EvaluationFigures, MeasureFigures

TUNED = "alsosee-tuned"
TABLE_MEASURES = ("nDCG@10", "story-nDCG@10", "recall@10", "hit@5")
MAX_UNKNOWN_IDS = 5
MAX_REJECTIONS_PRINTED = 5


class Options(NamedTuple):
    """The options of the command."""

    systems: str | None
    measures: str | None
    as_of: Literal["publication", "all"]
    candidates: Literal["any", "older"]
    queries: int | None
    seed: int
    runs: tuple[Path, ...]
    ranking: Path | None
    embedding_model: Path | None
    versus: str | None
    report: Path | None
    trec: Path | None
    overview: str | None
    timings: bool
    per_query: bool
    baseline: Path | None
    fail_under: tuple[str, ...]
    as_json: bool

    def protocol(self) -> Protocol:
        return Protocol(self.as_of, self.candidates, self.queries, self.seed)

    def system_names(self, from_files: Iterable[str]) -> list[str]:
        """The named systems, or all plain ones; systems from files always take part."""
        names = self.systems.split(",") if self.systems else list(SYSTEMS)
        names = [name.strip() for name in names]
        return list(dict.fromkeys([*names, *from_files]))

    def measure_names(self) -> Sequence[str]:
        if not self.measures:
            return DEFAULT_MEASURES
        return [measure.strip() for measure in self.measures.split(",")]


@click.command()
@click.argument("articles")
@click.argument("truth_file", metavar="TRUTH", type=PATH)
@click.option("--systems", metavar="A,B", help="Systems to compare. Default: all plain ones.")
@click.option("--measures", metavar="A,B", help="Measures, such as nDCG@10,recall@10.")
@click.option(
    "--as-of",
    type=click.Choice(["publication", "all"]),
    default="publication",
    show_default=True,
    help="Candidates: articles published by the time of the story, or the whole archive.",
)
@click.option("--all", "whole_archive", is_flag=True, help="The same as --as-of all.")
@click.option(
    "--candidates",
    type=click.Choice(["any", "older"]),
    default="any",
    show_default=True,
    help="older: only articles published strictly before the story.",
)
@click.option("--queries", type=click.IntRange(1), help="Draw this many stories at random.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Seed of all random choices.")
@click.option("--run", "runs", multiple=True, type=PATH, help="A TREC run, as another system.")
@click.option(
    "--ranking", type=PATH, metavar="FILE", help="A file of tune, as the system alsosee-tuned."
)
@click.option("--embedding-model", type=PATH, help="Folder of a sentence-transformers model.")
@click.option("--versus", metavar="SYSTEM", help="Add differences to this system to the JSON.")
@click.option("--report", type=PATH, metavar="DIR", help="Write an HTML report.")
@click.option("--trec", type=PATH, metavar="DIR", help="Write TREC runs and qrels.")
@click.option("--overview", metavar="SITE", help="Show the figures on the desk of this site.")
@click.option(
    "--no-timings",
    "timings",
    flag_value=False,
    default=True,
    help="Leave out of the JSON what differs from run to run.",
)
@click.option("--per-query", is_flag=True, help="Add values and lists of each story to the JSON.")
@click.option(
    "--baseline", type=PATH, metavar="JSON", help="An earlier result of --json --per-query."
)
@click.option(
    "--fail-under",
    multiple=True,
    metavar="nDCG@10:-0.01",
    help="Exit with status 1 if the measure fell by more, with statistical significance.",
)
@JSON
@click.pass_context
def evaluate(
    ctx: click.Context,
    /,
    articles: str,
    truth_file: Path,
    whole_archive: bool,
    **arguments: Any,
) -> None:
    """Measure the quality of lists on judged pairs.

    ARTICLES is a file as for `import`, TRUTH the output of `truth`. Neither Redis nor a server is
    needed, except for --overview. Exit status 1 if --fail-under is not met.
    """
    if whole_archive:
        arguments["as_of"] = "all"
    if arguments["fail_under"] and arguments["baseline"] is None:
        raise click.UsageError("--fail-under needs --baseline, an earlier result to compare with.")
    ctx.exit(_run(articles, truth_file, Options(**arguments)))


def _run(articles: str, truth_file: Path, options: Options) -> int:
    """Evaluate, print and write the results; the exit status says whether thresholds are met."""
    # Checked before the evaluation, which can take long.
    site = None
    if options.overview is not None:
        site = pick_site(Settings.from_environment(), options.overview)
    earlier = read_result(options.baseline) if options.baseline else None
    thresholds = [parse_threshold(text) for text in options.fail_under]
    evaluation, first_system = _evaluate(articles, truth_file, options)
    _write(evaluation, options, Path(articles).name)
    if site is not None:
        _show_on_desk(evaluation, site)
    if earlier is None:
        return 0
    comparison = compare(earlier, evaluation.to_json(per_query=True), first_system)
    return _check(comparison, thresholds)


def _evaluate(articles: str, truth_file: Path, options: Options) -> tuple[Evaluation, str]:
    """The evaluation, and the name of its first system."""
    judged_pairs = read_truth(truth_file)
    from_files = _systems_from_files(options)
    available = {**from_files, "embedding": baseline(embedding(options.embedding_model))}
    archive = _read_archive(articles)
    names = options.system_names(from_files)
    if options.versus is not None and options.versus not in names:
        raise InvalidInput.at("versus", f"{options.versus!r} does not take part")
    queries = min(len(judged_pairs), options.queries or len(judged_pairs))
    with progress("Ranking", len(names) * queries) as advance:
        evaluation = evaluate_systems(
            archive,
            judged_pairs,
            names,
            options.measure_names(),
            options.protocol(),
            available,
            advance,
        )
    return evaluation, names[0]


def _systems_from_files(options: Options) -> Mapping[str, System]:
    """Our own system with another ranking, and the given TREC runs, by name."""
    systems = {}
    if options.ranking:
        systems[TUNED] = ranked_by(RankingModel.read(options.ranking))
    # A run with the name of one of our systems would replace it without notice.
    runs = dict(read_run(path) for path in options.runs)
    taken = sorted(runs.keys() & {*SYSTEMS, *MODES, "embedding", TUNED})
    if taken:
        raise InvalidInput.at("run", f"its lines are named {taken[0]!r}, as a system of ours is")
    for name, run in runs.items():
        systems[name] = given_run(run)
    return systems


def _read_archive(articles: str) -> Archive:
    with ArticleFile(articles) as file, progress("Reading") as advance:
        archive = read_archive(file.records(), advance)
    for rejection in archive.rejections[:MAX_REJECTIONS_PRINTED]:
        click.echo(f"{articles}: {rejection}", err=True)
    more = len(archive.rejections) - MAX_REJECTIONS_PRINTED
    if more > 0:
        click.echo(f"… and {more:,} more", err=True)
    if not archive.articles:
        raise UnusableData(f"{articles}: holds no articles")
    return archive


def _write(evaluation: Evaluation, options: Options, file_name: str) -> None:
    try:
        if options.report is not None:
            # Imported here, because it loads Jinja and the drawing of charts.
            from recommender.evaluation.report import write_report

            page = write_report(evaluation, options.report, name=file_name)
            click.echo(f"Report: {page}", err=True)
        if options.trec is not None:
            _write_trec(evaluation, options.trec)
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error
    if options.as_json:
        answer = evaluation.to_json(options.per_query, options.versus, options.timings)
        sys.stdout.buffer.write(orjson.dumps(answer, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        click.echo(_table(evaluation))


def _write_trec(evaluation: Evaluation, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "qrels.txt").write_bytes(b"".join(write_qrels(evaluation.judged.qrels)))
    for name, result in evaluation.systems.items():
        (folder / f"{name}.run").write_bytes(b"".join(write_run(name, result.run)))


def _show_on_desk(evaluation: Evaluation, site: str) -> None:
    """Store the figures that the desk of a site shows."""
    systems = {}
    for name in evaluation.systems:
        systems[name] = {m: _measured(evaluation, name, m) for m in evaluation.measures}
    figures = EvaluationFigures(
        made_at=datetime.now(UTC),
        articles=len(evaluation.archive.articles),
        queries=len(evaluation.judged.qrels),
        systems=systems,
    )
    with Backend(Settings.from_environment()) as backend:
        backend.evaluations.keep(site, figures)


def _measured(evaluation: Evaluation, system: str, measure: str) -> MeasureFigures:
    interval = evaluation.interval(system, measure)._asdict()
    rounded = {n: round(v, 6) if math.isfinite(v) else None for n, v in interval.items()}
    return MeasureFigures(**rounded)


def _table(evaluation: Evaluation) -> str:
    shown = [measure for measure in evaluation.measures if measure in TABLE_MEASURES]
    shown = shown or list(evaluation.measures[:5])
    lines = [f"{'':16}" + "".join(f"{measure:>26}" for measure in shown)]
    for system in evaluation.systems:
        cells = []
        for measure in shown:
            interval = evaluation.interval(system, measure)
            text = f"{interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
            cells.append(f"{text:>26}")
        lines.append(f"{system:16}" + "".join(cells))
    return "\n".join([*lines, *_notes(evaluation)])


def _notes(evaluation: Evaluation) -> list[str]:
    """How many queries were evaluated, and which judged ids were of no use."""
    judged = evaluation.judged
    note = f"{len(judged.qrels)} queries, 95 % intervals; {judged.unanswerable} more had no answer"
    note += " among the eligible." if judged.unanswerable else "."
    notes = [note]
    if judged.unknown_ids:
        ids = ", ".join(judged.unknown_ids[:MAX_UNKNOWN_IDS])
        more = "…" if len(judged.unknown_ids) > MAX_UNKNOWN_IDS else ""
        notes.append(f"{len(judged.unknown_ids)} judged ids are not in the archive: {ids}{more}")
    return notes


def _check(comparison: Comparison, thresholds: Sequence[Threshold]) -> int:
    """Print differences to the baseline, and the thresholds that are not met."""
    for measure, d in comparison.differences.items():
        change = f"{d.mean:+.4f} [{d.low:+.4f}, {d.high:+.4f}]"
        click.echo(f"{measure} against the baseline: {change}", err=True)
    failed = failures(comparison, thresholds)
    for sentence in failed:
        click.echo(sentence, err=True)
    if thresholds and not failed:
        click.echo("All thresholds are met.", err=True)
    return 1 if failed else 0
