"""Surveys of sites in the background, one at a time for each site over all processes."""

import threading
from functools import partial

import structlog

from recommender.errors import AlsoSeeError
from recommender.replica.site import SiteReplica
from recommender.replica.survey import BetweenLists, patiently, survey
from recommender.storage.surveys import Survey, SurveyClaim, Surveys, SurveyStopped

log = structlog.get_logger()

# After each list, so that a reader who waits for the site's lock gets it.
PAUSE_SECONDS = 0.001


class Surveyor:
    """Surveys sites in threads of this process, until it ends."""

    def __init__(self, surveys: Surveys) -> None:
        self._surveys = surveys
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, replica: SiteReplica) -> bool:
        """Start a survey in the background; False while one runs, in this process or another."""
        claim = self._surveys.claim(replica.site)
        if claim is None:
            return False
        name = f"survey of {replica.site}"
        thread = threading.Thread(target=self._run, args=(replica, claim), name=name, daemon=True)
        # Threads that have ended need no join when the process ends.
        self._threads = [t for t in self._threads if t.is_alive()]
        self._threads.append(thread)
        thread.start()
        return True

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, replica: SiteReplica, claim: SurveyClaim) -> None:
        try:
            conduct(self._surveys, replica, claim, self._pause)
        except SurveyStopped:
            return
        except AlsoSeeError as error:
            reason = getattr(error, "reason", None)
            log.warning("survey failed", site=replica.site, error=repr(error), reason=reason)

    def _pause(self, _done: int, _total: int) -> None:
        if self._stop.wait(PAUSE_SECONDS):
            raise SurveyStopped("the process ends")


def conduct(
    surveys: Surveys, replica: SiteReplica, claim: SurveyClaim, between: BetweenLists
) -> Survey:
    """Survey a site, report progress to *claim*, store the survey, and release the claim."""

    def report(done: int, total: int) -> None:
        claim.report(done, total)
        between(done, total)

    try:
        result = survey(replica, replica.now(), report)
        patiently(partial(surveys.keep, replica.site, result))
        return result
    finally:
        claim.release()
