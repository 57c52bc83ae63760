"""What the proxy asks its service for: inclusion, trust, revocation; and the policy that may change."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proxy_addon.connect import check
from proxy_addon.connect.engine import Engine
from proxy_addon.connect.inclusion import prefix_digits
from proxy_addon.errors import SettingsError
from proxy_addon.store import Inclusion
from verifier.errors import PolicyError


def wait_for(condition: Callable[[], Any], seconds: float = 90.0) -> Any:
    import time

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError("what was waited for did not happen")


@pytest.mark.needs("curl")
def test_a_broken_promise_refuses_the_site_for_good(
    data: Any, pki: Any, site: Callable[..., Any], start_proxy: Callable[..., Any]
) -> None:
    """Trusted until the merge delay has passed and the tree was asked; then refused, also after a restart."""
    one = site(pki.sm2.issue("unlogged.mingjing.test", logs=pki.logs, merge=False))
    two = site(pki.sm2.issue("good.mingjing.test", logs=pki.logs))
    data.hosts(unlogged=one.address, good=two.address)
    proxy = start_proxy()
    url = "https://unlogged.mingjing.test/"
    assert proxy.curl(url).verdicts == ["trusted; sm2 pq"]
    assert proxy.curl("https://good.mingjing.test/").verdicts == ["trusted; sm2 pq"]
    wait_for(lambda: proxy.curl(url).verdicts == ["refused; sct-not-included"])
    assert proxy.curl(url).status == 403
    assert proxy.curl("https://good.mingjing.test/").verdicts == ["trusted; sm2 pq"]
    settled = {Inclusion.INCLUDED: 2, Inclusion.NOT_INCLUDED: 2}
    status = "http://verifier.mingjing/status.json"
    wait_for(lambda: json.loads(proxy.curl(status).body)["state"]["promises"] == settled)
    proxy.stop()
    assert start_proxy().curl(url).verdicts == ["refused; sct-not-included"]


def test_check_asks_for_overdue_promises_at_once(data: Any, pki: Any, site: Callable[..., Any]) -> None:
    past = datetime.now(UTC) - timedelta(minutes=5)
    kept = site(pki.sm2.issue("good.mingjing.test", logs=pki.logs, sct_time=past))
    broken = site(pki.sm2.issue("unlogged.mingjing.test", logs=pki.logs, merge=False, sct_time=past))
    data.hosts(good=kept.address, unlogged=broken.address)
    good = check("good.mingjing.test", data.path)
    assert good.verdict.trusted
    assert [proof.state.value for _, proof in good.proofs] == ["included", "included"], good.proofs
    unlogged = check("unlogged.mingjing.test", data.path)
    assert unlogged.verdict.header == "refused; sct-not-included", unlogged.proofs
    assert not any(question.endswith(good.proofs[0][0].leaf_hash.hex()) for question in data.service.asked)


@pytest.mark.parametrize("what", ["head", "index", "path"])
def test_a_forged_proof_proves_nothing(
    what: str, data: Any, pki: Any, site: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A monitor that lies about a head or a path is not believed either way."""
    past = datetime.now(UTC) - timedelta(minutes=5)
    data.hosts(good=site(pki.sm2.issue("good.mingjing.test", logs=pki.logs, sct_time=past)).address)
    honest = type(pki.log_sm2).inclusion

    def forged(log: Any, prefix: str) -> Any:
        answer = honest(log, prefix)
        if what == "head":
            answer["tree_head"]["timestamp"] += 1
        for leaf in answer["leaves"]:
            leaf["leaf_index"] += what == "index"
            leaf["audit_path"] = [] if what == "path" else leaf["audit_path"]
        return answer

    monkeypatch.setattr(type(pki.log_sm2), "inclusion", forged)
    result = check("good.mingjing.test", data.path)
    assert [proof.state.value for _, proof in result.proofs] == ["unknown", "unknown"]
    assert result.verdict.trusted


@pytest.mark.parametrize(("size", "digits"), [(0, 0), (64, 0), (1023, 0), (1024, 1), (16383, 1), (16384, 2)])
def test_at_least_sixty_four_leaves_share_a_prefix(size: int, digits: int) -> None:
    assert prefix_digits(size) == digits
    assert size < 64 or size // 16**digits >= 64


# -- the ordinary web -------------------------------------------------------------------------------


@pytest.fixture
def public(data: Any, pki: Any, service: Any, site: Callable[..., Any]) -> Callable[..., Any]:
    """A public-style site: own root among the public ones, ECDSA, OCSP or CRL, no list of logs named."""

    def make(**pointers: Any) -> Any:
        leaf = pki.public.issue("www.example.test", **pointers)
        one = site(leaf, groups=b"X25519:P-256")
        data.configuration(f'"www.example.test" = "{one.address}"\n')
        return leaf

    return make


def notes(result: Any) -> list[str]:
    return [finding.code.value for finding in result.verdict.notes]


@pytest.mark.parametrize("pointer", ["ocsp", "crl"])
def test_the_ordinary_web_opens_with_revocation_checked(
    data: Any, service: Any, public: Callable[..., Any], pointer: str
) -> None:
    leaf = public(**{pointer: f"{service.url}/{pointer}/public"})
    result = check("https://www.example.test/", data.path)
    assert result.verdict.header == "trusted; ecc", result.to_dict()
    assert notes(result) == ["sct-not-checked"]
    assert any(asked.startswith(f"/{pointer}/public") for asked in service.asked)
    service.revoked.add(leaf.certificate.serial)
    assert check("www.example.test", data.path).verdict.header == "refused; certificate-revoked"


def test_soft_revocation_notes_a_silent_responder_and_hard_refuses(
    data: Any, service: Any, public: Callable[..., Any]
) -> None:
    public(ocsp=f"{service.url}/ocsp/public")
    service.silent = True
    result = check("www.example.test", data.path)
    assert result.verdict.trusted
    assert notes(result) == ["revocation-not-checked", "sct-not-checked"]
    data.policy = data.policy.replace('revocation = "soft"', 'revocation = "hard"')
    assert check("www.example.test", data.path).verdict.header == "refused; revocation-unavailable"


def test_pointers_of_an_unvouched_certificate_are_not_followed(
    data: Any, pki: Any, service: Any, site: Callable[..., Any]
) -> None:
    stranger = type(pki.public).make("A stranger", pki.public.key.public_key.algorithm)
    one = site(stranger.issue("www.example.test", ocsp=f"{service.url}/ocsp/public"))
    data.configuration(f'"www.example.test" = "{one.address}"\n')
    assert check("www.example.test", data.path).verdict.header == "refused; path-invalid"
    assert service.asked == []


def test_no_proxy_of_the_environment_is_asked(
    data: Any, service: Any, public: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
    public(ocsp=f"{service.url}/ocsp/public")
    assert notes(check("www.example.test", data.path)) == ["sct-not-checked"]


# -- policy and bundle ------------------------------------------------------------------------------


def test_a_wrong_policy_stops_the_start_with_line_and_key(data: Any) -> None:
    data.policy = data.policy.replace("scts = 2", "scts = -2")
    with pytest.raises(PolicyError, match=r"policy\.toml, line 15: site\.scts"):
        Engine.open(data.path)


def test_a_changed_policy_is_read_and_a_wrong_one_is_not_taken(
    data: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("proxy_addon.connect.trust.LOOK_AGAIN", 0.0)
    engine = Engine.open(data.path)
    data.policy = data.policy.replace("scts = 2", "scts = 1")
    assert engine.rules("good.mingjing.test").scts == 1
    assert engine.keeper.generation == 1
    data.policy = data.policy.replace("scts = 1", "scts = -1")
    assert engine.rules("good.mingjing.test").scts == 1
    assert "line 15" in engine.keeper.policy_state.error
    data.policy = data.policy.replace("scts = -1", "scts = 2")
    assert engine.rules("good.mingjing.test").scts == 2
    assert not engine.keeper.policy_state.error
    (data.path / "policy.toml").unlink()
    assert engine.rules("good.mingjing.test").scts == 2
    assert "policy.toml is gone" in engine.keeper.policy_state.error
    assert "stays in force" in caplog.text
    engine.close()


def test_the_bundle_is_renewed_kept_and_never_taken_from_another(data: Any, pki: Any) -> None:
    engine = Engine.open(data.path)
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    distrusted = frozenset({pki.log_sm2.log.log_id})
    data.write_bundle(issued_at=later, distrusted_logs=distrusted)
    engine.keeper.refresh()
    assert engine.keeper.current()[1].distrusted_logs == distrusted
    assert (data.path / "proxy" / "trust-bundle.json").read_bytes() == data.service.bundle
    before = data.service.bundle
    data.service.bundle = before.replace(b'"sig": "', b'"sig": "AAAA')
    engine.keeper.refresh()
    assert engine.keeper.bundle_error
    assert (data.path / "proxy" / "trust-bundle.json").read_bytes() == before
    data.write_bundle(issued_at=later - timedelta(days=1))
    engine.keeper.refresh()
    assert engine.keeper.current()[1].distrusted_logs == distrusted, "an older bundle was taken"
    engine.close()


def test_another_signers_bundle_stops_the_start(data: Any) -> None:
    (data.path / "proxy" / "bundle-fingerprint").write_text("00" * 32)
    with pytest.raises(SettingsError, match="not a trust bundle signed by the pinned key"):
        Engine.open(data.path)


def test_a_directory_that_is_none_says_what_to_do(tmp_path: Any) -> None:
    with pytest.raises(SettingsError, match="run `mingjing init"):
        Engine.open(tmp_path)
