"""Outages of a server: it is stopped or killed, or the network in front of it fails."""

import asyncio
import os
import signal
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal, Self

import pytest
import redis

from recommender.storage.connections import READ_SECONDS

Fault = Literal["none", "blackhole", "drip", "slow", "reset", "refuse"]

DRIP_SECONDS = 0.03
SLOW_SECONDS = 0.2  # twice the time for which a reader waits for the store

# For tests of outages: with the short timeouts of production, such a test is quick.
hurried = pytest.mark.parametrize("patience", [READ_SECONDS], ids=["hurried"])


def server_pid(url: str) -> int:
    with redis.Redis.from_url(url) as client:
        return int(client.info("server")["process_id"])


@contextmanager
def stopped(url: str) -> Iterator[None]:
    """Halt the server (SIGSTOP): it accepts connections and answers nothing."""
    pid = server_pid(url)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


class FaultProxy:
    """
    A TCP port in front of a server's unix socket. Use it in a `with` block; set `fault` any time.

    Attributes:
        fault: `blackhole` forwards nothing, `drip` answers byte by byte, `slow` answers late,
            `reset` breaks connections, `refuse` accepts no new ones and breaks the old ones.
        swallow: a request with these bytes turns its connection into a black hole.
        lose: the next request with these bytes is carried out, and its answer is lost.
        url: for clients.
        accepted: the number of connections.
        dripped: the bytes that were sent one by one.
    """

    def __init__(self, upstream_url: str) -> None:
        self._upstream = upstream_url.removeprefix("unix://")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._address = self._listener.getsockname()
        self._fault: Fault = "none"
        self.swallow: bytes | None = None
        self.lose: bytes | None = None
        self.url = f"redis://127.0.0.1:{self._address[1]}"
        self.accepted = 0
        self.dripped: list[bytes] = []

    @property
    def fault(self) -> Fault:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        self._call(self._change(fault))

    def send_to(self, upstream_url: str) -> None:
        """Connect to another server from now on, as after a fail-over."""
        self._upstream = upstream_url.removeprefix("unix://")

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, coroutine) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(5)

    async def _change(self, fault: Fault) -> None:
        before = self._fault
        self._fault = fault
        if fault == "refuse" and before != "refuse":
            await self._close()
        elif before == "refuse" and fault != "refuse":
            self._listener = socket.create_server(self._address)
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, sock=self._listener)

    async def _close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.accepted += 1
        upstream = None
        lost = asyncio.Event()
        try:
            from_server, upstream = await asyncio.open_unix_connection(self._upstream)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._requests(reader, upstream, lost))
                pumps.create_task(self._answers(from_server, writer, lost))
        except (OSError, ExceptionGroup, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            self._break(writer)
            if upstream is not None:
                upstream.transport.abort()

    async def _requests(
        self, client: asyncio.StreamReader, server: asyncio.StreamWriter, lost: asyncio.Event
    ) -> None:
        while data := await client.read(65_536):
            await self._apply_fault()
            if self.swallow and self.swallow in data:
                await asyncio.Event().wait()
            if self.lose and self.lose in data:
                self.lose = None
                lost.set()
            server.write(data)
            await server.drain()
        raise ConnectionResetError

    async def _answers(
        self, server: asyncio.StreamReader, client: asyncio.StreamWriter, lost: asyncio.Event
    ) -> None:
        while data := await server.read(65_536):
            await self._apply_fault()
            if lost.is_set():
                break
            if self.fault == "slow":
                await asyncio.sleep(SLOW_SECONDS)
            step = 1 if self.fault == "drip" else len(data)
            for start in range(0, len(data), step):
                client.write(data[start : start + step])
                await client.drain()
                if self.fault == "drip":
                    self.dripped.append(data[start : start + 1])
                    await asyncio.sleep(DRIP_SECONDS)
        raise ConnectionResetError

    async def _apply_fault(self) -> None:
        if self.fault == "reset":
            raise ConnectionResetError
        if self.fault == "blackhole":
            await asyncio.Event().wait()

    @staticmethod
    def _break(writer: asyncio.StreamWriter) -> None:
        """End a connection with a reset instead of an orderly close."""
        peer = writer.get_extra_info("socket")
        with suppress(OSError):  # the client may have closed it in the meantime
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
