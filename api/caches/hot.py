"""
Hot answers: whole HTTP answers in the worker, sent again before Flask sees the request.

A list that Flask took from the cache is kept under everything in a request that it depends on, with
the state that the site was in. It is sent again while the site is in that state. So no answer here
is older than Flask's own would be.
"""

import re
import time
from collections.abc import Iterable
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, NamedTuple

from api.caches.lists import is_current
from api.caches.lru import ByteLRU
from recommender.storage.change_log import RawState
from recommender.storage.connections import one_wait_per_server
from recommender.storage.store import Store

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Where a view leaves a `Served` when it answers with a list from the cache, the same for everyone.
SERVED = "alsosee.served"
HOT_BYTES = 16 * 2**20  # per worker
ENTRY_BYTES = 2_000  # what an answer takes besides its body and its key
MAX_KEY_CHARS = 2_000
# How old a list of an earlier state may be while its site accepts many changes a second, and at
# which age it is made again.
RECENT_SECONDS = 1.0
MAKE_AGAIN_SECONDS = 0.5
LIST_PATH = re.compile(
    r"/v1/([^/]+)/(related|recent|articles/[\s\S]*/related)(\.(html|rss|json|jsonld))?"
)


class RequestKey(NamedTuple):
    """Everything in a request that a list depends on."""

    method: str
    path: str
    query: str
    accept: str | None
    if_none_match: str | None


class Served(NamedTuple):
    """
    The list of an answer.

    Fields:
        version: of the site that it shows.
        made_at, expires_at: seconds since 1970.
    """

    version: int
    made_at: float
    expires_at: float


class StateCheck(NamedTuple):
    """
    The moment just before the state of a site was read.

    Fields:
        at: by the monotonic clock.
        last_removal: the signal that changes when an article may have to leave lists.
    """

    at: float
    last_removal: bytes | None


class HotAnswer(NamedTuple):
    """
    An answer of Flask, and how long it holds.

    Fields:
        made_at, expires_at: of the list, in seconds since 1970.
        date_at: the place of `Date` among the *headers*.
    """

    site: str
    state: RawState
    check: StateCheck
    made_at: float
    expires_at: float
    status: str
    headers: list[tuple[str, str]]
    date_at: int
    body: bytes

    def holds(self, state: RawState | None, now: float) -> bool:
        """Whether it may be sent at this moment, when its site is in this state."""
        if state is None or self.state != state:
            return False
        return is_current(self.made_at, self.expires_at, now)


HttpAnswer = tuple[int, list[tuple[str, str]], bytes]
"""Status, headers and body."""


class RecentAnswer(NamedTuple):
    """An answer of a moment ago, and whether its list should be made again now."""

    answer: HttpAnswer
    is_due: bool


class HotAnswers:
    """
    The WSGI application around Flask's.

    Attributes:
        flask: answers every request that has no hot answer.
    """

    def __init__(self, flask: "WSGIApplication", store: Store, sites: Iterable[str]) -> None:
        self.flask = flask
        self._store = store
        self._sites = frozenset(sites)
        self._answers: ByteLRU[RequestKey, HotAnswer] = ByteLRU(HOT_BYTES, _size)
        self._date = (0, "")

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        # Flask may refuse a request with `If-Match`; the answers here are for requests without it.
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or "HTTP_IF_MATCH" in environ:
            return self.flask(environ, start_response)
        key = _key(environ)
        answer = self._answers.get(key)
        site = answer.site if answer is not None else _site(key)
        if site not in self._sites:
            return self.flask(environ, start_response)
        # Read before Flask reads it: Flask's list is of this state, or of a later one and not kept.
        check = StateCheck(time.monotonic(), self._store.change_log.last_removal())
        state = self._store.change_log.raw_state(site)
        now = self._store.clock.time()
        if answer is None or not answer.holds(state, now):
            return self._ask_flask(key, site, state, check, environ, start_response)
        headers = answer.headers[:]
        headers[answer.date_at] = ("Date", self._date_at(int(time.time())))
        start_response(answer.status, headers)
        return [answer.body]

    def at_once(self, key: RequestKey) -> HttpAnswer | None:
        """
        Status, headers and body of a hot answer that can be given without asking the store.

        For the event loop, which must not wait: None also where `__call__` would have an answer.
        """
        answer = self._answers.get(key)
        if answer is None:
            return None
        state = self._store.change_log.known_raw_state(answer.site)
        now = self._store.clock.known_time()
        is_current_list = now is not None and answer.holds(state, now)
        return self._sent_now(answer) if is_current_list else None

    def recent(self, key: RequestKey) -> RecentAnswer | None:
        """
        A list that was current a moment ago.

        Only for a site that accepts many changes a second, and never after a delete or an editor's
        rule of this machine.
        """
        answer = self._answers.get(key)
        if answer is None or answer.check.last_removal is None:
            return None
        change_log = self._store.change_log
        now = self._store.clock.known_time()
        age_seconds = time.monotonic() - answer.check.at
        is_recent = (
            now is not None
            and age_seconds < RECENT_SECONDS
            and answer.check.last_removal == change_log.last_removal()
            and is_current(answer.made_at, answer.expires_at, now)
            and change_log.is_busy(answer.site)
        )
        if not is_recent:
            return None
        return RecentAnswer(self._sent_now(answer), age_seconds > MAKE_AGAIN_SECONDS)

    def _sent_now(self, answer: HotAnswer) -> HttpAnswer:
        headers = answer.headers[:]
        headers[answer.date_at] = ("Date", self._date_at(int(time.time())))
        return int(answer.status[:3]), headers, answer.body

    def _ask_flask(
        self,
        key: RequestKey,
        site: str,
        state: RawState | None,
        check: StateCheck,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
    ) -> Iterable[bytes]:
        """Let Flask answer, and keep a list of this *state*."""
        started: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Any:
            started[:] = status, headers[:]
            return start_response(status, headers, *failure)

        with one_wait_per_server():
            parts = self.flask(environ, start)
        served: Served | None = environ.get(SERVED)
        if served is None or state is None or (state[0] or b"0") != b"%d" % served.version:
            return parts
        body = b"".join(parts)
        parts.close()  # type: ignore[attr-defined]  # werkzeug's have it
        status, headers = started
        # With a body, an answer to `If-None-Match` is the whole list, once more for each old tag.
        if key.if_none_match is None or not body:
            date_at = [name for name, _ in headers].index("Date")
            lifetime = served.made_at, served.expires_at
            answer = HotAnswer(site, state, check, *lifetime, status, headers, date_at, body)
            self._answers.put(key, answer)
        return [body]

    def _date_at(self, second: int) -> str:
        if self._date[0] != second:
            self._date = (second, formatdate(second, usegmt=True))
        return self._date[1]


def _key(environ: "WSGIEnvironment") -> RequestKey:
    return RequestKey(
        environ["REQUEST_METHOD"],
        environ.get("PATH_INFO", ""),
        environ.get("QUERY_STRING", ""),
        environ.get("HTTP_ACCEPT"),
        environ.get("HTTP_IF_NONE_MATCH"),
    )


def _site(key: RequestKey) -> str | None:
    """The site of the requested list; None for requests that only Flask answers."""
    if sum(len(part or "") for part in key) > MAX_KEY_CHARS:
        return None
    path = LIST_PATH.fullmatch(key.path)
    return path and path[1]


def _size(key: RequestKey, answer: HotAnswer) -> int:
    return ENTRY_BYTES + len(answer.body) + sum(len(part or "") for part in key)
