"""JSON values one after another: arrays of any length, or objects that span lines."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from recommender.errors import InvalidInput
from recommender.sources.records import (
    MAX_RECORD_BYTES,
    Record,
    UnreadableDocument,
    parse_json,
    refused,
)

CHUNK_BYTES = 2**18
MAX_DEPTH = 1_000_000  # deeper values are refused without looking for their end

_BRACKET_OR_QUOTE = re.compile(rb'["{}\[\]]')
_STRING_CONTENT = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_SCALAR = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[^\s,\[\]{}"]++', re.DOTALL)
_BETWEEN = re.compile(rb"[\s,]*+")


def read(document: BinaryIO) -> Iterator[Record]:
    """
    The elements of an array, or the objects of a stream, numbered from 1.

    Several arrays may follow each other, as the pages of an API do when they are saved in one file.

    Raises:
        UnreadableDocument: when it ends in the middle, after the values before.
    """
    for number, value in enumerate(_Splitter(document).values(), 1):
        if len(value) > MAX_RECORD_BYTES:
            yield refused(number, f"expected at most {MAX_RECORD_BYTES} bytes")
            continue
        try:
            yield Record(number, parse_json(value))
        except InvalidInput as error:
            yield Record(number, error)


class _Splitter:
    """Cuts a stream into values where brackets match, whatever is between them."""

    def __init__(self, document: BinaryIO) -> None:
        self._document = document
        self._text = b""
        self._at = 0

    def values(self) -> Iterator[bytes]:
        """The text of each value; of one that is too long for a record, just enough to tell."""
        in_array = False
        number = 0
        while first := self._first_byte():
            if in_array and first == b"]":
                in_array = False
                self._at += 1
            elif not in_array and first == b"[":
                in_array = True
                self._at += 1
            else:
                number += 1
                yield self._container(number) if first in b"{[" else self._scalar(number)
        if in_array:
            raise UnreadableDocument(f"ends before the array is closed, after record {number}")

    def _first_byte(self) -> bytes:
        """The first byte of what comes next, behind blanks and commas; empty at the end."""
        while True:
            match = _BETWEEN.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at : self._at + 1]
            if not self._more():
                return b""

    def _scalar(self, number: int) -> bytes:
        while True:
            match = _SCALAR.match(self._text, self._at)
            if match is not None and match.end() < len(self._text):
                break
            if len(self._text) - self._at > MAX_RECORD_BYTES or not self._more():
                break
        if match is None:
            raise UnreadableDocument(f"is not readable as JSON at record {number}")
        self._at = match.end()
        return match[0]

    def _container(self, number: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        depth = 0
        in_string = False
        while True:
            start = self._at
            depth, in_string = self._scan(depth, in_string)
            if size <= MAX_RECORD_BYTES:
                parts.append(self._text[start : self._at])
                size += self._at - start
            if depth == 0:
                return b"".join(parts)
            if depth > MAX_DEPTH:
                raise UnreadableDocument(f"record {number} is nested too deeply")
            if not self._more():
                raise UnreadableDocument(f"ends in the middle of record {number}")

    def _scan(self, depth: int, in_string: bool) -> tuple[int, bool]:
        """Go to where *depth* is 0 again, or as far as the text goes."""
        text = self._text
        while True:
            if in_string:
                content = _STRING_CONTENT.match(text, self._at)
                self._at = content.end() if content else self._at
                if text[self._at : self._at + 1] != b'"':  # it goes on in the next chunk
                    return depth, True
                self._at += 1
                in_string = False
            token = _BRACKET_OR_QUOTE.search(text, self._at)
            if token is None:
                self._at = len(text)
                return depth, False
            self._at = token.end()
            if token[0] == b'"':
                in_string = True
                continue
            depth += 1 if token[0] in b"{[" else -1
            if depth == 0:
                return 0, False

    def _more(self) -> bool:
        """Read on; what was passed is forgotten."""
        chunk = self._document.read(CHUNK_BYTES)
        self._text = self._text[self._at :] + chunk
        self._at = 0
        return bool(chunk)
