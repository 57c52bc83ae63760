"""The sealed form of a key: AES-256-GCM under a key derived from the master key for one service.

A key file is, one after the other: the magic bytes ``MJKEY``, one version byte, the header's length in two
bytes, the header, a nonce of 12 bytes, the sealed private key with its 16-byte tag. All that comes before
the nonce (name, service and usage among it) is associated data: a file that was moved to another name or
service, or whose usage or state was edited, does not open.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keys.errors import KeyNotFound, KeyStoreError, SealBroken
from keys.files import read_file, write_file
from keys.header import KeyHeader

MASTER_KEY_VARIABLE: Final = "MINGJING_MASTER_KEY_FILE"
MASTER_KEY_SIZE: Final = 32  # bytes
_MAGIC: Final = b"MJKEY"
_VERSION: Final = 1
_LENGTH_SIZE: Final = 2  # bytes, of the header's length
_NONCE_SIZE: Final = 12  # bytes; random: a master key seals far fewer than 2^32 keys (SP 800-38D section 8.3)
_DERIVATION: Final = b"mingjing key store 1 "


class MasterKey:
    """The key that seals all others. ``source`` is its file, for messages."""

    __slots__ = ("_secret", "source")

    def __init__(self, secret: bytes, source: Path) -> None:
        self._secret = secret
        self.source = source

    @classmethod
    def read(cls, path: Path) -> "MasterKey":
        """Read the 64 hex digits of a master key file (0600). Raises KeyStoreError."""
        try:
            text = read_file(path)
        except KeyNotFound:
            raise KeyNotFound(f"{path}: there is no master key") from None
        try:
            secret = bytes.fromhex(text.decode("ascii"))
        except ValueError:
            secret = b""
        if len(secret) != MASTER_KEY_SIZE:
            raise KeyStoreError(f"{path}: expected a master key of {2 * MASTER_KEY_SIZE} hex digits")
        return cls(secret, path)

    @classmethod
    def write_new(cls, path: Path) -> None:
        """Write a new master key to a file that is not there yet; the caller holds the lock."""
        write_file(path, os.urandom(MASTER_KEY_SIZE).hex().encode() + b"\n")

    def cipher(self, service: str) -> AESGCM:
        """The cipher of one service (HKDF-SHA256, RFC 5869)."""
        info = _DERIVATION + service.encode()
        return AESGCM(HKDF(SHA256(), MASTER_KEY_SIZE, salt=None, info=info).derive(self._secret))

    def __repr__(self) -> str:
        return f"<MasterKey of {self.source}>"


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A key file taken apart."""

    header: KeyHeader
    associated: bytes
    nonce: bytes
    sealed: bytes

    @classmethod
    def seal(cls, master: MasterKey, header: KeyHeader, secret: bytes) -> "SealedKey":
        """Seal a private key (PKCS#8), or nothing for a destroyed one."""
        encoded = header.encode()
        associated = _MAGIC + bytes((_VERSION,)) + len(encoded).to_bytes(_LENGTH_SIZE) + encoded
        nonce = os.urandom(_NONCE_SIZE)
        return cls(
            header, associated, nonce, master.cipher(header.service).encrypt(nonce, secret, associated)
        )

    def encode(self) -> bytes:
        return self.associated + self.nonce + self.sealed

    @classmethod
    def parse(cls, data: bytes) -> "SealedKey":
        """Raises KeyStoreError."""
        start = len(_MAGIC) + 1 + _LENGTH_SIZE
        if not data.startswith(_MAGIC) or len(data) < start:
            raise KeyStoreError("expected a key file, it does not start like one")
        if data[len(_MAGIC)] != _VERSION:
            raise KeyStoreError(f"expected version {_VERSION} of a key file, got {data[len(_MAGIC)]}")
        end = start + int.from_bytes(data[len(_MAGIC) + 1 : start])
        nonce, sealed = data[end : end + _NONCE_SIZE], data[end + _NONCE_SIZE :]
        if not sealed:
            raise KeyStoreError("expected a key file, it ends too early")
        return cls(KeyHeader.parse(data[start:end]), data[:end], nonce, sealed)

    def open(self, master: MasterKey) -> bytes:
        """The private key (PKCS#8). Raises SealBroken."""
        try:
            return master.cipher(self.header.service).decrypt(self.nonce, self.sealed, self.associated)
        except InvalidTag:
            raise SealBroken(
                f"the master key of {master.source} does not open it: it was sealed under another, or changed"
            ) from None
