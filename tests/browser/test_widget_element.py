"""`<also-see>` as an element that scripts of the page change, move, copy and listen to."""

import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from browser_pages import POLICY, Answer, HostSite, Visit, until
from playwright.sync_api import Page, expect
from scripted_service import JSON, OPEN, answers, item, scripted_service

from api.lists.words import box_words
from api.site.widget import widget

pytestmark = pytest.mark.browser

PATIENCE_SECONDS = 30
BOX = '<also-see article="kursk" limit="3"></also-see>'
EVENTS = """
    window.told = [];
    for (const name of ["load", "empty", "error", "click"]) {
        addEventListener("also-see:" + name, ({ type, detail, target }) => told.push({
            type,
            target: target.localName,
            items: detail.items?.length,
            id: detail.item?.id,
            position: detail.position,
            recommendation: detail.recommendation_id,
            error: String(detail.error),
        }));
    }
"""


@pytest.fixture
def service() -> Iterator[HostSite]:
    with scripted_service() as service:
        for story in ("kursk", "sudzha"):
            service.pages[f"/v1/main/articles/{story}/related"] = list_of(story)
        for language in ("de", "de-AT", "pt-PT"):
            words = orjson.dumps(box_words(language)._asdict())
            service.pages[f"/widget/words/{language}.json"] = (200, JSON, words)
        yield service


def list_of(story: str, count: int = 3) -> Answer:
    items = (item(n, id=f"{story}-{n}", title=f"{story} {n}") for n in range(1, count + 1))
    return answers(*items, page_token=f"({story})")


def titles(story: str) -> list[str]:
    return [f"{story} {number}" for number in (1, 2, 3)]


@pytest.fixture
def open_page(service: HostSite, site: HostSite, visit: Visit) -> Callable[..., Page]:
    def open_page(body: str = BOX, lang: str = "en", head: str = "", **more: Any) -> Page:
        script = f'{head}<script async src="{service.url}/widget.js"></script>'
        policy = POLICY.format(service=service.url)
        page = visit(site.page(body, script, policy, lang), **more)
        until(lambda: page.evaluate("!!customElements.get('also-see')"))
        return page

    return open_page


def lists(service: HostSite) -> list[str]:
    """The lists that boxes asked for, in order."""
    return [path for _, path, _, _ in service.requests if "/related?" in path]


def queries(service: HostSite) -> list[dict[str, list[str]]]:
    return [parse_qs(urlsplit(path).query) for path in lists(service)]


# Attributes and properties


@pytest.mark.parametrize(
    "change",
    ["box.setAttribute('article', 'sudzha')", "box.article = 'sudzha'"],
    ids=["attribute", "property"],
)
def test_another_article_makes_another_list(open_page: Callable[..., Page], change: str) -> None:
    page = open_page()
    expect(page.locator("also-see .title")).to_have_text(titles("kursk"))
    page.locator("also-see").evaluate(f"box => {{ {change} }}")

    expect(page.locator("also-see .title")).to_have_text(titles("sudzha"))


def test_old_cards_stay_until_the_new_ones_are_there(
    open_page: Callable[..., Page], service: HostSite
) -> None:
    may_answer = threading.Event()

    def later() -> Answer:
        may_answer.wait(PATIENCE_SECONDS)
        return list_of("sudzha")

    service.pages["/v1/main/articles/sudzha/related"] = later
    page = open_page(BOX + "<p>after</p>", script="AbortSignal.timeout = () => undefined;")
    expect(page.locator("also-see .title")).to_have_text(titles("kursk"))
    page.evaluate("""
        window.places = new Set();
        (function look() {
            places.add(document.querySelector("p").offsetTop);
            requestAnimationFrame(look);
        })();
    """)
    page.locator("also-see .title").first.focus()
    page.locator("also-see").evaluate("box => box.article = 'sudzha'")
    until(lambda: len(lists(service)) == 2)

    assert titles("kursk") == page.locator("also-see .title").all_inner_texts()
    assert page.evaluate("!!document.activeElement.shadowRoot.activeElement")
    may_answer.set()
    expect(page.locator("also-see .title")).to_have_text(titles("sudzha"))
    assert 1 == page.evaluate("places.size")


def test_a_late_answer_is_not_shown_over_a_newer_one(
    open_page: Callable[..., Page], service: HostSite
) -> None:
    may_answer = threading.Event()
    is_answered = threading.Event()

    def late() -> Answer:
        may_answer.wait(PATIENCE_SECONDS)
        is_answered.set()
        return list_of("kursk")

    service.pages["/v1/main/articles/kursk/related"] = late
    page = open_page(script="AbortSignal.timeout = () => undefined;" + EVENTS)
    until(lambda: lists(service))
    page.locator("also-see").evaluate("box => box.article = 'sudzha'")
    expect(page.locator("also-see .title")).to_have_text(titles("sudzha"))
    with page.expect_response("**/kursk/related?*"):
        may_answer.set()
    page.evaluate("new Promise(done => setTimeout(done))")

    assert titles("sudzha") == page.locator("also-see .title").all_inner_texts()
    assert 1 == len(page.evaluate("told"))


def test_changes_at_one_time_make_one_list(
    open_page: Callable[..., Page], service: HostSite
) -> None:
    page = open_page()
    expect(page.locator("also-see .title")).to_have_text(titles("kursk"))
    page.locator("also-see").evaluate("""box => {
        box.article = "elsewhere";
        box.publishedAfter = "7d";
        box.limit = 2;
        box.exclude = ["a", "b"];
        box.tag = "war";
        box.tag = null;
        box.section = undefined;
        box.article = "sudzha";
    }""")
    expect(page.locator("also-see .title")).to_have_text(titles("sudzha"))
    [_, second] = queries(service)

    assert {"limit": ["2"], "exclude": ["a", "b"], "published_after": ["7d"]} == second
    assert ["sudzha", "7d", None] == page.locator("also-see").evaluate(
        "box => [box.article, box.publishedAfter, box.tag]"
    )


def test_properties_that_were_set_before_the_script_came_count(
    service: HostSite, site: HostSite, visit: Visit
) -> None:
    page = visit(site.page('<also-see limit="3"></also-see>'))
    page.locator("also-see").evaluate("box => box.article = 'sudzha'")
    page.add_script_tag(url=f"{service.url}/widget.js")

    expect(page.locator("also-see .title")).to_have_text(titles("sudzha"))
    assert "sudzha" == page.locator("also-see").get_attribute("article")


def test_attributes_may_come_late(open_page: Callable[..., Page], service: HostSite) -> None:
    """The page's address is unknown to the service, so the box is hidden until it has its id."""
    page = open_page('<also-see limit="3"></also-see>')
    page.locator("also-see[hidden]").wait_for(state="attached")
    page.locator("also-see").evaluate("box => box.article = 'kursk'")

    expect(page.locator("also-see .title")).to_have_text(titles("kursk"))
    assert page.locator("also-see").get_attribute("hidden") is None


def test_another_layout_takes_its_own_room(open_page: Callable[..., Page]) -> None:
    page = open_page()
    expect(page.locator("also-see .excerpt")).to_have_count(3)
    page.locator("also-see").evaluate("box => box.layout = 'list'")

    expect(page.locator("also-see .excerpt")).to_have_count(0)
    expect(page.locator("also-see .title")).to_have_text(titles("kursk"))


def test_a_box_that_its_page_hides_asks_for_nothing(
    open_page: Callable[..., Page], service: HostSite
) -> None:
    page = open_page(f'{BOX}<also-see hidden article="sudzha"></also-see>')
    expect(page.locator("also-see .title")).to_have_text(titles("kursk"))
    hidden = page.locator("also-see").nth(1)

    assert ("", 1) == (hidden.get_attribute("hidden"), len(lists(service)))
    hidden.evaluate("box => box.hidden = false")
    expect(hidden.locator(".title")).to_have_text(titles("sudzha"))


# Moving and copying


def test_a_box_that_moves_keeps_its_list(open_page: Callable[..., Page], service: HostSite) -> None:
    page = open_page(f'<div id="left">{BOX}</div><div id="right"></div>')
    expect(page.locator("also-see .title")).to_have_text(titles("kursk"))
    page.evaluate("right.append(document.querySelector('also-see'))")
    page.evaluate("left.prepend(document.querySelector('also-see'))")
    page.evaluate("const box = document.querySelector('also-see'); box.remove(); left.append(box)")

    expect(page.locator("#left also-see .title")).to_have_text(titles("kursk"))
    assert 1 == len(lists(service))


def test_a_copy_makes_a_list_of_its_own(open_page: Callable[..., Page], service: HostSite) -> None:
    page = open_page()
    expect(page.locator("also-see .title")).to_have_text(titles("kursk"))
    page.evaluate("document.body.append(document.querySelector('also-see').cloneNode(true))")

    expect(page.locator("also-see").nth(1).locator(".title")).to_have_text(titles("kursk"))
    assert ["(kursk)"] == queries(service)[1]["page_token"]


def test_a_copy_of_an_empty_box_can_be_full(
    open_page: Callable[..., Page], service: HostSite
) -> None:
    service.pages["/v1/main/articles/kursk/related"] = (503, OPEN, b"")
    page = open_page()
    page.locator("also-see[hidden]").wait_for(state="attached")
    service.pages["/v1/main/articles/kursk/related"] = list_of("kursk")
    page.evaluate("document.body.append(document.querySelector('also-see').cloneNode(true))")

    expect(page.locator("also-see").nth(1).locator(".title")).to_have_text(titles("kursk"))


def test_a_view_transition_carries_a_box_from_page_to_page(
    open_page: Callable[..., Page], service: HostSite
) -> None:
    """Routers with view transitions exchange the body, and put what persists into the new one."""
    page = open_page()
    expect(page.locator("also-see .title")).to_have_text(titles("kursk"))
    page.evaluate("""
        const box = document.querySelector("also-see");
        const next = document.createElement("body");
        next.append(document.createElement("h1"), document.createElement("also-see"));
        next.lastChild.setAttribute("article", "sudzha");
        document.startViewTransition(() => {
            document.body.replaceWith(next);
            next.prepend(box);
        }).finished
    """)

    expect(page.locator("also-see .title")).to_have_text(titles("kursk") + titles("sudzha"))
    assert ["kursk", "sudzha"] == [path.split("/")[4] for path in lists(service)]


# Several boxes, several pages


def test_what_boxes_showed_on_an_earlier_page_is_not_left_out(
    open_page: Callable[..., Page], service: HostSite
) -> None:
    service.pages["/v1/main/recent"] = list_of("recent")
    page = open_page(BOX + '<also-see limit="3" section="War" article="kursk"></also-see>')
    expect(page.locator("also-see .title")).to_have_text(titles("kursk") * 2)
    page.evaluate("document.querySelectorAll('also-see').forEach(box => box.article = 'sudzha')")
    expect(page.locator("also-see .title")).to_have_text(titles("sudzha") * 2)

    assert [None, ["(kursk)"], None, ["(sudzha)"]] == [
        query.get("page_token") for query in queries(service)
    ]


def test_a_box_does_not_leave_out_what_it_shows_itself(
    open_page: Callable[..., Page], service: HostSite
) -> None:
    page = open_page(BOX + '<also-see limit="3" article="sudzha"></also-see>')
    expect(page.locator("also-see .title")).to_have_text(titles("kursk") + titles("sudzha"))
    page.locator("also-see").first.evaluate("box => box.limit = 4")
    until(lambda: len(lists(service)) == 3)

    assert ["(sudzha)"] == queries(service)[2]["page_token"]


@pytest.mark.parametrize("way", ["address", "canonical"])
def test_a_box_without_an_id_follows_the_page(
    open_page: Callable[..., Page], service: HostSite, way: str
) -> None:
    service.pages["/v1/main/related"] = list_of("kursk")
    head = '<link rel="canonical" href="https://news.example/one">' if way == "canonical" else ""
    page = open_page('<also-see limit="3"></also-see>', head=head)
    expect(page.locator("also-see .title")).to_have_text(titles("kursk"))
    page.evaluate("location.hash = 'comments'")
    service.pages["/v1/main/related"] = list_of("sudzha")
    page.evaluate(
        "document.querySelector('link[rel=canonical]').href = 'https://news.example/two'"
        if way == "canonical"
        else "history.pushState({}, '', '/two')"
    )
    expect(page.locator("also-see .title")).to_have_text(titles("sudzha"))
    [first, second] = [query["url"] for query in queries(service)]

    assert first != second
    assert second[0].endswith("/two")


@pytest.mark.parametrize("second", ["the same", "another version"])
def test_two_scripts_are_one(service: HostSite, site: HostSite, visit: Visit, second: str) -> None:
    text = widget().content
    if second == "another version":
        text = text.replace(b"Also See", b"More News")
    script = {**OPEN, "Content-Type": "text/javascript"}
    service.pages["/widget/0123456789ab/widget.js"] = (200, script, text)
    page = visit(site.page(BOX))
    page.add_script_tag(url=f"{service.url}/widget.js")
    page.add_script_tag(url=f"{service.url}/widget/0123456789ab/widget.js")
    page.evaluate("document.querySelector('also-see').article = 'sudzha'")

    expect(page.locator("also-see .title")).to_have_text(titles("sudzha"))
    assert "Also See" == page.locator("also-see .heading").inner_text()
    assert [] == visit.complaints


# What stories are like


TITLES = {
    "300 characters": "A report about the talks over the border between two rivers. " * 5,
    "no spaces": "東京都知事選挙の開票結果が明らかになり現職が三選を果たした" * 10,
    "one word": "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen" * 5,
}


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("layout", ["sidebar", "list", "grid", "inline"])
def test_a_long_title_stays_in_its_card(
    open_page: Callable[..., Page], service: HostSite, layout: str, width: int
) -> None:
    items = [item(n, title=title) for n, title in enumerate(TITLES.values(), 1)]
    service.pages["/v1/main/articles/kursk/related"] = answers(*items)
    body = f'<also-see article="kursk" layout="{layout}" limit="3"></also-see>'
    page = open_page(body, width=width)
    expect(page.locator("also-see .title")).to_have_count(3)
    overflows = page.locator("also-see .card").evaluate_all("""
        cards => cards.map(card => {
            const { bottom, right } = card.querySelector(".text").getBoundingClientRect();
            const edge = card.getBoundingClientRect();
            return [bottom > edge.bottom + 1, right > edge.right + 1];
        })
    """)

    assert [[False, False]] * 3 == overflows
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_grid_without_any_picture_has_no_hole(
    open_page: Callable[..., Page], service: HostSite
) -> None:
    service.pages["/v1/main/articles/kursk/related"] = answers(item(1), item(2))
    page = open_page('<also-see article="kursk" layout="grid"></also-see>')
    expect(page.locator("also-see .title")).to_have_count(2)

    assert page.locator("also-see .card").first.evaluate(
        "card => card.offsetHeight < 6 * parseFloat(getComputedStyle(card).fontSize)"
    )


def test_one_story_without_a_picture_keeps_its_place_among_others(
    open_page: Callable[..., Page], service: HostSite
) -> None:
    picture = {"url": f"{service.url}/favicon.ico", "alt": "", "width": 8, "height": 5}
    service.pages["/v1/main/articles/kursk/related"] = answers(item(1, image=picture), item(2))
    page = open_page('<also-see article="kursk" layout="grid"></also-see>')
    expect(page.locator("also-see .title")).to_have_count(2)

    [first, second] = page.locator("also-see .title").evaluate_all(
        "titles => titles.map(title => title.getBoundingClientRect().top)"
    )
    assert first == second


# Language


def test_a_shadow_root_has_the_language_of_its_page(open_page: Callable[..., Page]) -> None:
    page = open_page('<div id="host"></div>', lang="de-AT")
    page.evaluate("""
        const inner = document.createElement("div");
        host.attachShadow({ mode: "open" }).append(inner);
        const box = Object.assign(document.createElement("also-see"), { article: "kursk" });
        inner.attachShadow({ mode: "open" }).append(box);
    """)

    expect(page.locator("also-see .heading")).to_have_text("Lesen Sie auch")
    expect(page.locator("also-see .date").first).to_have_text("13. März 2025")


def test_the_language_nearest_to_the_box_counts(open_page: Callable[..., Page]) -> None:
    page = open_page('<div lang="pt-PT" id="host"></div>', lang="de")
    page.evaluate("""
        host.attachShadow({ mode: "open" }).append(
            Object.assign(document.createElement("also-see"), { article: "kursk" }));
    """)

    expect(page.locator("also-see .more").first).to_have_text("Ler mais »")


def test_a_page_whose_words_do_not_come_reads_english(
    open_page: Callable[..., Page], service: HostSite
) -> None:
    page = open_page(lang="fr")

    expect(page.locator("also-see .title")).to_have_text(titles("kursk"))
    assert "Also See" == page.locator("also-see .heading").inner_text()


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        ("en", "13 March 2025"),
        ("en-GB", "13 March 2025"),
        ("en-US", "March 13, 2025"),
        ("de-AT", "13. März 2025"),
        ("pt-PT", "13 de março de 2025"),
        ("", "13 March 2025"),
        ("no language at all", "13 March 2025"),
    ],
)
def test_a_date_is_written_as_in_the_region_of_the_page(
    open_page: Callable[..., Page], lang: str, expected: str
) -> None:
    page = open_page(lang=lang)

    expect(page.locator("also-see .date").first).to_have_text(expected)


# Events


def test_a_page_hears_of_a_list(open_page: Callable[..., Page]) -> None:
    page = open_page(script=EVENTS)
    [event] = until(lambda: page.evaluate("told"))

    assert ("also-see:load", "also-see", 3) == (event["type"], event["target"], event["items"])
    assert "5a1f0c2b9d3e4f6071" == event["recommendation"]


@pytest.mark.parametrize(
    ("answer", "event", "error"),
    [
        (answers(), "also-see:empty", "undefined"),
        ((404, JSON, b"{}"), "also-see:error", "Error: HTTP status 404"),
        ((200, JSON, b"<"), "also-see:error", "SyntaxError"),
    ],
    ids=["empty", "not found", "nonsense"],
)
def test_a_page_hears_that_there_is_no_list(
    open_page: Callable[..., Page], service: HostSite, answer: Answer, event: str, error: str
) -> None:
    service.pages["/v1/main/articles/kursk/related"] = answer
    page = open_page(script=EVENTS)
    [told] = until(lambda: page.evaluate("told"))

    assert event == told["type"]
    assert told["error"].startswith(error)


def test_an_application_can_follow_a_click_itself(
    open_page: Callable[..., Page], service: HostSite
) -> None:
    page = open_page(
        script=EVENTS + "addEventListener('also-see:click', event => event.preventDefault());"
    )
    address = page.url
    page.locator("also-see .title").nth(1).click()
    [told] = until(lambda: page.evaluate("told.filter(({ type }) => type.endsWith('click'))"))

    assert ("kursk-2", 2, 3) == (told["id"], told["position"], told["items"])
    assert address == page.url
    page.goto("about:blank")
    until(lambda: any(path == "/v1/main/events" for _, path, _, _ in service.requests))
