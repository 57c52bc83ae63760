"""Each call of a flush × each way to go wrong × first, middle, last, on a certificate log: then a restart.

After it ``log verify`` finds nothing, every SCT that anyone ever got is in the tree at its index and is given
again, and every checkpoint that was ever published is a beginning of the tree.
"""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.tlog.chains import Ca, OpenLogs
from tests.tlog.faults import FAILING, HANGING, Fault, FaultyLock, FaultyStore
from tlog.ct import CtLog, verify_log
from tlog.errors import StorageError, Unavailable, WriterActive
from tlog.pool import Limits
from tlog.tree import RightEdge
from verifier.algorithms import PrivateKey
from verifier.transparency.checkpoint import verify_checkpoint
from verifier.transparency.entries import X509Entry, parse_merkle_tree_leaf
from verifier.transparency.merkle import hash_leaf
from verifier.transparency.sct import SignedCertificateTimestamp
from verifier.transparency.verify import verify_sct

BEFORE, DURING = 250, 10
"""Entries before the fault and while it lasts: they cross the end of a tile."""

WAIT = 0.4
LIMITS = Limits(period=0.005, wait=WAIT)
PATIENT = Limits(period=0.005, wait=60)
WRITES = ("create", "swap", "replace", "keys", "delete")
TIDYING = {"keys", "delete"}  # which comes after the promises
READS = ("load", "read")
"""What a flush does after one that failed: it reads its state again."""

PLACES = {"first": lambda _: 1, "middle": lambda count: -(-count // 2), "last": lambda count: count}
MATRIX = [
    (step, place)
    for step in WRITES + READS
    for place in (["first"] if step in {"swap", "replace", "load"} else PLACES)  # these are called once
]


@dataclass
class Case:
    """One log directory, and all that anyone was ever told by it."""

    directory: Path
    key: PrivateKey
    chains: list[list[bytes]]
    promises: dict[int, SignedCertificateTimestamp]
    checkpoints: set[bytes] = field(default_factory=set)

    def open(self, limits: Limits = PATIENT) -> CtLog:
        log = CtLog.open(self.directory, self.key, limits=limits)
        _wait_until(lambda: log._sequencer.flushes)  # the head is signed anew at once
        self.see()
        return log

    def see(self) -> None:
        """Note the checkpoint that anyone could fetch now."""
        self.checkpoints.add((self.directory / "checkpoint").read_bytes())

    def submit(self, log: CtLog, count: int = DURING, patience: float | None = None) -> list[str]:
        """Submit chains so that one flush takes them all; returns what those heard who got no promise
        within ``patience`` seconds (the log's own wait when not given).
        """
        numbers, submissions, refusals = range(BEFORE, BEFORE + count), {}, []
        with log._sequencer._pool_changed:
            for number in numbers:
                try:
                    submissions[number] = log.submit(self.chains[number], precertificate=False)
                except Unavailable as error:
                    refusals.append(str(error))
        for number, submission in submissions.items():
            try:
                sct = submission.wait(patience or log._limits.wait)
            except Unavailable as error:
                refusals.append(str(error))
            else:
                assert self.promises.setdefault(number, sct) == sct, "a resubmission got another promise"
        self.see()
        return refusals

    def check(self) -> None:
        """Start again without faults, and compare everything with what was promised and published."""
        log = self.open()
        assert self.submit(log, DURING + 1) == []
        size = log.get_sth().tree_size
        leaves: list[bytes] = []
        while len(leaves) < size:
            leaves += [entry.leaf_input for entry in log.get_entries(len(leaves), size - 1)]
        for number, sct in self.promises.items():
            entry = X509Entry(self.chains[number][0])
            verify_sct(sct, entry, self.key.public_key)
            assert parse_merkle_tree_leaf(leaves[sct.leaf_index]).entry == entry
            assert log.add_chain(self.chains[number]) == sct
        hashes = [hash_leaf(leaf) for leaf in leaves]
        for text in self.checkpoints:
            head = verify_checkpoint(text, log.settings.origin, self.key.public_key)
            assert RightEdge().append(hashes[: head.tree_size]).edge.root() == head.root_hash
        log.close()
        assert verify_log(self.directory).damages == ()


@pytest.fixture(scope="module")
def memory(tmp_path_factory) -> Iterator[Path]:
    """A directory in memory where there is one: no power cut is tested, so no fsync need be waited for."""
    shared = Path("/dev/shm")  # noqa: S108 -- only its subdirectory of a random name is used
    if not os.access(shared, os.W_OK):
        yield tmp_path_factory.mktemp("matrix")
        return
    with tempfile.TemporaryDirectory(dir=shared) as directory:
        yield Path(directory)


@pytest.fixture(scope="module")
def before(memory: Path, ca: Ca) -> Case:
    """A log of 250 entries that each test copies."""
    logs = OpenLogs(memory / "before")
    log = logs.create("p256", [ca.anchor])
    chains = [ca.chain(f"{number}.example.test") for number in range(BEFORE + DURING + 1)]
    given = [log.submit(chain, precertificate=False) for chain in chains[:BEFORE]]
    promises = {number: submission.wait(60) for number, submission in enumerate(given)}
    logs.close()
    return Case(log.directory, logs.keys["p256"], chains, promises)


def _copy(before: Case, to: Path) -> Case:
    shutil.copytree(before.directory, to / "p256")
    shutil.copy(before.directory.with_name("p256.head"), to)
    return Case(to / "p256", before.key, before.chains, dict(before.promises))


@pytest.fixture
def case(before: Case, memory: Path) -> Iterator[Case]:
    """The log in a directory of this test's own."""
    with tempfile.TemporaryDirectory(dir=memory) as directory:
        yield _copy(before, Path(directory))


@pytest.fixture(scope="module")
def counts(before: Case, memory: Path) -> dict[str, int]:
    """How often a flush of that size makes each call, and a flush after a failed swap."""
    found = {}
    for step in WRITES + READS:
        case = _copy(before, memory / step)
        fault = Fault(step, 0, "fails")
        log = case.open()
        _strike(case, log, fault)
        if step in READS:
            _wait_until(lambda log=log: log.trouble is None)
        log.close()
        found[step] = fault.calls
    return found


class SwapsThenFails:
    """A lock whose next swap is done and reported as failed; from then on the fault is armed."""

    def __init__(self, inner: FaultyLock) -> None:
        self.inner = inner

    def swap(self, expected: bytes | None, new: bytes) -> None:
        self.inner.swap(expected, new)
        if not self.inner.fault.armed:
            self.inner.fault.armed = True
            raise StorageError("swapped, but the answer was lost")

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


def _strike(case: Case, log: CtLog, fault: Fault) -> list[str]:
    """Have the fault strike in a flush, or in reading the state again after it; the submitters' refusals."""
    sequencer = log._sequencer
    sequencer.storage = FaultyStore(sequencer.storage, fault)
    sequencer.lock = FaultyLock(sequencer.lock, fault)
    fault.armed = fault.step in WRITES
    if fault.step in READS:
        sequencer.lock = SwapsThenFails(sequencer.lock)
    promised_all_the_same = fault.step in TIDYING  # no refusal to wait for, however slow the machine
    return case.submit(log, patience=60 if promised_all_the_same else None)


@pytest.mark.parametrize("mode", FAILING)
@pytest.mark.parametrize(("step", "place"), MATRIX)
def test_a_failing_call(case, counts, step, mode, place) -> None:
    fault = Fault(step, PLACES[place](counts[step]), mode)
    log = case.open()
    refusals = _strike(case, log, fault)
    assert fault.struck.wait(60), "the fault did not strike"
    assert len(refusals) == (0 if step in TIDYING else DURING)
    case.submit(log)  # as submitters do
    fault.killed.set()  # nothing is tidied up: the process ends here
    log.close()
    case.check()


@pytest.mark.parametrize("mode", HANGING)
@pytest.mark.parametrize(("step", "place"), MATRIX)
def test_a_hanging_call(case, counts, step, mode, place) -> None:
    """Submitters are told to come back, the log says what is wrong, and stopping it takes no longer."""
    fault = Fault(step, PLACES[place](counts[step]), mode)
    log = case.open(LIMITS)
    refusals = _strike(case, log, fault)
    assert fault.struck.wait(60), "the fault did not strike"
    if step in TIDYING:
        assert refusals == []
    elif step in WRITES:
        assert set(refusals) == {"the log is slow to store this submission; send it again"}
    _wait_until(lambda: "the store has not answered for" in (log.trouble or ""))
    with pytest.raises(Unavailable, match="takes no submissions now: the store has not answered"):
        log.add_chain(case.chains[BEFORE + DURING])
    start = time.monotonic()
    log.close()
    assert time.monotonic() - start < WAIT + 20, "it waited for the call that hangs"
    with pytest.raises(WriterActive):  # the write may still happen, so nobody else may write
        case.open()
    log._sequencer.lock.close()  # as the kernel does
    fault.killed.set()
    log._sequencer._thread.join(60)
    log._promises.close()
    case.check()


@pytest.mark.parametrize("step", ["create", "swap", "replace"])
def test_a_call_that_hangs_and_then_goes_on_loses_nothing(case, step) -> None:
    log = case.open(LIMITS)
    go_on = threading.Event()
    owner = log._sequencer.lock if step == "swap" else log._sequencer.storage
    call = getattr(owner, step)
    setattr(owner, step, lambda *arguments: (go_on.wait(60), call(*arguments)))
    refusals = case.submit(log)
    assert len(refusals) == DURING
    _wait_until(lambda: log.trouble)
    go_on.set()
    _wait_until(lambda: log.trouble is None)
    assert case.submit(log) == []
    log.close()
    case.check()


def _wait_until(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
