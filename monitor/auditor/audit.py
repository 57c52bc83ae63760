"""One audit of one log: the head, what stood before it, and the root rebuilt from the entries."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event

from monitor.auditor.heads import (
    b64,
    check_consistency,
    check_freshness,
    check_sequence,
    check_signature,
    head_json,
)
from monitor.errors import Busy, Moved, SourceError
from monitor.follower.follow import Follower, Progress
from monitor.follower.source import LogSource
from monitor.store import Audits, Logs
from monitor.store.logs import LogRow
from monitor.values import (
    AuditCode,
    AuditFinding,
    AuditOutcome,
    AuditReport,
    FindingOutcome,
    Head,
)
from verifier.errors import VerifierError
from verifier.transparency.merkle import root_from
from verifier.transparency.tree_head import SignedTreeHead

DEFAULT_BUDGET = timedelta(minutes=5)
EVIDENCE_LEAVES = 4096
REBUILD = "RFC 6962 section 5.3"
_PASSED, _NOTE, _FAILED = FindingOutcome.PASSED, FindingOutcome.NOTE, FindingOutcome.FAILED


@dataclass(slots=True)
class Auditor:
    """Audits one log. ``operator`` is the operator of this service, to say when it audits itself."""

    row: LogRow
    source: LogSource
    logs: Logs
    audits: Audits
    operator: str = ""
    budget: timedelta = DEFAULT_BUDGET
    stop: Event = field(default_factory=Event)
    progress: Callable[[str], None] | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _findings: list[AuditFinding] = field(default_factory=list)
    _read: int = 0

    def audit(self) -> AuditReport:
        """Run one audit and store it; never raises for what the log does."""
        started = self.clock()
        self._findings, self._read = [], 0
        head: SignedTreeHead | None = None
        try:
            head = self.source.tree_head()
            if self._judge(head):
                self._rebuild()
        except SourceError as error:
            self._findings.append(_unavailable(error))
        except VerifierError as error:  # a check that could not run says nothing about the log
            detail = f"A check could not run: {error}."
            self._findings.append(
                AuditFinding(AuditCode.CHECK_FAILED, FindingOutcome.UNAVAILABLE, detail, REBUILD)
            )
        self._remarks()
        report = AuditReport(
            self.row.log.name,
            started,
            self.clock(),
            _outcome(self._findings),
            tuple(self._findings),
            head.tree_size if head else None,
            self._read,
        )
        return self.audits.keep(self.row.id, report)

    def _judge(self, head: SignedTreeHead) -> bool:
        """Check a head against key, clock and the last verified head; keep it, say whether it may count."""
        if not self._add(check_signature(self.row.log, head)):
            return False
        now = self.clock()
        self._add(check_freshness(self.row.log, head, now))
        before = self.logs.last_head(self.row.id)
        if not self._add(check_sequence(head, before, self._own_root(head.tree_size))):
            return False
        if before is not None and head.tree_size < before.tree_size:
            return (
                True  # an older head of the same tree: nothing new to keep, but entries may be missing still
            )
        if before is not None and head.tree_size > before.tree_size and not self._consistent(head, before):
            return False
        kept = Head(
            self.row.log.name,
            head.tree_size,
            head.timestamp,
            head.root_hash,
            head.signature,
            now,
            rebuilt=False,
        )
        self.logs.keep_head(self.row.id, kept)
        return True

    def _consistent(self, head: SignedTreeHead, before: Head) -> bool:
        proof = self.source.consistency(before.tree_size, head.tree_size) if before.tree_size else ()
        finding = check_consistency(head, before, proof)
        if finding.outcome is _FAILED:  # a log is accused of what it says twice, not of one garbled answer
            proof = self.source.consistency(before.tree_size, head.tree_size) if before.tree_size else ()
            finding = check_consistency(head, before, proof)
        return self._add(finding)

    def _own_root(self, size: int) -> bytes | None:
        verified = self.logs.last_rebuilt(self.row.id)
        if verified is None or size > verified.tree_size:
            return None
        return root_from(self.logs.tree(self.row.id).node, size)

    # entries and roots

    def _rebuild(self) -> None:
        """Read entries towards the head being chased, compare its root, and go on to the newest head."""
        deadline = time.monotonic() + self.budget.total_seconds()
        for _ in range(2):  # the head chased since earlier audits, then the newest
            target = self._target()
            if target is None or not self._reach(*target, deadline):
                return

    def _target(self) -> tuple[int, Head] | None:
        """Return the head to read towards: the one begun with, so that a growing log cannot outrun us."""
        chased = self.logs.chased(self.row.id)
        if chased is None:
            chased = self.logs.newest_unbuilt(self.row.id)
            if chased is not None:
                self.logs.chase(self.row.id, chased[0])
        return chased

    def _reach(self, row: int, head: Head, deadline: float) -> bool:
        """Read up to ``head`` and compare roots, reading a second time before accusing anyone."""
        rebuilt = b""
        for attempt in range(2):
            if not self._follow(head, deadline):
                return False
            rebuilt = root_from(self.logs.tree(self.row.id).node, head.tree_size)
            if rebuilt == head.root_hash:
                self.logs.mark_rebuilt(self.row.id, row)
                detail = f"The {head.tree_size} entries have exactly the root that the log signed."
                return self._add(AuditFinding(AuditCode.ROOT_REBUILT, _PASSED, detail, REBUILD))
            evidence = self._mismatch(head, rebuilt)
            verified = self.logs.last_rebuilt(self.row.id)
            self.logs.rewind(self.row.id, verified.tree_size if verified else 0)
            if attempt:
                detail = (
                    f"The entries that the log serves have another root at size {head.tree_size}"
                    " than the tree head that it signed: an entry was altered, dropped, added or moved."
                )
                self._add(AuditFinding(AuditCode.ROOT_MISMATCH, _FAILED, detail, REBUILD, evidence))
        return False

    def _mismatch(self, head: Head, rebuilt: bytes) -> dict[str, object]:
        verified = self.logs.last_rebuilt(self.row.id)
        start = verified.tree_size if verified else 0
        leaves = self.logs.leaf_hashes(self.row.id, start, min(head.tree_size, start + EVIDENCE_LEAVES))
        return {
            "log_id": b64(self.row.log.log_id),
            "tree_head": head_json(head),
            "previous_tree_head": head_json(verified) if verified else None,
            "computed_root": b64(rebuilt),
            "entries": {"start": start, "leaf_hashes": [b64(leaf) for leaf in leaves]},
        }

    def _follow(self, head: Head, deadline: float) -> bool:
        begun = self.logs.size(self.row.id)
        follower = Follower(self.row.id, self.source, self.logs, self.stop, self._tell)
        try:
            position = follower.follow(head.tree_size, deadline)
        except Moved:
            position = self.logs.size(self.row.id)
        finally:
            self._read += max(0, self.logs.size(self.row.id) - begun)
        if position >= head.tree_size:
            return True
        detail = f"Reading: {position} of {head.tree_size} entries are here; the root is compared at the end."
        self._findings.append(AuditFinding(AuditCode.REBUILD_IN_PROGRESS, _NOTE, detail, REBUILD))
        return False

    def _tell(self, progress: Progress) -> None:
        if self.progress:
            self.progress(f"{self.row.log.name}: {progress}")

    # the report

    def _add(self, finding: AuditFinding) -> bool:
        self._findings.append(finding)
        return finding.outcome is not _FAILED

    def _remarks(self) -> None:
        state = self.logs.get(self.row.log.name)
        if state.malformed:
            detail = (
                f"{state.malformed} entries could not be read as certificates; they are kept as they came."
            )
            self._findings.append(
                AuditFinding(AuditCode.ENTRIES_MALFORMED, _NOTE, detail, "RFC 6962 section 4.6")
            )
        if self.operator and self.operator == self.row.log.operator:
            detail = (
                f"Log and auditor have the same operator, {self.operator}: let others audit this log too."
            )
            self._findings.append(
                AuditFinding(AuditCode.SAME_OPERATOR, _NOTE, detail, "RFC 6962 section 5.4")
            )


def _unavailable(error: SourceError) -> AuditFinding:
    code = AuditCode.BUSY if isinstance(error, Busy) else AuditCode(error.code)
    return AuditFinding(
        code, FindingOutcome.UNAVAILABLE, f"The log could not be read: {error}.", "RFC 6962 section 4"
    )


def _outcome(findings: list[AuditFinding]) -> AuditOutcome:
    outcomes = {finding.outcome for finding in findings}
    if _FAILED in outcomes:
        return AuditOutcome.INCONSISTENT
    if FindingOutcome.UNAVAILABLE in outcomes:
        return AuditOutcome.UNAVAILABLE
    if any(finding.code is AuditCode.REBUILD_IN_PROGRESS for finding in findings):
        return AuditOutcome.PENDING
    return AuditOutcome.CONSISTENT
