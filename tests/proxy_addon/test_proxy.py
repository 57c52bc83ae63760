"""The proxy from outside: curl through it, sites that record what reached them."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytestmark = pytest.mark.needs("curl")


@pytest.fixture
def good(data: Any, dual: Any, site: Callable[..., Any]) -> Any:
    one = site(*dual)
    data.hosts(good=one.address)
    return one


def test_trusted_site_opens_with_its_verdict(good: Any, start_proxy: Callable[..., Any]) -> None:
    answer = start_proxy().curl("https://good.mingjing.test/page")
    assert answer.status == 200, answer
    assert answer.verdicts == ["trusted; sm2 pq"]
    assert "Hello from /page" in answer.body
    assert b"GET /page" in good.received


def test_every_demo_verdict(
    data: Any, pki: Any, site: Callable[..., Any], start_proxy: Callable[..., Any]
) -> None:
    """Each bad site is refused for its own reason, and no byte of the request reached it."""
    both, now = pki.logs, datetime.now(UTC)
    month = timedelta(days=30)
    sites = {
        "ecc": (pki.ecc.issue("ecc.mingjing.test", logs=both), "trusted; ecc"),
        "rogue": (pki.rogue.issue("rogue.mingjing.test", logs=both), "refused; issuer-not-pinned"),
        "nosct": (pki.sm2.issue("nosct.mingjing.test"), "refused; sct-missing"),
        "forged_sct": (
            pki.sm2.issue("forged-sct.mingjing.test", logs=both, damage=True),
            "refused; sct-invalid",
        ),
        "expired": (
            pki.sm2.issue(
                "expired.mingjing.test", logs=both, not_before=now - 2 * month, not_after=now - month
            ),
            "refused; certificate-expired",
        ),
        "wrong_name": (pki.sm2.issue("other.mingjing.test", logs=both), "refused; name-mismatch"),
    }
    running = {
        name: site(leaf, groups=b"X25519:P-256" if name == "ecc" else b"curveSM2")
        for name, (leaf, _) in sites.items()
    }
    running["plain"] = site()
    data.hosts(**{name: one.address for name, one in running.items()}, gone="127.0.0.1:1")
    proxy = start_proxy()
    for name, (_, expected) in sites.items():
        answer = proxy.curl(f"https://{name.replace('_', '-')}.mingjing.test/secret-{name}")
        assert answer.verdicts == [expected], (name, answer)
        refused = expected.startswith("refused")
        assert answer.status == (403 if refused else 200), (name, answer)
        assert (b"secret" not in running[name].received) is refused, name
        if refused:
            assert expected.removeprefix("refused; ") in answer.body
    for url in ("https://plain.mingjing.test/secret", "http://plain.mingjing.test/secret"):
        answer = proxy.curl(url)
        assert (answer.status, answer.verdicts) == (403, ["refused; cleartext"]), (url, answer)
    assert b"secret" not in running["plain"].received
    answer = proxy.curl("https://gone.mingjing.test/")
    assert (answer.status, answer.verdicts) == (502, ["refused; unreachable"]), answer
    assert "cannot be reached" in answer.body


def test_a_sites_own_verdict_is_removed(
    data: Any, dual: Any, site: Callable[..., Any], start_proxy: Callable[..., Any]
) -> None:
    claims = (("Mingjing-Verdict", "trusted; everything"), ("mingjing-verdict", "trusted; again"))
    data.hosts(good=site(*dual, headers=claims).address)
    proxy = start_proxy()
    for path in ("/", "/chunked"):
        assert proxy.curl(f"https://good.mingjing.test{path}").verdicts == ["trusted; sm2 pq"], path


def test_http2_on_both_sides(
    data: Any, dual: Any, site: Callable[..., Any], start_proxy: Callable[..., Any]
) -> None:
    claims = (("mingjing-verdict", "trusted; everything"),)
    one = site(*dual, alpn=(b"h2", b"http/1.1"), headers=claims)
    data.hosts(good=one.address)
    answer = start_proxy().curl("https://good.mingjing.test/", "--http2")
    assert (answer.status, answer.verdicts, answer.body.strip()) == (
        200,
        ["trusted; sm2 pq"],
        "hello over h2",
    ), answer
    assert one.received.startswith(b"PRI * HTTP/2.0")


def test_refusal_over_http2(
    data: Any, pki: Any, site: Callable[..., Any], start_proxy: Callable[..., Any]
) -> None:
    one = site(pki.sm2.issue("nosct.mingjing.test"), alpn=(b"h2",))
    data.hosts(nosct=one.address)
    answer = start_proxy().curl("https://nosct.mingjing.test/", "--http2")
    assert (answer.status, answer.verdicts) == (403, ["refused; sct-missing"]), answer
    assert not one.received


def test_a_site_that_is_silent_is_given_up(
    data: Any, start_proxy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy_addon.client.addon.HANDSHAKE_SECONDS", 0.5)
    monkeypatch.setattr("proxy_addon.connect.dial.PROBE_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        data.hosts(silent=f"127.0.0.1:{silent.getsockname()[1]}")
        answer = start_proxy().curl("https://silent.mingjing.test/")
    assert (answer.status, answer.verdicts) == (403, ["refused; handshake-failed"]), answer
