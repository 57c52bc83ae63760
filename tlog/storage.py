"""Where a log keeps its tree: the contract, and a directory as its first implementation."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from keys.files import sync_directory
from tlog.errors import Conflict, NotStored, StorageError

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_MAX_KEY = 200


class Storage(Protocol):
    """A flat store of small objects under slash-separated keys, on a disk as well as in an object store.

    *Durability*: when a write returns, the object survives a crash of the process and of the machine.
    *Atomicity*: a reader sees the whole old object or the whole new one, never a mixture or a part.
    *Consistency*: a read or listing that starts after a write has returned sees what it wrote.
    *Conditional writes*: ``create`` succeeds only if no object, or one of the very same bytes, is there;
    this is what makes a second writer visible. There is no rename and no append, and none is needed.
    *Failure*: a write that raises StorageError may have been stored all the same, now or, where requests
    can linger, later; the caller must be right in both cases. Implementations retry what is transient.
    *Concurrency*: reads may run at any time; writes come from the log's one writer, one call at a time.

    The store is not trusted: the compare-and-swapped head in the lock (``tlog.lock``) decides which tree is
    the log's, and everything read back is checked against it.
    """

    def read(self, key: str) -> bytes:
        """Return the object's bytes; raises NotStored or StorageError."""
        ...

    def create(self, objects: Mapping[str, bytes]) -> None:
        """Store each object unless it is there already; Conflict if one is there with other bytes.

        Not atomic as a group: after an error some of the objects may be stored.
        """
        ...

    def replace(self, key: str, data: bytes) -> None:
        """Store an object whatever was there: one that changes in place (the checkpoint), or a repair."""
        ...

    def delete(self, key: str) -> None:
        """Remove the object; one that is not there is no error."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys that start with ``prefix``, which ends with a slash, in any order."""
        ...


def check_key(key: str) -> str:
    """Return the key if it is a plain relative path of safe characters; raises StorageError."""
    if len(key) > _MAX_KEY or not _KEY.fullmatch(key):
        raise StorageError(f"not a storage key: {key[:_MAX_KEY]!r}")
    return key


class DirectoryStore:
    """Objects as files below one directory, in the layout of static-ct-api: any web server can serve it.

    A file is written under a temporary name in ``.tmp/`` (same file system), synced, then linked to its key
    if that is free (``create``) or renamed over it (``replace``), and the directories are synced. So no
    crash leaves a part of a file under a key; what it can leave is a file in ``.tmp/``, which ``sweep``
    removes when the writer next starts.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._known_directories: set[Path] = set()

    def read(self, key: str) -> bytes:
        try:
            return (self.directory / check_key(key)).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotStored(f"{key} is not stored in {self.directory}") from None
        except OSError as error:
            raise StorageError(f"could not read {self.directory / key}: {error.strerror}") from error

    def create(self, objects: Mapping[str, bytes]) -> None:
        touched: set[Path] = set()
        try:
            for key, data in objects.items():
                path = self.directory / check_key(key)
                self._make_directory(path.parent)
                self._create_one(path, data)
                touched.add(path.parent)
            for directory in touched:
                sync_directory(directory)
        except OSError as error:
            raise StorageError(f"could not write to {self.directory}: {error.strerror}") from error

    def replace(self, key: str, data: bytes) -> None:
        path = self.directory / check_key(key)
        try:
            self._make_directory(path.parent)
            self._temporary(data).replace(path)
            sync_directory(path.parent)
        except OSError as error:
            raise StorageError(f"could not write {path}: {error.strerror}") from error

    def delete(self, key: str) -> None:
        path = self.directory / check_key(key)
        try:
            path.unlink(missing_ok=True)
            if path.parent.suffix == ".p":  # the directory of partial tiles goes with the last of them
                with suppress(OSError):
                    path.parent.rmdir()
                    self._known_directories.discard(path.parent)
        except OSError as error:
            raise StorageError(f"could not delete {path}: {error.strerror}") from error

    def keys(self, prefix: str) -> Iterator[str]:
        base = self.directory / check_key(prefix.rstrip("/"))
        try:
            for path in base.rglob("*"):
                if path.is_file():
                    yield path.relative_to(self.directory).as_posix()
        except OSError as error:
            raise StorageError(f"could not list {base}: {error.strerror}") from error

    def sweep(self) -> None:
        """Remove what a crash left under temporary names. Only for the log's one writer."""
        for path in (self.directory / ".tmp").glob("*"):
            path.unlink(missing_ok=True)

    def _create_one(self, path: Path, data: bytes) -> None:
        temporary = self._temporary(data)
        try:
            os.link(temporary, path)
        except FileExistsError:
            if path.read_bytes() != data:
                raise Conflict(
                    f"{path} is already there with other content: another program wrote it, or it is damaged"
                ) from None
        finally:
            temporary.unlink()

    def _temporary(self, data: bytes) -> Path:
        """Write and sync a new file in ``.tmp/``; a failure leaves none behind."""
        self._make_directory(self.directory / ".tmp")
        path = self.directory / ".tmp" / uuid4().hex
        try:
            with path.open("xb", buffering=0) as file:
                remaining = memoryview(data)
                while remaining:
                    remaining = remaining[file.write(remaining) :]
                os.fsync(file.fileno())
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path

    def _make_directory(self, directory: Path) -> None:
        """Make the directory and, as a new name in its parent, sync it there."""
        if directory in self._known_directories:
            return
        if not directory.is_dir():
            self._make_directory(directory.parent)
            with suppress(FileExistsError):
                directory.mkdir()
            sync_directory(directory.parent)
        self._known_directories.add(directory)
