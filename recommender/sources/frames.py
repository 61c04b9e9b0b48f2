"""What parent and child of the sandbox send each other: JSON with its length before it."""

import struct
from typing import Any

import orjson

from recommender.errors import FieldProblem, InvalidInput
from recommender.sources.records import MAX_RECORD_BYTES, Note, Record

HEADER = struct.Struct(">I")
# A record of the largest size whose every character is escaped, and its frame.
MAX_FRAME_BYTES = 8 * MAX_RECORD_BYTES


def frame(message: dict[str, Any]) -> bytes:
    """Raises TypeError for what JSON cannot hold, such as half a surrogate pair."""
    text = orjson.dumps(message, default=str)
    return HEADER.pack(len(text)) + text


def item_frame(item: Record | Note) -> bytes:
    """One record or note; a record that cannot be sent becomes one that says so."""
    if isinstance(item, Note):
        return frame({"note": item.text})
    line, data = item
    if isinstance(data, InvalidInput):
        return frame({"line": line, "problems": [[*problem] for problem in data.problems]})
    try:
        sent = frame({"line": line, "data": data})
    except TypeError as error:
        return _refusal(line, f"cannot be read: {error}")
    if len(sent) > MAX_FRAME_BYTES:
        return _refusal(line, f"expected at most {MAX_RECORD_BYTES} bytes")
    return sent


def item_of(message: dict[str, Any]) -> Record | Note:
    """The opposite of `item_frame`."""
    if "note" in message:
        return Note(message["note"])
    if "problems" in message:
        problems = [FieldProblem(*problem) for problem in message["problems"]]
        return Record(message["line"], InvalidInput(problems))
    return Record(message["line"], message["data"])


def _refusal(line: int, reason: str) -> bytes:
    return frame({"line": line, "problems": [("", reason)]})
