"""`alsosee serve` and `alsosee demo` as real processes: started, killed, healed, stopped."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from news import article

from api.serve import free_address, url_of
from api.wsgi import RELOAD_SECONDS
from recommender.backend import Backend
from recommender.config import Settings
from recommender.errors import ConfigurationError
from recommender.storage.embedded import lease

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="looks for processes in /proc"
)

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 30


class Process(NamedTuple):
    pid: int
    parent: int
    command: str


class Install:
    """A data folder, and every process that belongs to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "var"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def start(self, *arguments: object, **variables: str) -> "Iterator[Running]":
        command = [sys.executable, "-m", "api.cli.main", *map(str, arguments)]
        with subprocess.Popen(
            [*command, "--port", str(self.port)],
            env=os.environ | {"ALSOSEE_DATA_DIR": str(self.folder)} | variables,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def processes(self) -> list[Process]:
        """Those with our data folder in their environment or under their feet; no zombies."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                state, parent = (path / "stat").read_text().rpartition(")")[2].split()[:2]
                environment = (path / "environ").read_bytes()
                # The store writes its title over its environment.
                is_ours = str(self.folder).encode() in environment or (
                    (path / "cwd").readlink() == self.folder
                )
                if is_ours and state != "Z":
                    command = (path / "cmdline").read_text().replace("\0", " ")
                    found.append(Process(int(path.name), int(parent), command))
        return found

    def web_server(self, supervisor: int) -> int:
        return next((p.pid for p in self.processes() if p.parent == supervisor), 0)

    def workers(self, supervisor: int) -> set[int]:
        """Those that answer readers."""
        return self._children_of_server(supervisor) - self.writers(supervisor)

    def writers(self, supervisor: int) -> set[int]:
        """The one that stores articles, which has a lower priority; two during a reload."""
        return {
            pid
            for pid in self._children_of_server(supervisor)
            if niceness(pid) > niceness(supervisor)
        }

    def _children_of_server(self, supervisor: int) -> set[int]:
        server = self.web_server(supervisor)
        return {p.pid for p in self.processes() if p.parent == server}

    def get(self, path: str, key: str = "") -> Any:
        request = urllib.request.Request(self.url + path)
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        with urllib.request.urlopen(request, timeout=10) as response:
            body = response.read()
        return json.loads(body) if "json" in response.headers["Content-Type"] else body.decode()

    def answers(self) -> bool:
        try:
            return bool(self.get("/healthz"))
        except OSError:
            return False

    def put(self, key: str, fields: dict[str, Any]) -> int:
        request = urllib.request.Request(
            f"{self.url}/v1/main/articles/{fields['id']}",
            json.dumps(fields).encode(),
            {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
            method="PUT",
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            return int(response.status)


Running = subprocess.Popen[str]


@pytest.fixture
def install() -> Iterator[Install]:
    with tempfile.TemporaryDirectory(prefix="also", ignore_cleanup_errors=True) as folder:
        install = Install(Path(folder).resolve())
        yield install
        for process in install.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def running(install: Install, *arguments: object, **variables: str) -> Iterator[Running]:
    """Run the command until the block ends, and see that it leaves nothing behind."""
    with install.start(*arguments, **variables) as process:
        wait_for_line(process, install.url)
        yield process
        process.terminate()
        output = process.communicate(timeout=PATIENCE_SECONDS)
        assert (process.returncode, install.processes()) == (0, []), output
        assert all("event" in json.loads(line) for line in output[1].splitlines())


def wait_for_line(process: Running, part: str) -> str:
    assert process.stdout
    for line in process.stdout:
        if part in line:
            return line
    assert process.stderr
    raise AssertionError(process.stderr.read())


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def niceness(pid: int) -> int:
    try:
        return os.getpriority(os.PRIO_PROCESS, pid)
    except ProcessLookupError:
        return 0


def new_key(install: Install) -> str:
    with Backend(Settings(data_dir=install.folder, store_timeout_seconds=5)) as backend:
        return backend.keys.create("main", ["ingest"])


def test_whatever_dies_is_back_and_the_end_leaves_no_process(install: Install) -> None:
    """One start for all of it, because a start takes seconds."""
    with running(install, "serve", "--workers", "2", ALSOSEE_LOG_LEVEL="info") as supervisor:
        assert install.get("/healthz") == {"status": "ok"}
        key = new_key(install)
        assert install.put(key, article("before")) == HTTPStatus.CREATED

        # a worker
        victim = min(install.workers(supervisor.pid))
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(install.workers(supervisor.pid) - {victim}) == 2)
        wait_until(install.answers)

        # the worker that stores articles
        [victim] = install.writers(supervisor.pid)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(install.writers(supervisor.pid) - {victim}) == 1)
        assert install.answers()
        wait_until(lambda: put_works(install, key))

        # the embedded server, and the keeper that would start it again
        pids = [int((install.folder / name).read_text()) for name in ("keeper.lock", "valkey.pid")]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        keeper = install.folder / "keeper.lock"
        wait_until(lambda: keeper.read_text().strip() not in ("", str(pids[0])))
        wait_until(lambda: put_works(install, key))
        wait_until(lambda: lists_work(install))

        # the web server itself
        server = install.web_server(supervisor.pid)
        os.kill(server, signal.SIGKILL)
        wait_until(lambda: server not in [p.pid for p in install.processes()])
        wait_until(lambda: len(install.workers(supervisor.pid)) == 2)
        wait_until(install.answers)


def test_a_worker_that_dies_again_and_again_does_not_end_the_service(install: Install) -> None:
    with running(install, "serve", "--workers", "2") as supervisor:
        server = install.web_server(supervisor.pid)
        for _ in range(5):
            workers = install.workers(supervisor.pid)
            victim = min(workers)
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: len(install.workers(supervisor.pid) - {victim}) == 2)  # noqa: B023
        wait_until(install.answers)

        assert install.web_server(supervisor.pid) == server


def test_an_answer_on_the_event_loop_is_the_one_that_a_thread_gives(install: Install) -> None:
    with running(install, "serve", "--workers", "1"):
        key = new_key(install)
        for name in ("kursk", "sudzha"):
            install.put(key, article(name))
        wait_until(lambda: lists_are_current(install))
        list_url = f"{install.url}/v1/main/articles/kursk/related"
        requests = [
            {"Accept": "application/json"},
            {"Accept": "text/html"},
            {"Accept": "application/json", "Authorization": f"Bearer {key}"},
            {"Accept": "application/json", "If-Match": '"other"'},
        ]
        for headers in requests:
            # The first is made, the second is cached, and the third may come from the event loop.
            made, *repeated = [fetch(list_url, headers) for _ in range(6)]

            assert repeated == [made] * 5


def lists_are_current(install: Install) -> bool:
    return bool(install.get("/v1/main/articles/kursk/related")["items"])


def fetch(url: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """Status, headers without those that say how the answer was made, and body."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=10
        ) as got:
            status, names, body = got.status, got.headers, got.read()
    except urllib.error.HTTPError as error:
        status, names, body = error.code, error.headers, error.read()
    shown = {n.lower(): v for n, v in names.items() if n.lower() not in ("date", "cache-status")}
    shown.pop("age", None)
    return status, shown, body


def put_works(install: Install, key: str) -> bool:
    with unless_unavailable():
        return install.put(key, article("after")) in (HTTPStatus.OK, HTTPStatus.CREATED)
    return False


def lists_work(install: Install) -> bool:
    with unless_unavailable():
        items = install.get("/v1/main/articles/after/related")["items"]
        assert [item["id"] for item in items] == ["before"]
        return True
    return False


@contextlib.contextmanager
def unless_unavailable() -> Iterator[None]:
    """Forgive a 503: this worker has not heard yet that the store is back."""
    try:
        yield
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
            raise


def test_neither_a_reload_nor_the_end_fails_a_request(install: Install) -> None:
    with running(install, "serve", "--workers", "1") as supervisor:
        key = new_key(install)
        before = install.workers(supervisor.pid)
        with half_an_upload(install, key) as finish:
            supervisor.send_signal(signal.SIGHUP)
            wait_until(lambda: len(install.workers(supervisor.pid)) == 2)
            told_to_go = time.monotonic() + RELOAD_SECONDS + 0.5
            answered = 0
            while time.monotonic() < told_to_go:
                ask_again_if_unread(install)
                answered += 1

            assert before < install.workers(supervisor.pid)
            assert finish() == ["added", "added"]
        wait_until(lambda: not before & install.workers(supervisor.pid))

        assert answered > 0
        wait_until(lambda: len(install.workers(supervisor.pid)) == 1)
        with half_an_upload(install, key) as finish:
            supervisor.terminate()
            time.sleep(0.5)

            assert finish() == ["unchanged", "unchanged"]


def ask_again_if_unread(install: Install) -> None:
    """
    Ask like every client: a GET whose connection is closed without a byte may be asked again.

    (RFC 9110, 9.2.2.) The web server closes what it has accepted and not read from when a worker
    goes (https://github.com/hyperium/hyper/issues/3792).
    """
    try:
        install.get("/healthz")
    except ConnectionResetError:  # of which http.client.RemoteDisconnected is one
        install.get("/healthz")


@contextlib.contextmanager
def half_an_upload(install: Install, key: str) -> Iterator[Callable[[], list[str]]]:
    """Send a part of a request; to call what is given sends the rest, and says what came of it."""
    lines = f"{json.dumps(article('first'))}\n{json.dumps(article('last'))}\n".encode()
    head = (
        "POST /v1/main/articles HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: {len(lines)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", install.port), PATIENCE_SECONDS) as client:
        client.sendall(head.encode() + lines[:50])
        time.sleep(0.3)

        def finish() -> list[str]:
            client.sendall(lines[50:])
            answer = b"".join(iter(lambda: client.recv(4096), b""))
            assert answer.startswith(b"HTTP/1.1 200")
            return re.findall(r'"status":"(\w+)"', answer.decode())

        yield finish


def test_nothing_outlives_a_killed_supervisor(install: Install) -> None:
    with install.start("serve") as supervisor:
        wait_for_line(supervisor, install.url)
        assert len(install.processes()) == 8  # three workers, and the keeper with two servers
        supervisor.kill()
        supervisor.wait()
        wait_until(lambda: not install.processes())


def test_a_stop_while_starting_leaves_nothing(install: Install) -> None:
    with install.start("serve") as supervisor:
        wait_until(lambda: "api.wsgi" in str(install.processes()))
        supervisor.terminate()

        assert supervisor.wait(PATIENCE_SECONDS) == 0
        wait_until(lambda: install.processes() == [])  # the keeper takes a moment


def test_a_stop_while_the_store_reads_a_long_file_leaves_nothing(install: Install) -> None:
    with lease(install.folder):
        pass
    [file] = install.folder.glob("appendonlydir/*.incr.aof")
    with file.open("ab") as log:  # takes some seconds
        log.write(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n" * 5_000_000)
    with install.start("serve") as supervisor:
        wait_until(lambda: "valkey-server" in str(install.processes()))
        supervisor.terminate()

        assert supervisor.wait(PATIENCE_SECONDS) == 0
        wait_until(lambda: install.processes() == [])  # the keeper takes a moment


def test_what_only_evaluations_need_is_not_imported_to_serve() -> None:
    script = (
        "import sys, api.wsgi; from recommender.pipeline.warm import warm; warm(); "
        "print({'scipy.linalg', 'scipy.sparse', 'sklearn', 'pandas'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert "set()\n" == done.stdout


def test_a_port_in_use_is_one_sentence_before_anything_starts(install: Install) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = install.port = taken.getsockname()[1]
        with install.start("serve") as supervisor:
            output, errors = supervisor.communicate(timeout=PATIENCE_SECONDS)

    assert (supervisor.returncode, output) == (1, "")
    assert errors == (
        f"Error: port {port} of 127.0.0.1 is in use: end the other program, or choose another "
        "--port\n"
    )
    assert not install.folder.exists()


def test_a_host_that_is_not_ours_is_named() -> None:
    with pytest.raises(ConfigurationError, match=re.escape("cannot listen on 192.0.2.1, port 80")):
        free_address("192.0.2.1", 8099)
    with pytest.raises(ConfigurationError, match=re.escape("no such host: 'no.such.invalid'")):
        free_address("no.such.invalid", 8000)
    assert free_address("localhost", free_port()) in ("127.0.0.1", "::1")


def test_the_url_is_one_that_a_browser_here_can_open() -> None:
    def url(host: str) -> str:
        return url_of(Settings(host=host, port=8000))

    assert url("127.0.0.1") == url("0.0.0.0") == "http://127.0.0.1:8000"
    assert url("::") == url("::1") == "http://[::1]:8000"


def test_the_demo_shows_a_newspaper_and_keeps_what_is_added(install: Install) -> None:
    with running(install, "demo") as demo:
        key = wait_for_line(demo, "Its key").split()[-1]
        home = install.get("/")
        story = re.search(r'href="(/2026/[^"]+)"', home)
        assert story is not None
        assert "Also See" in install.get(story[1])
        assert install.put(key, article("mine")) == HTTPStatus.CREATED
        demo.send_signal(signal.SIGINT)
        assert demo.wait(PATIENCE_SECONDS) == 0
        assert install.processes() == []

    install.port = free_port()
    install.url = f"http://127.0.0.1:{install.port}"
    with running(install, "demo") as demo:
        lines = [wait_for_line(demo, part) for part in ("as JSON", "Its key")]
        url = lines[0].split("'")[1]
        with urllib.request.urlopen(url) as response:
            first = json.load(response)["items"][0]

        assert install.get("/v1/main/recent?limit=50&lang=any")["version"] == 161  # 81 + 80 moved
        assert install.get("/v1/main/articles/mine/related")["source"]["id"] == "mine"
        assert first["url"].startswith(f"{install.url}/2026/")
        assert first["image"]["url"].startswith(f"{install.url}/static/sample/")
        new_key = lines[1].split()[-1]
        imports = install.get("/v1/main/overview", new_key)["imports"]
        assert new_key != key
        assert [(0, 80), (80, 0)] == [(one["added"], one["changed"]) for one in imports]
        assert put_is_refused(install, key)


def put_is_refused(install: Install, key: str) -> bool:
    try:
        install.put(key, article("refused"))
    except urllib.error.HTTPError as error:
        return error.code == HTTPStatus.UNAUTHORIZED
    return False
