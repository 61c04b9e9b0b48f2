"""The charts of the page: what each of them shows, drawn by `svg`, with its table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recommender.evaluation.intervals import Interval
from recommender.evaluation.report import svg, wording
from recommender.evaluation.report.figures import MAIN_MEASURE, Figures
from recommender.evaluation.report.findings import (
    AGE_BANDS,
    Ages,
    Exposure,
    TruthStatistics,
    linked_ages,
    shown_ages,
)
from recommender.evaluation.report.groups import Group, by_length, by_period, by_section
from recommender.evaluation.report.svg import Chart

ENOUGH_IN_GROUP = 10  # a group with fewer queries is not called the best or the weakest
WORTH_A_WORD = 0.02  # nDCG; smaller leads of the rival are not mentioned
_PAIR_KINDS = ("first", "second")  # CSS classes of the two systems that are compared


def rivals_chart(figures: Figures, systems: Sequence[str]) -> Chart:
    """All systems by the main measure, best first."""
    names = sorted(figures.evaluation.systems, key=lambda name: -figures.mean(name, MAIN_MEASURE))
    groups = []
    rows = []
    for name in names:
        interval = figures.interval(name, MAIN_MEASURE)
        kind = "first" if name == systems[0] else "other"
        text = wording.figure(MAIN_MEASURE, interval.mean)
        label = wording.system_name(name)
        groups.append(svg.BarGroup(label, "", [svg.Bar(kind, interval, text)]))
        row = [label, text, wording.span_of(interval, MAIN_MEASURE)]
        if len(names) > 1:
            row += _difference_cells(figures, systems[0], name)
        rows.append(row)
    columns = ["System", MAIN_MEASURE, "95 % interval"]
    if len(names) > 1:
        columns += [f"{wording.system_name(systems[0])} is ahead by", "95 % interval", "p"]
    return Chart(
        f"How well each system finds what editors linked ({MAIN_MEASURE})",
        f"Bars for {len(names)} systems, best first: {rows[0][0]} has {rows[0][1]},"
        f" {rows[-1][0]} has {rows[-1][1]}. Whiskers are 95 % intervals.",
        svg.bars("rivals", MAIN_MEASURE, "Bars of all systems, best first", groups),
        columns,
        rows,
        [],
    )


def _difference_cells(figures: Figures, first: str, other: str) -> list[str]:
    if first == other:
        return ["", "", ""]
    mean, low, high, p = figures.difference(first, other)
    interval = f"{wording.signed(low)} to {wording.signed(high)}"
    return [wording.signed(mean), interval, f"{p:.3f}"]


def group_charts(figures: Figures, systems: Sequence[str]) -> list[dict[str, Any]]:
    """The main measure by section, by time and by length, each with what stands out."""
    return [
        _sections_panel(by_section(figures, systems), systems),
        _periods_panel(figures, by_period(figures, systems), systems),
        _lengths_panel(by_length(figures, systems), systems),
    ]


def _sections_panel(groups: Sequence[Group], systems: Sequence[str]) -> dict[str, Any]:
    return {
        "key": "section",
        "heading": "By section",
        "groups": groups,
        "chart": _bar_chart("section", "section", groups, systems),
        "insight": _insight(groups, systems),
        "lacks": "No story of the truth has a section.",
        "left_out": 0,
    }


def _periods_panel(
    figures: Figures, groups: Sequence[Group], systems: Sequence[str]
) -> dict[str, Any]:
    unit = "month" if groups and "-" in groups[0].name else "year"
    queries = len(figures.evaluation.judged.qrels)
    return {
        "key": "time",
        "heading": f"By {unit}",
        "groups": groups,
        "chart": _line_chart("time", unit, groups, systems),
        "insight": _insight(groups, systems),
        "lacks": "No story of the truth has a date.",
        "left_out": queries - sum(group.queries for group in groups),
    }


def _lengths_panel(groups: Sequence[Group], systems: Sequence[str]) -> dict[str, Any]:
    return {
        "key": "length",
        "heading": "By length of the story",
        "groups": groups,
        "chart": _bar_chart("length", "length", groups, systems),
        "insight": _insight(groups, systems),
        "lacks": "",
        "left_out": 0,
    }


def _bar_chart(
    key: str, what: str, groups: Sequence[Group], systems: Sequence[str]
) -> Chart | None:
    if not groups:
        return None
    bar_groups = []
    for group in groups:
        bars = []
        for kind, system in zip(_PAIR_KINDS, systems, strict=False):
            interval = group.intervals[system]
            bars.append(svg.Bar(kind, interval, f"{interval.mean:.3f}"))
        label = wording.shortened(group.name, 34)
        bar_groups.append(svg.BarGroup(label, _stories(group.queries), bars))
    title = f"{MAIN_MEASURE} by {what}"
    description = _described(groups, systems)
    drawing = svg.bars(key, title, description, bar_groups)
    table = _group_table(what, groups, systems)
    return Chart(title, description, drawing, *table, _pair_legend(systems))


def _line_chart(
    key: str, what: str, groups: Sequence[Group], systems: Sequence[str]
) -> Chart | None:
    if not groups:
        return None
    series = []
    for kind, system in zip(_PAIR_KINDS, systems, strict=False):
        intervals = [group.intervals.get(system) for group in groups]
        series.append(svg.Series(kind, intervals))
    title = f"{MAIN_MEASURE} by {what}"
    description = _described(groups, systems)
    names = [group.name for group in groups]
    counts = [group.queries for group in groups]
    drawing = svg.lines(key, title, description, names, counts, series)
    legend = [*_pair_legend(systems), ("count", "how many stories")]
    return Chart(title, description, drawing, *_group_table(what, groups, systems), legend)


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
            row += _interval_cells(group.intervals.get(system))
        rows.append(row)
    return columns, rows


def _interval_cells(interval: Interval | None) -> list[str]:
    if interval is None:
        return ["–", ""]
    mean = wording.figure(MAIN_MEASURE, interval.mean)
    return [mean, wording.span_of(interval, MAIN_MEASURE)]


def _described(groups: Sequence[Group], systems: Sequence[str]) -> str:
    names = " and ".join(map(wording.system_name, systems))
    return f"{names} in {len(groups)} groups; the table below has every figure."


def _pair_legend(systems: Sequence[str]) -> list[tuple[str, str]]:
    pairs = zip(_PAIR_KINDS, systems, strict=False)
    return [(kind, wording.system_name(system)) for kind, system in pairs]


def _insight(groups: Sequence[Group], systems: Sequence[str]) -> dict[str, Any] | None:
    """The best and the weakest group of the first system, and where the second is ahead."""
    large = [group for group in groups if group.queries >= ENOUGH_IN_GROUP]
    if len(large) < 2:
        return None
    # Only groups with enough queries: the extremes of small ones are mostly chance.
    ordered = sorted(large, key=lambda group: group.intervals[systems[0]].mean)
    behind = [group for group in large if _is_behind(group, systems)]
    return {"best": ordered[-1], "weakest": ordered[0], "behind": behind, "of": len(large)}


def _is_behind(group: Group, systems: Sequence[str]) -> bool:
    """Whether the second system is ahead of the first by more than `WORTH_A_WORD`."""
    if len(systems) < 2:
        return False
    ours = group.intervals[systems[0]].mean
    theirs = group.intervals[systems[1]].mean
    return theirs - ours > WORTH_A_WORD


def freshness_chart(figures: Figures, systems: Sequence[str]) -> Chart | None:
    """The ages of what editors linked and of what each system shows; None without dates."""
    linked = linked_ages(figures)
    if not linked.places:
        return None
    # The two that are compared first, then the others.
    names = dict.fromkeys([*systems, *figures.evaluation.systems])
    labelled = [("Editors’ own links", linked)]
    for name in names:
        ages = shown_ages(figures, name)
        labelled.append((wording.system_name(name), ages))
    bands = []
    for label, ages in labelled:
        bands.append(svg.Band(label, _age_note(ages), ages.shares))
    title = "How old are the articles in the box?"
    description = (
        f"Half of the articles that editors linked were older than"
        f" {wording.days(linked.median_days)}; each bar shows the ages at the time the story was"
        " published."
    )
    return Chart(
        title,
        description,
        svg.bands("ages", title, description, bands),
        ["Shown by", "Articles", "Median age", "Under 48 hours", "Under 7 days", *AGE_BANDS],
        [_age_row(label, ages) for label, ages in labelled],
        [(f"band-{number}", name) for number, name in enumerate(AGE_BANDS)],
    )


def _age_row(label: str, ages: Ages) -> list[str]:
    shares = [ages.under_48h, ages.under_7d, *ages.shares]
    return [
        label,
        f"{ages.places:,}",
        wording.days(ages.median_days),
        *map(wording.percent, shares),
    ]


def _age_note(ages: Ages) -> str:
    return f"median {wording.days(ages.median_days)}" if ages.places else "shows nothing dated"


def exposure_chart(exposures: Mapping[str, Exposure], systems: Sequence[str]) -> Chart:
    """Lorenz curves of the compared systems, and of the newest articles."""
    names = list(systems)
    if "recent" in exposures and "recent" not in systems:
        names.append("recent")
    kinds = ("first", "second", "other")
    title = "Which articles are shown?"
    description = (
        "Lorenz curves: the further a line sags below the diagonal, the fewer articles share"
        " the places of all lists."
    )
    shown = [exposures[name] for name in names]
    curves = []
    legend = []
    for kind, name in zip(kinds, names, strict=False):  # there may be fewer than three
        curves.append((kind, exposures[name].curve))
        legend.append((f"lorenz {kind}", wording.system_name(name)))
    return Chart(
        title,
        description,
        # SVG paints in order: the first system's line comes last, on top of the others.
        svg.lorenz("exposure", title, description, curves[::-1]),
        ["Share of all places that go to", *map(wording.system_name, names)],
        [_exposure_row(share, shown) for share in _LEAST_SHOWN],
        [*legend, ("lorenz equal", "all articles alike")],
    )


_LEAST_SHOWN = (0.5, 0.75, 0.9, 0.99)


def _exposure_row(share: float, exposures: Sequence[Exposure]) -> list[str]:
    label = f"the least shown {100 * share:.0f} % of the archive"
    shares = [_at(one.curve, share) for one in exposures]
    return [label, *map(wording.percent, shares)]


def _at(curve: Sequence[tuple[float, float]], share: float) -> float:
    xs, ys = zip(*curve, strict=True)
    return float(np.interp(share, xs, ys))


def spread_rows(exposures: Mapping[str, Exposure]) -> list[list[str]]:
    """How the places are spread, a row for each system."""
    rows = []
    for name, one in exposures.items():
        gini = wording.figure("gini", one.gini)
        shares = wording.percent(one.coverage), wording.percent(one.top_percent)
        rows.append([wording.system_name(name), shares[0], gini, shares[1]])
    return rows


def per_query_chart(truth: TruthStatistics) -> Chart:
    """How many queries have how many links."""
    title = "How many links does a story have?"
    description = f"The median is {truth.median_per_query:g}."
    groups = []
    for name, count in truth.per_query:
        label = "1 link" if name == "1" else f"{name} links"
        bar = svg.Bar("first", Interval(count, float("nan"), float("nan")), f"{count:,}")
        groups.append(svg.BarGroup(label, "", [bar]))
    rows = [[name, f"{count:,}"] for name, count in truth.per_query]
    drawing = svg.bars("per-query", title, description, groups)
    return Chart(title, description, drawing, ["Links", "Stories"], rows, [])


def _stories(count: int) -> str:
    return "1 story" if count == 1 else f"{count:,} stories"
