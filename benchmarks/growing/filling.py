"""What runs in processes of their own: one fills two logs and compares them, one opens the large one."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from benchmarks import memory
from benchmarks.growing.chains import Ca
from tlog.ct import CtLog, create_log
from tlog.ct.admission import Admission, Admitted
from tlog.ct.heads import CtHeads
from tlog.ct.promises import CertificateDraft, Promises
from tlog.ct.reader import LogReader
from tlog.ct.roots import AcceptedRoots
from tlog.ct.settings import load_settings
from tlog.ct.tile_entries import CtEntries
from tlog.lock import FileLock
from tlog.pool import Limits, Ticket
from tlog.sequencer import Sequencer
from tlog.storage import DirectoryStore
from verifier.algorithms import PrivateKey
from verifier.certificates import Certificate
from verifier.transparency.sct import SignedCertificateTimestamp

POOL = Limits().pool_size


@dataclass
class Costs:
    """Seconds for each pool of submissions."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Filled:
    """What the process that filled the logs measured."""

    small: Costs
    large: Costs
    memory: float  # MB, the most it ever held, with both logs open
    rate: float  # made-up entries a second


@dataclass(frozen=True)
class Restarted:
    """What a new process that opened the large log measured."""

    seconds: float  # until the log takes submissions
    memory: float  # MB, the most it held, a pool of submissions served


class HandFlushedLog:
    """A certificate log as CtLog puts it together, but flushed by the caller and without a thread."""

    def __init__(self, directory: Path, signer: PrivateKey, root: bytes) -> None:
        create_log(
            directory, name=directory.name, origin=f"growth.example/{directory.name}", signer=signer,
            roots=[Certificate.parse(root)],
        )  # fmt: skip
        storage = DirectoryStore(directory)
        self._admission = Admission(AcceptedRoots(directory), load_settings(directory))
        self._promises = Promises(directory, signer, LogReader(storage))
        self._sequencer = Sequencer(
            storage,
            FileLock(directory.parent, directory.name),
            CtHeads(f"growth.example/{directory.name}", signer.public_key, signer),
            entries=CtEntries(),
            merged=self._promises.merged,
        )

    def submit(self, chain: Sequence[bytes], *, precertificate: bool) -> Ticket:
        """Take a chain with all checks, as CtLog.submit does."""
        return self.take(self._admission.admit(chain, precertificate=precertificate, now=datetime.now(UTC)))

    def take(self, admitted: Admitted) -> Ticket:
        """Take an entry past admission, after looking whether it is there already."""
        flushes, key = self._sequencer.flushes, admitted.key
        assert self._promises.given(key, admitted.entry) is None
        ticket = self._sequencer.submit(key, lambda: CertificateDraft(admitted), after=flushes)
        assert ticket is not None
        return ticket

    def flush(self, tickets: Iterable[Ticket]) -> None:
        """Merge what waits; every submitter must have its promise."""
        self._sequencer.flush()
        for ticket in tickets:
            ticket.wait(0)
            assert isinstance(ticket.outcome, SignedCertificateTimestamp)

    def fill(self, entries: Iterator[Admitted], size: int) -> None:
        """Take made-up entries until the log has this size."""
        while (missing := size - self._sequencer.head.size) > 0:
            self.flush([self.take(entry) for entry in islice(entries, min(POOL, missing))])

    def close(self) -> None:
        self._sequencer.close()
        self._promises.close()


def fill(directory: Path, key: bytes, sizes: dict[str, int], rounds: int) -> Filled:
    """Fill a small and a large log to their sizes; then submit the same chains to both by turns."""
    signer, ca = PrivateKey.from_pkcs8(key), Ca.make()
    logs = {name: HandFlushedLog(directory / name, signer, ca.root) for name in sizes}
    entries, start = ca.made_up(), time.perf_counter()
    for name, log in logs.items():
        log.fill(entries, sizes[name])
    rate = sum(sizes.values()) / (time.perf_counter() - start)
    costs = {name: Costs() for name in sizes}
    for number in range(rounds):
        chains = [ca.chain(number * POOL + at, precertificate=bool(at % 2)) for at in range(POOL)]
        for name in sorted(sizes, reverse=bool(number % 2)):
            _measure(logs[name], chains, costs[name])
    for log in logs.values():
        log.close()
    return Filled(costs["small"], costs["large"], memory.most(), rate)


def _measure(log: HandFlushedLog, chains: Sequence[list[bytes]], costs: Costs) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    log.flush([log.submit(chain, precertificate=bool(at % 2)) for at, chain in enumerate(chains)])
    costs.wall.append(time.perf_counter() - wall)
    costs.cpu.append(time.process_time() - cpu)


def restart(directory: Path, key: bytes) -> Restarted:
    """Open a log as the service does, and have it renew its head and look entries up."""
    signer = PrivateKey.from_pkcs8(key)
    start = time.perf_counter()
    log = CtLog.open(directory, signer)
    took = time.perf_counter() - start
    size = log.get_sth().tree_size
    for index in range(0, size, max(1, size // POOL)):
        log.get_entry_and_proof(index, size)
    log.close()
    return Restarted(took, memory.most())
