"""The lock: the newest signed head of a log, changed by compare-and-swap only, and its one writer.

The lock decides which tree is the log's. It lives apart from the store, so that bringing back an old copy
of the store cannot bring back an old head with it: the log then refuses to start instead of forking.
"""

import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Protocol

from keys.files import sync_directory
from tlog.errors import NotStored, RefuseToStart, StaleHead, StorageError, WriterActive
from tlog.storage import DirectoryStore


class HeadLock(Protocol):
    """Holds the newest signed head. Linearizable: of two swaps from the same head, one succeeds.

    *Durability*: when ``swap`` returns, the new head survives a crash of the machine. When it raises
    StorageError, either head may be in force; the caller must ``load`` again before it does anything else.
    *Concurrency*: one process holds the lock; acquiring it a second time fails at once (WriterActive).
    """

    def load(self) -> bytes | None:
        """Return the head in force, None for a log that never had one; raises StorageError."""
        ...

    def swap(self, expected: bytes | None, new: bytes) -> None:
        """Put ``new`` in force if ``expected`` is; raises StaleHead if it is not, else StorageError."""
        ...

    def close(self) -> None:
        """Give the lock up."""
        ...


class FileLock:
    """``<name>.head`` with the head as text, guarded by a kernel lock on ``<name>.lock``.

    The kernel lock ends with the process, however it ends, so no stale lock is ever left to remove.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self._store = DirectoryStore(directory)
        self._key = f"{name}.head"
        directory.mkdir(parents=True, exist_ok=True)
        self._guard = _acquire(directory / f"{name}.lock")

    def load(self) -> bytes | None:
        return _read(self._store, self._key)

    def swap(self, expected: bytes | None, new: bytes) -> None:
        if self._guard.closed:
            raise StorageError("this lock has been given up")
        if self.load() != expected:
            raise StaleHead(
                f"{self._store.directory / self._key} holds another tree head than this process last wrote"
            )
        self._store.replace(self._key, new)

    def close(self) -> None:
        self._guard.close()


def move_head(name: str, old: Path, new: Path) -> None:
    """Move a log's head to another lock directory; raises WriterActive while a process writes the log."""
    with _acquire(old / f"{name}.lock"):
        if not (new / f"{name}.head").exists():
            (old / f"{name}.head").rename(new / f"{name}.head")
            sync_directory(new)


def read_head(directory: Path, name: str) -> bytes | None:
    """Return the head that a FileLock keeps, without becoming its writer; raises StorageError."""
    return _read(DirectoryStore(directory), f"{name}.head")


def _read(store: DirectoryStore, key: str) -> bytes | None:
    try:
        return store.read(key)
    except NotStored:
        return None


def _acquire(path: Path) -> IO[str]:
    try:
        guard = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise RefuseToStart(f"could not open the lock {path}: {error.strerror}") from error
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        guard.seek(0)
        holder = guard.read(200).strip() or "another process"
        guard.close()
        raise WriterActive(
            f"{holder} already writes this log ({path.stem}); a log has one writer. Stop that one first."
        ) from None
    guard.truncate(0)
    guard.write(f"process {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC,\n")
    guard.flush()
    return guard
