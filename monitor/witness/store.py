"""What a witness remembers: of each log the newest checkpoint that it cosigned, changed by compare-and-swap.

One SQLite database. *Atomicity*: ``swap`` compares and writes in one transaction that excludes all other
writers, threads and processes alike. *Durability*: when it returns, the new checkpoint survives a crash of
the machine (the journal is synced); when it raises, either may be in force, and neither was given away.
A database that is brought back from an old copy would let a log fork unseen: never do that; start a new
witness under another key instead.
"""

import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monitor.witness.errors import CannotCosign, OtherSize

BUSY_SECONDS: Final = 5.0  # how long a writer waits for the other ones
_SCHEMA = """\
CREATE TABLE IF NOT EXISTS cosigned (
    origin_hash TEXT PRIMARY KEY,   -- SHA-256 of the origin in hexadecimal, as its address has it
    origin TEXT NOT NULL,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    timestamp INTEGER NOT NULL,     -- of the cosignature, in seconds since 1970
    checkpoint BLOB NOT NULL        -- with the signatures of the log and of this witness
) STRICT
"""
_ALL = "SELECT origin, size, root, timestamp, checkpoint FROM cosigned ORDER BY origin"
_ONE = "SELECT origin, size, root, timestamp, checkpoint FROM cosigned WHERE origin_hash=?"
_PUT = (
    "INSERT OR REPLACE INTO cosigned (origin_hash, origin, size, root, timestamp, checkpoint)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The newest checkpoint of a log that was cosigned; ``timestamp`` in seconds since 1970."""

    origin: str
    size: int
    root: bytes
    timestamp: int
    checkpoint: bytes


class WitnessStore:
    """Opens the database, making it where there is none. Safe to use from many threads and processes.

    Raises CannotCosign for what the disk does.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._one_at_a_time = threading.Lock()
        new = not path.exists()
        with self._errors():
            self._connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise
            if new:
                _sync_directory(path.parent)

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")  # each commit is on disk when it returns
        self._connection.execute(_SCHEMA)

    def close(self) -> None:
        """Close the database."""
        with self._one_at_a_time:
            self._connection.close()

    def last(self, origin: str) -> Cosigned | None:
        """Return the newest checkpoint of a log; None when it never had one cosigned."""
        return self.last_by_hash(origin_hash(origin))

    def last_by_hash(self, identifier: str) -> Cosigned | None:
        """Return the same by ``origin_hash``."""
        with self._one_at_a_time, self._errors():
            return self._row(identifier)

    def all(self) -> tuple[Cosigned, ...]:
        """Return the newest checkpoint of every log, by origin."""
        with self._one_at_a_time, self._errors():
            rows = self._connection.execute(_ALL).fetchall()
        return tuple(Cosigned(*row) for row in rows)

    def swap(
        self, origin: str, before: Cosigned | None, make: Callable[[Cosigned | None], Cosigned]
    ) -> Cosigned:
        """Put what ``make`` returns in force if size and root are still those of ``before``.

        ``make`` is given what is in force and runs inside the transaction, so whatever time it reads is later
        than that of every checkpoint before it. Raises OtherSize when another one was first.
        """
        with self._one_at_a_time, self._errors(), self._transaction():
            found = self._row(origin_hash(origin))
            if _tree(found) != _tree(before):
                raise OtherSize(found.size if found else 0)
            made = make(found)
            self._connection.execute(
                _PUT,
                (origin_hash(origin), made.origin, made.size, made.root, made.timestamp, made.checkpoint),
            )
        return made

    def _row(self, identifier: str) -> Cosigned | None:
        row = self._connection.execute(_ONE, (identifier,)).fetchone()
        return Cosigned(*row) if row else None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """One writer at a time, in all processes: the lock is taken before anything is read."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise CannotCosign(f"could not use {self.path}: {error}") from error


def origin_hash(origin: str) -> str:
    """SHA-256 of an origin in hexadecimal: where its checkpoint is read (tlog-witness, monitor retrieval)."""
    return hashlib.sha256(origin.encode()).hexdigest()


def _tree(cosigned: Cosigned | None) -> tuple[int, bytes] | None:
    return (cosigned.size, cosigned.root) if cosigned else None


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
