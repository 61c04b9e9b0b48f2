"""Follows the store between requests, and has index files built."""

import threading
from collections.abc import Callable

import structlog

from recommender.replica.site import SiteReplica

log = structlog.get_logger()

FOLLOW_SECONDS = 0.5


class Follower:
    """
    A thread that keeps sites current between requests.

    So the first reader after a bulk import does not wait, and a worker knows of a deletion within a
    second even if the store then goes away.

    Args:
        build: starts a process that analyses outdated articles of a site again and builds its
            index file; does not wait.
        is_outdated: whether a site has articles that another version analysed.
    """

    def __init__(
        self,
        sites: list[SiteReplica],
        build: Callable[[str], None] | None = None,
        is_outdated: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._sites = sites
        self._build = build
        self._is_outdated = is_outdated
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        failing: set[str] = set()
        while not self._stop.is_set():
            for replica in self._sites:
                try:
                    self._follow(replica)
                    failing.discard(replica.site)
                except Exception as error:  # noqa: BLE001 - this thread is not started again
                    if replica.site not in failing:  # one line in the log, not two a second
                        _warn(replica.site, error)
                    failing.add(replica.site)
            self._stop.wait(FOLLOW_SECONDS)

    def _follow(self, replica: SiteReplica) -> None:
        replica.sync()
        replica.adopt()
        needs_build = replica.needs_file or self._is_outdated(replica.site)
        if self._build is not None and needs_build:
            self._build(replica.site)


def _warn(site: str, error: Exception) -> None:
    reason = getattr(error, "reason", None)
    log.warning("cannot follow", site=site, error=repr(error), reason=reason)
