"""The desk's overview in a real browser: accessibility, and the button that starts a survey."""

from datetime import UTC, datetime
from threading import Thread

import pytest
from browser_pages import until
from news import STORIES, article
from werkzeug.serving import make_server

from recommender.storage.events import Event

pytestmark = pytest.mark.browser

HOSTILE = '"><script>alert(1)</script>' + "x" * 300


@pytest.fixture
def address(app, backend, client, key, put):
    """The overview of an archive that fills every part of the page."""
    put(*map(article, STORIES), article("evil", title=HOSTILE, section=HOSTILE))
    broken = b'{"id": "' + b"x" * 300 + b'"}\nbroken'
    client.post("/v1/main/articles", data=broken, headers=key)
    today = datetime.now(UTC).date()
    for position in range(1, 6):
        backend.events.add("main", [Event("impression", "kursk", position)], today)
    backend.events.add("main", [Event("click", "kursk", 1)], today)
    # The interval at which the server checks whether to stop.
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/editor/main/overview"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def open_page(visit, address, backend):
    def open_page(**looks):
        page = visit(address, **looks)
        page.fill("[name=key]", backend.keys.create("main", ["look"]))
        page.click("text=Sign in >> nth=-1")
        page.wait_for_selector("h1:has-text('Overview')")
        return page

    return open_page


def test_a_survey_is_started_by_one_button(open_page, visit):
    page = open_page()

    page.click("text=Survey now")
    page.wait_for_selector("text=Based on all 6 lists")

    assert page.locator("text=with few related articles").count()
    assert [] == [complaint for complaint in visit.complaints if "401" not in complaint]


def test_without_scripts_the_survey_is_shown_after_a_reload(open_page, backend):
    page = open_page(java_script_enabled=False)

    page.click("text=Survey now")
    until(lambda: backend.surveys.progress("main") is None)
    page.goto(page.url.partition("#")[0])

    assert page.locator("text=Based on all 6 lists").count()


def test_a_script_shows_the_progress_and_the_result_of_a_survey(open_page, backend):
    claim = backend.surveys.claim("main")
    page = open_page()
    claim.report(3, 6)

    page.wait_for_selector("text=3 of 6")
    claim.release()

    page.wait_for_selector("text=Survey now")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_overview_is_accessible_and_fits(open_page, backend, scheme, width):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    page = open_page(width=width, scheme=scheme)
    page.click("text=Survey now")
    page.wait_for_selector("text=Based on all 6 lists")
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")

    found = axe.Axe().run(page)

    assert 0 == found.violations_count, found.generate_report()
    assert width == page.evaluate("document.documentElement.scrollWidth")


def test_its_figures_lead_to_the_articles(open_page):
    page = open_page()
    page.click("text=Survey now")
    page.click("summary:has-text('recommended most')")
    page.click("text=All articles recommended most")

    assert "mark=most" in page.url
    assert 5 <= page.locator("#results li").count()
