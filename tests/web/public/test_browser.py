"""The site in a real browser, at a desk and on a phone: its main tasks, by keyboard, in light and dark."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from .pages import addresses

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("public-site-browser")]
SIZES = {"desk": (1280, 900), "phone": (390, 844), "small phone": (320, 640)}


@pytest.fixture(scope="module")
def base(whole_base: str) -> str:
    return whole_base


@pytest.fixture(params=SIZES)
def page(request, browser: Browser, base: str) -> Iterator[Page]:
    """A page that must cause no console error, no failed and no foreign request."""
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, base_url=base)
    opened, complaints = context.new_page(), []
    opened.on(
        "console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None
    )
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("requestfailed", lambda asked: complaints.append(f"{asked.failure}: {asked.url}"))
    opened.on("request", lambda asked: None if asked.url.startswith(base) else complaints.append(asked.url))
    yield opened
    context.close()
    # leaving a page before its icon came is not a failure of the site's
    assert [complaint for complaint in complaints if "ERR_ABORTED" not in complaint] == []


def test_search_finds_a_certificate_and_its_page_shows_the_proof(page: Page) -> None:
    page.goto("/")
    page.get_by_role("searchbox").fill("good.mingjing.test")
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_role("heading", name="2 certificates")).to_be_visible()
    page.get_by_role("link", name="good.mingjing.test").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("good.mingjing.test")
    proofs = page.get_by_role("img", name="ending in the signed root")
    expect(proofs).to_have_count(4)  # of precertificate and certificate, in two logs
    expect(page.get_by_text("The path ends in the signed root").first).to_be_visible()
    page.get_by_role("link", name="ECDSA, 256 bits").or_(
        page.get_by_role("link", name="SM2", exact=True)
    ).first.click()
    expect(page.get_by_text("one of a pair")).to_be_visible()


def test_nothing_is_wider_than_the_screen(page: Page, world, whole) -> None:
    for path in addresses(world, whole.test_client()):
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true })")
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, path


def test_a_hash_is_copied_whole_with_one_click(page: Page, world) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    fingerprint = world.pair.sm2.certificate.fingerprint.hex()
    page.goto(f"/certificate/{fingerprint}")
    page.get_by_role("button", name="copy SHA-256 of the certificate", exact=True).click()
    assert page.evaluate("navigator.clipboard.readText()") == fingerprint


def test_it_all_works_by_keyboard(page: Page) -> None:
    page.goto("/logs")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="sm2")).to_be_focused()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("sm2")
    fold = page.locator("details summary").last
    fold.focus()
    page.keyboard.press("Enter")
    expect(page.locator("details").last).to_have_attribute("open", "")


def test_the_cas_in_the_drawing_are_links(page: Page) -> None:
    page.goto("/issuers")
    page.locator("svg.hierarchy a").last.click()
    assert page.url.split("#")[1] == page.locator("article:target").get_attribute("id")


def test_hostile_names_do_nothing(page: Page, world) -> None:
    page.on("dialog", lambda dialog: pytest.fail(f"a name ran: {dialog.message}"))
    for path in (
        f"/certificate/{world.hostile.fingerprint.hex()}",
        "/search?q=hostile.test&match=subdomain",
        "/issuers",
    ):
        page.goto(path)
        assert page.locator("main img, main script, main style, main iframe").count() == 0


def test_the_policy_stops_what_escaping_would_miss(browser: Browser, base: str) -> None:
    """The second line of defence, tried by putting in what the first line never lets through."""
    context = browser.new_context(base_url=base)
    page = context.new_page()
    page.goto("/")
    page.evaluate("""() => {
        const inline = document.createElement('script'); inline.textContent = 'window.ran = 1';
        const handler = document.createElement('div');
        handler.innerHTML = '<img src=x onerror="window.ran = 2">';
        document.body.append(inline, handler);
    }""")
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None
    context.close()


def test_it_works_without_javascript(browser: Browser, base: str) -> None:
    context = browser.new_context(base_url=base, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.get_by_role("searchbox").fill("good.mingjing.test")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="good.mingjing.test").first.click()
    page.get_by_text("Every hash of this proof").first.click()
    expect(page.get_by_text("Step 1, sibling on the").first).to_be_visible()
    expect(page.get_by_role("button", name="copy")).to_have_count(0)
    context.close()


CONTRAST = """() => {
    const linear = (v) => v <= 10 ? v / 3294.6 : ((v / 255 + 0.055) / 1.055) ** 2.4;
    const light = (c) => c.map(linear)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const rgb = (text) => text.match(/[0-9.]+/g).map(Number);
    const behind = (node) => {
        for (; node; node = node.parentElement) {
            const colour = rgb(getComputedStyle(node).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
        }
        return [255, 255, 255];
    };
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const parent = walker.currentNode.parentElement;
        if (!walker.currentNode.textContent.trim() || !parent.checkVisibility()) continue;
        if (parent.closest('svg')) continue;
        const [a, b] = [light(rgb(getComputedStyle(parent).color).slice(0, 3)), light(behind(parent))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) found.push(`${walker.currentNode.textContent.trim()}: ${ratio.toFixed(2)}`);
    }
    return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read(browser: Browser, base: str, world, whole, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of at least 4.5 in both schemes."""
    context = browser.new_context(base_url=base, color_scheme=scheme)
    page = context.new_page()
    for path in (*addresses(world, whole.test_client()), "/search?q=a&match=near", "/nothing"):
        page.goto(path)
        assert page.evaluate(CONTRAST) == [], path
    context.close()
