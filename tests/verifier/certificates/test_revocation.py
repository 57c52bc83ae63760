"""OCSP and CRLs: every reason to disbelieve an answer, for SM2 and ECDSA, and openssl as the other side."""

import datetime as dt
import subprocess
from contextlib import suppress

import pytest
from asn1crypto import core, ocsp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import example, given
from hypothesis import strategies as st

from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.certificates import (
    MAX_CRL_SIZE,
    MAX_RESPONSE_SIZE,
    RevocationState,
    ocsp_request,
    revocation_status,
    stapled_sct_list,
)
from verifier.errors import MalformedInput

DAY = dt.timedelta(days=1)


@pytest.fixture
def issuer(pki):
    return pki.root()


@pytest.fixture
def leaf(pki, issuer):
    urls = [x509.UniformResourceIdentifier("http://crl.test/1.crl")]
    points = x509.CRLDistributionPoints([x509.DistributionPoint(urls, None, None, None)])
    return pki.leaf(issuer, extra=[points]).certificate


@pytest.fixture
def state(pki, issuer, leaf):
    def run(*, ocsp=(), crls=(), now=None):
        return revocation_status(leaf, issuer.certificate, ocsp=ocsp, crls=crls, now=now or pki.now)

    return run


def flip(signature: bytes) -> bytes:
    return signature[:-1] + bytes([signature[-1] ^ 1])


def delegate(pki, issuer, **given):
    defaults = {"key_usage": ("digital_signature",), "eku": [ExtendedKeyUsageOID.OCSP_SIGNING]}
    return pki.certificate("OCSP responder", issuer, **{**defaults, **given})


def test_nothing_at_all_is_unknown(state):
    assert state().state is RevocationState.UNKNOWN


class TestOcsp:
    def test_good(self, pki, issuer, leaf, state):
        found = state(ocsp=[pki.ocsp(leaf, issuer)])
        assert (found.state, found.source, found.fresh_until) == (RevocationState.GOOD, "OCSP", pki.now + DAY)

    def test_revoked_with_time_and_reason(self, pki, issuer, leaf, state):
        found = state(ocsp=[pki.ocsp(leaf, issuer, "revoked")])
        assert found.state is RevocationState.REVOKED
        assert (found.revoked_at, found.reason) == (pki.now - DAY, "keyCompromise")
        assert state(ocsp=[pki.ocsp(leaf, issuer, "revoked", reason=None)]).reason == "unspecified"

    @pytest.mark.parametrize("hash_name", ["sha1", "sha256", "sha384", "sha512"])
    def test_hashes_of_the_certid(self, pki, issuer, leaf, state, hash_name):
        answer = pki.ocsp(leaf, issuer, hash_name=hash_name)
        assert state(ocsp=[answer]).state is RevocationState.GOOD

    @pytest.mark.parametrize("by_name", [False, True])
    def test_delegated_responder(self, pki, issuer, leaf, state, by_name):
        responder = delegate(pki, issuer)
        answer = pki.ocsp(leaf, issuer, responder=responder, certificates=[responder], by_name=by_name)
        assert state(ocsp=[answer]).state is RevocationState.GOOD

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"eku": ()}, "has no extendedKeyUsage OCSPSigning"),
            ({"eku": [ExtendedKeyUsageOID.SERVER_AUTH]}, "has no extendedKeyUsage OCSPSigning"),
            ({"key_usage": ("key_encipherment",)}, "may not sign"),
            ({"not_after": dt.datetime(2026, 5, 31, tzinfo=dt.UTC)}, "is not in force"),
            ({"not_before": dt.datetime(2026, 6, 2, tzinfo=dt.UTC)}, "is not in force"),
            ({"damage": flip}, "was not named by the issuer"),
        ],
    )
    def test_responders_without_a_mandate(self, pki, issuer, leaf, state, change, reason):
        responder = delegate(pki, issuer, **change)
        answer = pki.ocsp(leaf, issuer, responder=responder, certificates=[responder])
        found = state(ocsp=[answer])
        assert found.state is RevocationState.UNKNOWN
        assert reason in found.reasons[0]

    def test_a_responder_named_by_another_ca(self, pki, issuer, leaf, state):
        responder = delegate(pki, pki.root("Another root"))
        answer = pki.ocsp(leaf, issuer, responder=responder, certificates=[responder])
        assert "was not named by the issuer" in state(ocsp=[answer]).reasons[0]

    def test_a_responder_with_a_short_key(self, pki, issuer, leaf, state):
        short = rsa.generate_private_key(65537, 1024)  # noqa: S505 -- that is the point
        encoded = short.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        responder = delegate(pki, issuer, key=PrivateKey.from_pkcs8(encoded))
        answer = pki.ocsp(leaf, issuer, responder=responder, certificates=[responder])
        assert "has a key of only 1024 bits" in state(ocsp=[answer]).reasons[0]

    def test_an_issuer_of_the_same_key_and_another_name(self, pki, issuer, leaf, state):
        renamed = pki.certificate("Renamed", None, key=issuer.key, ca=True)
        other = pki.leaf(renamed, serial=leaf.serial).certificate
        assert "is about another certificate" in state(ocsp=[pki.ocsp(other, issuer)]).reasons[0]

    def test_other_than_basic_responses(self, pki, issuer, leaf, state):
        answer = pki.ocsp(leaf, issuer).replace(
            bytes.fromhex("2b0601050507300101"), bytes.fromhex("2b0601050507300102"), 1
        )
        assert "expected id-pkix-ocsp-basic" in state(ocsp=[answer]).reasons[0]

    def test_a_sibling_leaf_cannot_answer(self, pki, issuer, leaf, state):
        sibling = pki.leaf(issuer, "sibling.test")
        answer = pki.ocsp(leaf, issuer, responder=sibling, certificates=[sibling])
        assert "OCSPSigning" in state(ocsp=[answer]).reasons[0]

    def test_unbelievable_answers(self, pki, issuer, leaf, state):
        other = pki.leaf(issuer, "other.test").certificate
        responder = delegate(pki, issuer)
        critical = ocsp_extension("1.3.6.1.4.1.99999.1", b"\x05\x00", critical=True)
        cases = [
            ("is about another certificate", pki.ocsp(other, issuer)),
            ("is about another certificate", pki.ocsp(leaf, pki.root("Another root"))),
            ("it does not verify with this key", pki.ocsp(leaf, issuer, damage=flip)),
            ("it does not verify with this key", pki.ocsp(leaf, issuer, signing_key=pki.key("somebody"))),
            ("whose certificate is not there", pki.ocsp(leaf, issuer, responder=responder)),
            ("does not know", pki.ocsp(leaf, issuer, "unknown")),
            ("dated in the future", pki.ocsp(leaf, issuer, this_update=pki.now + DAY / 2)),
            ("out of date since 2026-06-01T11", pki.ocsp(leaf, issuer, next_update=pki.now - DAY / 24)),
            ("out of date", pki.ocsp(leaf, issuer, this_update=pki.now - 2 * DAY, without_next_update=True)),
            ("critical extension", pki.ocsp(leaf, issuer, single_extensions=[critical])),
            ("expected at most", b"\0" * (MAX_RESPONSE_SIZE + 1)),
        ]
        for reason, answer in cases:
            found = state(ocsp=[answer])
            assert found.state is RevocationState.UNKNOWN, reason
            assert reason in found.reasons[0]

    def test_a_recent_answer_without_an_end_is_believed_for_a_day(self, pki, issuer, leaf, state):
        answer = pki.ocsp(leaf, issuer, this_update=pki.now - DAY / 2, without_next_update=True)
        assert state(ocsp=[answer]).fresh_until == pki.now + DAY / 2

    def test_the_responders_own_errors(self, state):
        for status, name in (("try_later", "tryLater"), ("unauthorized", "unauthorized")):
            answer = ocsp.OCSPResponse({"response_status": status}).dump()
            assert f"answered {name}" in state(ocsp=[answer]).reasons[0]

    def test_sct_list_of_a_response(self, pki, issuer, leaf):
        inner = b"\0\x03abc"
        raw = ocsp_extension("1.3.6.1.4.1.11129.2.4.5", core.OctetString(inner).dump())
        assert (
            stapled_sct_list(pki.ocsp(leaf, issuer, single_extensions=[raw]), leaf, issuer.certificate)
            == inner
        )
        assert stapled_sct_list(pki.ocsp(leaf, issuer), leaf, issuer.certificate) is None
        other = pki.leaf(issuer, "other.test").certificate
        answer = pki.ocsp(other, issuer, single_extensions=[raw])
        assert stapled_sct_list(answer, leaf, issuer.certificate) is None

    def test_request_names_the_certificate(self, pki, issuer, leaf):
        request = ocsp.OCSPRequest.load(ocsp_request(leaf, issuer.certificate), strict=True)
        cert_id = request["tbs_request"]["request_list"][0]["req_cert"]
        assert cert_id["serial_number"].native == leaf.serial
        answer = ocsp.OCSPResponse.load(pki.ocsp(leaf, issuer))
        theirs = answer.basic_ocsp_response["tbs_response_data"]["responses"][0]["cert_id"]
        assert cert_id["issuer_name_hash"].native == theirs["issuer_name_hash"].native
        assert cert_id["issuer_key_hash"].native == theirs["issuer_key_hash"].native


def ocsp_extension(oid, value, *, critical=False):
    class Extension:
        pass

    made = Extension()
    made.oid, made.value, made.critical = oid, core.ParsableOctetString(value), critical
    return made


class TestCrl:
    def test_good_and_revoked(self, pki, issuer, leaf, state):
        assert state(crls=[pki.crl(issuer)]).state is RevocationState.GOOD
        assert state(crls=[pki.crl(issuer, {leaf.serial + 1: None})]).state is RevocationState.GOOD
        found = state(crls=[pki.crl(issuer, {leaf.serial: "keyCompromise"})])
        assert (found.state, found.source, found.reason) == (RevocationState.REVOKED, "CRL", "keyCompromise")
        assert found.revoked_at == pki.now - DAY
        assert state(crls=[pki.crl(issuer, {leaf.serial: None})]).reason == "unspecified"
        assert (
            state(crls=[pki.crl(issuer, {leaf.serial: "certificateHold"})]).state is RevocationState.REVOKED
        )

    def test_remove_from_crl_takes_it_off(self, pki, issuer, leaf, state):
        assert state(crls=[pki.crl(issuer, {leaf.serial: "removeFromCRL"})]).state is RevocationState.GOOD

    def test_unbelievable_lists(self, pki, issuer, leaf, state):
        no_crl_sign = pki.certificate("Root", None, ca=True, key_usage=("key_cert_sign",))
        cases = [
            ("another issuer's", pki.crl(pki.root("Another root"))),
            ("not signed by Root", pki.crl(issuer, signing_key=pki.key("somebody"))),
            ("does not say when", pki.crl(issuer, without_next_update=True)),
            ("dated in the future", pki.crl(issuer, this_update=pki.now + DAY / 2)),
            ("out of date", pki.crl(issuer, next_update=pki.now - dt.timedelta(seconds=1))),
            ("is a delta", pki.crl(issuer, extensions=[(x509.DeltaCRLIndicator(1), True)])),
            ("unknown critical extension", pki.crl(issuer, extensions=[(unknown(), True)])),
            ("for another kind of certificate", pki.crl(issuer, extensions=[(point(ca=True), True)])),
            (
                "another kind of certificate, or indirect",
                pki.crl(issuer, extensions=[(point(indirect=True), True)]),
            ),
            (
                "another kind of certificate, or indirect",
                pki.crl(issuer, extensions=[(point(attribute=True), True)]),
            ),
            (
                "another distribution point",
                pki.crl(issuer, extensions=[(point("http://crl.test/2.crl"), True)]),
            ),
            ("some reasons only", pki.crl(issuer, extensions=[(point(reasons=True), True)])),
            ("expected a CertificateList", b"\x30\x03\x02\x01\x00"),
            ("expected at most", b"\0" * (MAX_CRL_SIZE + 1)),
        ]
        for reason, document in cases:
            found = state(crls=[document])
            assert found.state is RevocationState.UNKNOWN, reason
            assert reason in found.reasons[0]
        found = revocation_status(
            leaf, no_crl_sign.certificate, ocsp=(), crls=[pki.crl(no_crl_sign)], now=pki.now
        )
        assert "may not sign CRLs" in found.reasons[0]

    def test_scopes_that_cover_the_certificate(self, pki, issuer, leaf, state):
        for scope in (point("http://crl.test/1.crl"), point(user=True), point()):
            document = pki.crl(issuer, {leaf.serial: None}, extensions=[(scope, True)])
            assert state(crls=[document]).state is RevocationState.REVOKED
        some = pki.crl(issuer, {leaf.serial: "keyCompromise"}, extensions=[(point(reasons=True), True)])
        assert state(crls=[some]).state is RevocationState.REVOKED

    def test_entries_of_other_issuers(self, pki, issuer, leaf, state):
        named = x509.CertificateIssuer([x509.DirectoryName(pki.name("Somebody"))])
        document = pki.crl(issuer, {leaf.serial: None}, entry_extensions=[(named, True)])
        assert "entries of other issuers" in state(crls=[document]).reasons[0]


def point(url=None, *, ca=False, user=False, indirect=False, attribute=False, reasons=False):
    name = [x509.UniformResourceIdentifier(url)] if url else None
    some = frozenset({x509.ReasonFlags.key_compromise}) if reasons else None
    if not (name or ca or user or indirect or attribute or reasons):
        user = True
    return x509.IssuingDistributionPoint(name, None, user, ca, some, indirect, attribute)


def unknown():
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")


def test_a_verified_revocation_outweighs_every_good_answer(pki, issuer, leaf, state):
    good, bad = pki.ocsp(leaf, issuer), pki.crl(issuer, {leaf.serial: "keyCompromise"})
    assert state(ocsp=[good], crls=[bad]).state is RevocationState.REVOKED
    assert state(ocsp=[pki.ocsp(leaf, issuer, "revoked"), good]).state is RevocationState.REVOKED
    assert state(ocsp=[b"garbage", good]).state is RevocationState.GOOD


@given(st.binary(max_size=600))
def test_garbage_is_unknown_with_a_reason(ecc, data):
    root = ecc.root()
    leaf = ecc.leaf(root).certificate
    found = revocation_status(leaf, root.certificate, ocsp=[data], crls=[data], now=ecc.now)
    assert found.state is RevocationState.UNKNOWN
    assert len(found.reasons) == 2


@example(position=7, change=1, cut=False)  # a CRL of version 1 that says so
@given(position=st.integers(0, 10_000), change=st.integers(1, 255), cut=st.booleans())
def test_one_changed_byte_never_makes_an_answer_good(ecc, position, change, cut):
    """A revoked certificate stays revoked, or nothing is known; never another answer, never another error."""
    root = ecc.root()
    leaf = ecc.leaf(root).certificate
    for kind, document in (
        ("ocsp", ecc.ocsp(leaf, root, "revoked")),
        ("crls", ecc.crl(root, {leaf.serial: "keyCompromise"})),
    ):
        changed = bytearray(document)
        changed[position % len(changed)] ^= change
        if cut:
            del changed[position % len(changed) :]
        documents = {"ocsp": (), "crls": (), kind: [bytes(changed)]}
        found = revocation_status(leaf, root.certificate, **documents, now=ecc.now)
        assert found.state is not RevocationState.GOOD
        with suppress(MalformedInput):
            stapled_sct_list(bytes(changed), leaf, root.certificate)


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("revoked", [False, True])
def test_openssl_as_responder(pki, issuer, leaf, state, tmp_path, revoked):
    """The openssl command answers our request, and its answer is understood."""
    (tmp_path / "ca.pem").write_text(issuer.certificate.pem)
    (tmp_path / "ca.key").write_bytes(_pem(issuer.key))
    (tmp_path / "request.der").write_bytes(ocsp_request(leaf, issuer.certificate))
    line = f"R\t270101000000Z\t260501000000Z,keyCompromise\t{leaf.serial:X}\tunknown\t/CN=x\n"
    if not revoked:
        line = f"V\t270101000000Z\t\t{leaf.serial:X}\tunknown\t/CN=x\n"
    (tmp_path / "index.txt").write_text(line)
    sm2 = pki.algorithm is KeyAlgorithm.SM2
    options = ["-rsigopt", "distid:1234567812345678", "-rmd", "sm3"] if sm2 else []
    subprocess.run(
        [
            "openssl", "ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "ca.pem",
            "-rkey", "ca.key",
            "-reqin", "request.der", "-respout", "response.der", "-ndays", "1", *options,
        ],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    found = state(ocsp=[(tmp_path / "response.der").read_bytes()], now=dt.datetime.now(dt.UTC))
    assert found.state is (RevocationState.REVOKED if revoked else RevocationState.GOOD), found.reasons
    assert found.reason == ("keyCompromise" if revoked else "")


@pytest.mark.needs("openssl")
def test_openssl_reads_the_crl_that_is_understood_here(pki, issuer, tmp_path):
    (tmp_path / "crl.der").write_bytes(pki.crl(issuer, {5: "superseded"}))
    command = ["openssl", "crl", "-inform", "DER", "-in", "crl.der", "-noout", "-text"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "Serial Number: 05" in shown
    assert "Superseded" in shown


def _pem(key) -> bytes:
    text = key.to_pem()
    return text.encode() if isinstance(text, str) else text
