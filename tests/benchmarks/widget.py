"""
What the box costs a reader's browser: `.venv/bin/python tests/benchmarks/widget.py`.

On the sample newspaper's story page: CPU time of the main thread from the start of the script until
the first box is drawn, with all else that the page does meanwhile; the layout shift down the whole
page; and the web vitals of the page with the box beside those without it, in pairs.
"""

import gzip
import json
import os
import shutil
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
from screenshot import STORY, sample_newspaper  # noqa: E402

RUNS = 9
PAIRS = 15
VITALS = """
    window.vitals = { LCP: 0, INP: 0, CLS: 0 };
    const watch = (type, see) => new PerformanceObserver(list => list.getEntries().forEach(see))
        .observe({ type, buffered: true, durationThreshold: 16 });
    watch("largest-contentful-paint", entry => { vitals.LCP = entry.startTime; });
    watch("event", entry => {
        if (entry.interactionId) vitals.INP = Math.max(vitals.INP, entry.duration);
    });
    watch("layout-shift", entry => { if (!entry.hadRecentInput) vitals.CLS += entry.value; });
"""
CATEGORIES = ["toplevel", "devtools.timeline", "blink.user_timing"]
WATCH = """
    window.shift = 0;
    new PerformanceObserver(list => list.getEntries().forEach(entry => shift += entry.value))
        .observe({ type: "layout-shift", buffered: true });
    const filled = () => document.querySelector("also-see")?.shadowRoot?.querySelector(".title");
    const look = () => filled()
        ? requestAnimationFrame(() => setTimeout(() => performance.mark("first box drawn")))
        : requestAnimationFrame(look);
    look();
"""


def milliseconds(events: list[dict[str, Any]], start: float, end: float) -> float:
    """CPU time of the main thread's tasks that began between these moments."""
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "EvaluateScript" and "widget.js" in json.dumps(event.get("args", {}))
    }
    tasks = (
        event.get("tdur", 0)
        for event in events
        if event["name"].endswith("RunTask")
        and (event["pid"], event["tid"]) in mains
        and start <= event["ts"] <= end
    )
    return sum(tasks) / 1000


def moments(events: list[dict[str, Any]], name: str) -> Iterator[float]:
    for event in events:
        if name in (event["name"], *map(str, (event.get("args") or {}).get("data", {}).values())):
            yield event["ts"]


def scroll_down(page: Page) -> None:
    height = page.evaluate("document.documentElement.scrollHeight")
    for place in range(0, height, 600):
        page.evaluate("place => scrollTo(0, place)", place)
        page.wait_for_timeout(50)


def visit(browser: Browser, address: str) -> tuple[float, float]:
    """Main-thread milliseconds until the first box is drawn, and the layout shift."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        context.add_init_script(WATCH)
        page = context.new_page()
        browser.start_tracing(page=page, categories=CATEGORIES)
        page.goto(address, wait_until="networkidle")
        page.wait_for_timeout(200)
        events = json.loads(browser.stop_tracing())["traceEvents"]
        scripts = (e for e in events if e["name"] == "EvaluateScript")
        start = min(e["ts"] for e in scripts if "widget.js" in json.dumps(e.get("args", {})))
        end = min(moments(events, "first box drawn"))
        scroll_down(page)
        return milliseconds(events, start, end), page.evaluate("shift")


def vitals(browser: Browser, address: str, with_box: bool) -> dict[str, float]:
    """Of a reader who waits for everything, goes down the page, clicks and uses the keyboard."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        context.add_init_script(VITALS)
        page = context.new_page()
        if not with_box:
            page.route("**/widget.js", lambda route: route.abort())
        page.goto(address, wait_until="networkidle")
        scroll_down(page)
        page.locator("h1").click()
        for _ in range(5):
            page.keyboard.press("Tab")
        page.wait_for_timeout(300)
        figures: dict[str, float] = page.evaluate("vitals")
        return figures


def print_vitals(browser: Browser, address: str) -> None:
    pairs = []
    for number in range(PAIRS):
        order = (True, False) if number % 2 else (False, True)
        pairs.append({with_box: vitals(browser, address, with_box) for with_box in order})
    print(f"web vitals, medians of {PAIRS} pairs:")
    for name, unit in (("LCP", " ms"), ("INP", " ms"), ("CLS", "")):
        without, with_box = (
            statistics.median(pair[which][name] for pair in pairs) for which in (False, True)
        )
        difference = statistics.median(pair[True][name] - pair[False][name] for pair in pairs)
        print(
            f"  {name}: {without:.3g}{unit} without the box, {with_box:.3g}{unit} with it,"
            f" difference {difference:+.3g}{unit}"
        )


def main() -> None:
    for name in ("widget", "widget-extras"):
        script = (ROOT / f"api/static/{name}.js").read_bytes()
        print(f"{name}.js: {len(script):,} bytes, {len(gzip.compress(script, 9)):,} gzipped")
    with sample_newspaper() as (url, _key), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        times, shifts = zip(*(visit(browser, f"{url}/{STORY}") for _ in range(RUNS)), strict=True)
        print_vitals(browser, f"{url}/{STORY}")
        browser.close()
    print(
        f"main thread, from script to first box: {statistics.median(times):.1f} ms"
        f" (worst of {RUNS}: {max(times):.1f})"
    )
    print(f"layout shift, worst: {max(shifts)}")


if __name__ == "__main__":
    main()
