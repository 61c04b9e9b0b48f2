"""Articles that a Python program holds in memory: mappings, or the rows of a pandas DataFrame."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, Protocol, runtime_checkable
from uuid import UUID

import numpy as np

from features.fields import sender_names
from recommender.errors import FieldProblem, InvalidInput
from recommender.sources.records import Record


@runtime_checkable
class Table(Protocol):
    """The part of a pandas DataFrame that is used; pandas itself is not imported."""

    @property
    def columns(self) -> Any: ...
    @property
    def index(self) -> Any: ...
    def reset_index(self) -> Any: ...
    def to_dict(self, orient: Any) -> Any: ...


Articles = Iterable[Mapping[str, Any] | Record] | Table
"""Mappings with the fields of an article, records of a file, or a DataFrame with a row for each."""


class RecordProblems(NamedTuple):
    """
    What is wrong with one record.

    Fields:
        number: of the record in the input, from 1.
        article_id: None where it cannot be read.
        problems: every field that cannot be used, and why.
    """

    number: int
    article_id: str | None
    problems: list[FieldProblem]

    @classmethod
    def of(cls, record: Record, problems: Sequence[FieldProblem]) -> "RecordProblems":
        return cls(record.line, _id_of(record.data), [*problems])

    def __str__(self) -> str:
        name = f"record {self.number}" + (f" ({self.article_id})" if self.article_id else "")
        return f"{name}: {'; '.join(map(str, self.problems))}"


def records_of(articles: Articles) -> Iterator[Record]:
    """
    Number the articles, and give their values the types of JSON.

    NaN, NaT and `pandas.NA` are missing values; dates and Timestamps become ISO 8601, and the
    scalars and arrays of NumPy numbers and lists. A named index of a DataFrame is a column.

    Raises:
        TypeError: when *articles* is no iterable of records.
    """
    for number, item in enumerate(_rows(articles), 1):
        if isinstance(item, Record):
            yield item
        elif isinstance(item, Mapping):
            yield Record(number, {str(name): plain_value(item[name]) for name in item})
        else:
            kind = type(item).__name__
            yield Record(number, InvalidInput.at("", f"expected a mapping, got {kind}"))


def _rows(articles: Articles) -> Iterable[object]:
    if isinstance(articles, Table):
        named = {name for name in articles.index.names if name is not None}
        table = articles.reset_index() if named - {*articles.columns} else articles
        rows: list[object] = table.to_dict("records")
        return rows
    if isinstance(articles, str | bytes | Mapping) or not isinstance(articles, Iterable):
        kind = type(articles).__name__
        raise TypeError(f"expected a list of mappings or a pandas DataFrame, got {kind}")
    return articles


def plain_value(value: Any) -> Any:
    """*value* as JSON has it; None for what pandas and NumPy call missing."""
    if isinstance(value, Mapping):
        return {str(name): plain_value(value[name]) for name in value}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        values = map(plain_value, value)
        return [one for one in values if one is not None]
    if isinstance(value, np.generic):
        value = value.item()
    if _is_missing(value):
        return None
    if isinstance(value, date):  # datetime and Timestamp too
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    # A column of whole numbers with gaps is one of floats in pandas.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ == "NAType":  # `pandas.NA == pandas.NA` is no bool
        return True
    return bool(value != value)  # NaN and NaT


def _id_of(data: object) -> str | None:
    if not isinstance(data, Mapping):
        return None
    name = sender_names(data).get("id")
    return None if name is None else str(data[name])
