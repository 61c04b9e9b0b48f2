"""JSON Lines: one object on each line, also in the two-line form of Elasticsearch's bulk API."""

from collections.abc import Iterator
from typing import BinaryIO

from recommender.sources.records import Record, json_record, numbered_lines

_ACTIONS = {"index", "create"}


def read(document: BinaryIO) -> Iterator[Record]:
    """Every line that is not blank; a bad one is a record that says so."""
    named: str | None = None
    for number, line in numbered_lines(document):
        record = json_record(number, line)
        action = _bulk_action(record.data)
        if action is not None:
            named = action
            continue
        if named and isinstance(record.data, dict):
            record = Record(number, {"_id": named, **record.data})
        named = None
        yield record


def _bulk_action(data: object) -> str | None:
    """The id in a line such as `{"index": {"_id": "7"}}`, empty if it names none; else None."""
    if not isinstance(data, dict) or len(data) != 1:
        return None
    [(action, about)] = data.items()
    if action not in _ACTIONS or not isinstance(about, dict) or not about.keys() >= {"_index"}:
        return None
    return str(about.get("_id", ""))
