"""A private server in a folder of its own, to try whether it can read files."""

import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from recommender.storage.append_only import Arities
from recommender.storage.connections import Connection
from recommender.storage.embedded import (
    STORE_OPTIONS,
    EmbeddedServerError,
    is_ready,
    request,
    server_binary,
)

LOG = "trial.log"
PATIENT_SECONDS = 5.0  # for one read: counting a large hash takes longer than what readers ask for
_POLL_SECONDS = 0.01
_OPTIONS = {
    "auto-aof-rewrite-percentage": "0",  # it changes nothing
    "sanitize-dump-payload": "yes",  # a value that would crash the service crashes this server
    "logfile": LOG,
}


class CannotLoad(Exception):
    """The server does not start from these files; the text is the last line of its log."""


@contextmanager
def trial_server(folder: Path, options: Mapping[str, str] | None = None) -> Iterator[Connection]:
    """
    Start a server on the files in *folder* and connect to it.

    Raises:
        CannotLoad: when it cannot read them.
    """
    with tempfile.TemporaryDirectory(prefix="alsosee") as sockets:  # a short path
        socket = Path(sockets) / "s"
        words = [str(server_binary())]
        for name, value in (STORE_OPTIONS | _OPTIONS | dict(options or {})).items():
            words += [f"--{name}", str(socket) if name == "unixsocket" else value]
        server = subprocess.Popen(
            words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        try:
            _wait(server, socket, folder / LOG)
            connection = Connection(f"unix://{socket}", read_seconds=PATIENT_SECONDS)
            try:
                yield connection
            finally:
                connection.close()
        finally:
            server.kill()  # nothing was written that anybody needs
            server.wait()


def command_arities(folder: Path) -> Arities:
    """How many words each command has, by its name in lower case."""
    with trial_server(folder, {"appendonly": "no"}) as connection:
        return arities_of(connection)


def arities_of(connection: Connection) -> Arities:
    """What the server at this connection knows of commands."""
    with connection.using("batch") as client:
        commands = client.command()
    return {name.encode(): details["arity"] for name, details in commands.items()}


def _wait(server: "subprocess.Popen[bytes]", socket: Path, log: Path) -> None:
    while not is_ready(request(socket, b"PING")):
        if server.poll() is not None:
            raise CannotLoad(_last_line(log))
        time.sleep(_POLL_SECONDS)


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError as error:
        raise EmbeddedServerError(f"The server does not start: {error}") from error
    return lines[-1] if lines else "it ended without a word"
