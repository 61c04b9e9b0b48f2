"""`<also-see>` on the pages of a site at another origin, against a real service."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser_pages import POLICY, HostSite, Visit, fetch_json, until
from playwright.sync_api import Page

from api.lists.words import RIGHT_TO_LEFT, WORDS
from api.site.widget import widget

pytestmark = pytest.mark.browser

STORY = "2026/10/26/first-barge-through-dunmere"
URDU = "2026/10/20/tollerby-ek-maah-baad"
EXAMPLE = Path(__file__).parents[2] / "integrations/html/story.html"
LIMITS = {"sidebar": 5, "list": 5, "grid": 4, "inline": 1}
CARDS = """
    box => [...box.shadowRoot.querySelectorAll(".card:has(.title)")].map(card => ({
        title: card.querySelector(".title").textContent,
        url: card.querySelector(".title").getAttribute("href"),
        excerpt: card.querySelector(".excerpt")?.textContent,
        image: card.querySelector(".picture")?.getAttribute("src"),
    }))
"""


def box(article: str = STORY, **attributes: str) -> str:
    more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<also-see article="{article}"{more}></also-see>'


@pytest.fixture
def open_page(site: HostSite, newspaper: str, visit: Visit) -> Callable[..., Page]:
    """A page of the site with these boxes, under a strict policy, once they are filled."""

    def open_page(body: str, lang: str = "en", head: str = "", **more: Any) -> Page:
        script = f'<script async src="{newspaper}/widget.js"></script>{head}'
        address = site.page(body, script, POLICY.format(service=newspaper), lang)
        page = visit(address, **more)
        filled(page)
        return page

    return open_page


def filled(page: Page) -> None:
    """Go down the whole page, until every box has its cards."""
    count = page.locator("also-see").count()
    for number in range(count):
        one = page.locator("also-see").nth(number)
        one.scroll_into_view_if_needed()
        one.locator(".title").first.wait_for()


def listed(newspaper: str, article: str = STORY, **query: Any) -> list[dict[str, Any]]:
    path = f"{newspaper}/v1/main/articles/{quote(article, safe='')}/related"
    items: list[dict[str, Any]] = fetch_json(path, **query)["items"]
    return items


def titles(page: Page, number: int = 0) -> list[str]:
    return page.locator("also-see").nth(number).locator(".title").all_inner_texts()


# What it shows


@pytest.mark.parametrize("layout", LIMITS)
def test_a_box_shows_what_the_service_lists_byte_for_byte(
    open_page: Callable[..., Page], newspaper: str, visit: Visit, layout: str
) -> None:
    page = open_page(box(layout=layout))
    expected = listed(newspaper, limit=LIMITS[layout])
    shown = page.locator("also-see").evaluate(CARDS)

    assert [(item["title"], item["url"]) for item in expected] == [
        (card["title"], card["url"]) for card in shown
    ]
    if layout == "sidebar":
        assert [(item["excerpt"], item["image"]["url"]) for item in expected] == [
            (card["excerpt"], card["image"]) for card in shown
        ]
    assert [] == visit.complaints


def test_without_an_id_it_goes_by_the_canonical_address(
    open_page: Callable[..., Page], newspaper: str
) -> None:
    canonical = f'<link rel="canonical" href="{newspaper}/{STORY}">'
    page = open_page("<also-see></also-see>", head=canonical)

    assert [item["title"] for item in listed(newspaper)] == titles(page)


def test_attributes_become_parameters(open_page: Callable[..., Page], visit: Visit) -> None:
    attributes = {
        "limit": "3",
        "section": "Business, Politics",
        "tag": "river orle",
        "languages": "en,de",
        "published_after": "5000d",
        "min_score": "0.01",
        "max_per_section": "2",
        "sort": "published_at",
        "fallback": "true",
    }
    open_page(box(**attributes, exclude="a,b", heading="x", site="main"))
    [asked] = [urlsplit(url).query for url in visit.requests if "/related?" in url]

    assert {
        "limit": ["3"],
        "section": ["Business", "Politics"],
        "tag": ["river orle"],
        "lang": ["en", "de"],
        "published_after": ["5000d"],
        "min_score": ["0.01"],
        "max_per_section": ["2"],
        "sort": ["published_at"],
        "fallback": ["true"],
        "exclude": ["a", "b"],
    } == parse_qs(asked)


def test_it_can_show_the_newest_stories(open_page: Callable[..., Page], newspaper: str) -> None:
    page = open_page('<also-see list="recent" limit="3"></also-see>')
    newest = fetch_json(f"{newspaper}/v1/main/recent", limit=3)["items"]

    assert [item["title"] for item in newest] == titles(page)


def test_boxes_of_one_page_repeat_nothing(open_page: Callable[..., Page]) -> None:
    boxes = [box(layout=layout) for layout in LIMITS] + [box()]
    boxes.append('<also-see list="recent" layout="grid"></also-see>')
    page = open_page("".join(boxes))
    shown = [title for number in range(len(boxes)) for title in titles(page, number)]

    assert 5 + 5 + 4 + 1 + 5 + 4 == len(shown) == len(set(shown))


def test_the_script_may_stand_beside_every_box(
    open_page: Callable[..., Page], newspaper: str, visit: Visit
) -> None:
    script = f'<script async src="{newspaper}/widget.js"></script>'
    page = open_page((script + box()) * 2)

    assert (5, 5, []) == (len(titles(page, 0)), len(titles(page, 1)), visit.complaints)


def test_it_speaks_the_language_of_what_is_around_it(open_page: Callable[..., Page]) -> None:
    boxes = (f'<div lang="{language}-XX">{box(limit="1")}</div>' for language in WORDS)
    page = open_page("".join(boxes))
    spoken = page.locator("also-see").evaluate_all("""
        boxes => boxes.map(({ shadowRoot }) => [".heading", ".more"].map(part => {
            const node = shadowRoot.querySelector(part);
            return [node.textContent, getComputedStyle(shadowRoot.firstChild).direction];
        }))
    """)
    expected = [
        [[text, "rtl" if language in RIGHT_TO_LEFT else "ltr"] for text in (heading, f"{more} »")]
        for language, (heading, more) in WORDS.items()
    ]

    assert expected == spoken


def test_an_unknown_language_reads_english(open_page: Callable[..., Page]) -> None:
    page = open_page(box(), lang="eo")

    assert ["Also See", "en"] == [
        page.locator("also-see .heading").inner_text(),
        page.locator("also-see aside").get_attribute("lang"),
    ]


def test_a_heading_of_ones_own_at_a_level_of_ones_own(open_page: Callable[..., Page]) -> None:
    page = open_page(box(heading="Mehr <b>davon</b>", heading_level="4") + box(heading=""))

    assert ["Mehr <b>davon</b>"] == page.locator("also-see h4").all_inner_texts()
    assert 0 == page.locator("also-see").nth(1).locator(".heading").count()


def test_a_story_from_right_to_left_stands_so_in_any_page(open_page: Callable[..., Page]) -> None:
    page = open_page(box(URDU, limit="1", fallback="false"))
    card = page.locator("also-see .card").first

    assert ("rtl", "ur") == (
        card.evaluate("node => getComputedStyle(node).direction"),
        card.get_attribute("lang"),
    )


# How it looks


def colour(page: Page, selector: str, name: str = "color") -> str:
    found: str = page.locator(selector).first.evaluate(
        "(node, name) => getComputedStyle(node).getPropertyValue(name)", name
    )
    return found


@pytest.mark.parametrize(
    ("scheme", "expected"), [("light", "rgb(11, 92, 102)"), ("dark", "rgb(108, 199, 210)")]
)
def test_it_is_dark_where_the_page_is(
    open_page: Callable[..., Page], scheme: str, expected: str
) -> None:
    assert expected == colour(open_page(box(), scheme=scheme), "also-see .more")


def test_a_site_sets_colours_and_parts(open_page: Callable[..., Page], site: HostSite) -> None:
    css = b"also-see { --also-see-accent: rgb(1, 2, 3) } also-see::part(date) { display: none }"
    site.pages["/theme.css"] = (200, {"Content-Type": "text/css"}, css)
    page = open_page(box(), head='<link rel="stylesheet" href="/theme.css">')

    assert "rgb(1, 2, 3)" == colour(page, "also-see .more")
    assert not page.locator("also-see .date").first.is_visible()


def test_in_high_contrast_links_have_the_readers_colour(open_page: Callable[..., Page]) -> None:
    page = open_page(box(), forced_colors="active")
    page.evaluate("document.body.append(Object.assign(document.createElement('a'), {href: '/'}))")

    assert colour(page, "body > a") == colour(page, "also-see .title")


def test_nothing_moves(open_page: Callable[..., Page]) -> None:
    page = open_page(box())
    page.locator("also-see .title").first.hover()

    assert 0 == page.evaluate("document.getAnimations().length")
    styles = {colour(page, "also-see .title", "transition-duration")}
    assert {"0s"} == styles


def test_on_paper_there_are_titles_in_full_and_no_pictures(
    open_page: Callable[..., Page],
) -> None:
    page = open_page(box() + box(layout="grid"))
    page.emulate_media(media="print")

    assert {"none"} == {
        colour(page, f"also-see {part}", "display") for part in (".picture", ".more")
    }
    assert page.locator("also-see .card").first.evaluate(
        "card => card.offsetHeight < parseFloat(getComputedStyle(card).fontSize) * 10"
    )


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_a_filled_box_is_as_high_as_an_empty_one_and_fits_its_page(
    open_page: Callable[..., Page], width: int
) -> None:
    watch = """
        window.heights = {};
        (function look() {
            for (const box of document.querySelectorAll("also-see:defined")) {
                (heights[box.getAttribute("layout")] ??= new Set()).add(box.offsetHeight);
            }
            requestAnimationFrame(look);
        })();
    """
    page = open_page("".join(box(layout=layout) for layout in LIMITS), width=width, script=watch)
    sizes = page.evaluate("Object.entries(heights).map(([layout, { size }]) => [layout, size])")

    assert dict.fromkeys(LIMITS, 1) == dict(sizes)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# Where it behaves


def test_it_asks_only_when_it_is_near(
    open_page: Callable[..., Page], visit: Visit, site: HostSite, newspaper: str
) -> None:
    body = f'<div id="far"></div>{box()}'
    site.pages["/far.css"] = (200, {"Content-Type": "text/css"}, b"#far { height: 5000px }")
    script = f'<script async src="{newspaper}/widget.js"></script>'
    head = f'<link rel="stylesheet" href="/far.css">{script}'
    page = visit(site.page(body, head))
    page.wait_for_timeout(400)
    before = [url for url in visit.requests if "/v1/" in url]
    filled(page)

    # The browser may ask twice: once more behind a stale answer of an earlier test.
    asked = {url for url in visit.requests if "/related?" in url}

    assert ([], 1) == (before, len(asked))


def test_pictures_are_lazy_and_have_words(open_page: Callable[..., Page], newspaper: str) -> None:
    page = open_page(box())
    pictures = page.locator("also-see .picture")
    expected = [item["image"]["alt"] or "" for item in listed(newspaper)]

    assert expected == [picture.get_attribute("alt") for picture in pictures.all()]
    assert {"lazy"} == {picture.get_attribute("loading") for picture in pictures.all()}


def test_the_service_hears_of_no_cookie(
    open_page: Callable[..., Page], newspaper: str, site: HostSite, browser: Any
) -> None:
    with browser.new_context() as context:
        context.add_cookies([{"name": "id", "value": "reader", "url": newspaper}])
        page = context.new_page()
        script = f'<script async src="{newspaper}/widget.js"></script>'
        with page.expect_request(re.compile("/related")) as asked:
            page.goto(site.page(box(), script))

        assert "cookie" not in asked.value.all_headers()
        assert ["id"] == [cookie["name"] for cookie in context.cookies()]


def test_the_keyboard_stops_once_at_every_card(open_page: Callable[..., Page]) -> None:
    page = open_page(f'<a href="/">before</a>{box()}<a href="/">after</a>')
    page.locator("a", has_text="before").focus()
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "(document.activeElement.shadowRoot?.activeElement || document.activeElement)"
                ".textContent"
            )
        )

    assert [*titles(page), "after"] == reached


def test_a_card_is_a_link_from_edge_to_edge(open_page: Callable[..., Page], newspaper: str) -> None:
    page = open_page(box())
    page.locator("also-see .card").nth(1).click(position={"x": 5, "y": 5})
    page.wait_for_url(f"{newspaper}/**")

    assert listed(newspaper)[1]["url"] == page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_everybody_can_use_it(open_page: Callable[..., Page], scheme: str, width: int) -> None:
    boxes = "".join(f"<div>{box(layout=layout)}</div>" for layout in LIMITS)
    page = open_page(f"<main><h1>A story</h1>{boxes}</main>", scheme=scheme, width=width)
    page.evaluate("scrollTo(0, 0)")
    found = Axe().run(page).response["violations"]

    assert [] == [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]


def test_a_pinned_script_runs_and_another_one_does_not(
    site: HostSite, newspaper: str, visit: Visit
) -> None:
    def script(integrity: str) -> str:
        return (
            f'<script async src="{newspaper}{widget().path}" integrity="{integrity}"'
            ' crossorigin="anonymous"></script>'
        )

    good = visit(site.page(box(), script(widget().integrity)))
    filled(good)
    other = visit(site.page(f"<p>Text</p>{box()}", script("sha384-" + "A" * 64)))
    other.wait_for_load_state("networkidle")

    assert (5, False, "Text") == (
        len(titles(good)),
        other.evaluate("!!customElements.get('also-see')"),
        other.locator("p").inner_text(),
    )


def test_the_example_page_shows_its_three_boxes(
    site: HostSite, newspaper: str, visit: Visit
) -> None:
    text = EXAMPLE.read_text().replace("https://related.your.site", newspaper)
    site.pages["/story"] = (200, {"Content-Type": "text/html; charset=utf-8"}, text.encode())
    page = visit(f"{site.url}/story")
    filled(page)

    assert [1, 5, 4] == [len(titles(page, number)) for number in range(3)]


# Without the script


def test_a_frame_tells_its_height(site: HostSite, newspaper: str, visit: Visit) -> None:
    path = f"{newspaper}/v1/main/articles/{quote(STORY, safe='')}/related.html?embed=1"
    listener = f"""<script>addEventListener("message", ({{ origin, source, data }}) => {{
        if (origin != "{newspaper}" || data?.type != "embed-size") return;
        for (const frame of document.querySelectorAll("iframe"))
          if (frame.contentWindow == source) frame.style.height = data.height + "px";
      }});</script>"""
    page = visit(site.page(f'{listener}<iframe src="{path}" title="Also See"></iframe>'), 400)
    frame = page.frame_locator("iframe")
    frame.locator(".also-see-card").nth(4).wait_for()
    until(lambda: frame.locator("body").evaluate("body => body.offsetHeight <= innerHeight"))

    assert 5 == frame.locator(".also-see-card").count()
    assert [] == visit.complaints


@pytest.mark.parametrize("layout", LIMITS)
def test_a_frame_can_be_read_by_everybody(newspaper: str, visit: Visit, layout: str) -> None:
    path = f"{newspaper}/v1/main/articles/{quote(STORY, safe='')}/related.html"
    page = visit(f"{path}?embed=1&layout={layout}", 400)
    found = Axe().run(page).response["violations"]

    assert [] == [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]


def test_a_link_in_a_frame_opens_in_the_whole_window(
    site: HostSite, newspaper: str, visit: Visit
) -> None:
    path = f"{newspaper}/v1/main/articles/{quote(STORY, safe='')}/related.html?embed=1"
    page = visit(site.page(f'<iframe src="{path}" height="900" width="400"></iframe>'))
    page.frame_locator("iframe").locator(".also-see-title a").first.click()
    page.wait_for_url(f"{newspaper}/**")

    assert listed(newspaper)[0]["url"] == page.url
