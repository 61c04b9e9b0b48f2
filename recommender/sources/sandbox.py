"""
Readers of hostile documents in processes of their own, which can be killed.

Parsers of XML, HTML, YAML and spreadsheets can be made to run for minutes or to fill the memory by
a few kilobytes. Here such a document costs two seconds, and the next one is read.
"""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from recommender.sources.frames import HEADER, MAX_FRAME_BYTES, frame, item_of
from recommender.sources.records import Note, Record, UnreadableDocument

# A worker ends itself at its deadline, so this is only for a child process that is stopped.
PATIENCE_SECONDS = 60.0
GONE = "the process that reads documents has ended"


class Sandbox:
    """
    A child process for each reader, started with its first document.

    One thread at a time may read. Use it in a `with` block, or `close` it.
    """

    def __init__(self) -> None:
        self._children: dict[str, _Child] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        for child in self._children.values():
            child.close()
        self._children.clear()

    def read(
        self, reader: str, document: bytes | Path, **options: object
    ) -> Iterator[Record | Note]:
        """
        Yield what *reader*, a module of this package, reads from a document.

        Args:
            document: its bytes, or a file with them.
            options: further arguments of the reader, as JSON types.

        Raises:
            UnreadableDocument: after the records that were read before the failure.
        """
        child = self._children.pop(reader, None) or _Child(reader)
        with ExitStack() as abandoned:
            # A child that stopped in the middle would answer the next request with the rest.
            abandoned.callback(child.close)
            child.request(document, options)
            failure = yield from child.answers()
            abandoned.pop_all()
        self._children[reader] = child
        if failure:
            raise UnreadableDocument(failure)


class _Child:
    def __init__(self, reader: str) -> None:
        if not hasattr(os, "fork"):
            raise UnreadableDocument("this format is read on Linux and macOS only")
        # In a session of its own: Ctrl-C is for the command, which then ends its children.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "recommender.sources.child", reader],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            # A reader in Rust that runs out of memory would print pages.
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "RUST_BACKTRACE": "0"},
            start_new_session=True,
        )
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101
        self._requests = self._process.stdin
        self._answers = self._process.stdout

    def close(self) -> None:
        for pipe in (self._requests, self._answers):
            with suppress(OSError):
                pipe.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # the worker too
        self._process.wait()

    def request(self, document: bytes | Path, options: dict[str, Any]) -> None:
        inline = document if isinstance(document, bytes) else b""
        path = None if isinstance(document, bytes) else os.fspath(document)
        head = frame({"path": path, "size": len(inline), "options": options})
        try:
            for part in (head, inline):
                _write(self._requests.fileno(), part)
        except OSError as error:
            raise UnreadableDocument(GONE) from error

    def answers(self) -> Generator[Record | Note, None, str]:
        """Yield what was read, and return why that ended early, or nothing."""
        while True:
            (size,) = HEADER.unpack(self._receive(HEADER.size))
            if size > MAX_FRAME_BYTES:
                raise UnreadableDocument(GONE)
            message = orjson.loads(self._receive(size))
            if "end" in message:
                return ""
            if "failed" in message:
                return str(message["failed"])
            yield item_of(message)

    def _receive(self, size: int) -> bytes:
        parts = []
        while size:
            ready = select.select([self._answers], [], [], PATIENCE_SECONDS)[0]
            part = os.read(self._answers.fileno(), size) if ready else b""
            if not part:
                raise UnreadableDocument(GONE)
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
