"""
Reads the files in which the embedded server keeps its data.

    appendonlydir/appendonly.aof.manifest        which of the others count, and in which order
    appendonlydir/appendonly.aof.<n>.base.rdb    all keys at one moment
    appendonlydir/appendonly.aof.<n>.incr.aof    the commands since then

A server without the manifest, or with one that was cut, takes what it finds for a new archive and
writes over the old one. So `problem` is called before every start. The keeper loads this file as a
script's module: it imports only the standard library.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

FOLDER = "appendonlydir"
MANIFEST = "appendonly.aof.manifest"

_DATA_FILE = re.compile(r"appendonly\.aof\.([0-9]{1,15})\.(base|incr)\.(rdb|aof)")
_MANIFEST_LINE = re.compile(
    r"file (\S+) seq [0-9]+ type ([bhi])( startoffset \d+)?( endoffset \d+)?"
)
_RDB_START = (b"REDIS", b"VALKEY")
# How a command begins. Where one begins within a value, the length of that value is wrong.
_COMMAND_START = re.compile(rb"\r\n(?=\*[1-9][0-9]{0,6}\r\n\$[1-9][0-9]?\r\n[A-Za-z]+\r\n)")
_END_OF_TRANSACTION = b"\r\n*1\r\n$4\r\nEXEC\r\n"
_MAX_NUMBER_BYTES = 20

Data = mmap.mmap | bytes
Command = list[bytes]
Arities = Mapping[bytes, int]
"""Name of each command → number of its words; negative for at least that many."""


class Manifest(NamedTuple):
    """The names of the files that hold the data, in order; *base* is None before the first one."""

    base: str | None
    increments: tuple[str, ...]

    def names(self) -> list[str]:
        return [*([self.base] if self.base else []), *self.increments]

    def text(self) -> str:
        """As the server writes it."""
        lines = [f"file {self.base} seq {number_of(self.base)} type b\n"] if self.base else []
        lines += [f"file {name} seq {number_of(name)} type i\n" for name in self.increments]
        return "".join(lines)


class Unreadable(Exception):
    """
    The bytes of a file mean nothing from *offset* on.

    Attributes:
        is_cut: the file ends in the middle of a command, as a crash leaves it.
    """

    def __init__(self, offset: int, reason: str, is_cut: bool = False) -> None:
        super().__init__(reason)
        self.offset = offset
        self.is_cut = is_cut


class Transaction(NamedTuple):
    """Commands that count together or not at all, and where they end in the file."""

    end: int
    commands: list[Command]


def problem(folder: Path) -> str:
    """Why a server cannot read the files in *folder*; empty when a quick look finds nothing."""
    try:
        manifest = read_manifest(folder)
    except Unreadable as error:
        return str(error)
    if manifest is None:
        return f"{MANIFEST} is missing" if _data_files(folder) else ""
    for name in manifest.names():
        if not (folder / name).exists():
            return f"{name} is missing"
    if manifest.base is not None and not _starts_as_rdb(folder / manifest.base):
        return f"{manifest.base} does not begin as it must"
    unlisted = later_increments(folder, manifest)
    return f"{MANIFEST} was cut: it lacks {unlisted[0]}" if unlisted else ""


def read_manifest(folder: Path) -> Manifest | None:
    """
    The manifest; None without one.

    Raises:
        Unreadable: when it is cut or damaged.
    """
    try:
        text = (folder / MANIFEST).read_text(errors="replace")
    except FileNotFoundError:
        return None
    base = None
    increments = []
    lines = text.splitlines(keepends=True)
    for line in lines:
        match = _MANIFEST_LINE.fullmatch(line.removesuffix("\n"))
        if match is None or not line.endswith("\n"):
            raise Unreadable(0, f"{MANIFEST} is damaged")
        if match[2] == "b":
            base = match[1]
        elif match[2] == "i":
            increments.append(match[1])
    if not lines:
        raise Unreadable(0, f"{MANIFEST} is empty")
    return Manifest(base, tuple(increments))


def manifest_of_names(folder: Path) -> Manifest:
    """
    The manifest that the names of the files suggest.

    The server deletes what a newer base replaces. A crash in that moment leaves two bases: then
    only the last increment belongs to the newer one.
    """
    names = sorted(_data_files(folder), key=number_of)
    bases = [name for name in names if ".base." in name]
    increments = [name for name in names if ".incr." in name]
    if len(bases) > 1:
        increments = increments[-1:]
    return Manifest(bases[-1] if bases else None, tuple(increments))


def transactions(data: Data, arities: Arities | None = None) -> Iterator[Transaction]:
    """
    Yield what the commands of an increment do, in order.

    Args:
        arities: of every command that a server knows; None takes any word for a command.

    Raises:
        Unreadable: where the bytes are no command. What was yielded before is whole.
    """
    position = 0
    waiting: list[Command] | None = None  # of a transaction that has begun
    while position < len(data):
        start = position
        command, position = read_command(data, start)
        if not command:
            continue  # an annotation
        name = command[0].upper()
        _check_command(command, arities, start)
        # MULTI within a transaction, or EXEC outside of one.
        if name in (b"MULTI", b"EXEC") and (waiting is None) == (name == b"EXEC"):
            raise Unreadable(start, "a transaction without its beginning or its end")
        if name == b"MULTI":
            waiting = []
        elif name == b"EXEC":
            yield Transaction(position, waiting or [])
            waiting = None
        elif waiting is None:
            yield Transaction(position, [command])
        else:
            waiting.append(command)
    if waiting is not None:
        raise Unreadable(position, "it ends within a transaction", is_cut=True)


def read_command(data: Data, position: int) -> tuple[Command, int]:
    """
    The command at *position*, and where the next one begins.

    An annotation of the server is a command of no words.

    Raises:
        Unreadable: when there is none.
    """
    if data[position : position + 1] == b"#":
        end = data.find(b"\r\n", position)
        if end < 0:
            raise Unreadable(position, "it ends within an annotation", is_cut=True)
        return [], end + 2
    count, position = _read_number(data, position, b"*")
    if count == 0:
        raise Unreadable(position, "a command without a name")
    words = []
    for _ in range(count):
        length, position = _read_number(data, position, b"$")
        end = position + length
        if end + 2 > len(data):
            raise Unreadable(position, "it ends within a value", is_cut=True)
        if data[end : end + 2] != b"\r\n":
            raise Unreadable(position, "a value is shorter or longer than its length says")
        words.append(data[position:end])
        position = end + 2
    return words, position


def cut_tail(folder: Path) -> bool:
    """
    Remove the command that a crash left unfinished at the end; return whether there was one.

    It was not acknowledged. A value whose length is wrong also runs to the end of the
    file, but there commands follow within it: such a file is left alone.
    """
    try:
        manifest = read_manifest(folder)
    except Unreadable:
        return False
    if manifest is None or not manifest.increments:
        return False
    path = folder / manifest.increments[-1]
    with mapped(path) as data:
        end = _end_before_a_cut(data)
    if end is None:
        return False
    with path.open("r+b") as file:
        file.truncate(end)
    return True


def whole_end(data: Data, arities: Arities | None = None) -> tuple[int, Unreadable | None]:
    """Where the readable part of an increment ends, and the error there; None at the file's end."""
    end = 0
    try:
        for transaction in transactions(data, arities):
            end = transaction.end
    except Unreadable as error:
        return end, error
    return end, None


def next_command(data: Data, position: int) -> int | None:
    """Where a command begins again, after *position*."""
    match = _COMMAND_START.search(data, position)
    return None if match is None else match.end()


@contextmanager
def mapped(path: Path) -> Iterator[Data]:
    """The content of a file, which may be larger than the memory."""
    with path.open("rb") as file:
        if path.stat().st_size == 0:  # which cannot be mapped
            yield b""
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data


def _end_before_a_cut(data: Data) -> int | None:
    """Where the last whole command ends, if what follows was only cut; None otherwise."""
    # The server waits for this, so look behind the last transaction first; mostly that is enough.
    last = data.rfind(_END_OF_TRANSACTION)
    after_last = last + len(_END_OF_TRANSACTION) if last >= 0 else 0
    for start in (after_last, 0):
        rest = data[start:] if start else data
        end, error = whole_end(rest)
        if error is not None and error.is_cut and next_command(rest, error.offset) is None:
            return start + end
    return None


def _read_number(data: Data, position: int, kind: bytes) -> tuple[int, int]:
    """The number of a line such as `*3` or `$12`, and where the next line begins."""
    line = data[position : position + _MAX_NUMBER_BYTES]
    digits, ending, _ = line[1:].partition(b"\r\n")
    if not ending:
        # The file may end between the two characters that end a line.
        digits = digits.removesuffix(b"\r")
    if line[:1] not in (kind, b"") or not (digits.isdigit() or (not digits and not ending)):
        raise Unreadable(position, f"no {kind.decode()!r} where a command or value must begin")
    if not ending:
        raise Unreadable(position, "it ends within a length", len(line) < _MAX_NUMBER_BYTES)
    return int(digits), position + len(digits) + 3


def _check_command(command: Command, arities: Arities | None, start: int) -> None:
    if arities is None:
        return
    name = command[0].decode("ascii", "replace")
    arity = arities.get(command[0].lower())
    if arity is None:
        raise Unreadable(start, f"an unknown command {name[:20]!r}")
    if len(command) != arity if arity > 0 else len(command) < -arity:
        raise Unreadable(start, f"a command {name!r} with {len(command) - 1} values")


def _starts_as_rdb(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(6).startswith(_RDB_START)


def _data_files(folder: Path) -> list[str]:
    """The names of the files with data in them."""
    if not folder.is_dir():
        return []
    files = (path for path in folder.iterdir() if _DATA_FILE.fullmatch(path.name))
    return [path.name for path in files if path.stat().st_size]


def later_increments(folder: Path, manifest: Manifest) -> list[str]:
    """Increments that the manifest lacks, although they come after those that it has."""
    last = max((number_of(name) for name in manifest.increments), default=0)
    names = [name for name in _data_files(folder) if ".incr." in name and number_of(name) > last]
    return sorted(names, key=number_of)


def number_of(name: str) -> int:
    match = _DATA_FILE.fullmatch(name)
    return int(match[1]) if match else 0
