"""Search results while somebody types, in a real browser, at a desk and on a phone, in good and bad times."""

import re
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from werkzeug.serving import WSGIRequestHandler, make_server

from web.public import create_app

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("public-site-search")]
SIZES = {"desk": (1280, 900), "phone": (390, 844)}
ALL = 14  # certificates below the domain


class Handler(WSGIRequestHandler):
    """Says nothing of requests."""

    def log(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def base(world) -> Iterator[str]:
    """The site behind a server that takes it calmly when a browser drops a request."""
    server = make_server("127.0.0.1", 0, create_app(world.settings()), threaded=True, request_handler=Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=SIZES)
def page(request, browser: Browser, base: str) -> Iterator[Page]:
    """A page that must cause no console error, where typing never loads another page."""
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, base_url=base, locale="en-GB")
    opened, complaints = context.new_page(), []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert complaints == []


def began(page: Page, path: str = "/search") -> None:
    page.goto(path)
    page.evaluate("window.same = true")


def stayed(page: Page) -> bool:
    return page.evaluate("window.same === true")


def rows(page: Page):
    return page.locator("#found tbody tr")


def test_results_come_while_typing_and_the_address_is_that_of_the_search(page: Page) -> None:
    began(page)
    field = page.get_by_role("searchbox")
    field.press_sequentially("mingjing.test", delay=20)
    expect(rows(page)).to_have_count(ALL)
    expect(page).to_have_url(re.compile(r"/search\?q=mingjing\.test&match=subdomain$"))
    expect(page).to_have_title(re.compile(r"^mingjing\.test"))
    expect(field).to_be_focused()
    expect(page.locator("#told [role=status]")).to_have_text(f"{ALL} certificates")
    assert stayed(page)
    page.reload()
    expect(rows(page)).to_have_count(ALL)
    expect(field).to_have_value("mingjing.test")


def test_what_matched_is_marked_and_the_rest_of_the_page_follows(page: Page) -> None:
    began(page)
    page.get_by_label("when it contains this").check()
    page.get_by_role("searchbox").fill("www.ming")
    expect(page.locator("#found tbody mark").first).to_have_text("www.ming")
    wanted = re.compile(r"/search\?q=www\.ming&match=contains")
    for link in (".foot .end", ".languages a[lang=zh-CN]", "link[hreflang=en]"):
        expect(page.locator(link)).to_have_attribute("href", wanted)
    expect(page.locator('link[type="application/atom+xml"]')).to_have_attribute("href", wanted)
    page.get_by_role("searchbox").fill("")
    expect(page.get_by_role("heading", name="What can be searched for")).to_be_visible()
    expect(page.locator('link[type="application/atom+xml"]')).to_have_count(0)


def test_every_filter_works_the_same_way(page: Page) -> None:
    began(page, "/search?q=mingjing.test&match=subdomain")
    page.get_by_text("Narrow it down").click()
    page.get_by_label("Revocation").select_option("revoked")
    expect(rows(page)).to_have_count(2)
    expect(page).to_have_url(re.compile(r"&revocation=revoked$"))
    page.get_by_label("Revocation").select_option("")
    page.get_by_label("In the log").select_option("sm2")
    expect(page).to_have_url(re.compile(r"&log=sm2$"))
    expect(rows(page)).to_have_count(ALL)
    page.get_by_label("Issuer", exact=True).fill("SSL SM2")
    expect(rows(page)).to_have_count(ALL // 2)
    expect(page.locator("#found tbody td mark").first).to_have_text("SSL SM2")
    page.get_by_label("leave out expired ones").check()
    expect(rows(page)).to_have_count(ALL // 2 - 1)
    page.get_by_label("Expires from").fill("2090-01-01")
    expect(page.get_by_text("No certificate matches")).to_be_visible()
    assert stayed(page)


def test_back_from_a_certificate_leads_to_the_same_results(page: Page) -> None:
    began(page)
    page.get_by_role("searchbox").fill("good.mingjing.test")
    rows(page).first.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("good.mingjing.test")
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("good.mingjing.test")
    expect(rows(page)).to_have_count(2)
    page.get_by_role("searchbox").fill("expired.mingjing.test")
    expect(rows(page).first).to_contain_text("expired.mingjing.test")


def test_an_open_fold_stays_open_and_a_link_keeps_the_focus(page: Page) -> None:
    began(page, "/search?q=mingjing.test&match=subdomain")
    page.locator("#lifetimes summary").click()
    link = rows(page).filter(has_text="good.mingjing.test").first.get_by_role("link")
    target = link.get_attribute("href")
    link.focus()
    page.evaluate("""() => {
        document.getElementById('q').value = 'good.mingjing.test';
        document.getElementById('search').dispatchEvent(new Event('change'));
    }""")
    expect(rows(page)).to_have_count(2)
    expect(page.locator("#lifetimes svg.calendar").first).to_be_visible()
    assert page.evaluate("document.activeElement.getAttribute('href')") == target


def test_an_older_request_never_overtakes_a_newer_one(page: Page) -> None:
    began(page)
    held: list[Route] = []
    page.route("**/search?q=good**", lambda route: held.append(route))  # noqa: PLW0108  Playwright marks the function
    with page.expect_event("requestfailed", lambda asked: "q=good" in asked.url):
        page.get_by_role("searchbox").fill("good")
        expect(page.locator("#found")).to_have_attribute("aria-busy", "true")
        page.get_by_role("searchbox").fill("revoked.mingjing.test")
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text("revoked.mingjing.test")
    assert len(held) == 1
    expect(page.locator("#told [role=status]")).to_have_text("2 certificates")


def test_a_slow_answer_says_so(page: Page) -> None:
    began(page)
    held: list[Route] = []
    page.route("**/search?q=good**", lambda route: held.append(route))  # noqa: PLW0108  Playwright marks the function
    page.get_by_role("searchbox").fill("good.mingjing.test")
    expect(page.get_by_text("Still searching…")).to_be_visible()
    held[0].continue_()
    expect(rows(page)).to_have_count(2)
    expect(page.get_by_text("Still searching…")).to_have_count(0)


@pytest.mark.parametrize("trouble", ["gone", "broken"])
def test_a_failed_answer_says_so_and_can_be_tried_again(page: Page, trouble: str) -> None:
    began(page, "/search?q=revoked.mingjing.test")
    broken = {
        "gone": lambda route: route.abort(),
        "broken": lambda route: route.fulfill(status=502, body="no"),
    }
    page.route("**/search?q=good**", broken[trouble])
    page.get_by_role("searchbox").fill("good.mingjing.test")
    expect(page.get_by_text("The site did not answer.")).to_be_visible()
    expect(rows(page)).to_have_count(2)
    page.unroute("**/search?q=good**")
    page.get_by_role("button", name="Try again").click()
    expect(rows(page).first).to_contain_text("good.mingjing.test")
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_what_cannot_be_searched_for_is_said_without_alarm(page: Page) -> None:
    began(page)
    page.get_by_role("searchbox").fill("ip:nowhere")
    expect(page.get_by_text("This cannot be searched for")).to_be_visible()
    expect(page.locator("[role=alert]")).to_have_count(0)
    expect(page.locator("#told [role=status]")).to_contain_text("Ip: expected an IP address")


def test_letters_that_are_still_being_composed_are_not_searched_for(page: Page) -> None:
    """An input method for Chinese writes Latin letters into the field before the word stands."""
    began(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/search" in request.url else None)
    compose = """([text, composing]) => {
        const field = document.getElementById('q');
        field.value = text;
        field.dispatchEvent(new InputEvent('input', {bubbles: true, isComposing: composing}));
        if (!composing) field.dispatchEvent(new CompositionEvent('compositionend', {bubbles: true}));
    }"""
    page.evaluate(compose, ["zhong", True])
    page.wait_for_timeout(300)
    assert asked == []
    page.evaluate(compose, ["中文.mingjing.test", False])
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text("中文.mingjing.test")


def test_enter_loads_a_clean_address(page: Page) -> None:
    began(page)
    page.get_by_role("searchbox").fill("good.mingjing.test")
    page.get_by_role("searchbox").press("Enter")
    expect(page).to_have_url(re.compile(r"/search\?q=good\.mingjing\.test&match=subdomain$"))
    expect(rows(page)).to_have_count(2)


def test_chinese_stays_chinese(browser: Browser, base: str) -> None:
    context = browser.new_context(base_url=base, locale="en-GB")
    page = context.new_page()
    page.goto("/search?lang=zh")
    context.clear_cookies()
    page.get_by_role("searchbox").fill("good.mingjing.test")
    expect(page.get_by_role("heading", name="2 张证书")).to_be_visible()
    expect(page.locator("#told [role=status]")).to_have_text("2 张证书")
    expect(page).to_have_url(re.compile(r"&lang=zh$"))
    context.close()
