"""
Who surveys a site, one at a time over all processes, and what the last one found.

    see:{site}:survey           the last survey, packed
    see:{site}:survey:running   how far the one that is under way has come; expires
"""

import secrets
import threading
import time
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import orjson
import structlog
from pydantic import ValidationError

from recommender.errors import AlsoSeeError, CorruptRecord, StoreUnavailable
from recommender.replica.site import SiteReplica
from recommender.replica.survey import Between, Survey, patiently, survey
from recommender.storage.connections import Connection
from recommender.storage.keyspace import site_key
from recommender.storage.packing import pack_record, unpack_record

log = structlog.get_logger()

SILENCE_SECONDS = 30  # after which a survey that is not heard of is over
REPORT_SECONDS = 0.5
# After each list, so that a reader who waits for the site's lock gets it.
PAUSE_SECONDS = 0.001

# Only whoever has the claim may say how far he is, or let it go.
_IS_MINE = "string.find(redis.call('GET', KEYS[1]) or '', ARGV[1], 1, true) ~= nil"
_REPORT = f"""
if not ({_IS_MINE}) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""
_RELEASE = f"if {_IS_MINE} then redis.call('DEL', KEYS[1]) end"


class Progress(NamedTuple):
    """How many lists of how many are made; 0 of 0 before the first."""

    done: int
    total: int


class SurveyStopped(Exception):
    """The process ends, or somebody else has gone on with it."""


class Surveys:
    """The last survey of each site. Every method may raise `StoreUnavailable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def latest(self, site: str) -> Survey | None:
        """None too when what is stored cannot be read, as after an upgrade."""
        with self._connection.using("read") as client:
            record = client.get(site_key(site, "survey"))
        try:
            return None if record is None else Survey.model_validate_json(unpack_record(record))
        except (CorruptRecord, ValidationError):
            return None

    def keep(self, site: str, found: Survey) -> None:
        record = pack_record(found.model_dump_json().encode())
        with self._connection.using("write") as client:
            client.set(site_key(site, "survey"), record)

    def progress(self, site: str) -> Progress | None:
        """Of the survey that is under way; None when none is."""
        with self._connection.using("read") as client:
            record = client.get(_running(site))
        return None if record is None else Progress(*orjson.loads(record)[1:])

    def claim(self, site: str) -> "Claim | None":
        """The leave to survey the site; None while somebody else has it."""
        claim = Claim(self._connection, site)
        return claim if claim.take() else None


class Claim:
    """Leave to survey a site, as long as it is heard of now and then."""

    def __init__(self, connection: Connection, site: str) -> None:
        self._connection = connection
        self._key = _running(site)
        self._token = secrets.token_hex(8)
        self._next = 0.0

    def take(self) -> bool:
        with self._connection.using("write") as client:
            first = self._record(Progress(0, 0))
            return bool(client.set(self._key, first, nx=True, ex=SILENCE_SECONDS))

    def report(self, done: int, total: int) -> None:
        """Say how far it is, if it is time for that. Raises SurveyStopped when nobody listens."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + REPORT_SECONDS
        record = self._record(Progress(done, total))
        try:
            with self._connection.using("write") as client:
                script = client.register_script(_REPORT)
                heard = script([self._key], [self._token, record, SILENCE_SECONDS])
        except StoreUnavailable:
            return  # the next report will tell
        if not heard:
            raise SurveyStopped("nobody heard of this survey for too long")

    def release(self) -> None:
        try:
            with self._connection.using("write") as client:
                client.register_script(_RELEASE)([self._key], [self._token])
        except StoreUnavailable:
            return  # and then it expires

    def _record(self, progress: Progress) -> bytes:
        return orjson.dumps([self._token, *progress])


class Surveyor:
    """Surveys sites in threads of this process, until it ends."""

    def __init__(self, surveys: Surveys) -> None:
        self._surveys = surveys
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, live: SiteReplica) -> bool:
        """Begin a survey in the background; False while one is under way, here or elsewhere."""
        claim = self._surveys.claim(live.site)
        if claim is None:
            return False
        name = f"survey of {live.site}"
        thread = threading.Thread(target=self._run, args=(live, claim), name=name, daemon=True)
        self._threads = [*(t for t in self._threads if t.is_alive()), thread]
        thread.start()
        return True

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, live: SiteReplica, claim: Claim) -> None:
        try:
            conduct(self._surveys, live, claim, self._rest)
        except SurveyStopped:
            return
        except AlsoSeeError as error:
            reason = getattr(error, "reason", None)
            log.warning("survey ended", site=live.site, error=repr(error), reason=reason)

    def _rest(self, _done: int, _total: int) -> None:
        if self._stop.wait(PAUSE_SECONDS):
            raise SurveyStopped("the process ends")


def conduct(surveys: Surveys, live: SiteReplica, claim: Claim, between: Between) -> Survey:
    """Survey a site and keep what was found; *between* as `survey` has it."""

    def report(done: int, total: int) -> None:
        claim.report(done, total)
        between(done, total)

    try:
        found = survey(live, datetime.now(UTC), report)
        patiently(partial(surveys.keep, live.site, found))
        return found
    finally:
        claim.release()


def _running(site: str) -> str:
    return site_key(site, "survey", "running")
