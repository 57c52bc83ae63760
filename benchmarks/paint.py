"""The public site in a real browser (Debian's Chromium) on the loopback: how soon something is seen."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from benchmarks.demo import Demo
from benchmarks.figure import Figure

VISITS: Final = 9
LIMIT: Final = 200.0  # milliseconds
PAGES: Final = ("/", "/search?q=mingjing.test&match=subdomain")
FIRST_PAINT: Final = """() => new Promise((tell) => new PerformanceObserver((seen) => {
    for (const entry of seen.getEntriesByName('first-contentful-paint')) tell(entry.startTime);
}).observe({type: 'paint', buffered: true}))"""


def measure() -> Iterator[Figure]:
    """Start the demo on free ports and visit its pages, each time as a new visitor with an empty cache."""
    with (
        tempfile.TemporaryDirectory(prefix="mingjing-bench-") as folder,
        Demo(Path(folder) / "data") as demo,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for page in PAGES:
            median = sorted(_first_paint(browser, demo.site + page) for _ in range(VISITS))[VISITS // 2]
            name = f"first paint of {page.split('?')[0]}, a new visitor"
            yield Figure(name, median, "ms", "asked for", LIMIT, 1.0, higher_is_better=False)
        browser.close()


def _first_paint(browser: Browser, url: str) -> float:
    context = browser.new_context()
    page = context.new_page()
    page.goto(url)
    milliseconds = page.evaluate(FIRST_PAINT)
    context.close()
    return float(milliseconds)
