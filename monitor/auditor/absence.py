"""What shows that a leaf is not in a tree: all leaves of a small one, else the log's own answer."""

from http.client import BAD_REQUEST, NOT_FOUND, OK
from typing import Any, Final

from monitor.auditor.running import RunningAudit
from monitor.errors import SourceError
from monitor.follower.rfc6962 import Rfc6962Source
from monitor.values import Head
from verifier.transparency.strict_json import encode_base64

LEAVES_IN_EVIDENCE: Final = 1 << 16  # 2.8 MB in base64, kept with the alert


def absence(audit: RunningAudit, leaf: bytes, head: Head) -> dict[str, Any]:
    """Return what the evidence holds of a leaf that is nowhere in the tree of ``head``."""
    if head.tree_size > LEAVES_IN_EVIDENCE:
        return _asked(audit, leaf, head.tree_size)
    leaves = audit.logs.leaf_hashes(audit.row.id, 0, head.tree_size)
    return {"leaf_hashes": encode_base64(b"".join(leaves))}


def _asked(audit: RunningAudit, leaf: bytes, size: int) -> dict[str, Any]:
    """Ask for the leaf by its hash, where the protocol has such a question (RFC 6962 section 4.5)."""
    source = audit.source
    if not isinstance(source, Rfc6962Source):
        return {}
    try:
        found = source.prove(leaf, size)
    except SourceError as error:
        denied = error.record.get("status") in {BAD_REQUEST, NOT_FOUND}
        return {"by_hash": error.record} if denied else {}
    path = [encode_base64(node) for node in found.path]
    answer = {"status": OK, "leaf_index": found.index, "audit_path": path}
    return {"by_hash": {"url": source.proof_url(leaf, size), **answer}}
