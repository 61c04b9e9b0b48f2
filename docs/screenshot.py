"""Make docs/box.png, the picture in README.md: `.venv/bin/python docs/screenshot.py`."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
STORY = "2026/10/26/first-barge-through-dunmere"
SIZE = {"width": 1200, "height": 1000}
PATIENCE_SECONDS = 30


def main() -> None:
    with sample_newspaper() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(f"{url}/{STORY}", wait_until="networkidle")
        page.screenshot(path=ROOT / "docs/box.png")
        browser.close()


@contextmanager
def sample_newspaper() -> Iterator[str]:
    """The address of `alsosee demo`, on a free port and with an archive of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    foreign = {k: v for k, v in os.environ.items() if not k.startswith("ALSOSEE_")}
    with tempfile.TemporaryDirectory(prefix="alsosee-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "demo", "--port", url.rpartition(":")[2]],
            cwd=ROOT,
            env=foreign | {"ALSOSEE_DATA_DIR": folder},
            stdout=subprocess.DEVNULL,
        )
        try:
            wait_for(f"{url}/{STORY}")
            yield url
        finally:
            process.terminate()
            process.wait()


def wait_for(page: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            urllib.request.urlopen(page).close()  # noqa: S310  # our own server
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    main()
