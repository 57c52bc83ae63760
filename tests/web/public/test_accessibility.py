"""No accessibility violation that axe-core knows, on any page, in any form; and each task by keyboard."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from mingjing.services.site import demo_sites
from web.public import create_app

from .conftest import served

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("public-site-accessibility")]
SIZES = {"desk": (1280, 900), "phone": (390, 844)}
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
PAGES = [
    "/",
    "/search",
    "/search?q=mingjing.test&match=subdomain",
    "/search?q=no.mingjing.test",
    "/search?q=a&match=near",
    "/logs",
    "/log/sm2/",
    "/audit",
    "/audit/1",
    "/issuers",
    "/inspect",
    "/verify",
    "/watch",
    "/demo",
    "/nothing",
]
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text("utf-8")
RUN = """async () => {
    document.querySelectorAll('details').forEach((fold) => { fold.open = true });
    const found = await axe.run(document, {resultTypes: ['violations']});
    return found.violations.map((rule) => `${rule.id}: ${rule.nodes.slice(0, 3).map((node) => node.html)}`);
}"""


@pytest.fixture(scope="module")
def base(world) -> Iterator[str]:
    with served(create_app(world.settings(demo_sites=demo_sites()))) as address:
        yield address


def opened(browser: Browser, base: str, size: str, language: str, scheme: str = "light") -> Page:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, base_url=base, color_scheme=scheme,
        locale=LANGUAGES[language], reduced_motion="reduce",
    )  # fmt: skip
    return context.new_page()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing(browser, base, world, language, size, scheme):
    page = opened(browser, base, size, language, scheme)
    certificate = f"/certificate/{world.pair.sm2.certificate.fingerprint.hex()}"
    revoked = f"/certificate/{world.revoked.ecc.certificate.fingerprint.hex()}"
    found = {}
    for path in (*PAGES, certificate, revoked):
        page.goto(path)
        page.evaluate(AXE)
        if violations := page.evaluate(RUN):
            found[path] = violations
    page.context.close()
    assert found == {}


@pytest.fixture(params=[(size, language) for size in SIZES for language in LANGUAGES], ids="-".join)
def page(request, browser: Browser, base: str) -> Iterator[Page]:
    made = opened(browser, base, *request.param)
    yield made
    made.context.close()


def tab_to(page: Page, selector: str, most: int = 80) -> None:
    """Press Tab until what ``selector`` names has the focus, and can be seen to have it."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert style in {"solid", "auto"} or page.evaluate(
                "document.activeElement.closest('svg') !== null"
            )
            return
    pytest.fail(f"{selector} is not reached by keyboard")


def test_a_search_and_a_certificate_by_keyboard(page):
    page.goto("/")
    tab_to(page, "#q")
    page.keyboard.type("good.mingjing.test")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?**")
    tab_to(page, "tbody th a")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("good.mingjing.test")
    tab_to(page, "figure details > summary")
    page.keyboard.press("Enter")
    expect(page.locator("figure details[open]")).to_have_count(1)


def test_the_filters_of_a_search_by_keyboard(page):
    page.goto("/search?q=mingjing.test&match=subdomain")
    tab_to(page, "input[name=match]")
    page.keyboard.press("ArrowRight")
    expect(page.locator("input[value=contains]")).to_be_checked()
    tab_to(page, "input[name=exclude]")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url("**match=contains&exclude=expired**")


def test_a_log_and_its_audits_by_keyboard(page):
    page.goto("/logs")
    tab_to(page, "article h3 a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/log/**")
    tab_to(page, "tbody a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/audit/**")
    assert page.locator(".checks li").count() > 2


def test_the_issuers_by_keyboard(page):
    page.goto("/issuers")
    tab_to(page, "svg a")
    page.keyboard.press("Enter")
    expect(page.locator("article:target")).to_have_count(1)


def test_a_certificate_is_inspected_by_keyboard(page, world):
    page.goto("/inspect")
    tab_to(page, "#pem")
    page.keyboard.insert_text(world.hostile.pem)
    tab_to(page, "#host")
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    expect(page.locator("main .banner, main .lede")).not_to_have_count(0)


def test_the_language_is_changed_by_keyboard(page):
    page.goto("/audit")
    other = "en" if page.locator("html").get_attribute("lang") == "zh-CN" else "zh-CN"
    tab_to(page, f".languages a[lang={other}]")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", other)
    page.goto("/logs")
    expect(page.locator("html")).to_have_attribute("lang", other)
