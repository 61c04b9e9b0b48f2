"""The editor's desk in a real browser: with and without scripts, with mouse and keyboard."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_pages import follow, until
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

pytestmark = pytest.mark.browser

STORY = "2026/02/10/lock-gates-fail-inspection"
OTHER = "2026/10/26/first-barge-through-dunmere"
ARTICLE = f"/editor/main/article?id={STORY}"
STORY_API = f"/v1/main/articles/{STORY.replace('/', '%2F')}"
VIEWS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1280, "height": 900}},
    "phone": {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
}
PAGES = [
    "/editor/main/",
    ARTICLE,
    f"/editor/main/pair?id={STORY}&target={OTHER}",
    "/editor/main/draft",
    f"/editor/main/settings?compare=article&article={OTHER}&b.mode=background",
    "/editor/main/settings?compare=sample&b.diversity=0.5&surface=home",
    "/editor/main/changes",
    "/editor/main/sessions",
    "/editor/main/article?id=nowhere",
]
TOP_OF_LIST = "document.querySelector('#candidates').getBoundingClientRect().top"
WATCH = """
    addEventListener("securitypolicyviolation",
        event => console.error("CSP: " + event.violatedDirective + " " + event.blockedURI));
"""


def signed_in(page: Page, key: str) -> Page:
    page.goto("/editor/")
    page.get_by_label("Your key").fill(key)
    page.get_by_label("Your name").fill("Ana Costa")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
    return page


@pytest.fixture(scope="module")
def session(browser: Browser, newsroom: Any) -> Iterator[BrowserContext]:
    """The browser of an editor, who signs in once for all tests."""
    with browser.new_context(base_url=newsroom.url) as context:
        signed_in(context.new_page(), newsroom.key)
        yield context


@pytest.fixture(params=VIEWS, scope="module")
def view(
    browser: Browser, newsroom: Any, session: BrowserContext, request: pytest.FixtureRequest
) -> Iterator[Page]:
    like = {"storage_state": session.storage_state(), **VIEWS[request.param]}
    with browser.new_context(base_url=newsroom.url, **like) as context:
        context.add_init_script(WATCH)
        yield context.new_page()


@pytest.fixture
def desk(session: BrowserContext) -> Iterator[Page]:
    """A new tab of that browser."""
    with session.new_page() as page:
        yield page


@pytest.fixture
def page(desk: Page, newsroom: Any) -> Iterator[Page]:
    """The page of the story; rules that the test adds are removed afterwards."""
    desk.goto(ARTICLE)
    yield desk
    key = {"Authorization": f"Bearer {newsroom.key}"}
    assert desk.request.put(f"{STORY_API}/overrides", data={}, headers=key).ok


def readers_list(page: Page) -> list[str]:
    items = page.request.get(f"{STORY_API}/related").json()["items"]
    return [item["title"] for item in items]


def candidates(page: Page) -> list[str]:
    return page.locator(".candidate .title").all_inner_texts()


def in_the_box(page: Page) -> list[str]:
    page.locator("iframe").scroll_into_view_if_needed()  # a box loads when it is near the screen
    box = page.frame_locator("iframe").locator("also-see")
    box.locator(".title").first.wait_for()
    return box.locator(".title").all_inner_texts()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_accessible_and_fits(view: Page, path: str) -> None:
    complaints: list[str] = []
    view.on("console", lambda said: complaints.append(said.text))
    view.on("pageerror", lambda error: complaints.append(str(error)))
    view.goto(path)
    view.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    violations = Axe().run(view).response["violations"]
    too_wide = view.evaluate("document.documentElement.scrollWidth > innerWidth")
    status = [text for text in complaints if "404" not in text]  # of the page that is not there

    assert ([], [], False) == ([one["id"] for one in violations], status, too_wide)


def test_an_admin_ends_the_session_of_another_browser(
    browser: Browser, newsroom: Any, page: Page
) -> None:
    with browser.new_context(base_url=newsroom.url) as context:
        other = context.new_page()
        other.goto("/editor/")
        other.get_by_label("Your key").fill(newsroom.key)
        other.get_by_label("Your name").fill("Ben Okoro")
        other.get_by_role("button", name="Sign in").click()
        expect(other.get_by_role("link", name="Ben Okoro")).to_be_visible()
        page.goto("/editor/main/")
        page.get_by_role("link", name="Ana Costa").click()
        page.get_by_role("button", name="End the session of Ben Okoro").click()
        expect(page.get_by_role("status")).to_have_text("Ended.")
        expect(page.get_by_text("Ben Okoro")).to_have_count(0)
        other.goto("/editor/main/")

        expect(other.get_by_label("Your key")).to_be_visible()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_box_and_candidates_are_the_readers_list(page: Page) -> None:
    readers = readers_list(page)

    assert readers == in_the_box(page) == candidates(page)[: len(readers)]


@pytest.mark.parametrize("layout", ["list", "grid", "inline"])
def test_the_box_can_be_shown_in_each_layout_dark_and_wide(page: Page, layout: str) -> None:
    page.get_by_label("Layout").select_option(layout)
    page.get_by_label("Scheme").select_option("dark")
    page.get_by_label("Width").select_option("desktop")
    box = page.frame_locator("iframe").locator(f"also-see[layout={layout}]")
    box.locator(".title").first.wait_for()
    paper = box.evaluate("box => getComputedStyle(box.ownerDocument.documentElement).colorScheme")

    assert "dark" == paper
    assert page.locator(".frame.desktop").count()


@pytest.mark.parametrize("layout", ["sidebar", "grid"])
def test_no_card_of_the_box_is_cut_off(view: Page, layout: str) -> None:
    view.goto(f"{ARTICLE}&layout={layout}")
    in_the_box(view)
    framed = view.frame_locator("iframe").locator("html")

    until(lambda: framed.evaluate("page => page.scrollHeight == innerHeight"))
    assert framed.evaluate("page => page.scrollWidth <= innerWidth")


def test_on_a_phone_the_candidates_come_before_the_box(view: Page) -> None:
    view.goto(ARTICLE)
    top = "node => node.getBoundingClientRect().top"
    candidates_top = view.locator("#candidates-heading").evaluate(top)
    box_top = view.locator("#box").evaluate(top)
    is_phone = view.viewport_size == VIEWS["phone"]["viewport"]

    assert is_phone == (candidates_top < box_top)
    assert not is_phone or candidates_top < 740


def test_scores_are_shares_of_the_best(page: Page) -> None:
    scores = [int(text) for text in page.locator(".score span").all_inner_texts()]

    assert scores[0] == 100
    assert scores == sorted(scores, reverse=True)
    assert page.locator(".score").first.get_attribute("title").startswith("Score 0.")


def test_articles_are_found_while_typing(desk: Page) -> None:
    desk.goto("/editor/main/")
    desk.get_by_label("Title, address or id").press_sequentially("oak gives", delay=20)
    expect(desk.locator("#count")).to_have_text("1 article")
    desk.keyboard.press("Enter")

    expect(desk.locator("#results a")).to_have_text("Dunmere shut to barges as oak gives way")


def test_a_pin_by_drag_is_in_the_readers_next_list_and_can_be_undone(page: Page) -> None:
    before = readers_list(page)
    rows = page.locator(".candidate")
    rows.nth(3).drag_to(rows.nth(0))
    page.locator("#main").get_by_text("Pinned in this order.").wait_for()
    pinned = readers_list(page)

    assert [before[3], *before[:3]] == pinned[:4]
    assert pinned == in_the_box(page)

    page.get_by_role("button", name="Undo").click()
    page.locator("#main").get_by_text("Undone.").wait_for()
    assert before == readers_list(page)


def test_a_pin_by_keyboard_alone(page: Page) -> None:
    before = readers_list(page)
    page.locator(".candidate").nth(2).get_by_label("Place").focus()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("1")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#main").get_by_text("Pinned.").wait_for()

    assert before[2] == readers_list(page)[0]


def test_a_block_with_a_note_shows_before_and_after(page: Page) -> None:
    before = readers_list(page)
    row = page.locator(".candidate").nth(1)
    row.get_by_text("More").click()
    row.get_by_label("Note").fill("retracted")
    row.get_by_label("Until").select_option("in a week")
    row.get_by_role("button", name="Block here").click()
    moves = page.locator(".moves li")

    expect(moves.last).to_have_text(re.compile(re.escape(before[1]) + r"\s*gone"))
    expect(page.locator(".rules")).to_contain_text("retracted")
    assert before[1] not in readers_list(page)


def test_a_decision_leaves_the_page_where_it_is(page: Page) -> None:
    before = readers_list(page)
    page.evaluate("window.isTheSamePage = true")
    row = page.locator(".candidate").nth(8)
    title = row.locator(".title").inner_text()
    row.get_by_label("Place").fill("1")
    row.get_by_role("button", name="Pin “").focus()
    top = page.evaluate(TOP_OF_LIST)
    page.keyboard.press("Enter")
    expect(page.locator(".candidate .title").first).to_have_text(title)

    assert page.evaluate("window.isTheSamePage")
    assert abs(page.evaluate(TOP_OF_LIST) - top) < 2
    assert page.evaluate("document.activeElement.closest('.candidate').innerText").count(title)
    expect(page.locator("#announcement")).to_contain_text("Pinned.")
    expect(page.get_by_role("button", name="Undo")).to_be_in_viewport()

    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#announcement")).to_contain_text("Undone.")
    assert before == readers_list(page)
    assert page.evaluate("window.isTheSamePage")


@pytest.mark.parametrize(
    "without_answer",
    [lambda route: route.abort(), lambda route: route.fulfill(status=502, body="Bad gateway")],
    ids=["no connection", "a proxy's error"],
)
def test_a_decision_without_an_answer_says_so(page: Page, without_answer: Any) -> None:
    before = candidates(page)
    page.route("**/overrule", without_answer)
    row = page.locator(".candidate").nth(1)
    row.get_by_role("button", name="Block here").click()
    expect(page.locator(".failure")).to_contain_text("may not be saved")
    expect(page.locator(".failure")).to_be_in_viewport()

    assert before == candidates(page)
    assert ARTICLE in page.url

    page.unroute("**/overrule")
    row.get_by_role("button", name="Block here").click()
    expect(page.locator("#announcement")).to_contain_text("Blocked")
    expect(page.locator(".failure")).to_have_count(0)
    assert before[1] not in readers_list(page)


def test_a_decision_whose_answer_is_lost_is_not_said_to_be_undone(page: Page) -> None:
    blocked = candidates(page)[1]

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/overrule", lose_the_answer)
    page.locator(".candidate").nth(1).get_by_role("button", name="Block here").click()
    expect(page.locator(".failure")).to_contain_text("Load the page again to see")
    page.unroute("**/overrule")
    page.reload()

    assert blocked not in candidates(page)


def test_who_was_signed_out_meanwhile_signs_in_and_is_back(browser: Browser, newsroom: Any) -> None:
    with browser.new_context(base_url=newsroom.url) as context:
        page = signed_in(context.new_page(), newsroom.key)
        page.goto(ARTICLE)
        context.clear_cookies()
        page.locator(".candidate").nth(1).get_by_role("button", name="Block here").click()
        page.get_by_label("Your key").fill(newsroom.key)
        page.get_by_role("button", name="Sign in").click()

        expect(page.locator(".candidate").first).to_be_visible()


def test_a_conflict_is_shown_in_place(page: Page, newsroom: Any) -> None:
    key = {"Authorization": f"Bearer {newsroom.key}"}
    blocks = {"blocks": [{"article": OTHER}]}
    assert page.request.put(f"{STORY_API}/overrides", data=blocks, headers=key).ok
    row = page.locator(".candidate").nth(1)
    row.get_by_role("button", name="Block here").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("changed")


def test_a_script_writes_section_and_date_as_the_server_does(desk: Page) -> None:
    desk.goto("/editor/main/")
    about = desk.locator("#results .about").first
    written = about.inner_html()
    desk.get_by_label("Title, address or id").fill(
        desk.locator("#results .title").first.inner_text()
    )
    expect(desk.locator("#count")).to_have_text("1 article")

    assert written == about.inner_html()
    assert re.search(' · <time datetime="[^"]*">[0-9]+ [A-Z][a-z]+ [0-9]{4}</time>$', written)


def test_the_list_follows_a_draft_as_it_is_typed(desk: Page) -> None:
    desk.goto("/editor/main/draft")
    desk.get_by_label("Title").fill("Oak for the Dunmere lock")
    desk.get_by_label("Text, plain or HTML").press_sequentially("The lock gates at Dunmere")

    expect(desk.locator("#list a").first).to_contain_text("Dunmere")


def test_a_list_is_changed_without_scripts(browser: Browser, newsroom: Any) -> None:
    with browser.new_context(base_url=newsroom.url, java_script_enabled=False) as context:
        page = signed_in(context.new_page(), newsroom.key)
        page.get_by_label("Title, address or id").fill("lock gates fail")
        follow(page, page.get_by_role("button", name="Search"))
        follow(page, page.locator("#results a").first)
        title = candidates(page)[4]
        page.locator(".candidate").nth(4).get_by_label("Place").fill("1")
        follow(page, page.get_by_role("button", name=f"Pin “{title}”"))

        assert title == candidates(page)[0] == readers_list(page)[0]

        follow(page, page.get_by_role("button", name="Undo"))
        assert title == candidates(page)[4]


def test_signing_out_closes_the_desk(browser: Browser, newsroom: Any) -> None:
    with browser.new_context(base_url=newsroom.url) as context:
        page = signed_in(context.new_page(), newsroom.key)
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("Your key").wait_for()
        page.goto(ARTICLE)

        expect(page.get_by_label("Your key")).to_be_visible()
