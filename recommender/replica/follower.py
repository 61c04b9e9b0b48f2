"""What a worker does between requests: it follows the store, and has index files made."""

import threading
from collections.abc import Callable

import structlog

from recommender.replica.site import SiteReplica

log = structlog.get_logger()

FOLLOW_SECONDS = 0.5


class Follower:
    """
    A thread that keeps sites current between requests.

    So the first reader after a bulk import does not wait for it, and a worker has heard of a
    deletion within a second even if the store then goes away.

    Args:
        build: starts a process that analyses outdated articles of a site again and makes its
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
        away: set[str] = set()
        while not self._stop.is_set():
            for live in self._sites:
                try:
                    live.sync()
                    live.adopt()
                    if self._build is not None and (
                        live.needs_file or self._is_outdated(live.site)
                    ):
                        self._build(live.site)
                    away.discard(live.site)
                except Exception as error:  # noqa: BLE001 - nobody would start this thread again
                    if live.site not in away:
                        log.warning(
                            "cannot follow",
                            site=live.site,
                            error=repr(error),
                            reason=getattr(error, "reason", None),
                        )
                    away.add(live.site)
            self._stop.wait(FOLLOW_SECONDS)
