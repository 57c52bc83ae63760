"""A real Chromium: through the proxy, on the search site, on /demo; and ``mingjing browser`` itself."""

import os
import re
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from mingjing import chromium
from mingjing.config import Listen
from mingjing.demo.sites import SITES
from mingjing.errors import ConfigError, MingjingError

pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.needs("chromium")]

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def playwright():
    with sync_playwright() as running:
        yield running


@pytest.fixture
def behind_proxy(service, playwright, tmp_path):
    """A page in a Chromium that trusts the local CA by the very profile that ``mingjing browser`` makes."""
    chromium.make_profile(tmp_path, ssl.PEM_cert_to_DER_cert(Path(service.ca).read_text()))
    context = playwright.chromium.launch_persistent_context(
        str(tmp_path),
        executable_path="/usr/bin/chromium",
        args=[*ARGUMENTS, "--proxy-bypass-list=<-loopback>"],
        proxy={"server": service.proxy},
    )
    yield context.pages[0]
    context.close()


@pytest.fixture
def page(playwright):
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
    yield browser.new_page()
    browser.close()


def test_a_trusted_site_opens_and_the_status_page_says_why(service, behind_proxy):
    answer = behind_proxy.goto("https://good.mingjing.test/")
    assert answer.headers["mingjing-verdict"] == "trusted; sm2"
    expect(behind_proxy.get_by_role("heading", name="good.mingjing.test")).to_be_visible()
    behind_proxy.goto("http://verifier.mingjing/")
    row = behind_proxy.locator("tr", has_text="good.mingjing.test").first
    expect(row).to_contain_text("trusted")
    row.get_by_role("link", name=re.compile("good.mingjing.test")).click()
    expect(behind_proxy.get_by_text("Pinned issuer").first).to_be_visible()


def test_a_forged_site_is_refused_with_a_page_that_says_why(service, behind_proxy):
    answer = behind_proxy.goto("https://forged-sct.mingjing.test/")
    assert answer.status == 403
    assert answer.headers["mingjing-verdict"] == "refused; sct-invalid"
    expect(behind_proxy.get_by_role("heading", level=1)).to_contain_text("forged-sct.mingjing.test")
    expect(behind_proxy.locator("body")).to_contain_text("sct-invalid")


def test_the_accepted_certificate_is_found_with_its_pair_promises_and_path(service, page):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        page.goto(f"{service.site}/")
        page.get_by_role("searchbox").fill("good.mingjing.test")
        page.keyboard.press("Enter")
        if page.get_by_role("link", name="good.mingjing.test").count() >= 2:
            break
        time.sleep(1)
    page.get_by_role("link", name="good.mingjing.test").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("good.mingjing.test")
    expect(page.locator("body")).to_contain_text("The logs' promises")
    expect(page.locator("main")).to_contain_text("sm2")
    expect(page.locator("main")).to_contain_text("p256")
    assert page.locator("main svg").count() >= 2


def test_demo_shows_every_verdict(service, page):
    page.goto(f"{service.site}/demo")
    page.get_by_role("button", name=re.compile("Check")).click()
    expect(page.locator("main")).to_contain_text("as expected", timeout=120_000)
    for site in SITES:
        expect(page.locator("main")).to_contain_text(site.host)
        if site.label != "unlogged":
            expect(page.locator("main")).to_contain_text(site.expected)
    expect(page.locator("main")).not_to_contain_text("not as expected")


@pytest.mark.needs("xvfb-run")
def test_mingjing_browser_opens_the_site_behind_the_proxy(service):
    """The command itself on a virtual screen: the site is judged, and the status page shows it."""
    environment = {**os.environ, "MINGJING_BROWSER_ARGUMENTS": "--no-sandbox --disable-gpu"}
    command = [
        "xvfb-run",
        "-a",
        sys.executable,
        "-m",
        "mingjing",
        "browser",
        "https://ecc.mingjing.test/",
        "--data",
        str(service.data),
    ]
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, start_new_session=True
    ) as browser:
        try:
            assert b"Opening https://ecc.mingjing.test/" in browser.stderr.readline()
            deadline = time.monotonic() + 120
            while "ecc.mingjing.test" not in service.curl("http://verifier.mingjing/").stdout:
                assert time.monotonic() < deadline
                time.sleep(0.3)
        finally:
            os.killpg(browser.pid, signal.SIGKILL)


def test_the_profile_is_used_without_flags_that_raise_a_warning_bar():
    command = chromium.command("chromium", "/profile", Listen())
    assert not any("ignore-certificate-errors" in part or "no-sandbox" in part for part in command)


def test_a_missing_browser_is_one_sentence(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv("MINGJING_BROWSER", raising=False)
    with pytest.raises(MingjingError, match="apt-get install chromium"):
        chromium.find()


def test_without_a_display_the_demo_page_is_named(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "MINGJING_BROWSER_ARGUMENTS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(MingjingError, match="/demo page"):
        chromium.check_can_open()


@pytest.mark.parametrize("text", ["ftp://a/", "javascript:alert(1)", "https://", ""])
def test_only_web_addresses_are_opened(text):
    with pytest.raises(ConfigError, match="URL must look like"):
        chromium.address(text)
