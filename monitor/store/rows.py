"""What the follower hands to the store: entries and the certificates in them."""

from dataclasses import dataclass
from typing import NamedTuple


class CertificateRow(NamedTuple):
    """A certificate taken apart for the index. Times are in milliseconds since the epoch."""

    sha256: bytes
    precertificate: bool
    der: bytes
    chain: tuple[bytes, ...]
    """The DER of each issuer, nearest first, as it was logged."""
    tbs_hash: bytes
    serial: bytes
    subject: str
    common_name: str
    organisation: str
    issuer: str
    not_before: int
    not_after: int
    algorithm: str
    key_bits: int
    spki_hash: bytes
    names: tuple[str, ...]
    related: bytes | None
    crl_url: str | None
    subject_key_id: bytes | None = None
    authority_key_id: bytes | None = None
    issuer_sha256: bytes | None = None
    """Of the issuer's certificate, as it stands in the chain."""
    issuer_key: bytes | None = None
    """SHA-256 of the issuer's SubjectPublicKeyInfo."""


@dataclass(frozen=True, slots=True)
class MalformedRow:
    """An entry kept as it came, because it does not read as it should."""

    reason: str
    leaf_input: bytes
    extra_data: bytes
    names: tuple[str, ...]


class EntryRow(NamedTuple):
    """One entry of a log. ``sha256`` names its certificate, where one could be read."""

    leaf_hash: bytes
    timestamp: int | None
    sha256: bytes | None
    malformed: MalformedRow | None = None
