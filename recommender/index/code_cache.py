"""
The folder of compiled functions, and the key that signs them.

Numba stores machine code as a pickle, so whoever can write a file there can run code in every
process that loads it. Therefore only our user may write the folder, which is outside of every
folder that is backed up or shared, and each file is signed with a key that is made there.
"""

import os
import secrets
from contextlib import suppress
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest
from pathlib import Path

import structlog

log = structlog.get_logger()

SIGNATURE_BYTES = 32
_KEY_BYTES = 32
_OTHERS_MAY_WRITE = 0o022


class UnsafeFolder(Exception):
    """The text says why compiled code is neither loaded from the folder nor stored there."""


class CodeCache:
    """
    A checked folder and its key.

    Raises:
        UnsafeFolder: the folder cannot be made, is another user's, or others may write to it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_owner(folder)
            self._key = _read_key(folder / "key")
        except OSError as error:
            raise UnsafeFolder(f"{folder}: {error.strerror}") from error

    def sign(self, file: Path, content: bytes) -> bytes:
        """A signature of the content and the file's name: code under a wrong name ends us."""
        return hmac_digest(self._key, file.name.encode() + b"\0" + content, sha256)

    def is_signed(self, file: Path, content: bytes, signature: bytes) -> bool:
        return compare_digest(self.sign(file, content), signature)


def default_folder() -> Path:
    """The user's cache folder, as the XDG Base Directory Specification has it."""
    cache = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(cache) / "alsosee" if cache else Path.home() / ".cache" / "alsosee"
    except RuntimeError as error:
        raise UnsafeFolder("the user has no home folder; set XDG_CACHE_HOME") from error


def open_default() -> CodeCache | None:
    """The cache in the user's folder; None, with a warning in the log, when it is not safe."""
    try:
        return CodeCache(default_folder())
    except UnsafeFolder as error:
        log.warning("compiled code is not cached: every start takes longer", reason=str(error))
        return None


def _check_owner(path: Path) -> None:
    if os.name == "nt":  # a profile's folder is private there, and modes say nothing
        return
    state = path.stat()
    if state.st_uid != os.geteuid():
        raise UnsafeFolder(f"{path} belongs to another user")
    if state.st_mode & _OTHERS_MAY_WRITE:
        raise UnsafeFolder(f"other users may write to {path}; expected mode 0700")


def _read_key(file: Path) -> bytes:
    """Read the key, or make one: of several processes that do so at once, one wins."""
    if not file.exists():
        own = file.with_name(f"key.{os.getpid()}.{secrets.token_hex(4)}")
        own.touch(mode=0o600)
        own.write_bytes(secrets.token_bytes(_KEY_BYTES))
        # A link fails where a rename would replace the key that others have read by now.
        with suppress(FileExistsError):
            os.link(own, file)
        own.unlink()
    _check_owner(file)
    key = file.read_bytes()
    if len(key) != _KEY_BYTES:
        raise UnsafeFolder(f"{file} is damaged; delete it")
    return key
