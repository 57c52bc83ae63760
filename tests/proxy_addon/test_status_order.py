"""The status page: what somebody opened stands above what the browser fetched by itself."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from proxy_addon.connect import check

STATUS = "http://verifier.mingjing/status.json"


@pytest.mark.needs("curl")
def test_pages_that_were_opened_come_first(
    data: Any, pki: Any, site: Callable[..., Any], start_proxy: Callable[..., Any]
) -> None:
    address = site(pki.sm2.issue("good.mingjing.test", logs=pki.logs)).address
    data.hosts(good=address)
    proxy = start_proxy()
    proxy.curl("https://good.mingjing.test/", "-H", "Sec-Fetch-Dest: document")
    proxy.curl("https://background.invalid/", "-H", "Sec-Fetch-Dest: empty", "-H", "Accept: text/html")
    rows = json.loads(proxy.curl(STATUS).body)["verdicts"]
    assert [(row["host"], row["opened"]) for row in rows] == [
        ("good.mingjing.test", True),
        ("background.invalid", False),
    ]


@pytest.mark.needs("curl")
def test_cleartext_to_nothing_is_unreachable_not_refused(
    data: Any, site: Callable[..., Any], start_proxy: Callable[..., Any]
) -> None:
    """Where nothing answers, nothing was seen to be unencrypted: 502 and exit code 2."""
    plain = site()
    data.hosts(plain=plain.address)
    proxy = start_proxy()
    for url in ("http://no-such-name.invalid/", "http://127.0.0.1:1/"):
        answer = proxy.curl(url)
        assert (answer.status, answer.verdicts) == (502, ["refused; unreachable"])
        assert check(url, data.path).exit_code == 2
    answer = proxy.curl("http://plain.mingjing.test/")
    assert (answer.status, answer.verdicts) == (403, ["refused; cleartext"])
    assert plain.received == b""
