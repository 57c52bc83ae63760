"""Files made with the right mode and replaced atomically; private ones are checked when read."""

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from keys.errors import KeyNotFound, KeyStoreError, UnsafePermissions

DIRECTORY_MODE: Final = 0o700
FILE_MODE: Final = 0o600
MAX_FILE_SIZE: Final = 64 * 1024  # bytes: a sealed RSA-8192 key takes about 6,000
_OTHERS: Final = 0o077
_TEMPORARY: Final = ".tmp"


def make_directory(path: Path) -> None:
    """Make a directory (and its parents) for the owner alone, or check the one that is there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
    except OSError as error:
        raise KeyStoreError(f"could not make the directory {path}: {error.strerror}") from error
    check_directory(path)
    sync_directory(path.parent)


def check_directory(path: Path) -> None:
    """Raise unless this is a directory that only its owner can enter."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise KeyStoreError(f"could not open the key store {path}: {error.strerror}") from error
    if not stat.S_ISDIR(mode):
        raise UnsafePermissions(f"{path}: expected a directory")
    _check_mode(path, mode, DIRECTORY_MODE)


def read_file(path: Path) -> bytes:
    """The contents of a regular file that only its owner can read; symbolic links are not followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise KeyNotFound(f"{path}: no such file") from None
    except OSError as error:
        raise KeyStoreError(f"could not open {path}: {error.strerror}") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnsafePermissions(f"{path}: expected a regular file")
        _check_mode(path, status.st_mode, FILE_MODE)
        if status.st_size > MAX_FILE_SIZE:
            raise KeyStoreError(f"{path}: expected at most {MAX_FILE_SIZE} bytes, got {status.st_size}")
        return os.read(descriptor, MAX_FILE_SIZE)  # whole: a small regular file comes in one piece
    finally:
        os.close(descriptor)


def _check_mode(path: Path, mode: int, expected: int) -> None:
    if mode & _OTHERS:
        found = stat.S_IMODE(mode)
        raise UnsafePermissions(
            f"{path}: mode {found:04o} lets others in; expected {expected:04o} (chmod {expected:o} {path})"
        )


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the directory's lock, so that one process at a time changes what is in it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_file(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path``, whole or not at all; on disk when this returns. The caller holds the lock.

    A crash before the rename leaves the old file and a temporary one, which holds nothing that the new
    file would not and which the next write removes; a crash after it leaves the new file.
    """
    try:
        _remove_temporaries(path.parent)
        replace_file(path, data, mode=FILE_MODE)
    except OSError as error:
        raise KeyStoreError(f"could not write {path}: {error.strerror}") from error


def replace_file(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace ``path``: written beside it, synced, renamed, the directory synced. Raises OSError.

    Whenever the power fails, the file is the old or the new one; at most a hidden temporary file is left.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}{_TEMPORARY}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def _remove_temporaries(directory: Path) -> None:
    for left in directory.glob(f".*{_TEMPORARY}"):
        left.unlink()


def sync_directory(path: Path) -> None:
    """Make the directory's entries durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
