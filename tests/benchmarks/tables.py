"""Numbers as the tables of the documents write them."""

from collections.abc import Iterable, Sequence

from recommender.evaluation.intervals import Difference


def number(value: float) -> str:
    """`.591`"""
    return f"{value:.3f}".removeprefix("0")


def signed(difference: Difference) -> str:
    """A difference with its interval; bold when that does not hold 0."""
    if max(abs(difference.low), abs(difference.high)) < 0.0005:
        return "0"
    text = f"{_sign(difference.mean)} [{_sign(difference.low)}, {_sign(difference.high)}]"
    return f"**{text}**" if is_significant(difference) else text


def is_significant(difference: Difference) -> bool:
    return difference.low > 0 or difference.high < 0


def _sign(value: float) -> str:
    rounded = round(value, 3)
    sign = "−" if rounded < 0 else "+" if rounded > 0 else ""
    return sign + number(abs(rounded))


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
