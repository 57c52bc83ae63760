"""One audit of one log: its head, what stood before it, the root over its entries, and what it promised."""

from datetime import datetime

from monitor.auditor.finals import Finals
from monitor.auditor.heads import (
    check_consistency,
    check_freshness,
    check_sequence,
    check_signature,
    history_json,
)
from monitor.auditor.histories import History, from_entries, from_log
from monitor.auditor.logged import check_logged
from monitor.auditor.logged_rows import LoggedRows
from monitor.auditor.pairs import compare_seen
from monitor.auditor.promises import check_promises
from monitor.auditor.rebuild import REBUILD, rebuild
from monitor.auditor.running import RunningAudit
from monitor.auditor.tiles import check_tiles
from monitor.auditor.witnesses import Witnesses
from monitor.errors import SourceError
from monitor.evidence.accusation import standing_of
from monitor.values import (
    AuditCode,
    AuditFinding,
    AuditOutcome,
    AuditReport,
    FindingOutcome,
    Head,
)
from verifier.errors import VerifierError
from verifier.transparency.tree_head import SignedTreeHead

ENOUGH_ASKED = 1000  # questions in 90 days before their answers say anything of availability
KNOWN_HEADS = 50  # whose signature a wrong head may carry
RARELY = "RFC 6962 section 4"
_FAILED = FindingOutcome.FAILED
_UNFINISHED = {AuditCode.REBUILD_IN_PROGRESS, AuditCode.ENTRIES_TO_CHECK, AuditCode.SCTS_TO_CHECK}


class Auditor:
    """Runs the checks in their order; an answer that does not come ends what depends on it."""

    def __init__(self, audit: RunningAudit, finals: Finals, rows: LoggedRows, witnesses: Witnesses) -> None:
        self._audit = audit
        self._finals = finals
        self._rows = rows
        self._witnesses = witnesses
        self._size: int | None = None

    def audit(self) -> AuditReport:
        """Run one audit and store it; never raises for what the log does."""
        audit, started = self._audit, self._audit.clock()
        for step in (self._read, self._look_further, self._remarks):
            try:
                step()
            except SourceError as error:
                audit.add(unavailable(error))
            except VerifierError as error:  # a check that could not run says nothing about the log
                detail = f"A check could not run: {error}."
                audit.add(AuditFinding(AuditCode.CHECK_FAILED, FindingOutcome.UNAVAILABLE, detail, REBUILD))
        report = AuditReport(
            audit.log.name,
            started,
            audit.clock(),
            _outcome(audit.findings),
            tuple(audit.findings),
            self._size,
            audit.entries_read,
        )
        stored = audit.audits.keep(audit.row.id, report, standing_of(audit.log))
        for mark in audit.afterwards:
            mark()
        return stored

    def _read(self) -> None:
        """The head that the log gives out now, and the entries up to it."""
        head = self._audit.source.tree_head()
        self._size = head.tree_size
        if self._judge(head):
            rebuild(self._audit)
        self._audit.observations.thin_heads(self._audit.row.id)

    def _look_further(self) -> None:
        """What is checked against the last tree that was rebuilt whole, whatever the log says now."""
        self._witnesses.look(self._audit)
        compare_seen(self._audit)
        check_logged(self._audit, self._rows)
        check_promises(self._audit, self._finals)
        check_tiles(self._audit)

    # the head

    def _judge(self, head: SignedTreeHead) -> bool:
        """Check a head against key, clock and the last verified head; keep it, say whether it may count."""
        audit = self._audit
        known = audit.logs.heads(audit.row.id, KNOWN_HEADS)
        if not audit.add(check_signature(audit.log, head, known, audit.peers)):
            return False
        now, before = audit.clock(), audit.logs.last_head(audit.row.id)
        audit.add(check_freshness(audit.log, head, now))
        if not audit.add(check_sequence(head, before, self._own(head.tree_size))):
            return False
        if before is not None and head.tree_size < before.tree_size:
            return (
                True  # an older head of the same tree: nothing new to keep, but entries may be missing still
            )
        if before is not None and head.tree_size > before.tree_size and not self._consistent(head, before):
            return False
        audit.logs.keep_head(audit.row.id, _kept(audit.log.name, head, now))
        return True

    def _own(self, size: int) -> tuple[Head, History] | None:
        """The last head whose root was rebuilt, and what its entries say of the tree of ``size`` entries."""
        verified = self._audit.logs.last_rebuilt(self._audit.row.id)
        if verified is None or size > verified.tree_size:
            return None
        return verified, from_entries(self._audit.logs.tree(self._audit.row.id), size, verified.tree_size)

    def _consistent(self, head: SignedTreeHead, before: Head) -> bool:
        finding = check_consistency(head, before, self._proof(head, before))
        if finding.outcome is _FAILED:  # a log is accused of what it says twice, not of one garbled answer
            finding = check_consistency(head, before, self._proof(head, before))
        if finding.outcome is _FAILED:
            finding = self._with_history(finding, head, before)
        return self._audit.add(finding)

    def _proof(self, head: SignedTreeHead, before: Head) -> tuple[bytes, ...]:
        return self._audit.source.consistency(before.tree_size, head.tree_size) if before.tree_size else ()

    def _with_history(self, finding: AuditFinding, head: SignedTreeHead, before: Head) -> AuditFinding:
        """Ask the log for the other history, which turns what was observed into a proof."""
        if not before.tree_size:
            return finding
        audit = self._audit
        leaves = audit.logs.leaf_hashes(audit.row.id, before.tree_size - 1, before.tree_size)
        leaf = leaves[0] if leaves else None
        history = from_log(audit.source, leaf, before.tree_size, head.tree_size, head.root_hash)
        if history is None or history[0] == before.root_hash:
            return finding
        given = {"given_consistency": finding.evidence["consistency"]}
        evidence = {**finding.evidence, **given, **history_json(history)}
        return AuditFinding(
            AuditCode.CONSISTENCY_INVALID, _FAILED, finding.detail, finding.reference, evidence
        )

    # the report

    def _remarks(self) -> None:
        audit = self._audit
        state = audit.logs.get(audit.log.name)
        if state.malformed:
            detail = (
                f"{state.malformed} entries could not be read as certificates; they are kept as they came."
            )
            audit.note(AuditCode.ENTRIES_MALFORMED, detail, "RFC 6962 section 4.6")
        for row in audit.observations.availability(audit.row.id, audit.clock()):
            if row.ok + row.failed >= ENOUGH_ASKED and not row.meets:
                detail = (
                    f"{row.endpoint} answered {row.ratio:.2%} of {row.ok + row.failed} questions in 90 days."
                )
                audit.note(AuditCode.AVAILABILITY_LOW, detail, "log policies: 99 % per endpoint")
        if audit.operator and audit.operator == audit.log.operator:
            detail = (
                f"Log and auditor have the same operator, {audit.operator}: let others audit this log too."
            )
            audit.note(AuditCode.SAME_OPERATOR, detail, "RFC 6962 section 5.4")


def unavailable(error: SourceError) -> AuditFinding:
    """The finding for an answer that did not come, or was none; the record is its evidence."""
    detail = f"The log could not be read: {error}."
    return AuditFinding(AuditCode(error.code), FindingOutcome.UNAVAILABLE, detail, RARELY, error.record)


def _kept(name: str, head: SignedTreeHead, now: datetime) -> Head:
    return Head(name, head.tree_size, head.timestamp, head.root_hash, head.signature, now, rebuilt=False)


def _outcome(findings: list[AuditFinding]) -> AuditOutcome:
    outcomes = {finding.outcome for finding in findings}
    if _FAILED in outcomes:
        return AuditOutcome.INCONSISTENT
    if FindingOutcome.UNAVAILABLE in outcomes:
        return AuditOutcome.UNAVAILABLE
    if any(finding.code in _UNFINISHED for finding in findings):
        return AuditOutcome.PENDING
    return AuditOutcome.CONSISTENT
