"""The report of an evaluation in a real browser: layout, accessibility and printing."""

from functools import partial

import pytest
from test_report import HOSTILE, links, newsroom

from recommender.evaluation import evaluate
from recommender.evaluation.report import write_report

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A page with hostile, right-to-left and unbreakable titles."""
    titles = [HOSTILE.replace("<", "&lt;").replace(">", "&gt;"), "القاهرة تعلن هدنة", "x" * 300]
    archive = newsroom(title=lambda n: titles[n % 3], section=lambda n: titles[n % 3])
    folder = tmp_path_factory.mktemp("report")
    return write_report(evaluate(archive, links()), folder, name="x" * 200).as_uri()


@pytest.fixture
def open_page(visit, address):
    """Open the page: `open_page(width=360)`."""
    return partial(visit, address)


def test_asks_nobody_for_anything(open_page, address, visit):
    page = open_page()

    page.wait_for_load_state("networkidle")

    assert [address] == [url for url in visit.requests if not url.startswith("data:")]
    assert [] == visit.complaints


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_never_scrolls_sideways(open_page, width):
    page = open_page(width)

    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")

    assert width == page.evaluate("document.documentElement.scrollWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_overview_is_accessible_and_fits(open_page, scheme, width):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    page = open_page(width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")

    found = axe.Axe().run(page)

    assert 0 == found.violations_count, found.generate_report()


def test_everything_is_open_on_paper(open_page):
    page = open_page()
    page.emulate_media(media="print")

    shown = page.evaluate(
        "[...document.querySelectorAll('details:not([open]) :is(td, .shown li)')]"
        ".map(node => node.checkVisibility({visibilityProperty: true}))"
    )

    assert {True} == set(shown)


def test_paper_is_white_also_in_dark_mode(open_page):
    page = open_page(scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")

    assert "rgb(255, 255, 255)" == page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_the_first_stop_of_the_keyboard_leads_past_the_contents(open_page):
    page = open_page()

    page.keyboard.press("Tab")

    assert "#main" == page.evaluate("document.activeElement.getAttribute('href')")


def test_a_wide_table_scrolls_in_its_own_box(open_page):
    page = open_page(360)

    box = page.locator(".scroll:has(table.all)")
    box.focus()
    page.keyboard.press("ArrowRight")
    for _ in range(100):  # it scrolls smoothly; the page's policy forbids to wait in a script
        if box.evaluate("element => element.scrollLeft") > 0:
            return
        page.wait_for_timeout(50)
    pytest.fail("the arrow key does not scroll the table")

    assert 0 == page.evaluate("document.documentElement.scrollLeft")
