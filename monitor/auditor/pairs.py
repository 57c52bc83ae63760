"""Every head that anybody was shown, against our copy of the entries: what agrees with it agrees with all."""

from functools import partial
from typing import Any

from monitor.auditor.heads import PROOF, head_json, history_json
from monitor.auditor.histories import from_entries
from monitor.auditor.running import RunningAudit
from monitor.observations.values import SeenHead, SeenState
from monitor.values import AuditCode, AuditFinding, FindingOutcome, Head
from verifier.errors import InvalidSignature, MalformedInput, UnsupportedAlgorithm


def compare_seen(audit: RunningAudit) -> None:
    """Compare the heads that others were shown; a larger one waits until our copy is as large."""
    own = audit.logs.last_rebuilt(audit.row.id)
    agreed = waiting = 0
    for seen in audit.observations.open_heads(audit.row.id):
        state = _compare(audit, seen, own)
        agreed += state is SeenState.AGREES
        waiting += state is SeenState.OPEN
        settle = partial(audit.observations.settle_head, audit.row.id, seen.id, state)
        if state is SeenState.CONFLICTS:
            audit.once_kept(settle)
        elif state is not SeenState.OPEN:
            settle()
    if agreed:
        detail = f"{agreed} tree heads that others were shown are of the same tree."
        audit.passed(AuditCode.HEADS_AGREE, detail, PROOF)
    if waiting:
        detail = f"{waiting} tree heads that others were shown wait until the entries up to them are here."
        audit.note(AuditCode.HEADS_TO_COMPARE, detail, PROOF)


def _compare(audit: RunningAudit, seen: SeenHead, own: Head | None) -> SeenState:
    if not _signed(audit, seen):
        return SeenState.FORGED
    if own is None:
        return SeenState.OPEN
    if _out_of_order(seen, own):
        detail = (
            f"{seen.observer} was shown {seen.head.tree_size} entries at {seen.head.time:%H:%M:%S} UTC,"
            f" we {own.tree_size} at {own.timestamp:%H:%M:%S} UTC: a tree only grows."
        )
        evidence = {"tree_head": head_json(seen.head), "previous_tree_head": head_json(own)}
        return _conflict(audit, seen, detail, evidence)
    if seen.head.tree_size > own.tree_size:
        return SeenState.OPEN
    history = from_entries(audit.logs.tree(audit.row.id), seen.head.tree_size, own.tree_size)
    if seen.head.tree_size == own.tree_size:
        history = own.root_hash, ()
    if history[0] == seen.head.root_hash:
        return SeenState.AGREES
    detail = (
        f"{seen.observer} was shown another tree of {seen.head.tree_size} entries than the one whose entries"
        " we have; the log signed both."
    )
    evidence = {
        "tree_head": head_json(own),
        "previous_tree_head": head_json(seen.head),
        **history_json(history),
    }
    return _conflict(audit, seen, detail, evidence)


def _out_of_order(seen: SeenHead, own: Head) -> bool:
    """A later head of a smaller tree, whichever of the two it is."""
    sizes, times = seen.head.tree_size - own.tree_size, seen.head.timestamp - own.timestamp_ms
    return sizes * times < 0


def _conflict(audit: RunningAudit, seen: SeenHead, detail: str, evidence: dict[str, Any]) -> SeenState:
    shown = {**evidence, "observer": seen.observer, "seen_at": seen.seen_at.isoformat()}
    audit.add(AuditFinding(AuditCode.SPLIT_VIEW, FindingOutcome.FAILED, detail, PROOF, shown))
    return SeenState.CONFLICTS


def _signed(audit: RunningAudit, seen: SeenHead) -> bool:
    try:
        seen.head.verify(audit.log.key, audit.log.codepoint)
    except (InvalidSignature, MalformedInput, UnsupportedAlgorithm):
        return False
    return True
