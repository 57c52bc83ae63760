"""Logs, their audits and their heads, as the site speaks of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.values import (
    Alert,
    AuditFinding,
    AuditOutcome,
    AuditReport,
    FindingOutcome,
    Head,
    LogState,
    Overview,
)
from verifier.algorithms import KeyAlgorithm, PublicKey
from web.public.drawing import Point
from web.public.state import Said, State
from web.public.text import plural

_AUDITS = {
    AuditOutcome.CONSISTENT: State.TRUSTED,
    AuditOutcome.INCONSISTENT: State.REFUSED,
    AuditOutcome.PENDING: State.UNKNOWN,
    AuditOutcome.UNAVAILABLE: State.UNKNOWN,
}
_FINDINGS = {
    FindingOutcome.PASSED: State.TRUSTED,
    FindingOutcome.FAILED: State.REFUSED,
    FindingOutcome.NOTE: State.UNKNOWN,
    FindingOutcome.UNAVAILABLE: State.UNKNOWN,
}
_ALGORITHMS = {
    KeyAlgorithm.SM2: "SM2 with SM3",
    KeyAlgorithm.ECDSA: "ECDSA with SHA-256",
    KeyAlgorithm.RSA: "RSA with SHA-256",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of an audit or of a verdict as a line; ``compared`` is what was held against what."""

    state: State
    code: str
    detail: str
    reference: str
    title: str = ""
    compared: str = ""


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit of one log, as shown."""

    id: int | None
    log: str
    said: Said
    started_at: datetime
    finished_at: datetime
    milliseconds: int
    tree_size: int | None
    entries_read: int
    checks: tuple[Check, ...]


def key_words(key: PublicKey) -> str:
    """Return how a log signs: 'SM2 with SM3'."""
    return _ALGORITHMS.get(key.algorithm, key.algorithm.value)


def log_said(log: LogState) -> Said:
    """Say in one sentence how a log stands."""
    if log.distrusted:
        reason = log.distrusted_reason or "an audit caught it misbehaving"
        return Said(
            State.REFUSED, f"Its promises no longer count: {reason[:1].lower()}{reason[1:].rstrip('.')}."
        )
    if log.outcome is AuditOutcome.INCONSISTENT:
        return Said(State.REFUSED, "The last audit found it inconsistent.")
    if log.outcome is AuditOutcome.UNAVAILABLE:
        return Said(State.UNKNOWN, "It did not answer the last audit, so nothing new is known of it.")
    if log.outcome is AuditOutcome.PENDING or log.head is None:
        return Said(State.UNKNOWN, "It has not been audited to the end yet.")
    if not log.head.tree_size:
        return Said(State.TRUSTED, "It is empty, and its signed root says so.")
    entries = plural(log.head.tree_size, "entry", "entries")
    return Said(State.TRUSTED, f"It only ever grew, and its root was rebuilt from all {entries}.")


def overview_said(overview: Overview, now: datetime) -> Said:
    """Say in one sentence how all logs stand; silence of the auditor is never good news."""
    if not overview.logs:
        return Said(
            State.UNKNOWN, "No log is followed yet. The first audit starts within moments of the service."
        )
    states = [log_said(log) for log in overview.logs]
    bad = [log.name for log, said in zip(overview.logs, states, strict=True) if said.state is State.REFUSED]
    if bad:
        which = f"The log {bad[0]} was" if len(bad) == 1 else f"The logs {', '.join(bad)} were"
        return Said(State.REFUSED, f"{which} found misbehaving. The evidence is kept under Audits.")
    if overview.stale(now):
        return Said(State.UNKNOWN, "The auditor has fallen silent, so what is shown here may be old.")
    if any(said.state is State.UNKNOWN for said in states):
        waiting = [
            log.name for log, said in zip(overview.logs, states, strict=True) if said.state is State.UNKNOWN
        ]
        return Said(State.UNKNOWN, f"The last audit could not be completed for: {', '.join(waiting)}.")
    count = len(overview.logs)
    which = {1: "The log keeps its word", 2: "Both logs keep their word"}.get(
        count, f"All {count} logs keep their word"
    )
    return Said(State.TRUSTED, f"{which}: nothing was altered, dropped or hidden.")


def audit_shown(report: AuditReport) -> Audit:
    """Make an audit's view, its findings in the order of the checks."""
    checks = tuple(check_shown(finding) for finding in report.findings)
    return Audit(
        id=report.id,
        log=report.log,
        said=Said(_AUDITS[report.outcome], _sentence(report, checks)),
        started_at=report.started_at,
        finished_at=report.finished_at,
        milliseconds=round((report.finished_at - report.started_at).total_seconds() * 1000),
        tree_size=report.tree_size,
        entries_read=report.entries_read,
        checks=checks,
    )


def check_shown(finding: AuditFinding) -> Check:
    """Make one finding's line."""
    return Check(_FINDINGS[finding.outcome], finding.code.value, finding.detail, finding.reference)


def _sentence(report: AuditReport, checks: Sequence[Check]) -> str:
    for state in (State.REFUSED, State.UNKNOWN):
        if _AUDITS[report.outcome] is state:
            return next(
                (check.detail for check in checks if check.state is state), "The audit is not complete."
            )
    passed = sum(check.state is State.TRUSTED for check in checks)
    return f"{plural(passed, 'check')} passed."


def points(heads: Sequence[Head], log: LogState) -> tuple[Point, ...]:
    """Return heads (newest first, as the monitor gives them) as a timeline's points, oldest first."""
    refused = log.distrusted or log.outcome is AuditOutcome.INCONSISTENT

    def state(head: Head, *, last: bool) -> State:
        if last and refused:
            return State.REFUSED
        return State.TRUSTED if head.rebuilt else State.UNKNOWN

    oldest_first = tuple(reversed(heads))
    return tuple(
        Point(head.timestamp, head.tree_size, state(head, last=number == len(oldest_first) - 1))
        for number, head in enumerate(oldest_first)
    )


def grew(drawn: Sequence[Point]) -> bool:
    """Tell whether there is any growth to draw."""
    return len({point.size for point in drawn}) > 1


def log_facts(log: LogState) -> dict[str, Any]:
    """Return a log's facts for JSON."""
    said = log_said(log)
    return {
        "name": log.name,
        "state": said.state,
        "sentence": said.sentence,
        "log_id": log.log_id,
        "description": log.description,
        "operator": log.operator,
        "same_operator": log.same_operator,
        "key_algorithm": log.key.algorithm,
        "key": log.key.spki,
        "url": log.url,
        "log_list_state": log.state,
        "maximum_merge_delay": log.mmd,
        "head": head_facts(log.head) if log.head else None,
        "followed": log.followed,
        "backlog": log.backlog,
        "malformed": log.malformed,
        "audited_at": log.audited_at,
        "audit": log.outcome,
        "distrusted": log.distrusted,
        "distrusted_reason": log.distrusted_reason,
    }


def head_facts(head: Head) -> dict[str, Any]:
    """Return a tree head's facts for JSON."""
    return {
        "tree_size": head.tree_size,
        "timestamp": head.timestamp,
        "sha256_root_hash": head.root_hash,
        "tree_head_signature": head.signature,
        "seen_at": head.seen_at,
        "root_rebuilt": head.rebuilt,
    }


def audit_facts(report: AuditReport, *, evidence: bool = False) -> dict[str, Any]:
    """Return an audit's facts for JSON; the evidence only where it is asked for, it can be long."""
    shown = audit_shown(report)
    findings = [finding.to_json() for finding in report.findings]
    if not evidence:
        findings = [
            {key: value for key, value in finding.items() if key != "evidence"} for finding in findings
        ]
    return {
        "id": report.id,
        "log": report.log,
        "state": shown.said.state,
        "sentence": shown.said.sentence,
        "outcome": report.outcome,
        "started_at": report.started_at,
        "finished_at": report.finished_at,
        "tree_size": report.tree_size,
        "entries_read": report.entries_read,
        "findings": findings,
    }


def alert_facts(alert: Alert) -> dict[str, Any]:
    """Return an alert's facts for JSON."""
    return {
        "id": alert.id,
        "log": alert.log,
        "code": alert.code,
        "detail": alert.detail,
        "first_at": alert.first_at,
        "last_at": alert.last_at,
        "count": alert.count,
        "acknowledged": alert.acknowledged,
        "distrusting": alert.distrusting,
        "evidence": alert.evidence,
    }
