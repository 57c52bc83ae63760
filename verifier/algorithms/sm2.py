"""What every SM2 engine shares: the curve, the encodings and the digest that is signed (GB/T 32918).

Nothing here multiplies a point. The engines do that; what reaches them has been checked here first, so
that both accept and refuse the same bytes.
"""

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from verifier.algorithms import der
from verifier.algorithms.hashes import SM3_SIZE, Hasher, sm3_hasher
from verifier.errors import DecryptionError, InvalidSignature, KeyFormatError, MalformedInput

# The recommended curve, GB/T 32918.5 section 4; 1.2.156.10197.1.301.
P: Final = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_00000000_FFFFFFFF_FFFFFFFF
A: Final = P - 3
B: Final = 0x28E9FA9E_9D9F5E34_4D5A9E4B_CF6509A7_F39789F5_15AB8F92_DDBCBD41_4D940E93
N: Final = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_7203DF6B_21C6052B_53BBF409_39D54123
G_X: Final = 0x32C4AE2C_1F198119_5F990446_6A39C994_8FE30BBF_F2660BE1_715A4589_334C74C7
G_Y: Final = 0xBC3736A2_F4F6779C_59BDCEE3_6B692153_D0A9877C_C62A4740_02DF32E5_2139F0A0

BITS: Final = 256
SCALAR_SIZE: Final = 32  # bytes
POINT_SIZE: Final = 65  # bytes: 04, x, y
DEFAULT_SM2_ID: Final = b"1234567812345678"  # GM/T 0009 section 10
_UNCOMPRESSED: Final = 0x04
_MAX_ID_SIZE: Final = 0xFFFF // 8  # bytes: ENTL counts bits in two bytes

ID_EC_PUBLIC_KEY: Final = der.encode_oid("1.2.840.10045.2.1")
CURVE_OID: Final = der.encode_oid("1.2.156.10197.1.301")
ALGORITHM: Final = der.encode(der.SEQUENCE, ID_EC_PUBLIC_KEY, CURVE_OID)
_SPKI_PREFIX: Final = der.encode(der.SEQUENCE, ALGORITHM, der.encode(der.BIT_STRING, bytes(66)))[:-65]


def scalar_bytes(value: int) -> bytes:
    """A coordinate or scalar as 32 bytes, big-endian."""
    return value.to_bytes(SCALAR_SIZE)


def encode_point(x: int, y: int) -> bytes:
    """A point in its uncompressed form, 65 bytes."""
    return bytes((_UNCOMPRESSED,)) + scalar_bytes(x) + scalar_bytes(y)


def is_on_curve(x: int, y: int) -> bool:
    """Whether these are the coordinates of a point of the curve; infinity has none."""
    return 0 <= x < P and 0 <= y < P and (y * y - (x * x + A) * x - B) % P == 0


def check_point(point: bytes) -> None:
    """Raise KeyFormatError unless this is a point of the curve in its uncompressed form."""
    if len(point) != POINT_SIZE or point[0] != _UNCOMPRESSED:
        raise KeyFormatError("subjectPublicKey: expected an uncompressed SM2 point (04, 64 bytes)")
    if not is_on_curve(int.from_bytes(point[1:33]), int.from_bytes(point[33:])):
        raise KeyFormatError("subjectPublicKey: the point is not on the SM2 curve")


def encode_spki(point: bytes) -> bytes:
    """The SubjectPublicKeyInfo of a point (GM/T 0015): id-ecPublicKey with the curve as parameter."""
    return _SPKI_PREFIX + point


def names_curve(spki: bytes) -> bool:
    """Whether a SubjectPublicKeyInfo claims to hold an SM2 key."""
    return CURVE_OID in spki[:64]


def parse_spki(spki: bytes) -> bytes:
    """The point in a SubjectPublicKeyInfo. Raises KeyFormatError."""
    prefix, point = spki[: len(_SPKI_PREFIX)], spki[len(_SPKI_PREFIX) :]
    if prefix != _SPKI_PREFIX:
        raise KeyFormatError(
            "SubjectPublicKeyInfo: expected DER of id-ecPublicKey, the SM2 curve and an uncompressed point"
        )
    check_point(point)
    return point


def check_scalar(scalar: bytes) -> None:
    """Raise KeyFormatError unless this is a private key: 32 bytes, 1 to n-2 (GB/T 32918.1 section 6.1)."""
    if len(scalar) != SCALAR_SIZE:
        raise KeyFormatError(f"privateKey: expected {SCALAR_SIZE} bytes, got {len(scalar)}")
    if not 1 <= int.from_bytes(scalar) <= N - 2:
        raise KeyFormatError("privateKey: expected a number from 1 to n-2")


def encode_pkcs8(scalar: bytes, point: bytes) -> bytes:
    """PrivateKeyInfo (RFC 5208) around an ECPrivateKey (RFC 5915) with its public key, as OpenSSL has it."""
    key = der.encode(
        der.SEQUENCE,
        der.encode_integer(1),
        der.encode(der.OCTET_STRING, scalar),
        der.encode(der.context(1), der.encode(der.BIT_STRING, b"\0", point)),
    )
    return der.encode(der.SEQUENCE, der.encode_integer(0), ALGORITHM, der.encode(der.OCTET_STRING, key))


def parse_ec_private_key(encoded: bytes) -> tuple[bytes, bytes | None]:
    """Scalar and, where it is given, point of an ECPrivateKey (RFC 5915). Raises MalformedInput."""
    outer = der.Reader(encoded, "PrivateKeyInfo.privateKey")
    body = outer.enter(der.SEQUENCE, "ECPrivateKey")
    outer.finish()
    if body.integer("version") != 1:
        raise KeyFormatError("PrivateKeyInfo.privateKey.ECPrivateKey.version: expected 1")
    scalar = body.read(der.OCTET_STRING, "privateKey")
    if body.next_is(der.context(0)) and body.read(der.context(0), "parameters") != CURVE_OID:
        raise KeyFormatError("PrivateKeyInfo.privateKey.ECPrivateKey.parameters: expected the SM2 curve")
    point = None
    if body.next_is(der.context(1)):
        wrapper = body.enter(der.context(1), "publicKey")
        point = wrapper.bit_string("publicKey")
        wrapper.finish()
    body.finish()
    check_scalar(scalar)
    return scalar, point


def message_hasher(point: bytes, identifier: bytes) -> Hasher:
    """SM3 that has taken in Z, ready for the message (GB/T 32918.2 section 5.5).

    Z binds the signer's identifier, the curve and the public key; copy the hasher for each message.
    Raises MalformedInput for an identifier longer than its length field can say.
    """
    if len(identifier) > _MAX_ID_SIZE:
        raise MalformedInput(f"SM2 identifier: expected at most {_MAX_ID_SIZE} bytes")
    z = sm3_hasher()
    z.update((len(identifier) * 8).to_bytes(2) + identifier)
    z.update(b"".join(scalar_bytes(value) for value in (A, B, G_X, G_Y)) + point[1:])
    message = sm3_hasher()
    message.update(z.digest())
    return message


def parse_signature(signature: bytes) -> tuple[int, int]:
    """(r, s) of a canonical DER signature with both in 1 to n-1. Raises InvalidSignature.

    cryptography's decoder takes DER only: minimal lengths and integers, nothing left over.
    """
    try:
        r, s = decode_dss_signature(signature)
    except ValueError:
        raise InvalidSignature("SM2 signature: expected DER SEQUENCE{r, s}") from None
    if not (1 <= r < N and 1 <= s < N):
        raise InvalidSignature("SM2 signature: expected r and s from 1 to n-1")
    return r, s


def encode_signature(r: int, s: int) -> bytes:
    """DER SEQUENCE{r, s}."""
    return encode_dss_signature(r, s)


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """SM2Cipher (GM/T 0009 section 7.2), in the order C1 C3 C2."""

    x: int
    y: int
    hash: bytes
    cipher_text: bytes

    @classmethod
    def parse(cls, encoded: bytes) -> "Ciphertext":
        """Raises DecryptionError, the one error of everything that does not decrypt."""
        try:
            return cls._read(encoded)
        except MalformedInput as error:
            raise DecryptionError(str(error)) from None

    @classmethod
    def _read(cls, encoded: bytes) -> "Ciphertext":
        outer = der.Reader(encoded, "SM2 ciphertext")
        body = outer.enter(der.SEQUENCE, "SM2Cipher")
        outer.finish()
        x, y = body.integer("x"), body.integer("y")
        digest, text = body.read(der.OCTET_STRING, "hash"), body.read(der.OCTET_STRING, "cipherText")
        body.finish()
        if not is_on_curve(x, y):
            raise MalformedInput("SM2 ciphertext: C1 is not a point of the SM2 curve")
        if len(digest) != SM3_SIZE or not text:
            raise MalformedInput("SM2 ciphertext: expected a 32-byte hash and at least one byte of text")
        return cls(x, y, digest, text)

    def encode(self) -> bytes:
        """The DER form."""
        return der.encode(
            der.SEQUENCE,
            der.encode_integer(self.x),
            der.encode_integer(self.y),
            der.encode(der.OCTET_STRING, self.hash),
            der.encode(der.OCTET_STRING, self.cipher_text),
        )
