"""What parent and child of the sandbox send each other: JSON with its length before it."""

import json
import struct
from typing import Any

import orjson

from recommender.errors import FieldProblem, InvalidInput
from recommender.sources.records import MAX_RECORD_BYTES, Note, Record

HEADER = struct.Struct(">I")
# A record of the largest size whose every character is escaped, and its frame.
MAX_FRAME_BYTES = 8 * MAX_RECORD_BYTES
_SLOWLY = b" "  # before JSON that only the standard library reads in full


def frame(message: dict[str, Any]) -> bytes:
    """Raises TypeError for what JSON cannot hold, such as half a surrogate pair."""
    text = orjson.dumps(message, default=str)
    return HEADER.pack(len(text)) + text


def item_frame(item: Record | Note) -> bytes:
    """One record or note; a record that cannot be sent becomes one that says so."""
    if isinstance(item, Note):
        return frame({"note": item.text})
    line = item.line
    try:
        sent = frame(_message_of(item))
    except TypeError as error:
        return _refusal(line, f"cannot be read: {error}")
    if len(sent) > MAX_FRAME_BYTES:
        return _refusal(line, f"expected at most {MAX_RECORD_BYTES} bytes")
    return sent


def item_of(message: dict[str, Any]) -> Record | Note:
    """The opposite of `item_frame`."""
    if "note" in message:
        return Note(message["note"])
    return _record_of(message)


def encoded(record: Record) -> bytes:
    """Any record, for another process of ours, which calls `decoded`."""
    message = _message_of(record)
    try:
        return orjson.dumps(message)
    except TypeError:  # it has a number beyond 64 bits, or text that is not UTF-8
        return _SLOWLY + json.dumps(message).encode()


def decoded(data: bytes) -> Record:
    """The opposite of `encoded`."""
    read = json.loads if data.startswith(_SLOWLY) else orjson.loads
    return _record_of(read(data))


def _message_of(record: Record) -> dict[str, Any]:
    line, data = record
    if isinstance(data, InvalidInput):
        return {"line": line, "problems": [[*problem] for problem in data.problems]}
    return {"line": line, "data": data}


def _record_of(message: dict[str, Any]) -> Record:
    if "problems" in message:
        problems = [FieldProblem(*problem) for problem in message["problems"]]
        return Record(message["line"], InvalidInput(problems))
    return Record(message["line"], message["data"])


def _refusal(line: int, reason: str) -> bytes:
    return frame({"line": line, "problems": [("", reason)]})
