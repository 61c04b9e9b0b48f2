"""Make the pictures in the documents: `.venv/bin/python docs/screenshot.py`."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
STORY = "2026/10/26/first-barge-through-dunmere"
URDU = "2026/10/20/tollerby-ek-maah-baad"
GATES = "2026/02/10/lock-gates-fail-inspection"
# File → path, width and height of the window, colour scheme, and what of the page.
PICTURES: dict[str, tuple[str, int, int, str, str]] = {
    "box": (STORY, 1200, 1000, "light", ""),
    "box-phone-dark": (STORY, 360, 900, "dark", ".beside"),
    "layouts-light": ("layouts", 1000, 900, "light", ".panel.light"),
    "layouts-dark": ("layouts", 1000, 900, "dark", ".panel.dark"),
    "right-to-left": (URDU, 768, 900, "light", ".beside also-see"),
}
# The editor's desk: page → path, and what is done there before the picture.
DESK: dict[str, str] = {
    "articles": "?q=dunmere",
    "article": f"article?id={GATES}",
    "pair": f"pair?id={GATES}&target={STORY}",
    "draft": "draft",
    "settings": f"settings?compare=article&article={GATES}&b.mode=background&b.diversity=0.4",
    "overview": "overview",
    "changes": "changes",
}
VIEWS: dict[str, tuple[int, int, str]] = {
    "light": (1280, 860, "light"),
    "dark": (1280, 860, "dark"),
    "phone": (360, 740, "light"),
}
DRAFT = (
    "New oak gates for the Dunmere lock",
    "The Waterways Board will hang new oak gates at the Dunmere lock before the winter.\n\n"
    "Barges have waited at Tollerby since the flood of October, and the River Orle is still high.",
)


def main() -> None:
    with sample_newspaper() as (url, key), sync_playwright() as playwright:
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
        for view, (width, height, scheme) in VIEWS.items():
            page = browser.new_page(
                base_url=f"{url}/editor/main/",
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]
            )
            sit_down(page, key)
            for name, path in DESK.items():
                page.goto(path, wait_until="networkidle")
                if name == "draft":
                    write(page)
                page.screenshot(path=ROOT / f"docs/desk/{name}-{view}.png")
        browser.close()


def sit_down(page: Page, key: str) -> None:
    """Sign in, and have something to show: a pin, a block with a note, and a survey."""
    page.goto(f"article?id={GATES}")
    page.get_by_label("Your key").fill(key)
    page.get_by_label("Your name").fill("Ana Costa")
    page.get_by_role("button", name="Sign in").click()
    if not page.locator(".rules").count():
        page.locator(".candidate").nth(3).drag_to(page.locator(".candidate").nth(1))
        page.wait_for_load_state("networkidle")
        page.locator(".candidate").nth(6).get_by_text("More").click()
        page.locator(".candidate").nth(6).get_by_label("Note").fill("another lock, another river")
        page.locator(".candidate").nth(6).get_by_role("button", name="Block here").click()
        page.wait_for_load_state("networkidle")
    page.goto("overview")
    if page.get_by_text("There is no survey yet").count():
        page.get_by_role("button", name="Survey now").click()
        page.wait_for_timeout(3000)


def write(page: Page) -> None:
    title, body = DRAFT
    page.get_by_label("Title").fill(title)
    page.get_by_label("Text, plain or HTML").fill(body)
    page.get_by_role("button", name="Show list and links").click()
    page.wait_for_load_state("networkidle")


def look_at_everything(page: Page) -> None:
    """Pictures come when a reader comes near them."""
    for place in range(0, page.evaluate("document.documentElement.scrollHeight"), 500):
        page.evaluate("place => scrollTo(0, place)", place)
        page.wait_for_timeout(100)
    page.wait_for_load_state("networkidle")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(100)


@contextmanager
def sample_newspaper() -> Iterator[tuple[str, str]]:
    """Address and key of `alsosee demo`, on a free port and with an archive of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    foreign = {k: v for k, v in os.environ.items() if not k.startswith("ALSOSEE_")}
    with tempfile.TemporaryDirectory(prefix="alsosee-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli.main", "demo", "--port", url.rpartition(":")[2]],
            cwd=ROOT,
            env=foreign | {"ALSOSEE_DATA_DIR": folder},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None  # noqa: S101  # it is a pipe
            said = "".join(iter(process.stdout.readline, "  Ctrl-C stops it.\n"))
            yield url, said.partition("Its key")[2].split()[0]
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
