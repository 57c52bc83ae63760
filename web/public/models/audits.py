"""Audits, their findings and the alerts that come of them, as the site speaks of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from monitor.evidence.files import Note
from monitor.store.counts import AuditMark
from monitor.values import Alert, AuditCode, AuditFinding, AuditOutcome, AuditReport, FindingOutcome
from verifier.transparency.evidence import claim_of
from web.public.drawing.strip import SLOTS, Bar
from web.public.language import Text, say
from web.public.models.guidance import advice_on, meaning_of, title_of
from web.public.models.logs import check_shown, explained
from web.public.state import Said, State
from web.public.text import moment, plural

STATES: Final = {
    AuditOutcome.CONSISTENT: State.TRUSTED,
    AuditOutcome.INCONSISTENT: State.REFUSED,
    AuditOutcome.PENDING: State.UNKNOWN,
    AuditOutcome.UNAVAILABLE: State.UNKNOWN,
}
_URGENCY: Final = (
    FindingOutcome.FAILED,
    FindingOutcome.UNAVAILABLE,
    FindingOutcome.NOTE,
    FindingOutcome.PASSED,
)
_MOST_LINKS = 5


@dataclass(frozen=True, slots=True)
class FindingShown:
    """One finding of an audit; ``position`` counts from 0 in the report and is part of its address."""

    position: int
    state: State
    code: AuditCode
    title: Text
    detail: Text
    reference: str
    outcome: FindingOutcome
    meaning: Text | None
    advice: Text | None
    evidence: bool
    """Whether there is an evidence file that others can verify."""


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit of one log, as shown; ``findings`` in the order of the report, one for one."""

    report: AuditReport
    id: int
    log: str
    said: Said
    started_at: datetime
    finished_at: datetime
    milliseconds: int
    tree_size: int | None
    entries_read: int
    findings: tuple[FindingShown, ...]

    @property
    def urgent_first(self) -> tuple[FindingShown, ...]:
        """The findings, those that failed first."""
        return tuple(sorted(self.findings, key=lambda finding: _URGENCY.index(finding.outcome)))

    @property
    def short(self) -> Text:
        """What it found in a few words: the heading of what kept it from being trusted."""
        if self.said.state is State.TRUSTED:
            return self.said.sentence
        worst = next((one for one in self.urgent_first if one.state is self.said.state), None)
        return worst.title if worst else self.said.sentence

    @property
    def of_itself(self) -> bool:
        """Whether log and auditor have one operator."""
        return any(finding.code is AuditCode.SAME_OPERATOR for finding in self.findings)


@dataclass(frozen=True, slots=True)
class AlertShown:
    """One alert: what was found, what it means, what to do, and what people wrote about it."""

    alert: Alert
    title: Text
    detail: Text
    meaning: Text | None
    advice: Text | None
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Strip:
    """The last audits of one log: bars to draw, oldest first, and those with a finding, newest first."""

    log: str
    bars: tuple[Bar, ...]
    first: datetime
    description: Text
    failed: tuple[AuditMark, ...]


def audit_shown(report: AuditReport) -> Audit:
    """Make an audit's view."""
    findings = tuple(_finding_shown(finding, position) for position, finding in enumerate(report.findings))
    return Audit(
        report=report,
        id=report.id or 0,
        log=report.log,
        said=Said(STATES[report.outcome], _sentence(report, findings)),
        started_at=report.started_at,
        finished_at=report.finished_at,
        milliseconds=round((report.finished_at - report.started_at).total_seconds() * 1000),
        tree_size=report.tree_size,
        entries_read=report.entries_read,
        findings=findings,
    )


def _finding_shown(finding: AuditFinding, position: int) -> FindingShown:
    """Make one finding's view."""
    check = check_shown(finding)
    passed = finding.outcome is FindingOutcome.PASSED
    return FindingShown(
        position=position,
        state=check.state,
        code=finding.code,
        title=title_of(finding.code),
        detail=check.detail,
        reference=finding.reference,
        outcome=finding.outcome,
        meaning=None if passed else meaning_of(finding.code),
        advice=None if passed else advice_on(finding.code),
        evidence=not passed and bool(finding.evidence) and bool(claim_of(finding.code.value)),
    )


def _sentence(report: AuditReport, findings: Sequence[FindingShown]) -> Text:
    for state in (State.REFUSED, State.UNKNOWN):
        if STATES[report.outcome] is state:
            return next(
                (one.detail for one in findings if one.state is state), say("The audit is not complete.")
            )
    passed = sum(finding.state is State.TRUSTED for finding in findings)
    return say("{checks} passed.", checks=plural(passed, "check"))


def alert_shown(alert: Alert, notes: tuple[Note, ...] = ()) -> AlertShown:
    """Make one alert's view."""
    detail = explained(alert.detail, alert.code.value)
    return AlertShown(
        alert, title_of(alert.code), detail, meaning_of(alert.code), advice_on(alert.code), notes
    )


def strip_of(log: str, marks: Sequence[AuditMark]) -> Strip | None:
    """Return the last audits of a log (newest first) as a strip; None without any."""
    if not marks:
        return None
    shown = tuple(marks[:SLOTS][::-1])
    bars = tuple(Bar(STATES[one.outcome], _bar_title(one)) for one in shown)
    failed = tuple(one for one in reversed(shown) if one.outcome is AuditOutcome.INCONSISTENT)
    return Strip(log, bars, shown[0].finished_at, _described(log, bars), failed[:_MOST_LINKS])


def _bar_title(one: AuditMark) -> Text:
    return say(
        "Audit {number}, {when}: {state}",
        number=one.id,
        when=moment(one.finished_at),
        state=STATES[one.outcome].word,
    )


def _described(log: str, bars: Sequence[Bar]) -> Text:
    counted = {state: sum(bar.state is state for bar in bars) for state in State}
    return say(
        "{log}, the last {audits}: {trusted} trusted, {refused} refused, {unknown} without a result.",
        log=log,
        audits=plural(len(bars), "audit"),
        trusted=counted[State.TRUSTED],
        refused=counted[State.REFUSED],
        unknown=counted[State.UNKNOWN],
    )


# for programs


def audit_facts(shown: Audit, *, evidence: bool = False) -> dict[str, Any]:
    """Return an audit's facts for JSON; the evidence only where it is asked for, it can be long."""
    report = shown.report
    findings = [
        finding_facts(finding, one, shown.id, evidence=evidence)
        for finding, one in zip(report.findings, shown.findings, strict=True)
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


def finding_facts(
    finding: AuditFinding, shown: FindingShown, audit: int, *, evidence: bool = True
) -> dict[str, Any]:
    """Return one finding for JSON: what it says, what it means, what to do, and where its evidence is."""
    file = f"/audit/{audit}/evidence/{shown.position}.json" if shown.evidence else None
    return {
        **{key: value for key, value in finding.to_json().items() if evidence or key != "evidence"},
        "title": shown.title,
        "address": f"/audit/{audit}/{shown.position}",
        "meaning": shown.meaning,
        "advice": shown.advice,
        "evidence_file": file,
    }


def alert_facts(alert: Alert) -> dict[str, Any]:
    """Return an alert's facts for JSON."""
    return {
        "id": alert.id,
        "log": alert.log,
        "code": alert.code,
        "detail": alert.detail,
        "meaning": meaning_of(alert.code),
        "advice": advice_on(alert.code),
        "first_at": alert.first_at,
        "last_at": alert.last_at,
        "count": alert.count,
        "acknowledged": alert.acknowledged,
        "distrusting": alert.distrusting,
        "evidence": alert.evidence,
        "evidence_file": f"/evidence/{alert.id}.json",
    }
