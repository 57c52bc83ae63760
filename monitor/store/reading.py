"""Certificates read back: summaries for lists, and everything about one, in a fixed number of statements."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.store.certificates import insert, select_in
from monitor.store.connections import Connections
from monitor.store.rows import CertificateRow
from monitor.values import CertificateSummary, Encoding, RevocationState, from_ms, to_ms

_SUMMARY = (
    "SELECT c.*, d.text AS issuer_text FROM certificates c JOIN distinguished_names d ON d.id = c.issuer"
    " WHERE c.id IN ({})"
)


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """Where an encoding stands: log row, index, timestamp (ms), leaf hash."""

    log: int
    index: int
    timestamp: int
    leaf_hash: bytes
    precertificate: bool


class Certificates:
    """The tables certificates, encodings and authorities, joined with entries and revocations."""

    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def add(self, row: CertificateRow, now: datetime) -> None:
        """Store one certificate that came from elsewhere than a log."""
        with self._db.write() as connection:
            insert(connection, [row], to_ms(now))

    def count(self) -> int:
        """Return how many certificates are known; a precertificate and its final one count once."""
        row = self._db.row("SELECT count(*) AS total FROM certificates")
        return int(row["total"]) if row else 0

    def find(self, sha256: bytes) -> int | None:
        """Return the row of the certificate that this fingerprint, final or precertificate's, belongs to."""
        row = self._db.row("SELECT certificate FROM encodings WHERE sha256=?", (sha256,))
        return int(row["certificate"]) if row else None

    def find_tbs(self, tbs_hash: bytes) -> int | None:
        """Return the row of the certificate with this TBS."""
        row = self._db.row("SELECT id FROM certificates WHERE tbs_hash=?", (tbs_hash,))
        return int(row["id"]) if row else None

    def encodings(self, certificate: int) -> tuple[Encoding, ...]:
        """Return the signed forms of a certificate, final ones first."""
        rows = self._db.rows(
            "SELECT sha256, precertificate, der FROM encodings WHERE certificate=?"
            " ORDER BY precertificate, id",
            (certificate,),
        )
        return tuple(Encoding(row["sha256"], bool(row["precertificate"]), row["der"]) for row in rows)

    def chain(self, certificate: int) -> list[bytes]:
        """Return the DER of the issuers, nearest first, as logged with the longest chain seen."""
        row = self._db.row(
            "SELECT chain FROM encodings WHERE certificate=? ORDER BY length(chain) DESC, id LIMIT 1",
            (certificate,),
        )
        joined = bytes(row["chain"]) if row else b""
        return self._authorities([joined[at : at + 32] for at in range(0, len(joined), 32)])

    def _authorities(self, fingerprints: Sequence[bytes]) -> list[bytes]:
        rows = select_in(
            self._db.database().conn, "SELECT sha256, der FROM authorities WHERE sha256 IN ({})", fingerprints
        )
        found = {bytes(fingerprint): bytes(der) for fingerprint, der in rows}
        return [found[fingerprint] for fingerprint in fingerprints if fingerprint in found]

    def authorities(self) -> list[bytes]:
        """Return every CA certificate that a logged chain named."""
        return [row["der"] for row in self._db.rows("SELECT der FROM authorities ORDER BY rowid")]

    def counts_by_issuer(self) -> dict[str, int]:
        """Return how many certificates each issuer name has."""
        rows = self._db.rows(
            "SELECT d.text, count(*) AS total FROM certificates c JOIN distinguished_names d ON d.id=c.issuer"
            " GROUP BY c.issuer"
        )
        return {row["text"]: row["total"] for row in rows}

    def entries(self, certificate: int) -> list[StoredEntry]:
        """Return where a certificate's forms stand in the logs."""
        rows = self._db.rows(
            "SELECT e.log, e.idx, e.timestamp, e.leaf_hash, c.precertificate FROM encodings c"
            " JOIN entries e ON e.encoding = c.id WHERE c.certificate=? ORDER BY e.log, e.idx",
            (certificate,),
        )
        return [
            StoredEntry(
                row["log"], row["idx"], row["timestamp"], row["leaf_hash"], bool(row["precertificate"])
            )
            for row in rows
        ]

    def summaries(self, certificates: Iterable[int]) -> list[CertificateSummary]:
        """Return summaries in the order asked for; ``matched`` is left empty."""
        wanted = list(certificates)
        with self._db.snapshot() as connection:
            columns = _Columns(connection, wanted)
        return [columns.summary(certificate) for certificate in wanted if certificate in columns.rows]


class _Columns:
    """Everything that summaries of some certificates need, fetched with five statements."""

    def __init__(self, connection: sqlite3.Connection, wanted: Sequence[int]) -> None:
        self.rows: dict[int, sqlite3.Row] = {row["id"]: row for row in _named(connection, _SUMMARY, wanted)}
        self.encodings: dict[int, list[tuple[bytes, bool]]] = defaultdict(list)
        for row in _named(
            connection,
            "SELECT certificate, sha256, precertificate FROM encodings WHERE certificate IN ({})"
            " ORDER BY precertificate, id",
            wanted,
        ):
            self.encodings[row["certificate"]].append((row["sha256"], bool(row["precertificate"])))
        self.logs: dict[int, list[str]] = defaultdict(list)
        for row in _named(
            connection,
            "SELECT DISTINCT c.certificate, l.id, l.name FROM encodings c JOIN entries e ON e.encoding = c.id"
            " JOIN logs l ON l.id = e.log WHERE c.certificate IN ({}) ORDER BY l.id",
            wanted,
        ):
            self.logs[row["certificate"]].append(row["name"])
        self.revocations = {
            row["certificate"]: _revocation(row)
            for row in _named(connection, "SELECT * FROM revocations WHERE certificate IN ({})", wanted)
        }
        self.pairs = self._pairs(connection)

    def _pairs(self, connection: sqlite3.Connection) -> dict[int, bytes]:
        """RFC 9763: a certificate that names its sibling's SHA-256, and the sibling so named."""
        named = {row["related"]: row["id"] for row in self.rows.values() if row["related"]}
        pairs = {
            named[row["sha256"]]: bytes(row["sha256"])
            for row in _named(connection, "SELECT sha256 FROM encodings WHERE sha256 IN ({})", named)
        }
        own = {sha256: certificate for certificate, forms in self.encodings.items() for sha256, _ in forms}
        for row in _named(
            connection,
            "SELECT c.related, e.sha256 FROM certificates c JOIN encodings e ON e.certificate = c.id"
            " WHERE c.related IN ({}) ORDER BY e.precertificate DESC, e.id DESC",
            own,
        ):
            pairs[own[row["related"]]] = bytes(row["sha256"])
        return pairs

    def summary(self, certificate: int) -> CertificateSummary:
        row = self.rows[certificate]
        sha256, precertificate = self.encodings[certificate][0]
        return CertificateSummary(
            sha256=sha256,
            tbs_hash=row["tbs_hash"],
            precertificate_only=precertificate,
            subject=row["subject"],
            common_name=row["common_name"],
            names=tuple(json.loads(row["names"])),
            matched=(),
            issuer=row["issuer_text"],
            serial=int.from_bytes(row["serial"]),
            not_before=from_ms(row["not_before"]),
            not_after=from_ms(row["not_after"]),
            algorithm=row["algorithm"],
            key_bits=row["key_bits"],
            logs=tuple(self.logs[certificate]),
            first_seen=from_ms(row["first_seen"]),
            pair=self.pairs.get(certificate),
            revocation=self.revocations.get(certificate, RevocationState()),
            spki_hash=row["spki_hash"],
        )


def _named(connection: sqlite3.Connection, sql: str, values: Iterable[object]) -> list[sqlite3.Row]:
    connection.row_factory = sqlite3.Row
    try:
        return select_in(connection, sql, values)
    finally:
        connection.row_factory = None


def _revocation(row: sqlite3.Row) -> RevocationState:
    revoked = from_ms(row["revoked_at"]) if row["revoked_at"] is not None else None
    return RevocationState(
        row["status"], from_ms(row["checked_at"]), revoked, row["reason"], row["source"], row["detail"]
    )
