"""SM2 in pure Python: the fallback where no libcrypto is, and the tests' independent reference.

gmssl 3.2.2 multiplies points and signs a digest. The rest of its surface is not used: its randomness comes
from ``random``, its decryption does not compare the hash, its verification has no answer where the two
points to be added are equal or opposite, and its constructor eats leading 0s and 4s of a public key. It is
slow (tens of operations a second) and its time depends on the secret, so it stays a fallback.
"""

import hmac
import secrets
from importlib.metadata import version
from typing import Final

from gmssl.sm2 import CryptSM2

from verifier.algorithms import sm2
from verifier.algorithms.hashes import SM3_SIZE, sm3
from verifier.errors import DecryptionError, InvalidSignature

_G: Final = sm2.encode_point(sm2.G_X, sm2.G_Y)[1:]


def _random_scalar() -> int:
    return 1 + secrets.randbelow(sm2.N - 1)


def _x_of_sum(left: bytes, right: bytes) -> int | None:
    """The x of the sum of two points; None where that is infinity."""
    x1, y1, x2, y2 = (int.from_bytes(point[i : i + 32]) for point in (left, right) for i in (0, 32))
    if x1 != x2:
        slope = (y2 - y1) * pow(x2 - x1, -1, sm2.P)
    elif y1 == y2:
        slope = (3 * x1 * x1 + sm2.A) * pow(2 * y1, -1, sm2.P)
    else:
        return None
    return (slope * slope - x1 - x2) % sm2.P


def _key_derivation(shared: bytes, size: int) -> bytes:
    """The KDF of GB/T 32918.4 section 5.4.3."""
    blocks = -(-size // SM3_SIZE)
    return b"".join(sm3(shared + counter.to_bytes(4)) for counter in range(1, blocks + 1))[:size]


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


class _Gmssl(CryptSM2):  # type: ignore[misc]  # gmssl has no type annotations
    """gmssl's curve for one key; points are 64 bytes here, x and y."""

    def __init__(self, scalar: bytes = b"") -> None:
        super().__init__(private_key=scalar.hex(), public_key="")

    def multiply(self, scalar: int, point: bytes) -> bytes:
        """A scalar of 1 to n-1 times a point of the curve."""
        product: str = self._kg(scalar, point.hex())
        return bytes.fromhex(product)


class _PublicHandle:
    def __init__(self, point: bytes, scalar: bytes = b"") -> None:
        self._point = point[1:]
        self._gmssl = _Gmssl(scalar)

    def verify_digest(self, signature: bytes, digest: bytes) -> None:
        """GB/T 32918.2 section 7.1."""
        r, s = sm2.parse_signature(signature)
        t = (r + s) % sm2.N
        x = _x_of_sum(self._gmssl.multiply(s, _G), self._gmssl.multiply(t, self._point)) if t else None
        if x is None or (int.from_bytes(digest) + x) % sm2.N != r:
            raise InvalidSignature("SM2 signature: it does not verify with this key over these bytes")

    def encrypt(self, plaintext: bytes) -> bytes:
        """GB/T 32918.4 section 6.1."""
        while True:
            k = _random_scalar()
            c1, shared = self._gmssl.multiply(k, _G), self._gmssl.multiply(k, self._point)
            mask = _key_derivation(shared, len(plaintext))
            if any(mask):
                break
        digest = sm3(shared[:32] + plaintext + shared[32:])
        x, y = int.from_bytes(c1[:32]), int.from_bytes(c1[32:])
        return sm2.Ciphertext(x, y, digest, _xor(plaintext, mask)).encode()


class _PrivateHandle(_PublicHandle):
    def __init__(self, scalar: bytes, point: bytes) -> None:
        super().__init__(point, scalar)
        self._scalar = int.from_bytes(scalar)

    def sign_digest(self, digest: bytes) -> bytes:
        while True:  # gmssl gives None for a k that must not be used
            signature = self._gmssl.sign(digest, f"{_random_scalar():064x}")
            if signature is not None:
                return sm2.encode_signature(int(signature[:64], 16), int(signature[64:], 16))

    def decrypt(self, ciphertext: bytes) -> bytes:
        """GB/T 32918.4 section 7.1."""
        parts = sm2.Ciphertext.parse(ciphertext)
        shared = self._gmssl.multiply(self._scalar, sm2.encode_point(parts.x, parts.y)[1:])
        mask = _key_derivation(shared, len(parts.cipher_text))
        plaintext = _xor(parts.cipher_text, mask)
        digest = sm3(shared[:32] + plaintext + shared[32:])
        if not hmac.compare_digest(digest, parts.hash):
            raise DecryptionError("SM2 ciphertext: it does not decrypt with this key")
        return plaintext


class GmsslEngine:
    """The engine."""

    name = "gmssl"

    def __init__(self) -> None:
        self.version = f"gmssl {version('gmssl')}, pure Python"

    def generate(self) -> bytes:
        return sm2.scalar_bytes(1 + secrets.randbelow(sm2.N - 2))

    def public_point(self, scalar: bytes) -> bytes:
        return b"\x04" + _Gmssl().multiply(int.from_bytes(scalar), _G)

    def load_public(self, point: bytes) -> _PublicHandle:
        return _PublicHandle(point)

    def load_private(self, scalar: bytes, point: bytes) -> _PrivateHandle:
        return _PrivateHandle(scalar, point)
