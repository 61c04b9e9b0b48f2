"""A service that fails, hangs, lies or attacks: the page around the box never notices."""

import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from browser_pages import POLICY, Answer, HostSite, Visit, follow, host_site, until
from playwright.sync_api import Browser, BrowserContext, Page
from scripted_service import BROKEN, HEAD, JSON, OPEN, answers, item, scripted_service

from api.v1.events import EventBatch

pytestmark = pytest.mark.browser

PATIENCE_SECONDS = 30
PICTURE = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
LIST = "/v1/main/articles/kursk/related"


@pytest.fixture
def service() -> Iterator[HostSite]:
    with scripted_service() as service:
        yield service


@pytest.fixture
def open_page(service: HostSite, site: HostSite, visit: Visit) -> Callable[..., Page]:
    """A page with a box and text around it, under a strict policy."""

    def open_page(answer: Any = None, body: str = "", **more: Any) -> Page:
        if answer is not None:
            service.pages[LIST] = answer
        body = body or '<p>before</p><also-see article="kursk"></also-see><p>after</p>'
        return visit(page_with(service, site, body), **more)

    return open_page


def page_with(service: HostSite, site: HostSite, body: str) -> str:
    script = f'<script async src="{service.url}/widget.js"></script>'
    return site.page(body, script, POLICY.format(service=service.url))


def shown(page: Page) -> list[str]:
    page.locator("also-see .title").first.wait_for()
    return page.locator("also-see .title").all_inner_texts()


# Failing


@pytest.mark.parametrize("fault", BROKEN)
def test_a_box_without_a_list_takes_no_room(open_page: Callable[..., Page], fault: str) -> None:
    """It stays in the page, which may be a framework's to take apart."""
    page = open_page(BROKEN[fault])
    page.locator("also-see").wait_for(state="hidden")

    assert "before\n\nafter" == page.locator("body").inner_text().strip()
    assert (True, 0, 0, 0) == tuple(
        page.locator("also-see").evaluate(
            "({ hidden, shadowRoot, offsetWidth, offsetHeight }) =>"
            " [hidden, shadowRoot.childNodes.length, offsetWidth, offsetHeight]"
        )
    )


def test_a_page_cannot_make_an_empty_box_take_room(
    open_page: Callable[..., Page], site: HostSite
) -> None:
    site.pages["/site.css"] = (200, {"Content-Type": "text/css"}, b"also-see { display: block }")
    page = open_page(answers())
    page.locator("also-see").wait_for(state="hidden")

    assert "none" == page.locator("also-see").evaluate("box => getComputedStyle(box).display")


RECORD_TIMEOUTS = """
    window.timeouts = [];
    AbortSignal.timeout = ms => { timeouts.push(ms); return timeoutAfter(ms); };
"""


def test_a_box_waits_two_seconds_for_a_slow_service_and_hides(
    open_page: Callable[..., Page],
) -> None:
    page_is_checked = threading.Event()

    def slow() -> Answer:
        page_is_checked.wait(PATIENCE_SECONDS)
        return answers(item())

    page = open_page(slow, script=RECORD_TIMEOUTS)
    page.locator("also-see").wait_for(state="hidden")
    texts = page.locator("p").all_inner_texts()
    page_is_checked.set()

    assert ["before", "after"] == texts
    assert [2000] == page.evaluate("timeouts")


def test_a_service_that_is_not_there_leaves_the_page_alone(
    open_page: Callable[..., Page], visit: Visit
) -> None:
    page = open_page((200, JSON, b""), '<p>Text</p><also-see service="http://127.0.0.1:9/">')
    page.locator("also-see").wait_for(state="hidden")

    assert ["Text"] == page.locator("p").all_inner_texts()
    assert not [said for said in visit.complaints if "Uncaught" in said]


@pytest.mark.parametrize("fault", ["an error", "noise", "an empty list", "null"])
def test_no_failure_is_an_error_of_the_page(
    open_page: Callable[..., Page], visit: Visit, fault: str
) -> None:
    errors = "addEventListener('error', () => { window.broken = true });"
    errors += "addEventListener('unhandledrejection', () => { window.broken = true });"
    page = open_page(BROKEN[fault], script=errors)
    page.locator("also-see").wait_for(state="hidden")

    assert not page.evaluate("window.broken")


def test_one_box_that_fails_does_not_hold_up_the_next(
    open_page: Callable[..., Page], service: HostSite
) -> None:
    service.pages["/v1/main/recent"] = (500, OPEN, b"")
    boxes = '<also-see list="recent"></also-see><also-see article="kursk"></also-see>'
    page = open_page(answers(item()), boxes)

    assert ["Story 1"] == shown(page)
    assert page.locator("also-see").first.is_hidden()


def test_a_script_that_does_not_come_holds_nothing_up(site: HostSite, visit: Visit) -> None:
    script = '<script async src="http://127.0.0.1:9/widget.js"></script>'
    page = visit(site.page("<p>Text</p><also-see></also-see>", script))

    assert "Text" == page.locator("body").inner_text().strip()


def test_a_broken_picture_is_taken_away(open_page: Callable[..., Page], service: HostSite) -> None:
    picture = {"url": f"{service.url}/nothing.jpg", "width": 8, "height": 5, "alt": "A flag"}
    page = open_page(answers(item(image=picture), item(2)))
    shown(page)
    until(lambda: page.locator("also-see .picture").count() == 0)

    assert ["Story 1", "Story 2"] == page.locator("also-see .title").all_inner_texts()


# Attacking

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "<object data=//canary.example/x></object>",
    "<embed src=//canary.example/x>",
    "<link rel=stylesheet href=//canary.example/x.css>",
    "<style>@import '//canary.example/x.css'</style>",
    "<base href=//canary.example/>",
    "<meta http-equiv=refresh content='0;url=//canary.example/'>",
    "<form action=//canary.example/><input type=submit autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)>",
    "<audio src=x onerror=alert(1)>",
    "<math><mtext><img src=x onerror=alert(1)></mtext></math>",
    "<template><script>alert(1)</script></template>",
    "<slot name=x></slot><also-see article=x></also-see>",
    "<!--<img src='--><img src=x onerror=alert(1)>",
    "<![CDATA[<script>alert(1)</script>]]>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    '" style="background:url(//canary.example/x)',
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "\x01javascript:alert(1)",
    " javascript:alert(1)",
    "javascript://news.example/%0aalert(1)",
    "javascript&colon;alert(1)",
    "vbscript:msgbox(1)",
    "livescript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    PICTURE,
    "blob:https://news.example/x",
    "file:///etc/passwd",
    "view-source:https://news.example",
    "about:blank",
    "intent://canary.example#Intent;end",
    "//canary.example/x",
    "\\\\canary.example\\x",
    "/\\canary.example/x",
    "https:canary.example",
    "http:/canary.example",
    "https:///canary.example",
    "ht\ttps://canary.example/",
    "?x=1",
    "#top",
    "",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "\u202egpj.exe\u202c",
    "\u2066\u2067\u2068x\u2069",
    "a\u0300" * 500,
    "\ud83d" * 3 + "\u0000\ufeff",
    "x" * 10_000,
    "constructor",
    "__proto__",
]
TYPES: list[Any] = [None, 7, True, [], {}, ["<b>"], {"toString": 1}, {"url": ["x"]}, -1e308]
FIELDS = ("id", "title", "excerpt", "url", "image", "alt", "published_at", "language")


def attack(field: str, text: Any) -> dict[str, Any]:
    if field == "image":
        return item(image={"url": text, "width": text, "height": text, "alt": "x"})
    if field == "alt":
        return item(image={"url": PICTURE, "alt": text})
    return item(**{field: text})


def trusted(service: HostSite, site: HostSite) -> tuple[str, ...]:
    return service.url, site.url, "data:"


def test_there_are_sixty_attacks() -> None:
    assert len(HOSTILE) >= 60


@pytest.mark.parametrize("field", FIELDS)
def test_an_attack_stays_text(
    open_page: Callable[..., Page],
    service: HostSite,
    site: HostSite,
    visit: Visit,
    field: str,
) -> None:
    attacks = [attack(field, text) for text in HOSTILE]
    body = '<also-see article="kursk" limit="70"></also-see>'
    page = open_page(answers(*attacks, recommendation_id=HOSTILE[0]), body)
    titles = shown(page)
    page.mouse.wheel(0, 20_000)
    page.wait_for_timeout(300)
    hrefs = page.locator("also-see").evaluate(
        "box => [...box.shadowRoot.querySelectorAll('[href],[src]')].map(n => n.href || n.src)"
    )
    tags = page.locator("also-see").evaluate(
        "box => [...new Set([...box.shadowRoot.querySelectorAll('*')].map(n => n.localName))]"
    )

    assert len(HOSTILE) == len(titles)
    assert [] == visit.complaints
    assert [] == [url for url in visit.requests if not url.startswith(trusted(service, site))]
    assert [] == [url for url in hrefs if not url.startswith(("https://", "http://"))]
    assert [] == [url for url in hrefs if "canary.example" in url.split("/")[2]]
    assert set(tags) <= {"aside", "h2", "ol", "li", "div", "a", "span", "time", "p", "img"}


@pytest.mark.parametrize("field", FIELDS)
def test_what_is_no_text_breaks_nothing(
    open_page: Callable[..., Page], service: HostSite, visit: Visit, field: str
) -> None:
    for number, value in enumerate(TYPES):
        service.pages[f"/v1/s{number}/recent"] = answers(attack(field, value))
    boxes = (
        f'<also-see site="s{n}" list="recent" limit="1"></also-see>' for n in range(len(TYPES))
    )
    last = answers(item(title="The last"))
    page = open_page(last, "".join(boxes) + '<also-see article="kursk"></also-see><p>after</p>')
    below = page.locator("also-see[article]")
    below.locator(".card").first.wait_for(state="attached")  # every box has its height
    below.scroll_into_view_if_needed()
    below.locator(".title", has_text="The last").wait_for()

    assert ["after"] == page.locator("p:not([part])").all_inner_texts()
    assert not [said for said in visit.complaints if "Uncaught" in said]


def test_links_lead_to_declared_hosts_only(open_page: Callable[..., Page]) -> None:
    addresses = [
        "https://news.example/1",
        "http://www.news.example/2",
        "https://cdn.example:8443/3",
        "https://cdn.example/4",
        "https://evil.example/5",
        "https://news.example.evil.example/6",
        "https://news.example@evil.example/7",
        "https://evil.example\\@news.example/8",
        "https://NEWS.example/9",
        "https://münchen.example/10",
        "https://xn--mnchen-3ya.example/11",
        "https://munchen.example/12",
    ]
    items = [item(number, url=url) for number, url in enumerate(addresses, 1)]
    hosts = "news.example, cdn.example:8443, München.example, [no host"
    page = open_page(answers(*items), f'<also-see article="kursk" hosts="{hosts}"></also-see>')
    shown(page)
    linked = page.locator("also-see a.title").all_inner_texts()

    assert [f"Story {number}" for number in (1, 2, 3, 9, 10, 11)] == linked


# A page token, where the service has them


def test_a_page_token_stands_for_all_that_the_page_shows(
    open_page: Callable[..., Page], service: HostSite
) -> None:
    service.pages["/v1/main/recent"] = answers(item(2), page_token="t2")
    boxes = '<also-see article="kursk"></also-see><also-see list="recent"></also-see>'
    page = open_page(answers(item(), page_token="t1"), boxes)
    page.locator("also-see .title", has_text="Story 2").wait_for()
    asked = [path for _, path, _, _ in service.requests if "/v1/" in path]

    assert [f"{LIST}?limit=5", "/v1/main/recent?limit=5&page_token=t1"] == asked


# Counting


def batches(service: HostSite) -> list[EventBatch]:
    return [EventBatch.model_validate(orjson.loads(body)) for body in sent(service)]


def sent(service: HostSite) -> list[bytes]:
    return [
        body
        for method, path, _, body in service.requests
        if (method, path) == ("POST", "/v1/main/events")
    ]


def leave(page: Page) -> None:
    page.goto("about:blank")


# A second that a card was in view is over, and the box knows.
COUNT_SECONDS = """
    const later = setTimeout;
    window.seconds = 0;
    window.setTimeout = (call, ms) => later(() => { call(); if (ms >= 1000) seconds++; }, ms);
"""
# Reader → attributes of the box, and what the browser says.
READERS = {
    "stays": ("", COUNT_SECONDS),
    "says GPC": (
        "",
        "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})",
    ),
    "says DNT": ("", "Object.defineProperty(Navigator.prototype, 'doNotTrack', {get: () => '1'})"),
    "is not counted": ("events=off", ""),
    # Leaves before the second is over that a card has to be in view, however slow the machine is.
    "glances": (
        "",
        "const later = setTimeout;"
        "window.setTimeout = (call, ms) => ms >= 1000 ? 0 : later(call, ms);",
    ),
}


@pytest.fixture(scope="module")
def told(browser: Browser, contexts: dict[str, BrowserContext]) -> Iterator[dict[str, list[bytes]]]:
    """What the service hears of each reader; all look at the same time, `stays` leaves last."""
    visit = Visit(browser, contexts)
    with scripted_service() as service, host_site() as site:

        def look(name: str) -> Page:
            attributes, script = READERS[name]
            path = f"/v1/main/articles/{quote(name)}/related"
            service.pages[path] = answers(*(item(n, id=f"{name} {n}") for n in range(1, 31)))
            body = f'<also-see article="{name}" limit="30" {attributes}></also-see>'
            page = visit(page_with(service, site, body), script=script)
            shown(page)
            return page

        pages = {name: look(name) for name in READERS if name != "glances"}
        until(lambda: pages["stays"].evaluate("seconds"))
        pages["glances"] = look("glances")
        pages["glances"].wait_for_timeout(300)
        for page in reversed(pages.values()):
            leave(page)
        until(lambda: any(b"stays" in body for body in sent(service)))
        yield {name: [b for b in sent(service) if name.encode() in b] for name in READERS}
    visit.close()


def test_what_was_in_view_for_a_second_is_told_on_leaving(told: dict[str, list[bytes]]) -> None:
    [batch] = (EventBatch.model_validate_json(body) for body in told["stays"])
    events = [(event.type, event.article, event.position) for event in batch.events]

    assert ("impression", "stays 1", 1) in events
    assert ("impression", "stays 30", 30) not in events
    assert HEAD["recommendation_id"] == batch.recommendation_id


def test_a_glance_is_no_impression(told: dict[str, list[bytes]]) -> None:
    assert [] == told["glances"]


@pytest.mark.parametrize("reader", ["says GPC", "says DNT", "is not counted"])
def test_who_does_not_want_to_be_counted_sends_nothing(
    told: dict[str, list[bytes]], reader: str
) -> None:
    assert [] == told[reader]


def test_a_batch_holds_events_and_the_id_of_the_list_and_nothing_else(
    told: dict[str, list[bytes]],
) -> None:
    [body] = map(orjson.loads, told["stays"])

    assert {"recommendation_id", "events"} == body.keys()
    assert {("type", "article", "position")} == {tuple(event) for event in body["events"]}


def test_a_click_is_told(open_page: Callable[..., Page], service: HostSite, site: HostSite) -> None:
    site.pages["/next"] = (200, {"Content-Type": "text/html"}, b"next")
    page = open_page(answers(item(url=f"{site.url}/next")))
    shown(page)
    follow(page, page.locator("also-see .title").first)
    [batch] = until(lambda: batches(service))

    assert [("click", "story-1", 1)] == [(e.type, e.article, e.position) for e in batch.events]
    assert page.url == f"{site.url}/next"


def test_of_other_buttons_only_the_middle_one_is_a_click(
    open_page: Callable[..., Page], service: HostSite
) -> None:
    page = open_page(answers(item(), item(2), item(3)))
    shown(page)
    with page.context.expect_page() as other_tab:
        page.locator("also-see .title").nth(0).click(button="middle")
    other_tab.value.close()
    page.locator("also-see .title").nth(1).click(button="right")
    leave(page)
    [batch] = until(lambda: batches(service))

    assert [("click", "story-1")] == [(e.type, e.article) for e in batch.events]


@pytest.mark.parametrize(
    ("zone", "moment", "expected"),
    [
        ("America/Los_Angeles", "2025-03-13T00:00:00Z", "13 March 2025"),
        ("Pacific/Auckland", "2025-03-13T00:00:00Z", "13 March 2025"),
        ("America/Los_Angeles", "2025-03-13T06:59:59Z", "12 March 2025"),
        ("Pacific/Auckland", "2025-03-13T23:00:00Z", "14 March 2025"),
    ],
)
def test_a_moment_has_the_readers_date_and_a_day_its_own(
    open_page: Callable[..., Page], zone: str, moment: str, expected: str
) -> None:
    page = open_page(answers(item(published_at=moment)), timezone_id=zone)
    shown(page)

    assert expected == page.locator("also-see .date").inner_text()


def test_ids_of_any_kind_reach_the_service(
    open_page: Callable[..., Page], service: HostSite
) -> None:
    name = "2025/03/13/Straße & co?#%"
    service.pages[f"/v1/main/articles/{quote(name, safe='')}/related"] = answers(item())
    escaped = name.replace("&", "&amp;")
    page = open_page(answers(), f'<also-see article="{escaped}"></also-see>')

    assert ["Story 1"] == shown(page)
