"""Proofs that leaves are in a log, at the last head whose root was rebuilt.

A client that keeps to itself what it visited asks by the first digits of a leaf hash: it gets every leaf
that begins so, with its proof, and looks for its own. Head and proofs are the client's to verify.
"""

import re
from typing import Any

from monitor.auditor.heads import head_json
from monitor.errors import NoVerifiedHead, PrefixError
from monitor.store import Logs
from monitor.store.tree import WIDTH
from monitor.values import Head, InclusionPath, PathStep
from verifier.transparency.merkle import hash_node, inclusion_proof_from, inclusion_spans
from verifier.transparency.strict_json import encode_base64

LARGEST_ANSWER = 1000
_DIGITS = 64
_PREFIX = re.compile(r"[0-9a-f]{0,64}")


def answer(logs: Logs, name: str, prefix: str) -> dict[str, Any]:
    """Return the JSON of ``/inclusion/<log>?prefix=``; raises UnknownLog, NoVerifiedHead or PrefixError."""
    row = logs.get(name)
    head = logs.last_rebuilt(row.id)
    if head is None:
        raise NoVerifiedHead(f"no tree head of {name} has been rebuilt from its entries yet")
    prefix = prefix.lower()
    if not _PREFIX.fullmatch(prefix):
        raise PrefixError(f"prefix: expected at most {_DIGITS} hexadecimal digits", head_json(head))
    first, last = (bytes.fromhex(prefix.ljust(_DIGITS, fill)) for fill in "0f")
    found = logs.by_prefix(row.id, head.tree_size, first, last, LARGEST_ANSWER + 1)
    if len(found) > LARGEST_ANSWER:
        raise PrefixError(
            f"prefix: more than {LARGEST_ANSWER} leaves begin so; send more digits", head_json(head)
        )
    return {
        "log_id": encode_base64(row.log.log_id),
        "tree_head": head_json(head),
        "leaves": _leaves(logs, row.id, head, found),
    }


def _leaves(logs: Logs, log: int, head: Head, found: list[tuple[int, bytes]]) -> list[dict[str, Any]]:
    reader = logs.tree(log)
    indexes, level = [index for index, _ in found], 0
    while indexes and level * 8 < head.tree_size.bit_length():
        indexes = [index // WIDTH for index in indexes]
        reader.preload(level, indexes)
        level += 1
    return [
        {
            "leaf_hash": encode_base64(leaf_hash),
            "leaf_index": index,
            "audit_path": [
                encode_base64(node) for node in inclusion_proof_from(reader.node, index, head.tree_size)
            ],
        }
        for index, leaf_hash in found
    ]


def path(logs: Logs, name: str, index: int) -> InclusionPath | None:
    """Return the path of the leaf at ``index``, every node on it; None when the head does not reach it."""
    row = logs.get(name)
    head, leaf_hash = logs.last_rebuilt(row.id), logs.entry(row.id, index)
    if head is None or leaf_hash is None or index >= head.tree_size:
        return None
    proof = tuple(inclusion_proof_from(logs.tree(row.id).node, index, head.tree_size))
    return InclusionPath(row.log.name, head, index, leaf_hash, proof, _steps(index, head, leaf_hash, proof))


def _steps(index: int, head: Head, leaf_hash: bytes, proof: tuple[bytes, ...]) -> tuple[PathStep, ...]:
    steps, node = [], leaf_hash
    for level, (span, sibling) in enumerate(zip(inclusion_spans(index, head.tree_size), proof, strict=True)):
        left = span.start < index
        node = hash_node(sibling, node) if left else hash_node(node, sibling)
        steps.append(PathStep(level, "left" if left else "right", sibling, node))
    return tuple(steps)
