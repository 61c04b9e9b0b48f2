"""
The child process of the sandbox: `python -m recommender.sources.child READER`.

The first process only forks and waits. The worker that it forks reads requests, one document each,
from standard input and answers on standard output. A worker that takes too long or too much memory
ends; the first process then reports that and forks the next one, which has all modules loaded.
"""

import gc
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from typing import IO, Any

import orjson

from recommender.sources.frames import HEADER, frame, item_frame
from recommender.sources.records import Note, Record, UnreadableDocument

SECONDS = 2.0  # for one document, or for one article of an export
MEMORY_BYTES = 512 * 2**20
# Worker exit statuses: there are no more requests, or a new worker is needed.
NO_MORE = 0
WORN_OUT = 3

Reader = Callable[..., Iterator[Record | Note]]
"""Reads an open document item by item, and nothing before the first one is requested."""


def main(reader: str) -> None:
    read: Reader = import_module(f"recommender.sources.{reader}").read
    requests = os.fdopen(0, "rb", buffering=0)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # a library that prints must not write among the answers
    gc.freeze()  # the garbage collector of a worker leaves the shared pages alone
    while True:
        worker = os.fork()
        if worker == 0:
            os._exit(_work(read, requests, answers))
        status = os.waitpid(worker, 0)[1]
        if status == NO_MORE:
            return
        if os.WIFSIGNALED(status):
            answers.write(frame({"failed": _cause(os.WTERMSIG(status))}))


def _cause(number: int) -> str:
    if number == signal.SIGALRM:
        return f"takes longer than {SECONDS:g} seconds to read"
    return f"makes its reader crash ({signal.Signals(number).name})"


def _work(read: Reader, requests: IO[bytes], answers: IO[bytes]) -> int:
    """Answer requests until there are no more, or one has used up this process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        while (request := _received(requests)) is not None:
            head, document = request
            try:
                with document:
                    _answer(read(document, **head["options"]), answers)
            except MemoryError:
                answers.write(frame({"failed": f"needs more than {MEMORY_BYTES >> 20} MB to read"}))
                return WORN_OUT
    except BrokenPipeError:
        pass
    return NO_MORE


def _answer(items: Iterator[Record | Note], answers: IO[bytes]) -> None:
    try:
        while True:
            with _deadline():
                item = next(items, None)
                answer = frame({"end": True}) if item is None else item_frame(item)
            answers.write(answer)
            if item is None:
                return
    except UnreadableDocument as error:
        answers.write(frame({"failed": str(error)}))
    except (MemoryError, BrokenPipeError):
        raise
    except Exception as error:  # noqa: BLE001 - parsers raise anything for hostile documents
        answers.write(frame({"failed": f"cannot be read: {type(error).__name__}: {error}"[:500]}))


@contextmanager
def _deadline() -> Iterator[None]:
    """End the process if what is inside takes too long, also in C code that never returns."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _received(requests: IO[bytes]) -> tuple[dict[str, Any], IO[bytes]] | None:
    header = _exactly(requests, HEADER.size)
    if not header:
        return None
    head = orjson.loads(_exactly(requests, *HEADER.unpack(header)))
    if head["path"] is not None:
        return head, open(head["path"], "rb")  # noqa: PTH123 - closed by the caller
    return head, BytesIO(_exactly(requests, head["size"]))


def _exactly(stream: IO[bytes], size: int) -> bytes:
    """So many bytes, or none at the end of the stream."""
    parts = []
    while size and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


if __name__ == "__main__":
    main(sys.argv[1])
