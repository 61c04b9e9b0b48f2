"""The sources that an import can name: a file, a folder, a zip archive, or standard input."""

import os
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple, Self

from features.fields import NOTHING_CHOSEN
from recommender.errors import AlsoSeeError
from recommender.sources import unpacking
from recommender.sources.documents import Document, recognise
from recommender.sources.formats import Format
from recommender.sources.records import Record, UnreadableDocument, refused
from recommender.sources.sandbox import Sandbox
from recommender.sources.static_sites import StaticSite

STANDARD_INPUT = "-"
MAX_FILES = 1_000_000  # in a folder
MAX_ARCHIVES = 2  # in each other
MAX_CONFIG_CHARS = 2**20


class UnreadableFile(AlsoSeeError):
    """A file that cannot be opened, or whose format cannot be read at all."""


class _Entry(NamedTuple):
    """
    A file in a folder or an archive.

    Fields:
        name: for reports.
        path: below the folder or in the archive, with slashes.
        file: its path, if it is a file of its own.
        open: may raise UnreadableDocument or OSError.
    """

    name: str
    path: str
    file: Path | None
    open: Callable[[], BinaryIO]


class ArticleFile:
    """
    Articles under one name, to be read once, in a `with` block.

    Args:
        name: a path, or `-` for standard input. Its content decides the format.
        fields: field → the name that the site has chosen for it.

    Attributes:
        size: in bytes as stored, or None where it is not known.

    Raises:
        UnreadableFile: when it cannot be opened or unpacked.
    """

    def __init__(self, name: str, fields: Mapping[str, str] = NOTHING_CHOSEN) -> None:
        self.name = name
        self._fields = fields
        self._stack = ExitStack()
        self._sandbox = self._stack.enter_context(Sandbox())
        path = Path(name)
        self._folder = path if name != STANDARD_INPUT and path.is_dir() else None
        # A pipe (`<(zcat …)`) has a path, but no size and no position.
        is_file = name != STANDARD_INPUT and path.is_file()
        self.size = path.stat().st_size if is_file else None
        self._raw = self._opened(path) if self._folder is None else None
        self._document: Document | None = None
        if self._raw is not None:
            self._document = self._recognised(self._raw, path if is_file else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def is_single(self) -> bool:
        """Whether it is one document, and neither a folder nor an archive."""
        return self._document is not None and self._document.form.kind != "archive"

    def position(self) -> int:
        """How many bytes of `size` have been read."""
        return self._raw.tell() if self._raw is not None and self.size is not None else 0

    def describe(self) -> str:
        """
        What it is, in one line; of a folder or an archive, which files are in it.

        Empty for what cannot be read, which `read` then says.
        """
        if self._document is not None and (
            self._document.problem or self._document.form.kind == "none"
        ):
            return ""
        if self._document is not None and self.is_single:
            return self._document.describe()
        kind = "zip archive" if self._folder is None else "folder"
        return f"{kind} with {self._inventory()}"

    def documents(self) -> Iterator[Document]:
        """
        Every document in the order of their names, but those of formats that nothing here reads.

        One of a folder or an archive is open until the next is asked for.
        """
        if self._document is not None and self.is_single:
            yield self._document
            return
        for document in self._documents_in(self._entries()):
            if document.problem or document.form.kind != "none":
                yield document

    def read(self, document: Document) -> Iterator[Record]:
        """
        The records of one of `documents`; a bad one says so.

        Raises:
            UnreadableFile: after the records that could be read.
        """
        last = 0
        try:
            for record in document.records(self._sandbox):
                yield record
                last = record.line
        except UnreadableDocument as error:
            before = f"; all before it is read, up to number {last}" if last else ""
            raise UnreadableFile(f"{document.name}: {error}{before}") from error

    def records(self) -> Iterator[Record]:
        """
        All records of all documents.

        Raises:
            UnreadableFile: for a single document that cannot be read to its end; in a folder or an
                archive such a document is a record that says so.
        """
        for document in self.documents():
            try:
                yield from self.read(document)
            except UnreadableFile as error:
                if self.is_single:
                    raise
                yield refused(1, str(error))

    def _opened(self, path: Path) -> IO[bytes]:
        if self.name == STANDARD_INPUT:
            return sys.stdin.buffer
        try:
            return self._stack.enter_context(path.open("rb"))
        except OSError as error:
            raise UnreadableFile(f"{self.name}: {error.strerror}") from error

    def _recognised(self, raw: IO[bytes], path: Path | None) -> Document:
        try:
            options = {"fields": dict(self._fields)}
            return recognise(self.name, raw, path, options, self._stack)  # type: ignore[arg-type]
        except OSError as error:
            raise UnreadableFile(f"{self.name}: {error}") from error

    def _entries(self) -> Sequence[_Entry]:
        if self._folder is not None:
            return _files_below(self._folder)
        if self._document is None or self._document.archive is None:
            return []
        return _members(self._document.archive, f"{self.name}/")

    def _inventory(self) -> str:
        """How many documents of each format are in it, and what nothing here reads."""
        readable: Counter[Format] = Counter()
        others: Counter[Format] = Counter()
        for document in self._documents_in(self._entries()):
            counter = others if document.form.kind == "none" else readable
            counter[document.form] += 1
        parts = [_enumerated(readable) or "nothing that can be read"]
        if others:
            parts.append(f"not read: {_enumerated(others)}")
        return "; ".join(parts)

    def _documents_in(self, entries: Sequence[_Entry], depth: int = 0) -> Iterator[Document]:
        site = StaticSite.of(*_texts_of(entries)) if depth == 0 else None
        for entry in entries:
            place = {"path": entry.path} if site is None else site.options(entry.path)
            if place is None:
                continue
            options = {**place, "fields": dict(self._fields)}
            with ExitStack() as stack:
                document = _recognised_entry(entry, options, stack)
                if document.archive is None or document.form.kind != "archive":
                    yield document
                elif depth + 1 < MAX_ARCHIVES:
                    inner = _members(document.archive, f"{document.name}/")
                    yield from self._documents_in(inner, depth + 1)
                else:
                    yield document._replace(problem="is an archive in an archive in an archive")


def _recognised_entry(entry: _Entry, options: Mapping[str, Any], stack: ExitStack) -> Document:
    try:
        stream = stack.enter_context(entry.open())
    except (OSError, UnreadableDocument) as error:
        return Document.unreadable(entry.name, str(error))
    return recognise(entry.name, stream, entry.file, options, stack)


def _files_below(folder: Path) -> list[_Entry]:
    """
    Every file in *folder* and below, by name; neither hidden ones nor links out of it.

    Raises:
        UnreadableFile: for too many.
    """
    entries: list[_Entry] = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            file = Path(root, name)
            if name.startswith(".") or file.is_symlink() or not file.is_file():
                continue
            path = file.relative_to(folder).as_posix()
            entries.append(_Entry(str(file), path, file, _opener(file)))
        if len(entries) > MAX_FILES:
            raise UnreadableFile(f"{folder}: expected at most {MAX_FILES:,} files")
    return entries


def _opener(file: Path) -> Callable[[], BinaryIO]:
    return lambda: file.open("rb")


def _members(archive: zipfile.ZipFile, prefix: str) -> list[_Entry]:
    infos = unpacking.members(archive)
    allowance = unpacking.archive_allowance(archive)
    entries = []
    for info in infos:
        opener = partial(unpacking.open_member, archive, info, allowance)
        entries.append(_Entry(prefix + info.filename, info.filename, None, opener))
    return entries


def _texts_of(entries: Sequence[_Entry]) -> tuple[list[str], Callable[[str], str]]:
    """The paths of *entries*, and a function that reads the text at one of them."""
    by_path = {entry.path: entry for entry in entries}

    def read(path: str) -> str:
        try:
            with by_path[path].open() as stream:
                return stream.read(MAX_CONFIG_CHARS).decode(errors="replace")
        except (OSError, UnreadableDocument):
            return ""

    return [*by_path], read


def _enumerated(formats: Counter[Format]) -> str:
    """Such as "3 HTML pages and 1 CSV"."""
    parts = [form.counted(number) for form, number in formats.most_common()]
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))
