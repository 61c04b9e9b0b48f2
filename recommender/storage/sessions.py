"""Who is signed in to the editor's desk."""

import secrets
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from recommender.storage.connections import Connection
from recommender.storage.events import TokenBucket

SECONDS = 12 * 3600  # a working day; then the key is asked for again
_MAX_TOKEN_CHARS = 100
# Of one address, in each process: an editor mistypes, a program guesses.
TRIES = 20
TRIES_PER_SECOND = 0.2
MAX_ADDRESSES = 10_000


class Session(NamedTuple):
    """
    One signed-in editor.

    Fields:
        key_id: of the key that was shown; what it allows is looked up with every request.
        name: what the editor goes by in the record of changes.
        csrf: what every form of the session carries.
        note: what the last change was, for the page after it; read once.
    """

    key_id: str
    name: str
    csrf: str
    opened_at: str
    note: dict[str, Any] | None = None


class Sessions:
    """
    The sessions of all sites, kept in the store so that every worker knows them; only a hash of
    each token is stored. Every method may raise `StoreUnavailable`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tries: dict[str, TokenBucket] = {}

    def may_try(self, address: str) -> bool:
        """Whether somebody at this address may show a key now; asks no store."""
        if len(self._tries) > MAX_ADDRESSES:
            self._tries.clear()
        return self._tries.setdefault(address, TokenBucket(TRIES_PER_SECOND, TRIES)).take()

    def open(self, key_id: str, name: str) -> tuple[str, Session]:
        """Start a session; its token is for a cookie."""
        token = secrets.token_urlsafe(32)
        opened_at = datetime.now(UTC).isoformat(timespec="seconds")
        session = Session(key_id, name, secrets.token_urlsafe(24), opened_at)
        with self._connection.using("write") as client:
            client.set(_key(token), orjson.dumps(tuple(session)), ex=SECONDS)
        return token, session

    def read(self, token: str) -> Session | None:
        """The session of this token, or None when there is none, or no more."""
        if not token or len(token) > _MAX_TOKEN_CHARS:
            return None
        with self._connection.using("read") as client:
            record = client.get(_key(token))
        return None if record is None else Session(*orjson.loads(record))

    def leave_note(self, token: str, note: dict[str, Any] | None) -> None:
        """Keep a note for the next page; a session that is over is left alone."""
        session = self.read(token)
        if session is not None:
            record = orjson.dumps(tuple(session._replace(note=note)))
            with self._connection.using("write") as client:
                client.set(_key(token), record, xx=True, keepttl=True)

    def close(self, token: str) -> None:
        with self._connection.using("write") as client:
            client.delete(_key(token))


def _key(token: str) -> str:
    return f"see:session:{sha256(token.encode()).hexdigest()}"
