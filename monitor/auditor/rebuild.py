"""The root rebuilt from the log's entries, and what was done to them where it is not the one signed."""

from typing import Any

from monitor.auditor.diagnosis import Diagnosis, diagnose
from monitor.auditor.heads import head_json
from monitor.auditor.running import RunningAudit
from monitor.errors import Moved
from monitor.follower.follow import Follower
from monitor.values import AuditCode, AuditFinding, FindingOutcome, Head
from verifier.transparency.merkle import root_from
from verifier.transparency.strict_json import encode_base64

EVIDENCE_LEAVES = 4096
REBUILD = "RFC 6962 section 5.3"
_FAILED = FindingOutcome.FAILED


def rebuild(audit: RunningAudit) -> None:
    """Read entries towards the head being chased, compare its root, and go on to the newest head."""
    for _ in range(2):  # the head chased since earlier audits, then the newest
        target = _target(audit)
        if target is None or not _reach(audit, *target):
            return


def _target(audit: RunningAudit) -> tuple[int, Head] | None:
    """Return the head to read towards: the one begun with, so that a growing log cannot outrun us."""
    chased = audit.logs.chased(audit.row.id)
    if chased is None:
        chased = audit.logs.newest_unbuilt(audit.row.id)
        if chased is not None:
            audit.logs.chase(audit.row.id, chased[0])
    return chased


def _reach(audit: RunningAudit, row: int, head: Head) -> bool:
    """Read up to ``head`` and compare roots, reading a second time before accusing anyone."""
    log = audit.row.id
    for attempt in range(2):
        if not _follow(audit, head):
            return False
        rebuilt = root_from(audit.logs.tree(log).node, head.tree_size)
        if rebuilt == head.root_hash:
            audit.logs.mark_rebuilt(log, row)
            detail = f"The {head.tree_size} entries have exactly the root that the log signed."
            audit.passed(AuditCode.ROOT_REBUILT, detail, REBUILD)
            return True
        verified = audit.logs.last_rebuilt(log)
        if attempt:
            audit.add(_mismatch(audit, head, rebuilt, verified))
        audit.logs.rewind(log, verified.tree_size if verified else 0)
    return False


def _mismatch(audit: RunningAudit, head: Head, rebuilt: bytes, verified: Head | None) -> AuditFinding:
    found = diagnose(audit, head, verified.tree_size if verified else 0)
    evidence = _evidence(audit, head, rebuilt, verified)
    if isinstance(found, Diagnosis):
        return AuditFinding(found.code, _FAILED, found.detail, REBUILD, {**evidence, **found.evidence})
    detail = (
        f"The entries that the log serves have another root at size {head.tree_size}"
        " than the tree head that it signed: an entry was altered, dropped, added or moved."
    )
    return AuditFinding(AuditCode.ROOT_MISMATCH, _FAILED, detail, REBUILD, evidence)


def _evidence(audit: RunningAudit, head: Head, rebuilt: bytes, verified: Head | None) -> dict[str, Any]:
    log, start = audit.row.id, verified.tree_size if verified else 0
    leaves = audit.logs.leaf_hashes(log, start, min(head.tree_size, start + EVIDENCE_LEAVES))
    node, peaks, position = audit.logs.tree(log).node, [], 0
    for level in reversed(range(start.bit_length())):
        if start >> level & 1:
            peaks.append(encode_base64(node(level, position >> level)))
            position += 1 << level
    return {
        "log_id": encode_base64(audit.log.log_id),
        "tree_head": head_json(head),
        "previous_tree_head": head_json(verified) if verified else None,
        "computed_root": encode_base64(rebuilt),
        "entries": {"start": start, "peaks": peaks, "leaf_hashes": [encode_base64(leaf) for leaf in leaves]},
    }


def _follow(audit: RunningAudit, head: Head) -> bool:
    log = audit.row.id
    begun = audit.logs.size(log)
    follower = Follower(
        log, audit.source, audit.logs, audit.stop, audit.progress, audit.log.name, audit.observations
    )
    try:
        position = follower.follow(head.tree_size, audit.deadline)
    except Moved:
        position = audit.logs.size(log)
    finally:
        audit.entries_read += max(0, audit.logs.size(log) - begun)
    if position >= head.tree_size:
        return True
    detail = f"Reading: {position} of {head.tree_size} entries are here; the root is compared at the end."
    audit.note(AuditCode.REBUILD_IN_PROGRESS, detail, REBUILD)
    return False
