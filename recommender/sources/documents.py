"""One document: which format it has, and the records in it."""

import io
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple, Self

from features.fields import NOTHING_CHOSEN
from recommender.errors import MissingExtra
from recommender.extras import require_extra
from recommender.sources import delimited, formats, json_lines, json_values, unpacking
from recommender.sources.dialects import flattened
from recommender.sources.encodings import Utf8Reader, utf8_bytes
from recommender.sources.formats import Format
from recommender.sources.records import Note, Record, UnreadableDocument, guess_note
from recommender.sources.sandbox import Sandbox

# Sent to the sandbox through the pipe; what is larger goes by way of a file.
INLINE_BYTES = 2**20
MAX_USELESS = 10_000
SPOOLED_BYTES = 16 * 2**20  # of an archive that is no file, kept in memory

# Kind of a format → the module that reads it in the sandbox.
_SANDBOXED = {
    "object": "json_object",
    "spreadsheet": "spreadsheets",
    "feed": "feeds",
    "wxr": "wxr",
    "sitemap": "sitemaps",
    "page": "pages",
    "post": "posts",
}
# What these readers can use of a document's options.
_OPTIONS = {
    "pages": ("path",),
    "posts": ("path", "generator", "home", "permalink"),
    "spreadsheets": ("fields",),
}
# Text that does not name its encoding.
_TRANSCODED = ("lines", "values", "object", "table")
# Files in zip archives that are office documents.
_OFFICE = (
    ("xl/workbook.xml", formats.XLSX),
    ("xl/workbook.bin", formats.XLSX),
    ("word/document.xml", formats.WORD),
    ("ppt/presentation.xml", formats.SLIDES),
    ("META-INF/container.xml", formats.EPUB),
)
_ODS_TYPE = b"application/vnd.oasis.opendocument.spreadsheet"


class Document(NamedTuple):
    """
    A document that was opened and recognised.

    Fields:
        name: for reports; for one in a folder or an archive, its path there.
        stream: from its beginning, unpacked.
        path: of a file with just these bytes, if there is one.
        head: its first bytes.
        notes: what was met while reading that is no article, with how often.
        archive: the files in it, of a zip archive or an office document.
        options: for some readers: `fields`, the names that the site has chosen; `path` and what
            else the place of a single article says.
        problem: why it cannot be read at all; empty where it can be tried.
    """

    name: str
    form: Format
    stream: BinaryIO
    path: Path | None
    head: bytes
    notes: Counter[str]
    archive: zipfile.ZipFile | None = None
    dialect: delimited.Dialect | None = None
    options: Mapping[str, Any] = MappingProxyType({})
    problem: str = ""

    @classmethod
    def unreadable(cls, name: str, problem: str) -> Self:
        return cls(name, formats.UNKNOWN, io.BytesIO(), None, b"", Counter(), problem=problem)

    def describe(self) -> str:
        """What this is, in a few words."""
        details = self.dialect.describe() if self.dialect else ""
        encoding = _encoding_of(self.head) if self.form.kind in _TRANSCODED else ""
        return ", ".join(filter(None, (self.form.name, details, encoding)))

    def records(self, sandbox: Sandbox) -> Iterator[Record]:
        """
        Every record in order; a bad one says so. Notes are kept.

        Raises:
            UnreadableDocument: after the records that could be read.
        """
        useless = 0  # records in a row that are no objects: bombs consist of them
        for item in self._items(sandbox):
            if isinstance(item, Record):
                useless = 0 if item.data and isinstance(item.data, dict) else useless + 1
                if useless > MAX_USELESS:
                    raise UnreadableDocument(f"has {MAX_USELESS:,} records in a row without fields")
                yield flattened(item, self.notes, self.options.get("fields", NOTHING_CHOSEN))
            elif item.text:
                self.notes[item.text] += 1

    def _items(self, sandbox: Sandbox) -> Iterator[Record | Note]:
        if self.problem:
            raise UnreadableDocument(self.problem)
        kind = self.form.kind
        if kind in ("none", "archive"):
            raise UnreadableDocument(
                f"nothing here reads this: {self.form.name}; {self.form.advice}"
            )
        stream = self._transcoded() if kind in _TRANSCODED else self.stream
        if kind == "lines":
            yield from json_lines.read(stream)
        elif kind == "values":
            yield from json_values.read(stream)
        elif self.dialect is not None:
            yield from delimited.read(stream, self.dialect)
        else:
            yield from self._sandboxed(_SANDBOXED[kind], stream, sandbox)

    def _transcoded(self) -> BinaryIO:
        return io.BufferedReader(Utf8Reader(self.stream, self._note_guess))

    def _note_guess(self, encoding: str) -> None:
        self.notes[guess_note(encoding).text] += 1

    def _sandboxed(
        self, reader: str, stream: BinaryIO, sandbox: Sandbox
    ) -> Iterator[Record | Note]:
        if reader == "pages":
            _check_page_reader()
        options = {n: self.options[n] for n in _OPTIONS.get(reader, ()) if n in self.options}
        if self.path is not None and self.form.kind not in _TRANSCODED:
            yield from sandbox.read(reader, self.path, **options)
            return
        data = stream.read(INLINE_BYTES + 1)
        if len(data) <= INLINE_BYTES:
            yield from sandbox.read(reader, data, **options)
            return
        with tempfile.NamedTemporaryFile(prefix="alsosee-") as file:
            file.write(data)
            shutil.copyfileobj(stream, file, 2**20)
            file.flush()
            yield from sandbox.read(reader, Path(file.name), **options)


def _check_page_reader() -> None:
    try:
        require_extra("import")
    except MissingExtra as error:
        raise UnreadableDocument(str(error)) from error


def recognise(
    name: str, stream: BinaryIO, path: Path | None, options: Mapping[str, Any], stack: ExitStack
) -> Document:
    """
    Find out what a stream holds, compressed or not.

    What cannot even be recognised, for damage or for lack of known columns, is a document with a
    problem.

    Args:
        path: of the file that *stream* reads, if it is one.
        options: for readers, by name: see `Document`.
        stack: closes what is opened here.
    """
    try:
        return _recognised(name, stream, path, options, stack)._replace(options=options)
    except UnreadableDocument as error:
        return Document.unreadable(name, str(error))


def _recognised(
    name: str, stream: BinaryIO, path: Path | None, options: Mapping[str, Any], stack: ExitStack
) -> Document:
    head, unpacked, is_packed = unpacking.decompressed(stream)
    plain_path = None if is_packed else path
    form = formats.binary_format(head)
    if form is formats.ZIP:
        return _zip_document(name, unpacked, plain_path, stack)
    text = utf8_bytes(head)
    form = form or formats.text_format(text)
    document = Document(name, form, unpacked, plain_path, head, Counter())
    if form.kind != "table":
        return document
    return _with_dialect(document, text, options.get("fields", NOTHING_CHOSEN))


def _with_dialect(document: Document, text: bytes, fields: Mapping[str, str]) -> Document:
    dialect = delimited.dialect_of(text.decode(errors="surrogateescape"), fields)
    if not dialect.known:
        if len(dialect.header) == 1:
            return document._replace(form=formats.PROSE)
        raise UnreadableDocument(
            f"is a table in which no column has a known name ({dialect.shown_names()}):"
            " say which is which with --field, such as --field title=Headline"
        )
    return document._replace(dialect=dialect)


def _zip_document(name: str, stream: BinaryIO, path: Path | None, stack: ExitStack) -> Document:
    try:
        archive = stack.enter_context(zipfile.ZipFile(path or _seekable(stream, stack)))
        names = set(archive.namelist())
        form = next((form for member, form in _OFFICE if member in names), formats.ZIP)
        if "mimetype" in names and archive.read("mimetype")[:100].strip() == _ODS_TYPE:
            form = formats.ODS
    except unpacking.UNPACKING_ERRORS as error:
        raise UnreadableDocument(f"is a damaged zip archive: {error}") from error
    if form.kind == "spreadsheet":
        unpacking.check_growth(archive)
    # ZipFile moves about in its file: what follows reads it from the beginning.
    again: BinaryIO = archive.fp  # type: ignore[assignment]
    again.seek(0)
    return Document(name, form, again, path, b"", Counter(), archive)


def _seekable(stream: BinaryIO, stack: ExitStack) -> BinaryIO:
    file = tempfile.SpooledTemporaryFile(SPOOLED_BYTES, prefix="alsosee-")  # noqa: SIM115
    stack.enter_context(file)
    shutil.copyfileobj(stream, file, 2**20)
    file.seek(0)
    return file  # type: ignore[return-value]


def _encoding_of(head: bytes) -> str:
    """The encoding of a text that begins with *head*, if it is worth a word."""
    guessed: list[str] = []
    reader = Utf8Reader(io.BytesIO(head), guessed.append)
    reader.read()
    if reader.encoding in (None, "utf-8"):
        return ""
    how = "guessed" if guessed else "byte order mark"
    return f"{reader.encoding.upper()} ({how})"
