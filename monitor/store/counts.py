"""What a page shows at a glance and Prometheus asks for: certificates by state, audits by outcome."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.store.connections import Connections
from monitor.values import AuditOutcome, from_ms, to_ms

SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Counts:
    """Certificates by state. Each is in one of the first four; ``expiring`` is a part of ``valid``."""

    valid: int = 0
    """Within their time, and not known to be revoked."""
    revoked: int = 0
    """Revoked, and not expired."""
    expired: int = 0
    not_yet_valid: int = 0
    expiring: int = 0
    """Valid, but not for 30 days more."""


@dataclass(frozen=True, slots=True)
class AuditMark:
    """One audit in a row of many, without its findings."""

    id: int
    log: str
    finished_at: datetime
    outcome: AuditOutcome


class Tally:
    """Counts over the tables facts, revocations and audits."""

    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def by_state(self, now: datetime) -> Counts:
        """Return the counts at ``now``: one pass over small rows, without an index."""
        at = (to_ms(now), to_ms(now + SOON))
        with self._db.snapshot():
            total = self._db.row(
                "SELECT count(*) AS total, coalesce(sum(not_after < ?1), 0) AS expired,"
                " coalesce(sum(not_after >= ?1 AND not_before > ?1), 0) AS early,"
                " coalesce(sum(not_before <= ?1 AND not_after >= ?1 AND not_after < ?2), 0) AS expiring"
                " FROM facts",
                at,
            )
            gone = self._db.row(
                "SELECT count(*) AS revoked, coalesce(sum(not_before > ?1), 0) AS early,"
                " coalesce(sum(not_before <= ?1 AND not_after < ?2), 0) AS expiring"
                " FROM revocations r CROSS JOIN facts f ON f.certificate = r.certificate"
                " WHERE r.status = 'revoked' AND f.not_after >= ?1",
                at,
            )
        if total is None or gone is None:
            return Counts()
        early = total["early"] - gone["early"]
        return Counts(
            valid=total["total"] - total["expired"] - early - gone["revoked"],
            revoked=gone["revoked"],
            expired=total["expired"],
            not_yet_valid=early,
            expiring=total["expiring"] - gone["expiring"],
        )

    def marks(
        self,
        log: str | None = None,
        *,
        outcome: AuditOutcome | None = None,
        before: int | None = None,
        limit: int = 60,
    ) -> tuple[AuditMark, ...]:
        """Return audits, newest first, with a smaller id than ``before``; of one log and outcome, or all."""
        rows = self._db.rows(
            "SELECT a.id, a.finished_at, a.outcome, l.name FROM audits a JOIN logs l ON l.id = a.log"
            " WHERE (?1 IS NULL OR l.name = ?1) AND (?2 IS NULL OR a.outcome = ?2)"
            " AND a.id < ?3 ORDER BY a.id DESC LIMIT ?4",
            (log, outcome.value if outcome else None, 2**62 if before is None else before, limit),
        )
        return tuple(
            AuditMark(row["id"], row["name"], from_ms(row["finished_at"]), AuditOutcome(row["outcome"]))
            for row in rows
        )
