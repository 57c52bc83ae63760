"""Certificates, their signed forms and their names: written in batches, with no statement per name."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import sha256

from monitor.index.names import suffixes, text_of
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
    issuers = _intern(connection, {row.issuer for row in rows})
    new = {row.tbs_hash: row for row in rows}
    for tbs_hash in _certificate_ids(connection, new):
        del new[tbs_hash]
    _insert_certificates(connection, new.values(), issuers, now_ms)
    certificates = _certificate_ids(connection, {row.tbs_hash for row in rows})
    _insert_names(connection, [(certificates[row.tbs_hash], row.names) for row in new.values()])
    _insert_encodings(connection, rows, certificates)
    return known_encodings(connection, {row.sha256 for row in rows})


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
    connection: sqlite3.Connection, rows: Iterable[CertificateRow], issuers: dict[str, int], now_ms: int
) -> None:
    connection.executemany(
        "INSERT INTO certificates (tbs_hash, serial, subject, common_name, organisation, issuer, not_before,"
        " not_after, algorithm, key_bits, spki_hash, names, related, crl_url, first_seen)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(row.tbs_hash, row.serial, row.subject, row.common_name, row.organisation),
                *(issuers[row.issuer], row.not_before, row.not_after, row.algorithm, row.key_bits),
                *(row.spki_hash, json.dumps(row.names, ensure_ascii=False), row.related, row.crl_url, now_ms),
            )
            for row in rows
        ],
    )


def _insert_encodings(
    connection: sqlite3.Connection, rows: Sequence[CertificateRow], certificates: dict[bytes, int]
) -> None:
    authorities = {sha256(der).digest(): der for row in rows for der in row.chain}
    known = select_in(connection, "SELECT sha256 FROM authorities WHERE sha256 IN ({})", authorities)
    for (fingerprint,) in known:
        del authorities[bytes(fingerprint)]
    connection.executemany("INSERT INTO authorities (sha256, der) VALUES (?, ?)", authorities.items())
    connection.executemany(
        "INSERT OR IGNORE INTO encodings (sha256, certificate, precertificate, der, chain)"
        " VALUES (?, ?, ?, ?, ?)",
        [
            (row.sha256, certificates[row.tbs_hash], row.precertificate, row.der, _fingerprints(row.chain))
            for row in rows
        ],
    )


def _fingerprints(chain: Sequence[bytes]) -> bytes:
    return b"".join(sha256(der).digest() for der in chain)


def _insert_names(
    connection: sqlite3.Connection, certificates: Sequence[tuple[int, tuple[str, ...]]]
) -> None:
    pairs: dict[tuple[str, int], bool] = {}
    for certificate, names in certificates:
        for name in names:
            for above in suffixes(name):
                pairs.setdefault((above, certificate), False)
        pairs.update({(name, certificate): True for name in names})
    domains = _domain_ids(connection, {name: named for (name, _), named in pairs.items() if named}, pairs)
    connection.executemany(
        "INSERT OR IGNORE INTO domain_certificates (domain, certificate, named) VALUES (?, ?, ?)",
        sorted((domains[name], certificate, named) for (name, certificate), named in pairs.items()),
    )


def _domain_ids(
    connection: sqlite3.Connection, named: dict[str, bool], pairs: Iterable[tuple[str, int]]
) -> dict[str, int]:
    """Return the row of each domain, made where missing; a name is put into the text index once."""
    names = {name for name, _ in pairs}
    connection.executemany("INSERT OR IGNORE INTO domains (name, named) VALUES (?, 0)", [(n,) for n in names])
    rows = select_in(connection, "SELECT name, id, named FROM domains WHERE name IN ({})", names)
    fresh = [(row, name) for name, row, already in rows if name in named and not already]
    connection.executemany("UPDATE domains SET named=1 WHERE id=?", [(row,) for row, _ in fresh])
    connection.executemany(
        "INSERT INTO domain_text (rowid, text) VALUES (?, ?)", [(row, text_of(name)) for row, name in fresh]
    )
    return {name: row for name, row, _ in rows}
