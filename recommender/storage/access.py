"""API keys: what each may do, and on which site."""

import hmac
import secrets
from collections.abc import Collection
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal, NamedTuple, get_args

import orjson
import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recommender.errors import NotFound
from recommender.storage.connections import Connection

Scope = Literal["ingest", "look", "edit", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
# The roles of an editor; each includes those before it.
ROLES: tuple[Scope, ...] = ("look", "edit", "admin")

log = structlog.get_logger()

KEYS_KEY = "see:keys"  # hash, key id → JSON of `_KeyRecord`


class Grant(NamedTuple):
    """What the bearer of a key may do."""

    key_id: str
    site: str
    scopes: tuple[str, ...]
    note: str
    created_at: str

    def allows(self, scope: Scope) -> bool:
        """Whether the key has the scope, or a role that includes it."""
        sufficient = ROLES[ROLES.index(scope) :] if scope in ROLES else (scope,)
        return not set(sufficient).isdisjoint(self.scopes)


class _KeyRecord(BaseModel):
    model_config = ConfigDict(strict=True)

    site: str
    scopes: list[str]
    note: str
    created_at: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Keys:
    """
    The keys of all sites.

    A key is `as_<id>_<secret>` with 256 random bits. Only its SHA-256 is stored: slow hashes are
    for passwords, and would let anyone keep the server busy.

    Nothing is remembered between calls, so a revoked key is refused by the next request.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, site: str, scopes: Collection[str], note: str = "") -> str:
        """Create a key and return it; it cannot be shown again."""
        key_id = secrets.token_hex(4)
        key = f"as_{key_id}_{secrets.token_urlsafe(32)}"
        record = {
            "site": site,
            "scopes": sorted(scopes),
            "note": note,
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "sha256": _hash(key),
        }
        with self._connection.using("write") as client:
            is_new = client.hsetnx(KEYS_KEY, key_id, orjson.dumps(record))
        # Ids have 32 bits, so another key may have this one.
        return key if is_new else self.create(site, scopes, note)

    def grant(self, key: str) -> Grant | None:
        """Return what *key* allows; None when there is no such key."""
        prefix, _, rest = key.partition("_")
        key_id = rest.partition("_")[0]
        # Cheap checks first: anyone can send such a header.
        if prefix != "as" or not key.isascii() or len(key) > 200:
            return None
        record = self._record(key_id)
        if record is None or not hmac.compare_digest(record.sha256, _hash(key)):
            return None
        return _grant(key_id, record)

    def holder(self, key_id: str) -> Grant | None:
        """Return what the key with this id allows, for a session that has shown the key before."""
        record = self._record(key_id)
        return None if record is None else _grant(key_id, record)

    def all(self) -> list[Grant]:
        """Every key, without its secret, oldest first; damaged ones are left out."""
        with self._connection.using("read") as client:
            records = client.hgetall(KEYS_KEY)
        grants: list[Grant] = []
        for name, data in records.items():
            key_id = name.decode(errors="replace")
            record = _parse(key_id, data)
            if record is not None:
                grants.append(_grant(key_id, record))
        return sorted(grants, key=lambda grant: (grant.created_at, grant.key_id))

    def _record(self, key_id: str) -> _KeyRecord | None:
        data = self._connection.read("HGET", KEYS_KEY, key_id)
        return None if data is None else _parse(key_id, data)

    def revoke(self, key_id: str) -> None:
        """Raises NotFound when there is no such key."""
        with self._connection.using("write") as client:
            if not client.hdel(KEYS_KEY, key_id):
                raise NotFound(f"no key {key_id!r}")


def _hash(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def _parse(key_id: str, data: bytes) -> _KeyRecord | None:
    """The record of a key; None, as for an unknown key, when it is damaged."""
    try:
        return _KeyRecord.model_validate_json(data)
    except ValidationError as error:
        fields = [str(one["loc"][0]) for one in error.errors(include_input=False) if one["loc"]]
        log.error("damaged API key ignored", key_id=key_id, fields=fields)
        return None


def _grant(key_id: str, record: _KeyRecord) -> Grant:
    return Grant(key_id, record.site, tuple(record.scopes), record.note, record.created_at)
