"""The documentation as a site, in a real browser."""

import functools
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

DOCS = Path(__file__).parents[2] / "docs"
# A page of prose, one with wide tables, one with many examples, one with pictures.
PAGES = ["index", "tutorial", "LIST-OPTIONS", "http-operations", "EDITOR"]
SCREENS = [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing: a test that passes prints nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "sphinx", "-q", str(DOCS), str(folder)]
    subprocess.run(command, check=True, timeout=120)
    handler = functools.partial(QuietHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=SCREENS, ids=[f"{width}-{scheme}" for width, scheme in SCREENS])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    yield context.new_page()
    context.close()


def test_every_kind_of_page_is_accessible_and_fits(site: str, page: Page) -> None:
    problems = []
    for name in PAGES:
        page.goto(f"{site}/{name}.html")
        expect(page.locator("h1").first).to_be_visible()
        found = Axe().run(page).response["violations"]
        problems += [(name, one["id"], one["nodes"][0]["html"][:150]) for one in found]
        too_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        problems += [(name, "wider than the screen", "")] * page.evaluate(too_wide)

    assert [] == problems, "\n".join(map(str, problems))


def test_every_page_is_three_clicks_from_the_first(site: str, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{site}/index.html")
    links = "links => links.map(link => link.href.split('#')[0])"
    linked = set(page.locator("nav a, .sidebar-tree a").evaluate_all(links))
    names = {str(file.relative_to(DOCS).with_suffix("")) for file in DOCS.glob("**/*.md")}
    missing = {
        name for name in names if f"{site}/{name}.html" not in linked and "_build" not in name
    }
    page.close()

    assert missing <= {"index"}


def test_the_search_finds_a_setting(site: str, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{site}/search.html?q=ALSOSEE_SITES")

    expect(page.locator("#search-results a").first).to_be_visible()
    expect(page.locator("#search-results")).to_contain_text("Server settings")
    page.close()
