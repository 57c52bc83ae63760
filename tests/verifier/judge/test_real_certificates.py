"""A certificate of the public web from 2018, whose two SCTs real logs signed."""

from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cryptography_vectors
import pytest
from asn1crypto import core
from asn1crypto import x509 as asn1_x509

from verifier.algorithms import PublicKey
from verifier.certificates import Certificate
from verifier.judge import Code, Evidence, Handshake, Outcome, Trust, judge
from verifier.policy import Policy, Rules
from verifier.transparency.log_list import Log, LogList
from verifier.transparency.sct import encode_sct_list, parse_sct_list

VECTORS = Path(cryptography_vectors.__file__).parent / "x509"
LEAF, ISSUER, UNKNOWN = (
    Certificate.from_pem((VECTORS / name).read_bytes())
    for name in ("cryptography-scts.pem", "letsencryptx3.pem", "badssl-sct.pem")
)
THEN = datetime(2018, 11, 1, tzinfo=UTC)
KEYS = {
    "Icarus": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAETtK8v7MICve56qTHHDhhBOuV4IlUaESxZryCfk9QbG9co/CqPvT"
    "sgPDbCpp6oFtyAHwlDhnvr7JijXRD9Cb2FA==",
    "Mammoth": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE7+R9dC4VFbbpuyOL+yy14ceAmEf7QGlo/EmtYU6DRzwat43f/3swtLr/"
    "L8ugFOOt1YU/RFmMjGCL17ixv66MZw==",
}


def _log(name: str, operator: str) -> Log:
    key = PublicKey.from_spki(b64decode(KEYS[name]))
    return Log(key.key_id, key, name, operator, url="https://log.test/")


LOGS = LogList((_log("Icarus", "Google"), _log("Mammoth", "Sectigo")), name="2018")


def judged(leaf: Certificate, log_list: LogList = LOGS, *, now: datetime = THEN, **rules):
    """The findings by check. The root of that time is at hand no more, so the path is invalid."""
    host = leaf.dns_names[0]
    evidence = Evidence(
        host=host, port=443, handshake=Handshake.ESTABLISHED, protocol="TLSv1.2",
        cipher="ECDHE-RSA-AES128-GCM-SHA256", group="X25519", chain=(leaf.der, ISSUER.der),
    )  # fmt: skip
    policy = Policy(Rules(log_lists=("2018",), **rules), {})
    trust = Trust(public_roots=(ISSUER,), log_lists={"2018": log_list})
    verdict = judge(evidence, policy, trust, now)
    assert verdict.code is Code.PATH_INVALID
    return {finding.check: finding for finding in verdict.findings}


def with_scts(change) -> Certificate:
    """The certificate with its SCTs changed; they are no part of what they sign."""
    scts = change(list(parse_sct_list(LEAF.sct_list)))
    made = asn1_x509.Certificate.load(LEAF.der)
    for extension in made["tbs_certificate"]["extensions"]:
        if extension["extn_id"].dotted == "1.3.6.1.4.1.11129.2.4.2":
            inner = core.OctetString(encode_sct_list(scts)).dump()
            extension["extn_value"] = core.ParsableOctetString(inner)
    return Certificate.parse(made.dump(force=True))


def test_both_promises_hold():
    findings = judged(LEAF)
    for check in (
        "sct-presence",
        "sct-signatures",
        "sct-logs",
        "sct-count",
        "log-standing",
        "start",
        "end",
        "name",
    ):
        assert findings[check].outcome is Outcome.PASSED, findings[check]
    assert "Icarus and Mammoth" in findings["sct-signatures"].detail
    assert with_scts(lambda scts: scts) == LEAF


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("bit", [0, 100, 300])
def test_a_flipped_bit_of_the_signature(which, bit):
    def change(scts):
        signature = bytearray(scts[which].signature)
        signature[bit // 8] ^= 1 << bit % 8
        scts[which] = replace(scts[which], signature=bytes(signature))
        return scts

    assert judged(with_scts(change))["sct-signatures"].code is Code.SCT_INVALID


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("bit", [0, 7, 20])
def test_a_flipped_bit_of_the_timestamp(which, bit):
    def change(scts):
        scts[which] = replace(scts[which], timestamp=scts[which].timestamp ^ 1 << bit)
        return scts

    assert judged(with_scts(change))["sct-signatures"].code is Code.SCT_INVALID


def test_a_flipped_bit_of_the_tbs():
    """In the subject's key, where it still parses."""
    key = LEAF.der.index(LEAF.public_key.spki)
    changed = bytearray(LEAF.der)
    changed[key + 200] ^= 1
    assert judged(Certificate.parse(bytes(changed)))["sct-signatures"].code is Code.SCT_INVALID


def test_another_issuer_than_the_promises_name():
    other = replace(ISSUER, public_key=UNKNOWN.public_key)
    assert other.public_key != ISSUER.public_key
    forged = ISSUER.der.replace(ISSUER.public_key.spki, _same_length(ISSUER.public_key.spki))
    evidence = Evidence(
        host="cryptography.io", port=443, handshake=Handshake.ESTABLISHED, protocol="TLSv1.2",
        chain=(LEAF.der, forged),
    )  # fmt: skip
    trust = Trust(public_roots=(ISSUER,), log_lists={"2018": LOGS})
    verdict = judge(evidence, Policy(Rules(log_lists=("2018",)), {}), trust, THEN)
    assert Code.SCT_INVALID in {finding.code for finding in verdict.findings}


def _same_length(spki: bytes) -> bytes:
    changed = bytearray(spki)
    changed[100] ^= 1
    return bytes(changed)


def test_before_the_promise_was_made():
    early = datetime(2018, 9, 26, 20, 0, tzinfo=UTC)
    assert judged(LEAF, now=early)["sct-signatures"].code is Code.SCT_INVALID
    assert "dated in the future" in judged(LEAF, now=early)["sct-signatures"].detail


def test_one_operator_is_too_few():
    one = LogList(tuple(replace(log, operator="Google") for log in LOGS.logs), name="2018")
    assert judged(LEAF, one)["sct-count"].code is Code.SCT_TOO_FEW
    assert judged(LEAF, one, scts=2)["sct-count"].outcome is Outcome.PASSED


def test_a_log_that_is_in_no_list():
    """badssl.com's certificate with an SCT nobody knows: unknown, whatever the signature."""
    evidence = Evidence(
        host="invalid-expected-sct.badssl.com", port=443, handshake=Handshake.ESTABLISHED, protocol="TLSv1.2",
        chain=(UNKNOWN.der, UNKNOWN.der),
    )  # fmt: skip
    policy = Policy(Rules(log_lists=("2018",), scts=1), {})
    trust = Trust(public_roots=(ISSUER,), log_lists={"2018": LOGS}, issuers=(_issuer_like(UNKNOWN),))
    verdict = judge(evidence, policy, trust, datetime(2017, 6, 1, tzinfo=UTC))
    codes = [finding.code for finding in verdict.findings if finding.check.startswith(("sct", "log"))]
    assert codes[:4] == [None, None, Code.SCT_UNKNOWN_LOG, Code.SCT_TOO_FEW]


def _issuer_like(certificate: Certificate) -> Certificate:
    """Somebody with the issuer's name, as RapidSSL's certificate is not at hand."""
    return replace(ISSUER, subject_der=certificate.issuer_der, subject=certificate.issuer)
