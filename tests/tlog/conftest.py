"""A small log of plain entries, so that the engine is tested without certificates."""

import hashlib
import itertools
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.tlog.chains import Ca, OpenLogs
from tests.tlog.made_witnesses import MadeWitness, serving
from tlog.clock import Clock
from tlog.errors import DamagedTree
from tlog.head import Head
from tlog.lock import FileLock
from tlog.sequencer import Limits, Sealed, Sequencer, Ticket
from tlog.storage import DirectoryStore
from verifier.transparency.merkle import EMPTY_ROOT


class PlainSigner:
    """Heads with a hash for a signature: enough to tell a whole one from a damaged one."""

    origin = "test.example/log"

    def sign(self, size: int, root: bytes, timestamp: int) -> Head:
        body = f"{self.origin}\n{size}\n{root.hex()}\n{timestamp}\n".encode()
        return Head(size, root, timestamp, body + hashlib.sha256(body).hexdigest().encode())

    def open(self, text: bytes) -> Head:
        try:
            origin, size, root, timestamp, *_ = text.decode().split("\n")
            head = self.sign(int(size), bytes.fromhex(root), int(timestamp))
        except ValueError:
            raise DamagedTree("the checkpoint is damaged") from None
        own, _, _cosignatures = text.partition(b"\ncosigned by ")
        if head.text != own or origin != self.origin:
            raise DamagedTree("the checkpoint is damaged")
        return replace(head, text=text)


class PlainEntries:
    """Entry bundles of tlog-tiles: each entry behind its length in two bytes."""

    kind = "entries"

    def leaves(self, bundle: bytes) -> Sequence[bytes]:
        leaves = []
        while bundle:
            try:
                (length,) = struct.unpack_from(">H", bundle)
            except struct.error:
                raise DamagedTree("the entries end early") from None
            leaves.append(bundle[2 : 2 + length])
            bundle = bundle[2 + length :]
        return leaves


@dataclass
class PlainDraft:
    data: bytes

    def seal(self, index: int, timestamp: int) -> Sealed:
        leaf = struct.pack(">QQ", index, timestamp) + self.data
        return Sealed(leaf, struct.pack(">H", len(leaf)) + leaf)


@dataclass
class PlainLog:
    """A sequencer over a directory, whose flushes the test calls itself unless it starts the thread."""

    directory: Path
    wrap_store: Callable[[DirectoryStore], Any] = lambda store: store
    wrap_lock: Callable[[FileLock], Any] = lambda lock: lock
    limits: Limits = field(default_factory=Limits)
    clock: Clock | None = None
    frozen: bool = False
    released: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    """What submitters were told, by entry: that is what may never be lost."""
    seen: list[bytes] = field(default_factory=list)
    """Every checkpoint that was ever published."""
    opened: list["PlainLog"] = field(default_factory=list)
    sequencer: Sequencer = field(init=False)

    def create(self) -> "PlainLog":
        lock = FileLock(self.directory / "locks", "plain")
        head = PlainSigner().sign(0, EMPTY_ROOT, time.time_ns() // 1_000_000)
        lock.swap(None, head.text)
        lock.close()
        DirectoryStore(self.directory / "store").replace("checkpoint", head.text)
        return self

    def open(self) -> "PlainLog":
        lock = FileLock(self.directory / "locks", "plain")
        self._lock = lock
        store = DirectoryStore(self.directory / "store")
        store.sweep()
        try:
            self.sequencer = Sequencer(
                self.wrap_store(store),
                self.wrap_lock(lock),
                PlainSigner(),
                entries=PlainEntries(),
                merged=self._merged,
                limits=self.limits,
                clock=self.clock,
                frozen=self.frozen,
            )
        except BaseException:
            lock.close()
            raise
        self.opened.append(self)
        return self

    def reopened(self, *, frozen: bool = False) -> "PlainLog":
        """Another process's view: the same directory, no faults, all that was promised remembered."""
        again = PlainLog(
            self.directory, frozen=frozen, released=self.released, seen=self.seen, opened=self.opened
        )
        return again.open()

    @staticmethod
    def _merged(tickets: Sequence[Ticket], _hashes: Sequence[bytes], _head: Head) -> None:
        for ticket in tickets:
            ticket.outcome = (ticket.index, ticket.timestamp)

    def submit(self, entry: bytes, *, can_be_shed: bool = False) -> Ticket:
        return self.sequencer.submit(entry, lambda: PlainDraft(entry), can_be_shed=can_be_shed)

    def add(self, *entries: bytes) -> list[tuple[int, int]]:
        """Submit entries and flush; what is released counts as promised."""
        tickets = [self.submit(entry) for entry in entries]
        self.sequencer.flush()
        for ticket in tickets:
            ticket.wait(0)
            self.released[ticket.key] = ticket.outcome
        self.observe()
        return [ticket.outcome for ticket in tickets]

    def observe(self) -> None:
        """Note the checkpoint that anyone could fetch now."""
        self.seen.append((self.directory / "store" / "checkpoint").read_bytes())

    def abandon(self) -> None:
        """End as a killed process does: nothing is merged or tidied, only the kernel frees the lock."""
        self._lock.close()

    def close(self) -> None:
        self.sequencer.close()


@dataclass(frozen=True)
class Plain:
    signer = PlainSigner()
    entries = PlainEntries()


@pytest.fixture
def plain() -> Plain:
    """How the plain log's heads and entries are read."""
    return Plain()


@pytest.fixture
def new_log(tmp_path: Path) -> Iterator[Callable[..., PlainLog]]:
    """Make and open a new log of plain entries in a directory of its own."""
    numbers = itertools.count()
    opened: list[PlainLog] = []

    def make(**options: Any) -> PlainLog:
        return PlainLog(tmp_path / f"log{next(numbers)}", opened=opened, **options).create().open()

    yield make
    for log in opened:
        log.abandon()


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[OpenLogs]:
    """Certificate logs that close with the test."""
    opened = OpenLogs(tmp_path / "logs")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def ca() -> Ca:
    """An issuing CA below a root."""
    return Ca.root().intermediate()


@pytest.fixture
def witness() -> Iterator[Callable[..., MadeWitness]]:
    """Serves witnesses on free ports."""
    with serving() as serve:
        yield serve
