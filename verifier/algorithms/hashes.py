"""SM3 (GB/T 32905) from whichever library of the machine has it: hashlib's libcrypto, else cryptography."""

import hashlib
from typing import Protocol, Self

from cryptography.hazmat.primitives import hashes

SM3_SIZE = 32  # bytes


class Hasher(Protocol):
    """A hash in progress, in hashlib's manner."""

    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...
    def copy(self) -> Self: ...


class _CryptographySm3:
    """cryptography's SM3 with hashlib's manners (a digest does not end the hash)."""

    def __init__(self, context: hashes.Hash | None = None) -> None:
        self._context = context or hashes.Hash(hashes.SM3())

    def update(self, data: bytes, /) -> None:
        self._context.update(data)

    def digest(self) -> bytes:
        return self._context.copy().finalize()

    def copy(self) -> "_CryptographySm3":
        return _CryptographySm3(self._context.copy())


def _fresh() -> Hasher:
    try:
        return hashlib.new("sm3")
    except ValueError:  # a Python whose libcrypto is built without SM3
        return _CryptographySm3()


_EMPTY = _fresh()  # never updated: copying a prepared hash is cheaper than looking one up by name


def sm3_hasher() -> Hasher:
    """An SM3 hash to be fed piece by piece."""
    return _EMPTY.copy()


def sm3(data: bytes) -> bytes:
    """The 32-byte SM3 digest of ``data``."""
    hasher = _EMPTY.copy()
    hasher.update(data)
    return hasher.digest()
