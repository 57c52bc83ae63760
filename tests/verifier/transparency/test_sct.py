"""SCTs: their bytes, their lists, their extensions, and what a log's key says to them."""

import struct
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from hypothesis import given
from hypothesis import strategies as st

from verifier.algorithms import KeyAlgorithm, PrivateKey, SignatureScheme
from verifier.errors import InvalidSignature, MalformedInput, UnsupportedAlgorithm
from verifier.transparency import digitally_signed, extensions
from verifier.transparency.digitally_signed import (
    LEGACY_SM2_CODEPOINT,
    DigitallySigned,
    encode_digitally_signed,
    parse_digitally_signed,
)
from verifier.transparency.entries import PrecertEntry, X509Entry
from verifier.transparency.moments import MAX_TIMESTAMP
from verifier.transparency.sct import (
    SignedCertificateTimestamp,
    encode_sct_list,
    parse_sct_list,
    sct_extensions,
    split_sct_list,
)
from verifier.transparency.verify import sign_sct, verify_sct

ENTRY = PrecertEntry(sha256(b"issuer").digest(), b"\x30\x03tbs")
TIME = 1_700_000_000_123
SCTS = st.builds(
    SignedCertificateTimestamp,
    log_id=st.binary(min_size=32, max_size=32),
    timestamp=st.integers(0, MAX_TIMESTAMP),
    extensions=st.binary(max_size=20),
    algorithm=st.integers(0, 0xFFFF),
    signature=st.binary(min_size=1, max_size=80),
)


@given(st.lists(SCTS, min_size=1, max_size=5))
def test_a_list_reads_as_it_was_written(scts: list[SignedCertificateTimestamp]):
    encoded = encode_sct_list(scts)
    assert parse_sct_list(encoded) == tuple(scts)
    assert split_sct_list(encoded) == tuple(sct.encode() for sct in scts)
    assert SignedCertificateTimestamp.parse(scts[0].encode()) == scts[0]


def test_the_bytes_are_those_of_the_rfc():
    sct = SignedCertificateTimestamp(b"L" * 32, 0x0102, b"ext", 0x0403, b"sig")
    encoded = (
        b"\x00" + b"L" * 32 + b"\x00\x00\x00\x00\x00\x00\x01\x02" + b"\x00\x03ext" + b"\x04\x03\x00\x03sig"
    )
    assert sct.encode() == encoded
    assert encode_sct_list([sct]) == struct.pack(">HH", len(encoded) + 2, len(encoded)) + encoded
    assert sct.scheme is SignatureScheme.ECDSA_SHA256
    assert replace(sct, algorithm=0xFFFF).scheme is None
    assert replace(sct, timestamp=TIME).time == datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC)


def test_another_version_is_named_and_does_not_hide_the_others():
    sct = SignedCertificateTimestamp(b"L" * 32, TIME, b"", 0x0403, b"sig")
    second = b"\x01" + sct.encode()[1:]
    with pytest.raises(MalformedInput, match=r"SCT.version: expected 0 \(version 1 of RFC 6962\), got 1"):
        SignedCertificateTimestamp.parse(second)
    items = struct.pack(">H", len(second)) + second + struct.pack(">H", len(second)) + sct.encode()
    whole = struct.pack(">H", len(items)) + items
    assert split_sct_list(whole) == (second, sct.encode())
    with pytest.raises(MalformedInput, match="version"):
        parse_sct_list(whole)
    with pytest.raises(MalformedInput, match="version"):
        replace(sct, version=1).encode()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"log_id": b"short"}, "SCT.log_id: expected 32 bytes, got 5"),
        ({"timestamp": -1}, "SCT.timestamp"),
        ({"timestamp": MAX_TIMESTAMP + 1}, "SCT.timestamp"),
        ({"extensions": bytes(65536)}, "SCT.extensions: expected 0 to 65535 bytes, got 65536"),
        ({"algorithm": 65536}, "DigitallySigned.algorithm"),
        ({"signature": bytes(65536)}, "DigitallySigned.signature"),
    ],
)
def test_values_that_no_sct_has_are_not_written(change: dict[str, object], field: str):
    with pytest.raises(MalformedInput, match=field):
        replace(SignedCertificateTimestamp(b"L" * 32, TIME, b"", 0x0403, b"sig"), **change).encode()


def test_a_list_is_bounded_and_not_empty():
    sct = SignedCertificateTimestamp(b"L" * 32, TIME, b"", 0x0403, bytes(1000))
    for wrong in ([], [sct] * 70):
        with pytest.raises(MalformedInput, match="SCT list: expected 1 to 65535 bytes"):
            encode_sct_list(wrong)
    for wrong in (b"\x00\x00", b"", b"\x00", b"\x00\x02\x00\x00", b"\x00\x04\x00\x05SCT"):
        with pytest.raises(MalformedInput, match="SCT list"):
            parse_sct_list(wrong)
    with pytest.raises(MalformedInput, match="1 bytes are left over"):
        parse_sct_list(encode_sct_list([sct]) + b"\x00")
    with pytest.raises(MalformedInput, match="signature"):  # an empty one
        SignedCertificateTimestamp.parse(sct.encode()[: -len(sct.signature) - 2] + b"\x00\x00")


# --- extensions --------------------------------------------------------------------------------------------


def test_leaf_index_has_eight_bytes_of_static_ct():
    assert sct_extensions(0x0102030405).hex() == "0000050102030405"
    assert extensions.leaf_index(sct_extensions(2**40 - 1)) == 2**40 - 1
    sct = SignedCertificateTimestamp(b"L" * 32, TIME, sct_extensions(7), 0x0403, b"sig")
    assert sct.leaf_index == 7
    assert replace(sct, extensions=b"").leaf_index is None
    for index in (-1, 2**40):
        with pytest.raises(MalformedInput, match="leaf_index"):
            sct_extensions(index)


def test_other_extensions_are_stepped_over():
    other = b"\x07\x00\x02ab"
    assert extensions.leaf_index(other + sct_extensions(7) + b"\x08\x00\x00") == 7
    assert extensions.leaf_index(other) is None


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        (sct_extensions(1) * 2, "type 0 is there twice"),
        (b"\x07\x00\x00\x07\x00\x00", "type 7 is there twice"),
        (b"\x00\x00\x04\x00\x00\x00\x01", "expected 5 bytes, got 4"),
        (b"\x00\x00\x06\x00\x00\x00\x00\x00\x01", "expected 5 bytes, got 6"),
        (b"\x00\x00\x05\x00", "expected 5 bytes, 1 are left"),
        (b"\x00", "extension_data"),
    ],
)
def test_an_extensions_field_of_another_form_is_malformed(field: bytes, problem: str):
    with pytest.raises(MalformedInput, match=problem):
        extensions.leaf_index(field)
    assert SignedCertificateTimestamp(b"L" * 32, TIME, field, 0x0403, b"sig").leaf_index is None


# --- signatures --------------------------------------------------------------------------------------------


def test_an_sct_verifies_and_nothing_else_does(log_key: PrivateKey, keys: dict[str, PrivateKey]):
    key = log_key.public_key
    sct = sign_sct(ENTRY, TIME, sct_extensions(5), log_key)
    assert sct.log_id == sha256(key.spki).digest()
    verify_sct(SignedCertificateTimestamp.parse(sct.encode()), ENTRY, key)
    wrong = [
        (replace(sct, timestamp=TIME + 1), ENTRY),
        (replace(sct, extensions=sct_extensions(6)), ENTRY),
        (replace(sct, extensions=b""), ENTRY),
        (replace(sct, signature=sct.signature[:-1] + bytes((sct.signature[-1] ^ 1,))), ENTRY),
        (replace(sct, signature=sct.signature + b"\x00"), ENTRY),
        (replace(sct, log_id=bytes(32)), ENTRY),
        (sct, replace(ENTRY, tbs=b"\x30\x03tbt")),
        (sct, replace(ENTRY, issuer_key_hash=bytes(32))),
        (sct, X509Entry(ENTRY.tbs)),
    ]
    for other_sct, other_entry in wrong:
        with pytest.raises(InvalidSignature):
            verify_sct(other_sct, other_entry, key)
    for other in keys.values():
        if other.public_key != key:
            with pytest.raises(InvalidSignature, match="log_id"):
                verify_sct(sct, ENTRY, other.public_key)
            with pytest.raises(InvalidSignature):
                verify_sct(replace(sct, log_id=other.public_key.key_id), ENTRY, other.public_key)


def test_a_signature_does_not_choose_its_algorithm(log_key: PrivateKey):
    """A log has one algorithm, and the bytes before the signature, which name it, are not signed."""
    sct = sign_sct(ENTRY, TIME, b"", log_key)
    for code in {0x0000, 0x0203, 0x0201, 0x0403, 0x0401, 0x0503, 0x0704, 0x0708, 0x0804} - {sct.algorithm}:
        with pytest.raises(
            InvalidSignature, match=r"DigitallySigned.algorithm: expected 0x0\w{3} for the log's"
        ):
            verify_sct(replace(sct, algorithm=code), ENTRY, log_key.public_key)


def test_a_stronger_hash_is_still_not_the_logs(keys: dict[str, PrivateKey]):
    key = keys["ecdsa"]
    sct = sign_sct(ENTRY, TIME, b"", key)
    data = b"\x00\x00" + struct.pack(">Q", TIME) + b"\x00\x01" + ENTRY.encode() + b"\x00\x00"
    other = key.sign(data, SignatureScheme.ECDSA_SHA512)
    key.public_key.verify(other, data, SignatureScheme.ECDSA_SHA512)
    with pytest.raises(InvalidSignature, match="expected 0x0403"):
        verify_sct(replace(sct, algorithm=0x0603, signature=other), ENTRY, key.public_key)


def test_a_log_may_write_sm2_under_the_older_code_point(keys: dict[str, PrivateKey]):
    key = keys["sm2"]
    sct = sign_sct(ENTRY, TIME, b"", key, codepoint=LEGACY_SM2_CODEPOINT)
    assert sct.encode()[43:45] == b"\x07\x04"
    verify_sct(sct, ENTRY, key.public_key, codepoint=LEGACY_SM2_CODEPOINT)
    with pytest.raises(InvalidSignature, match="expected 0x0708"):
        verify_sct(sct, ENTRY, key.public_key)
    with pytest.raises(InvalidSignature, match="expected 0x0704"):
        verify_sct(replace(sct, algorithm=0x0708), ENTRY, key.public_key, codepoint=LEGACY_SM2_CODEPOINT)


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (PrivateKey.generate(KeyAlgorithm.ECDSA, curve="P-384"), "expected the curve P-256, got P-384"),
        (PrivateKey.generate(KeyAlgorithm.ED25519), "expected SM2, ECDSA or RSA, got ed25519"),
    ],
    ids=["P-384", "Ed25519"],
)
def test_a_key_that_no_log_may_have_signs_and_verifies_nothing(key: PrivateKey, problem: str):
    with pytest.raises(UnsupportedAlgorithm, match=problem):
        sign_sct(ENTRY, TIME, b"", key)
    signed = DigitallySigned(key.public_key.default_scheme.value, key.sign(b"data"))
    with pytest.raises(InvalidSignature, match=problem):
        digitally_signed.verify(signed, b"data", key.public_key)
    with pytest.raises(InvalidSignature, match=problem):
        digitally_signed.verify(signed, b"data", key.public_key, codepoint=signed.code)


def test_an_rsa_log_has_2048_bits(keys: dict[str, PrivateKey]):
    """Keys are refused below that where they are read too; a log's are whatever made them."""
    key = keys["rsa"].public_key
    signed = DigitallySigned(0x0401, keys["rsa"].sign(b"data"))
    digitally_signed.verify(signed, b"data", key)
    with pytest.raises(InvalidSignature, match="expected at least 2048 bits, got 2047"):
        digitally_signed.verify(signed, b"data", replace(key, bits=2047))


def test_digitally_signed_reads_as_it_was_written():
    assert encode_digitally_signed(SignatureScheme.SM2SIG_SM3, b"sig") == b"\x07\x08\x00\x03sig"
    assert encode_digitally_signed(0x0704, b"sig") == b"\x07\x04\x00\x03sig"
    assert parse_digitally_signed(b"\x07\x08\x00\x03sig") == DigitallySigned(0x0708, b"sig")
    for wrong in (b"\x07\x08\x00\x00", b"\x07\x08\x00\x03si", b"\x07\x08\x00\x03sig!", b"\x07"):
        with pytest.raises(MalformedInput, match="DigitallySigned"):
            parse_digitally_signed(wrong)


# --- others' software --------------------------------------------------------------------------------------


def signed_bytes(sct: SignedCertificateTimestamp) -> bytes:
    """Section 3.2's structure, written out by hand."""
    head = struct.pack(">BBQH", 0, 0, sct.timestamp, 1)
    entry = ENTRY.issuer_key_hash + struct.pack(">I", len(ENTRY.tbs))[1:] + ENTRY.tbs
    return head + entry + struct.pack(">H", len(sct.extensions)) + sct.extensions


def test_cryptography_accepts_our_scts(keys: dict[str, PrivateKey]):
    for name in ("ecdsa", "rsa"):
        sct = sign_sct(ENTRY, TIME, sct_extensions(9), keys[name])
        key = serialization.load_der_public_key(keys[name].public_key.spki)
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(sct.signature, signed_bytes(sct), ec.ECDSA(hashes.SHA256()))
        else:
            key.verify(sct.signature, signed_bytes(sct), padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.needs("openssl")
def test_openssl_accepts_our_sm2_scts(keys: dict[str, PrivateKey], tmp_path: Path):
    sct = sign_sct(ENTRY, TIME, sct_extensions(9), keys["sm2"])
    (tmp_path / "key.pem").write_bytes(keys["sm2"].public_key.to_pem())
    (tmp_path / "data").write_bytes(signed_bytes(sct))
    (tmp_path / "signature").write_bytes(sct.signature)
    command = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in data -sigfile signature -digest sm3"
    ran = subprocess.run(
        [*command.split(), "-pkeyopt", "distid:1234567812345678"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert b"Verified Successfully" in ran.stdout, ran.stderr
