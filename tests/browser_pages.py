"""Pages of a newspaper's own site, with boxes of a service that lives at another origin."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import orjson
from playwright.sync_api import Browser, BrowserContext, Locator, Page

Answer = tuple[int, dict[str, str], bytes]
POLICY = (
    "default-src 'none'; script-src {service}; connect-src {service}; img-src {service} data:;"
    " style-src 'self'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)


class HostSite:
    """
    A site that serves whatever a test puts on it; every request is kept in `requests`.

    Attributes:
        url: of its root.
        pages: path → status, headers and body, or a function that answers so.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.pages: dict[str, Answer | Callable[[], Answer]] = {}
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []

    def page(self, body: str, head: str = "", policy: str = "", lang: str = "en") -> str:
        """Put a page up, and return its address."""
        text = (
            f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>A story</title>'
            f'<link rel="stylesheet" href="/site.css">{head}</head><body>{body}</body></html>'
        )
        headers = {"Content-Type": "text/html; charset=utf-8"}
        if policy:
            headers["Content-Security-Policy"] = policy
        path = f"/page-{len(self.pages)}"
        self.pages[path] = (200, headers, text.encode())
        return self.url + path

    def answer(self, path: str) -> Answer:
        found = self.pages.get(path.partition("?")[0], (404, {}, b"not here"))
        return found() if callable(found) else found


@contextmanager
def host_site() -> Iterator[HostSite]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            site.requests.append((self.command, self.path, dict(self.headers), body))
            status, headers, answer = site.answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

        def handle(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):  # a reader who left
                super().handle()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site = HostSite(server.server_address[1])
        site.pages["/site.css"] = (
            200,
            {"Content-Type": "text/css"},
            b":root { color-scheme: light dark; background: Canvas; color: CanvasText }",
        )
        site.pages["/favicon.ico"] = (200, {"Content-Type": "image/svg+xml"}, b"<svg/>")
        # It looks that often whether it is to end.
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield site
        server.shutdown()
        thread.join()


# A box waits for two seconds. Beside other tests a service may take longer, and is not slow.
PATIENCE = """
    window.timeoutAfter = AbortSignal.timeout.bind(AbortSignal);
    AbortSignal.timeout = ms => timeoutAfter(15 * ms);
"""
WATCH = """
    addEventListener("securitypolicyviolation",
        event => console.error("CSP: " + event.violatedDirective + " " + event.blockedURI));
    window.shifts = [];
    new PerformanceObserver(list => list.getEntries().forEach(entry => {
        if (!entry.hadRecentInput) shifts.push(entry.value);
    })).observe({ type: "layout-shift", buffered: true });
"""


class Visit:
    """
    Opens pages as readers do: `visit(address, width=360, scheme="dark")`.

    Args:
        contexts: what readers have open already, by what they are like: to open another tab takes
            half the time.

    Attributes:
        complaints: what any page said to the console, and its dialogs.
        requests: the addresses that any page asked for.
    """

    def __init__(self, browser: Browser, contexts: dict[str, BrowserContext]) -> None:
        self._browser, self._contexts = browser, contexts
        self._pages: list[Page] = []
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def __call__(
        self, address: str, width: int = 1280, scheme: Any = "light", script: str = "", **more: Any
    ) -> Page:
        size = {"width": width, "height": 800}
        like = {"viewport": size, "color_scheme": scheme, **more}
        if repr(like) not in self._contexts:
            self._contexts[repr(like)] = self._browser.new_context(**like)
        page = self._contexts[repr(like)].new_page()
        self._pages.append(page)
        page.add_init_script(PATIENCE + WATCH + script)
        page.on("console", lambda said: self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(address)
        return page

    def close(self) -> None:
        for page in self._pages:
            page.close()


def until(fact: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Wait until *fact* is true, or fail."""
    deadline = time.monotonic() + seconds
    while not (found := fact()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found


def fetch_json(address: str, **query: Any) -> Any:
    with urlopen(f"{address}?{urlencode(query)}") as response:
        return orjson.loads(response.read())


def follow(page: Page, link: Locator) -> None:
    """Click, and wait for the page that comes then: a click alone may be back before."""
    with page.expect_navigation():
        link.click()
