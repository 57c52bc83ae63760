"""The status page: what somebody opened stands above what the browser fetched by itself."""

import json
from collections.abc import Callable
from typing import Any

import pytest

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
