"""What the monitor knows, as values for the site, the publisher and the command line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from monitor.index.filters import Filters
from verifier.algorithms import PublicKey
from verifier.certificates import Certificate
from verifier.transparency.log_list import TemporalInterval

SILENT_INTERVALS = 3  # a scheduler that missed this many rounds is shown as silent


def from_ms(milliseconds: int) -> datetime:
    """Milliseconds since the epoch, as RFC 6962 counts time."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def to_ms(moment: datetime) -> int:
    """Return ``moment`` in milliseconds since the epoch."""
    return int(moment.timestamp() * 1000)


class AuditOutcome(StrEnum):
    """What an audit says of a log as a whole; the later in this list, the worse."""

    CONSISTENT = "consistent"
    PENDING = "pending"  # never audited, or its entries are still being read
    UNAVAILABLE = "unavailable"
    INCONSISTENT = "inconsistent"


class FindingOutcome(StrEnum):
    """What one check of an audit says."""

    PASSED = "passed"
    NOTE = "note"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"


class AuditCode(StrEnum):
    """What an audit can find. A code belongs to one check and keeps its name."""

    HEAD_SIGNATURE = "head-signature"
    HEAD_SIGNATURE_INVALID = "head-signature-invalid"
    HEAD_FRESH = "head-fresh"
    HEAD_STALE = "head-stale"
    HEAD_FROM_FUTURE = "head-from-future"
    HEAD_FIRST = "head-first"
    HEAD_SEQUENCE = "head-sequence"
    HEAD_OLDER = "head-older"
    TREE_SHRUNK = "tree-shrunk"
    TREE_FORKED = "tree-forked"
    TIME_REVERSED = "time-reversed"
    CONSISTENCY = "consistency"
    CONSISTENCY_INVALID = "consistency-invalid"
    ROOT_REBUILT = "root-rebuilt"
    ROOT_MISMATCH = "root-mismatch"
    REBUILD_IN_PROGRESS = "rebuild-in-progress"
    ENTRIES_MALFORMED = "entries-malformed"
    SAME_OPERATOR = "same-operator"
    UNAVAILABLE = "unavailable"
    BUSY = "busy"
    RESPONSE_OVERSIZED = "response-oversized"
    RESPONSE_TIMEOUT = "response-timeout"
    RESPONSE_MALFORMED = "response-malformed"
    REDIRECT_REFUSED = "redirect-refused"
    ORIGIN_WRONG = "origin-wrong"
    CHECK_FAILED = "check-failed"
    # heads
    HEAD_SIGNATURE_REUSED = "head-signature-reused"
    HEAD_KEY_WRONG = "head-key-wrong"
    HEAD_ALGORITHM_WRONG = "head-algorithm-wrong"
    CONSISTENCY_LENGTH = "consistency-length"
    SPLIT_VIEW = "split-view"
    HEADS_AGREE = "heads-agree"
    HEADS_TO_COMPARE = "heads-to-compare"
    # witnesses
    WITNESSED = "witnessed"
    WITNESSES_AWAITED = "witnesses-awaited"
    WITNESSES_TOO_FEW = "witnesses-too-few"
    # entries as served
    ENTRY_ALTERED = "entry-altered"
    ENTRY_DROPPED = "entry-dropped"
    ENTRIES_REORDERED = "entries-reordered"
    ENTRY_DUPLICATED = "entry-duplicated"
    # entries as logged
    ENTRY_REPEATED = "entry-repeated"
    ENTRY_AFTER_HEAD = "entry-after-head"
    ENTRY_MERGED_LATE = "entry-merged-late"
    ENTRY_OUTSIDE_SHARD = "entry-outside-shard"
    ENTRY_ROOT_UNKNOWN = "entry-root-unknown"
    ISSUER_KEY_HASH_WRONG = "issuer-key-hash-wrong"
    PRECERTIFICATE_DIFFERS = "precertificate-differs"
    FINAL_CERTIFICATE_DIFFERS = "final-certificate-differs"
    # promises
    SCTS_KEPT = "scts-kept"
    SCT_NOT_MERGED = "sct-not-merged"
    SCT_MERGED_LATE = "sct-merged-late"
    SCT_INDEX_WRONG = "sct-index-wrong"
    SCT_SIGNATURE_INVALID = "sct-signature-invalid"
    # answers
    RESPONSE_BOMB = "response-bomb"
    RESPONSE_DRIP = "response-drip"
    REDIRECT_ENDLESS = "redirect-endless"
    REDIRECT_PRIVATE = "redirect-private"
    REDIRECT_SCHEME = "redirect-scheme"
    ENTRY_COUNT_WRONG = "entry-count-wrong"
    TILES = "tiles"
    TILE_SHORT = "tile-short"
    TILE_WRONG = "tile-wrong"
    DATA_TILE_WRONG = "data-tile-wrong"
    ISSUER_MISSING = "issuer-missing"
    ISSUER_WRONG = "issuer-wrong"
    AVAILABILITY_LOW = "availability-low"


DISTRUSTING = frozenset({
    AuditCode.HEAD_SIGNATURE_INVALID,
    AuditCode.HEAD_SIGNATURE_REUSED,
    AuditCode.HEAD_KEY_WRONG,
    AuditCode.HEAD_ALGORITHM_WRONG,
    AuditCode.TREE_SHRUNK,
    AuditCode.TREE_FORKED,
    AuditCode.TIME_REVERSED,
    AuditCode.CONSISTENCY_INVALID,
    AuditCode.CONSISTENCY_LENGTH,
    AuditCode.SPLIT_VIEW,
    AuditCode.ROOT_MISMATCH,
    AuditCode.ENTRY_ALTERED,
    AuditCode.ENTRY_DROPPED,
    AuditCode.ENTRIES_REORDERED,
    AuditCode.ENTRY_DUPLICATED,
    AuditCode.SCT_NOT_MERGED,
    AuditCode.SCT_INDEX_WRONG,
})
"""Findings after which the log's promises no longer count. A stale head or one from the future is an alert
only: a machine that slept, or a clock that is wrong, would otherwise distrust an honest log for good."""

MISCONDUCT = frozenset({
    AuditCode.RESPONSE_OVERSIZED,
    AuditCode.RESPONSE_BOMB,
    AuditCode.RESPONSE_DRIP,
    AuditCode.RESPONSE_MALFORMED,
    AuditCode.REDIRECT_ENDLESS,
    AuditCode.REDIRECT_REFUSED,
    AuditCode.REDIRECT_PRIVATE,
    AuditCode.REDIRECT_SCHEME,
    AuditCode.ORIGIN_WRONG,
    AuditCode.HEAD_KEY_WRONG,
    AuditCode.ENTRY_COUNT_WRONG,
    AuditCode.TILE_SHORT,
    AuditCode.DATA_TILE_WRONG,
    AuditCode.ISSUER_MISSING,
    AuditCode.ISSUER_WRONG,
})
"""Answers that no honest log gives. One may be a broken network between us: the second in a row, met by two
audits one after the other, is an alert. None of them distrusts: whoever stands between can forge them."""

OTHERS_OFFENCES = frozenset({AuditCode.FINAL_CERTIFICATE_DIFFERS})
"""Notes that are alerts too: the offence is a CA's, so that it does not make the log inconsistent."""


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


class Match(StrEnum):
    """How a searched name is compared with a certificate's names."""

    EXACT = "exact"
    SUBDOMAIN = "subdomain"
    CONTAINS = "contains"


@dataclass(frozen=True, slots=True)
class Query:
    """A search; ``after`` is the cursor of the page before."""

    q: str
    match: Match = Match.EXACT
    exclude_expired: bool = False
    after: str | None = None
    limit: int = 50
    filters: Filters = field(default_factory=Filters)


@dataclass(frozen=True, slots=True)
class RevocationState:
    """What the certificate's own CRL said; ``not-checked`` until it was read."""

    status: str = "not-checked"
    checked_at: datetime | None = None
    revoked_at: datetime | None = None
    reason: str = ""
    source: str = ""
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "checked_at": self.checked_at.isoformat() if self.checked_at else None,
            "revoked_at": self.revoked_at.isoformat() if self.revoked_at else None,
            "reason": self.reason,
            "source": self.source,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class CertificateSummary:
    """A certificate in a list: the precertificate and the final certificate of one TBS are one."""

    sha256: bytes
    tbs_hash: bytes
    precertificate_only: bool
    subject: str
    common_name: str
    names: tuple[str, ...]
    matched: tuple[str, ...]
    issuer: str
    serial: int
    not_before: datetime
    not_after: datetime
    algorithm: str
    key_bits: int
    logs: tuple[str, ...]
    first_seen: datetime
    pair: bytes | None
    revocation: RevocationState
    spki_hash: bytes = b""

    @property
    def serial_hex(self) -> str:
        return f"{self.serial:x}" if len(f"{self.serial:x}") % 2 == 0 else f"0{self.serial:x}"

    def to_json(self) -> dict[str, Any]:
        """Return the certificate as the search API writes it: hexadecimal hashes, ISO 8601 times."""
        return {
            "sha256": self.sha256.hex(),
            "tbs_sha256": self.tbs_hash.hex(),
            "precertificate_only": self.precertificate_only,
            "subject": self.subject,
            "common_name": self.common_name,
            "names": list(self.names),
            "matched": list(self.matched),
            "issuer": self.issuer,
            "serial": self.serial_hex,
            "not_before": self.not_before.isoformat(),
            "not_after": self.not_after.isoformat(),
            "algorithm": self.algorithm,
            "key_bits": self.key_bits,
            "logs": list(self.logs),
            "first_seen": self.first_seen.isoformat(),
            "pair": self.pair.hex() if self.pair else None,
            "revocation": self.revocation.to_json(),
            "spki_sha256": self.spki_hash.hex(),
        }


@dataclass(frozen=True, slots=True)
class Page:
    """A page of results; ``cursor`` is None when the results are complete."""

    results: tuple[CertificateSummary, ...]
    cursor: str | None
    query: Query
    kind: str


@dataclass(frozen=True, slots=True)
class Encoding:
    """One signed form of a certificate: the precertificate, or the final one."""

    sha256: bytes
    precertificate: bool
    der: bytes


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """Where a certificate stands in a log."""

    log: str
    operator: str
    same_operator: bool
    index: int
    timestamp: datetime
    leaf_hash: bytes
    precertificate: bool
    included: bool
    head: Head | None


@dataclass(frozen=True, slots=True)
class SctState:
    """One SCT of a certificate and whether it was verified with the key of a followed log."""

    log: str | None
    log_id: bytes
    operator: str
    same_operator: bool
    timestamp: datetime
    leaf_index: int | None
    algorithm: str
    state: str
    detail: str
    entry: LoggedEntry | None


@dataclass(frozen=True, slots=True)
class CertificateDetail:
    """Everything known about one certificate."""

    summary: CertificateSummary
    certificate: Certificate
    der: bytes
    encodings: tuple[Encoding, ...]
    chain: tuple[Certificate, ...]
    entries: tuple[LoggedEntry, ...]
    scts: tuple[SctState, ...]
    pair: CertificateSummary | None
    revocation: RevocationState


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


@dataclass(frozen=True, slots=True)
class IssuerState:
    """A CA certificate that a log's chains named, and how many certificates of it were seen."""

    certificate: Certificate
    sha256: bytes
    parent: bytes | None
    certificates: int
