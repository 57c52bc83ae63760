"""Evidence files made of alerts and findings, and the notes on alerts. The verifier's room verifies them."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from monitor.errors import MonitorError
from monitor.evidence.accusation import PROOF, STANDINGS, accusation
from monitor.store import Logs
from monitor.store.connections import Connections
from monitor.values import AuditCode, AuditFinding, FindingOutcome, from_ms, to_ms
from verifier.transparency.evidence import Evidence
from verifier.transparency.strict_json import encode_base64

MOST_LEAVES: Final = 1_400_000  # in base64 within the largest evidence file that is read
_MISSING_FROM: Final = {
    "sct-not-merged": "tree_head",
    "sct-merged-late": "previous_tree_head",
    "entry-merged-late": "previous_tree_head",
}
"""The head whose tree does not hold what it was to hold, by offence."""


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
        """Return the strongest evidence of an alert: a proof where there is one, and the newest of equals."""
        kept = self.kept(alert)
        order = list(STANDINGS.values())
        return max(kept, key=lambda one: (order.index(one.standing), one.recorded_at), default=None)

    def kept(self, alert: int) -> tuple[Evidence, ...]:
        """Return all evidence kept of an alert, oldest first: the first, a proof between, and the newest."""
        rows = self._db.rows(
            "SELECT a.code, l.name, e.* FROM alert_evidence e JOIN alerts a ON a.id=e.alert"
            " JOIN logs l ON l.id=a.log WHERE a.id=? ORDER BY e.id",
            (alert,),
        )
        return tuple(self._kept(row) for row in rows)

    def completed(self, evidence: Evidence) -> Evidence:
        """Return the evidence with all leaves of the tree in which something is missing, where they fit.

        Alerts keep them for small trees alone; here up to 60 MB are read.
        """
        name = _MISSING_FROM.get(evidence.code)
        if name is None or evidence.standing == PROOF or name not in evidence.material:
            return evidence
        size = evidence.material[name]["tree_size"]
        log = self._logs.get(evidence.log.key.key_id.hex())
        if size > MOST_LEAVES:
            return evidence
        leaves = encode_base64(b"".join(self._logs.leaf_hashes(log.id, 0, size)))
        material = {**evidence.material, "leaf_hashes": leaves}
        finding = AuditFinding(
            AuditCode(evidence.code), FindingOutcome.FAILED, evidence.detail, evidence.reference, material
        )
        return accusation(log.log, finding, evidence.recorded_at)

    def _kept(self, row: sqlite3.Row) -> Evidence:
        material = json.loads(row["material"])
        finding = AuditFinding(
            AuditCode(row["code"]), FindingOutcome.FAILED, row["detail"], row["reference"], material
        )
        return accusation(self._logs.get(row["name"]).log, finding, from_ms(row["at"]))

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
        found = AuditFinding.from_json(findings[position])
        made = accusation(self._logs.get(row["name"]).log, found, from_ms(row["at"]))
        return made.to_json() if made.claim else None

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


def _note(connection: sqlite3.Connection, alerts: list[int], text: str, now: datetime) -> None:
    if text:
        connection.executemany(
            "INSERT INTO alert_notes (alert, at, text) VALUES (?, ?, ?)",
            [(alert, to_ms(now), text) for alert in alerts],
        )
