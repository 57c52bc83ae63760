"""ECDSA, RSA and Ed25519 through pyca/cryptography; the scheme decides hash and padding."""

from functools import cached_property
from typing import Final, cast

from cryptography import exceptions
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from verifier.algorithms.schemes import KeyAlgorithm, SignatureScheme
from verifier.errors import InvalidSignature, KeyFormatError, UnsupportedAlgorithm

MIN_RSA_BITS: Final = 1024  # what parses; the policy of what is strong enough is the judge's
MAX_RSA_BITS: Final = 16384  # OPENSSL_RSA_MAX_MODULUS_BITS
_MAX_RSA_EXPONENT_BITS: Final = 64  # OPENSSL_RSA_MAX_PUBEXP_BITS
_MIN_GENERATED_RSA_BITS: Final = 2048
_MAX_GENERATED_RSA_BITS: Final = 8192
_RSA_EXPONENT: Final = 65537

_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
CURVES: Final[dict[str, ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
_CURVE_NAMES: Final = {curve.name: name for name, curve in CURVES.items()}
_CURVE_SCHEMES: Final = {
    "P-256": SignatureScheme.ECDSA_SHA256,
    "P-384": SignatureScheme.ECDSA_SHA384,
    "P-521": SignatureScheme.ECDSA_SHA512,
}

type ClassicalPublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey
type ClassicalPrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def _prime(*exponents: int) -> int:
    """A prime as FIPS 186-4 section D.1.2 writes it: a sum of powers of two, negative ones subtracted."""
    return sum((1 if power >= 0 else -1) << abs(power) for power in exponents) - 1


_EC_FORMS: Final[dict[str, tuple[bytes, int, int]]] = {
    "P-256": (
        bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004"),
        _prime(256, -224, 192, 96),
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    ),
    "P-384": (
        bytes.fromhex("3076301006072a8648ce3d020106052b8104002203620004"),
        _prime(384, -128, -96, 32),
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    ),
    "P-521": (
        bytes.fromhex("30819b301006072a8648ce3d020106052b810400230381860004"),
        _prime(521),
        0x0051953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00,
    ),
}
"""For each curve: all of a SubjectPublicKeyInfo before the coordinates, the field's prime, and b."""


class ClassicalPublic:
    """A public key of cryptography, with the facts that ``PublicKey`` shows."""

    def __init__(self, key: ClassicalPublicKey) -> None:
        self._key = key
        self.curve: str | None = None
        self.bits = 256
        if isinstance(key, ed25519.Ed25519PublicKey):
            self.algorithm, self.default_scheme = KeyAlgorithm.ED25519, SignatureScheme.ED25519
            return
        self.bits = key.key_size
        if isinstance(key, rsa.RSAPublicKey):
            self.algorithm, self.default_scheme = KeyAlgorithm.RSA, SignatureScheme.RSA_PKCS1_SHA256
            return
        self.algorithm, self.curve = KeyAlgorithm.ECDSA, _CURVE_NAMES[key.curve.name]
        self.default_scheme = _CURVE_SCHEMES[self.curve]

    @cached_property
    def spki(self) -> bytes:
        der, spki = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key.public_bytes(der, spki)

    def verify(self, signature: bytes, data: bytes, scheme: SignatureScheme, sm2_id: bytes) -> None:
        """Check a signature; OpenSSL refuses an ECDSA one that is not canonical DER."""
        del sm2_id
        try:
            if isinstance(self._key, ed25519.Ed25519PublicKey):
                self._key.verify(signature, data)
            elif isinstance(self._key, rsa.RSAPublicKey):
                self._key.verify(signature, data, _rsa_padding(scheme), _hash(scheme))
            else:
                self._key.verify(signature, data, ec.ECDSA(_hash(scheme)))
        except exceptions.InvalidSignature:
            kind = f"{self.algorithm.upper()} signature"
            raise InvalidSignature(f"{kind}: it does not verify with this key over these bytes") from None

    def encrypt(self, plaintext: bytes) -> bytes:
        del plaintext
        raise UnsupportedAlgorithm(f"encryption: expected an SM2 key, this one is {self.algorithm}")


class EcPublic(ClassicalPublic):
    """An ECDSA key whose point was checked in load_spki; the library's object is made at first use."""

    def __init__(self, spki: bytes, curve: str) -> None:
        self.spki = spki
        self.curve = curve
        self.bits = CURVES[curve].key_size
        self.algorithm, self.default_scheme = KeyAlgorithm.ECDSA, _CURVE_SCHEMES[curve]

    @cached_property
    def _key(self) -> ClassicalPublicKey:  # type: ignore[override]
        return _load(self.spki)


class ClassicalPrivate:
    """A private key of cryptography."""

    def __init__(self, key: ClassicalPrivateKey) -> None:
        self._key = key
        self.public = ClassicalPublic(key.public_key())

    def sign(self, data: bytes, scheme: SignatureScheme, sm2_id: bytes) -> bytes:
        """Sign; ECDSA deterministically (RFC 6979), so that bad randomness cannot give the key away."""
        del sm2_id
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(data)
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(data, ec.ECDSA(_hash(scheme), deterministic_signing=True))
        try:
            return self._key.sign(data, _rsa_padding(scheme), _hash(scheme))
        except ValueError as error:  # a short key and a long hash
            raise UnsupportedAlgorithm(f"{scheme.name}: not with a key of this size: {error}") from None

    def decrypt(self, ciphertext: bytes) -> bytes:
        del ciphertext
        raise UnsupportedAlgorithm(f"decryption: expected an SM2 key, this one is {self.public.algorithm}")

    def to_pkcs8(self) -> bytes:
        return self._key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def _hash(scheme: SignatureScheme) -> hashes.HashAlgorithm:
    assert scheme.digest is not None  # noqa: S101 -- only Ed25519 has none, and it does not come here
    return _HASHES[scheme.digest]


def _rsa_padding(scheme: SignatureScheme) -> padding.AsymmetricPadding:
    """PSS as TLS and X.509 use it: MGF1 with the same hash, the salt as long as the digest (RFC 8446)."""
    if not scheme.is_pss:
        return padding.PKCS1v15()
    digest = _hash(scheme)
    return padding.PSS(padding.MGF1(digest), digest.digest_size)


def load_spki(spki: bytes) -> ClassicalPublic:
    """A key from the DER of its SubjectPublicKeyInfo, which must be what it encodes to again.

    Raises KeyFormatError.
    """
    if curve := _named_curve(spki):
        return EcPublic(spki, curve)
    public = _check_public(_load(spki))
    if public.spki != spki:
        raise KeyFormatError("SubjectPublicKeyInfo: expected canonical DER, an uncompressed point if any")
    return public


def _load(spki: bytes) -> ClassicalPublicKey:
    try:
        return cast("ClassicalPublicKey", serialization.load_der_public_key(spki))
    except (ValueError, exceptions.UnsupportedAlgorithm) as error:
        raise KeyFormatError(f"SubjectPublicKeyInfo: expected DER of a supported key: {error}") from None


def _named_curve(spki: bytes) -> str | None:
    """The curve of a key in its canonical form with its point on it; None leaves it to the library."""
    for name, (prefix, prime, b) in _EC_FORMS.items():
        if spki.startswith(prefix):
            size = (prime.bit_length() + 7) // 8
            point = spki[len(prefix) :]
            x, y = int.from_bytes(point[:size]), int.from_bytes(point[size:])
            on_curve = (y * y - x * (x * x - 3) - b) % prime == 0
            return name if len(point) == 2 * size and x < prime and y < prime and on_curve else None
    return None


def _check_public(key: object) -> ClassicalPublic:
    if isinstance(key, rsa.RSAPublicKey):
        _check_rsa(key)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name not in _CURVE_NAMES:
            known = ", ".join((*CURVES, "SM2"))
            raise KeyFormatError(f"SubjectPublicKeyInfo: expected a curve of {known}, got {key.curve.name}")
    elif not isinstance(key, ed25519.Ed25519PublicKey):
        raise KeyFormatError("SubjectPublicKeyInfo: expected an SM2, ECDSA, RSA or Ed25519 key")
    return ClassicalPublic(key)


def _check_rsa(key: rsa.RSAPublicKey) -> None:
    """Bounds that keep a verification cheap (RFC 8017 section 3.1 has none)."""
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise KeyFormatError(f"modulus: expected {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, got {key.key_size}")
    numbers = key.public_numbers()
    if numbers.n % 2 == 0:
        raise KeyFormatError("modulus: expected an odd number")
    if numbers.e < 3 or numbers.e % 2 == 0 or numbers.e.bit_length() > _MAX_RSA_EXPONENT_BITS:  # noqa: PLR2004
        raise KeyFormatError(f"publicExponent: expected an odd number of 3 to {_MAX_RSA_EXPONENT_BITS} bits")


def load_pkcs8(encoded: bytes) -> ClassicalPrivate:
    """A key from its PrivateKeyInfo, whose outer structure the caller has checked. Raises KeyFormatError."""
    try:
        key = serialization.load_der_private_key(encoded, None)
    except (ValueError, exceptions.UnsupportedAlgorithm):
        # the library's text is not passed on: it is about a secret
        raise KeyFormatError("PrivateKeyInfo: expected DER of a supported private key") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise KeyFormatError("PrivateKeyInfo: expected an SM2, ECDSA, RSA or Ed25519 key")
    _check_public(key.public_key())
    return ClassicalPrivate(key)


def generate(algorithm: KeyAlgorithm, bits: int, curve: str) -> ClassicalPrivate:
    """A new key. Raises UnsupportedAlgorithm for a size or curve that is not offered."""
    if algorithm is KeyAlgorithm.ED25519:
        return ClassicalPrivate(ed25519.Ed25519PrivateKey.generate())
    if algorithm is KeyAlgorithm.ECDSA:
        if curve not in CURVES:
            raise UnsupportedAlgorithm(f"curve: expected one of {', '.join(CURVES)}, got {curve}")
        return ClassicalPrivate(ec.generate_private_key(CURVES[curve]))
    if not _MIN_GENERATED_RSA_BITS <= bits <= _MAX_GENERATED_RSA_BITS:
        sizes = f"{_MIN_GENERATED_RSA_BITS} to {_MAX_GENERATED_RSA_BITS}"
        raise UnsupportedAlgorithm(f"bits: expected {sizes} for a new RSA key, got {bits}")
    return ClassicalPrivate(rsa.generate_private_key(_RSA_EXPONENT, bits))
