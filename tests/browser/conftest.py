"""The sample newspaper as a reader meets it: `alsosee demo` behind a real Chromium."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from browser_pages import HostSite, Visit, host_site
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

ROOT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
FOREIGN_VARIABLES = {k: v for k, v in os.environ.items() if not k.startswith("ALSOSEE_")}
PATIENCE_SECONDS = 60
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("NO CHROMIUM: install Debian's package, or set CHROMIUM=/path/to/it")
    with sync_playwright() as playwright:
        quiet = ["background-networking", "component-update", "sync", "gpu"]
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", *(f"--disable-{part}" for part in quiet)],
        )
        yield browser
        browser.close()


class Newspaper(NamedTuple):
    """A running `alsosee demo`: its address, and the key of its editor."""

    url: str
    key: str


@pytest.fixture(scope="session")
def newsroom(browser: Browser) -> Iterator[Newspaper]:
    """`alsosee demo`, once its last story is there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="alsosee-test-") as folder:
        # Beside a browser that starts, the store may be slow, and is not away.
        variables = {"ALSOSEE_WORKERS": "1", "ALSOSEE_STORE_TIMEOUT_SECONDS": "5"}
        variables["ALSOSEE_DATA_DIR"] = folder
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli.main", "demo", "--port", port],
            cwd=ROOT,
            env=FOREIGN_VARIABLES | variables,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            welcome = wait_until_welcome(process)
            yield Newspaper(url, welcome.partition("Its key")[2].split()[0])
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE_SECONDS)


@pytest.fixture(scope="session")
def newspaper(newsroom: Newspaper) -> str:
    return newsroom.url


@pytest.fixture
def site() -> Iterator[HostSite]:
    """A newspaper's own site, at another origin than any service."""
    with host_site() as site:
        yield site


@pytest.fixture(scope="session")
def contexts() -> dict[str, BrowserContext]:
    """What `visit` has open, for all tests; nothing here keeps anything in a browser."""
    return {}


@pytest.fixture
def visit(browser: Browser, contexts: dict[str, BrowserContext]) -> Iterator[Visit]:
    visit = Visit(browser, contexts)
    yield visit
    visit.close()


def wait_until_welcome(process: "subprocess.Popen[str]") -> str:
    """What it says once it serves."""
    deadline, said = time.monotonic() + PATIENCE_SECONDS, ""
    assert process.stdout is not None
    for line in process.stdout:  # ends when the process does
        said += line
        if "Ctrl-C" in line:
            return said
        assert time.monotonic() < deadline
    pytest.fail(f"alsosee demo ended with status {process.wait()}")
