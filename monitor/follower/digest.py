"""Raw entries made into rows. Total: whatever a log serves becomes a row, malformed where it must be."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from monitor.index.extract import certificate_row, readable_names
from monitor.store.logs import Batch
from monitor.store.rows import CertificateRow, EntryRow, MalformedRow
from verifier.certificates import Certificate
from verifier.errors import MalformedInput
from verifier.transparency.api import RawEntry
from verifier.transparency.entries import PrecertEntry, TimestampedEntry, leaf_hash, parse_merkle_tree_leaf
from verifier.transparency.extra_data import PrecertChainEntry, parse_extra_data

PRECERTIFICATE_SIGNING = "1.3.6.1.4.1.11129.2.4.4"  # RFC 6962 section 3.1

type Known = Callable[[Sequence[bytes]], Mapping[bytes, tuple[bytes, bool]]]
"""Which certificates, by SHA-256, are stored: their TBS hash, and whether they are precertificates."""


class _Read(NamedTuple):
    """An entry taken apart as far as the log's structures go."""

    raw: RawEntry
    entry: TimestampedEntry
    certificate: bytes
    fingerprint: bytes
    chain: tuple[bytes, ...]


def digest(position: int, raw: Sequence[RawEntry], known: Known) -> Batch:
    """Return the rows of the entries from index ``position`` on.

    Certificates that are ``known`` need no parsing.
    """
    read = [_read(entry) for entry in raw]
    stored = known([item.fingerprint for item in read if isinstance(item, _Read)])
    certificates: dict[bytes, CertificateRow] = {}
    rows = tuple(_row(item, stored, certificates) if isinstance(item, _Read) else item for item in read)
    return Batch(position, rows, tuple(certificates.values()))


def _read(raw: RawEntry) -> _Read | EntryRow:
    try:
        entry = parse_merkle_tree_leaf(raw.leaf_input)
        beside = parse_extra_data(entry.entry, raw.extra_data)
    except MalformedInput as error:
        return _malformed(raw, None, str(error))
    if isinstance(entry.entry, PrecertEntry):
        certificate = beside.pre_certificate if isinstance(beside, PrecertChainEntry) else b""
    else:
        certificate = entry.entry.certificate
    return _Read(raw, entry, certificate, sha256(certificate).digest(), beside.chain)


def _row(
    item: _Read, stored: Mapping[bytes, tuple[bytes, bool]], certificates: dict[bytes, CertificateRow]
) -> EntryRow:
    fingerprint = item.fingerprint
    try:
        if fingerprint in stored:
            _check(item, *stored[fingerprint])
        else:
            row = certificates.get(fingerprint)
            if row is None:
                row = certificate_row(Certificate.parse(item.certificate), item.chain, fingerprint)
            _check(item, row.tbs_hash, row.precertificate)
            certificates[fingerprint] = row
    except MalformedInput as error:
        return _malformed(item.raw, item.entry.timestamp, str(error))
    return EntryRow(leaf_hash(item.raw.leaf_input), item.entry.timestamp, fingerprint)


def _check(item: _Read, tbs_hash: bytes, precertificate: bool) -> None:
    """The precertificate beside a leaf must be the one whose TBS the leaf promises (RFC 6962 section 3.2)."""
    leaf = item.entry.entry
    if not isinstance(leaf, PrecertEntry):
        return
    if not precertificate:
        raise MalformedInput("extra_data: expected a precertificate (poison extension)")
    if sha256(leaf.tbs).digest() != tbs_hash and not _signed_for_another(item):
        raise MalformedInput("extra_data: the precertificate's TBS differs from the one in the leaf")


def _signed_for_another(item: _Read) -> bool:
    """A precertificate signing certificate comes first in the chain: the leaf names the final issuer."""
    if not item.chain:
        return False
    return PRECERTIFICATE_SIGNING in Certificate.parse(item.chain[0]).extended_key_usage


def _malformed(raw: RawEntry, timestamp: int | None, reason: str) -> EntryRow:
    names = dict.fromkeys(readable_names(raw.leaf_input) + readable_names(raw.extra_data))
    kept = MalformedRow(reason, raw.leaf_input, raw.extra_data, tuple(names))
    return EntryRow(leaf_hash(raw.leaf_input), timestamp, None, kept)
