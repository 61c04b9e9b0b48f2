"""One raw article with its place in the input, before anything is known about it."""

from collections.abc import Iterator
from io import BufferedReader
from typing import IO, Any, NamedTuple

import jiter

from recommender.errors import AlsoSeeError, InvalidInput

MAX_RECORD_BYTES = 2 * 2**20


class Record(NamedTuple):
    """
    One line or row.

    Fields:
        line: counted from 1, as an editor shows it.
        data: what stands there, or why it cannot be read.
    """

    line: int
    data: object | InvalidInput


class Note(NamedTuple):
    """
    A remark about a document, or about a part of it that is no article, such as an attachment.

    Equal notes are shown once, with their number.
    """

    text: str


SIGN_OF_LIFE = Note("")
"""From a reader that is busy with much input: its time begins again."""


def guess_note(encoding: str) -> Note:
    return Note(f"read as {encoding}, which is a guess: it is not UTF-8")


class UnreadableDocument(AlsoSeeError):
    """A document that no record, or no further record, can be read from; says why."""


def refused(line: int, reason: str) -> Record:
    """A record that cannot be used as a whole."""
    return Record(line, InvalidInput.at("", reason))


def parse_json(text: bytes) -> object:
    """
    Read one JSON value, strictly.

    Raises:
        InvalidInput: for what is not JSON in UTF-8, or is JSON that two readers may take
            differently or that only an attacker writes: NaN, repeated keys, lone surrogates,
            nesting deeper than 200.
    """
    try:
        return jiter.from_json(text, allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError as error:
        # In NDJSON "line 1" would contradict the line number that stands beside it.
        reason = str(error) if b"\n" in text else str(error).replace(" line 1 column ", " column ")
        raise InvalidInput.at("", f"not readable as JSON: {reason}") from None


def numbered_lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """
    The lines of a stream that are not blank, counted from 1 with those that are.

    Of a line that is too long for a record, just enough to tell.
    """
    # Unbuffered, `readline` reads byte by byte and takes half the time of a bulk write.
    lines = stream if isinstance(stream, BufferedReader) else BufferedReader(stream)  # type: ignore[type-var]
    number = _skip_blank_lines(lines)
    while line := lines.readline(MAX_RECORD_BYTES + 2):
        number += 1
        if not line.isspace():
            yield number, line
        while len(line) > MAX_RECORD_BYTES and not line.endswith(b"\n"):
            line = lines.readline(MAX_RECORD_BYTES + 1) or b"\n"
        number += _skip_blank_lines(lines)


def _skip_blank_lines(lines: "BufferedReader[Any]") -> int:
    """Skip blank lines, by the buffer and not one by one: archives may hold millions; how many."""
    skipped = 0
    while True:
        buffered = lines.peek()
        blanks = len(buffered) - len(buffered.lstrip())
        end = buffered.rfind(b"\n", 0, blanks) + 1
        if not end:
            return skipped
        skipped += buffered.count(b"\n", 0, end)
        lines.read(end)


def json_record(line: int, text: bytes) -> Record:
    """The record on one line of NDJSON; a line over 2 MiB is refused unread."""
    if len(text) > MAX_RECORD_BYTES:
        detail = f"expected at most {MAX_RECORD_BYTES} bytes a line"
        return Record(line, InvalidInput.at("", detail))
    try:
        return Record(line, parse_json(text.strip()))
    except InvalidInput as error:
        return Record(line, error)
