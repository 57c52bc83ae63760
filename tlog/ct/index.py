"""The log's index: which entry a resubmission repeats, and which leaf a hash belongs to.

SQLite beside the tree, made anew from it when it is lost or behind: nothing in it is a promise by itself
except the signed timestamps, which it keeps so that a resubmission gets the identical one.
"""

import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import sqlite_utils

_VERSION = 1
_KEY_SIZE = 16
"""Bytes of a SHA-256 kept as key: a collision takes 2**64 work, and yields an SCT that does not verify."""

_SCHEMA = """
CREATE TABLE entry (
    key BLOB PRIMARY KEY, leaf_index INTEGER NOT NULL, timestamp INTEGER NOT NULL, signature BLOB
) WITHOUT ROWID;
CREATE TABLE leaf (hash BLOB PRIMARY KEY, leaf_index INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE progress (size INTEGER NOT NULL);
INSERT INTO progress VALUES (0);
"""


@dataclass(frozen=True, slots=True)
class Promise:
    """Where an entry stands in the log; ``signature`` is its SCT's, None if none was handed out yet."""

    index: int
    timestamp: int
    signature: bytes | None


@dataclass(frozen=True, slots=True)
class Indexed:
    """One merged entry: its deduplication key, its leaf hash and its promise."""

    key: bytes
    leaf_hash: bytes
    promise: Promise


class Index:
    """Two connections, each guarded by a lock: the sequencer writes by one, everyone looks up by the other,
    so that no look-up waits for a flush.

    Commits survive the process's end at once and the machine's within moments (WAL, synchronous NORMAL);
    what a power cut takes is read again from the tree.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._path = path
        try:
            self._open()
        except sqlite3.DatabaseError:  # not a database, or damaged: it holds nothing that the tree does not
            _remove(self._path)
            self._open()

    def _open(self) -> None:
        self._connection = _connect(self._path)
        self._reader = sqlite3.connect(self._path, check_same_thread=False)
        self._reader.execute("PRAGMA query_only = 1")

    @property
    def size(self) -> int:
        """How many leaves, from the first on, are indexed."""
        with self._lock:
            return int(self._connection.execute("SELECT size FROM progress").fetchone()[0])

    def add(self, entries: Iterable[Indexed], size: int) -> None:
        """Add merged entries in one transaction; ``size`` is the tree's with them. First promises stay."""
        rows = list(entries)
        with self._lock, self._connection:
            self._connection.executemany(
                "INSERT INTO entry VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                sorted(
                    (row.key[:_KEY_SIZE], row.promise.index, row.promise.timestamp, row.promise.signature)
                    for row in rows
                ),
            )
            self._connection.executemany(
                "INSERT INTO leaf VALUES (?, ?) ON CONFLICT DO NOTHING",
                sorted((row.leaf_hash[:_KEY_SIZE], row.promise.index) for row in rows),
            )
            self._connection.execute("UPDATE progress SET size = ?", (size,))

    def promise(self, key: bytes) -> Promise | None:
        """Return where the entry of this deduplication key stands, None if it is not in the log."""
        with self._reading:
            row = self._reader.execute(
                "SELECT leaf_index, timestamp, signature FROM entry WHERE key = ?", (key[:_KEY_SIZE],)
            ).fetchone()
        return Promise(*row) if row else None

    def keep_signature(self, key: bytes, signature: bytes) -> bytes:
        """Store the first signature given for an entry, and return the one that is stored."""
        with self._lock, self._connection:
            self._connection.execute(
                "UPDATE entry SET signature = ? WHERE key = ? AND signature IS NULL",
                (signature, key[:_KEY_SIZE]),
            )
            row = self._connection.execute(
                "SELECT signature FROM entry WHERE key = ?", (key[:_KEY_SIZE],)
            ).fetchone()
        return bytes(row[0]) if row else signature

    def leaf_index(self, leaf_hash: bytes) -> int | None:
        """Return the index of the leaf with this hash (the caller compares the whole hash), or None."""
        with self._reading:
            row = self._reader.execute(
                "SELECT leaf_index FROM leaf WHERE hash = ?", (leaf_hash[:_KEY_SIZE],)
            ).fetchone()
        return int(row[0]) if row else None

    def start_over(self) -> None:
        """Forget everything, to be filled from the tree again."""
        with self._lock, self._reading:
            self._close()
            _remove(self._path)
            self._open()

    def close(self) -> None:
        """Close the database."""
        with self._lock, self._reading:
            self._close()

    def _close(self) -> None:
        self._reader.close()
        self._connection.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        database = sqlite_utils.Database(connection)
        database.enable_wal()
        connection.execute("PRAGMA synchronous = NORMAL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in {0, _VERSION}:
            raise sqlite3.DatabaseError(f"{path}: version {version}")
        if version == 0:
            connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
    except BaseException:
        connection.close()
        raise
    return connection


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
