"""
Damage in the files of a server that runs.

The server does not read its files again until it starts, so a disk can damage them unnoticed. As
long as it runs it has everything in memory, and can write all files anew.
"""

import subprocess
from pathlib import Path

from recommender.storage import append_only
from recommender.storage.append_only import FOLDER, Arities, Unreadable, mapped
from recommender.storage.connections import Connection
from recommender.storage.embedded import server_binary
from recommender.storage.erasing import rewrite_files
from recommender.storage.repair import keep_copy
from recommender.storage.trial_server import arities_of


def damage_of_live_files(data_dir: Path, connection: Connection) -> list[str]:
    """A sentence about each damaged file; one that the server replaces meanwhile is left out."""
    folder = data_dir / FOLDER
    problem = append_only.problem(folder)
    if problem:
        return [problem]
    manifest = append_only.read_manifest(folder)
    if manifest is None:
        return []
    sentences = []
    if manifest.base is not None and not _is_sound(folder / manifest.base):
        sentences.append(f"{manifest.base} is damaged")
    arities = arities_of(connection)
    for name in manifest.increments:
        error = _damage(folder / name, arities)
        # The end of the last one may be a command that is being written.
        if error is not None and not (error.is_cut and name == manifest.increments[-1]):
            sentences.append(f"{name} is damaged at byte {error.offset:,}: {error}")
    return sentences if append_only.read_manifest(folder) == manifest else []


def write_anew(data_dir: Path, connection: Connection) -> Path:
    """Have the server write its files from memory; return where the damaged ones are now."""
    copy = keep_copy(data_dir, data_dir / FOLDER)
    rewrite_files(connection)
    return copy


def _is_sound(dump: Path) -> bool:
    # The server's program has the checker in it, under another name.
    command = ["valkey-check-rdb", str(dump)]
    checked = subprocess.run(
        command, executable=server_binary(), check=False, capture_output=True, cwd=dump.parent
    )
    return checked.returncode == 0 or not dump.exists()


def _damage(increment: Path, arities: Arities) -> Unreadable | None:
    try:
        with mapped(increment) as data:
            return append_only.whole_end(data, arities)[1]
    except FileNotFoundError:
        return None
