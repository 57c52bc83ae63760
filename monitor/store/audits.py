"""Audits, alerts, distrust and the scheduler's heartbeat."""

import json
import sqlite3
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from monitor.store.alert_rows import ALERT, alert_of, is_alert, raise_alert
from monitor.store.connections import Connections
from monitor.values import Alert, AuditCode, AuditFinding, AuditOutcome, AuditReport, from_ms, to_ms

KEEP_AUDITS = timedelta(days=90)
KEEP_EACH = timedelta(days=1)  # an audit a minute would take 200 MB a log otherwise
HOUR_MS = 3_600_000
LARGE = 8 * 1024  # characters of JSON; the leaves of a large tree take megabytes, every audit anew
_AUDIT = "SELECT a.*, l.name FROM audits a JOIN logs l ON l.id = a.log"


class Audits:
    """The tables audits, alerts and heartbeat, and the distrust marks of logs."""

    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def keep(
        self, log: int, report: AuditReport, standing: Callable[[AuditFinding], str] = lambda _finding: ""
    ) -> AuditReport:
        """Store a report and its alerts; distrust the log where a finding calls for it.

        ``standing`` says how much the evidence of a finding shows: a proof is not given up for less.
        """
        now, last = to_ms(report.finished_at), self.last(log)
        before = {finding.code for finding in last.findings} if last else set()
        findings = json.dumps([_stored(finding, before) for finding in report.findings])
        alerts = [(finding, standing(finding)) for finding in report.findings if is_alert(finding, before)]
        with self._db.write() as connection:
            cursor = connection.execute(
                "INSERT INTO audits (log, started_at, finished_at, outcome, tree_size, entries_read,"
                " findings)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    *(log, to_ms(report.started_at), now, report.outcome.value),
                    *(report.tree_size, report.entries_read, findings),
                ),
            )
            for finding, shown in alerts:
                raise_alert(connection, log, finding, shown, now)
            _thin(connection, log, report.finished_at)
        return _with_id(report, cursor.lastrowid)

    def last(self, log: int) -> AuditReport | None:
        """Return the newest report on a log."""
        row = self._db.row(f"{_AUDIT} WHERE a.log=? ORDER BY a.id DESC LIMIT 1", (log,))
        return _report(row) if row else None

    def list(self, log: int | None, before: int | None, limit: int) -> tuple[AuditReport, ...]:
        """Return reports, newest first, those with a smaller id than ``before``."""
        rows = self._db.rows(
            f"{_AUDIT} WHERE a.id < ? AND (? IS NULL OR a.log = ?) ORDER BY a.id DESC LIMIT ?",
            (before if before is not None else 2**62, log, log, limit),
        )
        return tuple(_report(row) for row in rows)

    def alerts(self, log: int | None, limit: int, *, open_only: bool = False) -> tuple[Alert, ...]:
        """Return alerts, the last repeated first."""
        rows = self._db.rows(
            f"{ALERT} WHERE (? IS NULL OR a.log = ?) AND (NOT ? OR NOT acknowledged)"
            " ORDER BY last_at DESC, a.id DESC LIMIT ?",
            (log, log, open_only, limit),
        )
        return tuple(alert_of(row) for row in rows)

    def acknowledge(self, alert: int) -> None:
        """Mark an alert as seen by a person; it stays."""
        with self._db.write() as connection:
            connection.execute("UPDATE alerts SET acknowledged=1 WHERE id=?", (alert,))

    def distrusted(self) -> frozenset[bytes]:
        """Return the LogIDs of the logs that were found out."""
        rows = self._db.rows("SELECT log_id FROM logs WHERE distrusted_at IS NOT NULL")
        return frozenset(bytes(row["log_id"]) for row in rows)

    def trust_again(self, log: int) -> None:
        """Take a log's distrust mark away; a person's decision, never the program's. Its alerts stay."""
        with self._db.write() as connection:
            connection.execute("UPDATE logs SET distrusted_at=NULL, distrusted_reason='' WHERE id=?", (log,))
            connection.execute("UPDATE alerts SET acknowledged=1 WHERE log=?", (log,))

    def beat(self, now: datetime, interval: float) -> None:
        """Say that the scheduler lives, and how often it audits."""
        with self._db.write() as connection:
            connection.execute("INSERT OR REPLACE INTO heartbeat VALUES (1, ?, ?)", (to_ms(now), interval))

    def heartbeat(self) -> tuple[datetime, float] | None:
        """Return when the scheduler last lived and its interval in seconds."""
        row = self._db.row("SELECT at, interval FROM heartbeat")
        return (from_ms(row["at"]), row["interval"]) if row else None


def _stored(finding: AuditFinding, before: Collection[AuditCode]) -> dict[str, Any]:
    """A finding as its audit keeps it, without large evidence where the audit before found the same.

    The alert has the first and the newest.
    """
    value = finding.to_json()
    if finding.code in before and len(json.dumps(value["evidence"])) > LARGE:
        value["evidence"] = {}
    return value


def _thin(connection: sqlite3.Connection, log: int, now: datetime) -> None:
    """Forget what is 90 days old, and of yesterday's good audits all but the first of each hour."""
    horizon = to_ms(now - KEEP_AUDITS)
    connection.execute("DELETE FROM audits WHERE log=? AND finished_at<?", (log, horizon))
    span = (log, to_ms(now - 2 * KEEP_EACH) // HOUR_MS * HOUR_MS, to_ms(now - KEEP_EACH) // HOUR_MS * HOUR_MS)
    connection.execute(
        "DELETE FROM audits WHERE log=? AND finished_at>=? AND finished_at<? AND outcome='consistent'"
        " AND id NOT IN (SELECT min(id) FROM audits WHERE log=? AND finished_at>=? AND finished_at<?"
        " AND outcome='consistent' GROUP BY finished_at/3600000)",
        (*span, *span),
    )


def _with_id(report: AuditReport, row: int | None) -> AuditReport:
    return AuditReport(
        report.log,
        report.started_at,
        report.finished_at,
        report.outcome,
        report.findings,
        report.tree_size,
        report.entries_read,
        row,
    )


def _report(row: sqlite3.Row) -> AuditReport:
    return AuditReport(
        row["name"],
        from_ms(row["started_at"]),
        from_ms(row["finished_at"]),
        AuditOutcome(row["outcome"]),
        tuple(AuditFinding.from_json(finding) for finding in json.loads(row["findings"])),
        row["tree_size"],
        row["entries_read"],
        row["id"],
    )
