"""The process of `alsosee serve`: it keeps the store and the web server running, and stops them."""

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
    """The web server ended before it answered any request."""


def serve(
    settings: Settings,
    on_ready: Callable[[], None],
    while_starting: Callable[[], None] = lambda: None,
) -> int:
    """
    Run the service until SIGTERM or SIGINT and return the exit status.

    The web server is a process of its own (`api.wsgi`), which is started again when it dies. It and
    its workers watch their parents, so that no process survives this one, even when it is killed.

    Args:
        on_ready: called once, when the service answers.
        while_starting: called before that, when the store answers.

    Raises:
        ConfigurationError: when the address is not available, before anything starts; or when this
            version cannot read what the store has.
        EmbeddedServerError: when the embedded server cannot start.
        ServerFailed: when the web server cannot start.
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
    """The address of the service for a browser on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def free_address(host: str, port: int) -> str:
    """
    Return the IP address of *host*, after checking that no program listens there on *port*.

    The web server itself would not notice one: its workers share the port with any program.

    Raises:
        ConfigurationError: with the reason why the service cannot listen there.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError):
        raise ConfigurationError(f"no such host: {host!r} (--host or ALSOSEE_HOST)") from None
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise ConfigurationError(_refusal(error, host, port)) from error
    return str(address[0])


def _refusal(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use: end the other program, or choose another --port"
    if error.errno == errno.EACCES:
        return f"port {port} needs more rights than this user has: choose a --port from 1024 on"
    return f"cannot listen on {host}, port {port}: {error.strerror} (--host or ALSOSEE_HOST)"


def answers(settings: Settings, path: str) -> bool:
    """Whether the service answers *path* with 200 within a second."""
    address = url_of(settings).removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=1.0)
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
            # With -P: the same modules as in this process, not a folder `api` of the user.
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        self._embedded: EmbeddedLease | None = None
        self._waits_for_store = False
        self._server: subprocess.Popen[bytes] | None = None
        self._answered = False
        self._stop_by: float | None = None
        self._last_problem = ""
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
            self._lease_store()  # the store reads its files while the web server imports
            self._check_formats()
            if self._stop_by is None:
                while_starting()
            while True:
                status = self._wait(on_ready)
                if self._stop_by is not None:
                    # A server that was still starting is killed by SIGTERM.
                    return 0 if status in (0, -signal.SIGTERM) else 1
                if not self._ever_answered:
                    raise ServerFailed(f"the web server could not start (status {status})")
                on_ready = _nothing
                log.error("web server ended, starting it again", status=status)
                self._start()
        finally:
            self._kill()  # after an orderly stop this kills nothing
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
        """Raises ConfigurationError here, because failing workers are started again for ever."""
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
            # A process group of its own: Ctrl-C reaches only this process, which stops the rest.
            process_group=0,
        )
        if self._stop_by is not None:  # a signal came before there was a server to stop
            self._server.terminate()

    def _wait(self, on_ready: Callable[[], None]) -> int:
        """Watch the web server and the store until the server ends; return its exit status."""
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
                self._answered = True
                self._ever_answered = True
                on_ready()
            self._keep_embedded_server()

    def _keep_embedded_server(self) -> None:
        if self._embedded is None:
            return
        problem = ""
        try:
            self._embedded.ensure()
        except EmbeddedServerError as error:  # readers get stale copies until a try works
            problem = str(error)
        if problem and problem != self._last_problem:
            log.error("embedded server is away", reason=problem)
        self._last_problem = problem

    def _stop(self, number: int, _: object) -> None:
        if self._waits_for_store:
            self._waits_for_store = False
            sys.exit(0)  # interrupts the lease; `run` then kills the web server
        if self._stop_by is not None and number == signal.SIGINT:
            self._kill()  # a second Ctrl-C stops without waiting
        if self._stop_by is None:
            self._stop_by = time.monotonic() + STOP_SECONDS
            if self._server is not None:
                self._server.terminate()

    def _reload(self, number: int, frame: object) -> None:
        # A closed terminal sends SIGHUP as well; then the service must stop.
        if self._on_terminal and not os.isatty(sys.stderr.fileno()):
            self._stop(number, frame)
        elif self._server is not None and self._answered:
            self._server.send_signal(signal.SIGHUP)

    def _kill(self) -> None:
        """Kill the web server and its workers; does not wait, because signal handlers call it."""
        if self._server is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._server.pid, signal.SIGKILL)


def _nothing() -> None:
    pass
