"""Revocation: lists and answers, as the openssl command sees them."""

import contextlib
import datetime as dt
import hashlib
from pathlib import Path

import pytest
from asn1crypto.keys import PublicKeyInfo
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st

from issuer.authority import Authority, DualCertificate, IssueRequest, canonical_serial
from issuer.errors import RequestRefused, UnknownCertificate
from issuer.revocation import RevocationReason
from issuer.revocation import crl as crl_module
from issuer.store import CertificateState
from verifier.certificates import Certificate

REQUEST = IssueRequest(("revoked.mingjing.test",))


@pytest.fixture
def dual(authority: Authority) -> DualCertificate:
    return authority.issue(REQUEST)


def crl(data: Path, ca: str) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl((data / f"crl/{ca}.crl").read_bytes())


def question(certificate: Certificate, issuer: Certificate, nonce: bytes | None = None) -> bytes:
    """An OCSP request by cryptography, SHA-256 in the CertID."""
    key_bits = PublicKeyInfo.load(issuer.public_key.spki)["public_key"].contents[1:]
    name_hash, key_hash = hashlib.sha256(issuer.subject_der).digest(), hashlib.sha256(key_bits).digest()
    builder = ocsp.OCSPRequestBuilder()
    request = builder.add_certificate_by_hash(name_hash, key_hash, certificate.serial, hashes.SHA256())
    if nonce is not None:
        request = request.add_extension(x509.OCSPNonce(nonce), critical=False)
    return request.build().public_bytes(Encoding.DER)


def status(authority: Authority, ca: str, certificate: Certificate) -> ocsp.OCSPResponse:
    request = question(certificate, authority.cas[ca].certificate)
    return ocsp.load_der_ocsp_response(authority.responders[ca].answer(request))


def test_a_pair_is_revoked_together(authority: Authority, dual: DualCertificate, data: Path, clock) -> None:
    revoked = authority.revoke(f"{dual.ecc.certificate.serial:X}", RevocationReason.KEY_COMPROMISE)
    assert {one.ca for one in revoked} == {"ssl-sm2", "ssl-ecc"}
    for ca, certificate in (("ssl-sm2", dual.sm2.certificate), ("ssl-ecc", dual.ecc.certificate)):
        entry = crl(data, ca).get_revoked_certificate_by_serial_number(certificate.serial)
        assert entry is not None
        assert entry.revocation_date_utc == clock()
        reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
        assert reason is x509.ReasonFlags.key_compromise
        answer = status(authority, ca, certificate)
        assert answer.certificate_status is ocsp.OCSPCertStatus.REVOKED
        assert answer.revocation_reason is x509.ReasonFlags.key_compromise
        assert answer.revocation_time_utc == clock()
    assert {one.label for one in authority.certificates(CertificateState.REVOKED)} == {"sm2", "ecc"}


def test_only_one_of_a_pair(authority: Authority, dual: DualCertificate, data: Path) -> None:
    authority.revoke(f"{dual.sm2.certificate.serial:x}", only=True)
    assert status(authority, "ssl-sm2", dual.sm2.certificate).certificate_status.name == "REVOKED"
    assert status(authority, "ssl-ecc", dual.ecc.certificate).certificate_status.name == "GOOD"
    assert len(crl(data, "ssl-ecc")) == 0
    (entry,) = crl(data, "ssl-sm2")
    assert len(entry.extensions) == 0  # unspecified says nothing


def test_a_tlcp_set_is_revoked_whole(authority: Authority) -> None:
    tlcp = authority.issue(IssueRequest(("tlcp.mingjing.test",), tlcp=True))
    assert tlcp.sm2_encryption is not None
    assert len(authority.revoke(f"{tlcp.sm2_encryption.certificate.serial:x}")) == 3


def test_revoking_again_changes_nothing(authority: Authority, dual: DualCertificate, clock) -> None:
    first = authority.revoke(f"{dual.sm2.certificate.serial:x}", RevocationReason.SUPERSEDED)
    clock.advance(hours=1)
    assert authority.revoke(f"{dual.ecc.certificate.serial:x}", RevocationReason.KEY_COMPROMISE) is not None
    again = authority.revoke(f"{dual.sm2.certificate.serial:x}", RevocationReason.KEY_COMPROMISE)
    assert {(one.serial, one.revoked_at, one.reason) for one in again} == {
        (one.serial, one.revoked_at, one.reason) for one in first
    }


@pytest.mark.parametrize("text", ["12", "not hex", "", "0x", "g" * 40, "1" * 65, "١٢"])
def test_unknown_serials(authority: Authority, text: str) -> None:
    with pytest.raises(UnknownCertificate) as caught:
        authority.revoke(text)
    assert text[:40] in str(caught.value)


@given(st.text(max_size=100))
def test_any_serial_is_canonical_or_our_error(text: str) -> None:
    with contextlib.suppress(UnknownCertificate):
        assert int(canonical_serial(text), 16) >= 0


@pytest.mark.parametrize("text", ["0A:bc", "0xABC", " 0a bc ", "abc"])
def test_spellings_of_a_serial(text: str) -> None:
    assert canonical_serial(text) == "0abc"


@pytest.mark.parametrize("text", ["keyCompromise", "key-compromise", "KEY_COMPROMISE", "key compromise"])
def test_spellings_of_a_reason(text: str) -> None:
    assert RevocationReason.parse(text) is RevocationReason.KEY_COMPROMISE


@pytest.mark.parametrize("text", ["certificateHold", "removeFromCRL", "because", ""])
def test_reasons_that_are_none(text: str) -> None:
    with pytest.raises(RequestRefused, match="there are: unspecified, keyCompromise"):
        RevocationReason.parse(text)


@pytest.mark.parametrize("reason", list(RevocationReason))
def test_every_reason_is_readable_elsewhere(
    authority: Authority, dual: DualCertificate, data: Path, reason: RevocationReason
) -> None:
    authority.revoke(f"{dual.ecc.certificate.serial:x}", reason)
    (entry,) = crl(data, "ssl-ecc")
    answer = status(authority, "ssl-ecc", dual.ecc.certificate)
    if reason is RevocationReason.UNSPECIFIED:
        assert len(entry.extensions) == 0
        assert answer.revocation_reason is None
    else:
        written = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
        assert written == answer.revocation_reason == x509.ReasonFlags(reason.value)


def test_lists_are_numbered_and_dated(authority: Authority, data: Path, clock) -> None:
    def number() -> int:
        found = crl(data, "ssl-sm2").extensions.get_extension_for_class(x509.CRLNumber)
        return found.value.crl_number

    assert number() == 1
    authority.publish_crls()
    assert number() == 2
    read = crl(data, "ssl-sm2")
    assert read.last_update_utc == clock()
    assert read.next_update_utc == clock() + dt.timedelta(days=7)


def test_the_scheduler_republishes_before_a_list_is_stale(authority: Authority, data: Path, clock) -> None:
    assert authority.publish_crls(only_due=True) == ()
    clock.advance(days=3, hours=11)
    assert authority.publish_crls(only_due=True) == ()
    clock.advance(hours=1)
    assert len(authority.publish_crls(only_due=True)) == 4
    assert crl(data, "root-ecc").last_update_utc == clock()
    (data / "crl/ssl-sm2.crl").unlink()
    assert authority.publish_crls(only_due=True) == (data / "crl/ssl-sm2.crl",)


def test_of_two_publishers_the_later_list_stays(authority: Authority, data: Path, monkeypatch) -> None:
    """One process takes a number and is overtaken while it signs: its older list replaces nothing."""
    real = crl_module.sign_crl

    def overtaken(plan, signer):
        monkeypatch.setattr(crl_module, "sign_crl", real)
        authority.publish_crls()
        return real(plan, signer)

    monkeypatch.setattr(crl_module, "sign_crl", overtaken)
    authority.crls.publish(["ssl-sm2"])
    number = crl(data, "ssl-sm2").extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    assert number == 3


def test_an_entry_stays_until_after_expiry(
    authority: Authority, dual: DualCertificate, data: Path, clock
) -> None:
    """RFC 5280 section 3.3: on at least one list after the certificate expired."""
    authority.revoke(f"{dual.ecc.certificate.serial:x}")
    clock.now = dual.ecc.certificate.not_after + dt.timedelta(days=7, hours=1)
    authority.publish_crls()
    assert len(crl(data, "ssl-ecc")) == 1
    clock.advance(days=1)
    authority.publish_crls()
    assert len(crl(data, "ssl-ecc")) == 0


def test_openssl_verify_refuses_the_revoked(
    authority: Authority, data: Path, tmp_path: Path, openssl
) -> None:
    dual = authority.issue_to(REQUEST, tmp_path)
    command = ("verify", "-crl_check", "-CRLfile", data / "crl/ssl-ecc.crl", "-CAfile", data / "ca/roots.pem")
    files = ("-untrusted", data / "ca/ssl-ecc.pem", tmp_path / "ecc.crt")
    assert openssl(*command, *files).returncode == 0
    authority.revoke(f"{dual.sm2.certificate.serial:x}")
    assert "certificate revoked" in openssl(*command, *files).stderr


# OCSP


def test_good_for_what_was_issued_here_only(authority: Authority, dual: DualCertificate, logs) -> None:
    assert status(authority, "ssl-sm2", dual.sm2.certificate).certificate_status.name == "GOOD"
    assert status(authority, "ssl-ecc", dual.sm2.certificate).certificate_status.name == "UNKNOWN"
    foreign = question(dual.sm2.certificate, authority.cas["ssl-ecc"].certificate)
    answer = ocsp.load_der_ocsp_response(authority.responders["ssl-sm2"].answer(foreign))
    assert answer.certificate_status is ocsp.OCSPCertStatus.UNKNOWN


def test_another_cas_revocation_is_not_ours(authority: Authority, dual: DualCertificate) -> None:
    """The serial number of a revoked SM2 certificate, asked about under the ECC CA's name."""
    authority.revoke(f"{dual.sm2.certificate.serial:x}")
    assert status(authority, "ssl-ecc", dual.sm2.certificate).certificate_status.name == "UNKNOWN"


def test_a_precertificate_counts_as_issued(authority: Authority, logs) -> None:
    """It is a binding intent (RFC 6962 section 3.1), and BR 4.9.9 wants an answer for it."""
    logs[1].misbehave = lambda answer: type(answer)(500, b"")
    with pytest.raises(Exception, match="p256"):
        authority.issue(REQUEST)
    precertificate = Certificate.parse(logs[0].submissions[0][0])
    assert status(authority, "ssl-sm2", precertificate).certificate_status.name == "GOOD"
    authority.revoke(f"{precertificate.serial:x}")
    assert status(authority, "ssl-sm2", precertificate).certificate_status.name == "REVOKED"


def test_roots_answer_for_the_issuing_cas(authority: Authority) -> None:
    issuing = authority.cas["ssl-sm2"].certificate
    assert status(authority, "root-sm2", issuing).certificate_status.name == "GOOD"
    assert status(authority, "root-ecc", issuing).certificate_status.name == "UNKNOWN"


def test_nonce_and_times(authority: Authority, dual: DualCertificate, clock) -> None:
    ca = authority.cas["ssl-ecc"].certificate
    responder = authority.responders["ssl-ecc"]
    with_nonce = responder.respond(question(dual.ecc.certificate, ca, b"0123456789abcdef"))
    read = ocsp.load_der_ocsp_response(with_nonce.der)
    assert read.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"0123456789abcdef"
    assert with_nonce.cacheable_until is None
    without = responder.respond(question(dual.ecc.certificate, ca))
    read = ocsp.load_der_ocsp_response(without.der)
    assert len(read.extensions) == 0
    assert read.this_update_utc == read.produced_at_utc.replace(tzinfo=dt.UTC) == clock()
    assert read.next_update_utc == without.cacheable_until == clock() + dt.timedelta(hours=8)


@given(st.binary(max_size=100))
def test_malformed_requests(data: bytes) -> None:
    from issuer.revocation.ocsp import OcspResponder

    responder = OcspResponder.__new__(OcspResponder)
    assert responder.answer(data) == bytes.fromhex("30030a0101")
