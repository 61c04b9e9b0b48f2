"""An evaluation as a page for an editor-in-chief: one file, no script, nothing fetched."""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from recommender.errors import InvalidInput
from recommender.evaluation import charts, wording
from recommender.evaluation.baselines import DEPTH
from recommender.evaluation.charts import Chart
from recommender.evaluation.evaluate import Evaluation
from recommender.evaluation.findings import (
    AGE_BANDS,
    MAIN_MEASURE,
    Ages,
    Exposure,
    Figures,
    Group,
    TruthStatistics,
    best_rival,
    by_length,
    by_period,
    by_section,
    cases,
    exposure,
    linked_ages,
    shown_ages,
    truth_statistics,
    words,
)
from recommender.evaluation.intervals import RESAMPLES, Interval
from recommender.evaluation.measures import DEFAULT_MEASURES, SHOWN

FEW_QUERIES = 50  # with fewer, the page asks for caution
ENOUGH_IN_GROUP = 10  # a group with fewer is not called the best or the weakest
WORTH_A_WORD = 0.02  # nDCG; smaller leads of the rival are not mentioned
_MEASURE_GROUPS = (
    ("Does it find what editors linked?",
     ("nDCG", "MAP", "recall", "precision", "MRR", "hit", "condensed-nDCG", "judged")),
    ("Is the list clean?", ("self", "near-duplicates", "language-purity")),
    ("Is it fresh and varied?", ("median-age-days", "under-48h", "under-7d", "diversity")),
    ("Does the whole archive get its turn?", ("coverage", "gini", "section-calibration")),
)  # fmt: skip


def write_report(
    evaluation: Evaluation,
    folder: Path,
    pair: tuple[str, str] | None = None,
    name: str = "",
    timings: bool = False,
) -> Path:
    """
    Write `report.html` into *folder*, which is made when it is not there; readers never see half.

    The same evaluation gives the same bytes, unless *timings* are asked for.

    Args:
        pair: the two systems that are compared story by story; `alsosee`, or else the first,
            and its best rival.
        name: of the archive, as the headline has it.

    Returns:
        the path of the page.

    Raises:
        InvalidInput: when *pair* names a system that was not evaluated, or one twice.
        OSError: when it cannot be written.
    """
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
    systems = _pair(figures, pair)
    exposures = {system: exposure(figures, system) for system in evaluation.systems}
    truth = truth_statistics(figures)
    best, worst = cases(figures, systems)
    template = _templates().get_template("report.html")
    return template.render(
        evaluation=evaluation,
        figures=figures,
        name=name.strip() or "this archive",
        systems=systems,
        first=systems[0],
        second=systems[1] if len(systems) > 1 else None,
        lead=_lead(figures, systems),
        rivals=_rivals_chart(figures, systems),
        groups=_group_charts(figures, systems),
        freshness=_freshness_chart(figures, systems),
        exposures=exposures,
        exposure_chart=_exposure_chart(exposures, systems),
        spread_rows=[
            [
                wording.system_name(name),
                wording.percent(e.coverage),
                wording.figure("gini", e.gini),
                wording.percent(e.top_percent),
            ]
            for name, e in exposures.items()
        ],
        best=best,
        worst=worst,
        table_groups=_table(figures),
        guide=wording.reading_guide(evaluation.measures),
        truth=truth,
        per_query_chart=_per_query_chart(truth),
        span=_dates(evaluation),
        command=_command(evaluation),
        timings=_timings(evaluation) if timings else None,
        few=len(evaluation.judged.qrels) < FEW_QUERIES,
        shown=SHOWN,
        depth=DEPTH,
        resamples=RESAMPLES,
    )


def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("recommender.evaluation"),
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
        templates.filters[function.__name__] = function
    templates.globals["main_measure"] = MAIN_MEASURE
    return templates


def _pair(figures: Figures, pair: tuple[str, str] | None) -> list[str]:
    systems = figures.evaluation.systems
    if pair is not None:
        for name in pair:
            if name not in systems:
                raise InvalidInput.at("pair", f"no system {name!r}; there are {', '.join(systems)}")
        if pair[0] == pair[1]:
            raise InvalidInput.at("pair", "expected two different systems")
        return list(pair)
    first = "alsosee" if "alsosee" in systems else next(iter(systems))
    rival = best_rival(figures, first)
    return [first] if rival is None else [first, rival]


def _lead(figures: Figures, systems: Sequence[str]) -> dict[str, Any]:
    """What the first paragraph says: the box, the newest-first box, and the best rival."""
    rival = systems[1] if len(systems) > 1 else None
    evaluation = figures.evaluation
    return {
        # Without dates nothing is newest: `recent` then goes by id.
        "newest": "recent" in evaluation.systems and evaluation.archive.is_dated,
        "difference": figures.difference(systems[0], rival) if rival else None,
        "ages": shown_ages(figures, systems[0]),
    }


def _rivals_chart(figures: Figures, systems: Sequence[str]) -> Chart:
    names = sorted(figures.evaluation.systems, key=lambda name: -figures.mean(name, MAIN_MEASURE))
    groups, rows = [], []
    for name in names:
        interval = figures.interval(name, MAIN_MEASURE)
        kind = "first" if name == systems[0] else "other"
        text = wording.figure(MAIN_MEASURE, interval.mean)
        label = wording.system_name(name)
        groups.append(charts.BarGroup(label, "", [charts.Bar(kind, interval, text)]))
        row = [label, text, wording.span_of(interval, MAIN_MEASURE)]
        if len(names) > 1:
            row += _difference_cells(figures, systems[0], name)
        rows.append(row)
    columns = ["System", MAIN_MEASURE, "95 % interval"]
    if len(names) > 1:
        columns += [f"{wording.system_name(systems[0])} is ahead by", "95 % interval", "p"]
    best = wording.system_name(names[0])
    return Chart(
        f"How well each system finds what editors linked ({MAIN_MEASURE})",
        f"Bars for {len(names)} systems, best first: {best} has {rows[0][1]},"
        f" {wording.system_name(names[-1])} has {rows[-1][1]}. Whiskers are 95 % intervals.",
        charts.bars("rivals", MAIN_MEASURE, "Bars of all systems, best first", groups),
        columns,
        rows,
        [],
    )


def _difference_cells(figures: Figures, first: str, other: str) -> list[str]:
    if first == other:
        return ["", "", ""]
    mean, low, high, p = figures.difference(first, other)
    signed = wording.signed
    return [signed(mean), f"{signed(low)} to {signed(high)}", f"{p:.3f}"]


def _group_charts(figures: Figures, systems: Sequence[str]) -> list[dict[str, Any]]:
    sections = by_section(figures, systems)
    periods = by_period(figures, systems)
    lengths = by_length(figures, systems)
    left_out = len(figures.evaluation.judged.qrels) - sum(group.queries for group in periods)
    unit = "month" if periods and "-" in periods[0].name else "year"
    return [
        {
            "key": "section", "heading": "By section", "groups": sections,
            "chart": _bar_chart("section", "section", sections, systems),
            "insight": _insight(sections, systems), "lacks": "No story of the truth has a section.",
            "left_out": 0,
        },
        {
            "key": "time", "heading": f"By {unit}", "groups": periods,
            "chart": _line_chart("time", unit, periods, systems),
            "insight": _insight(periods, systems), "lacks": "No story of the truth has a date.",
            "left_out": left_out,
        },
        {
            "key": "length", "heading": "By length of the story", "groups": lengths,
            "chart": _bar_chart("length", "length", lengths, systems),
            "insight": _insight(lengths, systems), "lacks": "", "left_out": 0,
        },
    ]  # fmt: skip


def _bar_chart(
    key: str, what: str, groups: Sequence[Group], systems: Sequence[str]
) -> Chart | None:
    if not groups:
        return None
    drawn = [
        charts.BarGroup(
            wording.shortened(group.name, 34), _stories(group.queries), [
                charts.Bar(kind, group.intervals[system], f"{group.intervals[system].mean:.3f}")
                for kind, system in zip(("first", "second"), systems, strict=False)
            ],
        )
        for group in groups
    ]  # fmt: skip
    title = f"{MAIN_MEASURE} by {what}"
    description = _described(groups, systems)
    svg = charts.bars(key, title, description, drawn)
    return Chart(title, description, svg, *_group_table(what, groups, systems), _legend(systems))


def _line_chart(
    key: str, what: str, groups: Sequence[Group], systems: Sequence[str]
) -> Chart | None:
    if not groups:
        return None
    series = [
        charts.Series(kind, [group.intervals.get(system) for group in groups])
        for kind, system in zip(("first", "second"), systems, strict=False)
    ]
    title = f"{MAIN_MEASURE} by {what}"
    description = _described(groups, systems)
    svg = charts.lines(
        key, title, description, [g.name for g in groups], [g.queries for g in groups], series
    )
    legend = [*_legend(systems), ("count", "how many stories")]
    return Chart(title, description, svg, *_group_table(what, groups, systems), legend)


def _group_table(
    what: str, groups: Sequence[Group], systems: Sequence[str]
) -> tuple[list[str], list[list[str]]]:
    columns = [what.capitalize(), "Stories"]
    for system in systems:
        columns += [wording.system_name(system), "95 % interval"]
    rows = []
    for group in groups:
        row = [wording.shortened(group.name, 80), f"{group.queries:,}"]
        for system in systems:
            interval = group.intervals.get(system)
            row += [wording.figure(MAIN_MEASURE, interval.mean) if interval else "–",
                    wording.span_of(interval, MAIN_MEASURE) if interval else ""]  # fmt: skip
        rows.append(row)
    return columns, rows


def _described(groups: Sequence[Group], systems: Sequence[str]) -> str:
    names = " and ".join(wording.system_name(system) for system in systems)
    return f"{names} in {len(groups)} groups; the table below has every figure."


def _legend(systems: Sequence[str]) -> list[tuple[str, str]]:
    return [
        (kind, wording.system_name(system))
        for kind, system in zip(("first", "second"), systems, strict=False)
    ]


def _insight(groups: Sequence[Group], systems: Sequence[str]) -> dict[str, Any] | None:
    """The best and the weakest group of the first system, and where the second is ahead."""
    large = [group for group in groups if group.queries >= ENOUGH_IN_GROUP]
    if len(large) < 2:
        return None

    def mean(group: Group, system: str) -> float:
        return group.intervals[system].mean

    ordered = sorted(large, key=lambda group: mean(group, systems[0]))
    behind = [
        g
        for g in large
        if len(systems) > 1 and mean(g, systems[1]) - mean(g, systems[0]) > WORTH_A_WORD
    ]
    return {"best": ordered[-1], "weakest": ordered[0], "behind": behind, "of": len(large)}


def _freshness_chart(figures: Figures, systems: Sequence[str]) -> Chart | None:
    linked = linked_ages(figures)
    if not linked.places:
        return None
    names = [*systems, *(name for name in figures.evaluation.systems if name not in systems)]
    found = [("Editors’ own links", linked)]
    found += [(wording.system_name(name), shown_ages(figures, name)) for name in names]
    drawn = [charts.Band(label, _age_note(ages), ages.shares) for label, ages in found]
    title = "How old is what stands in the box?"
    description = (
        "Of the articles that editors linked, the middle one was"
        f" {wording.days(linked.median_days)} old; each bar shows how many were of which age when"
        " the story came out."
    )
    rows = [
        [label, f"{ages.places:,}", wording.days(ages.median_days),
         wording.percent(ages.under_48h), wording.percent(ages.under_7d),
         *map(wording.percent, ages.shares)]
        for label, ages in found
    ]  # fmt: skip
    return Chart(
        title,
        description,
        charts.bands("ages", title, description, drawn),
        ["Shown by", "Articles", "Median age", "Under 48 hours", "Under 7 days", *AGE_BANDS],
        rows,
        [(f"band-{number}", name) for number, name in enumerate(AGE_BANDS)],
    )


def _age_note(ages: Ages) -> str:
    return f"median {wording.days(ages.median_days)}" if ages.places else "shows nothing dated"


def _exposure_chart(exposures: Mapping[str, Exposure], systems: Sequence[str]) -> Chart:
    others = [name for name in ("recent",) if name in exposures]
    names = [*systems, *(name for name in others if name not in systems)]
    kinds = ("first", "second", "other")
    title = "Who gets the places?"
    description = (
        "Lorenz curves: the further a line sags below the diagonal, the fewer articles share"
        " the places of all lists."
    )
    shares = [0.5, 0.75, 0.9, 0.99]
    rows = [
        [f"the least shown {100 * share:.0f} % of the archive",
         *(wording.percent(_at(exposures[name].curve, share)) for name in names)]
        for share in shares
    ]  # fmt: skip
    curves = [(kind, exposures[name].curve) for kind, name in zip(kinds, names, strict=False)]
    return Chart(
        title,
        description,
        charts.lorenz("exposure", title, description, curves[::-1]),
        ["Share of all places that go to", *map(wording.system_name, names)],
        rows,
        [
            *(
                (f"lorenz {kind}", wording.system_name(name))
                for kind, name in zip(kinds, names, strict=False)
            ),
            ("lorenz equal", "all articles alike"),
        ],
    )


def _per_query_chart(truth: TruthStatistics) -> Chart:
    title = "How many links does a story have?"
    description = f"{truth.median_per_query:g} in the middle."
    groups = [
        charts.BarGroup(
            "1 link" if name == "1" else f"{name} links", "", [
                charts.Bar("first", Interval(count, float("nan"), float("nan")), f"{count:,}")
            ],
        )
        for name, count in truth.per_query
    ]  # fmt: skip
    rows = [[name, f"{count:,}"] for name, count in truth.per_query]
    svg = charts.bars("per-query", title, description, groups)
    return Chart(title, description, svg, ["Links", "Stories"], rows, [])


def _at(curve: Sequence[tuple[float, float]], share: float) -> float:
    xs, ys = zip(*curve, strict=True)
    return float(np.interp(share, xs, ys))


def _table(figures: Figures) -> list[dict[str, Any]]:
    """All measures of all systems in groups; a row knows which systems are best."""
    measures = figures.evaluation.measures
    family = {measure: measure.partition("@")[0] for measure in measures}
    known = {name for _, names in _MEASURE_GROUPS for name in names}
    groups = [*_MEASURE_GROUPS, ("Other measures", tuple({*family.values()} - known))]
    return [
        {"title": title, "rows": [_row(figures, m) for m in measures if family[m] in names]}
        for title, names in groups
        if any(family[m] in names for m in measures)
    ]


def _row(figures: Figures, measure: str) -> dict[str, Any]:
    intervals = {name: figures.interval(name, measure) for name in figures.evaluation.systems}
    shown = {name: wording.figure(measure, i.mean) for name, i in intervals.items()}
    better = wording.measure_words(measure).better
    known = [i.mean for i in intervals.values() if np.isfinite(i.mean)]
    best: set[str] = set()
    if better != "neither" and len(set(shown.values()) - {"–"}) > 1:
        top = max(known) if better == "higher" else min(known)
        best = {name for name in shown if shown[name] == wording.figure(measure, top)}
    return {"measure": measure, "intervals": intervals, "best": best}


def _dates(evaluation: Evaluation) -> tuple[str, str] | None:
    known = [a.published_at for a in evaluation.archive.articles if a.published_at]
    return (min(known).date().isoformat(), max(known).date().isoformat()) if known else None


def _command(evaluation: Evaluation) -> str:
    """What gives this evaluation again, but for the names of the files."""
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


def _stories(count: int) -> str:
    return "1 story" if count == 1 else f"{count:,} stories"
