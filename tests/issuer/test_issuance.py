"""Issuing: the set is right, independent software agrees, and what fails leaves nothing that was issued."""

import base64
import datetime as dt
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from issuer.authority import (
    Authority,
    AuthoritySettings,
    IssueRequest,
    LogEndpoint,
    SubscriberKeys,
    issuance,
)
from issuer.errors import (
    IssuanceMismatch,
    LintFailed,
    LogSubmissionFailed,
    NameNotPermitted,
    RequestRefused,
)
from issuer.store import IntentState, IssuerStore
from issuer.x509 import certificate as builder
from keys import FileKeyStore
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.certificates import Certificate
from verifier.transparency.entries import entry_for_certificate
from verifier.transparency.sct import parse_sct_list
from verifier.transparency.verify import verify_sct

REQUEST = IssueRequest(("good.mingjing.test", "*.good.mingjing.test", "127.0.0.1"))


def demo(authority: Authority, data: Path, keys: FileKeyStore, clock) -> Authority:
    settings = replace(authority.settings, demo=True)
    return Authority(data, keys, authority.store, settings, clock=clock)


def intent_states(store: IssuerStore) -> list[tuple[str, str]]:
    rows = store._rows("SELECT label, state FROM intents ORDER BY rowid")
    return [(row["label"], row["state"]) for row in rows]


def test_a_dual_set(authority: Authority, logs) -> None:
    dual = authority.issue(REQUEST)
    sm2, ecc = dual.sm2.certificate, dual.ecc.certificate
    assert sm2.public_key.algorithm is KeyAlgorithm.SM2
    assert ecc.public_key.algorithm is KeyAlgorithm.ECDSA
    for one, key in ((sm2, dual.sm2.key), (ecc, dual.ecc.key)):
        assert one.dns_names == ("good.mingjing.test", "*.good.mingjing.test")
        assert one.ip_addresses == ("127.0.0.1",)
        assert one.common_name == "good.mingjing.test"
        assert not one.is_ca
        assert one.key_usage == {"digital_signature"}
        assert one.public_key.spki == key.public_key.spki
    assert (sm2.not_before, sm2.not_after) == (ecc.not_before, ecc.not_after)
    assert sm2.not_after - sm2.not_before + dt.timedelta(seconds=1) == dt.timedelta(days=90)
    assert sm2.ocsp_urls == ("http://127.0.0.1:8440/ocsp/ssl-sm2",)
    assert ecc.issuer_urls == ("http://127.0.0.1:8440/ca/ssl-ecc.crt",)
    assert ecc.crl_urls == ("http://127.0.0.1:8440/crl/ssl-ecc.crl",)
    assert ecc.related_certificate == sm2.fingerprint
    assert sm2.related_certificate is None
    assert dual.sm2_encryption is None
    assert dual.sm2.chain == (sm2, authority.cas["ssl-sm2"].certificate)


def test_scts_of_both_logs_verify_against_the_final_certificate(authority: Authority, logs) -> None:
    dual = authority.issue(REQUEST)
    for one, ca in ((dual.sm2.certificate, "ssl-sm2"), (dual.ecc.certificate, "ssl-ecc")):
        entry = entry_for_certificate(one, authority.cas[ca].certificate)
        scts = parse_sct_list(one.sct_list or b"")
        assert [sct.log_id for sct in scts] == [log.key.public_key.key_id for log in logs]
        for sct, log in zip(scts, logs, strict=True):
            verify_sct(sct, entry, log.key.public_key)
            assert sct.leaf_index == 7
        read = x509.load_der_x509_certificate(one.der)
        assert read.tbs_precertificate_bytes == entry.tbs  # an independent reading of RFC 6962 3.2


def test_what_the_logs_were_sent(authority: Authority, logs) -> None:
    dual = authority.issue(REQUEST)
    for log in logs:
        for chain, ca, final in zip(
            log.submissions, ("ssl-sm2", "ssl-ecc"), (dual.sm2.certificate, dual.ecc.certificate), strict=True
        ):
            precertificate = Certificate.parse(chain[0])
            assert precertificate.is_precertificate
            precertificate.verify_signed_by(authority.cas[ca].certificate)
            assert precertificate.serial == final.serial
            issuers = (authority.cas[ca].certificate, *authority.cas[ca].issuers)
            assert chain[1:] == [one.der for one in issuers]


def test_openssl_accepts_both_chains(
    authority: Authority, data: Path, tmp_path: Path, openssl_accepts, modern_openssl_accepts
) -> None:
    dual = authority.issue_to(replace(REQUEST, tlcp=True), tmp_path / "out")
    assert dual.sm2_encryption is not None
    for label, ca, issued in (
        ("sm2", "ssl-sm2", dual.sm2),
        ("ecc", "ssl-ecc", dual.ecc),
        ("sm2-enc", "ssl-sm2", dual.sm2_encryption),
    ):
        leaf = tmp_path / f"out/{label}.crt"
        assert openssl_accepts(leaf, data / f"ca/{ca}.pem") == ""
        issuers = (authority.cas[ca].certificate, *authority.cas[ca].issuers)
        assert modern_openssl_accepts(issued.certificate, *issuers) == ""
        damaged = bytearray(issued.certificate.der)
        damaged[damaged.index(b"good")] ^= 1
        broken = Certificate.parse(bytes(damaged))
        leaf.write_text(broken.pem)
        assert "signature failure" in openssl_accepts(leaf, data / f"ca/{ca}.pem")
        assert "signature failure" in modern_openssl_accepts(broken, *issuers)


def test_openssl_enforces_our_name_constraints(
    authority: Authority, monkeypatch, tmp_path: Path, data: Path, openssl_accepts
) -> None:
    """What the room refuses would have been refused by others too: the constraints are real."""
    monkeypatch.setattr(issuance, "canonical_names", lambda names, _: tuple(names))
    monkeypatch.setattr(issuance, "lint", lambda *_, **__: None)
    authority.issue_to(IssueRequest(("evil.example",)), tmp_path / "out")
    assert "permitted subtree violation" in openssl_accepts(tmp_path / "out/ecc.crt", data / "ca/ssl-ecc.pem")


def test_a_set_for_addresses_only(authority: Authority, data: Path, tmp_path: Path, openssl_accepts) -> None:
    """No commonName, which OpenSSL would read as a DNS name outside the constraints; the SAN is critical."""
    dual = authority.issue_to(IssueRequest(("127.0.0.1", "::1")), tmp_path / "out")
    assert dual.ecc.certificate.subject == ""
    assert openssl_accepts(tmp_path / "out/ecc.crt", data / "ca/ssl-ecc.pem") == ""
    assert openssl_accepts(tmp_path / "out/sm2.crt", data / "ca/ssl-sm2.pem") == ""


def test_a_tlcp_set(authority: Authority) -> None:
    dual = authority.issue(replace(REQUEST, tlcp=True))
    assert dual.sm2_encryption is not None
    encryption, signing = dual.sm2_encryption.certificate, dual.sm2.certificate
    assert encryption.key_usage == {"key_encipherment", "data_encipherment", "key_agreement"}
    assert signing.key_usage == {"digital_signature"}
    assert encryption.public_key.algorithm is KeyAlgorithm.SM2
    assert encryption.public_key.spki != signing.public_key.spki
    assert encryption.subject_der == signing.subject_der
    assert encryption.dns_names == signing.dns_names
    assert {one.label for one in authority.certificates()} == {"sm2", "ecc", "sm2-enc"}


def test_the_store_knows_the_set_and_no_private_key(
    authority: Authority, data: Path, store: IssuerStore
) -> None:
    dual = authority.issue(REQUEST)
    listed = {one.label: one for one in authority.certificates()}
    assert {one.pair for one in listed.values()} == {dual.pair}
    assert listed["sm2"].der == dual.sm2.certificate.der
    assert listed["ecc"].names == REQUEST.names
    assert intent_states(store) == [("sm2", "issued"), ("ecc", "issued")]
    for secret in (dual.sm2.key.to_pkcs8(), dual.ecc.key.to_pkcs8()):
        scalar = secret[-100:-68]
        for path in data.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert secret not in content
                assert scalar not in content


def test_long_names_go_without_a_common_name(authority: Authority) -> None:
    name = f"{'a' * 50}.{'b' * 50}.mingjing.test"
    dual = authority.issue(IssueRequest((name,)))
    assert dual.sm2.certificate.subject == ""
    assert dual.sm2.certificate.dns_names == (name,)


# Refusals


@pytest.mark.parametrize("name", ["example.com", "un_der.mingjing.test", "*.*.mingjing.test", "10.0.0.1", ""])
def test_names_are_refused_before_anything_is_signed(authority: Authority, logs, store, name: str) -> None:
    with pytest.raises(NameNotPermitted) as caught:
        authority.issue(IssueRequest(("good.mingjing.test", name)))
    assert repr(name) in str(caught.value)
    assert logs[0].submissions == []
    assert intent_states(store) == []


@pytest.mark.parametrize(
    "wish",
    [
        {"not_before": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)},
        {"not_after": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)},
        {"include_scts": False},
        {"sct_source": lambda _chain, _entry: ()},
    ],
)
def test_demo_wishes_are_refused_by_a_real_authority(authority: Authority, wish: dict[str, object]) -> None:
    with pytest.raises(RequestRefused, match="for a demo authority only"):
        authority.issue(replace(REQUEST, **wish))  # type: ignore[arg-type]
    assert authority.certificates() == ()


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (replace(REQUEST, profile="email"), "unknown profile 'email'; there are: ssl"),
        (replace(REQUEST, validity=dt.timedelta(0)), "a validity of 0:00:00 is none"),
        (replace(REQUEST, validity=-dt.timedelta(days=1)), "is none"),
    ],
)
def test_impossible_requests(authority: Authority, request_: IssueRequest, why: str) -> None:
    with pytest.raises(RequestRefused, match=why):
        authority.issue(request_)


def test_too_long_a_validity_breaks_a_rule(authority: Authority, logs, store: IssuerStore) -> None:
    with pytest.raises(LintFailed, match=r"maximum-validity: .*BR section 6\.3\.2"):
        authority.issue(replace(REQUEST, validity=dt.timedelta(days=400)))
    assert logs[0].submissions == []
    assert authority.certificates() == ()


def test_no_certificate_outlives_its_issuer(
    authority: Authority, data: Path, keys: FileKeyStore, clock
) -> None:
    allowed = demo(authority, data, keys, clock)
    unlogged = replace(REQUEST, include_scts=False)
    end = authority.cas["ssl-sm2"].certificate.not_after
    clock.now = end - dt.timedelta(days=3)
    assert allowed.issue(unlogged).ecc.certificate.not_after == end
    clock.advance(days=4)
    with pytest.raises(RequestRefused, match="would never be valid"):
        allowed.issue(unlogged)


def test_a_wrong_kind_of_key(authority: Authority) -> None:
    ecc = PrivateKey.generate(KeyAlgorithm.ECDSA).public_key
    with pytest.raises(RequestRefused, match="the sm2 certificate is for an sm2 key, not ecdsa"):
        authority.certify(REQUEST, SubscriberKeys(ecc, ecc))
    sm2 = PrivateKey.generate(KeyAlgorithm.SM2).public_key
    with pytest.raises(RequestRefused, match="exactly when a TLCP set"):
        authority.certify(REQUEST, SubscriberKeys(sm2, ecc, sm2))


def test_the_cas_own_key_is_not_certified(authority: Authority) -> None:
    ecc = PrivateKey.generate(KeyAlgorithm.ECDSA).public_key
    with pytest.raises(LintFailed, match="own-key"):
        authority.certify(REQUEST, SubscriberKeys(authority.cas["ssl-sm2"].signer.public_key, ecc))


def test_no_logs_no_certificates(
    authority: Authority, data: Path, keys: FileKeyStore, store: IssuerStore, clock
) -> None:
    unlogged = Authority(data, keys, store, replace(authority.settings, logs=()), clock=clock)
    with pytest.raises(RequestRefused, match="no transparency log is configured"):
        unlogged.issue(REQUEST)


# Logs that fail, at each point


@pytest.mark.parametrize("which", [0, 1])
def test_a_log_that_is_down_leaves_nothing_issued(
    authority: Authority, store: IssuerStore, logs, which
) -> None:
    logs[which].misbehave = lambda answer: replace(answer, status=500, body=b"out of disk")
    with pytest.raises(LogSubmissionFailed) as caught:
        authority.issue(REQUEST)
    assert caught.value.log == logs[which].name
    assert f"log {logs[which].name!r}: it answered 500: out of disk" in str(caught.value)
    assert authority.certificates() == ()
    assert intent_states(store) == [("sm2", "failed")]
    logs[which].misbehave = None
    authority.issue(REQUEST)
    assert len(authority.certificates()) == 2


def test_a_log_that_fails_the_second_certificate(authority: Authority, store: IssuerStore, logs) -> None:
    """The SM2 certificate was signed already; without its sibling it is not issued either."""
    answers = iter([False, True])
    logs[1].misbehave = lambda answer: replace(answer, status=404) if next(answers) else answer
    with pytest.raises(LogSubmissionFailed):
        authority.issue(REQUEST)
    assert authority.certificates() == ()
    assert intent_states(store) == [("sm2", "failed"), ("ecc", "failed")]


# Kills, at each step


KILL_AT = """
import os, sys, base64
from pathlib import Path
from issuer.authority import Authority, AuthoritySettings, IssueRequest, LogEndpoint, issuance
from issuer.store import IssuerStore
from keys import FileKeyStore
from verifier.algorithms import PublicKey

data, step, logs = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
split = [text.split("|") for text in logs]
endpoints = tuple(
    LogEndpoint(name, url, PublicKey.from_spki(base64.b64decode(spki))) for name, url, spki in split
)
keys = FileKeyStore(data / "keys", "issuer")
store = IssuerStore(data / "issuer.db")
settings = AuthoritySettings("Ming Test", "mingjing.test", "http://127.0.0.1:8440", endpoints)
authority = Authority(data, keys, store, settings)

def killed(*_, **__):
    os.kill(os.getpid(), 9)

if step == "submit":
    authority._issuance._logs = killed
elif step == "add_set":
    store.add_set = killed
elif step == "add_intent":
    real = store.add_intent
    store.add_intent = lambda *arguments: (real(*arguments), killed())
else:
    authority._issuance._finish = killed
authority.issue(IssueRequest(("good.mingjing.test",)))
"""


@pytest.mark.parametrize(
    ("step", "states"),
    [
        ("add_intent", [("sm2", "intended")]),
        ("submit", [("sm2", "precertificate")]),
        ("sign", [("sm2", "precertificate")]),
        ("add_set", [("sm2", "certificate"), ("ecc", "certificate")]),
    ],
)
def test_a_kill_between_steps(
    authority: Authority, data: Path, clock, step: str, states: list[tuple[str, str]]
) -> None:
    store = authority.store
    endpoints = [
        f"{log.name}|{log.url}|{base64.b64encode(log.key.spki).decode()}" for log in authority.settings.logs
    ]
    command = [sys.executable, "-c", KILL_AT, str(data), step, *endpoints]
    assert subprocess.run(command, check=False, timeout=60).returncode == -9
    assert intent_states(store) == states
    assert authority.certificates() == ()
    authority.issue(REQUEST)
    assert len(authority.certificates()) == 2
    assert authority.recover() == 0  # the process might still be at it
    clock.advance(hours=2)
    assert authority.recover() == len(states)
    assert {state for _, state in intent_states(store)[: len(states)]} == {"failed"}
    serial = store._rows("SELECT serial FROM intents ORDER BY rowid")[0]["serial"]
    assert store.is_issued("ssl-sm2", serial)


# What was signed is what was linted


class Meddling:
    """A signer that signs something other than it was given."""

    def __init__(self, signer, change) -> None:
        self._signer, self._change = signer, change
        self.public_key = signer.public_key

    def sign(self, data, scheme=None):
        return self._signer.sign(self._change(data), scheme)


def meddle(authority: Authority, change) -> None:
    ca = authority.cas["ssl-sm2"]
    changed = dict(authority.cas) | {"ssl-sm2": replace(ca, signer=Meddling(ca.signer, change))}
    authority._issuance._cas = changed


def test_a_signature_that_does_not_verify_is_withheld(authority: Authority, logs) -> None:
    meddle(authority, lambda data: data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(IssuanceMismatch, match="does not verify"):
        authority.issue(REQUEST)
    assert logs[0].submissions == []
    assert authority.certificates() == ()


def test_something_else_than_was_linted_is_withheld(authority: Authority, monkeypatch) -> None:
    real = builder.sign_certificate
    serials = iter(range(1 << 80, 1 << 81))

    def sign(plan, signer):
        return real(replace(plan, serial=next(serials)), signer)

    monkeypatch.setattr(builder, "sign_certificate", sign)
    with pytest.raises(IssuanceMismatch, match="not what was linted"):
        authority.issue(REQUEST)


def test_a_final_certificate_that_differs_from_its_precertificate_is_withheld(
    authority: Authority, monkeypatch, store: IssuerStore
) -> None:
    real = builder.CertificatePlan.final
    monkeypatch.setattr(
        builder.CertificatePlan,
        "final",
        lambda plan, scts: replace(real(plan, scts), serial=builder.new_serial()),
    )
    with pytest.raises(IssuanceMismatch, match="differs from its precertificate"):
        authority.issue(REQUEST)
    assert intent_states(store) == [("sm2", "failed")]


def test_linting_comes_before_the_cas_key(authority: Authority, monkeypatch) -> None:
    signed = []
    meddle(authority, lambda data: signed.append(data) or data)
    monkeypatch.setattr(builder, "new_serial", lambda: 5)
    with pytest.raises(LintFailed, match="serial-number"):
        authority.issue(REQUEST)
    assert signed == []


# The demo's deliberately bad certificates


def test_demo_abilities(authority: Authority, data: Path, keys: FileKeyStore, clock) -> None:
    allowed = demo(authority, data, keys, clock)
    past = clock() - dt.timedelta(days=30)
    expired = allowed.issue(
        replace(REQUEST, not_before=past - dt.timedelta(days=60), not_after=past)
    ).ecc.certificate
    assert expired.not_after == past
    assert expired.not_before == past - dt.timedelta(days=60)

    assert allowed.issue(replace(REQUEST, include_scts=False)).sm2.certificate.sct_list is None

    def damaged(chain, entry):
        return tuple(
            replace(sct, signature=sct.signature[:-1] + bytes([sct.signature[-1] ^ 1]))
            for sct in allowed.submit(chain, entry)
        )

    bad = allowed.issue(replace(REQUEST, sct_source=damaged)).ecc.certificate
    entry = entry_for_certificate(bad, allowed.cas["ssl-ecc"].certificate)
    (first, _) = parse_sct_list(bad.sct_list or b"")
    with pytest.raises(Exception, match="verify"):
        verify_sct(first, entry, allowed.settings.logs[0].key)
    assert len(allowed.certificates()) == 6


def test_a_rogue_hierarchy_is_made_by_the_same_builders(
    authority: Authority, tmp_path: Path, settings: AuthoritySettings, clock, modern_openssl_accepts
) -> None:
    directory = tmp_path / "rogue"
    directory.mkdir()
    keys = FileKeyStore.create(directory / "keys", "issuer")
    with IssuerStore(directory / "issuer.db") as store:
        rogue = Authority.create(directory, keys, store, replace(settings, org="Rogue"), clock=clock)
        dual = rogue.issue(IssueRequest(("rogue.mingjing.test",)))
    ca = rogue.cas["ssl-sm2"]
    assert modern_openssl_accepts(dual.sm2.certificate, ca.certificate, *ca.issuers) == ""
    ours = authority.cas["ssl-sm2"]
    assert modern_openssl_accepts(dual.sm2.certificate, ours.certificate, *ours.issuers) != ""
    assert LogEndpoint("x", "http://x", ca.certificate.public_key).name == "x"
    assert IntentState.FAILED == "failed"
