"""Where the lists work: the main measure by section, by time and by length of the story."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import regex

from recommender.evaluation.intervals import Bootstrap, Interval
from recommender.evaluation.report.figures import MAIN_MEASURE, Figures

MOST_SECTIONS = 12
MOST_MONTHS = 24
MOST_YEARS = 20
# As word processors count: an ideogram is a word, because no blanks separate them.
_WORD = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]|\w+")


class Group(NamedTuple):
    """Some of the queries, and each system's main measure over them; no intervals for none."""

    name: str
    queries: int
    intervals: dict[str, Interval]


def by_section(figures: Figures, systems: Sequence[str]) -> list[Group]:
    """Sections with most queries first; beyond `MOST_SECTIONS`, and those without, come last."""
    articles = figures.evaluation.archive.articles
    sections = [articles[place].section or "" for place in figures.query_places()]
    named = _most_frequent_first(list(filter(None, sections)))
    if not named:
        return []
    large = named[:MOST_SECTIONS]
    small = frozenset(named[MOST_SECTIONS:])
    masks: dict[str, list[bool]] = {}
    for name in large:
        masks[name] = [section == name for section in sections]
    masks[f"{len(small)} smaller sections"] = [section in small for section in sections]
    masks["no section"] = [not section for section in sections]
    groups = []
    for name, mask in masks.items():
        if any(mask):
            groups.append(_group(figures, systems, name, mask))
    return groups


def _most_frequent_first(names: Sequence[str]) -> list[str]:
    counts = Counter(names)
    return sorted(counts, key=lambda name: (-counts[name], name))


def by_period(figures: Figures, systems: Sequence[str]) -> list[Group]:
    """
    Months in order, or years if there are more than `MOST_MONTHS`; empty without dates.

    Of more than `MOST_YEARS` years, the last ones that have queries, because a wrong date must not
    push all others off the chart.
    """
    articles = figures.evaluation.archive.articles
    dates = [articles[place].published_at for place in figures.query_places()]
    months = [_month(date) for date in dates if date]
    if not months:
        return []
    in_months = max(months) - min(months) < MOST_MONTHS
    periods = [_period(date, in_months) for date in dates]
    groups = []
    for number in _periods_shown(periods, in_months):
        name = f"{number // 12}-{number % 12 + 1:02}" if in_months else f"{number}"
        mask = [period == number for period in periods]
        groups.append(_group(figures, systems, name, mask))  # empty months stay in the chart
    return groups


def _periods_shown(periods: Sequence[int | None], in_months: bool) -> list[int]:
    known = sorted({period for period in periods if period is not None})
    numbers = list(range(known[0], known[-1] + 1))
    if not in_months and len(numbers) > MOST_YEARS:
        return known[-MOST_YEARS:]
    return numbers


def _period(date: datetime | None, in_months: bool) -> int | None:
    if date is None:
        return None
    return _month(date) if in_months else date.astimezone(UTC).year


def _month(date: datetime) -> int:
    in_utc = date.astimezone(UTC)
    return in_utc.year * 12 + in_utc.month - 1


def by_length(figures: Figures, systems: Sequence[str]) -> list[Group]:
    """Quarters of the queries, from short to long; fewer where many are equally long."""
    articles = figures.evaluation.archive.articles
    bodies = [articles[place].body for place in figures.query_places()]
    lengths = np.array(list(map(words, bodies)))
    # Equal quantiles are one edge, or a group between them would be empty.
    edges = np.unique(np.quantile(lengths, (0.25, 0.5, 0.75), method="higher"))
    quarter = np.searchsorted(edges, lengths, side="left")
    groups = []
    for number in np.unique(quarter):
        mask = quarter == number
        low = lengths[mask].min()
        high = lengths[mask].max()
        name = f"{low:,}–{high:,} words" if low < high else f"{low:,} words"
        groups.append(_group(figures, systems, name, mask.tolist()))
    return groups


def words(text: str) -> int:
    return len(_WORD.findall(text))


def _group(figures: Figures, systems: Sequence[str], name: str, mask: Sequence[bool]) -> Group:
    chosen = np.flatnonzero(mask)
    if not chosen.size:
        return Group(name, 0, {})
    bootstrap = Bootstrap(chosen.size, figures.evaluation.protocol.seed)
    intervals = {}
    for system in systems:
        values = figures.values(system, MAIN_MEASURE)
        intervals[system] = bootstrap.interval(values[chosen])
    return Group(name, int(chosen.size), intervals)
