"""
Lists that are asked for again, answered before Flask: the same bytes in a third of the time.

What Flask answered from the cache is remembered under all that such an answer depends on in a
request, beside the state that the site was in. It is said again while the store, which is asked
each time, says that the site is in that state: no list here is older than Flask's own would be.
"""

import re
import time
from collections.abc import Iterable
from email.utils import formatdate
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from recommender.storage.change_log import RawState
from recommender.storage.connections import one_wait_per_server
from recommender.storage.store import Store

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Where a view leaves a `Served` when its answer is a list from the cache, which is anybody's.
SERVED = "alsosee.served"
HOT_BYTES = 16 * 2**20  # per worker
ENTRY_BYTES = 2_000  # what an answer takes besides its body and its key
MAX_KEY_CHARS = 2_000
LIST_PATH = re.compile(
    r"/v1/([^/]+)/(related|recent|articles/[\s\S]*/related)(\.(html|rss|json|jsonld))?"
)


class Key(NamedTuple):
    """All of a request that a list depends on."""

    method: str
    path: str
    query: str
    accept: str | None
    if_none_match: str | None


class Served(NamedTuple):
    """Of which version a list is, and until when it holds, in seconds since 1970."""

    version: int
    expires_at: float


class Answer(NamedTuple):
    """
    What Flask said, and for how long it would say so again.

    Fields:
        date_at: the place of `Date` among the *headers*.
    """

    site: str
    state: RawState
    expires_at: float
    status: str
    headers: list[tuple[str, str]]
    date_at: int
    body: bytes


class HotLists:
    """
    The WSGI application around Flask's.

    Attributes:
        flask: answers whatever is not known here.
    """

    def __init__(self, flask: "WSGIApplication", store: Store, sites: Iterable[str]) -> None:
        self.flask = flask
        self._store = store
        self._sites = frozenset(sites)
        self._answers: dict[Key, Answer] = {}
        self._bytes = 0
        self._lock = Lock()
        self._date = (0, "")

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        key = _key(environ)
        # What Flask would refuse for its `If-Match` is remembered for those who send none.
        answer = None if "HTTP_IF_MATCH" in environ else self._answers.get(key)
        site = answer.site if answer is not None else _site(key, environ)
        if site not in self._sites:
            return self.flask(environ, start_response)
        # Asked before Flask asks: its list is of this state, or of a later one and not kept.
        state, now = self._store.change_log.raw_state(site), time.time()
        if answer is None or answer.state != state or answer.expires_at <= now:
            return self._learn(key, site, state, environ, start_response)
        headers = answer.headers[:]
        headers[answer.date_at] = ("Date", self._date_at(int(now)))
        start_response(answer.status, headers)
        return [answer.body]

    def _learn(
        self,
        key: Key,
        site: str,
        state: RawState | None,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
    ) -> Iterable[bytes]:
        """Let Flask answer, and remember a list of this *state*."""
        said: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Any:
            said[:] = status, headers[:]
            return start_response(status, headers, *failure)

        with one_wait_per_server():
            parts = self.flask(environ, start)
        served: Served | None = environ.get(SERVED)
        if served is None or state is None or int(state[0] or 0) != served.version:
            return parts
        body = b"".join(parts)
        parts.close()  # type: ignore[attr-defined]  # werkzeug's have it
        status, headers = said
        # The whole list for each tag of an older one would be the same list many times.
        if key.if_none_match is None or not body:
            date_at = [name for name, _ in headers].index("Date")
            answer = Answer(site, state, served.expires_at, status, headers, date_at, body)
            self._remember(key, answer)
        return [body]

    def _remember(self, key: Key, answer: Answer) -> None:
        with self._lock:
            replaced = self._answers.pop(key, None)
            self._answers[key] = answer
            self._bytes += _size(key, answer) - (_size(key, replaced) if replaced else 0)
            while self._bytes > HOT_BYTES:
                # Also one that is asked for all the time: Flask's next answer brings it back.
                oldest = next(iter(self._answers))
                self._bytes -= _size(oldest, self._answers.pop(oldest))

    def _date_at(self, second: int) -> str:
        if self._date[0] != second:
            self._date = (second, formatdate(second, usegmt=True))
        return self._date[1]


def _key(environ: "WSGIEnvironment") -> Key:
    return Key(
        environ["REQUEST_METHOD"],
        environ.get("PATH_INFO", ""),
        environ.get("QUERY_STRING", ""),
        environ.get("HTTP_ACCEPT"),
        environ.get("HTTP_IF_NONE_MATCH"),
    )


def _site(key: Key, environ: "WSGIEnvironment") -> str | None:
    """The site whose list is asked for, or None where Flask alone shall answer."""
    if key.method not in ("GET", "HEAD") or "HTTP_IF_MATCH" in environ:
        return None
    if sum(len(part or "") for part in key) > MAX_KEY_CHARS:
        return None
    found = LIST_PATH.fullmatch(key.path)
    return found and found[1]


def _size(key: Key, answer: Answer) -> int:
    return ENTRY_BYTES + len(answer.body) + sum(len(part or "") for part in key)
