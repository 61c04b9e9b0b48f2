"""`<also-see>` in pages that React, Vue, Svelte and Turbo own: the real ones, from npm."""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from browser_pages import Answer, HostSite, Visit
from playwright.sync_api import Page, expect
from scripted_service import JSON, answers, item, scripted_service

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
NPM = ROOT / ".venv/npm"
FRAMEWORKS = ("react-18", "react-19", "vue", "svelte")
SCRIPT = {"Content-Type": "text/javascript; charset=utf-8"}
# While a test says that the service is slow, the box does not wait two seconds to believe it.
IMPATIENT = """
    window.isSlow = true;
    AbortSignal.timeout = ms => timeoutAfter(isSlow ? 100 : 15 * ms);
"""
PATIENCE_SECONDS = 30


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The applications of tests/npm/apps, as a site would serve them."""
    node = shutil.which("node")
    if node is None or not (NPM / "installed").exists():
        pytest.skip("NO NPM PACKAGES: `make test` installs them where there is an npm")
    folder = tmp_path_factory.mktemp("bundles")
    subprocess.run(
        [node, ROOT / "tests/npm/bundle.mjs", folder],
        env=os.environ | {"NPM": str(NPM)},
        check=True,
    )
    return folder


@pytest.fixture
def service() -> Iterator[HostSite]:
    with scripted_service() as service:
        for story in ("kursk", "sudzha"):
            service.pages[f"/v1/main/articles/{story}/related"] = list_of(story)
        yield service


def list_of(story: str) -> Answer:
    items = (item(n, id=f"{story}-{n}", title=f"{story} {n}") for n in (1, 2, 3))
    return answers(*items, page_token=f"({story})")


@pytest.fixture
def open_app(bundles: Path, service: HostSite, site: HostSite, visit: Visit) -> Callable[..., Page]:
    """A page of an application, with the script of the box."""

    def open_app(app: str, script: str = "") -> Page:
        site.pages[f"/{app}.js"] = (200, SCRIPT, (bundles / f"{app}.js").read_bytes())
        scripts = (
            f'<script async src="{service.url}/widget.js"></script>'
            f'<script defer src="/{app}.js"></script>'
        )
        return visit(site.page('<div id="app"></div>', scripts), script=script)

    return open_app


def titles(story: str) -> list[str]:
    return [f"{story} {number}" for number in (1, 2, 3)]


def show(page: Page, story: str = "") -> None:
    """Go to the page of this story, or to the front page, as a link in the application does."""
    page.wait_for_function("!!window.show")
    page.evaluate("story => show(story)", story)
    expect(page.locator("h1")).to_have_text(story or "Front page")


@pytest.mark.parametrize("app", FRAMEWORKS)
def test_a_box_follows_its_application_from_story_to_story(
    open_app: Callable[..., Page], visit: Visit, app: str
) -> None:
    page = open_app(app)
    box = page.locator("#changes .title")
    expect(box).to_have_text(titles("kursk"))
    show(page, "sudzha")
    expect(box).to_have_text(titles("sudzha"))
    expect(page.locator("#comes-anew .title")).to_have_text(titles("sudzha"))
    show(page)
    expect(page.locator("also-see")).to_have_count(0)
    show(page, "kursk")
    expect(box).to_have_text(titles("kursk"))

    assert [] == visit.complaints


def test_the_react_component_brings_the_box_and_its_events(
    bundles: Path, service: HostSite, site: HostSite, visit: Visit
) -> None:
    site.pages["/component.js"] = (200, SCRIPT, (bundles / "component.js").read_bytes())
    script = '<script defer src="/component.js"></script>'
    address = site.page('<div id="app"></div>', script)
    page = visit(address, script=f"window.service = '{service.url}/';")
    expect(page.locator("also-see .title")).to_have_text(titles("kursk"))
    show(page, "sudzha")
    expect(page.locator("also-see .title")).to_have_text(titles("sudzha"))
    page.locator("also-see .title").nth(1).click()
    page.wait_for_function("told.length == 3")

    assert [["kursk", 3], ["sudzha", 3], ["sudzha", "sudzha-2"]] == page.evaluate("told")
    assert (address, []) == (page.url, visit.complaints)


FAULTS = ["empty", "slow", "not found", "down", "nonsense"]
# React looks at what it has rendered before; the others need not see every fault.
FAULTY = [(app, fault) for app in FRAMEWORKS for fault in FAULTS[: 5 if "react" in app else 2]]


@pytest.mark.parametrize(("app", "fault"), FAULTY)
def test_no_fault_of_the_service_breaks_the_application(
    open_app: Callable[..., Page], service: HostSite, visit: Visit, app: str, fault: str
) -> None:
    """React 18 once threw at the next navigation, because a box had removed itself."""
    test_is_over = threading.Event()

    def slow() -> Answer:
        test_is_over.wait(PATIENCE_SECONDS)
        return list_of("kursk")

    service.pages["/v1/main/articles/kursk/related"] = {
        "not found": (404, JSON, b"{}"),
        "empty": answers(),
        "down": (503, {}, b""),
        "slow": slow,
        "nonsense": (200, JSON, b"null"),
    }[fault]
    page = open_app(app, IMPATIENT if fault == "slow" else "")
    expect(page.locator("also-see[hidden]")).to_have_count(2)
    show(page)
    expect(page.locator("also-see")).to_have_count(0)
    page.evaluate("window.isSlow = false")
    show(page, "sudzha")
    expect(page.locator("#changes .title")).to_have_text(titles("sudzha"))
    page.evaluate("window.isSlow = true")
    show(page, "kursk")
    expect(page.locator("also-see[hidden]")).to_have_count(2)
    show(page)
    errors = [text for text in visit.complaints if "Failed to load resource" not in text]
    test_is_over.set()

    assert [] == [text for text in errors if "CORS policy" not in text]


# Turbo


def turbo_page(site: HostSite, service: HostSite, name: str, body: str) -> None:
    scripts = (
        f'<script async src="{service.url}/widget.js"></script>'
        '<script defer src="/turbo.js"></script>'
        f'<link rel="canonical" href="https://news.example/{name}">'
    )
    address = site.page(f'<h1>{name}</h1><a href="/sudzha">next</a>{body}', scripts)
    site.pages[f"/{name}"] = site.pages.pop(address.removeprefix(site.url))


@pytest.fixture
def turbo(bundles: Path, service: HostSite, site: HostSite, visit: Visit) -> Callable[[str], Page]:
    """Two stories that Turbo goes between; `body` has the name of a story where it says STORY."""

    def turbo(body: str) -> Page:
        site.pages["/turbo.js"] = (200, SCRIPT, (bundles / "turbo.js").read_bytes())
        for name in ("kursk", "sudzha"):
            turbo_page(site, service, name, body.replace("STORY", name))
        page = visit(f"{site.url}/kursk")
        page.wait_for_function("!!window.Turbo")
        return page

    return turbo


def test_turbo_goes_on_and_back(turbo: Callable[[str], Page], visit: Visit) -> None:
    page = turbo('<also-see article="STORY" limit="3"></also-see>')
    expect(page.locator("also-see .title")).to_have_text(titles("kursk"))
    page.evaluate("window.untouched = true")
    page.locator("a", has_text="next").click()
    expect(page.locator("h1")).to_have_text("sudzha")
    expect(page.locator("also-see .title")).to_have_text(titles("sudzha"))
    page.go_back()
    expect(page.locator("h1")).to_have_text("kursk")
    expect(page.locator("also-see .title")).to_have_text(titles("kursk"))

    assert page.evaluate("untouched"), "the page was loaded anew, not by Turbo"
    assert [] == visit.complaints


def test_a_box_that_turbo_keeps_follows_the_canonical_address(
    turbo: Callable[[str], Page], service: HostSite
) -> None:
    def by_address() -> Answer:
        asked = unquote(service.requests[-1][1])
        return list_of("sudzha" if "news.example/sudzha" in asked else "kursk")

    service.pages["/v1/main/related"] = by_address
    page = turbo('<also-see id="kept" data-turbo-permanent limit="3"></also-see>')
    expect(page.locator("also-see .title")).to_have_text(titles("kursk"))
    page.locator("also-see").evaluate("box => box.same = true")
    page.locator("a", has_text="next").click()
    expect(page.locator("also-see .title")).to_have_text(titles("sudzha"))

    assert page.locator("also-see").evaluate("box => box.same")
    asked = [path for _, path, _, _ in service.requests if path.startswith("/v1/main/related")]
    assert not [path for path in asked if "page_token" in path]
