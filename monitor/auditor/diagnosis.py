"""What was done to the entries whose root is not the signed one: found with the log's own proofs.

The first wrong entry is searched for by halves: up to which size do the entries as served have a root that
the log proves to be the beginning of its signed tree? Where the entry served there really stands then says
whether one was dropped, moved, repeated or altered. Without such proofs it stays at the mismatch of roots.
"""

from dataclasses import dataclass
from typing import Any

from monitor.auditor.running import RunningAudit
from monitor.errors import SourceError
from monitor.follower.source import Located
from monitor.values import AuditCode, Head
from verifier.errors import InvalidProof, VerifierError
from verifier.transparency.merkle import hash_leaf, root_from, verify_consistency, verify_inclusion
from verifier.transparency.strict_json import encode_base64


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The offence, in words, and what shows it beside the mismatch itself."""

    code: AuditCode
    detail: str
    evidence: dict[str, Any]


def diagnose(audit: RunningAudit, head: Head, right: int) -> Diagnosis | None:
    """Find out what was done; the first ``right`` entries are as signed. None where it cannot be told."""
    try:
        return _Search(audit, head).diagnosis(right)
    except (SourceError, VerifierError):
        return None


class _Search:
    def __init__(self, audit: RunningAudit, head: Head) -> None:
        self._audit = audit
        self._head = head
        self._node = audit.logs.tree(audit.row.id).node

    def diagnosis(self, right: int) -> Diagnosis | None:
        index, proof = self._first_wrong(right)
        served = self._served(index)
        found = self._stands(served, index)
        evidence: dict[str, Any] = {
            "index": index,
            "prefix_root": encode_base64(root_from(self._node, index)) if index else "",
            "consistency": [encode_base64(node) for node in proof],
            "leaf_input": encode_base64(self._leaf(index, served)),
        }
        if found is None:
            return self._altered(index, served, evidence)
        evidence |= {"leaf_index": found.index, "audit_path": [encode_base64(node) for node in found.path]}
        if found.index < index:
            detail = f"Entry {found.index} is served once more, as entry {index}."
            return Diagnosis(AuditCode.ENTRY_DUPLICATED, detail, evidence)
        return self._moved(index, found, evidence)

    def _first_wrong(self, right: int) -> tuple[int, tuple[bytes, ...]]:
        """The index of the first wrong entry, and the proof that what is before it is right."""
        wrong, proof = self._head.tree_size, self._begins(right)
        if proof is None:
            raise InvalidProof("the log does not prove what was verified before")
        while wrong - right > 1:
            middle = (right + wrong) // 2
            shown = self._begins(middle)
            if shown is None:
                wrong = middle
            else:
                right, proof = middle, shown
        return right, proof

    def _begins(self, size: int) -> tuple[bytes, ...] | None:
        """The log's proof that the first ``size`` entries as served are the beginning of its tree."""
        if not size:
            return ()
        head = self._head
        proof = self._audit.source.consistency(size, head.tree_size)
        try:
            verify_consistency(size, head.tree_size, root_from(self._node, size), head.root_hash, proof)
        except InvalidProof:
            return None
        return proof

    def _served(self, index: int) -> bytes:
        (leaf,) = self._audit.logs.leaf_hashes(self._audit.row.id, index, index + 1)
        return leaf

    def _leaf(self, index: int, served: bytes) -> bytes:
        """The entry's bytes, asked for once more; they must be the ones that were served before."""
        raw = self._audit.source.entries(index, index + 1)[0].leaf_input
        if hash_leaf(raw) != served:
            raise InvalidProof("the log serves something else each time")
        return raw

    def _stands(self, leaf: bytes, near: int) -> Located | None:
        """Where a leaf is in the signed tree, proven; None where it is not."""
        head = self._head
        found = self._audit.source.find(leaf, near, head.tree_size)
        if found is not None:
            verify_inclusion(leaf, found.index, head.tree_size, found.path, head.root_hash)
        return found

    def _altered(self, index: int, served: bytes, evidence: dict[str, Any]) -> Diagnosis:
        true = self._true(index)
        if true is not None and true.leaf_hash != served:
            path = [encode_base64(node) for node in true.path]
            evidence |= {"leaf_hash": encode_base64(true.leaf_hash), "audit_path": path}
        detail = f"Entry {index} is served with other contents than those in the signed tree."
        return Diagnosis(AuditCode.ENTRY_ALTERED, detail, evidence)

    def _true(self, index: int) -> Located | None:
        head = self._head
        try:
            true = self._audit.source.at(index, head.tree_size)
            verify_inclusion(true.leaf_hash, index, head.tree_size, true.path, head.root_hash)
        except (SourceError, InvalidProof):
            return None
        return true

    def _moved(self, index: int, found: Located, evidence: dict[str, Any]) -> Diagnosis:
        """An entry that stands further on: with all that follow it, or alone."""
        following = None
        if found.index == index + 1 and index + 1 < self._head.tree_size - 1:
            following = self._stands(self._served(index + 1), index + 2)
        if found.index != index + 1 or (following is not None and following.index != index + 2):
            detail = f"Entry {found.index} is served as entry {index}: the order is not the signed one."
            return Diagnosis(AuditCode.ENTRIES_REORDERED, detail, evidence)
        if following is not None:
            evidence["following"] = {
                "leaf_hash": encode_base64(following.leaf_hash),
                "leaf_index": following.index,
                "audit_path": [encode_base64(node) for node in following.path],
            }
        detail = f"Entry {index} is left out: entry {index + 1} is served in its place."
        return Diagnosis(AuditCode.ENTRY_DROPPED, detail, evidence)
