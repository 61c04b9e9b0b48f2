"""How good are the lists? `truth`, `evaluate` and `compare`: no Redis, no HTTP."""

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

import click
import orjson

from api.cli.sites import pick_site
from recommender.backend import Backend
from recommender.config import Settings
from recommender.errors import InvalidInput, UnusableData
from recommender.evaluation import Archive, Evaluation, Protocol, evaluate, read_archive, read_truth
from recommender.evaluation.compare import (
    Comparison,
    Threshold,
    compare,
    failures,
    parse_threshold,
    read_result,
)
from recommender.evaluation.embedding import embedding
from recommender.evaluation.links import harvest
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
from recommender.evaluation.truth import write_qrels, write_truth
from recommender.policy.ranking_model import RankingModel
from recommender.sources.files import ArticleFile
from recommender.sources.records import Record
from recommender.storage.evaluations import EvaluationFigures, MeasureFigures

TUNED = "alsosee-tuned"


class Wish(NamedTuple):
    """What to evaluate and what to make of it: the options of the command."""

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

    def system_names(self, given: Iterable[str]) -> list[str]:
        """Those named, or all plain ones; runs and a ranking that were given always take part."""
        named = self.systems.split(",") if self.systems else list(SYSTEMS)
        return list(dict.fromkeys([name.strip() for name in named] + list(given)))

    def measure_names(self) -> Sequence[str]:
        return [m.strip() for m in self.measures.split(",")] if self.measures else DEFAULT_MEASURES


def truth(articles: str, form: str) -> None:
    """Print the archive's own links as judged pairs, and on standard error what was left out."""
    with ArticleFile(articles) as file, progress("Reading", None) as advance:
        records = [counted(record, advance).data for record in file.records()]
    found = harvest(records)
    for line in (write_qrels if form == "trec" else write_truth)(found.truth):
        sys.stdout.buffer.write(line)
    kinds = [f"{count} {kind}" for kind, count in found.links.items()] or ["no links"]
    click.echo(f"{len(found.truth)} articles with links: {', '.join(kinds)}", err=True)
    for reason, count in found.left_out.items():
        click.echo(f"left out: {count} {reason}", err=True)


def evaluate_archive(articles: str, truth_file: Path, wish: Wish) -> int:
    """Evaluate, print and write what is asked for; the exit status says whether the gate holds."""
    site = pick_site(Settings.from_environment(), wish.overview) if wish.overview else None
    earlier = read_result(wish.baseline) if wish.baseline else None
    thresholds = [parse_threshold(text) for text in wish.fail_under]
    judged_pairs = read_truth(truth_file)
    given = _given(wish)
    more = {**given, "embedding": baseline(embedding(wish.embedding_model))}
    archive = archive_of(articles)
    names = wish.system_names(given)
    if wish.versus is not None and wish.versus not in names:
        raise InvalidInput.at("versus", f"{wish.versus!r} does not take part")
    lists = len(names) * min(len(judged_pairs), wish.queries or len(judged_pairs))
    with progress("Ranking", lists) as advance:
        found = evaluate(
            archive, judged_pairs, names, wish.measure_names(), wish.protocol(), more, advance
        )
    _write(found, wish, Path(articles).name)
    if site is not None:
        _leave(found, site)
    if earlier is None:
        return 0
    return _gate(compare(earlier, found.to_json(per_query=True), names[0]), thresholds)


def _given(wish: Wish) -> dict[str, System]:
    """The systems that come from files; our own with another ranking stands beside our own."""
    runs = dict(read_run(path) for path in wish.runs)
    if taken := sorted(runs.keys() & {*SYSTEMS, *MODES, "embedding", TUNED}):
        raise InvalidInput.at("run", f"its lines are named {taken[0]!r}, as a system of ours is")
    tuned = {TUNED: ranked_by(RankingModel.read(wish.ranking))} if wish.ranking else {}
    return {**tuned, **{name: given_run(run) for name, run in runs.items()}}


def compare_results(a: Path, b: Path, system: str, as_json: bool) -> None:
    """Print what changed from one evaluation to another."""
    found = compare(read_result(a), read_result(b), system)
    if as_json:
        click.echo(orjson.dumps(found.to_json()))
        return
    click.echo(f"{system}: {found.queries} shared queries; B is better on {found.wins},", nl=False)
    click.echo(f" worse on {found.losses}, equal on {found.ties}")
    for measure, d in found.differences.items():
        click.echo(f"  {measure:22} {d.mean:+.4f}  [{d.low:+.4f}, {d.high:+.4f}]  p = {d.p:.3f}")
    changed = [(query, share) for query, share in found.churn.items() if share][:10]
    click.echo("Lists that changed most:" if changed else "No list changed.")
    for query, share in changed:
        click.echo(f"  {share:4.0%}  {query}")


def archive_of(articles: str) -> Archive:
    with ArticleFile(articles) as file, progress("Reading", None) as advance:
        archive = read_archive(file.records(), advance)
    if not archive.articles:
        raise UnusableData(f"{articles}: holds no articles")
    return archive


def _write(found: Evaluation, wish: Wish, name: str) -> None:
    try:
        if wish.report is not None:
            from recommender.evaluation.report import write_report

            page = write_report(found, wish.report, name=name)
            click.echo(f"Report: {page}", err=True)
        if wish.trec is not None:
            _write_trec(found, wish.trec)
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error
    if wish.as_json:
        answer = found.to_json(wish.per_query, wish.versus, wish.timings)
        sys.stdout.buffer.write(orjson.dumps(answer, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        click.echo(_table(found))


def _leave(found: Evaluation, site: str) -> None:
    """Have the figures shown at a site's desk."""
    systems = {
        name: {m: _measured(found, name, m) for m in found.measures} for name in found.systems
    }
    figures = EvaluationFigures(
        made_at=datetime.now(UTC),
        articles=len(found.archive.articles),
        queries=len(found.judged.qrels),
        systems=systems,
    )
    with Backend(Settings.from_environment()) as backend:
        backend.evaluations.keep(site, figures)


def _measured(found: Evaluation, system: str, measure: str) -> MeasureFigures:
    interval = found.interval(system, measure)._asdict()
    return MeasureFigures(
        **{n: round(v, 6) if math.isfinite(v) else None for n, v in interval.items()}
    )


def _write_trec(found: Evaluation, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "qrels.txt").write_bytes(b"".join(write_qrels(found.judged.qrels)))
    for name, result in found.systems.items():
        (folder / f"{name}.run").write_bytes(b"".join(write_run(name, result.run)))


def _table(found: Evaluation) -> str:
    shown = [m for m in found.measures if m in TABLE] or list(found.measures[:5])
    head = f"{'':16}" + "".join(f"{measure:>26}" for measure in shown)
    rows = [head]
    for system in found.systems:
        cells = (found.interval(system, measure) for measure in shown)
        text = (f"{c.mean:.3f} [{c.low:.3f}, {c.high:.3f}]" for c in cells)
        rows.append(f"{system:16}" + "".join(f"{cell:>26}" for cell in text))
    unknown = found.judged.unknown_ids
    unanswerable = found.judged.unanswerable
    rows.append(
        f"{len(found.judged.qrels)} queries, 95 % intervals; {unanswerable} more had no answer"
    )
    rows[-1] += " among the eligible." if unanswerable else "."
    if unknown:
        named = ", ".join(unknown[:5]) + ("…" if len(unknown) > 5 else "")
        rows.append(f"{len(unknown)} ids of the truth are not in the archive: {named}")
    return "\n".join(rows)


TABLE = ("nDCG@10", "story-nDCG@10", "recall@10", "hit@5")


def _gate(found: Comparison, thresholds: Sequence[Threshold]) -> int:
    for measure, d in found.differences.items():
        change = f"{d.mean:+.4f} [{d.low:+.4f}, {d.high:+.4f}]"
        click.echo(f"{measure} against the baseline: {change}", err=True)
    said = failures(found, thresholds)
    for sentence in said or ["The gate holds."] * bool(thresholds):
        click.echo(sentence, err=True)
    return 1 if said else 0


def counted(record: Record, advance: Callable[[], None]) -> Record:
    advance()
    return record


@contextmanager
def progress(label: str, length: int | None) -> Iterator[Callable[[], None]]:
    """A progress bar on a terminal's standard error, silence elsewhere."""
    with click.progressbar(
        length=length or 0,
        label=label,
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
        show_pos=True,
    ) as bar:
        yield lambda: bar.update(1)
