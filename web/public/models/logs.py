"""Logs, their audits and their heads, as the site speaks of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.observations.values import EndpointAvailability, Following
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
from web.public.language import Text, join, quoted, say
from web.public.language.catalogue import MEANINGS
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
    detail: Text
    reference: str
    title: Text | str = ""
    compared: Text | str = ""


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


def key_words(key: PublicKey) -> Text:
    """Return how a log signs: 'SM2 with SM3'."""
    return say(_ALGORITHMS.get(key.algorithm, key.algorithm.value))


def standing_words(log: LogState) -> Text:
    """Return the log's state in the log list, in words."""
    return say(log.state or "not stated")


def log_said(log: LogState) -> Said:
    """Say in one sentence how a log stands."""
    if log.distrusted:
        return Said(State.REFUSED, say("Its promises no longer count: {reason}.", reason=_fallen(log)))
    if log.outcome is AuditOutcome.INCONSISTENT:
        return Said(State.REFUSED, say("The last audit found it inconsistent."))
    if log.outcome is AuditOutcome.UNAVAILABLE:
        return Said(State.UNKNOWN, say("It did not answer the last audit, so nothing new is known of it."))
    if log.outcome is AuditOutcome.PENDING or log.head is None:
        return Said(State.UNKNOWN, say("It has not been audited to the end yet."))
    if not log.head.tree_size:
        return Said(State.TRUSTED, say("It is empty, and its signed root says so."))
    grew = "It only ever grew, and its root was rebuilt from all {entries}."
    return Said(State.TRUSTED, say(grew, entries=plural(log.head.tree_size, "entry", "entries")))


def _fallen(log: LogState) -> Text:
    if not log.distrusted_reason:
        return say("an audit caught it misbehaving")
    reason = quoted(log.distrusted_reason)
    return reason.change(lambda one: f"{one[:1].lower()}{one[1:].rstrip('.。')}")


def overview_said(overview: Overview, now: datetime) -> Said:
    """Say in one sentence how all logs stand; silence of the auditor is never good news."""
    if not overview.logs:
        none = say("No log is followed yet. The first audit starts within moments of the service.")
        return Said(State.UNKNOWN, none)
    states = [log_said(log) for log in overview.logs]
    bad = [log.name for log, said in zip(overview.logs, states, strict=True) if said.state is State.REFUSED]
    if bad:
        one = say("The log {log} was found misbehaving. The evidence is kept under Audits.", log=bad[0])
        several = "The logs {logs} were found misbehaving. The evidence is kept under Audits."
        return Said(State.REFUSED, one if len(bad) == 1 else say(several, logs=join(", ", bad)))
    if overview.stale(now):
        silent = say("The auditor has fallen silent, so what is shown here may be old.")
        return Said(State.UNKNOWN, silent)
    if any(said.state is State.UNKNOWN for said in states):
        waiting = [
            log.name for log, said in zip(overview.logs, states, strict=True) if said.state is State.UNKNOWN
        ]
        unfinished = say("The last audit could not be completed for: {logs}.", logs=join(", ", waiting))
        return Said(State.UNKNOWN, unfinished)
    return Said(
        State.TRUSTED,
        say("{which}: nothing was altered, dropped or hidden.", which=_all_keep(len(overview.logs))),
    )


def _all_keep(logs: int) -> Text:
    if logs == 1:
        return say("The log keeps its word")
    if logs == 2:  # noqa: PLR2004  English has a word for two
        return say("Both logs keep their word")
    return say("All {count} logs keep their word", count=logs)


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
    code = finding.code.value
    return Check(_FINDINGS[finding.outcome], code, explained(finding.detail, code), finding.reference)


def explained(detail: str, code: str) -> Text:
    """Return another room's sentence with its Chinese, or with the Chinese of what its code means."""
    return quoted(detail, MEANINGS.get(code, ""))


def _sentence(report: AuditReport, checks: Sequence[Check]) -> Text:
    for state in (State.REFUSED, State.UNKNOWN):
        if _AUDITS[report.outcome] is state:
            return next(
                (check.detail for check in checks if check.state is state), say("The audit is not complete.")
            )
    passed = sum(check.state is State.TRUSTED for check in checks)
    return say("{checks} passed.", checks=plural(passed, "check"))


_WITNESS_CODES = frozenset({"witnessed", "witnesses-awaited", "witnesses-too-few"})


def witnessed(log: LogState) -> tuple[Check, ...]:
    """Return what the last audit says of the witnesses that cosign this log's tree heads."""
    findings = log.last_report.findings if log.last_report else ()
    return tuple(check_shown(finding) for finding in findings if finding.code.value in _WITNESS_CODES)


def availability_facts(endpoint: EndpointAvailability) -> dict[str, Any]:
    """Return how an endpoint of a log answered over 90 days, for JSON."""
    return {
        "endpoint": endpoint.endpoint,
        "answered": endpoint.ok,
        "failed": endpoint.failed,
        "ratio": round(endpoint.ratio, 6),
        "meets": endpoint.meets,
        "mean_seconds": endpoint.latency,
        "since": endpoint.since,
    }


def following_facts(following: Following) -> dict[str, Any]:
    """Return how far a log has been read, for JSON."""
    return {
        "position": following.position,
        "target": following.target,
        "entries_per_second": following.rate,
        "seconds_left": following.left,
        "at": following.at,
    }


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
