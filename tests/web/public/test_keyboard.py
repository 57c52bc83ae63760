"""Each page's main task by keyboard alone, at a desk in English and on a phone in Chinese."""

import json
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from .checking import proof_of
from .pages import FORMS, ONLY_TROUBLED, PAGES

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("public-site-keyboard")]
FORMS_OF_USE = {"desk-en": ((1280, 900), "en-GB"), "phone-zh": ((390, 844), "zh-CN")}
DONE: set[str] = set()
"""The endpoints whose main task a test here does."""


def main_task(*endpoints: str) -> Callable[[Callable], Callable]:
    def remember(test: Callable) -> Callable:
        DONE.update(endpoints)
        return test

    return remember


def test_every_page_has_its_main_task_here():
    assert {*PAGES, *ONLY_TROUBLED, *FORMS} - DONE == set()


@pytest.fixture(params=FORMS_OF_USE)
def page(request, browser: Browser, whole_base: str) -> Iterator[Page]:
    (width, height), locale = FORMS_OF_USE[request.param]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        base_url=whole_base,
        locale=locale,
        reduced_motion="reduce",
    )
    yield context.new_page()
    context.close()


def tab_to(page: Page, selector: str, most: int = 120, *, unfold: bool = False) -> None:
    """Press Tab until what ``selector`` names has the focus, and can be seen to have it.

    With ``unfold``, each fold on the way is opened.
    """
    for _ in range(most):
        page.keyboard.press("Tab")
        if unfold and page.evaluate("document.activeElement.matches('details:not([open]) > summary')"):
            page.keyboard.press("Enter")
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert style in {"solid", "auto"} or page.evaluate(
                "document.activeElement.closest('svg') !== null"
            )
            return
    pytest.fail(f"{selector} is not reached by keyboard")


@main_task("home.show", "certificate.show")
def test_a_search_and_a_certificate(page):
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


@main_task("search.show")
def test_the_filters_of_a_search(page):
    page.goto("/search?q=mingjing.test&match=subdomain")
    tab_to(page, "input[name=match]")
    page.keyboard.press("ArrowRight")
    expect(page.locator("input[value=contains]")).to_be_checked()
    tab_to(page, "input[name=exclude]")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url("**match=contains&exclude=expired**")


@main_task("calendar.show")
def test_from_a_lifetime_to_its_certificate(page):
    page.goto("/calendar")
    tab_to(page, "main a[href*='/certificate/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/certificate/**")


@main_task("logs.show", "logs.log", "audits.one", "audits.finding")
def test_a_log_its_audits_and_what_one_of_them_found(page):
    page.goto("/logs")
    tab_to(page, "article h3 a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/log/**")
    tab_to(page, "main a[href^='/audit/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/audit/*")
    tab_to(page, f"main a[href^='{urlsplit(page.url).path}/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/audit/*/*")
    expect(page.locator("main .banner")).to_be_visible()


@main_task("audits.show")
def test_from_an_alert_to_its_evidence(page, troubled_base):
    page.goto(f"{troubled_base}/audit")
    tab_to(page, "a[href^='/evidence/']", unfold=True)
    with page.expect_download() as kept:
        page.keyboard.press("Enter")
    assert json.loads(kept.value.path().read_text("utf-8"))["standing"] == "proof"


@main_task("issuers.show")
def test_the_issuers(page):
    page.goto("/issuers")
    tab_to(page, "svg a")
    page.keyboard.press("Enter")
    expect(page.locator("article:target")).to_have_count(1)


@main_task("inspect.show", "inspect.answer")
def test_a_certificate_is_inspected(page, world):
    page.goto("/inspect")
    tab_to(page, "#pem")
    page.keyboard.insert_text(world.hostile.pem)
    tab_to(page, "#host")
    page.keyboard.press("Enter")
    expect(page.locator("main .banner, main .lede")).not_to_have_count(0)
    tab_to(page, "main a, main summary, main input, main textarea")


@main_task("verify.show", "verify.checker")
def test_a_proof_is_checked_and_the_checker_kept(page, world, client):
    page.goto("/verify")
    tab_to(page, "#proof-text")
    page.keyboard.insert_text(json.dumps(proof_of(client, world, "sm2")))
    tab_to(page, "form.checker details > summary")
    page.keyboard.press("Enter")
    tab_to(page, "#trusted")
    tab_to(page, "form.checker button")
    page.keyboard.press("Enter")
    expect(page.locator("#result")).to_have_attribute("data-state", "trusted")
    tab_to(page, "a[download][href$='mingjing-verify.html']")
    with page.expect_download() as kept:
        page.keyboard.press("Enter")
    assert kept.value.suggested_filename == "mingjing-verify.html"


@main_task("watch.show", "watch.one")
def test_from_what_is_watched_to_what_settles_a_notice(page, troubled_base):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{troubled_base}/watch")
    tab_to(page, "a[href='/watch?open=1']")
    page.keyboard.press("Enter")
    page.wait_for_url("**open=1")
    tab_to(page, ".checks button.copy")
    page.keyboard.press("Enter")
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.includes('acknowledge'))")
    tab_to(page, "table a[href^='/watch/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/watch/*")
    expect(page.locator("section")).to_have_count(2)


@main_task("demo.show")
def test_all_sites_of_the_demo_are_checked(page, troubled_base):
    page.goto(f"{troubled_base}/demo")
    tab_to(page, "main form button")
    page.keyboard.press("Enter")
    page.wait_for_url("**run=1")
    expect(page.locator("article .state")).not_to_have_count(0)
    tab_to(page, "article summary")
    page.keyboard.press("Enter")
    expect(page.locator("article details[open]")).to_have_count(1)


def test_the_language_is_changed(page):
    page.goto("/audit")
    other = "en" if page.locator("html").get_attribute("lang") == "zh-CN" else "zh-CN"
    tab_to(page, f".languages a[lang={other}]")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", other)
    page.goto("/logs")
    expect(page.locator("html")).to_have_attribute("lang", other)


def test_the_way_out_of_a_page_that_is_not_there(page):
    page.goto("/nothing")
    tab_to(page, "#q")
    page.keyboard.type("good.mingjing.test")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?**")
