"""Evidence files made of alerts and findings, and the notes on alerts. The verifier's room verifies them."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from monitor.errors import MonitorError
from monitor.store import Logs
from monitor.store.connections import Connections
from monitor.values import WatchedLog, from_ms, to_ms
from verifier.transparency.evidence import AccusedLog, Evidence, Result, claim_of, examine

_STANDING = {Result.PROVEN: "proof", Result.OBSERVED: "observation", Result.NOT_SHOWN: "incomplete"}


class UnknownAlert(MonitorError):
    """No alert has this number."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a person wrote about an alert, and when."""

    at: datetime
    text: str


class EvidenceFiles:
    """Reads alerts and audits as evidence, and keeps notes on alerts."""

    def __init__(self, connections: Connections) -> None:
        self._db = connections
        self._logs = Logs(connections)

    def document(self, alert: int) -> dict[str, Any] | None:
        """Return the evidence file of an alert as JSON; None where there is no such alert."""
        evidence = self.evidence(alert)
        return evidence.to_json() if evidence else None

    def evidence(self, alert: int) -> Evidence | None:
        """Return the evidence of an alert: of the first time that it happened."""
        row = self._db.row(
            "SELECT a.code, a.detail, a.evidence, a.first_at AS at, l.name FROM alerts a"
            " JOIN logs l ON l.id=a.log WHERE a.id=?",
            (alert,),
        )
        if row is None:
            return None
        material = json.loads(row["evidence"])
        return self._evidence(row["code"], row["name"], row["at"], row["detail"], material)

    def finding(self, audit: int, position: int) -> dict[str, Any] | None:
        """Return the evidence file of one finding of a stored audit, counted from 0; None without one."""
        row = self._db.row(
            "SELECT a.findings, a.finished_at AS at, l.name FROM audits a JOIN logs l ON l.id=a.log"
            " WHERE a.id=?",
            (audit,),
        )
        findings = json.loads(row["findings"]) if row else []
        if row is None or not 0 <= position < len(findings) or not findings[position]["evidence"]:
            return None
        found = findings[position]
        made = self._evidence(found["code"], row["name"], row["at"], found["detail"], found["evidence"])
        return replace(made, reference=found["reference"]).to_json() if made.claim else None

    def _evidence(self, code: str, log: str, at: int, detail: str, material: Mapping[str, Any]) -> Evidence:
        accused = accused_log(self._logs.get(log).log)
        evidence = Evidence(
            code, accused, from_ms(at), detail, "", material, claim_of(code).format(log=accused.name)
        )
        result = examine(evidence, datetime.now(UTC)).result
        return replace(evidence, standing=_STANDING[result])

    # what people do with alerts

    def notes(self, alert: int) -> tuple[Note, ...]:
        """Return the notes on an alert, oldest first."""
        rows = self._db.rows("SELECT at, text FROM alert_notes WHERE alert=? ORDER BY id", (alert,))
        return tuple(Note(from_ms(row["at"]), row["text"]) for row in rows)

    def acknowledge(self, alert: int, note: str, now: datetime) -> None:
        """Mark an alert as seen by a person, with a note; raises UnknownAlert."""
        with self._db.write() as connection:
            done = connection.execute("UPDATE alerts SET acknowledged=1 WHERE id=?", (alert,))
            if not done.rowcount:
                raise UnknownAlert(f"no alert has the number {alert}; `mingjing audit --alerts` lists them")
            _note(connection, [alert], note, now)

    def trust_again(self, log: str, note: str, now: datetime) -> None:
        """Take a log's distrust mark away; its open alerts are acknowledged and carry the note.

        Raises UnknownLog.
        """
        row = self._logs.get(log)
        with self._db.write() as connection:
            alerts = connection.execute(
                "SELECT id FROM alerts WHERE log=? AND NOT acknowledged", (row.id,)
            ).fetchall()
            connection.execute(
                "UPDATE logs SET distrusted_at=NULL, distrusted_reason='' WHERE id=?", (row.id,)
            )
            connection.execute("UPDATE alerts SET acknowledged=1 WHERE log=?", (row.id,))
            _note(connection, [alert for (alert,) in alerts], f"trusted again: {note}", now)


def accused_log(log: WatchedLog) -> AccusedLog:
    """The log as an evidence file names it."""
    return AccusedLog(
        name=log.name,
        key=log.key,
        operator=log.operator,
        description=log.description,
        origin=log.origin,
        mmd=log.mmd,
        codepoint=log.codepoint,
    )


def _note(connection: sqlite3.Connection, alerts: list[int], text: str, now: datetime) -> None:
    if text:
        connection.executemany(
            "INSERT INTO alert_notes (alert, at, text) VALUES (?, ?, ?)",
            [(alert, to_ms(now), text) for alert in alerts],
        )
