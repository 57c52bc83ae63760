"""One audit of one log while it runs: what its checks share, and where they put their findings."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

from monitor.follower.source import LogSource
from monitor.observations import Observations
from monitor.store import Audits, Logs
from monitor.store.logs import LogRow
from monitor.values import AuditCode, AuditFinding, FindingOutcome, WatchedLog

DEFAULT_BUDGET = timedelta(minutes=5)


@dataclass(slots=True)
class RunningAudit:
    """The log, where it is read, the store, and the findings so far.

    ``peers`` are the followed logs by LogID. ``budget`` bounds what may take long: the reading
    of entries, then the checks of each entry and SCT, of which some are made in every audit.
    """

    row: LogRow
    source: LogSource
    logs: Logs
    audits: Audits
    observations: Observations
    peers: Mapping[bytes, WatchedLog] = field(default_factory=dict)
    roots: Callable[[], Mapping[bytes, bytes]] = dict
    """Asks for the roots that the log accepts, by fingerprint; none where it does not say."""
    operator: str = ""
    budget: timedelta = DEFAULT_BUDGET
    stop: Event = field(default_factory=Event)
    progress: Callable[[str], None] | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    findings: list[AuditFinding] = field(default_factory=list)
    entries_read: int = 0
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    deadline: float = field(init=False)

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.budget.total_seconds()

    @property
    def log(self) -> WatchedLog:
        return self.row.log

    def over(self) -> bool:
        """Whether the audit is to end: it was stopped, or its time is up."""
        return self.stop.is_set() or time.monotonic() > self.deadline

    def tell(self, text: str) -> None:
        """Say where a long check stands."""
        if self.progress:
            self.progress(f"{self.log.name}: {text}")

    def once_kept(self, mark: Callable[[], None]) -> None:
        """Have ``mark`` called once the report is stored: a crash must not lose what is told only once."""
        self.afterwards.append(mark)

    def add(self, finding: AuditFinding) -> bool:
        """Keep a finding; tell whether it is none of an offence."""
        self.findings.append(finding)
        return finding.outcome is not FindingOutcome.FAILED

    def passed(self, code: AuditCode, detail: str, reference: str) -> None:
        self.findings.append(AuditFinding(code, FindingOutcome.PASSED, detail, reference))

    def note(
        self, code: AuditCode, detail: str, reference: str, evidence: Mapping[str, Any] | None = None
    ) -> None:
        self.findings.append(AuditFinding(code, FindingOutcome.NOTE, detail, reference, evidence or {}))

    def failed(self, code: AuditCode, detail: str, reference: str, evidence: Mapping[str, Any]) -> None:
        self.findings.append(AuditFinding(code, FindingOutcome.FAILED, detail, reference, evidence))

    def found(self, code: AuditCode) -> bool:
        """Tell whether a finding of this code is there."""
        return any(finding.code is code for finding in self.findings)
