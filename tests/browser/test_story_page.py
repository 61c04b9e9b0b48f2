"""A story's page and its box, in a real browser: on a desk, on a phone, in the dark."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

STORY = "/2026/10/26/first-barge-through-dunmere"
VIEWS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1280, "height": 900}},
    "phone": {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
}
REPORT_VIOLATIONS = """
    addEventListener("securitypolicyviolation",
        event => console.error("CSP: " + event.violatedDirective + " " + event.blockedURI));
"""


@pytest.fixture(params=VIEWS, scope="module")
def view(browser: Browser, newspaper: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A reader's page; the pages of all tests are one after the other in the same tab."""
    with browser.new_context(base_url=newspaper, **VIEWS[request.param]) as context:
        context.add_init_script(REPORT_VIOLATIONS)
        yield context.new_page()


@pytest.fixture
def story(view: Page) -> Page:
    view.goto(STORY)
    return view


def complaints(page: Page, paths: list[str]) -> list[str]:
    """What goes wrong on these pages: errors, refusals, answers that are not there."""
    found: list[str] = []
    page.on("console", lambda said: found.append(said.text) if said.type != "log" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("requestfailed", lambda request: found.append(request.url))
    page.on("response", lambda r: found.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    for path in paths:
        page.goto(path)
        load_all_pictures(page)
    return found


def load_all_pictures(page: Page) -> list[int]:
    """Do as a reader who goes down the whole page; return the pictures' widths in pixels."""
    pictures = page.locator("img").all()
    for picture in pictures:
        picture.scroll_into_view_if_needed()
    decode = "async picture => { await picture.decode(); return picture.naturalWidth }"
    return [picture.evaluate(decode) for picture in pictures]


def test_the_box_has_five_cards_with_their_pictures(story: Page) -> None:
    widths = load_all_pictures(story)

    assert (5, 5) == tuple(
        story.locator(f".also-see-{part}").count() for part in ("card", "picture")
    )
    assert min(widths) > 0


def test_nothing_goes_wrong_on_any_page(view: Page) -> None:
    assert [] == complaints(view, ["/", STORY])


@pytest.mark.parametrize("path", ["/", STORY, "/nowhere"])
def test_no_page_is_wider_than_the_window(view: Page, path: str) -> None:
    view.goto(path)
    widths = view.evaluate("[document.documentElement.scrollWidth, innerWidth]")

    assert widths[0] <= widths[1]


@pytest.mark.parametrize("path", ["/", STORY, "/nowhere"])
def test_a_page_can_be_read_by_everybody(view: Page, path: str) -> None:
    view.goto(path)
    found = Axe().run(view)

    assert 0 == found.violations_count, found.generate_report()


def test_a_card_leads_to_its_story(story: Page) -> None:
    link = story.locator(".also-see-title a").first
    title = link.inner_text()
    link.click()

    assert title == story.locator("article h1").inner_text()


def test_read_more_leads_to_the_same_story(story: Page) -> None:
    card = story.locator(".also-see-card").nth(1)
    title = card.locator(".also-see-title").inner_text()
    card.locator(".also-see-more").click()

    assert title == story.locator("article h1").inner_text()


def test_a_line_in_the_story_leads_to_what_it_says(story: Page) -> None:
    link = story.locator(".inline-link a").first
    title = link.inner_text()
    link.click()

    assert title == story.locator("article h1").inner_text()


def test_the_keyboard_reaches_every_card_once(story: Page) -> None:
    story.locator(".inline-link a").last.focus()
    titles = story.locator(".also-see-title").all_inner_texts()
    reached = []
    for _ in titles:
        story.keyboard.press("Tab")
        reached.append(story.evaluate("document.activeElement.textContent"))
    story.keyboard.press("Tab")

    assert titles == reached
    assert not story.evaluate("!!document.activeElement.closest('.also-see')")


def test_a_story_from_right_to_left_is_set_so(view: Page) -> None:
    view.goto("/")
    view.locator('.story[lang="ur"] a').first.click()
    directions = [
        view.locator(part).first.evaluate("node => getComputedStyle(node).direction")
        for part in ("article", ".also-see-card", ".also-see-heading")
    ]

    assert ["rtl", "rtl", "ltr"] == directions


@pytest.mark.parametrize(
    ("color_scheme", "expected"),
    [("light", "rgb(11, 92, 102)"), ("light dark", "rgb(108, 199, 210)")],
)
def test_the_box_is_dark_only_on_a_page_that_is(
    browser: Browser, newspaper: str, color_scheme: str, expected: str
) -> None:
    with browser.new_page(color_scheme="dark") as page:
        page.goto(f"{newspaper}/nowhere")
        page.evaluate(
            """scheme => {
                document.head.innerHTML = '<link rel="stylesheet" href="/static/box.css">';
                document.documentElement.style.colorScheme = scheme;
                document.body.innerHTML =
                    '<aside class="also-see"><a class="also-see-more" href="/">More</a></aside>';
            }""",
            color_scheme,
        )
        more = page.locator(".also-see-more")
        more.evaluate("node => new Promise(done => setTimeout(done, 100))")

        assert expected == more.evaluate("node => getComputedStyle(node).color")
