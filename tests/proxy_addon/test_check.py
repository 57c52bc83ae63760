"""``check``: connect, judge, say why."""

from collections.abc import Callable
from typing import Any

import pytest

from proxy_addon.connect import check
from proxy_addon.connect.check import parse_target
from proxy_addon.errors import SettingsError


def test_good_site_is_trusted_with_sm2(data: Any, dual: Any, site: Callable[..., Any]) -> None:
    data.hosts(good=site(*dual).address)
    result = check("good.mingjing.test", data.path)
    assert result.verdict.header == "trusted; sm2 pq", result.to_dict()
    assert result.exit_code == 0
    assert result.evidence is not None
    assert result.evidence.cipher == "TLS_SM4_GCM_SM3"
    assert result.evidence.signature_scheme == "sm2sig_sm3"


def test_a_judge_that_breaks_is_a_refusal(
    data: Any, dual: Any, site: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("proxy_addon.connect.engine.judge", broken)
    data.hosts(good=site(*dual).address)
    result = check("good.mingjing.test", data.path)
    assert (result.verdict.header, result.exit_code) == ("refused; check-failed", 1)


def test_nothing_there_is_unreachable(data: Any) -> None:
    data.hosts(gone="127.0.0.1:1")
    result = check("https://gone.mingjing.test/", data.path)
    assert (result.reachable, result.exit_code) == (False, 2)
    assert result.verdict.header == "refused; unreachable"


def test_plain_site_is_cleartext_however_it_is_asked_for(data: Any, site: Callable[..., Any]) -> None:
    plain = site()
    data.hosts(plain=plain.address)
    for target in ("plain.mingjing.test", "http://plain.mingjing.test/", "https://plain.mingjing.test"):
        result = check(target, data.path)
        assert result.verdict.header == "refused; cleartext", target
        assert result.exit_code == 1


@pytest.mark.parametrize("text", ["", "ftp://example.com", "http://", "host:port", "a b", "https://[::1"])
def test_what_is_no_target_is_refused_in_words(text: str) -> None:
    with pytest.raises(SettingsError, match="neither a URL"):
        parse_target(text)
