"""Public and private keys of every algorithm: in and out, signing, and what is refused."""

import base64
import copy
import pickle
from typing import Any

import pytest
from asn1crypto import keys as asn1_keys
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from verifier.algorithms import KeyAlgorithm, PrivateKey, PublicKey, SignatureScheme
from verifier.errors import InvalidSignature, KeyFormatError, MalformedInput, UnsupportedAlgorithm

DATA = b"data that is signed"
SM2_KEY = PrivateKey.generate(KeyAlgorithm.SM2)
P256_KEY = PrivateKey.generate(KeyAlgorithm.ECDSA)
P384_KEY = PrivateKey.generate(KeyAlgorithm.ECDSA, curve="P-384")
P521_KEY = PrivateKey.generate(KeyAlgorithm.ECDSA, curve="P-521")
RSA_KEY = PrivateKey.generate(KeyAlgorithm.RSA)
ED25519_KEY = PrivateKey.generate(KeyAlgorithm.ED25519)
ALL_KEYS = [SM2_KEY, P256_KEY, P384_KEY, P521_KEY, RSA_KEY, ED25519_KEY]
CHEAP_KEYS = [SM2_KEY, P256_KEY, ED25519_KEY]

every_key = pytest.mark.parametrize(
    "key", ALL_KEYS, ids=lambda key: key.public_key.curve or str(key.public_key.algorithm)
)


def spki_of(key: Any) -> bytes:
    """What cryptography writes for a public key of its own."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def private_bytes(key: Any, form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8) -> bytes:
    """What cryptography writes for a private key of its own."""
    return key.private_bytes(serialization.Encoding.DER, form, serialization.NoEncryption())


@every_key
def test_in_and_out(key: PrivateKey) -> None:
    public = key.public_key
    assert PublicKey.from_spki(public.spki) == public
    assert PublicKey.from_pem(public.to_pem()) == public
    again = PrivateKey.from_pem(key.to_pem())
    assert again.public_key == PrivateKey.from_pkcs8(key.to_pkcs8()).public_key == public
    assert again.to_pkcs8() == key.to_pkcs8()
    public.verify(again.sign(DATA), DATA)


@every_key
def test_asn1crypto_reads_them(key: PrivateKey) -> None:
    info = asn1_keys.PrivateKeyInfo.load(key.to_pkcs8(), strict=True)
    assert info["version"].native == 0
    assert asn1_keys.PublicKeyInfo.load(key.public_key.spki, strict=True).dump() == key.public_key.spki


@pytest.mark.parametrize("key", ALL_KEYS[1:])
def test_cryptography_reads_them(key: PrivateKey) -> None:
    theirs = serialization.load_pem_private_key(key.to_pem(), None)
    assert private_bytes(theirs) == key.to_pkcs8()
    assert spki_of(theirs.public_key()) == key.public_key.spki


@pytest.mark.parametrize(
    ("key", "bits", "curve", "scheme"),
    [
        (SM2_KEY, 256, "SM2", SignatureScheme.SM2SIG_SM3),
        (P256_KEY, 256, "P-256", SignatureScheme.ECDSA_SHA256),
        (P384_KEY, 384, "P-384", SignatureScheme.ECDSA_SHA384),
        (P521_KEY, 521, "P-521", SignatureScheme.ECDSA_SHA512),
        (RSA_KEY, 2048, None, SignatureScheme.RSA_PKCS1_SHA256),
        (ED25519_KEY, 256, None, SignatureScheme.ED25519),
    ],
)
def test_facts(key: PrivateKey, bits: int, curve: str | None, scheme: SignatureScheme) -> None:
    public = key.public_key
    assert (public.bits, public.curve, public.default_scheme) == (bits, curve, scheme)
    assert scheme.key_algorithm is public.algorithm


def test_key_id_and_pin() -> None:
    """The log id of Google 'Icarus' is the SHA-256 of its key (RFC 6962 section 3.2)."""
    spki = (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAETtK8v7MICve56qTHHDhhBOuV4IlUaESxZryCfk9QbG9co/CqPvTsgPDbCpp6"
        "oFtyAHwlDhnvr7JijXRD9Cb2FA=="
    )
    key = PublicKey.from_spki(base64.b64decode(spki))
    assert key.key_id == base64.b64decode("KTxRllTIOWW6qlD8WAfUt2+/WHopctykwwz05UVH9Hg=")
    assert key.pin == "sha256:" + key.key_id.hex()


@every_key
@pytest.mark.parametrize("scheme", [scheme for scheme in SignatureScheme if not scheme.refused])
def test_every_scheme_with_every_key(key: PrivateKey, scheme: SignatureScheme) -> None:
    if scheme.key_algorithm is not key.public_key.algorithm:
        with pytest.raises(UnsupportedAlgorithm, match=scheme.name):
            key.sign(DATA, scheme)
        with pytest.raises(InvalidSignature, match=scheme.name):
            key.public_key.verify(key.sign(DATA), DATA, scheme)
        return
    signature = key.sign(DATA, scheme)
    key.public_key.verify(signature, DATA, scheme)
    with pytest.raises(InvalidSignature):
        key.public_key.verify(signature, DATA + b"!", scheme)
    for other in SignatureScheme:
        if other is not scheme and not other.refused:
            with pytest.raises(InvalidSignature):
                key.public_key.verify(signature, DATA, other)


@pytest.mark.parametrize(
    ("key", "scheme"), [(P256_KEY, SignatureScheme.ECDSA_SHA1), (RSA_KEY, SignatureScheme.RSA_PKCS1_SHA1)]
)
def test_sha1_is_known_and_refused(key: PrivateKey, scheme: SignatureScheme) -> None:
    with pytest.raises(UnsupportedAlgorithm, match="SHA-1"):
        key.public_key.verify(key.sign(DATA), DATA, scheme)
    with pytest.raises(UnsupportedAlgorithm):
        key.sign(DATA, scheme)


def test_ecdsa_is_deterministic() -> None:
    """RFC 6979 appendix A.2.5, SHA-256, "sample"."""
    scalar = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    key = PrivateKey.from_pkcs8(private_bytes(ec.derive_private_key(scalar, ec.SECP256R1())))
    assert decode_dss_signature(key.sign(b"sample")) == (
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    )


def test_ed25519_known_answer() -> None:
    """RFC 8032 section 7.1, test 1."""
    secret = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    key = PrivateKey.from_pkcs8(private_bytes(ed25519.Ed25519PrivateKey.from_private_bytes(secret)))
    assert key.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25b"
        "f5f0595bbe24655141438e7a100b"
    )


def test_sm2_is_not_deterministic() -> None:
    assert SM2_KEY.sign(DATA) != SM2_KEY.sign(DATA)


@pytest.mark.parametrize("change", ["trailing", "long length", "long integer", "zero", "beyond n"])
def test_ecdsa_signatures_are_canonical(change: str) -> None:
    signature = P256_KEY.sign(DATA)
    r, s = decode_dss_signature(signature)
    n = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    changed = {
        "trailing": signature + b"\0",
        "long length": b"\x30\x81" + signature[1:],
        "long integer": b"\x30" + bytes((signature[1] + 1, 2, signature[3] + 1, 0)) + signature[4:],
        "zero": encode_dss_signature(0, s),
        "beyond n": encode_dss_signature(r + n, s),
    }
    with pytest.raises(InvalidSignature):
        P256_KEY.public_key.verify(changed[change], DATA)


def test_pss_salt_is_as_long_as_the_digest() -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    theirs = serialization.load_der_private_key(RSA_KEY.to_pkcs8(), None)
    assert isinstance(theirs, rsa.RSAPrivateKey)
    for salt, accepted in ((32, True), (20, False), (0, False)):
        signature = theirs.sign(DATA, padding.PSS(padding.MGF1(hashes.SHA256()), salt), hashes.SHA256())
        if accepted:
            RSA_KEY.public_key.verify(signature, DATA, SignatureScheme.RSA_PSS_SHA256)
        else:
            with pytest.raises(InvalidSignature):
                RSA_KEY.public_key.verify(signature, DATA, SignatureScheme.RSA_PSS_SHA256)


def test_a_hash_too_long_for_the_key() -> None:
    key = PrivateKey.from_pkcs8(private_bytes(rsa.generate_private_key(65537, 1024)))  # noqa: S505 -- a weak one is the point
    with pytest.raises(UnsupportedAlgorithm, match="not with a key of this size"):
        key.sign(DATA, SignatureScheme.RSA_PSS_SHA512)
    with pytest.raises(InvalidSignature):
        key.public_key.verify(bytes(128), DATA, SignatureScheme.RSA_PSS_SHA512)


@pytest.mark.parametrize("key", [P256_KEY, RSA_KEY, ED25519_KEY])
def test_only_sm2_encrypts(key: PrivateKey) -> None:
    with pytest.raises(UnsupportedAlgorithm):
        key.public_key.encrypt(b"secret")
    with pytest.raises(UnsupportedAlgorithm):
        key.decrypt(b"secret")


@pytest.mark.parametrize("bits", [512, 1024, 2047, 8193])
def test_rsa_sizes_that_are_not_made(bits: int) -> None:
    with pytest.raises(UnsupportedAlgorithm, match="2048 to 8192"):
        PrivateKey.generate(KeyAlgorithm.RSA, bits=bits)


def test_curves_that_are_not_made() -> None:
    with pytest.raises(UnsupportedAlgorithm, match="P-256, P-384, P-521"):
        PrivateKey.generate(KeyAlgorithm.ECDSA, curve="P-224")


def _rsa_spki(modulus: int, exponent: int) -> bytes:
    return asn1_keys.PublicKeyInfo.wrap(
        asn1_keys.RSAPublicKey({"modulus": modulus, "public_exponent": exponent}), "rsa"
    ).dump()


MODULUS = rsa.generate_private_key(65537, 2048).public_key().public_numbers().n
COMPRESSED = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(
    serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
)  # fmt: skip


@pytest.mark.parametrize(
    ("spki", "reason"),
    [
        (b"", "expected DER"),
        (b"\x30\x00", "expected DER"),
        (P256_KEY.public_key.spki + b"\0", "expected"),
        (P256_KEY.public_key.spki[:-1], "expected"),
        (P256_KEY.public_key.spki[:-1] + bytes((P256_KEY.public_key.spki[-1] ^ 1,)), "expected"),
        (
            P256_KEY.public_key.spki[:23].replace(b"\x30\x59", b"\x30\x39") + b"\x03\x22\x00" + COMPRESSED,
            "canonical",
        ),
        (RSA_KEY.public_key.spki + b"\0", "expected"),
        (spki_of(ec.generate_private_key(ec.SECP256K1()).public_key()), "expected a curve of P-256"),
        (spki_of(ed448.Ed448PrivateKey.generate().public_key()), "SM2, ECDSA, RSA or Ed25519"),
        (spki_of(dsa.generate_private_key(2048).public_key()), "SM2, ECDSA, RSA or Ed25519"),
        (_rsa_spki((1 << 1022) + 1, 65537), "modulus: expected 1024 to 16384 bits, got 1023"),
        (_rsa_spki((1 << 16384) + 1, 65537), "modulus: expected 1024 to 16384 bits, got 16385"),
        (_rsa_spki(MODULUS - 1, 65537), "modulus: expected an odd number"),
        (_rsa_spki(MODULUS, 1), "publicExponent"),
        (_rsa_spki(MODULUS, 65536), "publicExponent"),
        (_rsa_spki(MODULUS, (1 << 64) + 1), "publicExponent"),
        (_rsa_spki(-MODULUS, 65537), "expected"),
        (P256_KEY.public_key.spki.replace(b"\xce\x3d\x03\x01\x07", b"\xce\x3d\x03\x01\x70"), "supported key"),
        (ED25519_KEY.public_key.spki.replace(b"\x2b\x65\x70", b"\x2b\x65\x01"), "supported key"),
        (bytes(4097), "at most 4096 bytes"),
    ],
)
def test_public_keys_that_are_refused(spki: bytes, reason: str) -> None:
    with pytest.raises(KeyFormatError, match=reason):
        PublicKey.from_spki(spki)


def test_weak_rsa_keys_parse() -> None:
    """What is strong enough is the judge's to say; it needs to see the key."""
    spki = _rsa_spki((1 << 1023) + 1, 3)
    assert PublicKey.from_spki(spki).bits == 1024


def with_attributes(pkcs8: bytes) -> bytes:
    """The same PrivateKeyInfo with an empty attribute list, [0], and two bytes in it."""
    body = pkcs8[3:] if pkcs8[1] == 0x81 else pkcs8[2:]
    return b"\x30\x81" + bytes((len(body) + 4,)) + body + b"\xa0\x02\x30\x00"


TRADITIONAL = serialization.PrivateFormat.TraditionalOpenSSL
P256_THEIRS = serialization.load_der_private_key(P256_KEY.to_pkcs8(), None)
PKCS8 = P256_KEY.to_pkcs8()
ENCRYPTED = P256_THEIRS.private_bytes(
    serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
)


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (b"", "expected tag"),
        (PKCS8 + b"\0", "left over"),
        (PKCS8[:-1], "ends before"),
        (private_bytes(P256_THEIRS, TRADITIONAL), "privateKeyAlgorithm|version"),
        (ENCRYPTED, "version"),
        (PKCS8.replace(b"\x02\x01\x00\x30", b"\x02\x01\x01\x30"), "version: expected 0"),
        (private_bytes(ec.generate_private_key(ec.SECP256K1())), "expected a curve of P-256"),
        (private_bytes(ed448.Ed448PrivateKey.generate()), "SM2, ECDSA, RSA or Ed25519"),
        (PKCS8[:-1] + bytes((PKCS8[-1] ^ 1,)), "expected DER"),
        (PKCS8.replace(b"\xce\x3d\x03\x01\x07", b"\xce\x3d\x03\x01\x70"), "expected DER"),
        (with_attributes(PKCS8), "4 bytes are left over"),
        (with_attributes(SM2_KEY.to_pkcs8()), "4 bytes are left over"),
        (bytes(8193), "at most 8192 bytes"),
    ],
)
def test_private_keys_that_are_refused(encoded: bytes, reason: str) -> None:
    with pytest.raises(KeyFormatError, match=reason):
        PrivateKey.from_pkcs8(encoded)


class TestSm2PrivateKeyEncodings:
    """What an ECPrivateKey may carry (RFC 5915), and what not."""

    PKCS8 = SM2_KEY.to_pkcs8()
    SCALAR = SM2_KEY._backend._scalar
    POINT = SM2_KEY.public_key.spki[-65:]
    PARAMETERS = bytes.fromhex("a00a06082a811ccf5501822d")
    PUBLIC = b"\xa1\x44\x03\x42\x00" + POINT

    def encode(self, *parts: bytes, after: bytes = b"") -> bytes:
        from verifier.algorithms import der, sm2

        key = der.encode(der.SEQUENCE, *parts)
        wrapped = der.encode(der.OCTET_STRING, key + after)
        return der.encode(der.SEQUENCE, der.encode_integer(0), sm2.ALGORITHM, wrapped)

    VERSION = b"\x02\x01\x01"

    @property
    def scalar(self) -> bytes:
        return b"\x04\x20" + self.SCALAR

    def test_optional_parts(self) -> None:
        assert self.encode(self.VERSION, self.scalar, self.PUBLIC) == self.PKCS8
        for parts in ((), (self.PARAMETERS,), (self.PUBLIC,), (self.PARAMETERS, self.PUBLIC)):
            key = PrivateKey.from_pkcs8(self.encode(self.VERSION, self.scalar, *parts))
            assert key.public_key == SM2_KEY.public_key
            assert key.to_pkcs8() == self.PKCS8

    def test_refusals(self) -> None:
        p256 = bytes.fromhex("a00a06082a8648ce3d030107")
        for encoded in (
            self.encode(b"\x02\x01\x00", self.scalar),
            self.encode(self.VERSION),
            self.encode(self.VERSION, self.scalar, p256),
            self.encode(self.VERSION, self.scalar, self.PUBLIC, self.PARAMETERS),
            self.encode(self.VERSION, self.scalar, self.PUBLIC, b"\x05\x00"),
            self.encode(self.VERSION, self.scalar, self.PUBLIC, after=b"\0"),
            self.encode(self.VERSION, self.scalar, b"\xa1\x46" + self.PUBLIC[2:] + b"\5\0"),
            self.encode(self.VERSION, self.scalar, b"\xa1\x43\x03\x41\x00" + self.POINT[:-1]),
        ):
            with pytest.raises(KeyFormatError):
                PrivateKey.from_pkcs8(encoded)


@every_key
def test_nothing_secret_is_shown(key: PrivateKey) -> None:
    shown = f"{key!r} {key!s} {key.public_key!r}"
    assert shown.count(key.public_key.pin) == 3
    assert len(shown) < 400
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(key)
    with pytest.raises(TypeError, match="not pickled"):
        copy.deepcopy(key)


@every_key
def test_public_keys_are_values(key: PrivateKey) -> None:
    public = key.public_key
    same = PublicKey.from_spki(public.spki)
    unpickled = pickle.loads(pickle.dumps(public))  # noqa: S301 -- our own bytes
    assert public == same == unpickled == copy.deepcopy(public)
    assert len({public, same}) == 1
    assert public != PrivateKey.generate(KeyAlgorithm.ED25519).public_key
    with pytest.raises(AttributeError):
        public.bits = 1  # type: ignore[misc]


@given(st.binary(max_size=200))
def test_any_bytes_as_keys(data: bytes) -> None:
    with pytest.raises(KeyFormatError):
        PublicKey.from_spki(data)
    with pytest.raises(KeyFormatError):
        PrivateKey.from_pkcs8(data)
    with pytest.raises(KeyFormatError):
        PublicKey.from_pem(data)
    with pytest.raises(KeyFormatError):
        PrivateKey.from_pem(data)


def mutated(data: bytes, position: int, kind: str, value: int) -> bytes:
    """One byte changed, put in, or taken out."""
    position %= len(data)
    before, after = data[:position], data[position + 1 :]
    byte = bytes((value,))
    return {
        "change": before + byte + after,
        "insert": before + byte + data[position:],
        "delete": before + after,
    }[kind]


mutations = st.tuples(
    st.integers(0, 4000), st.sampled_from(["change", "insert", "delete"]), st.integers(0, 255)
)


@given(st.sampled_from(ALL_KEYS), mutations)
def test_mutated_public_keys(key: PrivateKey, mutation: tuple[int, str, int]) -> None:
    """A changed encoding is refused, or is the one encoding of another key."""
    spki = mutated(key.public_key.spki, *mutation)
    try:
        public = PublicKey.from_spki(spki)
    except KeyFormatError:
        return
    assert public._backend.spki == spki
    with pytest.raises(InvalidSignature):
        public.verify(b"\x30\x06\x02\x01\x01\x02\x01\x01", DATA)


@given(st.sampled_from(CHEAP_KEYS), mutations)
def test_mutated_private_keys(key: PrivateKey, mutation: tuple[int, str, int]) -> None:
    try:
        changed = PrivateKey.from_pkcs8(mutated(key.to_pkcs8(), *mutation))
    except KeyFormatError:
        return
    changed.public_key.verify(changed.sign(DATA), DATA)


@given(st.sampled_from(ALL_KEYS), mutations)
def test_mutated_signatures(key: PrivateKey, mutation: tuple[int, str, int]) -> None:
    signature = key.sign(DATA)
    changed = mutated(signature, *mutation)
    if changed != signature:
        with pytest.raises(InvalidSignature):
            key.public_key.verify(changed, DATA)


@given(st.sampled_from(ALL_KEYS), st.binary(max_size=300))
def test_any_bytes_as_signatures(key: PrivateKey, signature: bytes) -> None:
    with pytest.raises(InvalidSignature):
        key.public_key.verify(signature, DATA)


PEM = P256_KEY.public_key.to_pem()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
        PEM + PEM,
        b"a comment\n" + PEM,
        PEM + b"a comment\n",
        PEM.replace(b"PUBLIC KEY", b"PRIVATE KEY"),
        PEM.replace(b"END PUBLIC KEY", b"END PRIVATE KEY"),
        PEM.replace(b"MFkw", b"MF!w"),
        PEM.replace(b"==", b"="),
        PEM.replace(b"MFkw", b"MFk w"),
        PEM.replace(b"MFkw", "MFkwü".encode()),
        PEM + b"\n" * 70_000,
    ],
)
def test_pem_is_read_strictly(text: bytes) -> None:
    with pytest.raises(KeyFormatError, match=r"PEM|SubjectPublicKeyInfo"):
        PublicKey.from_pem(text)


def test_pem_bits_that_are_not_looked_at() -> None:
    text = ED25519_KEY.to_pem()  # 48 bytes: no padding; a public key of 44 has
    assert PrivateKey.from_pem(text).public_key == ED25519_KEY.public_key
    text = ED25519_KEY.public_key.to_pem()
    position = text.index(b"=") - 1
    changed = text[:position] + bytes((text[position] + 1,)) + text[position + 1 :]
    assert base64.b64decode(changed.splitlines()[1]) == ED25519_KEY.public_key.spki
    with pytest.raises(KeyFormatError, match="canonical base64"):
        PublicKey.from_pem(changed)


def test_pem_line_ends_do_not_matter() -> None:
    assert PublicKey.from_pem(PEM.replace(b"\n", b"\r\n")) == P256_KEY.public_key
    assert PublicKey.from_pem(b"\n" + PEM.rstrip()) == P256_KEY.public_key


def test_key_format_errors_are_malformed_input() -> None:
    assert issubclass(KeyFormatError, MalformedInput)
