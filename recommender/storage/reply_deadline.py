"""A deadline for a whole reply: a socket's own timeout starts again with every byte that comes."""

import socket
import time
from typing import Any

# A reply may take so many times the timeout of the socket.
TIMEOUTS_PER_REPLY = 2


class _DeadlineSocket:
    """A socket whose `recv` fails when the reply to the last `sendall` takes too long."""

    def __init__(self, connected: socket.socket, reply_seconds: float) -> None:
        self._socket = connected
        self._reply_seconds = reply_seconds
        self._deadline = time.monotonic() + reply_seconds

    def sendall(self, data: bytes) -> None:
        self._deadline = time.monotonic() + self._reply_seconds
        self._socket.sendall(data)

    def recv(self, size: int, flags: int = 0) -> bytes:
        # Without a timeout, redis-py only looks whether the server has closed the connection.
        if time.monotonic() > self._deadline and self._socket.gettimeout():
            raise TimeoutError("the reply takes too long")
        return self._socket.recv(size, flags)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


def with_reply_deadline(connection_class: type[Any]) -> type[Any]:
    """The same class of redis-py connections, with a deadline for each reply."""

    class DeadlineConnection(connection_class):  # type: ignore[misc]
        def _connect(self) -> _DeadlineSocket:
            reply_seconds = TIMEOUTS_PER_REPLY * self.socket_timeout
            return _DeadlineSocket(super()._connect(), reply_seconds)

    return DeadlineConnection
