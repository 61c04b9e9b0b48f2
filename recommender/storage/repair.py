"""
Finds what is damaged in the files of the embedded server, and restores what can be read.

The commands since the last dump are kept up to the first that a server cannot read. The keys of a
damaged dump are kept up to the damage; all of them where only values are damaged, because values
have checksums of their own. The damaged files are moved to a folder beside the archive.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from recommender.disk_space import sync_folder
from recommender.storage import append_only
from recommender.storage.append_only import (
    FOLDER,
    MANIFEST,
    Arities,
    Command,
    Manifest,
    Unreadable,
    mapped,
)
from recommender.storage.rdb import END, HEADER_BYTES, key_ends
from recommender.storage.trial_server import CannotLoad, command_arities, trial_server

LOST_FILE = "lost.txt"
_LOG_KEY = re.compile(rb"see:\{([a-z0-9-]+)\}:log")
_CHUNK = 2**20
_RDB_TAIL = 9  # the mark of the end, and a checksum of eight bytes


class LostChange(NamedTuple):
    """A change of an archive that was stored and cannot be read any more."""

    site: str
    op: str
    article_id: str
    at: datetime


class Piece(NamedTuple):
    """
    The beginning of a file that can be read.

    Fields:
        ending: what the server needs after it.
    """

    name: str
    length: int
    ending: bytes = b""


@dataclass
class Examination:
    """
    What is damaged, and what a repair keeps and loses.

    Attributes:
        damage: a sentence about each damaged file; empty when a server can read everything.
        base, increments: what is kept.
        base_is_damaged: then some records may be missing, or fail their checksums.
        lost_bytes, lost_commands: how much comes after the damage.
        lost: the changes among them, as far as they can be read.
        kept_until: when the last change was made that is kept.
    """

    damage: list[str] = field(default_factory=list)
    base: Piece | None = None
    increments: list[Piece] = field(default_factory=list)
    base_is_damaged: bool = False
    lost_bytes: int = 0
    lost_commands: int = 0
    lost: list[LostChange] = field(default_factory=list)
    kept_until: datetime | None = None

    @property
    def lost_since(self) -> datetime | None:
        """When the first lost change was made; the earliest possible time if none is readable."""
        return self.lost[0].at if self.lost else self.kept_until

    def loss(self) -> str:
        """What a repair loses, in words; empty when it loses nothing."""
        if not self.lost_bytes and not self.base_is_damaged:
            return ""
        text = f"{self.lost_bytes:,} bytes with {self.lost_commands:,} readable commands"
        if self.lost_since is not None and (self.lost or self.lost_commands):
            text += f", written from {self.lost_since:%Y-%m-%d %H:%M:%S} UTC on"
        if self.lost:
            text += f", with {len(self.lost):,} changes of articles and rules"
        if self.base_is_damaged:
            text += "; and what was in the damaged part of the dump"
        return text


def examine(data_dir: Path) -> Examination:
    """Find out what is damaged; nothing is changed. No server may run on the folder."""
    folder = data_dir / FOLDER
    examination = Examination()
    if not folder.is_dir():
        return examination
    with _workplace(data_dir) as workplace:
        manifest = _readable_manifest(folder, examination)
        _examine_base(folder, manifest, examination, workplace)
        arities = command_arities(workplace)
    _examine_increments(folder, manifest, examination, arities)
    return examination


def repair(data_dir: Path, examination: Examination) -> Path:
    """
    Replace the files by what the examination keeps; return where the damaged ones are now.

    The new files count from the moment in which the new manifest is in place, so a repair that is
    interrupted can be repeated.

    Raises:
        CannotLoad: when a server cannot read the repaired files either; then nothing is changed.
    """
    folder = data_dir / FOLDER
    with _workplace(data_dir) as workplace:
        repaired = workplace / FOLDER
        manifest = _write_pieces(folder, examination, repaired)
        with trial_server(workplace):
            pass
        damaged = keep_copy(data_dir, folder)
        (damaged / LOST_FILE).write_text("".join(map(_lost_line, examination.lost)))
        _install(repaired, folder, manifest)
    return damaged


@contextmanager
def _workplace(data_dir: Path) -> Iterator[Path]:
    """A folder on the same disk, so that files can be moved instead of copied."""
    with tempfile.TemporaryDirectory(prefix="repair-", dir=data_dir) as folder:
        yield Path(folder)


def _readable_manifest(folder: Path, examination: Examination) -> Manifest:
    """The manifest; or one from the names of the files, where it is damaged."""
    names = append_only.manifest_of_names(folder)
    try:
        manifest = append_only.read_manifest(folder)
    except Unreadable as error:
        examination.damage.append(f"{error}; the names of the other files take its place")
        return names
    if manifest is None:
        if names.base or names.increments:
            examination.damage.append(f"{MANIFEST} is missing; the names of files take its place")
        return names
    unlisted = append_only.later_increments(folder, manifest)
    if unlisted:
        examination.damage.append(f"{MANIFEST} was cut: it lacks {', '.join(unlisted)}")
    return Manifest(manifest.base, (*manifest.increments, *unlisted))


def _examine_base(
    folder: Path, manifest: Manifest, examination: Examination, workplace: Path
) -> None:
    if manifest.base is None:
        return
    path = folder / manifest.base
    size = path.stat().st_size if path.exists() else 0
    if size > _RDB_TAIL and _loads(folder, Piece(manifest.base, size), workplace):
        examination.base = Piece(manifest.base, size)
        return
    examination.base_is_damaged = True
    examination.base = _readable_base(folder, manifest.base, size, workplace)
    kept = 0 if examination.base is None else examination.base.length
    where = f"from byte {kept:,} of {size:,} on" if kept + _RDB_TAIL < size else "in some values"
    if not path.exists():
        where = "completely: it is missing"
    examination.damage.append(f"{manifest.base} is damaged {where}")
    examination.lost_bytes += max(0, size - kept - _RDB_TAIL)


def _readable_base(folder: Path, name: str, size: int, workplace: Path) -> Piece | None:
    """The longest beginning of a dump that a server can load; often all of it but its checksum."""
    if size <= HEADER_BYTES:
        return None
    with mapped(folder / name) as data:
        pieces = [Piece(name, end, END) for end in list(key_ends(data))[1:]]
    # By bisection: where a beginning loads, every shorter one does too.
    loadable = 0  # so many of the pieces are known to load
    possible = len(pieces)
    tried = possible
    while loadable < possible:
        if _loads(folder, pieces[tried - 1], workplace):
            loadable = tried
        else:
            possible = tried - 1
        tried = (loadable + possible + 1) // 2
    return pieces[loadable - 1] if loadable else None


def _loads(folder: Path, base: Piece, workplace: Path) -> bool:
    trial = workplace / FOLDER
    _write_pieces(folder, Examination(base=base), trial)
    try:
        with trial_server(workplace):
            return True
    except CannotLoad:
        return False
    finally:
        shutil.rmtree(trial)


def _examine_increments(
    folder: Path, manifest: Manifest, examination: Examination, arities: Arities
) -> None:
    is_damaged = False
    for name in manifest.increments:
        path = folder / name
        if not path.exists():
            examination.damage.append(f"{name} is missing")
            is_damaged = True
            continue
        with mapped(path) as data:
            # Later commands may build on those that are lost, so they are only counted.
            if is_damaged:
                _count_lost(data, 0, examination)
            else:
                is_damaged = _examine_increment(name, data, examination, arities)


def _examine_increment(
    name: str, data: append_only.Data, examination: Examination, arities: Arities
) -> bool:
    """Keep what can be read of a file; return whether something cannot."""
    end = 0
    error: Unreadable | None = None
    try:
        for transaction in append_only.transactions(data, arities):
            end = transaction.end
            for change in _changes(transaction.commands):
                examination.kept_until = change.at
    except Unreadable as unreadable:
        error = unreadable
    examination.increments.append(Piece(name, end))
    if error is None:
        return False
    examination.damage.append(
        f"{name} is damaged at byte {error.offset:,} of {len(data):,}: {error}"
    )
    _count_lost(data, end, examination)
    return True


def _count_lost(data: append_only.Data, start: int, examination: Examination) -> None:
    """Read what can be read after the damage, only to say what it was."""
    examination.lost_bytes += len(data) - start
    for command in _readable_commands(data, start):
        examination.lost_commands += 1
        examination.lost += _changes([command])


def _readable_commands(data: append_only.Data, start: int) -> Iterator[Command]:
    position: int | None = start
    while position is not None and position < len(data):
        try:
            command, position = append_only.read_command(data, position)
        except Unreadable:
            position = append_only.next_command(data, position)
        else:
            if command:
                yield command


def _changes(commands: Sequence[Command]) -> Iterator[LostChange]:
    """What the commands add to the change logs of sites."""
    for command in commands:
        key = _LOG_KEY.fullmatch(command[1]) if len(command) > 1 else None
        if key is None or command[0].upper() != b"XADD":
            continue
        words = command[-6:]  # three names with their values
        fields = dict(zip(words[::2], words[1::2], strict=False))
        try:
            at = datetime.fromtimestamp(float(fields[b"at"]), UTC)
            op = fields[b"op"].decode()
            yield LostChange(key[1].decode(), op, fields[b"id"].decode(), at)
        except (KeyError, ValueError, OverflowError, OSError):
            continue


def _write_pieces(source: Path, examination: Examination, target: Path) -> Manifest:
    """Write what is kept as new files with a manifest; nothing of the old files is changed."""
    target.mkdir()
    names = [path.name for path in source.iterdir()]
    # No new file has the name of an old one, so they can be moved beside them.
    number = 1 + max(map(append_only.number_of, names), default=0)
    base = None
    if examination.base is not None:
        base = f"appendonly.aof.{number}.base.rdb"
        _write_piece(source, examination.base, target / base)
    increments: list[str] = []
    # A server that has to add an increment would change the manifest.
    for piece in examination.increments or [Piece("", 0)]:
        increments.append(f"appendonly.aof.{number + len(increments)}.incr.aof")
        _write_piece(source, piece, target / increments[-1])
    manifest = Manifest(base, tuple(increments))
    with (target / MANIFEST).open("x") as file:
        file.write(manifest.text())
        file.flush()
        os.fsync(file.fileno())
    return manifest


def _write_piece(source: Path, piece: Piece, target: Path) -> None:
    with target.open("xb") as new:
        for chunk in _chunks(source / piece.name, piece.length):
            new.write(chunk)
        new.write(piece.ending)
        new.flush()
        os.fsync(new.fileno())


def _chunks(path: Path, length: int) -> Iterator[bytes]:
    """The first *length* bytes of a file; nothing of it is read for 0."""
    if not length:
        return
    with path.open("rb") as file:
        while length:
            chunk = file.read(min(length, _CHUNK))
            length -= len(chunk)
            yield chunk


def keep_copy(data_dir: Path, folder: Path) -> Path:
    """Link the damaged files in a folder of their own: the service never writes to these again."""
    copy = data_dir / f"damaged-{datetime.now(UTC):%Y-%m-%dT%H%M%S.%fZ}"
    copy.mkdir(mode=0o700)
    for path in folder.iterdir():
        try:
            (copy / path.name).hardlink_to(path)
        except OSError:  # a file system without links
            shutil.copy2(path, copy)
    return copy


def _install(repaired: Path, folder: Path, manifest: Manifest) -> None:
    """Move the files into place, the manifest last; then remove what they replace."""
    damaged = [path for path in folder.iterdir() if path.name != MANIFEST]
    for name in manifest.names():
        (repaired / name).rename(folder / name)
    # After a power cut, no manifest may name files that are not there.
    sync_folder(folder)
    (repaired / MANIFEST).replace(folder / MANIFEST)
    # The old files go only when the new manifest is certain to stay.
    sync_folder(folder)
    for path in damaged:
        path.unlink()


def _lost_line(change: LostChange) -> str:
    return f"{change.at.isoformat()}\t{change.site}\t{change.op}\t{change.article_id}\n"
