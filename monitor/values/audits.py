"""An audit, its findings, and the alerts that stay of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from monitor.values.codes import AuditCode, AuditOutcome, FindingOutcome


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One check of an audit, what it found, and what a third party needs to see it too."""

    code: AuditCode
    outcome: FindingOutcome
    detail: str
    reference: str
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code.value,
            "outcome": self.outcome.value,
            "detail": self.detail,
            "reference": self.reference,
            "evidence": dict(self.evidence),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "AuditFinding":
        return cls(
            AuditCode(value["code"]),
            FindingOutcome(value["outcome"]),
            value["detail"],
            value["reference"],
            value["evidence"],
        )


@dataclass(frozen=True, slots=True)
class AuditReport:
    """One audit of one log."""

    log: str
    started_at: datetime
    finished_at: datetime
    outcome: AuditOutcome
    findings: tuple[AuditFinding, ...]
    tree_size: int | None = None
    entries_read: int = 0
    id: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "log": self.log,
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
            "outcome": self.outcome.value,
            "tree_size": self.tree_size,
            "entries_read": self.entries_read,
            "findings": [finding.to_json() for finding in self.findings],
        }


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that a person must look at. It stays, and counts its repetitions."""

    id: int
    log: str
    code: AuditCode
    detail: str
    first_at: datetime
    last_at: datetime
    count: int
    evidence: Mapping[str, Any]
    acknowledged: bool
    distrusting: bool
