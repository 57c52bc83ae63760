"""What a log holds and signs: entries, the bytes under an SCT, Merkle tree leaves (RFC 6962 section 3)."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from hashlib import sha256
from typing import Final

from verifier.certificates import Certificate
from verifier.errors import MalformedInput
from verifier.transparency import moments, wire
from verifier.transparency.merkle import hash_leaf

__all__ = [
    "Entry", "EntryType", "PrecertEntry", "TimestampedEntry", "X509Entry", "entry_for_certificate",
    "leaf_hash", "merkle_tree_leaf", "parse_merkle_tree_leaf", "signed_data",
]  # fmt: skip

_CERTIFICATE_TIMESTAMP: Final = b"\x00\x00"  # Version v1, SignatureType certificate_timestamp
_TIMESTAMPED_ENTRY: Final = b"\x00\x00"  # Version v1, MerkleLeafType timestamped_entry


class EntryType(IntEnum):
    """LogEntryType."""

    X509_ENTRY = 0
    PRECERT_ENTRY = 1


@dataclass(frozen=True, slots=True)
class X509Entry:
    """A certificate as it was submitted: what an SCT in a TLS extension or an OCSP response is about."""

    certificate: bytes

    @property
    def entry_type(self) -> EntryType:
        return EntryType.X509_ENTRY

    def encode(self) -> bytes:
        """ASN.1Cert; ``MalformedInput`` for none or for 16 MiB and more."""
        return wire.vector(self.certificate, wire.UINT24_MAX, "X509Entry.certificate", minimum=1)


@dataclass(frozen=True, slots=True)
class PrecertEntry:
    """What a precertificate and its certificate have in common: what an embedded SCT is about.

    ``issuer_key_hash`` is SHA-256 over the SubjectPublicKeyInfo of the certificate's issuer, ``tbs`` the
    TBSCertificate without poison and SCT list, with the issuer that the certificate has in the end.
    """

    issuer_key_hash: bytes
    tbs: bytes

    @property
    def entry_type(self) -> EntryType:
        return EntryType.PRECERT_ENTRY

    def encode(self) -> bytes:
        """PreCert; ``MalformedInput`` for sizes that it cannot have."""
        key_hash = wire.fixed(self.issuer_key_hash, wire.HASH_SIZE, "PrecertEntry.issuer_key_hash")
        return key_hash + wire.vector(self.tbs, wire.UINT24_MAX, "PrecertEntry.tbs", minimum=1)


Entry = X509Entry | PrecertEntry


@dataclass(frozen=True, slots=True)
class TimestampedEntry:
    """An entry with the timestamp (milliseconds since 1970) and extensions of its SCT."""

    timestamp: int
    entry: Entry
    extensions: bytes = b""

    @property
    def time(self) -> datetime:
        """The timestamp as an aware datetime."""
        return moments.to_datetime(self.timestamp)

    def encode(self) -> bytes:
        """TimestampedEntry; ``MalformedInput`` for values that it cannot have."""
        timestamp = moments.check_timestamp(self.timestamp, "TimestampedEntry.timestamp")
        return b"".join((
            timestamp.to_bytes(8),
            self.entry.entry_type.to_bytes(2),
            self.entry.encode(),
            wire.vector(self.extensions, wire.UINT16_MAX, "TimestampedEntry.extensions"),
        ))

    @classmethod
    def read(cls, reader: wire.Reader) -> "TimestampedEntry":
        """The structure as the next field of another; ``MalformedInput``."""
        timestamp = moments.check_timestamp(reader.uint(8, "timestamp"), "TimestampedEntry.timestamp")
        entry = _read_entry(reader)
        return cls(timestamp, entry, reader.vector(wire.UINT16_MAX, "extensions"))

    def signed_data(self) -> bytes:
        """The bytes that an SCT's signature is over (section 3.2)."""
        return _CERTIFICATE_TIMESTAMP + self.encode()

    def merkle_tree_leaf(self) -> bytes:
        """MerkleTreeLeaf (section 3.4), get-entries' ``leaf_input``."""
        return _TIMESTAMPED_ENTRY + self.encode()

    def leaf_hash(self) -> bytes:
        """The hash by which the log's tree holds it."""
        return hash_leaf(self.merkle_tree_leaf())


def signed_data(entry: Entry, timestamp: int, extensions: bytes) -> bytes:
    """The bytes that an SCT's signature is over."""
    return TimestampedEntry(timestamp, entry, extensions).signed_data()


def merkle_tree_leaf(entry: Entry, timestamp: int, extensions: bytes) -> bytes:
    """The leaf that a log makes of an entry."""
    return TimestampedEntry(timestamp, entry, extensions).merkle_tree_leaf()


def parse_merkle_tree_leaf(data: bytes) -> TimestampedEntry:
    """What a leaf holds; ``MalformedInput`` for anything but a leaf of version 1."""
    reader = wire.Reader(data, "MerkleTreeLeaf")
    if (kind := reader.fixed(2, "version and leaf_type")) != _TIMESTAMPED_ENTRY:
        raise MalformedInput(f"MerkleTreeLeaf: expected a timestamped entry of version 1, got {kind.hex()}")
    timestamped = TimestampedEntry.read(reader)
    reader.finish()
    return timestamped


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf's bytes in the tree."""
    return hash_leaf(leaf)


def entry_for_certificate(certificate: Certificate, issuer: Certificate) -> PrecertEntry:
    """The entry that the SCTs embedded in ``certificate`` are about.

    ``issuer`` is the certificate that signed it: its key is part of what a log signs, so the caller verifies
    that signature first.
    """
    return PrecertEntry(sha256(issuer.public_key.spki).digest(), certificate.precertificate_tbs)


def _read_entry(reader: wire.Reader) -> Entry:
    kind = reader.uint(2, "entry_type")
    if kind == EntryType.X509_ENTRY:
        return X509Entry(reader.vector(wire.UINT24_MAX, "x509_entry", minimum=1))
    if kind == EntryType.PRECERT_ENTRY:
        key_hash = reader.fixed(wire.HASH_SIZE, "issuer_key_hash")
        return PrecertEntry(key_hash, reader.vector(wire.UINT24_MAX, "tbs_certificate", minimum=1))
    raise MalformedInput(f"entry_type: expected 0 (certificate) or 1 (precertificate), got {kind}")
