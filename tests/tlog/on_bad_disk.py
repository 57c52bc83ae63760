"""What the tests of bad disks run in a process of its own: on_bad_disk KIND DIRECTORY."""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.tlog.chains import Ca, OpenLogs
from tlog.ct import CtLog, verify_log
from tlog.errors import RefuseToStart, StorageError, Unavailable
from tlog.pool import Limits
from verifier.transparency.sct import SignedCertificateTimestamp

MIB = 1 << 20
REFUSAL = "the log could not store this submission; send it again: a write failed"  # no path is told
LIMITS = Limits(period=0.01, head_age=0.2, wait=10)
QUIET = Limits(period=0.01, head_age=600, wait=10)  # no flush but for a submission


class Run:
    """A log on a disk that turns bad and good again, and all that it promised."""

    def __init__(self, directory: Path, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self.ca = Ca.root().intermediate()
        self.logs = OpenLogs(directory)
        self.logs.create("p256", [self.ca.anchor]).close()
        self.directory = directory / "p256"
        self.promises: dict[bytes, SignedCertificateTimestamp] = {}
        self.log = self.open()

    def open(self) -> CtLog:
        return self.logs.open("p256", self.limits)

    def submit(self) -> str | None:
        """Submit a new certificate: its promise is kept, or the refusal returned."""
        chain = self.ca.chain(f"{len(self.promises)}.example.test")
        try:
            self.promises[chain[0]] = self.log.add_chain(chain)
        except Unavailable as error:
            return str(error)
        return None

    def submit_until_refused(self) -> str:
        for _ in range(5000):
            if refusal := self.submit():
                return refusal
        raise AssertionError("the disk never turned bad")

    def check_that_it_reads_on(self) -> None:
        """Readers see a whole log that holds every promise, whatever the disk is like."""
        size = self.log.get_sth().tree_size
        assert size >= len(self.promises)
        last = max(sct.leaf_index for sct in self.promises.values())
        entry, _ = self.log.get_entry_and_proof(last, size)
        assert any(der in entry.leaf_input for der in self.promises)
        assert self.log.trouble
        assert verify_log(self.directory).damages == ()

    def check_that_it_goes_on(self) -> None:
        deadline = time.monotonic() + 60
        while self.submit():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        _wait_until(lambda: self.log.trouble is None)
        for der, sct in self.promises.items():
            assert self.log.add_chain([der, self.ca.der]) == sct
        self.log.close()
        assert verify_log(self.directory).damages == ()
        self.log = self.open()
        for der, sct in self.promises.items():
            assert self.log.add_chain([der, self.ca.der]) == sct
            (entry,) = self.log.get_entries(sct.leaf_index, sct.leaf_index)
            assert der in entry.leaf_input
        self.log.close()


def full(directory: Path) -> None:
    """Fill the disk in the middle of the load, several times at another place of a flush; then make room."""
    ballast = directory / "ballast"
    ballast.write_bytes(bytes(2 * MIB))
    run = Run(directory)
    for _ in range(3):
        refusal = run.submit_until_refused()
        assert refusal == REFUSAL
        run.check_that_it_reads_on()
        with ballast.open("r+b") as file:
            file.truncate(ballast.stat().st_size - MIB // 2)
        while run.submit():
            time.sleep(0.02)
    run.submit_until_refused()
    run.log.close()
    with suppress(StorageError):  # that, or a log that starts and takes nothing
        run.open().close()
    ballast.unlink()
    run.log = run.open()
    run.check_that_it_goes_on()


def unwritable(directory: Path) -> None:
    """Take the right to write to its directories away while the log runs, and have it start like that.

    Between two flushes: a start that has to complete one is refused without the right, as by ``readonly``.
    """
    run = Run(directory, QUIET)
    assert run.submit() is None
    _wait_until(lambda: not list((run.directory / "staging").iterdir()))
    folders = [directory, *(path for path in directory.rglob("*") if path.is_dir())]
    _set_mode(folders, 0o555)
    for _ in range(2):
        assert run.submit_until_refused() == REFUSAL
        run.check_that_it_reads_on()
        run.log.close()
        run.log = run.open()  # it starts, is read, and takes nothing
    _set_mode(folders, 0o755)
    run.check_that_it_goes_on()


def _set_mode(folders: list[Path], mode: int) -> None:
    for folder in folders:
        folder.chmod(mode)


def readonly(directory: Path) -> None:
    """Start on a file system that is mounted read-only: refused, and nothing is lost by it."""
    run = Run(directory)
    assert run.submit() is None
    run.log.close()
    _remount(directory, "ro")
    with pytest.raises((RefuseToStart, StorageError), match="Read-only file system"):
        run.open()
    assert verify_log(run.directory).damages == ()
    _remount(directory, "rw")
    run.log = run.open()
    run.check_that_it_goes_on()


def _remount(directory: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", directory], check=True)


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


if __name__ == "__main__":
    {"full": full, "unwritable": unwritable, "readonly": readonly}[sys.argv[1]](Path(sys.argv[2]))
    sys.stdout.write("ok\n")
