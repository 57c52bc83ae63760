"""One SQLite connection a thread, opened when first used."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from monitor.errors import StoreError
from monitor.store.schema import connect, transaction


class Connections:
    """Hands each thread its own connection to one database file."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.database()

    def database(self) -> Database:
        """Return this thread's database; a reader that came before the writer looks again."""
        database: Database | None = getattr(self._local, "database", None)
        if database is not None and self._local.provisional and self.path.exists():
            self.release()
            database = None
        if database is None:
            database = connect(self.path, read_only=self.read_only)
            self._local.database = database
            self._local.provisional = not database.execute("PRAGMA database_list").fetchone()[2]
            with self._lock:
                self._opened.append(database.conn)
        return database

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[sqlite3.Row]:
        """Run a query in this thread's connection and return its rows, columns by name."""
        cursor = self.database().conn.cursor()
        cursor.row_factory = sqlite3.Row
        return cursor.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: tuple[Any, ...] = ()) -> sqlite3.Row | None:
        """Return the first row of a query."""
        rows = self.rows(sql, parameters)
        return rows[0] if rows else None

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction; raises StoreError from a reader."""
        if self.read_only:
            raise StoreError(f"{self.path} is open for reading only")
        with transaction(self.database()) as connection:
            yield connection

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Several reads that see one and the same state."""
        connection = self.database().conn
        if connection.in_transaction:
            yield connection
            return
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.rollback()

    def release(self) -> None:
        """Close this thread's connection; the thread gets another when it needs one."""
        database: Database | None = getattr(self._local, "database", None)
        if database is not None:
            self._local.database = None
            with self._lock:
                self._opened.remove(database.conn)
            database.conn.close()

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
        self._local = threading.local()
