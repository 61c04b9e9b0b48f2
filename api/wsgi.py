"""
The application as WSGI servers want it, and the server process whose workers run it.

`alsosee serve` starts this module as that process; gunicorn can have `api.wsgi:app()`.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from typing import Any

from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from api.app import create_app
from api.caches.hot import HotAnswers
from api.gateway import Gateway
from recommender import logs
from recommender.backend import Backend
from recommender.config import Settings
from recommender.pipeline.warm import warm
from recommender.replica.follower import Follower

# How long a worker that stops may finish its requests: `docker stop` allows ten seconds in all.
DRAIN_SECONDS = 8
# Connections of one worker, idle ones too: a low number locks readers out.
CONNECTIONS = 4096
# To send a request's headers, and to stay idle between two requests.
HEADER_SECONDS = 15
# After SIGHUP, from the start of a new worker to the end of the one it replaces.
RELOAD_SECONDS = 2.0
POLL_SECONDS = 0.2
# Deaths of workers that count for the pause before the next start, and the longest pause.
RECENT_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 2.0


class _Server(Granian):  # type: ignore[misc, valid-type]
    """
    Granian, which starts its workers again however often they die.

    On its own it ends when a worker dies twice in 5.5 seconds, and takes all others with it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deaths: list[float] = []

    def _respawn_workers(self, workers: Any, *args: Any, delay: float = 0.0) -> None:
        if not delay:  # a reload has one
            time.sleep(self._pause())
        super()._respawn_workers(workers, *args, delay=delay)
        self.respawned_wrks.clear()  # the times by which Granian decides to end

    def _pause(self) -> float:
        """Seconds before the next start: none at first, then twice as long after each death."""
        now = time.monotonic()
        self._deaths = [at for at in self._deaths if now - at < RECENT_SECONDS] + [now]
        frequent = len(self._deaths) - 2 * self.workers
        return min(0.1 * 2**frequent, LONGEST_PAUSE_SECONDS) if frequent > 0 else 0.0


def app() -> Flask:
    """Build the application from the environment, and keep its archive current between requests."""
    settings = Settings.from_environment()
    logs.configure_service(settings.log_level)
    backend = Backend(settings)
    application = create_app(settings, backend)
    warm()
    Follower(backend.sites(), backend.builder.start, backend.formats.is_outdated).start()
    return application


def main(supervisor: int) -> None:
    """Run the workers until SIGTERM, or until the *supervisor* (a process id) is gone."""
    _end_with(supervisor)
    settings = Settings.from_environment()
    logs.configure_service(settings.log_level)
    warm()  # workers are forked from this process and inherit the compiled code
    server = _Server(
        "api.wsgi:app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=1000 * HEADER_SECONDS),
        websockets=False,
        workers=settings.workers,
        backpressure=CONNECTIONS,
        respawn_failed_workers=True,
        respawn_interval=RELOAD_SECONDS,
        workers_kill_timeout=DRAIN_SECONDS,
        log_level=LogLevels.error,
        log_dictconfig=logs.library_config(("_granian", "granian.access")),
    )
    # With the function instead of its name, granian imports nothing from the current folder.
    # Workers are forked with all modules loaded: a new one answers after 0.1 s instead of 3 s.
    server.serve(target_loader=_worker_app, wrap_loader=False)


def _worker_app() -> Any:
    # A new worker still has granian's signal handlers, which only set a flag. Without this, a
    # SIGTERM before it serves is lost, and the worker only ends when it is killed.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        _end_with(parent.pid)
    application = app()
    threads = application.extensions["alsosee"].settings.threads
    hot = application.wsgi_app
    return Gateway(hot, threads, hot if isinstance(hot, HotAnswers) else None)


def _end_with(parent: int) -> None:
    """Stop this process as a SIGTERM does when its *parent* ends for any reason."""
    threading.Thread(target=_watch, args=(parent,), name="parent watch", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(DRAIN_SECONDS + 1)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
