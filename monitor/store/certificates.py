"""Certificates, their signed forms and their names: written in batches, with no statement per name."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from monitor.store.findable import make_findable
from monitor.store.rows import CertificateRow

CHUNK = 500


def select_in(connection: sqlite3.Connection, sql: str, values: Iterable[object]) -> list[sqlite3.Row]:
    """Run ``sql`` (which has one ``{}`` for the list) over all values, five hundred at a time."""
    wanted = list(values)
    rows: list[sqlite3.Row] = []
    for at in range(0, len(wanted), CHUNK):
        chunk = wanted[at : at + CHUNK]
        rows += connection.execute(sql.format(",".join("?" * len(chunk))), chunk).fetchall()
    return rows


def known_encodings(connection: sqlite3.Connection, fingerprints: Iterable[bytes]) -> dict[bytes, int]:
    """Return the row of each certificate that is already stored, by its SHA-256."""
    rows = select_in(connection, "SELECT sha256, id FROM encodings WHERE sha256 IN ({})", fingerprints)
    return {bytes(fingerprint): row for fingerprint, row in rows}


def known_tbs(
    connection: sqlite3.Connection, fingerprints: Iterable[bytes]
) -> dict[bytes, tuple[bytes, bool]]:
    """Return the TBS hash of each certificate that is stored, and whether it is a precertificate."""
    rows = select_in(
        connection,
        "SELECT e.sha256, c.tbs_hash, e.precertificate FROM encodings e JOIN certificates c"
        " ON c.id = e.certificate WHERE e.sha256 IN ({})",
        fingerprints,
    )
    return {bytes(fingerprint): (bytes(tbs_hash), bool(flag)) for fingerprint, tbs_hash, flag in rows}


def insert(connection: sqlite3.Connection, rows: Sequence[CertificateRow], now_ms: int) -> dict[bytes, int]:
    """Store certificates, joined by TBS with what is there already; return the row of each by SHA-256."""
    if not rows:
        return {}
    certificates = _certificate_ids(connection, {row.tbs_hash for row in rows})
    new = _first(rows, "tbs_hash", certificates)
    numbered = list(enumerate(new, _last(connection, "certificates") + 1))
    certificates |= {row.tbs_hash: certificate for certificate, row in numbered}
    _insert_certificates(connection, numbered, now_ms)
    make_findable(connection, numbered)
    return _insert_encodings(connection, rows, certificates)


def _first(rows: Sequence[CertificateRow], identity: str, known: Mapping[bytes, int]) -> list[CertificateRow]:
    """Return the rows that are new, the first of those that are the same."""
    found: dict[bytes, CertificateRow] = {}
    for row in rows:
        found.setdefault(getattr(row, identity), row)
    return [row for value, row in found.items() if value not in known]


def _last(connection: sqlite3.Connection, table: str) -> int:
    """Return the highest row number; the one writer that there is numbers rows itself."""
    (last,) = connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()  # noqa: S608  names of this file
    return int(last)


def _intern(connection: sqlite3.Connection, texts: set[str]) -> dict[str, int]:
    connection.executemany(
        "INSERT OR IGNORE INTO distinguished_names (text) VALUES (?)", [(t,) for t in texts]
    )
    rows = select_in(connection, "SELECT text, id FROM distinguished_names WHERE text IN ({})", texts)
    return {text: row for text, row in rows}  # noqa: C416  dict() would not take sqlite3.Row's type


def _certificate_ids(connection: sqlite3.Connection, tbs_hashes: Iterable[bytes]) -> dict[bytes, int]:
    rows = select_in(connection, "SELECT tbs_hash, id FROM certificates WHERE tbs_hash IN ({})", tbs_hashes)
    return {bytes(tbs_hash): row for tbs_hash, row in rows}


def _insert_certificates(
    connection: sqlite3.Connection, rows: Sequence[tuple[int, CertificateRow]], now_ms: int
) -> None:
    issuers = _intern(connection, {row.issuer for _, row in rows})
    connection.executemany(
        "INSERT INTO certificates (id, tbs_hash, serial, subject, common_name, organisation, issuer,"
        " not_before, not_after, algorithm, key_bits, spki_hash, names, related, crl_url, first_seen)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(certificate, row.tbs_hash, row.serial, row.subject, row.common_name, row.organisation),
                *(issuers[row.issuer], row.not_before, row.not_after, row.algorithm, row.key_bits),
                *(row.spki_hash, json.dumps(row.names, ensure_ascii=False), row.related, row.crl_url, now_ms),
            )
            for certificate, row in rows
        ],
    )
    connection.executemany(
        "INSERT INTO facts (certificate, not_before, not_after, first_seen, issuer) VALUES (?, ?, ?, ?, ?)",
        [
            (certificate, row.not_before, row.not_after, now_ms, issuers[row.issuer])
            for certificate, row in rows
        ],
    )


def _insert_encodings(
    connection: sqlite3.Connection, rows: Sequence[CertificateRow], certificates: dict[bytes, int]
) -> dict[bytes, int]:
    authorities = {der: sha256(der).digest() for row in rows for der in row.chain}
    connection.executemany(
        "INSERT OR IGNORE INTO authorities (sha256, der) VALUES (?, ?)",
        [(fingerprint, der) for der, fingerprint in authorities.items()],
    )
    known = known_encodings(connection, {row.sha256 for row in rows})
    new = _first(rows, "sha256", known)
    numbered = list(enumerate(new, _last(connection, "encodings") + 1))
    connection.executemany(
        "INSERT INTO encodings (id, sha256, certificate, precertificate, der, chain)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                *(encoding, row.sha256, certificates[row.tbs_hash], row.precertificate, row.der),
                b"".join(authorities[der] for der in row.chain),
            )
            for encoding, row in numbered
        ],
    )
    return known | {row.sha256: encoding for encoding, row in numbered}
