"""Make the pictures in the documents: `.venv/bin/python docs/screenshot.py`."""

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

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
STORY = "2026/10/26/first-barge-through-dunmere"
URDU = "2026/10/20/tollerby-ek-maah-baad"
# File → path, width and height of the window, colour scheme, and what of the page.
PICTURES: dict[str, tuple[str, int, int, str, str]] = {
    "box": (STORY, 1200, 1000, "light", ""),
    "box-phone-dark": (STORY, 360, 900, "dark", ".beside"),
    "layouts-light": ("layouts", 1000, 900, "light", ".panel.light"),
    "layouts-dark": ("layouts", 1000, 900, "dark", ".panel.dark"),
    "right-to-left": (URDU, 768, 900, "light", ".beside also-see"),
}
PATIENCE_SECONDS = 30


def main() -> None:
    with sample_newspaper() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        for name, (path, width, height, scheme, part) in PICTURES.items():
            page = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]
            )
            page.goto(f"{url}/{path}", wait_until="networkidle")
            look_at_everything(page)
            shown = page.locator(part) if part else page
            shown.screenshot(path=ROOT / f"docs/{name}.png")
        browser.close()


def look_at_everything(page: Page) -> None:
    """Pictures come when a reader comes near them."""
    for place in range(0, page.evaluate("document.documentElement.scrollHeight"), 500):
        page.evaluate("place => scrollTo(0, place)", place)
        page.wait_for_timeout(100)
    page.wait_for_load_state("networkidle")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(100)


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
