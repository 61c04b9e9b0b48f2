"""`<also-see>` in Firefox and in WebKit: every layout, the faults, applications, accessibility."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.resources import files
from typing import Any

import orjson
import pytest
from browser_pages import HostSite, host_site, until
from other_browsers import OtherBrowser, firefox, webkit
from scripted_service import BROKEN, JSON, OPEN, answers, item, scripted_service

from api.lists.words import box_words
from api.site.widget import script

pytestmark = pytest.mark.browser

LIMITS = {"sidebar": 5, "list": 5, "grid": 4, "inline": 1}
BOXES = "".join(
    f'<div><also-see list="first-{limit}" layout="{layout}"></also-see></div>'
    for layout, limit in LIMITS.items()
)
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
# A box waits for two seconds; beside other tests a service may take longer, and is not slow.
PATIENCE = """<script>
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    AbortSignal.timeout = ms => timeout(15 * ms);
</script>"""
WATCH = """<script>
    window.heights = {};
    (function look() {
        for (const box of document.querySelectorAll("also-see:defined"))
            (heights[box.getAttribute("layout")] ??= new Set()).add(box.offsetHeight);
        requestAnimationFrame(look);
    })();
</script>"""
TITLES = """
    return [...document.querySelectorAll("also-see")].map(({ shadowRoot }) =>
        [...shadowRoot?.querySelectorAll(".title") ?? []].map(title => title.textContent));
"""


@pytest.fixture(scope="module", params=[firefox, webkit], ids=["Firefox", "WebKit"])
def browser(request: pytest.FixtureRequest) -> Iterator[OtherBrowser]:
    with ExitStack() as stack:
        try:
            browser = stack.enter_context(request.param())
        except (AssertionError, OSError) as problem:
            pytest.skip(f"THIS BROWSER DOES NOT START HERE: {problem}")
        yield browser


@pytest.fixture(scope="module")
def service() -> Iterator[HostSite]:
    with scripted_service() as service:
        javascript = {**OPEN, "Content-Type": "text/javascript"}
        service.pages["/widget-extras.js"] = (200, javascript, script("widget-extras").content)
        words = orjson.dumps(box_words("de-AT")._asdict())
        service.pages["/widget/words/de-AT.json"] = (200, JSON, words)
        picture = {"url": f"{service.url}/picture.svg", "alt": "A flag", "width": 3, "height": 2}
        svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 3 2"/>'
        service.pages["/picture.svg"] = (200, {"Content-Type": "image/svg+xml"}, svg)
        for story in ("kursk", "sudzha"):
            items = [
                item(n, id=f"{story} {n}", title=f"{story} {n}", image=picture) for n in range(1, 6)
            ]
            for path in (f"articles/{story}/related", story):
                service.pages[f"/v1/main/{path}"] = answers(*items)
        for limit in LIMITS.values():
            service.pages[f"/v1/main/first-{limit}"] = answers(*items[:limit])
        yield service


@pytest.fixture(scope="module")
def site() -> Iterator[HostSite]:
    with host_site() as site:
        yield site


@pytest.fixture
def open_page(browser: OtherBrowser, service: HostSite, site: HostSite) -> Callable[..., None]:
    def open_page(body: str, lang: str = "en", head: str = "") -> None:
        scripts = f'{PATIENCE}{head}<script async src="{service.url}/widget.js"></script>'
        browser.open(site.page(f"<main><h1>A story</h1>{body}</main>", scripts, lang=lang))

    return open_page


def shown(browser: OtherBrowser, *expected: list[str]) -> None:
    until(lambda: browser.run(TITLES) == list(expected))


def stories(story: str, count: int = 5) -> list[str]:
    return [f"{story} {number}" for number in range(1, count + 1)]


def test_every_layout_takes_its_room_and_fills_it(
    browser: OtherBrowser, open_page: Callable[..., None]
) -> None:
    open_page(BOXES, head=WATCH)
    shown(browser, *(stories("sudzha", limit) for limit in LIMITS.values()))
    heights = browser.run(
        "return Object.entries(heights).map(([layout, { size }]) => [layout, size])"
    )
    pictures = browser.run("""
        return [...document.querySelectorAll("also-see")].map(({ shadowRoot }) =>
            shadowRoot.querySelectorAll("img").length);
    """)

    assert dict.fromkeys(LIMITS, 1) == dict(heights)
    assert [5, 0, 4, 0] == pictures
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")


def test_everybody_can_use_every_layout(
    browser: OtherBrowser, open_page: Callable[..., None]
) -> None:
    open_page(BOXES)
    shown(browser, *(stories("sudzha", limit) for limit in LIMITS.values()))
    browser.run(AXE)
    browser.run("axe.run().then(report => { window.report = report })")
    until(lambda: browser.run("return !!window.report"))
    violations = browser.run(
        "return report.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])"
    )

    assert [] == violations


@pytest.mark.parametrize("fault", BROKEN)
def test_a_box_without_a_list_takes_no_room(
    browser: OtherBrowser, open_page: Callable[..., None], service: HostSite, fault: str
) -> None:
    service.pages["/v1/main/fault"] = BROKEN[fault]
    open_page('<also-see list="fault"></also-see><p>after</p>')
    until(lambda: browser.run("return document.querySelector('also-see').hidden"))

    assert [0, "after"] == browser.run("""
        return [document.querySelector("also-see").offsetHeight,
            document.querySelector("p").innerText];
    """)


def test_a_box_follows_its_application(
    browser: OtherBrowser, open_page: Callable[..., None]
) -> None:
    open_page('<also-see article="kursk"></also-see>')
    shown(browser, stories("kursk"))
    browser.run("document.querySelector('also-see').article = 'sudzha'")
    shown(browser, stories("sudzha"))
    browser.run("""
        const box = document.querySelector("also-see");
        const copy = box.cloneNode(true);
        box.remove();
        document.body.append(copy, box);
    """)

    shown(browser, stories("sudzha"), stories("sudzha"))


def test_a_box_without_an_id_follows_the_head_of_the_page(
    browser: OtherBrowser, open_page: Callable[..., None], service: HostSite
) -> None:
    service.pages["/v1/main/related"] = service.pages["/v1/main/kursk"]
    open_page("<also-see></also-see>")
    shown(browser, stories("kursk"))
    service.pages["/v1/main/related"] = service.pages["/v1/main/sudzha"]
    browser.run("history.pushState({}, '', '/next'); document.title = 'Another story'")

    shown(browser, stories("sudzha"))


def test_language_and_date_come_through_shadow_roots(
    browser: OtherBrowser, open_page: Callable[..., None]
) -> None:
    open_page('<div id="host"></div>', lang="de-AT")
    browser.run("""
        const box = document.createElement("also-see");
        box.article = "kursk";
        host.attachShadow({ mode: "open" }).append(box);
    """)
    texts = until(
        lambda: browser.run("""
            const { shadowRoot } = host.shadowRoot.querySelector("also-see");
            const parts = [".heading", ".date", ".more"];
            const nodes = parts.map(part => shadowRoot?.querySelector(part));
            return nodes.every(Boolean) && nodes.map(node => node.textContent);
        """)
    )

    assert ["Lesen Sie auch", "13. März 2025", "Lesen »"] == texts


def test_an_application_can_follow_a_click_itself(
    browser: OtherBrowser, open_page: Callable[..., None]
) -> None:
    open_page('<also-see article="kursk"></also-see>')
    shown(browser, stories("kursk"))
    clicked: Any = browser.run("""
        let clicked;
        addEventListener("also-see:click", event => {
            event.preventDefault();
            clicked = [event.detail.item.id, event.detail.position, event.detail.items.length];
        });
        document.querySelector("also-see").shadowRoot.querySelectorAll(".title")[1].click();
        return clicked;
    """)

    assert ["kursk 2", 2, 5] == clicked
    assert "A story" == browser.run("return document.title")


def test_a_page_brings_its_own_cards(
    browser: OtherBrowser, open_page: Callable[..., None], service: HostSite
) -> None:
    card = '<template slot="card"><a data-field="title"></a></template>'
    open_page(
        f'<also-see article="kursk" prefetch>{card}</also-see>',
        head=f'<script async src="{service.url}/widget-extras.js"></script>',
    )
    links = until(
        lambda: browser.run("""
            const { shadowRoot } = document.querySelector("also-see");
            const links = [...shadowRoot?.querySelectorAll(".card > a") ?? []];
            return links.map(link => [link.textContent, link.href]);
        """)
    )

    assert ["kursk 2", "https://news.example/2"] == links[1]
