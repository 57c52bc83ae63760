"""The tables of monitor.db, and how an older database becomes a newer one."""

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlite_utils import Database

from monitor.errors import StoreError
from monitor.store.migrations import FILLS, MIGRATIONS

VERSION = len(MIGRATIONS)
BUSY_SECONDS = 30.0
CACHE_KIB = 64 * 1024
"""Of each connection. The file is not mapped into memory: a page that is missing there makes the system read
ahead megabytes, one that is read by a call little more than itself."""
JOURNAL_PAGES = 16 * 1024
"""The write-ahead log's length (64 MiB) at which it is moved into the database: a page that many batches
change is moved once. What was committed is on disk either way."""


def connect(path: Path, *, read_only: bool) -> Database:
    """Open the database, made or migrated first unless ``read_only``; raises StoreError."""
    if read_only and not path.exists():
        return _empty()
    try:
        return _open(path, read_only=read_only)
    except (sqlite3.Error, OSError) as error:
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
        if read_only and 0 < version < VERSION:
            raise StoreError(f"{path} has version {version}; the scheduler makes it version {VERSION}.")
        database.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        if not read_only:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute(f"PRAGMA wal_autocheckpoint={JOURNAL_PAGES}")
            if version < VERSION:
                migrate(database, path)
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


def migrate(database: Database, path: Path | None = None) -> None:
    """Make the tables; two processes that start together make them once.

    A database that holds something is copied first, beside ``path``. On disk is the old database until all
    steps are done: a crash leaves it as it was, and the next start begins again.
    """
    with transaction(database):
        version = user_version(database)
        if path and 0 < version < VERSION:
            keep_copy(path, version)
        for number, step in enumerate(MIGRATIONS[version:], version + 1):
            for statement in re.sub(r"--[^\n]*", "", step).split(";"):
                database.conn.execute(statement)
            if number in FILLS:
                FILLS[number](database.conn)
        database.conn.execute(f"PRAGMA user_version={VERSION}")


def keep_copy(path: Path, version: int) -> Path:
    """Copy the database as it stands to ``<path>.version-<version>``, in the place of earlier copies."""
    copy = path.with_name(f"{path.name}.version-{version}")
    unfinished = path.with_name(f"{path.name}.copying")
    unfinished.unlink(missing_ok=True)
    with (
        contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source,
        contextlib.closing(sqlite3.connect(unfinished)) as target,
    ):
        source.backup(target)
    for earlier in path.parent.glob(f"{path.name}.version-*"):
        earlier.unlink()
    unfinished.replace(copy)
    return copy


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
