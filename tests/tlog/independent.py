"""A reader of static-ct-api written from its specification alone: it shares no code with the product.

Hashing is hashlib's; ECDSA and Ed25519 are checked by the cryptography library, SM2 by the openssl command.
What is wrong with a log fails an assertion.
"""

import base64
import gzip
import hashlib
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_der_public_key

Fetch = Callable[[str], bytes]
"""Gets what is under a path; raises FileNotFoundError."""


def over_http(base: str) -> Fetch:
    """Fetch below this address, compressed where the server does that."""

    def fetch(path: str) -> bytes:
        request = urllib.request.Request(f"{base}/{path}", headers={"Accept-Encoding": "gzip, identity"})
        try:
            with urllib.request.urlopen(request) as answer:
                body = answer.read()
                return gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 404:
                raise FileNotFoundError(path) from None
            raise

    return fetch


def from_directory(directory: Path) -> Fetch:
    """Read the files below a directory."""
    return lambda path: (directory / path).read_bytes()


@dataclass(frozen=True)
class Note:
    """A checkpoint: its text, and signature lines as key name and bytes (four of key id, then more)."""

    text: str
    origin: str
    size: int
    root: bytes
    signatures: list[tuple[str, bytes]]

    @classmethod
    def parse(cls, data: bytes) -> "Note":
        text, _, lines = data.decode().rpartition("\n\n")
        origin, size, root, *_extensions = text.split("\n")
        signatures = []
        for line in lines.splitlines():
            dash, name, encoded = line.split(" ")
            assert dash == "\u2014"
            signatures.append((name, base64.b64decode(encoded, validate=True)))
        return cls(text + "\n", origin, int(size), base64.b64decode(root, validate=True), signatures)

    def of_key(self, name: str, kind: bytes, key: bytes) -> bytes:
        """The signature that this key should have made; there must be just one."""
        key_id = hashlib.sha256(name.encode() + b"\n" + kind + key).digest()[:4]
        (found,) = [data[4:] for signer, data in self.signatures if (signer, data[:4]) == (name, key_id)]
        return found


@dataclass(frozen=True)
class Entry:
    """One entry of a data tile. ``leaf`` is its MerkleTreeLeaf."""

    leaf: bytes
    kind: int
    certificate: bytes
    """The certificate, or the TBSCertificate of a precertificate."""
    precertificate: bytes | None
    extensions: bytes
    fingerprints: list[bytes]

    @property
    def leaf_index(self) -> int:
        """From the extension that static-ct-api demands: type 0, five bytes."""
        assert self.extensions[:3] == b"\x00\x00\x05"
        assert len(self.extensions) == 8
        return int.from_bytes(self.extensions[3:])


def parse_data_tile(data: bytes) -> Iterator[Entry]:
    """The entries of a tile, each with nothing left over."""
    while data:
        kind = int.from_bytes(data[8:10])
        assert kind in {0, 1}
        at = 10 + 32 * kind
        certificate, at = _vector(data, at, 3)
        extensions, at = _vector(data, at, 2)
        leaf, precertificate = b"\0\0" + data[:at], None
        if kind == 1:
            precertificate, at = _vector(data, at, 3)
        prints, at = _vector(data, at, 2)
        assert len(prints) % 32 == 0
        fingerprints = [prints[start : start + 32] for start in range(0, len(prints), 32)]
        yield Entry(leaf, kind, certificate, precertificate, extensions, fingerprints)
        data = data[at:]


def _vector(data: bytes, at: int, prefix: int) -> tuple[bytes, int]:
    start = at + prefix
    end = start + int.from_bytes(data[at:start])
    assert end <= len(data)
    return data[start:end], end


def leaf_hash(leaf: bytes) -> bytes:
    """RFC 6962 section 2.1."""
    return hashlib.sha256(b"\0" + leaf).digest()


def tree_hash(nodes: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1 over hashes, word for word."""
    if len(nodes) == 1:
        return nodes[0]
    k = 1
    while k * 2 < len(nodes):
        k *= 2
    return hashlib.sha256(b"\1" + tree_hash(nodes[:k]) + tree_hash(nodes[k:])).digest()


@dataclass(frozen=True)
class StaticReader:
    """Reads one log through ``fetch``."""

    fetch: Fetch

    def checkpoint(self) -> Note:
        return Note.parse(self.fetch("checkpoint"))

    @staticmethod
    def path(level: str, index: int, width: int = 256) -> str:
        digits = f"{index:03d}" if index < 1000 else f"x{index // 1000:03d}/{index % 1000:03d}"
        return f"tile/{level}/{digits}" + (f".p/{width}" if width != 256 else "")

    def tile(self, level: str, index: int, count: int) -> bytes:
        """The tile in a level of ``count`` nodes; a full one stands for a partial one that is gone."""
        width = min(256, count - 256 * index)
        try:
            return self.fetch(self.path(level, index, width))
        except FileNotFoundError:
            assert width < 256
            return self.fetch(self.path(level, index))[: 32 * width if level != "data" else None]

    def level(self, level: int, count: int) -> list[bytes]:
        """All hashes of a level with so many complete subtrees."""
        data = b"".join(self.tile(str(level), index, count) for index in range(-(-count // 256)))
        assert len(data) == 32 * count
        return [data[at : at + 32] for at in range(0, len(data), 32)]

    def entries(self, size: int) -> list[Entry]:
        tiles = (self.tile("data", index, size) for index in range(-(-size // 256)))
        return [entry for tile in tiles for entry in parse_data_tile(tile)][:size]

    def verified(self, key: bytes) -> tuple[Note, list[Entry]]:
        """The whole log, everything in it compared with what its key (SubjectPublicKeyInfo) signed."""
        note = self.checkpoint()
        verify_rfc6962_signature(note, key)
        entries, found = self.entries(note.size), self.level(0, note.size)
        assert [leaf_hash(entry.leaf) for entry in entries] == found
        assert tree_hash(found) == note.root
        level = 0
        while len(found) >= 256:
            above = [tree_hash(found[at : at + 256]) for at in range(0, len(found) // 256 * 256, 256)]
            level += 1
            found = self.level(level, len(above))
            assert found == above, f"tiles of level {level}"
        for index, entry in enumerate(entries):
            assert entry.leaf_index == index
        for fingerprint in {fingerprint for entry in entries for fingerprint in entry.fingerprints}:
            assert hashlib.sha256(self.fetch(f"issuer/{fingerprint.hex()}")).digest() == fingerprint
        return note, entries


def verify_rfc6962_signature(note: Note, key: bytes) -> int:
    """Check the log's own signature of a checkpoint; its time in milliseconds since 1970."""
    log_id = hashlib.sha256(key).digest()
    signed = note.of_key(note.origin, b"\x05", log_id)
    timestamp, code, signature = signed[:8], signed[8:10], signed[12:]
    assert int.from_bytes(signed[10:12]) == len(signature)
    tree_head = b"\0\1" + timestamp + note.size.to_bytes(8) + note.root
    if code == b"\x07\x08":  # sm2sig_sm3, RFC 8998
        verify_sm2(key, tree_head, signature)
    else:
        assert code == b"\x04\x03"
        load_der_public_key(key).verify(signature, tree_head, ec.ECDSA(hashes.SHA256()))
    return int.from_bytes(timestamp)


def verify_ed25519_signature(note: Note, verifier_key: str) -> None:
    """Check a signature of the kind that signed notes began with, against ``name+id+key``."""
    name, _, encoded = verifier_key.split("+", 2)
    key = base64.b64decode(encoded)
    signature = note.of_key(name, b"\x01", key[1:])
    ed25519.Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature, note.text.encode())


def verify_sm2(key: bytes, message: bytes, signature: bytes) -> None:
    """Have the openssl command check an SM2 signature with the usual identifier."""
    with tempfile.TemporaryDirectory() as directory:
        files = {"key": key, "message": message, "signature": signature}
        for name, data in files.items():
            (Path(directory) / name).write_bytes(data)
        subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key", "-keyform", "DER", "-rawin",
             "-digest", "sm3", "-in", "message", "-sigfile", "signature",
             "-pkeyopt", "distid:1234567812345678"],
            cwd=directory, check=True, capture_output=True,
        )  # fmt: skip
