"""What few pages need of `<also-see>`, in a script of its own: own cards, prefetching."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browser_pages import POLICY, HostSite, Visit, follow, until
from playwright.sync_api import Page, expect
from scripted_service import OPEN, answers, item, scripted_service

from api.site.widget import script

pytestmark = pytest.mark.browser

PICTURE = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>"
CARD = """
    <template slot="card">
      <a part="own" data-field="url">
        <img data-field="image"><strong data-field="title"></strong>
      </a>
      <em data-field="section"></em>
      <span data-field="authors"></span>
      <time data-field="date"></time>
    </template>
"""


@pytest.fixture
def service() -> Iterator[HostSite]:
    with scripted_service() as service:
        javascript = {**OPEN, "Content-Type": "text/javascript"}
        service.pages["/widget-extras.js"] = (200, javascript, script("widget-extras").content)
        yield service


@pytest.fixture
def open_page(service: HostSite, site: HostSite, visit: Visit) -> Callable[..., Page]:
    def open_page(*items: dict[str, Any], body: str, policy: str = "") -> Page:
        service.pages["/v1/main/articles/kursk/related"] = answers(*items)
        scripts = "".join(
            f'<script async src="{service.url}/{name}.js"></script>'
            for name in ("widget-extras", "widget")
        )
        return visit(site.page(body, scripts, policy))

    return open_page


def test_a_page_brings_its_own_cards(
    open_page: Callable[..., Page], service: HostSite, visit: Visit
) -> None:
    picture = {"url": f"{service.url}/favicon.ico", "alt": "A flag", "width": 3, "height": 2}
    page = open_page(
        item(1, section="War", authors=["A", "B"], image=picture),
        item(2, title="<b>Bold</b>", url="javascript:alert(1)", published_at=None),
        body=f'<also-see article="kursk">{CARD}</also-see>',
        policy=POLICY.format(service=service.url),
    )
    cards = page.locator("also-see .card")
    expect(cards.nth(1).locator("strong")).to_have_text("<b>Bold</b>")

    assert ["Story 1", "War", "A, B", "13 March 2025"] == [
        cards.nth(0).locator(tag).inner_text() for tag in ("strong", "em", "span", "time")
    ]
    assert ("https://news.example/1", "A flag") == (
        cards.nth(0).locator("a").get_attribute("href"),
        cards.nth(0).locator("img").get_attribute("alt"),
    )
    assert cards.nth(1).locator("a").get_attribute("href") is None
    assert 0 == cards.nth(1).locator("img, em, span, time").count()
    assert [] == visit.complaints


def test_a_click_on_an_own_card_counts(
    open_page: Callable[..., Page], service: HostSite, site: HostSite
) -> None:
    site.pages["/next"] = (200, {"Content-Type": "text/html"}, b"next")
    page = open_page(
        item(1, url=f"{site.url}/next"), body=f'<also-see article="kursk">{CARD}</also-see>'
    )
    follow(page, page.locator("also-see strong"))
    sent = until(lambda: [body for method, _, _, body in service.requests if method == "POST"])

    assert b'"click"' in sent[0]


def test_the_script_may_come_after_the_list(
    service: HostSite, site: HostSite, visit: Visit
) -> None:
    service.pages["/v1/main/articles/kursk/related"] = answers(item(1))
    page = visit(site.page(f'<also-see article="kursk">{CARD}</also-see>'))
    page.add_script_tag(url=f"{service.url}/widget.js")
    expect(page.locator("also-see .title")).to_have_text("Story 1")
    page.add_script_tag(url=f"{service.url}/widget-extras.js")

    expect(page.locator("also-see strong")).to_have_text("Story 1")


def prefetched(site: HostSite) -> list[str]:
    return [path for _, path, headers, _ in site.requests if "Sec-Purpose" in headers]


def test_a_story_is_fetched_when_the_pointer_rests_on_its_card(
    open_page: Callable[..., Page], site: HostSite
) -> None:
    for name in ("/one", "/two"):
        site.pages[name] = (200, {"Content-Type": "text/html"}, b"a story")
    stories = [item(1, url=f"{site.url}/one"), item(2, url=f"{site.url}/two")]
    page = open_page(*stories, body='<also-see article="kursk" prefetch></also-see>')
    page.locator("also-see .title").nth(1).hover()
    until(lambda: prefetched(site))

    assert ["/two"] == prefetched(site)


def test_nothing_is_fetched_early_where_the_page_does_not_ask_for_it(
    open_page: Callable[..., Page],
) -> None:
    page = open_page(item(1), body='<also-see article="kursk"></also-see>')
    expect(page.locator("also-see .title")).to_have_text("Story 1")

    assert 0 == page.locator("script[type=speculationrules]").count()


def test_a_strict_page_does_without_prefetching(
    open_page: Callable[..., Page], service: HostSite
) -> None:
    page = open_page(
        item(1),
        body='<also-see article="kursk" prefetch></also-see>',
        policy=POLICY.format(service=service.url),
    )
    expect(page.locator("also-see .title")).to_have_text("Story 1")

    assert 0 == page.locator("script[type=speculationrules]").count()
