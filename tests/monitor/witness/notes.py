"""Signed notes, trees and cosignatures from the specifications and the cryptography library alone.

Nothing of the product is used here, so that what both sides agree on is the specification.
"""

import base64
import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def root(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root(leaves[:split]) + root(leaves[split:])).digest()


def proof(first: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """RFC 6962 section 2.1.2, SUBPROOF."""
    size = len(leaves)
    if first == size:
        return [] if whole else [root(leaves)]
    split = 1 << (size - 1).bit_length() - 1
    if first <= split:
        return [*proof(first, leaves[:split], whole=whole), root(leaves[split:])]
    return [*proof(first - split, leaves[split:], whole=False), root(leaves[:split])]


def key_id(name: str, kind: int, key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


def raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


@dataclass
class NoteLog:
    """A log that signs plain Ed25519 notes (signature type 0x01)."""

    origin: str = "log.example/one"
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    leaves: list[bytes] = field(default_factory=list)

    def grow(self, to: int, salt: bytes = b"") -> "NoteLog":
        self.leaves += [leaf(salt + b"%d" % number) for number in range(len(self.leaves), to)]
        return self

    @property
    def vkey(self) -> str:
        key = raw(self.key.public_key())
        return f"{self.origin}+{key_id(self.origin, 1, key).hex()}+{b64(bytes([1]) + key)}"

    def body(self, size: int) -> str:
        return f"{self.origin}\n{size}\n{b64(root(self.leaves[:size]))}\n"

    def signature(self, body: str) -> str:
        identifier = key_id(self.origin, 1, raw(self.key.public_key()))
        return f"\u2014 {self.origin} {b64(identifier + self.key.sign(body.encode()))}\n"

    def checkpoint(self, size: int) -> str:
        body = self.body(size)
        return f"{body}\n{self.signature(body)}"

    def request(self, old: int, new: int, checkpoint: str | None = None) -> bytes:
        nodes = proof(old, self.leaves[:new]) if 0 < old <= new else []
        lines = "".join(f"{b64(node)}\n" for node in nodes)
        return f"old {old}\n{lines}\n{checkpoint or self.checkpoint(new)}".encode()


class NoteWitness:
    """Writes cosignature/v1 lines over whatever it is given."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.key = Ed25519PrivateKey.generate()
        public = raw(self.key.public_key())
        self.key_id = key_id(name, 4, public)
        self.vkey = f"{name}+{self.key_id.hex()}+{b64(bytes([4]) + public)}"

    def line(self, note: str, seconds: int, *, damage: bool = False) -> str:
        """Its line over a checkpoint, or a checkpoint's body."""
        body = note.partition("\n\n")[0].removesuffix("\n") + "\n"
        signed = self.key.sign(f"cosignature/v1\ntime {seconds}\n{body}".encode())
        if damage:
            signed = signed[:-1] + bytes([signed[-1] ^ 1])
        return f"\u2014 {self.name} {b64(self.key_id + seconds.to_bytes(8) + signed)}\n"


def verified_time(line: bytes, vkey: str, body: str) -> int:
    """Check a cosignature/v1 line over a checkpoint's body; returns its time in seconds since 1970."""
    name, identifier, material = vkey.split("+", 2)
    key = base64.b64decode(material)
    assert key[0] == 4
    assert key_id(name, 4, key[1:]).hex() == identifier
    dash, signer, encoded = line.decode().removesuffix("\n").split(" ")
    signed = base64.b64decode(encoded)
    assert (dash, signer, signed[:4].hex()) == ("\u2014", name, identifier)
    seconds = int.from_bytes(signed[4:12])
    message = f"cosignature/v1\ntime {seconds}\n{body}".encode()
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(signed[12:], message)
    return seconds
