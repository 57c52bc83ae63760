"""No accessibility violation that axe-core knows, on any page, in any form."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from web.public import create_app

from . import test_inspect
from .conftest import served
from .pages import PROBLEMS, addresses, troubled_addresses

organisation = test_inspect.organisation

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("public-site-accessibility")]
SIZES = {"desk": (1280, 900), "phone": (390, 844)}
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
FORMS = [("desk", "en", "light"), ("phone", "en", "dark"), ("desk", "zh", "dark"), ("phone", "zh", "light")]
"""Each pair of size, language and scheme occurs."""

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text("utf-8")
RUN = """async () => {
    document.querySelectorAll('details').forEach((fold) => { fold.open = true });
    const found = await axe.run(document, {resultTypes: ['violations']});
    return found.violations.map((rule) => `${rule.id}: ${rule.nodes.slice(0, 3).map((node) => node.html)}`);
}"""


@pytest.fixture(scope="module")
def judging_base(world, organisation) -> Iterator[str]:
    with served(create_app(world.settings(data=organisation))) as address:
        yield address


@pytest.fixture(params=FORMS, ids="-".join)
def page(request, browser: Browser, whole_base: str) -> Iterator[Page]:
    size, language, scheme = request.param
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, base_url=whole_base, color_scheme=scheme,
        locale=LANGUAGES[language], reduced_motion="reduce",
    )  # fmt: skip
    yield context.new_page()
    context.close()


def violations(page: Page) -> list[str]:
    page.evaluate(AXE)
    return page.evaluate(RUN)


def violations_of(page: Page, addresses: Iterable[str]) -> dict[str, list[str]]:
    """Go to each address; what answers with JSON, as to a form of output that is not known, is no page."""
    found = {}
    for address in addresses:
        answer = page.goto(address)
        if answer and answer.headers["content-type"].startswith("text/html") and (wrong := violations(page)):
            found[address] = wrong
    return found


@pytest.mark.timeout(1800)
def test_on_every_page(page, world, whole):
    assert violations_of(page, (*addresses(world, whole.test_client()), *PROBLEMS)) == {}


@pytest.mark.timeout(1800)
def test_on_every_page_of_a_site_in_trouble(page, world, troubled, troubled_base):
    paths = troubled_addresses(world, troubled.test_client())
    assert violations_of(page, [f"{troubled_base}{path}" for path in paths]) == {}


def test_on_the_verdict_about_a_certificate_that_was_sent(page, world, judging_base):
    for certificate in (world.hostile, world.pair.sm2.certificate):
        page.goto(f"{judging_base}/inspect")
        page.locator("#pem").fill(certificate.pem)
        page.locator("#host").fill("good.mingjing.test")
        page.locator("#host").press("Enter")
        expect(page.locator("main .banner")).to_be_visible()
        assert violations(page) == []


def test_on_the_checkers_results(page):
    """What was refused, and what cannot be known, look otherwise than what /verify shows by itself."""
    page.goto("/verify")
    page.locator("#proof-text").fill("{")
    page.locator("#proof-text").press("Tab")
    page.locator("form.checker button").click()
    expect(page.locator("#result")).to_have_attribute("data-state", "refused")
    assert violations(page) == []


def test_on_the_checker_that_was_saved(saved):
    for language in ("简体中文", "English"):
        saved.get_by_role("button", name=language).click()
        assert violations(saved) == []
