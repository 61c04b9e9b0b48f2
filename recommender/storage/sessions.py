"""Sessions of editors who are signed in to the desk."""

import secrets
from collections.abc import Collection
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from recommender.storage.connections import Connection
from recommender.storage.rate_limit import TokenBucket

SECONDS = 12 * 3600  # a working day; then the editor signs in again
_MAX_TOKEN_CHARS = 100
# For one network address, in each process: enough for typing errors, too few for guessing.
TRIES = 20
TRIES_PER_SECOND = 0.2
MAX_ADDRESSES = 10_000


class TitledArticle(BaseModel):
    """An article as the desk remembers it between two pages."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str


class SessionNote(BaseModel):
    """
    The last change, for the next look at a page.

    Fields:
        entry: id of its audit entry.
        before: the list before the change.
    """

    model_config = ConfigDict(frozen=True)

    page: str
    message: str
    entry: str | None = None
    before: tuple[TitledArticle, ...] | None = None


class Session(NamedTuple):
    """
    One signed-in editor.

    Fields:
        key_id: of the editor's key; every request looks up what the key allows.
        name: the editor's name in the audit.
        csrf: a token that every form of the session contains.
        note: shown once.
    """

    key_id: str
    name: str
    csrf: str
    opened_at: str
    note: SessionNote | None = None


class OpenSession(NamedTuple):
    """
    A session as the page of sessions shows it.

    Fields:
        id: the hash of its token; it does not sign in anyone.
    """

    id: str
    session: Session


_SESSION = TypeAdapter(Session)
_PREFIX = "see:session:"
_SCAN_COUNT = 2000  # keys that the store looks at for one answer


class Sessions:
    """
    The sessions of all sites. Every method but `may_try` may raise `StoreUnavailable`.

    They are in the store, so that every worker knows them, under a hash of their token.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tries: dict[str, TokenBucket] = {}

    def may_try(self, address: str) -> bool:
        """Whether a client at this address may try a key now; asks no store."""
        if len(self._tries) > MAX_ADDRESSES:
            self._tries.clear()
        return self._tries.setdefault(address, TokenBucket(TRIES_PER_SECOND, TRIES)).take()

    def open(self, key_id: str, name: str) -> tuple[str, Session]:
        """Start a session and return its token, for a cookie."""
        token = secrets.token_urlsafe(32)
        opened_at = datetime.now(UTC).isoformat(timespec="seconds")
        session = Session(key_id, name, secrets.token_urlsafe(24), opened_at)
        with self._connection.using("write") as client:
            client.set(_key(token), _SESSION.dump_json(session), ex=SECONDS)
        return token, session

    def read(self, token: str) -> Session | None:
        """Return the session of this token; None when it does not exist or has expired."""
        if not token or len(token) > _MAX_TOKEN_CHARS:
            return None
        with self._connection.using("read") as client:
            record = client.get(_key(token))
        return _parse(record)

    def all(self) -> list[OpenSession]:
        """Every session of every site, newest first; damaged ones are left out."""
        sessions: list[OpenSession] = []
        with self._connection.using("load") as client:
            # SCAN may return a key twice.
            keys = [*{*client.scan_iter(match=f"{_PREFIX}*", count=_SCAN_COUNT)}]
            records = client.mget(keys) if keys else []
        for key, record in zip(keys, records, strict=True):
            session = _parse(record)
            if session is not None:
                one_id = key.decode(errors="replace").removeprefix(_PREFIX)
                sessions.append(OpenSession(one_id, session))
        return sorted(sessions, key=lambda one: (one.session.opened_at, one.id), reverse=True)

    def leave_note(self, token: str, note: SessionNote | None) -> None:
        """Keep a note for the next page; does nothing when the session has expired."""
        session = self.read(token)
        if session is None:
            return
        record = _SESSION.dump_json(session._replace(note=note))
        with self._connection.using("write") as client:
            client.set(_key(token), record, xx=True, keepttl=True)

    def forget_notes(self) -> None:
        """Delete the notes of all sessions: any may have the titles of a list with the article."""
        with self._connection.using("batch") as client:
            for key in [*client.scan_iter(match=f"{_PREFIX}*", count=500)]:
                session = _parse(client.get(key))
                if session is not None and session.note is not None:
                    record = _SESSION.dump_json(session._replace(note=None))
                    client.set(key, record, xx=True, keepttl=True)

    def close(self, token: str) -> None:
        self.end([session_id(token)])

    def end(self, ids: Collection[str]) -> None:
        """End the sessions with these ids; one that has ended already is no error."""
        if not ids:
            return
        with self._connection.using("write") as client:
            client.delete(*(f"{_PREFIX}{one}" for one in ids))


def _parse(record: bytes | None) -> Session | None:
    if record is None:
        return None
    try:
        return _SESSION.validate_json(record)
    except ValidationError:  # damaged: the editor signs in again
        return None


def session_id(token: str) -> str:
    """The hash under which the session of this token is stored."""
    return sha256(token.encode()).hexdigest()


def _key(token: str) -> str:
    return f"{_PREFIX}{session_id(token)}"
