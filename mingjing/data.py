"""The data directory: found, marked with its version, opened by commands and locked by ``up``."""

import fcntl
import os
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mingjing import config
from mingjing.errors import DataError

VERSION = 1
CLOCK_TOLERANCE = timedelta(minutes=5)


def directory(arguments: Namespace) -> Path:
    """Return the directory named by --data, else $MINGJING_DATA, else ./data."""
    return Path(arguments.data or os.environ.get("MINGJING_DATA") or "data")


def exists(data: Path) -> bool:
    """Tell whether ``init`` has already written its settings here."""
    return (data / config.FILE_NAME).exists()


def prepare(data: Path) -> None:
    """Make the directory, private and writable; raises DataError with the reason."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        probe = data / f".writable.{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise DataError(
            f"could not write to the data directory {data}: {error.strerror}. Choose another with --data."
        ) from None


def mark(data: Path) -> None:
    """Write the version file of a new data directory."""
    config.replace_file(data / "version", f"{VERSION}\n".encode())


def load(data: Path, now: datetime | None = None) -> config.Config:
    """Read the settings of an initialised directory; raises DataError for a newer one or a wrong clock."""
    settings = config.load(data)
    check_version(data)
    check_clock(data, now or datetime.now(UTC))
    return settings


def check_version(data: Path) -> None:
    """Refuse a directory that a newer mingjing has written."""
    try:
        found = int((data / "version").read_text("ascii"))
    except (OSError, ValueError):
        raise DataError(
            f"{data}/version is missing or not a number: this is not a whole data directory."
        ) from None
    if found > VERSION:
        raise DataError(f"{data} has version {found}; this program knows {VERSION}. Use the newer mingjing.")


def check_clock(data: Path, now: datetime) -> None:
    """Refuse to work with a clock that stands before the moment when this directory was made."""
    made = datetime.fromtimestamp((data / "version").stat().st_mtime, UTC)
    if now < made - CLOCK_TOLERANCE:
        raise DataError(
            f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC, but {data} was made at "
            f"{made:%Y-%m-%d %H:%M} UTC. Set the clock right: every check of validity depends on it."
        )


@contextmanager
def only_one(data: Path, what: str) -> Iterator[None]:
    """Hold the lock of ``what`` (``up``, ``demo``…) for this directory; raises DataError if it is held."""
    with (data / f"{what.replace(' ', '-')}.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise DataError(
                f"`mingjing {what}` already runs on {data} (process {file.read().strip() or 'unknown'})."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
