"""API keys: what each may do, and on which site."""

import hmac
import secrets
from collections.abc import Collection
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal, NamedTuple, get_args

import orjson

from recommender.errors import NotFound
from recommender.storage.connections import Connection

Scope = Literal["ingest", "look", "edit", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
# The roles of an editor; each includes those before it.
ROLES: tuple[Scope, ...] = ("look", "edit", "admin")

KEYS_KEY = "see:keys"  # hash, key id → JSON of site, scopes, note, created_at, sha256


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
        return key if is_new else self.create(site, scopes, note)

    def grant(self, key: str) -> Grant | None:
        """Return what *key* allows; None when there is no such key."""
        prefix, _, rest = key.partition("_")
        key_id = rest.partition("_")[0]
        if prefix != "as" or not key.isascii() or len(key) > 200:
            return None
        record = self._connection.read("HGET", KEYS_KEY, key_id)
        if record is None:
            return None
        fields = orjson.loads(record)
        return _grant(key_id, fields) if hmac.compare_digest(fields["sha256"], _hash(key)) else None

    def holder(self, key_id: str) -> Grant | None:
        """Return what the key with this id allows, for a session that has shown the key before."""
        record = self._connection.read("HGET", KEYS_KEY, key_id)
        return None if record is None else _grant(key_id, orjson.loads(record))

    def all(self) -> list[Grant]:
        """Every key, without its secret, oldest first."""
        with self._connection.using("read") as client:
            records = client.hgetall(KEYS_KEY)
        grants = [_grant(key_id.decode(), orjson.loads(r)) for key_id, r in records.items()]
        return sorted(grants, key=lambda grant: (grant.created_at, grant.key_id))

    def revoke(self, key_id: str) -> None:
        """Raises NotFound when there is no such key."""
        with self._connection.using("write") as client:
            if not client.hdel(KEYS_KEY, key_id):
                raise NotFound(f"no key {key_id!r}")


def _hash(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def _grant(key_id: str, fields: dict[str, object]) -> Grant:
    return Grant(
        key_id,
        str(fields["site"]),
        tuple(fields["scopes"]),  # type: ignore[arg-type]
        str(fields["note"]),
        str(fields["created_at"]),
    )
