"""Alerts as rows: what becomes one, and which of its evidence is kept.

An alert that is met again keeps three at most of what showed it: the first, the newest, and the first proof
where neither is one. So a log can neither bury a proof under observations nor fill the disk with repetitions.
"""

import json
import sqlite3
from collections.abc import Collection
from typing import Final

from monitor.values import (
    DISTRUSTING,
    MISCONDUCT,
    OTHERS_OFFENCES,
    Alert,
    AuditCode,
    AuditFinding,
    FindingOutcome,
    from_ms,
)

STRONGEST_FIRST: Final = "standing='proof' DESC, standing='observation' DESC"
ALERT: Final = (
    "SELECT a.*, l.name, (SELECT material FROM alert_evidence e WHERE e.alert=a.id"  # noqa: S608
    f" ORDER BY {STRONGEST_FIRST}, e.id DESC LIMIT 1) AS material"
    " FROM alerts a JOIN logs l ON l.id = a.log"
)


def is_alert(finding: AuditFinding, before: Collection[AuditCode]) -> bool:
    """An offence, a misconduct that the audit before met too, or somebody else's offence in this log."""
    if finding.outcome is FindingOutcome.FAILED:
        return True
    return finding.code in OTHERS_OFFENCES or (finding.code in MISCONDUCT and finding.code in before)


def raise_alert(
    connection: sqlite3.Connection, log: int, finding: AuditFinding, standing: str, now: int
) -> None:
    """Open an alert or count its repetition; distrust the log where the finding calls for it."""
    distrusting = finding.code in DISTRUSTING and finding.outcome is FindingOutcome.FAILED
    (alert,) = connection.execute(
        "INSERT INTO alerts (log, code, detail, distrusting, first_at, last_at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (log, code) DO UPDATE SET detail=excluded.detail, last_at=excluded.last_at,"
        " count=count+1, acknowledged=0 RETURNING id",
        (log, finding.code.value, finding.detail, distrusting, now, now),
    ).fetchone()
    _keep(connection, alert, finding, standing, now)
    if distrusting:
        connection.execute(
            "UPDATE logs SET distrusted_at=?, distrusted_reason=? WHERE id=? AND distrusted_at IS NULL",
            (now, finding.detail, log),
        )


def _keep(connection: sqlite3.Connection, alert: int, finding: AuditFinding, standing: str, now: int) -> None:
    connection.execute(
        "INSERT INTO alert_evidence (alert, at, detail, reference, standing, material)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (alert, now, finding.detail, finding.reference, standing, json.dumps(dict(finding.evidence))),
    )
    kept = "SELECT {} FROM alert_evidence WHERE alert=:alert"
    connection.execute(
        f"DELETE FROM alert_evidence WHERE alert=:alert AND id NOT IN ({kept.format('min(id)')}"  # noqa: S608
        f" UNION {kept.format('max(id)')}"
        f" UNION SELECT * FROM ({kept.format('id')} ORDER BY {STRONGEST_FIRST}, id LIMIT 1))",
        {"alert": alert},
    )


def alert_of(row: sqlite3.Row) -> Alert:
    """A row that ``ALERT`` gave."""
    return Alert(
        row["id"],
        row["name"],
        AuditCode(row["code"]),
        row["detail"],
        from_ms(row["first_at"]),
        from_ms(row["last_at"]),
        row["count"],
        json.loads(row["material"] or "{}"),
        bool(row["acknowledged"]),
        bool(row["distrusting"]),
    )
