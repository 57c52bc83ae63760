"""SM2 in pure Python: the fallback where no libcrypto is, and the tests' independent reference.

gmssl 3.2.2 multiplies points and makes and checks signatures over a digest. The rest of its surface is not
used: its randomness comes from ``random``, its decryption does not compare the hash, and its constructor
eats leading 0s and 4s of a public key. It is slow (tens of operations a second) and its time depends on the
secret, so it stays a fallback.
"""

import hmac
import secrets
from importlib.metadata import version
from typing import Final

from gmssl.sm2 import CryptSM2, default_ecc_table

from verifier.algorithms import sm2
from verifier.algorithms.hashes import SM3_SIZE, sm3
from verifier.errors import DecryptionError, EngineError, InvalidSignature

_ASCII_G: Final[str] = default_ecc_table["g"]


def _random_scalar() -> int:
    return 1 + secrets.randbelow(sm2.N - 1)


def _key_derivation(shared: bytes, size: int) -> bytes:
    """The KDF of GB/T 32918.4 section 5.4.3."""
    blocks = -(-size // SM3_SIZE)
    return b"".join(sm3(shared + counter.to_bytes(4)) for counter in range(1, blocks + 1))[:size]


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


class _PublicHandle:
    def __init__(self, point: bytes, scalar: bytes = b"") -> None:
        self._gmssl = CryptSM2(private_key=scalar.hex(), public_key="")
        self._gmssl.public_key = point[1:].hex()  # set here: the constructor would strip digits

    def verify_digest(self, signature: bytes, digest: bytes) -> None:
        r, s = sm2.parse_signature(signature)
        if not self._accepts(r, s, digest):
            raise InvalidSignature("SM2 signature: it does not verify with this key over these bytes")

    def _accepts(self, r: int, s: int, digest: bytes) -> bool:
        """GB/T 32918.2 section 7.1; gmssl fails with a TypeError where the sum of points is infinity."""
        if (r + s) % sm2.N == 0:
            return False
        try:
            return self._gmssl.verify(f"{r:064x}{s:064x}", digest) is True
        except TypeError:
            return False

    def encrypt(self, plaintext: bytes) -> bytes:
        """GB/T 32918.4 section 6.1."""
        while True:
            k = _random_scalar()
            c1 = bytes.fromhex(self._gmssl._kg(k, _ASCII_G))
            shared = bytes.fromhex(self._gmssl._kg(k, self._gmssl.public_key))
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
        c1 = sm2.encode_point(parts.x, parts.y)[1:].hex()
        shared = bytes.fromhex(self._gmssl._kg(self._scalar, c1))
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
        point = CryptSM2(private_key="", public_key="")._kg(int.from_bytes(scalar), _ASCII_G)
        if point is None:
            raise EngineError("gmssl could not derive a key: the scalar is a multiple of the order")
        return b"\x04" + bytes.fromhex(point)

    def load_public(self, point: bytes) -> _PublicHandle:
        return _PublicHandle(point)

    def load_private(self, scalar: bytes, point: bytes) -> _PrivateHandle:
        return _PrivateHandle(scalar, point)
