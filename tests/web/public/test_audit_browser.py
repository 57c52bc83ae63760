"""Logs and audits in Chromium without JavaScript, at both widths: from a glance to the evidence."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from monitor import Monitor
from web.public import create_app

from .conftest import OPERATOR, served
from .cosigned import keep_witnesses, make_accused, show_heads

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("public-site-browser")]
SIZES = {"desk": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def base(world, tmp_path_factory) -> Iterator[str]:
    """A site that caught a log lying, and knows of witnesses and of what others saw."""
    folder = tmp_path_factory.mktemp("audited")
    make_accused(world, folder)
    monitor = Monitor.open(folder / "monitor.db", operator=OPERATOR)
    show_heads(world, monitor)
    keep_witnesses(world, monitor)
    monitor.close()
    with served(create_app(world.settings(data=folder))) as address:
        yield address


@pytest.fixture(params=SIZES)
def page(request, browser: Browser, base: str) -> Iterator[Page]:
    width, height = SIZES[request.param]
    context = browser.new_context(
        viewport={"width": width, "height": height}, java_script_enabled=False, base_url=base, locale="en-GB"
    )
    yield context.new_page()
    context.close()


def test_from_the_glance_to_the_evidence_in_three_clicks(page: Page, tmp_path: Path):
    page.goto("/")
    expect(page.locator(".glance")).to_contain_text("1 open alert")
    page.get_by_role("link", name="Alerts").click()
    page.locator("details[id^=alert-] > summary").click()
    with page.expect_download() as download:
        page.locator("details[open] a[download]").click()
    evidence = tmp_path / "evidence.json"
    download.value.save_as(evidence)
    assert json.loads(evidence.read_text())["standing"] == "proof"


def test_from_the_strip_to_a_finding(page: Page):
    page.goto("/audit")
    expect(page.locator("svg.strip .bar.is-refused")).to_have_count(1)
    page.locator("figcaption a").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("of sm2")
    page.locator(".finding").first.get_by_role("link", name="Two trees of one size").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Two trees of one size")
    expect(page.get_by_role("heading", name="What to do")).to_be_visible()
    page.locator(".over a").last.click()
    expect(page.locator(".finding:target")).to_have_count(1)


def test_a_logs_page_shows_who_saw_what_and_fits(page: Page):
    page.goto("/log/sm2/")
    lanes = page.locator("svg.lanes")
    width = page.viewport_size["width"]
    box = lanes.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    expect(lanes.get_by_text("witness witness.example/w1")).to_be_visible()
    rows = page.locator("section[aria-labelledby=witnesses] tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("Its cosignature verifies")
    page.get_by_text("and how each continues the one before").click()
    expect(page.get_by_text("The log did not sign it").first).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/logs", "/log/sm2/", "/audit", "/audit/1", "/audit/1/0"])
def test_no_page_is_wider_than_its_window(browser: Browser, base: str, path: str):
    for locale in ("en-GB", "zh-CN"):
        context = browser.new_context(viewport={"width": 390, "height": 844}, base_url=base, locale=locale)
        page = context.new_page()
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
        context.close()
