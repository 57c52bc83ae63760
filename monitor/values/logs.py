"""Followed logs: who they are, their heads, and the state that they are in."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.values.audits import Alert, AuditReport
from monitor.values.codes import AuditOutcome
from monitor.values.moments import from_ms
from verifier.algorithms import PublicKey
from verifier.transparency.log_list import TemporalInterval

SILENT_INTERVALS = 3  # a scheduler that missed this many rounds is shown as silent


@dataclass(frozen=True, slots=True)
class Head:
    """A signed tree head whose signature and consistency were verified."""

    log: str
    tree_size: int
    timestamp_ms: int
    root_hash: bytes
    signature: bytes
    seen_at: datetime
    rebuilt: bool
    """Whether the root was rebuilt from the log's entries."""

    @property
    def timestamp(self) -> datetime:
        return from_ms(self.timestamp_ms)


@dataclass(frozen=True, slots=True)
class WatchedLog:
    """A log to follow: who it is and where it is read."""

    name: str
    log_id: bytes
    key: PublicKey
    description: str
    operator: str
    mmd: timedelta
    state: str = ""
    url: str = ""
    """Where RFC 6962 is spoken, ending in a slash; empty where it is not."""
    monitoring_url: str = ""
    """Where tiles are read (static-ct-api), ending in a slash; empty where there are none."""
    codepoint: int | None = None
    """The SignatureScheme number that the log writes, where the log list names one of its own."""
    origin: str = ""
    """The checkpoint's first line (static-ct-api); empty until the first checkpoint was read."""
    submission_url: str = ""
    """Where a log with tiles takes submissions and names its roots, ending in a slash."""
    interval: TemporalInterval | None = None
    """The expiry dates that the shard takes, where the log list names them."""

    @property
    def mmd_ms(self) -> int:
        """The merge delay in milliseconds."""
        return int(self.mmd.total_seconds() * 1000)


@dataclass(frozen=True, slots=True)
class LogState:
    """A followed log as the site shows it."""

    name: str
    log_id: bytes
    description: str
    operator: str
    key: PublicKey
    url: str
    state: str
    mmd: timedelta
    head: Head | None
    """The last head whose root was rebuilt from the entries."""
    followed: int
    backlog: int
    malformed: int
    outcome: AuditOutcome
    audited_at: datetime | None
    last_report: AuditReport | None
    distrusted: bool
    distrusted_reason: str
    same_operator: bool
    interval: TemporalInterval | None = None
    """The expiry dates that the shard takes, where the log list names them."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything at a glance, for the home page and ``mingjing status``."""

    logs: tuple[LogState, ...]
    certificates: int
    entries: int
    alerts: tuple[Alert, ...]
    heartbeat: datetime | None
    last_audit: datetime | None
    interval: float | None

    @property
    def outcome(self) -> AuditOutcome:
        """The worst of the logs' outcomes; pending when there is no log."""
        order = list(AuditOutcome)
        return max((log.outcome for log in self.logs), key=order.index, default=AuditOutcome.PENDING)

    def stale(self, now: datetime) -> bool:
        """Tell whether the scheduler has been silent for longer than three of its rounds."""
        if self.heartbeat is None or self.interval is None:
            return True
        return now - self.heartbeat > timedelta(seconds=SILENT_INTERVALS * self.interval)


@dataclass(frozen=True, slots=True)
class PathStep:
    """One step from a leaf to the root: the sibling, the side it stands on, and the node computed."""

    level: int
    side: str
    sibling: bytes
    computed: bytes


@dataclass(frozen=True, slots=True)
class InclusionPath:
    """A leaf's path to the root of the last verified head, ready to draw."""

    log: str
    head: Head
    leaf_index: int
    leaf_hash: bytes
    audit_path: tuple[bytes, ...]
    steps: tuple[PathStep, ...]


@dataclass(frozen=True, slots=True)
class MalformedEntry:
    """An entry that could not be read as its log's rules have it; kept as it came."""

    log: str
    index: int
    reason: str
    leaf_input: bytes
    extra_data: bytes
    names: tuple[str, ...]
