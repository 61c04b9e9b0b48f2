"""
The application as WSGI servers want it, and the server process whose workers run it.

`alsosee serve` starts this module as that process; gunicorn can have `api.wsgi:app()`.
"""

import gc
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.net import SocketHolder  # type: ignore[attr-defined]

from api.app import create_app
from api.caches.hot import HotAnswers
from api.gateway import Gateway
from api.writer import ArticleWrites
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
# After that time a thread that computes gives way to the one that answers readers.
SWITCH_SECONDS = 0.0005
WRITER_NICENESS = 5  # the readers' workers come first
BACKLOG = 1024  # writes that wait for the writer to accept them

COMMON_OPTIONS: dict[str, Any] = {
    "interface": Interfaces.RSGI,
    "http": HTTPModes.http1,
    "http1_settings": HTTP1Settings(header_read_timeout=1000 * HEADER_SECONDS),
    "websockets": False,
    "backpressure": CONNECTIONS,
    "respawn_failed_workers": True,
    "respawn_interval": RELOAD_SECONDS,
    "workers_kill_timeout": DRAIN_SECONDS,
    "log_level": LogLevels.error,
    "log_dictconfig": logs.library_config(("_granian", "granian.access")),
}


class _Server(Granian):  # type: ignore[misc, valid-type]
    """
    Granian, whose last worker is the writer, and which starts workers again however often they die.

    On its own it ends when a worker dies twice in 5.5 seconds, and takes all others with it.

    Args:
        readers: how many workers answer readers.
        writer: the Unix socket of the one that stores articles; None where there is none.
    """

    def __init__(self, readers: int, writer: Path | None, **options: Any) -> None:
        super().__init__(
            "api.wsgi:app", workers=readers + (writer is not None), **COMMON_OPTIONS, **options
        )
        self._readers = readers
        self._writer_socket = None
        if writer is not None:
            # Listens from now on, so that writes wait for the writer to start.
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(str(writer))
            listener.listen(BACKLOG)
            self._writer_socket = SocketHolder(listener.detach(), True, BACKLOG)  # type: ignore[call-arg]
        self._deaths: list[float] = []

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> Any:
        if idx < self._readers:
            return super()._spawn_worker(idx, target, callback_loader)
        readers_socket = self._ssp, self._shd  # type: ignore[has-type]
        try:
            self._ssp, self._shd = None, self._writer_socket
            return super()._spawn_worker(idx, target, _writer_app)
        finally:
            self._ssp, self._shd = readers_socket

    def _stop_workers(self) -> None:
        workers: list[Any] = self.wrks  # type: ignore[has-type]
        self.wrks = workers[: self._readers]
        super()._stop_workers()  # they may have writes under way
        self.wrks = workers[self._readers :]
        super()._stop_workers()

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
    # What is there now stays. Workers need not look through it: that held them for 0.1 s.
    gc.collect()
    gc.freeze()
    with ExitStack() as stack:
        writer = None
        if sys.platform != "win32":
            # A short path, which the name of a socket must be, and a folder for this user alone.
            folder = stack.enter_context(TemporaryDirectory(prefix="alsosee-"))
            writer = Path(folder) / "writer.sock"
        server = _Server(settings.workers, writer, address=settings.host, port=settings.port)
        # With the function instead of its name, granian imports nothing from the current folder.
        # Workers are forked with all modules loaded: a new one answers after 0.1 s instead of 3 s.
        server.serve(target_loader=partial(_reader_app, writer), wrap_loader=False)


def _reader_app(writer: Path | None) -> Gateway:
    """The application of a worker that answers readers."""
    _start_worker()
    sys.setswitchinterval(SWITCH_SECONDS)
    application = app()
    hot = application.wsgi_app
    assert isinstance(hot, HotAnswers)  # noqa: S101
    wsgi = ArticleWrites(hot, writer) if writer is not None else hot
    return Gateway(wsgi, application.extensions["alsosee"].settings.threads, hot)


def _writer_app() -> Gateway:
    """The application of the worker that stores articles; it holds no copy of an archive."""
    os.nice(WRITER_NICENESS)
    _start_worker()
    settings = Settings.from_environment()
    logs.configure_service(settings.log_level)
    application = create_app(settings)
    # All its requests are writes, of which a gateway runs half as many as reads.
    return Gateway(application.wsgi_app, 2 * settings.threads)


def _start_worker() -> None:
    # A new worker still has granian's signal handlers, which only set a flag. Without this, a
    # SIGTERM before it serves is lost, and the worker only ends when it is killed.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        _end_with(parent.pid)


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
