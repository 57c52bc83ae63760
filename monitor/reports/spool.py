"""The spool between the site, which anybody may send to, and the scheduler, which alone writes the database.

A report is one file, written whole and synced before it has its name, and named by its own hash: the same
report again is the same file. Files are bounded in size and number. A crash leaves a hidden temporary file at
worst, which the next intake removes.
"""

import os
from hashlib import sha256
from pathlib import Path
from typing import Final

from monitor.errors import MonitorError
from monitor.reports.report import MAX_REPORT_SIZE, Report

MOST_WAITING: Final = 1000
SUFFIX: Final = ".json"

__all__ = ["MAX_REPORT_SIZE", "SpoolFull", "accept", "waiting"]


class SpoolFull(MonitorError):
    """Too many reports wait to be looked at."""


def accept(directory: Path, body: bytes) -> None:
    """Keep a report until the scheduler takes it in; raises ReportError, SpoolFull or OSError."""
    Report.parse(body)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / f"{sha256(body).hexdigest()}{SUFFIX}"
    if path.exists():
        return
    if sum(1 for _ in directory.iterdir()) >= MOST_WAITING:
        raise SpoolFull(f"{MOST_WAITING} reports wait to be looked at; send it again later")
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def waiting(directory: Path) -> list[Path]:
    """Return the reports that wait, in the order of their names; what a crash left is removed."""
    if not directory.is_dir():
        return []
    found = sorted(directory.iterdir())
    for leftover in found:
        if leftover.name.startswith(".") and _old(leftover):
            leftover.unlink(missing_ok=True)
    return [path for path in found if path.suffix == SUFFIX and not path.name.startswith(".")]


def _old(path: Path) -> bool:
    try:
        os.kill(int(path.name.rpartition(".")[2]), 0)
    except (ValueError, ProcessLookupError):
        return True
    except PermissionError:
        return False
    return False
