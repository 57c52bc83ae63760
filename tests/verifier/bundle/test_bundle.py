"""The trust bundle: what comes back is what was signed, by the pinned key, or nothing."""

import base64
import json
import subprocess
from dataclasses import fields, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.bundle import (
    MAX_BUNDLE_SIZE,
    PAYLOAD_TYPE,
    TrustBundle,
    encode_trust_bundle,
    parse_trust_bundle,
)
from verifier.errors import InvalidSignature, MalformedInput, PolicyError

DAY = timedelta(days=1)


@pytest.fixture(scope="session")
def signer() -> PrivateKey:
    return PrivateKey.generate(KeyAlgorithm.SM2)


@pytest.fixture(scope="session")
def bundle(ecc, sm2, list_of_logs) -> TrustBundle:
    roots = (ecc.root(), sm2.root())
    logs = [
        replace(
            made, log=replace(made.log, url=None, submission_url=made.log.url, monitoring_url=made.log.url)
        )
        for made in (sm2.log("sm2", "Corp", KeyAlgorithm.SM2), sm2.log("p256", "Corp"))
    ]
    logs = [replace(made, log=replace(made.log, state_since=ecc.now)) for made in logs]
    own = replace(list_of_logs(*logs), timestamp=ecc.now)
    return TrustBundle(
        issued_at=ecc.now,
        expires_at=ecc.now + 7 * DAY,
        public_url="http://127.0.0.1:8440",
        domain="corp.example",
        operator="Corp 公司",
        merge_delay=timedelta(seconds=30),
        roots=tuple(root.certificate for root in roots),
        issuers=(ecc.intermediate(roots[0]).certificate, sm2.intermediate(roots[1]).certificate),
        log_lists={"own": own},
        distrusted_logs=frozenset({bytes(32), bytes([1] * 32)}),
        policy='[default]\ntrust = "public"\n',
    )


@pytest.fixture(scope="session")
def encoded(bundle, signer) -> bytes:
    return encode_trust_bundle(bundle, signer)


def test_round_trip(bundle, encoded, signer):
    parsed = parse_trust_bundle(encoded, signer.public_key.key_id, bundle.issued_at)
    assert parsed == bundle
    assert parsed.signer == signer.public_key
    assert {field.name for field in fields(bundle)} >= set(_payload(encoded)) - {"version"}


def test_any_kind_of_key_may_sign(bundle):
    for algorithm in (KeyAlgorithm.ECDSA, KeyAlgorithm.ED25519):
        key = PrivateKey.generate(algorithm)
        assert (
            parse_trust_bundle(encode_trust_bundle(bundle, key), key.public_key.key_id, bundle.issued_at)
            == bundle
        )


@pytest.mark.needs("openssl")
def test_openssl_verifies_the_signature(bundle, encoded, signer, tmp_path):
    """DSSE's pre-authentication encoding, written out again, under the fingerprinted key."""
    envelope = json.loads(encoded)
    payload = base64.b64decode(envelope["payload"])
    pae = f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} ".encode() + payload
    (tmp_path / "pae").write_bytes(pae)
    (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    pem = base64.encodebytes(signer.public_key.spki).decode()
    (tmp_path / "key.pem").write_text(f"-----BEGIN PUBLIC KEY-----\n{pem}-----END PUBLIC KEY-----\n")
    command = ["openssl", "dgst", "-sm3", "-sigopt", "distid:1234567812345678", "-verify", "key.pem",
               "-signature", "sig", "pae"]  # fmt: skip
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Verified OK" in shown.stdout, shown.stderr
    assert envelope["signatures"][0]["keyid"] == signer.public_key.key_id.hex()


def test_another_signer_is_refused(bundle, signer):
    other = PrivateKey.generate(KeyAlgorithm.SM2)
    with pytest.raises(InvalidSignature, match="expected the key"):
        parse_trust_bundle(encode_trust_bundle(bundle, other), signer.public_key.key_id, bundle.issued_at)


def test_naming_the_pinned_key_is_not_enough(bundle, encoded, signer):
    """The payload of one who is not the signer, with the signer's key in it."""
    other = PrivateKey.generate(KeyAlgorithm.SM2)
    payload = json.dumps({**_payload(encoded), "domain": "evil.example"}).encode()
    pae = b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)
    for signature in (other.sign(pae), base64.b64decode(json.loads(encoded)["signatures"][0]["sig"])):
        with pytest.raises(InvalidSignature):
            parse_trust_bundle(_envelope(payload, signature), signer.public_key.key_id, bundle.issued_at)


def test_the_type_is_signed_too(bundle, encoded, signer):
    """A signature over the payload alone, or of another type, is none."""
    payload = base64.b64decode(json.loads(encoded)["payload"])
    for kind in (b"application/json", b""):
        pae = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
        for signed in (pae, payload):
            with pytest.raises(InvalidSignature):
                parse_trust_bundle(
                    _envelope(payload, signer.sign(signed)), signer.public_key.key_id, bundle.issued_at
                )


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2}, {"version": 0}, {"version": "1"}, {"issued_at": "2026-06-01"},
        {"issued_at": "2026-06-02T12:00:00Z"}, {"expires_at": "2026-06-01T12:00:00Z"}, {"expires_at": None},
        {"public_url": 1}, {"operator": None}, {"merge_delay": -1}, {"merge_delay": 1.5}, {"roots": []},
        {"roots": ["x"]}, {"roots": "x"}, {"issuers": [3]}, {"log_lists": {}}, {"log_lists": []},
        {"log_lists": {"own": {}}}, {"log_lists": {"own": 3}}, {"distrusted_logs": ["AAAA"]},
        {"distrusted_logs": ["?"]}, {"policy": 1}, {"issuers": ["-----BEGIN CERTIFICATE-----" * 10_000]},
    ],
)  # fmt: skip
def test_signed_but_wrong(bundle, encoded, signer, change):
    payload = json.dumps({**_payload(encoded), **change}).encode()
    _refused(payload, bundle, signer)


@pytest.mark.parametrize("name", [
    "version", "issued_at", "expires_at", "public_url", "domain", "operator", "merge_delay", "signer",
    "roots", "issuers", "log_lists", "distrusted_logs", "policy",
])  # fmt: skip
def test_signed_but_incomplete(bundle, encoded, signer, name):
    fields_left = {key: value for key, value in _payload(encoded).items() if key != name}
    _refused(json.dumps(fields_left).encode(), bundle, signer)


def test_a_key_twice_is_refused(bundle, encoded, signer):
    payload = json.dumps(_payload(encoded))[:-1] + ', "domain": "evil.example"}'
    _refused(payload.encode(), bundle, signer)


def test_envelopes_that_are_none(bundle, encoded, signer):
    envelope = json.loads(encoded)
    signature = envelope["signatures"][0]
    wrong = [
        b"", b"[]", b"{}", encoded[:-40], encoded + b"x", b" " * (MAX_BUNDLE_SIZE + 1),
        {**envelope, "payloadType": "application/json"}, {**envelope, "signatures": []},
        {**envelope, "signatures": [signature, signature]},
        {**envelope, "payload": envelope["payload"] + "="},
        {**envelope, "payload": "e30="}, {**envelope, "signatures": [{"keyid": "x"}]},
    ]  # fmt: skip
    for case in wrong:
        data = case if isinstance(case, bytes) else json.dumps(case).encode()
        with pytest.raises(MalformedInput):
            parse_trust_bundle(data, signer.public_key.key_id, bundle.issued_at)


def test_a_bundle_out_of_date_is_returned_for_judge_to_refuse(bundle, encoded, signer):
    later = bundle.expires_at + DAY
    assert parse_trust_bundle(encoded, signer.public_key.key_id, later).expires_at < later


def test_what_clients_would_refuse_is_not_signed(bundle, signer):
    with pytest.raises(PolicyError):
        encode_trust_bundle(replace(bundle, policy=""), signer)
    with pytest.raises(MalformedInput, match="at least one"):
        encode_trust_bundle(replace(bundle, roots=()), signer)
    with pytest.raises(ValueError, match="expires after"):
        encode_trust_bundle(replace(bundle, expires_at=bundle.issued_at), signer)
    naive = bundle.issued_at.replace(tzinfo=None)
    with pytest.raises(ValueError, match="times are aware"):
        encode_trust_bundle(replace(bundle, issued_at=naive, expires_at=naive + DAY), signer)


@given(st.integers(0, 10**9), st.integers(1, 255))
def test_one_changed_byte_is_refused(bundle, encoded, signer, position, change):
    changed = bytearray(encoded)
    changed[position % len(changed)] ^= change
    try:
        parsed = parse_trust_bundle(bytes(changed), signer.public_key.key_id, bundle.issued_at)
    except (MalformedInput, InvalidSignature):
        return
    assert parsed == bundle  # white space and the key's name are not signed


@given(st.binary(max_size=500))
def test_garbage_is_refused(bundle, data):
    with pytest.raises(MalformedInput):
        parse_trust_bundle(data, bytes(32), bundle.issued_at)


def _payload(encoded: bytes) -> dict:
    return json.loads(base64.b64decode(json.loads(encoded)["payload"]))


def _envelope(payload: bytes, signature: bytes) -> bytes:
    return json.dumps({
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": "", "sig": base64.b64encode(signature).decode()}],
    }).encode()


def _refused(payload: bytes, bundle: TrustBundle, signer: PrivateKey) -> None:
    """Signed by the right key, and still malformed."""
    pae = b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)
    with pytest.raises(MalformedInput):
        parse_trust_bundle(_envelope(payload, signer.sign(pae)), signer.public_key.key_id, bundle.issued_at)
