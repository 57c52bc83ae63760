"""A log with an RSA key (RFC 6962 section 2.1.4): followed, audited, accused, and all checked by openssl too.

What openssl is given is put together here, from the RFC's text and the evidence file's JSON alone.
"""

import base64
import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from monitor.values import AuditOutcome
from tests.monitor.conftest import MadeLog, StaticLog
from verifier.algorithms import PrivateKey
from verifier.certificates.tbs import split_tbs
from verifier.transparency.evidence import Evidence, Result, examine

SHA256_RSA = b"\x04\x01"  # RFC 5246 section 7.4.1.4.1


@pytest.fixture(scope="module", params=[2048, 3072])
def key(request):
    """A key that openssl made."""
    command = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{request.param}"]
    made = PrivateKey.from_pem(subprocess.run(command, check=True, capture_output=True).stdout)
    assert made.public_key.bits == request.param
    return made


@pytest.fixture(params=[MadeLog, StaticLog])
def signed(request, served, key, monitor, ca):
    """A log of six entries behind either API, audited once."""
    made = request.param("made")
    made.key = key
    served(made)
    for number in range(5):
        made.add_precertificate(ca.precertificate(f"{number}.example.test"), ca, made.now() - 7_200_000)
    builder, moment = ca.builder("kept.example.test"), made.now() - 7_000_000
    sct = made.promise(ca.poisoned(builder), ca, moment, 5)
    made.add_precertificate(ca.poisoned(builder), ca, moment, sct.extensions)
    made.kept = ca.issue_with_scts(builder, [sct])
    monitor.watch_log(made.watched())
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT, report.findings
    assert "signed with the log's rsa key" in report.findings[0].detail.lower()
    return made


@pytest.fixture
def openssl(tmp_path):
    """Says whether openssl takes a signature for one over the data, by a key in DER."""

    def verify(spki, signature, data):
        files = {"key": spki, "signature": signature, "data": data}
        paths = {name: tmp_path / name for name in files}
        for name, content in files.items():
            paths[name].write_bytes(content)
        command = ["openssl", "dgst", "-sha256", "-keyform", "DER", "-verify", str(paths["key"])]
        command += ["-signature", str(paths["signature"]), str(paths["data"])]
        return subprocess.run(command, check=False, capture_output=True).stdout == b"Verified OK\n"

    return verify


def raw(value):
    return base64.b64decode(value, validate=True)


def digitally_signed(data):
    """The signature of a DigitallySigned that names SHA-256 and RSA."""
    assert data[:2] == SHA256_RSA
    assert int.from_bytes(data[2:4]) == len(data) - 4
    return data[4:]


def head_data(head):
    """TreeHeadSignature, RFC 6962 section 3.5."""
    sizes = head["timestamp"].to_bytes(8) + head["tree_size"].to_bytes(8)
    return b"\x00\x01" + sizes + raw(head["sha256_root_hash"])


def test_it_grows_and_stays_consistent(monitor, signed, ca):
    for count in (1, 3, 300):
        for number in range(count):
            signed.add_precertificate(ca.precertificate("a.example.test"), ca, signed.now() - number)
        (report,) = monitor.audit_now()
        assert report.outcome is AuditOutcome.CONSISTENT, report.findings
    assert monitor.log("made").head.tree_size == 310
    assert monitor.alerts() == ()


def test_two_histories_are_proven_here_and_by_openssl(monitor, signed, examined, openssl):
    signed.entries[2] = signed.entries[3]
    monitor.audit_now()
    assert examined("tree-forked").result is Result.PROVEN
    (alert,) = monitor.alerts()
    file = json.loads(monitor.evidence.evidence(alert.id).encode())
    spki, heads = (
        raw(file["log"]["key"]),
        [file["material"][name] for name in ("tree_head", "previous_tree_head")],
    )
    for head in heads:
        signature = digitally_signed(raw(head["tree_head_signature"]))
        assert openssl(spki, signature, head_data(head))
        assert not openssl(spki, signature, head_data({**head, "timestamp": head["timestamp"] + 1}))
    assert len({head["tree_size"] for head in heads}) == 1
    assert len({head["sha256_root_hash"] for head in heads}) == 2


def test_a_broken_promise_is_proven_here_and_by_openssl(monitor, signed, make_log, ca, examined, openssl):
    holder = make_log("holder")
    monitor.watch_log(holder.watched())
    builder = ca.builder("missing.example.test")
    sct = signed.promise(ca.poisoned(builder), ca, signed.now() - 3_600_000, 1)
    for final in (signed.kept, ca.issue_with_scts(builder, [sct])):
        holder.add_certificate(final, ca)
    monitor.audit_now(["holder"])
    (report,) = monitor.audit_now(["made"])
    assert "1 of 2 SCTs that were due were not kept." in {finding.detail for finding in report.findings}
    assert examined("sct-not-merged").result is Result.PROVEN
    (alert,) = [alert for alert in monitor.alerts() if alert.code == "sct-not-merged"]
    file = json.loads(monitor.evidence.evidence(alert.id).encode())
    sct, issuer = raw(file["material"]["sct"]), raw(file["material"]["issuer"])
    assert sct[1:33] == signed.key.public_key.key_id == raw(file["log"]["log_id"])
    extensions = sct[41 : 43 + int.from_bytes(sct[41:43])]
    signature = digitally_signed(sct[41 + len(extensions) :])
    tbs = split_tbs(raw(file["material"]["certificate"])).without_transparency
    entry = sha256_of_key(issuer) + len(tbs).to_bytes(3) + tbs
    data = b"\x00\x00" + sct[33:41] + b"\x00\x01" + entry + extensions  # RFC 6962 section 3.2
    spki = raw(file["log"]["key"])
    assert openssl(spki, signature, data)
    assert not openssl(spki, signature, data + b"x")


def sha256_of_key(der):
    """The issuer_key_hash, with openssl reading the certificate."""
    command = ["openssl", "x509", "-inform", "DER", "-noout", "-pubkey"]
    text = subprocess.run(command, input=der, check=True, capture_output=True).stdout
    command = ["openssl", "pkey", "-pubin", "-outform", "DER"]
    return sha256(subprocess.run(command, input=text, check=True, capture_output=True).stdout).digest()


@pytest.mark.parametrize("damage", ["byte", "short", "padding"])
def test_a_damaged_signature_is_found(monitor, signed, examined, damage):
    honest = signed.head
    signed.timestamp = signed.now()

    def damaged():
        head = honest()
        signature = bytearray(head.signature)
        if damage == "byte":
            signature[-1] ^= 1
        elif damage == "short":
            signature = signature[:2] + (len(signature) - 5).to_bytes(2) + signature[4:-1]
        else:
            signature[4:] = bytes(len(signature) - 4)
        return replace(head, signature=bytes(signature))

    signed.head = damaged
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.INCONSISTENT
    assert examined("head-signature-invalid").result is Result.OBSERVED
    (alert,) = monitor.alerts()
    evidence = monitor.evidence.evidence(alert.id)
    assert examine(Evidence.parse(evidence.encode()), datetime.now(UTC)).result is Result.OBSERVED
