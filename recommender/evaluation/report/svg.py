"""Charts as inline SVG: no script, readable in black and white and on a phone."""

import math
from collections.abc import Callable, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

from markupsafe import Markup

from recommender.evaluation.intervals import Interval

# Horizontal positions are percentages of the page's width, so that lines stretch and letters
# do not. The right margin is for figures.
_PLOT = 86.0
_BAR = 14
_LABEL = 20
_GAP = 12
_TOP_MARGIN = 14.0  # of a line chart
_LINES_HEIGHT = 200.0
_COUNTS_HEIGHT = 34.0


class Chart(NamedTuple):
    """
    A drawing and its figures as a table, for readers who cannot see it or want the numbers.

    Fields:
        legend: (class of the swatch, what it stands for).
    """

    title: str
    description: str
    svg: Markup
    columns: list[str]
    rows: list[list[str]]
    legend: list[tuple[str, str]]


class Bar(NamedTuple):
    """*kind* is the CSS class: `first`, `second` or `other`."""

    kind: str
    interval: Interval
    text: str


class BarGroup(NamedTuple):
    """Bars under one line of text, *note* at its right end."""

    label: str
    note: str
    bars: list[Bar]


class Series(NamedTuple):
    """One line of a line chart; None where there is no value."""

    kind: str
    intervals: list[Interval | None]


class Band(NamedTuple):
    """A bar cut into *shares*, which add up to 1."""

    label: str
    note: str
    shares: Sequence[float]


def bars(key: str, title: str, description: str, groups: Sequence[BarGroup]) -> Markup:
    """Horizontal bars from zero, with whiskers for their intervals."""
    highest = [_high(bar.interval) for group in groups for bar in group.bars]
    top = nice_top(max(highest, default=1.0))
    parts = []
    y = 0.0
    for group in groups:
        parts += _heading(group, y)
        y += _LABEL
        for bar in group.bars:
            parts += _bar(bar, y, top)
            y += _BAR + 3
        y += _GAP
    grid = []
    for tick in _ticks(top):
        x = _PLOT * tick / top
        grid.append(_line(x, x, 0, y, "grid"))
        grid.append(_text(f"{tick:g}", x, y + 12, "tick middle" if tick else "tick"))
    return _svg(key, title, description, y + 18, grid + parts)


def _heading(row: BarGroup | Band, y: float) -> list[Markup]:
    return [_text(row.label, 0, y + 13, "label"), _text(row.note, 100, y + 13, "note end")]


def _bar(bar: Bar, y: float, top: float) -> list[Markup]:
    mean, low, high = bar.interval
    width = _PLOT * max(mean, 0.0) / top if math.isfinite(mean) else 0.0
    middle = y + _BAR / 2
    drawn = [_tag("rect", x="0", y=y, width=_percent(width), height=_BAR, class_=f"bar {bar.kind}")]
    if math.isfinite(low) and math.isfinite(high):
        left = _PLOT * low / top
        right = _PLOT * high / top
        for kind in ("whisker-back", "whisker"):
            drawn.append(_line(left, right, middle, middle, kind))
            drawn.append(_line(left, left, middle - 4, middle + 4, kind))
            drawn.append(_line(right, right, middle - 4, middle + 4, kind))
    return [*drawn, _text(bar.text, 100, middle + 4.5, "value end")]


def lines(
    key: str,
    title: str,
    description: str,
    names: Sequence[str],
    counts: Sequence[int],
    series: Sequence[Series],
) -> Markup:
    """Points with whiskers, joined where both neighbours have a value; below them the counts."""
    intervals = filter(None, chain.from_iterable(one.intervals for one in series))
    top = nice_top(max(map(_high, intervals), default=1.0))
    # In the middle of equal columns; the left margin is for the figures of the axis.
    xs = [6 + 92 * (number + 0.5) / len(names) for number in range(len(names))]

    def height(value: float) -> float:
        return _TOP_MARGIN + _LINES_HEIGHT * (1 - value / top)

    parts = []
    for tick in _ticks(top):
        parts.append(_line(0, 100, height(tick), height(tick), "grid"))
        parts.append(_text(f"{tick:g}", 0, height(tick) - 3, "tick"))
    for number, one in enumerate(series):
        shift = 5 * (number - (len(series) - 1) / 2)  # so that whiskers do not cover each other
        parts += _curve(one, xs, height, shift)
    base = _TOP_MARGIN + _LINES_HEIGHT + 16 + _COUNTS_HEIGHT
    parts += _count_bars(names, counts, xs, base)
    parts.append(_line(0, 100, base, base, "axis"))
    return _svg(key, title, description, base + 20, parts)


def _count_bars(
    names: Sequence[str], counts: Sequence[int], xs: Sequence[float], base: float
) -> list[Markup]:
    """A bar for each count on the line at *base*; names and counts where there is room."""
    parts = []
    every = math.ceil(len(names) / 12)
    most = max([*counts, 1])
    for number, (name, count, x) in enumerate(zip(names, counts, xs, strict=True)):
        tall = _COUNTS_HEIGHT * count / most
        # Every second label is left out on narrow screens.
        kind = "tick middle" if number % 2 == 0 else "tick middle minor"
        parts.append(
            _tag("rect", x=_percent(x - 1), y=base - tall, width="2%", height=tall, class_="count")
        )
        if number % every == 0:
            parts.append(_text(name, x, base + 14, kind))
        if len(names) <= 16:
            parts.append(_text(f"{count}", x, base - tall - 3, kind))
    return parts


def _curve(
    series: Series, xs: Sequence[float], height: Callable[[float], float], shift: float
) -> list[Markup]:
    drawn = []
    points = list(zip(xs, series.intervals, strict=True))
    for (x, here), (next_x, there) in pairwise(points):
        if here and there:
            drawn.append(_line(x, next_x, height(here.mean), height(there.mean), "curve"))
    for x, interval in points:
        if interval is None:
            continue
        y = height(interval.mean)
        if math.isfinite(interval.low):
            drawn.append(_line(x, x, height(interval.low), height(interval.high), "whisker"))
        if series.kind == "second":
            drawn.append(
                _tag("rect", x=_percent(x), y=y - 4, width=8, height=8, transform="translate(-4 0)",
                     class_="dot")
            )  # fmt: skip
        else:
            drawn.append(_tag("circle", cx=_percent(x), cy=y, r=4.5, class_="dot"))
    return [
        Markup('<g class="series {}" transform="translate({} 0)">{}</g>').format(
            series.kind, f"{shift:g}", Markup("").join(drawn)
        )
    ]


def bands(key: str, title: str, description: str, rows: Sequence[Band]) -> Markup:
    """Bars of one length, cut into shares; wide parts carry their percentage."""
    parts = []
    y = 0.0
    for row in rows:
        parts += _heading(row, y)
        y += _LABEL
        x = 0.0
        for number, share in enumerate(row.shares):
            width = 100 * share if math.isfinite(share) else 0.0
            if width > 0:
                parts.append(
                    _tag("rect", x=_percent(x), y=y, width=_percent(width), height=18,
                         class_=f"band band-{number}")
                )  # fmt: skip
            if width >= 9:
                parts.append(
                    _text(
                        f"{width:.0f}\u202f%", x + width / 2, y + 13.5, f"on-band-{number} middle"
                    )
                )
            x += width
        y += 18 + _GAP
    return _svg(key, title, description, y, parts)


def lorenz(
    key: str,
    title: str,
    description: str,
    curves: Sequence[tuple[str, Sequence[tuple[float, float]]]],
) -> Markup:
    """Share of places by share of articles, least shown first; the diagonal is equality."""
    left = 40.0
    top = 8.0
    size = 270.0

    def at(x: float, y: float) -> str:
        return f"{left + size * x:.1f},{top + size * (1 - y):.1f}"

    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = top + size * (1 - tick)
        x = left + size * tick
        label = f"{100 * tick:.0f}\u202f%"
        parts.append(_tag("line", x1=left, x2=left + size, y1=y, y2=y, class_="grid"))
        parts.append(_tag("text", label, x=left - 5, y=y + 4, class_="tick end"))
        parts.append(_tag("text", label, x=x, y=top + size + 15, class_="tick middle"))
    parts.append(_tag("polyline", points=f"{at(0, 0)} {at(1, 1)}", class_="lorenz equal"))
    for kind, points in curves:
        path = " ".join(at(x, y) for x, y in points)
        parts.append(_tag("polyline", points=path, class_=f"lorenz {kind}"))
    axis = "share of the archive, least shown first"
    parts.append(_tag("text", axis, x=left + size / 2, y=top + size + 32, class_="tick middle"))
    return _svg(key, title, description, 318, parts, view_box="0 0 330 318")


def nice_top(value: float) -> float:
    """The end of an axis: a round number not below *value*."""
    if not math.isfinite(value) or value <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(value))
    # Rounded, or three tenths are 0.30000000000000004.
    for step in (1, 2, 3, 4, 5, 6, 8):
        top = round(size * step, 12)
        if top >= value * 0.9999:
            return top
    return round(size * 10, 12)


def _ticks(top: float) -> list[float]:
    # A logarithm may be just below a whole number.
    leading = round(top / 10.0 ** math.floor(math.log10(top) + 1e-9))
    steps = {1: 5, 2: 4, 3: 3, 4: 4, 5: 5, 6: 3, 8: 4}[leading]
    return [round(top * n / steps, 10) for n in range(steps + 1)]


def _high(interval: Interval) -> float:
    # A figure without an interval has nan as its ends, and `max` of nan depends on the order.
    ends = filter(math.isfinite, (interval.mean, interval.high))
    return max(ends, default=0.0)


def _svg(
    key: str,
    title: str,
    description: str,
    height: float,
    parts: Sequence[Markup],
    view_box: str = "",
) -> Markup:
    size = Markup('viewBox="{}"').format(view_box) if view_box else Markup('width="100%"')
    return Markup(
        '<svg {} height="{}" role="img" aria-labelledby="{}-title {}-desc">'
        '<title id="{}-title">{}</title><desc id="{}-desc">{}</desc>{}</svg>'
    ).format(size, f"{height:g}", key, key, key, title, key, description, Markup("\n").join(parts))


def _text(text: str, x: float, y: float, kind: str) -> Markup:
    return _tag("text", text, x=_percent(x), y=y, class_=kind) if text else Markup("")


def _line(x1: float, x2: float, y1: float, y2: float, kind: str) -> Markup:
    return _tag("line", x1=_percent(x1), x2=_percent(x2), y1=y1, y2=y2, class_=kind)


def _percent(value: float) -> str:
    return f"{value:.2f}%"


def _tag(name: str, text: str = "", **attributes: object) -> Markup:
    written = Markup("")
    for key, value in attributes.items():
        # Five digits are less than a pixel, and keep the page small.
        number = f"{value:.5g}" if isinstance(value, float) else value
        # `class_`, because `class` is a word of Python. `Markup.format` escapes the value.
        written += Markup(' {}="{}"').format(key.removesuffix("_"), number)
    return Markup("<{}{}>{}</{}>").format(name, written, text, name)
