"""How many certificates stand in which state: what a page shows at a glance and Prometheus asks for."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.store.connections import Connections
from monitor.values import to_ms

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


class Tally:
    """Counts over the tables facts and revocations: one pass over small rows, no index."""

    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def by_state(self, now: datetime) -> Counts:
        """Return the counts at ``now``; takes time in proportion to the certificates known."""
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
