"""What the monitor knows, as values for the site, the publisher and the command line."""

from monitor.values.audits import Alert, AuditFinding, AuditReport
from monitor.values.certificates import (
    CertificateDetail,
    CertificateSummary,
    Encoding,
    IssuerState,
    LoggedEntry,
    RevocationState,
    SctState,
)
from monitor.values.codes import (
    DISTRUSTING,
    MISCONDUCT,
    OTHERS_OFFENCES,
    AuditCode,
    AuditOutcome,
    FindingOutcome,
)
from monitor.values.logs import (
    SILENT_INTERVALS,
    Head,
    InclusionPath,
    LogState,
    MalformedEntry,
    Overview,
    PathStep,
    WatchedLog,
)
from monitor.values.moments import from_ms, in_words, to_ms
from monitor.values.searches import Match, Page, Query

__all__ = [
    "DISTRUSTING",
    "MISCONDUCT",
    "OTHERS_OFFENCES",
    "SILENT_INTERVALS",
    "Alert",
    "AuditCode",
    "AuditFinding",
    "AuditOutcome",
    "AuditReport",
    "CertificateDetail",
    "CertificateSummary",
    "Encoding",
    "FindingOutcome",
    "Head",
    "InclusionPath",
    "IssuerState",
    "LogState",
    "LoggedEntry",
    "MalformedEntry",
    "Match",
    "Overview",
    "Page",
    "PathStep",
    "Query",
    "RevocationState",
    "SctState",
    "WatchedLog",
    "from_ms",
    "in_words",
    "to_ms",
]
