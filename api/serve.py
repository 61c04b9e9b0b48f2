"""The process of `alsosee serve`: it keeps the store and the web server alive, and ends them."""

import contextlib
import errno
import http.client
import ipaddress
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

import structlog

from recommender import logs
from recommender.config import Settings
from recommender.errors import AlsoSeeError, ConfigurationError
from recommender.storage.connections import Connection
from recommender.storage.embedded import EmbeddedLease, EmbeddedServerError, lease
from recommender.storage.formats import Formats, claim_quietly

log = structlog.get_logger()

HEARTBEAT_SECONDS = 1.0
START_POLL_SECONDS = 0.05
STOP_SECONDS = 12.0  # the web server gives its workers eight


class ServerFailed(AlsoSeeError):
    """The web server ended without ever having answered."""


def serve(
    settings: Settings,
    on_ready: Callable[[], None],
    while_starting: Callable[[], None] = lambda: None,
) -> int:
    """
    Run the service until SIGTERM or SIGINT and return the exit status.

    The web server is a process of its own (`api.wsgi`) that starts again when it dies. It and its
    workers watch their parents, so that nothing stays behind, even when this process is killed.

    Args:
        on_ready: called once, when the service answers.
        while_starting: called meanwhile, with the store at hand.

    Raises:
        ConfigurationError: when the address cannot be had, before anything starts; or when this
            version cannot read what the store has.
        EmbeddedServerError: when the embedded server cannot start.
        ServerFailed: when the web server cannot.
    """
    logs.configure_service(settings.log_level)
    address = free_address(settings.host, settings.port)
    if not ipaddress.ip_address(address).is_loopback:
        log.warning(
            "open to other machines, without TLS: put a proxy in front",
            host=settings.host,
        )
    with ExitStack() as stack:
        return _Supervisor(settings, address, stack).run(on_ready, while_starting)


def url_of(settings: Settings) -> str:
    """Where a browser on this machine finds the service."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def free_address(host: str, port: int) -> str:
    """
    Return the IP address of *host* once it is sure that nobody listens there on *port*.

    The web server itself would not notice: its workers share ports, also with strangers.

    Raises:
        ConfigurationError: saying why the service cannot listen there.
    """
    try:
        family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError):
        raise ConfigurationError(f"no such host: {host!r} (--host or ALSOSEE_HOST)") from None
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(where)
        except OSError as error:
            raise ConfigurationError(_refusal(error, host, port)) from error
    return str(where[0])


def _refusal(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use: end the other program, or choose another --port"
    if error.errno == errno.EACCES:
        return f"port {port} needs more rights than this user has: choose a --port from 1024 on"
    return f"cannot listen on {host}, port {port}: {error.strerror} (--host or ALSOSEE_HOST)"


def answers(settings: Settings, path: str) -> bool:
    """Whether the service says yes at *path*, within a second."""
    where = url_of(settings).removeprefix("http://")
    connection = http.client.HTTPConnection(where, timeout=1.0)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class _Supervisor:
    def __init__(self, settings: Settings, address: str, stack: ExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._environment = os.environ | {
            "ALSOSEE_HOST": address,
            # With -P: the modules that this process has, not a folder `api` where the user stands.
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        self._embedded: EmbeddedLease | None = None
        self._waits_for_store = False
        self._server: subprocess.Popen[bytes] | None = None
        self._answered = False
        self._stop_by: float | None = None
        self._complaint = ""
        self._ever_answered = False
        self._on_terminal = sys.stderr.isatty()

    def run(self, on_ready: Callable[[], None], while_starting: Callable[[], None]) -> int:
        handlers = {
            signal.SIGINT: self._stop,
            signal.SIGTERM: self._stop,
            signal.SIGHUP: self._reload,
        }
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            self._start()
            self._lease_store()  # it reads its files while the web server imports
            self._check_formats()
            if self._stop_by is None:
                while_starting()
            while True:
                status = self._wait(on_ready)
                if self._stop_by is not None:
                    # Killed by our SIGTERM: it was still starting.
                    return 0 if status in (0, -signal.SIGTERM) else 1
                if not self._ever_answered:
                    raise ServerFailed(f"the web server could not start (status {status})")
                on_ready = _nothing
                log.error("web server ended, starting it again", status=status)
                self._start()
        finally:
            self._kill()  # after an orderly stop there is nobody left to kill
            if self._server is not None:
                self._server.wait()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _lease_store(self) -> None:
        if self._settings.redis_url:
            return
        self._waits_for_store = True
        if self._stop_by is None:
            self._embedded = self._stack.enter_context(lease(self._settings.data_dir))
        self._waits_for_store = False

    def _check_formats(self) -> None:
        """Raises ConfigurationError; workers that found it out would be started again for ever."""
        if self._stop_by is not None:
            return
        url = self._embedded.url if self._embedded else self._settings.redis_url.get_secret_value()  # type: ignore[union-attr]
        connection = Connection(url, read_seconds=self._settings.store_timeout_seconds)
        try:
            claim_quietly(Formats(connection), self._settings.sites)
        finally:
            connection.close()

    def _start(self) -> None:
        self._answered = False
        self._server = subprocess.Popen(
            [sys.executable, "-P", "-m", "api.wsgi", str(os.getpid())],
            stdin=subprocess.DEVNULL,
            env=self._environment,
            # A group of its own: Ctrl-C in the terminal is for us, who then stop all in order.
            process_group=0,
        )
        if self._stop_by is not None:  # told to stop just before there was anybody to pass it on to
            self._server.terminate()

    def _wait(self, on_ready: Callable[[], None]) -> int:
        """Look after everything until the web server ends, and return its exit status."""
        assert self._server is not None  # noqa: S101
        while True:
            try:
                return self._server.wait(
                    HEARTBEAT_SECONDS if self._answered else START_POLL_SECONDS
                )
            except subprocess.TimeoutExpired:
                pass
            if self._stop_by is not None:
                if time.monotonic() > self._stop_by:
                    self._kill()
                continue
            if not self._answered and answers(self._settings, "/healthz"):
                self._answered = self._ever_answered = True
                on_ready()
            self._keep_embedded_server()

    def _keep_embedded_server(self) -> None:
        if self._embedded is None:
            return
        complaint = ""
        try:
            self._embedded.ensure()
        except EmbeddedServerError as error:  # readers get their last lists; we go on trying
            complaint = str(error)
        if complaint and complaint != self._complaint:
            log.error("embedded server is away", reason=complaint)
        self._complaint = complaint

    def _stop(self, number: int, _: object) -> None:
        if self._waits_for_store:
            self._waits_for_store = False
            sys.exit(0)  # out of the lease; the web server is killed on the way
        if self._stop_by is not None and number == signal.SIGINT:
            self._kill()  # somebody who presses Ctrl-C again does not want to wait
        if self._stop_by is None:
            self._stop_by = time.monotonic() + STOP_SECONDS
            if self._server is not None:
                self._server.terminate()

    def _reload(self, number: int, frame: object) -> None:
        # A terminal that was closed sends SIGHUP as well, and then nobody is left to stop us.
        if self._on_terminal and not os.isatty(sys.stderr.fileno()):
            self._stop(number, frame)
        elif self._server is not None and self._answered:
            self._server.send_signal(signal.SIGHUP)

    def _kill(self) -> None:
        """End the web server and all its workers at once; does not wait, for handlers call it."""
        if self._server is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._server.pid, signal.SIGKILL)


def _nothing() -> None:
    pass
