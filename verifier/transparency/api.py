"""The answers of RFC 6962's API (section 4) as values: read strictly, and written.

For whoever asks a log (an issuer, a monitor, a client) and for whoever is one; HTTP is theirs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from verifier.transparency.digitally_signed import DigitallySigned
from verifier.transparency.merkle import MAX_SIZE
from verifier.transparency.moments import MAX_TIMESTAMP
from verifier.transparency.sct import SignedCertificateTimestamp
from verifier.transparency.strict_json import encode_base64, parse_json
from verifier.transparency.tree_head import SignedTreeHead
from verifier.transparency.wire import UINT8_MAX

MAX_ANSWER_SIZE: Final = 1 << 20  # bytes, of every answer but entries
MAX_ENTRIES_SIZE: Final = 64 << 20  # bytes; logs return at most some thousand entries at a time

JsonObject = dict[str, str | int | list[str]]


def parse_sct_response(data: bytes) -> SignedCertificateTimestamp:
    """An add-chain or add-pre-chain answer, not verified; ``MalformedInput``."""
    fields = parse_json(data, "add-chain answer", maximum=MAX_ANSWER_SIZE)
    signed = DigitallySigned.parse(fields.base64("signature"))
    sct = SignedCertificateTimestamp(
        log_id=fields.base64("id"),
        timestamp=fields.integer("timestamp", maximum=MAX_TIMESTAMP),
        extensions=fields.base64("extensions"),
        algorithm=signed.code,
        signature=signed.signature,
        version=fields.integer("sct_version", maximum=UINT8_MAX),
    )
    return SignedCertificateTimestamp.parse(sct.encode())  # with every bound that an SCT has


def sct_response(sct: SignedCertificateTimestamp) -> JsonObject:
    """The answer to add-chain and add-pre-chain."""
    return {
        "sct_version": sct.version,
        "id": encode_base64(sct.log_id),
        "timestamp": sct.timestamp,
        "extensions": encode_base64(sct.extensions),
        "signature": encode_base64(sct.digitally_signed.encode()),
    }


def parse_sth_response(data: bytes) -> SignedTreeHead:
    """A get-sth answer, not verified; ``MalformedInput``."""
    fields = parse_json(data, "get-sth answer", maximum=MAX_ANSWER_SIZE)
    return SignedTreeHead(
        tree_size=fields.integer("tree_size", maximum=MAX_SIZE),
        timestamp=fields.integer("timestamp", maximum=MAX_TIMESTAMP),
        root_hash=fields.base64("sha256_root_hash"),
        signature=fields.base64("tree_head_signature"),
    )


def sth_response(head: SignedTreeHead) -> JsonObject:
    """The answer to get-sth."""
    return {
        "tree_size": head.tree_size,
        "timestamp": head.timestamp,
        "sha256_root_hash": encode_base64(head.root_hash),
        "tree_head_signature": encode_base64(head.signature),
    }


def parse_consistency_response(data: bytes) -> tuple[bytes, ...]:
    """The hashes of a get-sth-consistency answer, not verified; ``MalformedInput``."""
    return parse_json(data, "get-sth-consistency answer", maximum=MAX_ANSWER_SIZE).base64s("consistency")


def consistency_response(proof: Iterable[bytes]) -> JsonObject:
    """The answer to get-sth-consistency."""
    return {"consistency": [encode_base64(node) for node in proof]}


@dataclass(frozen=True, slots=True)
class AuditPath:
    """A get-proof-by-hash answer: where the leaf is, and the proof."""

    leaf_index: int
    audit_path: tuple[bytes, ...]


def parse_proof_response(data: bytes) -> AuditPath:
    """A get-proof-by-hash answer, not verified; ``MalformedInput``."""
    fields = parse_json(data, "get-proof-by-hash answer", maximum=MAX_ANSWER_SIZE)
    return AuditPath(fields.integer("leaf_index", maximum=MAX_SIZE), fields.base64s("audit_path"))


def proof_response(leaf_index: int, audit_path: Sequence[bytes]) -> JsonObject:
    """The answer to get-proof-by-hash."""
    return {"leaf_index": leaf_index, "audit_path": [encode_base64(node) for node in audit_path]}


@dataclass(frozen=True, slots=True)
class RawEntry:
    """One entry as get-entries gives it, still unparsed: a log may hold what does not parse."""

    leaf_input: bytes
    extra_data: bytes


def parse_entries_response(data: bytes) -> tuple[RawEntry, ...]:
    """The entries of a get-entries answer, in order; ``MalformedInput`` for anything but base64 pairs."""
    root = parse_json(data, "get-entries answer", maximum=MAX_ENTRIES_SIZE)
    return tuple(
        RawEntry(entry.base64("leaf_input"), entry.base64("extra_data")) for entry in root.objects("entries")
    )


def entries_response(entries: Iterable[RawEntry]) -> dict[str, list[dict[str, str]]]:
    """The answer to get-entries."""
    return {
        "entries": [
            {"leaf_input": encode_base64(entry.leaf_input), "extra_data": encode_base64(entry.extra_data)}
            for entry in entries
        ]
    }


def parse_roots_response(data: bytes) -> tuple[bytes, ...]:
    """The certificates (DER) of a get-roots answer; ``MalformedInput``."""
    return parse_json(data, "get-roots answer", maximum=MAX_ENTRIES_SIZE).base64s("certificates")


def roots_response(certificates: Iterable[bytes]) -> JsonObject:
    """The answer to get-roots."""
    return {"certificates": [encode_base64(der) for der in certificates]}
