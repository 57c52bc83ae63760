"""The file of a log's index: its tables, and how an older form of it becomes the present one."""

import sqlite3
from pathlib import Path
from typing import Final

import sqlite_utils

VERSION: Final = 2
SLICES: Final = 64
"""Parts of all hashes, by their first six bits."""

_CACHE_KIB: Final = 16 * 1024
_CHECKPOINT_PAGES: Final = (
    4000  # of 4 KiB in the write-ahead log; more of them at once, fewer waits for the disk
)

_TABLES: Final = """
CREATE TABLE promise (
    leaf_index INTEGER PRIMARY KEY, key BLOB NOT NULL, hash INTEGER NOT NULL, timestamp INTEGER NOT NULL,
    signature BLOB
);
CREATE TABLE entry (key INTEGER PRIMARY KEY, leaf_index INTEGER NOT NULL);
CREATE TABLE leaf (hash INTEGER PRIMARY KEY, leaf_index INTEGER NOT NULL);
CREATE TABLE slice (number INTEGER PRIMARY KEY, size INTEGER NOT NULL);
INSERT INTO slice WITH RECURSIVE n (x) AS (VALUES (0) UNION ALL SELECT x + 1 FROM n WHERE x < 63)
    SELECT x, 0 FROM n;
"""
_FIRST: Final = "CREATE TABLE progress (size INTEGER NOT NULL); INSERT INTO progress VALUES (0);"
_FROM_VERSION_1: Final = """
ALTER TABLE entry RENAME TO old_entry;
ALTER TABLE leaf RENAME TO old_leaf;
CREATE INDEX old_place ON old_leaf (leaf_index);
"""
_FILL_FROM_VERSION_1: Final = """
INSERT INTO promise SELECT e.leaf_index, e.key, number(l.hash), e.timestamp, e.signature
    FROM old_entry e JOIN old_leaf l ON l.leaf_index = e.leaf_index ORDER BY 1;
INSERT OR IGNORE INTO entry SELECT number(key), leaf_index FROM old_entry ORDER BY 1, 2;
INSERT OR IGNORE INTO leaf SELECT number(hash), leaf_index FROM old_leaf ORDER BY 1, 2;
UPDATE slice SET size = (SELECT size FROM progress);
DROP TABLE old_entry;
DROP TABLE old_leaf;
"""


def number_of(digest: bytes) -> int:
    """The first eight bytes of a hash as SQLite's integer, by which the look-up trees are ordered."""
    return int.from_bytes(digest[:8], signed=True)


def slice_of(number: int) -> int:
    """Which slice a hash belongs to; a slice lies together in its tree."""
    return (number >> 58) & (SLICES - 1)


def connect(path: Path) -> sqlite3.Connection:
    """Open the index for writing, made or brought up to date if need be; raises sqlite3.DatabaseError."""
    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        sqlite_utils.Database(connection).enable_wal()
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        _bring_up_to_date(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == VERSION:
        return
    if version not in {0, 1}:
        raise sqlite3.DatabaseError(f"{path}: version {version}")
    if version == 0:
        steps = _FIRST + _TABLES
    else:
        connection.create_function("number", 1, number_of, deterministic=True)
        steps = _FROM_VERSION_1 + _TABLES + _FILL_FROM_VERSION_1
    connection.executescript(f"BEGIN; {steps} PRAGMA user_version = {VERSION}; COMMIT;")


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is not what this program has written, as opposed to a full disk or the like."""
    if not hasattr(error, "sqlite_errorcode"):  # raised here: of another version
        return True
    return error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def remove(path: Path) -> None:
    """Delete the index; the tree holds all that it is made from."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
