"""Version 2: what certificates can be found by."""

import json
import sqlite3

from monitor.store.rows import CertificateRow
from verifier.certificates import Certificate
from verifier.errors import MalformedInput

SQL = """
DROP TABLE domain_text;
DROP TABLE domain_certificates;
DROP TABLE domains;
DROP INDEX certificates_by_serial;
DROP INDEX certificates_by_spki;
DROP INDEX certificates_by_organisation;
CREATE TABLE terms (                        -- monitor.index.terms says which keys there are
    key INTEGER NOT NULL, certificate INTEGER NOT NULL, PRIMARY KEY (key, certificate)) WITHOUT ROWID;
CREATE VIRTUAL TABLE name_text USING fts5(text, content='', detail='none', tokenize='trigram');
CREATE VIRTUAL TABLE organisation_text USING fts5(text, content='', detail='none', tokenize='trigram');
CREATE TABLE grams (gram TEXT PRIMARY KEY) WITHOUT ROWID; -- that name_text has
CREATE TABLE addresses (
    address BLOB NOT NULL, certificate INTEGER NOT NULL, PRIMARY KEY (address, certificate)) WITHOUT ROWID;
CREATE TABLE facts (                        -- what filters look at, in rows so small that many are one page
    certificate INTEGER PRIMARY KEY, not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,
    first_seen INTEGER NOT NULL, issuer INTEGER NOT NULL);
INSERT INTO facts SELECT id, not_before, not_after, first_seen, issuer FROM certificates
"""

CHUNK = 1000


def fill(connection: sqlite3.Connection) -> None:
    """Index the certificates that are there already, from their DER."""
    from monitor.store.findable import make_findable  # the store imports this package

    after = 0
    while rows := _rows(connection, after):
        make_findable(connection, rows)
        after = rows[-1][0]


def _rows(connection: sqlite3.Connection, after: int) -> list[tuple[int, CertificateRow]]:
    cursor = connection.cursor()
    cursor.row_factory = sqlite3.Row
    stored = cursor.execute(
        "SELECT c.*, d.text AS issuer_text, e.sha256, e.precertificate, e.der, e.chain FROM certificates c"
        " JOIN distinguished_names d ON d.id = c.issuer JOIN encodings e ON e.id ="
        " (SELECT id FROM encodings WHERE certificate = c.id ORDER BY length(chain) DESC, id LIMIT 1)"
        " WHERE c.id > ? ORDER BY c.id LIMIT ?",
        (after, CHUNK),
    ).fetchall()
    return [(row["id"], _row(connection, row)) for row in stored]


def _row(connection: sqlite3.Connection, stored: sqlite3.Row) -> CertificateRow:
    from monitor.index.extract import certificate_row  # the index imports the store

    issuer = connection.execute(
        "SELECT der FROM authorities WHERE sha256=?", (stored["chain"][:32],)
    ).fetchone()
    try:
        return certificate_row(Certificate.parse(stored["der"]), issuer or ())
    except MalformedInput:  # an older program read it; what it kept is still there to be found
        return _as_kept(stored)


def _as_kept(stored: sqlite3.Row) -> CertificateRow:
    same = (
        *("sha256", "precertificate", "der", "tbs_hash", "serial", "subject", "common_name", "organisation"),
        *("not_before", "not_after", "algorithm", "key_bits", "spki_hash", "related", "crl_url"),
    )
    return CertificateRow(
        **{column: stored[column] for column in same},
        chain=(),
        issuer=stored["issuer_text"],
        names=tuple(json.loads(stored["names"])),
    )
