"""A proof that one certificate is in one log, as a file that anyone can check without this site.

``mingjing-proof-1`` is one JSON object, all bytes in base64::

    format       "mingjing-proof-1"
    log          name, log_id, key (SubjectPublicKeyInfo), operator, url: said by this site, not proven
    leaf_input   MerkleTreeLeaf (RFC 6962 section 3.4)
    leaf_index, audit_path, tree_head    as get-entry-and-proof and get-sth have them (sections 4.3, 4.8)
    certificate  DER; of a precertificate's entry the final certificate, where it is known
"""

from collections.abc import Iterator
from typing import Any, Final

from monitor.auditor.heads import head_json
from monitor.values import CertificateDetail, Encoding, InclusionPath, LoggedEntry, LogState, to_ms
from verifier.certificates import Certificate
from verifier.transparency.entries import Entry, PrecertEntry, X509Entry, merkle_tree_leaf
from verifier.transparency.extensions import sct_extensions
from verifier.transparency.merkle import hash_leaf
from verifier.transparency.strict_json import encode_base64

FORMAT: Final = "mingjing-proof-1"


def proof_file(
    detail: CertificateDetail, entry: LoggedEntry, path: InclusionPath, log: LogState
) -> dict[str, Any] | None:
    """Return the proof of one entry; None when its leaf cannot be made again from what is known here."""
    made = _made_again(detail, entry)
    if made is None:
        return None
    leaf_input, certificate = made
    return {
        "format": FORMAT,
        "log": {
            "name": log.name,
            "log_id": encode_base64(log.log_id),
            "key": encode_base64(log.key.spki),
            "operator": log.operator,
            "url": log.url,
        },
        "leaf_input": encode_base64(leaf_input),
        "leaf_index": path.leaf_index,
        "audit_path": [encode_base64(node) for node in path.audit_path],
        "tree_head": head_json(path.head),
        "certificate": encode_base64(certificate),
    }


def _made_again(detail: CertificateDetail, entry: LoggedEntry) -> tuple[bytes, bytes] | None:
    """Return the leaf and the certificate to show beside it; the leaf's hash says which candidate it was."""
    timestamp = to_ms(entry.timestamp)
    for logged, certificate in _candidates(detail, precertificate=entry.precertificate):
        for extensions in (sct_extensions(entry.index), b""):
            leaf = merkle_tree_leaf(logged, timestamp, extensions)
            if hash_leaf(leaf) == entry.leaf_hash:
                return leaf, certificate
    return None


def _candidates(detail: CertificateDetail, *, precertificate: bool) -> Iterator[tuple[Entry, bytes]]:
    """Yield what the log may hold, and what to show: of a precertificate the final one, where it is known."""
    for encoding in _encodings(detail, precertificate=precertificate):
        if not precertificate:
            yield X509Entry(encoding.der), encoding.der
            continue
        tbs = Certificate.parse(encoding.der).precertificate_tbs
        for issuer in detail.chain:
            yield PrecertEntry(issuer.public_key.key_id, tbs), detail.encodings[0].der


def _encodings(detail: CertificateDetail, *, precertificate: bool) -> tuple[Encoding, ...]:
    return tuple(encoding for encoding in detail.encodings if encoding.precertificate == precertificate)
