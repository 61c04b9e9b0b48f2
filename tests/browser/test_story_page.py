"""The sample newspaper and its boxes in a real browser: desktop, phone and dark mode."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_pages import follow, until
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser

STORY = "/2026/10/26/first-barge-through-dunmere"
VIEWS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1280, "height": 900}},
    "tablet": {"viewport": {"width": 768, "height": 1024}},
    "phone": {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
}
PAGES = ["/", STORY, "/section/Sport", "/layouts", "/widget", "/nowhere"]
WATCH = """
    window.shifts = [];
    new PerformanceObserver(list => list.getEntries().forEach(entry => {
        if (!entry.hadRecentInput) shifts.push(entry.value);
    })).observe({ type: "layout-shift", buffered: true });
    addEventListener("securitypolicyviolation",
        event => console.error("CSP: " + event.violatedDirective + " " + event.blockedURI));
"""


@pytest.fixture(params=VIEWS, scope="module")
def view(browser: Browser, newspaper: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page of a reader; all tests use the same tab."""
    with browser.new_context(base_url=newspaper, **VIEWS[request.param]) as context:
        context.add_init_script(WATCH)
        yield context.new_page()


@pytest.fixture
def story(view: Page) -> Page:
    view.goto(STORY)
    fill(view)
    return view


# A box without a list is hidden.
IS_SETTLED = "box => box.hidden || !!box.shadowRoot?.querySelector('.title')"


def fill(page: Page) -> None:
    """Scroll through the whole page, as slowly as the boxes load."""
    height = page.evaluate("document.documentElement.scrollHeight")
    for place in range(0, height, 1000):  # they fill when they are 600 pixels away
        page.evaluate("place => scrollTo(0, place)", place)
        page.wait_for_timeout(30)
    for one in page.locator("also-see").all():
        # The page has grown, and a busy browser may have missed earlier positions.
        one.evaluate("box => box.scrollIntoView()")
        until(partial(one.evaluate, IS_SETTLED))


@contextmanager
def listening(page: Page) -> Iterator[list[str]]:
    """A list that collects errors, refused requests and missing responses."""
    found: list[str] = []

    def note(what: str) -> None:
        found.append(what)

    listeners: dict[Any, Callable[[Any], None]] = {
        "console": lambda said: note(said.text) if said.type != "log" else None,
        "pageerror": lambda error: note(str(error)),
        "requestfailed": lambda request: note(request.url),
        "response": lambda r: note(f"{r.status} {r.url}") if r.status >= 400 else None,
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    yield found
    for event, listener in listeners.items():
        page.remove_listener(event, listener)


def load_all_pictures(page: Page) -> list[int]:
    """Scroll through the page as a reader; return the widths of the pictures in pixels."""
    widths: list[int] = page.locator("img").evaluate_all("""
        pictures => Promise.all(pictures.map(async picture => {
            picture.loading = "eager";
            await picture.decode();
            return picture.naturalWidth;
        }))
    """)
    return widths


def test_the_box_has_five_cards_with_their_pictures(story: Page) -> None:
    widths = load_all_pictures(story)

    beside = story.locator(".beside also-see")

    assert (5, 5) == tuple(beside.locator(part).count() for part in (".card", ".picture"))
    assert min(widths) > 0


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_does_not_shift_and_is_accessible(view: Page, path: str) -> None:
    with listening(view) as complaints:
        view.goto(path)
        fill(view)
        shifts, widths = view.evaluate(
            "[shifts, [document.documentElement.scrollWidth, innerWidth]]"
        )
        load_all_pictures(view)
    violations = Axe().run(view).response["violations"]

    assert [] == shifts
    assert widths[0] <= widths[1]
    assert [] == [
        complaint for complaint in complaints if path != "/nowhere" or "404" not in complaint
    ]
    assert [] == [(one["id"], [node["html"] for node in one["nodes"]]) for one in violations]


def test_a_card_leads_to_its_story(story: Page) -> None:
    link = story.locator(".beside .title").first
    title = link.inner_text()
    follow(story, link)

    assert title == story.locator("article h1").inner_text()


def test_an_inline_link_leads_to_its_story(story: Page) -> None:
    link = story.locator(".inline-link a").first
    title = link.inner_text()
    follow(story, link)

    assert title == story.locator("article h1").inner_text()


def test_the_keyboard_reaches_every_card_once(story: Page) -> None:
    story.locator(".inline-link a").last.focus()
    titles = story.locator(".beside .title").all_inner_texts()
    reached = []
    for _ in titles:
        story.keyboard.press("Tab")
        reached.append(
            story.evaluate("document.activeElement.shadowRoot.activeElement.textContent")
        )
    story.keyboard.press("Tab")

    assert titles == reached
    assert "as JSON" == story.evaluate("document.activeElement.textContent")


def test_a_right_to_left_story_is_set_right_to_left(view: Page) -> None:
    view.goto("/")
    follow(view, view.locator('.story[lang="ur"] a').first)
    fill(view)
    directions = [
        view.locator(part).first.evaluate("node => getComputedStyle(node).direction")
        for part in ("article", ".beside .card", ".beside .heading", ".how")
    ]

    assert ["rtl", "rtl", "rtl", "ltr"] == directions


def test_boxes_of_a_story_do_not_repeat_articles(story: Page) -> None:
    titles = story.locator("also-see .title").all_inner_texts()

    assert 5 + 4 + 6 == len(titles) == len(set(titles))


def test_without_scripts_the_box_is_plain_html(browser: Browser, newspaper: str) -> None:
    with browser.new_page(java_script_enabled=False) as page:
        page.goto(newspaper + STORY)
        links = page.locator("also-see .also-see-title a")

        assert 5 == links.count()
        assert links.first.is_visible()


@pytest.mark.parametrize(
    ("color_scheme", "expected"),
    [("light", "rgb(11, 92, 102)"), ("light dark", "rgb(108, 199, 210)")],
)
def test_the_box_is_dark_only_on_a_page_that_is(
    browser: Browser, newspaper: str, color_scheme: str, expected: str
) -> None:
    with browser.new_page(color_scheme="dark") as page:
        page.goto(f"{newspaper}/v1/main/recent.html")
        page.evaluate(
            """scheme => {
                document.head.innerHTML = '<link rel="stylesheet" href="/static/box.css">';
                document.documentElement.style.colorScheme = scheme;
                document.body.innerHTML =
                    '<aside class="also-see"><a class="also-see-more" href="/">More</a></aside>';
            }""",
            color_scheme,
        )

        # Waits: the style sheet may arrive later than the box.
        expect(page.locator(".also-see-more")).to_have_css("color", expected)
