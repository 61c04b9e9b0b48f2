"""The page: one file, no script, nothing loaded from elsewhere."""

import os
import shlex
from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from recommender.errors import InvalidInput
from recommender.evaluation.baselines import DEPTH
from recommender.evaluation.evaluate import Evaluation
from recommender.evaluation.intervals import RESAMPLES
from recommender.evaluation.measures import DEFAULT_MEASURES, SHOWN, STORY
from recommender.evaluation.report import panels, wording
from recommender.evaluation.report.figures import MAIN_MEASURE, Figures, best_rival
from recommender.evaluation.report.findings import cases, exposure, shown_ages, truth_statistics
from recommender.evaluation.report.groups import words

FEW_QUERIES = 50  # with fewer, the page asks for caution
_MEASURE_GROUPS = (
    ("Does it find what editors linked?",
     ("nDCG", "MAP", "recall", "precision", "MRR", "hit", "condensed-nDCG", "judged")),
    ("Is the list clean?", ("self", "near-duplicates", "language-purity")),
    ("Is it fresh and varied?", ("median-age-days", "under-48h", "under-7d", "diversity")),
    ("Is the whole archive shown?", ("coverage", "gini", "section-calibration")),
)  # fmt: skip


def write_report(
    evaluation: Evaluation,
    folder: Path,
    pair: tuple[str, str] | None = None,
    name: str = "",
    timings: bool = False,
) -> Path:
    """
    Write `report.html` into *folder*, which is created if it is missing; readers never see half.

    The same evaluation gives the same bytes, unless it is to include *timings*.

    Args:
        pair: the two systems that are compared story by story; `alsosee`, or else the first,
            and its best rival.
        name: of the archive, for the headline.

    Returns:
        the path of the page.

    Raises:
        InvalidInput: when *pair* names a system that was not evaluated, or one twice.
        OSError: when it cannot be written.
    """
    # A lone surrogate, as in the name of a file, has no form in UTF-8.
    page = _page(evaluation, pair, name, timings).encode(errors="replace")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "report.html"
    unfinished = folder / f".report.html.{os.getpid()}"
    try:
        unfinished.write_bytes(page)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _page(evaluation: Evaluation, pair: tuple[str, str] | None, name: str, timings: bool) -> str:
    figures = Figures(evaluation)
    systems = _compared_systems(figures, pair)
    exposures = {system: exposure(figures, system) for system in evaluation.systems}
    truth = truth_statistics(figures)
    best, worst = cases(figures, systems)
    return _environment().get_template("report.html").render(
        evaluation=evaluation,
        figures=figures,
        name=name.strip() or "this archive",
        systems=systems,
        first=systems[0],
        second=systems[1] if len(systems) > 1 else None,
        lead=_lead(figures, systems),
        rivals=panels.rivals_chart(figures, systems),
        groups=panels.group_charts(figures, systems),
        freshness=panels.freshness_chart(figures, systems),
        exposures=exposures,
        exposure_chart=panels.exposure_chart(exposures, systems),
        spread_rows=panels.spread_rows(exposures),
        best=best,
        worst=worst,
        table_groups=_measure_table(figures),
        guide=wording.reading_guide(evaluation.measures),
        truth=truth,
        per_query_chart=panels.per_query_chart(truth),
        span=_dates(evaluation),
        command=_command(evaluation),
        timings=_timings(evaluation) if timings else None,
        few=len(evaluation.judged.qrels) < FEW_QUERIES,
        shown=SHOWN,
        depth=DEPTH,
        resamples=RESAMPLES,
    )  # fmt: skip


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("recommender.evaluation.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (
        wording.system_name, wording.system_words, wording.measure_words, wording.grade_words,
        wording.figure, wording.span_of, wording.percent, wording.days, wording.verdict,
        wording.signed, wording.out_of, wording.grouped, wording.shortened, words,
    ):  # fmt: skip
        environment.filters[function.__name__] = function
    environment.globals["main_measure"] = MAIN_MEASURE
    return environment


def _compared_systems(figures: Figures, pair: tuple[str, str] | None) -> list[str]:
    systems = figures.evaluation.systems
    if pair is None:
        first = "alsosee" if "alsosee" in systems else next(iter(systems))
        rival = best_rival(figures, first)
        return [first] if rival is None else [first, rival]
    for name in pair:
        if name not in systems:
            known = ", ".join(systems)
            raise InvalidInput.at("pair", f"no system {name!r}; there are {known}")
    if pair[0] == pair[1]:
        raise InvalidInput.at("pair", "expected two different systems")
    return list(pair)


def _lead(figures: Figures, systems: Sequence[str]) -> dict[str, Any]:
    """The figures of the first paragraph: the box, the newest-first box, and the best rival."""
    rival = systems[1] if len(systems) > 1 else None
    evaluation = figures.evaluation
    return {
        # Without dates there is no newest: `recent` then goes by id.
        "newest": "recent" in evaluation.systems and evaluation.archive.is_dated,
        "difference": figures.difference(systems[0], rival) if rival else None,
        "ages": shown_ages(figures, systems[0]),
    }


def _measure_table(figures: Figures) -> list[dict[str, Any]]:
    """All measures of all systems in groups; a row names the best systems."""
    measures = figures.evaluation.measures
    family = {measure: measure.removeprefix(STORY).partition("@")[0] for measure in measures}
    grouped = chain.from_iterable(names for _, names in _MEASURE_GROUPS)
    others = tuple({*family.values()}.difference(grouped))
    groups = [*_MEASURE_GROUPS, ("Other measures", others)]
    table = []
    for title, names in groups:
        rows = [_measure_row(figures, measure) for measure in measures if family[measure] in names]
        if rows:
            table.append({"title": title, "rows": rows})
    return table


def _measure_row(figures: Figures, measure: str) -> dict[str, Any]:
    intervals = {name: figures.interval(name, measure) for name in figures.evaluation.systems}
    shown = {}
    for name, interval in intervals.items():
        shown[name] = wording.figure(measure, interval.mean)
    better = wording.measure_words(measure).better
    best: set[str] = set()
    if better != "neither" and len(set(shown.values()) - {"–"}) > 1:
        means = [*filter(np.isfinite, map(attrgetter("mean"), intervals.values()))]
        top = wording.figure(measure, max(means) if better == "higher" else min(means))
        # By what the page shows: figures that look equal are equally good.
        best = {name for name in shown if shown[name] == top}
    return {"measure": measure, "intervals": intervals, "best": best}


def _dates(evaluation: Evaluation) -> tuple[str, str] | None:
    dates = map(attrgetter("published_at"), evaluation.archive.articles)
    known = [*filter(None, dates)]
    return (min(known).date().isoformat(), max(known).date().isoformat()) if known else None


def _command(evaluation: Evaluation) -> str:
    """The command that makes this evaluation again, but for the names of the files."""
    protocol = evaluation.protocol
    parts = ["alsosee", "evaluate", "ARTICLES", "TRUTH"]
    parts += ["--systems", ",".join(evaluation.systems)]
    if evaluation.measures != DEFAULT_MEASURES:
        parts += ["--measures", ",".join(evaluation.measures)]
    parts += ["--as-of", "publication"] if protocol.as_of == "publication" else ["--all"]
    if protocol.candidates == "older":
        parts += ["--candidates", "older"]
    if protocol.queries is not None:
        parts += ["--queries", str(protocol.queries)]
    parts += ["--seed", str(protocol.seed), "--report", "DIR"]
    return shlex.join(parts)


def _timings(evaluation: Evaluation) -> list[tuple[str, list[str]]]:
    rows = []
    for name, result in evaluation.systems.items():
        milliseconds = np.array(result.list_seconds or [float("nan")]) * 1000
        median, p95 = np.percentile(milliseconds, (50, 95))
        rows.append((name, [f"{median:.2f} ms", f"{p95:.2f} ms", f"{result.seconds:.2f} s"]))
    return rows
