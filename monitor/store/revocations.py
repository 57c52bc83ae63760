"""What CRLs said of the certificates seen, and the CRLs themselves until they run out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.store.connections import Connections
from monitor.values import RevocationState, from_ms, to_ms


@dataclass(frozen=True, slots=True)
class CrlRow:
    """A CRL as last fetched; ``error`` says why there is none or an old one."""

    url: str
    fetched_at: datetime
    next_update: datetime | None
    der: bytes | None
    error: str


class Revocations:
    """The tables revocations and crls."""

    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def urls(self, alive_at: datetime) -> list[str]:
        """Return the CRL addresses named by certificates that have not expired."""
        rows = self._db.rows(
            "SELECT DISTINCT crl_url FROM certificates WHERE crl_url IS NOT NULL AND not_after>=?",
            (to_ms(alive_at),),
        )
        return [row["crl_url"] for row in rows]

    def certificates(
        self, url: str, alive_at: datetime, since: datetime, after: int, limit: int
    ) -> list[tuple[int, bytes, bytes]]:
        """Return (row, DER, chain fingerprints) of the living certificates that name this CRL and were not
        looked up after ``since``, by row.
        """
        rows = self._db.rows(
            "SELECT c.id, e.der, e.chain FROM certificates c JOIN encodings e ON e.id ="
            " (SELECT id FROM encodings WHERE certificate = c.id"
            " ORDER BY precertificate, length(chain) DESC LIMIT 1)"
            " LEFT JOIN revocations r ON r.certificate = c.id"
            " WHERE c.crl_url=? AND c.not_after>=? AND c.id>? AND coalesce(r.checked_at, -1) < ?"
            " ORDER BY c.id LIMIT ?",
            (url, to_ms(alive_at), after, to_ms(since), limit),
        )
        return [(row["id"], row["der"], row["chain"]) for row in rows]

    def authority(self, sha256: bytes) -> bytes | None:
        """Return a CA certificate's DER."""
        row = self._db.row("SELECT der FROM authorities WHERE sha256=?", (sha256,))
        return bytes(row["der"]) if row else None

    def keep(self, states: Sequence[tuple[int, RevocationState]]) -> None:
        """Store what was found out about certificates, by row."""
        with self._db.write() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO revocations VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        *(certificate, state.status, to_ms(state.checked_at) if state.checked_at else 0),
                        *(to_ms(state.revoked_at) if state.revoked_at else None, state.reason),
                        *(state.source, state.detail),
                    )
                    for certificate, state in states
                ],
            )

    def crl(self, url: str) -> CrlRow | None:
        """Return the CRL of this address as last fetched."""
        row = self._db.row("SELECT * FROM crls WHERE url=?", (url,))
        if row is None:
            return None
        until = from_ms(row["next_update"]) if row["next_update"] is not None else None
        return CrlRow(row["url"], from_ms(row["fetched_at"]), until, row["der"], row["error"] or "")

    def keep_crl(self, crl: CrlRow) -> None:
        """Store a fetched CRL, or the failure to fetch it."""
        until = to_ms(crl.next_update) if crl.next_update else None
        with self._db.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO crls VALUES (?, ?, ?, ?, ?)",
                (crl.url, to_ms(crl.fetched_at), until, crl.der, crl.error),
            )
