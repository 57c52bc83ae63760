"""RFC 6962's Merkle tree (section 2.1): hashing, roots, proofs made and proofs checked.

A tree's leaves are given by their hashes (``hash_leaf``). Sizes and indexes are below 2**63 everywhere.
"""

from verifier.transparency.merkle.checking import (
    root_from_inclusion,
    verify_consistency,
    verify_inclusion,
)
from verifier.transparency.merkle.compact import CompactRange
from verifier.transparency.merkle.hashing import (
    EMPTY_ROOT,
    MAX_SIZE,
    hash_leaf,
    hash_node,
    parents_of,
    root_of,
)
from verifier.transparency.merkle.making import (
    NodeReader,
    Span,
    consistency_proof,
    consistency_proof_from,
    consistency_spans,
    hash_span,
    inclusion_proof,
    inclusion_proof_from,
    inclusion_spans,
    root_from,
    span_nodes,
)

__all__ = [
    "EMPTY_ROOT",
    "MAX_SIZE",
    "CompactRange",
    "NodeReader",
    "Span",
    "consistency_proof",
    "consistency_proof_from",
    "consistency_spans",
    "hash_leaf",
    "hash_node",
    "hash_span",
    "inclusion_proof",
    "inclusion_proof_from",
    "inclusion_spans",
    "parents_of",
    "root_from",
    "root_from_inclusion",
    "root_of",
    "span_nodes",
    "verify_consistency",
    "verify_inclusion",
]
