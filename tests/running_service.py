"""A service as `alsosee serve` runs it, with the clients of long tests."""

import contextlib
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple, Self

import orjson
import redis
from news import article

from recommender.backend import Backend
from recommender.config import Settings

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 60.0
LIST = "/v1/main/articles/a0/related"

# Keeps a figure of a promise for the evidence page.
Record = Callable[[int, str], None]


class Reply(NamedTuple):
    """One answer; status 0 means none."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


class Service:
    def __init__(
        self,
        folder: Path,
        port: int,
        process: "subprocess.Popen[bytes]",
        redis_url: str | None = None,
    ) -> None:
        self.folder = folder
        self.port = port
        self.process = process
        self._settings = Settings(
            data_dir=folder / "var", redis_url=redis_url, store_timeout_seconds=5
        )
        self._keeper = _parent(self.store_pid()) if self._has_own_store() else None
        with self.backend() as backend:
            self.key = backend.keys.create("main", ["ingest", "edit"])

    @classmethod
    @contextlib.contextmanager
    def started(cls, folder: Path, workers: int = 2, **variables: str) -> Iterator[Self]:
        port = free_port()
        environment = os.environ | {
            "ALSOSEE_DATA_DIR": str(folder / "var"),
            "ALSOSEE_PORT": str(port),
            "ALSOSEE_WORKERS": str(workers),
            "ALSOSEE_LOG_LEVEL": "error",
        }
        with subprocess.Popen(
            [sys.executable, "-m", "api.cli.main", "serve"],
            env=environment | variables,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                wait_until(lambda: ask(port, "/healthz").status == 200)
                yield cls(folder, port, process, variables.get("ALSOSEE_REDIS_URL"))
            finally:
                process.terminate()
                process.wait(PATIENCE_SECONDS)

    def backend(self) -> Backend:
        return Backend(self._settings)

    def put_archive(self, articles: int) -> None:
        lines = b"\n".join(orjson.dumps(made_up(n)) for n in range(articles))
        reply = self.send("POST", "/v1/main/articles", lines)
        assert reply.status == 200, reply
        wait_until(self._shows_a_change_at_once, pause=0.5)

    def _shows_a_change_at_once(self) -> bool:
        """Not for some seconds after an import: then lists may be a second old."""
        self.get_often(LIST, 32)  # so that every worker has the list of before
        changed = made_up(0) | {"title": f"Title {random.random()}"}
        version = orjson.loads(self.put(changed).body).get("version")
        replies = self.get_often(LIST, 16)
        versions = {orjson.loads(one.body).get("version") for one in replies if one.status == 200}
        return versions == {version}

    def get(self, path: str, timeout: float = 10.0) -> Reply:
        return ask(self.port, path, timeout=timeout)

    def put(self, fields: dict[str, Any], timeout: float = 10.0) -> Reply:
        path = f"/v1/main/articles/{fields['id']}"
        return self.send("PUT", path, orjson.dumps(fields), timeout)

    def send(self, method: str, path: str, body: bytes = b"", timeout: float = 60.0) -> Reply:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        return ask(self.port, path, method, body, headers, timeout)

    def _has_own_store(self) -> bool:
        return (self.folder / "var" / "valkey.pid").exists()

    def store_pid(self) -> int:
        return int((self.folder / "var" / "valkey.pid").read_text())

    def store(self) -> "redis.Redis":
        with self.backend() as backend:
            url, _ = backend._server_urls()
        return redis.Redis.from_url(url)

    def workers(self) -> list[int]:
        """Those that answer readers; the one that stores articles has a lower priority."""
        usual = _niceness(self.process.pid)
        return [pid for pid in self._children_of_server() if _niceness(pid) == usual]

    def _children_of_server(self) -> list[int]:
        web_server = _children(self.process.pid)
        return [child for parent in web_server for child in _children(parent)]

    def show_to_all_workers(self, *paths: str) -> None:
        """Let each worker make and show these lists, so that it has copies for an outage."""
        for path in paths:
            # `offset=0` is in no cache: to make it, a worker reads the whole archive.
            for asked in (f"{path}?offset=0", path):
                replies = self.get_often(asked, 32)  # the kernel spreads them over the workers
                assert {reply.status for reply in replies} == {200}

    def get_often(self, path: str, times: int, clients: int = 8) -> list[Reply]:
        """Ask so often, with so many clients at the same time."""
        with ThreadPoolExecutor(clients) as pool:
            return list(pool.map(self.get, itertools.repeat(path, times)))

    def kill_everything(self) -> None:
        """End all processes at once, the store and its keeper too, as a power cut does."""
        ours = [self.process.pid, *_descendants(self.process.pid)]
        if self._keeper is not None:
            os.kill(self._keeper, signal.SIGSTOP)  # or it would start another server meanwhile
            ours += [self._keeper, *_descendants(self._keeper)]
        for pid in ours:
            kill(pid)
        self.process.wait(PATIENCE_SECONDS)

    def usage(self) -> int:
        """The threads and open files of all workers."""
        folders = [Path(f"/proc/{pid}/{kind}") for pid in self.workers() for kind in ("task", "fd")]
        return sum(len(list(folder.iterdir())) for folder in folders)

    def memory_bytes(self) -> int:
        """The resident memory of all workers."""
        return sum(_resident(pid) for pid in self.workers())


def made_up(number: int) -> dict[str, Any]:
    """An article of 150 words that few others have, as in an archive of different stories."""
    chance = random.Random(number)
    words = [f"word{int(chance.paretovariate(0.5)) % 5_000}" for _ in range(150)]
    return article(f"a{number}", title=" ".join(words[:6]), body=" ".join(words))


def ask(
    port: int,
    path: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    timeout: float = 10.0,
) -> Reply:
    """Ask once, on a connection of its own."""
    started = time.monotonic()
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body or None, headers or {})
        response = connection.getresponse()
        content = response.read()
        return Reply(
            response.status, dict(response.getheaders()), content, time.monotonic() - started
        )
    except (OSError, HTTPException):
        return Reply(0, {}, b"", time.monotonic() - started)
    finally:
        connection.close()


def read_for(
    service: Service, seconds: float, path: str = LIST
) -> tuple[list[float], Counter[int]]:
    """One reader without pause: how long each answer took, and the statuses."""
    times: list[float] = []
    statuses: Counter[int] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        reply = service.get(path)
        times.append(reply.seconds)
        statuses[reply.status] += 1
    return times, statuses


@contextlib.contextmanager
def beside(work: Callable[[threading.Event], None], threads: int = 1) -> Iterator[None]:
    """Run *work* in threads until the block ends."""
    stop = threading.Event()
    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(work, stop) for _ in range(threads)]
        try:
            yield
        finally:
            stop.set()
        for future in running:
            future.result(60)


def half_sent(port: int, path: str) -> socket.socket:
    """A connection whose POST announces 1,000 bytes and has sent three."""
    client = socket.create_connection(("127.0.0.1", port), 10)
    client.sendall(f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc".encode())
    return client


def percentile(seconds: Sequence[float], share: float) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))]


def wait_until(holds: Any, seconds: float = PATIENCE_SECONDS, pause: float = 0.05) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(pause)


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _niceness(pid: int) -> int | None:
    with contextlib.suppress(ProcessLookupError):
        return os.getpriority(os.PRIO_PROCESS, pid)
    return None


def _children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def _descendants(pid: int) -> list[int]:
    return [one for child in _children(pid) for one in (child, *_descendants(child))]


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return 1024 * int(line.split()[1])
    return 0
