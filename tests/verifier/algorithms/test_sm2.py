"""SM2's encodings and the checks that stand before every engine."""

from types import SimpleNamespace

import pytest
from asn1crypto import core
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from verifier.algorithms import (
    DEFAULT_SM2_ID,
    KeyAlgorithm,
    PrivateKey,
    PublicKey,
    Sm2Engine,
    gmssl_engine,
    sm2,
    sm2_keys,
    sm3,
)
from verifier.algorithms.gmssl_engine import GmsslEngine
from verifier.algorithms.libcrypto import LibcryptoEngine
from verifier.algorithms.self_test import CIPHERTEXT, DIGEST, MESSAGE, PLAINTEXT, POINT, SCALAR, SIGNATURE
from verifier.errors import DecryptionError, EngineError, InvalidSignature, KeyFormatError, MalformedInput


@pytest.fixture(scope="module")
def standard_key() -> PrivateKey:
    """The key pair of GB/T 32918.5."""
    return PrivateKey.from_pkcs8(sm2.encode_pkcs8(SCALAR, POINT))


def test_the_standard_s_example(standard_key: PrivateKey) -> None:
    public = standard_key.public_key
    assert (public.algorithm, public.curve, public.bits) == (KeyAlgorithm.SM2, "SM2", 256)
    assert public.spki[-65:] == POINT
    public.verify(SIGNATURE, MESSAGE)
    public.verify(SIGNATURE, MESSAGE, sm2_id=DEFAULT_SM2_ID)
    assert standard_key.decrypt(CIPHERTEXT) == PLAINTEXT


def test_z_and_e_of_the_standard() -> None:
    hasher = sm2.message_hasher(POINT, DEFAULT_SM2_ID)
    hasher.update(MESSAGE)
    assert hasher.digest() == DIGEST


@pytest.mark.parametrize("bit", range(0, 8 * len(SIGNATURE), 7))
def test_a_flipped_bit_of_the_signature(standard_key: PrivateKey, bit: int) -> None:
    damaged = bytearray(SIGNATURE)
    damaged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidSignature):
        standard_key.public_key.verify(bytes(damaged), MESSAGE)


def test_other_bytes_another_key_another_identifier(standard_key: PrivateKey, sm2_key: PrivateKey) -> None:
    with pytest.raises(InvalidSignature, match="does not verify"):
        standard_key.public_key.verify(SIGNATURE, MESSAGE + b"!")
    with pytest.raises(InvalidSignature, match="does not verify"):
        sm2_key.public_key.verify(SIGNATURE, MESSAGE)
    with pytest.raises(InvalidSignature, match="does not verify"):
        standard_key.public_key.verify(SIGNATURE, MESSAGE, sm2_id=b"TLSv1.3+GM+Cipher+Suite")


def test_identifiers(sm2_key: PrivateKey) -> None:
    signature = sm2_key.sign(b"data", sm2_id=b"TLSv1.3+GM+Cipher+Suite")
    sm2_key.public_key.verify(signature, b"data", sm2_id=b"TLSv1.3+GM+Cipher+Suite")
    with pytest.raises(InvalidSignature, match="does not verify"):
        sm2_key.public_key.verify(signature, b"data")
    with pytest.raises(MalformedInput, match="identifier: expected at most 8191 bytes"):
        sm2_key.sign(b"data", sm2_id=bytes(8192))
    sm2_key.public_key.verify(sm2_key.sign(b"data", sm2_id=bytes(8191)), b"data", sm2_id=bytes(8191))


def test_an_empty_identifier_is_recognised_and_refused(sm2_key: PrivateKey) -> None:
    signature = sm2_key.sign(b"data", sm2_id=b"")
    sm2_key.public_key.verify(signature, b"data", sm2_id=b"")
    with pytest.raises(InvalidSignature, match="verifies with an empty identifier only"):
        sm2_key.public_key.verify(signature, b"data")


R, S = sm2.parse_signature(SIGNATURE)
BODY = SIGNATURE[2:]


@pytest.mark.parametrize(
    "signature",
    [
        SIGNATURE + b"\0",
        SIGNATURE[:-1],
        b"",
        b"0",
        b"\x30\x00",
        b"\x30\x80" + BODY + b"\0\0",  # indefinite length
        b"\x30\x81\x46" + BODY,  # a length that is not minimal
        b"\x30\x47\x02\x22\x00" + BODY[2:],  # an integer that is not minimal
        b"\x30\x49" + BODY + b"\x02\x01\x01",  # a third integer
        b"\x31\x46" + BODY,  # a SET
        BODY,
        R.to_bytes(32) + S.to_bytes(32),
    ],
)
def test_signatures_that_are_not_canonical_der(standard_key: PrivateKey, signature: bytes) -> None:
    with pytest.raises(InvalidSignature):
        standard_key.public_key.verify(signature, MESSAGE)


@pytest.mark.parametrize(
    ("r", "s"), [(0, S), (R, 0), (R + sm2.N, S), (R, S + sm2.N), (sm2.N, S), (R, sm2.N), (2**4000, S)]
)
def test_signatures_out_of_range(standard_key: PrivateKey, r: int, s: int) -> None:
    with pytest.raises(InvalidSignature, match="from 1 to n-1"):
        standard_key.public_key.verify(encode_dss_signature(r, s), MESSAGE)


def test_negative_numbers_in_signatures(standard_key: PrivateKey) -> None:
    forged = core.Integer(R - 2**256).dump() + core.Integer(S).dump()
    with pytest.raises(InvalidSignature):
        standard_key.public_key.verify(bytes((0x30, len(forged))) + forged, MESSAGE)


@pytest.mark.parametrize(("r", "s"), [(1, sm2.N - 1), (sm2.N - 1, 1), (1, 1), (5, sm2.N - 5)])
def test_signatures_at_the_edge(engine: Sm2Engine, r: int, s: int) -> None:
    """Where r + s is n there is no t; the engines refuse it themselves."""
    with pytest.raises(InvalidSignature):
        engine.load_public(POINT).verify_digest(encode_dss_signature(r, s), DIGEST)


def test_no_t(engine: Sm2Engine) -> None:
    """Where r + s is n, t is 0; an engine that took P for 0·P would accept this forgery."""
    s, gmssl = 7, gmssl_engine._Gmssl()
    g = sm2.encode_point(sm2.G_X, sm2.G_Y)[1:]
    x = gmssl_engine._x_of_sum(gmssl.multiply(s, g), POINT[1:])
    assert x is not None
    digest = sm2.scalar_bytes((sm2.N - s - x) % sm2.N)
    with pytest.raises(InvalidSignature):
        engine.load_public(POINT).verify_digest(encode_dss_signature(sm2.N - s, s), digest)


def test_a_sum_of_points_at_infinity(engine: Sm2Engine) -> None:
    """s·G + t·P = O where s = -t·d: there is no x to compare with, and so no valid signature."""
    d = int.from_bytes(SCALAR)
    t = 7
    s = -t * d % sm2.N
    with pytest.raises(InvalidSignature):
        engine.load_public(POINT).verify_digest(encode_dss_signature((t - s) % sm2.N, s), DIGEST)


def test_equal_summands(engine: Sm2Engine) -> None:
    """A genuine signature with s·G = t·P, where addition without the doubling case goes wrong."""
    d = int.from_bytes(SCALAR)
    t = 7
    s = t * d % sm2.N
    x = int.from_bytes(engine.public_point(sm2.scalar_bytes(2 * s % sm2.N))[1:33])
    r = (t - s) % sm2.N
    digest = sm2.scalar_bytes((r - x) % sm2.N)
    engine.load_public(POINT).verify_digest(encode_dss_signature(r, s), digest)


@given(st.binary(max_size=80))
def test_any_signature_bytes_are_refused(signature: bytes) -> None:
    public = PublicKey.from_spki(sm2.encode_spki(POINT))
    with pytest.raises(InvalidSignature):
        public.verify(signature, MESSAGE)


SPKI = sm2.encode_spki(POINT)
OFF_CURVE = POINT[:-1] + bytes((POINT[-1] ^ 1,))


@pytest.mark.parametrize(
    ("spki", "reason"),
    [
        (SPKI + b"\0", "uncompressed SM2 point"),
        (SPKI[:-1], "uncompressed SM2 point"),
        (SPKI[:-65] + OFF_CURVE, "not on the SM2 curve"),
        (SPKI[:-65] + b"\4" + bytes(64), "not on the SM2 curve"),
        (SPKI[:-65] + b"\4" + POINT[1:33] + (sm2.P + 1).to_bytes(32), "not on the SM2 curve"),
        (SPKI[:-65] + b"\6" + POINT[1:], "uncompressed SM2 point"),
        (SPKI[:-66] + b"\1" + POINT, "expected DER"),  # unused bits
        (b"\x30\x81" + SPKI[1:], "expected DER"),
        (SPKI[:26].replace(b"\x03\x42", b"\x03\x22") + b"\2" + POINT[1:33], "expected DER"),  # compressed
    ],
)
def test_public_keys_that_are_refused(spki: bytes, reason: str) -> None:
    with pytest.raises(KeyFormatError, match=reason):
        PublicKey.from_spki(spki)


def test_coordinates_beyond_the_field() -> None:
    """X + p is the same residue; only one encoding of a point is accepted."""
    x = next(x for x in range(2**32) if pow(x**3 + sm2.A * x + sm2.B, (sm2.P - 1) // 2, sm2.P) == 1)
    y = pow(x**3 + sm2.A * x + sm2.B, (sm2.P + 1) // 4, sm2.P)
    sm2.check_point(sm2.encode_point(x, y))
    with pytest.raises(KeyFormatError, match="not on the SM2 curve"):
        sm2.check_point(sm2.encode_point(x + sm2.P, y))


@pytest.mark.parametrize(
    ("scalar", "reason"),
    [
        (bytes(32), "from 1 to n-2"),
        ((sm2.N - 1).to_bytes(32), "from 1 to n-2"),  # 1 + d would have no inverse
        (sm2.N.to_bytes(32), "from 1 to n-2"),
        (b"\xff" * 32, "from 1 to n-2"),
        (SCALAR[1:], "expected 32 bytes, got 31"),
        (b"\0" + SCALAR, "expected 32 bytes, got 33"),
    ],
)
def test_private_keys_out_of_range(scalar: bytes, reason: str) -> None:
    with pytest.raises(KeyFormatError, match=reason):
        PrivateKey.from_pkcs8(sm2.encode_pkcs8(scalar, POINT))


def test_a_private_key_with_another_s_public_key(sm2_key: PrivateKey) -> None:
    with pytest.raises(KeyFormatError, match="belongs to the private one"):
        PrivateKey.from_pkcs8(sm2.encode_pkcs8(SCALAR, sm2_key.public_key.spki[-65:]))


@pytest.mark.parametrize("size", [1, 2, 31, 32, 33, 64, 1000])
def test_encryption(sm2_key: PrivateKey, size: int) -> None:
    plaintext = bytes(range(256)) * 4
    ciphertext = sm2_key.public_key.encrypt(plaintext[:size])
    assert sm2_key.decrypt(ciphertext) == plaintext[:size]
    assert sm2.Ciphertext.parse(ciphertext).encode() == ciphertext
    assert sm2_key.public_key.encrypt(plaintext[:size]) != ciphertext


def test_nothing_cannot_be_encrypted(sm2_key: PrivateKey) -> None:
    with pytest.raises(MalformedInput, match="at least one byte"):
        sm2_key.public_key.encrypt(b"")


@pytest.fixture(scope="module")
def in_the_clear() -> bytes:
    """b"m" encrypted to the standard's key with a key stream of zeros: one k in 256 gives such a byte."""
    engine, d = LibcryptoEngine(), int.from_bytes(SCALAR)
    for k in range(1, 10_000):
        shared = engine.public_point(sm2.scalar_bytes(k * d % sm2.N))[1:]
        if sm3(shared + bytes((0, 0, 0, 1)))[0] == 0:
            c1 = engine.public_point(sm2.scalar_bytes(k))
            x, y = int.from_bytes(c1[1:33]), int.from_bytes(c1[33:])
            return sm2.Ciphertext(x, y, sm3(shared[:32] + b"m" + shared[32:]), b"m").encode()
    raise AssertionError


def test_a_key_stream_of_zeros_is_not_used(monkeypatch: pytest.MonkeyPatch, in_the_clear: bytes) -> None:
    """The standard starts again, also where an engine would send the plaintext as it is."""
    public = sm2_keys.Sm2Public(POINT)
    answers = iter([in_the_clear, in_the_clear, CIPHERTEXT])
    monkeypatch.setattr(public, "_handle", SimpleNamespace(encrypt=lambda _: next(answers)), raising=False)
    assert public.encrypt(b"m") == CIPHERTEXT


def test_gmssl_draws_again(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = iter([bytes(1), bytes(1), b"\1"])
    monkeypatch.setattr(gmssl_engine, "_key_derivation", lambda *_: next(streams))
    assert sm2.Ciphertext.parse(GmsslEngine().load_public(POINT).encrypt(b"m")).cipher_text == b"l"


def test_a_key_stream_of_zeros_is_refused(engine: Sm2Engine, in_the_clear: bytes) -> None:
    private = sm2_keys.Sm2Private(SCALAR)
    private._handle = engine.load_private(SCALAR, POINT)
    assert private.decrypt(CIPHERTEXT) == PLAINTEXT
    with pytest.raises(DecryptionError):
        private.decrypt(in_the_clear)


PARTS = sm2.Ciphertext.parse(CIPHERTEXT)


def _ciphertext(**changes: object) -> bytes:
    fields = {name: getattr(PARTS, name) for name in ("x", "y", "hash", "cipher_text")}
    return sm2.Ciphertext(**fields | changes).encode()


@pytest.mark.parametrize(
    "ciphertext",
    [
        b"",
        CIPHERTEXT + b"\0",
        CIPHERTEXT[:-1],
        _ciphertext(x=PARTS.x + 1),
        _ciphertext(x=0, y=0),
        _ciphertext(x=PARTS.x + sm2.P),
        _ciphertext(y=sm2.P - PARTS.y),
        _ciphertext(hash=PARTS.hash[:-1]),
        _ciphertext(hash=bytes(32)),
        _ciphertext(cipher_text=b""),
        _ciphertext(cipher_text=PARTS.cipher_text + b"\0"),
        _ciphertext(cipher_text=bytes(len(PARTS.cipher_text))),
    ],
)
def test_ciphertexts_that_do_not_decrypt(standard_key: PrivateKey, ciphertext: bytes) -> None:
    with pytest.raises(DecryptionError):
        standard_key.decrypt(ciphertext)


@pytest.mark.parametrize(
    ("ciphertext", "reason"),
    [
        (_ciphertext(x=PARTS.x + 1), "C1 is not a point"),
        (_ciphertext(x=PARTS.x + sm2.P), "C1 is not a point"),
        (_ciphertext(hash=PARTS.hash[:-1]), "32-byte hash"),
        (_ciphertext(hash=PARTS.hash + b"\0"), "32-byte hash"),
        (_ciphertext(cipher_text=b""), "at least one byte"),
        (b"\x30" + bytes((CIPHERTEXT[1] + 2,)) + CIPHERTEXT[2:] + b"\5\0", "2 bytes are left over"),
    ],
)
def test_no_engine_sees_a_malformed_ciphertext(ciphertext: bytes, reason: str) -> None:
    """Above all no point off the curve, whose multiples would give the private key away."""
    with pytest.raises(DecryptionError, match=reason):
        sm2.Ciphertext.parse(ciphertext)


@given(st.binary(max_size=200))
def test_any_ciphertext_bytes_are_refused(data: bytes) -> None:
    key = PrivateKey.from_pkcs8(sm2.encode_pkcs8(SCALAR, POINT))
    with pytest.raises(DecryptionError):
        key.decrypt(data)


def test_an_engine_failure_is_not_a_verdict(monkeypatch: pytest.MonkeyPatch, sm2_key: PrivateKey) -> None:
    """A call that fails inside libcrypto is an EngineError, never a pass and never "invalid"."""
    handle = sm2_key.public_key._backend._handle
    monkeypatch.setattr(handle._verify, "call", lambda *_: -1)
    with pytest.raises(EngineError, match="could not verify"):
        sm2_key.public_key.verify(SIGNATURE, MESSAGE)
