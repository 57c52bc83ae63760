"""The tables of monitor.db, and how an older database becomes a newer one."""

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlite_utils import Database

from monitor.errors import StoreError

VERSION = 1
BUSY_SECONDS = 30.0

_VERSION_1 = """
CREATE TABLE logs (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, log_id BLOB NOT NULL UNIQUE, spki BLOB NOT NULL,
    description TEXT NOT NULL, operator TEXT NOT NULL, url TEXT NOT NULL, monitoring_url TEXT NOT NULL,
    origin TEXT NOT NULL, codepoint INTEGER, mmd INTEGER NOT NULL, state TEXT NOT NULL,
    size INTEGER NOT NULL DEFAULT 0,        -- entries read: the next one has this index
    malformed INTEGER NOT NULL DEFAULT 0,
    chasing INTEGER,                        -- the head that the follower is reading towards
    distrusted_at INTEGER, distrusted_reason TEXT NOT NULL DEFAULT '');
CREATE TABLE heads (                        -- every head whose signature and consistency were verified
    id INTEGER PRIMARY KEY, log INTEGER NOT NULL REFERENCES logs(id), tree_size INTEGER NOT NULL,
    timestamp INTEGER NOT NULL, root_hash BLOB NOT NULL, signature BLOB NOT NULL, seen_at INTEGER NOT NULL,
    rebuilt INTEGER NOT NULL DEFAULT 0, UNIQUE (log, tree_size, timestamp, root_hash));
CREATE INDEX heads_rebuilt ON heads (log, tree_size, timestamp) WHERE rebuilt;
CREATE TABLE audits (
    id INTEGER PRIMARY KEY, log INTEGER NOT NULL REFERENCES logs(id), started_at INTEGER NOT NULL,
    finished_at INTEGER NOT NULL, outcome TEXT NOT NULL, tree_size INTEGER, entries_read INTEGER NOT NULL,
    findings TEXT NOT NULL);
CREATE INDEX audits_by_log ON audits (log, id);
CREATE TABLE alerts (
    id INTEGER PRIMARY KEY, log INTEGER NOT NULL REFERENCES logs(id), code TEXT NOT NULL,
    detail TEXT NOT NULL, distrusting INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    count INTEGER NOT NULL DEFAULT 1, evidence TEXT NOT NULL, -- of the first time
    acknowledged INTEGER NOT NULL DEFAULT 0, UNIQUE (log, code));
CREATE TABLE entries (
    log INTEGER NOT NULL, idx INTEGER NOT NULL, timestamp INTEGER, leaf_hash BLOB NOT NULL, encoding INTEGER,
    PRIMARY KEY (log, idx)) WITHOUT ROWID;
CREATE INDEX entries_by_hash ON entries (log, leaf_hash);
CREATE INDEX entries_by_encoding ON entries (encoding) WHERE encoding IS NOT NULL;
CREATE TABLE malformed (
    log INTEGER NOT NULL, idx INTEGER NOT NULL, reason TEXT NOT NULL, leaf_input BLOB NOT NULL,
    extra_data BLOB NOT NULL, names TEXT NOT NULL, PRIMARY KEY (log, idx)) WITHOUT ROWID;
CREATE TABLE tiles (                        -- the tree: 256 hashes of one level a row, the last row partial
    log INTEGER NOT NULL, level INTEGER NOT NULL, idx INTEGER NOT NULL, hashes BLOB NOT NULL,
    PRIMARY KEY (log, level, idx)) WITHOUT ROWID;
CREATE TABLE distinguished_names (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE certificates (                 -- one row for a TBS, however many signed forms of it were seen
    id INTEGER PRIMARY KEY, tbs_hash BLOB NOT NULL UNIQUE, serial BLOB NOT NULL, subject TEXT NOT NULL,
    common_name TEXT NOT NULL, organisation TEXT NOT NULL, issuer INTEGER NOT NULL,
    not_before INTEGER NOT NULL, not_after INTEGER NOT NULL, algorithm TEXT NOT NULL,
    key_bits INTEGER NOT NULL, spki_hash BLOB NOT NULL,    names TEXT NOT NULL, related BLOB,
    crl_url TEXT, first_seen INTEGER NOT NULL);
CREATE INDEX certificates_by_serial ON certificates (serial);
CREATE INDEX certificates_by_spki ON certificates (spki_hash);
CREATE INDEX certificates_by_issuer ON certificates (issuer);
CREATE INDEX certificates_by_related ON certificates (related) WHERE related IS NOT NULL;
CREATE INDEX certificates_by_organisation ON certificates (organisation) WHERE organisation != '';
CREATE INDEX certificates_by_crl ON certificates (crl_url) WHERE crl_url IS NOT NULL;
CREATE TABLE encodings (                    -- precertificates and final certificates
    id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, certificate INTEGER NOT NULL,
    precertificate INTEGER NOT NULL, der BLOB NOT NULL, chain BLOB NOT NULL);  -- chain: their SHA-256
CREATE INDEX encodings_by_certificate ON encodings (certificate);
CREATE TABLE authorities (sha256 BLOB PRIMARY KEY, der BLOB NOT NULL);
CREATE TABLE domains (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, named INTEGER NOT NULL);
CREATE TABLE domain_certificates (          -- named: a name of the certificate; else a domain above one
    domain INTEGER NOT NULL, certificate INTEGER NOT NULL, named INTEGER NOT NULL,
    PRIMARY KEY (domain, certificate)) WITHOUT ROWID;
CREATE VIRTUAL TABLE domain_text USING fts5(text, content='', detail='none', tokenize='trigram');
CREATE TABLE revocations (
    certificate INTEGER PRIMARY KEY, status TEXT NOT NULL, checked_at INTEGER NOT NULL, revoked_at INTEGER,
    reason TEXT NOT NULL, source TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE crls (
    url TEXT PRIMARY KEY, fetched_at INTEGER NOT NULL, next_update INTEGER, der BLOB, error TEXT);
CREATE TABLE heartbeat (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL, interval REAL NOT NULL);
"""


def connect(path: Path, *, read_only: bool) -> Database:
    """Open the database, made or migrated first unless ``read_only``; raises StoreError."""
    if read_only and not path.exists():
        return _empty()
    try:
        return _open(path, read_only=read_only)
    except sqlite3.Error as error:
        raise StoreError(f"could not open {path}: {error}") from error


def _open(path: Path, *, read_only: bool) -> Database:
    uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)
    try:
        database = Database(connection, recursive_triggers=False, execute_plugins=False)
        version = user_version(database)
        if version > VERSION:
            raise StoreError(
                f"{path} has version {version}; this program knows {VERSION}. Use the newer mingjing."
            )
        if not read_only:
            database.execute("PRAGMA journal_mode=WAL")
            if version < VERSION:
                migrate(database)
    except BaseException:
        connection.close()
        raise
    if read_only and version == 0:  # the writer is about to make it
        connection.close()
        return _empty()
    return database


def _empty() -> Database:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    database = Database(connection, recursive_triggers=False, execute_plugins=False)
    migrate(database)
    return database


def user_version(database: Database) -> int:
    """Return the version of the tables in ``database``; 0 means none yet."""
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def migrate(database: Database) -> None:
    """Make the tables; two processes that start together make them once."""
    with transaction(database):
        if user_version(database) == VERSION:
            return
        for statement in re.sub(r"--[^\n]*", "", _VERSION_1).split(";"):
            database.conn.execute(statement)
        database.conn.execute(f"PRAGMA user_version={VERSION}")


@contextlib.contextmanager
def transaction(database: Database) -> Iterator[sqlite3.Connection]:
    """All or nothing, and no other writer meanwhile (``BEGIN IMMEDIATE``)."""
    database.conn.execute("BEGIN IMMEDIATE")
    try:
        yield database.conn
    except BaseException:
        database.conn.rollback()
        raise
    database.conn.commit()
