"""
The lines of a backup, and whether a store can take them.

The first line is a header with `FORMAT`. Each line after it has the content of one key, or a part
of it; what a key holds is base64, for it need not be text:

    {"key": "see:{main}:rules", "hash": {"<field>": "<value>"}}
    {"key": "see:{main}:card:…", "string": "<value>"}          "expires_in": milliseconds
    {"key": "see:{main}:log", "stream": [["7-0", ["<field>", "<value>", …]]]}
    {"key": "see:{main}:imports", "list": ["<value>", …]}

A line may repeat what an earlier one has: then it is newer. The last line has the number of the
lines before it and their SHA-256, so a backup that was cut is refused before anything is written.
"""

import re
from base64 import b64decode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Annotated, Any, Self

import orjson
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from recommender.errors import CorruptRecord
from recommender.storage.access import KEYS_KEY
from recommender.storage.article_records import site_key

FORMAT = 1
KINDS = ("card", "text", "vector")  # of records of an article
NOT_OURS = "this is no backup that Also See wrote; nothing was restored"

BackupLine = dict[str, Any]


def _check_pairs(values: list[str]) -> list[str]:
    if not values or len(values) % 2:
        raise ValueError("expected fields, and a value for each")
    return values


def _check_base64(text: str) -> str:
    b64decode(text, validate=True)
    return text


_Base64 = Annotated[str, AfterValidator(_check_base64)]
_VERSION = re.compile(rb"[0-9]{1,15}")
_EntryId = Annotated[str, Field(pattern="^[0-9]{1,20}-[0-9]{1,20}$")]
_Pairs = Annotated[list[_Base64], AfterValidator(_check_pairs)]


_KINDS_OF_CONTENT = frozenset(("string", "fields", "stream", "items"))
# What a restore itself reads afterwards.
_KINDS = {
    "heads": "fields", "log": "stream", "audit": "stream", "version": "string", "at": "string",
}  # fmt: skip


class _Header(BaseModel):
    """The first line."""

    alsosee_backup: int
    created_at: AwareDatetime
    sites: list[str]


class _Line(BaseModel):
    """One of the lines between, with one kind of content."""

    model_config = ConfigDict(extra="forbid", strict=True)

    key: str
    string: _Base64 | None = None
    fields: dict[_Base64, _Base64] = Field({}, alias="hash")
    stream: list[tuple[_EntryId, _Pairs]] = []
    items: list[_Base64] = Field([], alias="list")
    is_whole: bool = False
    expires_in: int = Field(-1, le=10**15)

    @property
    def kind(self) -> str:
        """The kind of content."""
        return next(iter(self.model_fields_set & _KINDS_OF_CONTENT))

    @model_validator(mode="after")
    def _has_content(self) -> Self:
        if len(self.model_fields_set & _KINDS_OF_CONTENT) != 1:
            raise ValueError("expected one kind of content")
        is_version = self.key.endswith("}:version")
        if (
            is_version
            and self.string is not None
            and not _VERSION.fullmatch(b64decode(self.string))
        ):
            raise ValueError("expected a number")
        return self


def check(lines: Iterable[bytes]) -> list[str]:
    """
    Read a whole backup; return the names of its sites.

    Raises:
        CorruptRecord: for a backup that is cut or changed, or has another format.
    """
    digest = sha256()
    count = 0
    previous = b""
    header: BackupLine = {}
    line_check = _LineCheck(())
    for encoded in lines:
        if count == 1:
            header = read_header(previous)
            line_check = _LineCheck(header["sites"])
        elif count:
            line_check.check(previous)
        # The last line has the digest of those before it, so each line is added one step late.
        if count:
            digest.update(previous)
        previous = encoded
        count += 1
    footer = parse_line(previous)
    if not header or (footer.get("lines"), footer.get("sha256")) != (count - 1, digest.hexdigest()):
        raise CorruptRecord("this backup is cut or damaged; nothing was restored")
    return list(header["sites"])


def read_header(encoded: bytes) -> BackupLine:
    header = parse_line(encoded)
    if header.get("alsosee_backup") != FORMAT:
        raise CorruptRecord(f"this is no backup of format {FORMAT}")
    try:
        _Header.model_validate(header)
    except ValidationError as error:
        raise CorruptRecord(NOT_OURS) from error
    return header


class _LineCheck:
    """
    Checks the lines of a backup one after another, so that the store will accept each.

    A line that the store refuses would end a restore after the old archive was deleted.

    Args:
        sites: those of the backup.
    """

    def __init__(self, sites: Sequence[str]) -> None:
        self._prefixes = tuple(site_key(site, "") for site in sites)
        # Millions of keys; their names tell what they hold.
        self._records = tuple(site_key(site, kind, "") for site in sites for kind in KINDS)
        self._kinds = {site_key(site, name): _KINDS[name] for site in sites for name in _KINDS}
        self._last_entries: dict[str, tuple[int, int]] = {}

    def check(self, encoded: bytes) -> None:
        """Raises CorruptRecord unless the line has content that its key can take."""
        try:
            line = _Line.model_validate_json(encoded)
        except ValidationError as error:
            raise CorruptRecord(NOT_OURS) from error
        if line.key != KEYS_KEY and not line.key.startswith(self._prefixes):
            raise CorruptRecord(f"{NOT_OURS}: it has the key {line.key!r:.100}")
        if line.kind != self._kind_of(line):
            raise CorruptRecord(f"{NOT_OURS}: {line.key!r:.100} has two kinds of content")
        for entry_id, _ in line.stream:
            self._check_order(line.key, entry_id)

    def _kind_of(self, line: _Line) -> str:
        """The kind of content that the key of the line has had so far."""
        if line.key.startswith(self._records):
            return "string"
        return self._kinds.setdefault(line.key, line.kind)

    def _check_order(self, key: str, entry_id: str) -> None:
        """The entries of a stream have ascending ids of two numbers with 64 bits."""
        milliseconds, _, number = entry_id.partition("-")
        position = (int(milliseconds), int(number))
        if not self._last_entries.get(key, (0, 0)) < position or max(position) >= 2**64:
            raise CorruptRecord(f"{NOT_OURS}: the entries of {key!r:.100} have no order")
        self._last_entries[key] = position


def parse_line(encoded: bytes) -> BackupLine:
    try:
        line = orjson.loads(encoded)
    except orjson.JSONDecodeError as error:
        raise CorruptRecord("this backup is cut or damaged; nothing was restored") from error
    return line if isinstance(line, dict) else {}
