"""Reports taken in: genuine promises of followed logs are remembered, and judged by the log's next audit.

Nobody is accused on a client's word. The SCT must carry the log's own signature over the certificate sent
beside it; whether its entry is missing is then found out by reading the whole log up to a later head.
"""

from datetime import UTC, datetime
from pathlib import Path

from monitor.observations import Observations
from monitor.observations.values import Promise
from monitor.reports.report import Report, ReportError
from monitor.reports.spool import waiting
from monitor.store import Logs
from monitor.store.logs import LogRow
from verifier.errors import VerifierError
from verifier.transparency.entries import TimestampedEntry
from verifier.transparency.verify import verify_sct

OBSERVER = "a client"


def take_in(directory: Path, logs: Logs, observations: Observations) -> int:
    """Take in what waits; returns how many reports were genuine. A report is gone once it was looked at."""
    followed = {row.log.log_id: row for row in logs.all()}
    taken = 0
    for path in waiting(directory):
        taken += _take(path, followed, observations)
        path.unlink(missing_ok=True)
    return taken


def _take(path: Path, followed: dict[bytes, LogRow], observations: Observations) -> bool:
    try:
        report = Report.parse(path.read_bytes())
    except (ReportError, FileNotFoundError):
        return False
    row = followed.get(report.sct.log_id)
    if row is None or not _genuine(report, row):
        return False
    leaf = TimestampedEntry(report.sct.timestamp, report.entry, report.sct.extensions).leaf_hash()
    issuer = report.chain[1] if len(report.chain) > 1 else b""
    promise = Promise(row.id, leaf, report.sct, report.chain[0], issuer, report.kind, "a client's report")
    observations.add_promises([promise], row.log.mmd_ms)
    if report.head is not None:
        observations.add_head(row.id, report.head, OBSERVER, datetime.now(UTC))
    return True


def _genuine(report: Report, row: LogRow) -> bool:
    try:
        verify_sct(report.sct, report.entry, row.log.key, row.log.codepoint)
    except VerifierError:
        return False
    return True
