"""A real Chromium behind the proxy."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("browser")]


@pytest.fixture
def sites(data: Any, pki: Any, dual: Any, site: Callable[..., Any]) -> Any:
    """A dual-certificate site, one without SCTs, a plain one, and a name with nobody behind it."""
    good, nosct, plain = site(*dual), site(pki.sm2.issue("nosct.mingjing.test")), site()
    data.hosts(good=good.address, nosct=nosct.address, plain=plain.address, gone="127.0.0.1:1")
    return {"good": good, "nosct": nosct, "plain": plain}


@pytest.fixture
def page(sites: Any, data: Any, start_proxy: Callable[..., Any]) -> Iterator[Any]:
    proxy = start_proxy()
    authority = x509.load_pem_x509_certificate((data.path / "proxy" / "ca.pem").read_bytes())
    spki = authority.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pin = base64.b64encode(hashlib.sha256(spki).digest()).decode()
    arguments = [
        "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--proxy-bypass-list=<-loopback>",
        f"--ignore-certificate-errors-spki-list={pin}",
    ]  # fmt: skip
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path="/usr/bin/chromium", args=arguments, proxy={"server": proxy.address}
        )
        yield browser.new_context(accept_downloads=True).new_page()
        browser.close()


def test_trusted_page_then_the_status_page_live(page: Any) -> None:
    answer = page.goto("https://good.mingjing.test/")
    assert answer.status == 200
    assert answer.header_value("mingjing-verdict") == "trusted; sm2 pq"
    assert page.title() == "Good site"
    status = page.context.new_page()
    problems: list[str] = []
    status.on("console", lambda message: problems.append(message.text))
    status.on("pageerror", lambda error: problems.append(str(error)))
    status.goto("http://verifier.mingjing/")
    first = status.locator("tbody tr").first
    assert "good.mingjing.test" in first.inner_text()
    assert "trusted" in first.inner_text()
    page.goto("https://nosct.mingjing.test/")
    playwright.expect(first).to_contain_text("nosct.mingjing.test", timeout=60_000)
    playwright.expect(first).to_contain_text("refused")
    first.locator("a").click()
    playwright.expect(status.locator("h1")).to_have_text("No public log vouches for nosct.mingjing.test.")
    assert not [problem for problem in problems if "favicon" not in problem and "404" not in problem], (
        problems
    )


def test_block_page_says_what_happened_with_its_finding(page: Any, sites: Any) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    answer = page.goto("https://nosct.mingjing.test/secret")
    assert answer.status == 403
    assert answer.header_value("mingjing-verdict") == "refused; sct-missing"
    assert page.locator("h1").inner_text() == "No public log vouches for nosct.mingjing.test."
    assert page.get_by_text("sct-missing").first.is_visible()
    assert page.locator("details[open]").count() >= 1
    assert all("nosct.mingjing.test" in url for url in requests), requests
    assert b"secret" not in sites["nosct"].received
    page.get_by_role("link", name="the whole evidence").click()
    assert re.fullmatch(r"http://verifier\.mingjing/verdict/\d+", page.url)


def test_cleartext_and_nobody_there(page: Any, sites: Any) -> None:
    for url in ("http://plain.mingjing.test/", "https://plain.mingjing.test/"):
        assert page.goto(url).status == 403
        assert page.locator("h1").inner_text() == "plain.mingjing.test wanted to talk without encryption."
    answer = page.goto("https://gone.mingjing.test/")
    assert answer.status == 502
    assert page.locator("h1").inner_text() == "gone.mingjing.test cannot be reached."
    assert b"GET" not in sites["plain"].received


def test_status_page_without_scripts(page: Any) -> None:
    quiet = page.context.browser.new_context(java_script_enabled=False).new_page()
    quiet.goto("https://nosct.mingjing.test/")
    assert quiet.locator("h1").is_visible()
    quiet.goto("http://verifier.mingjing/")
    assert "nosct.mingjing.test" in quiet.locator("tbody tr").first.inner_text()
