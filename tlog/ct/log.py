"""One certificate log: takes submissions, promises what is stored, answers what is asked."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from tlog.clock import Clock
from tlog.ct.admission import Admission
from tlog.ct.creation import create_log
from tlog.ct.heads import CtHeads
from tlog.ct.promises import CertificateDraft, Promises
from tlog.ct.reader import LogReader
from tlog.ct.roots import AcceptedRoots
from tlog.ct.served import ServedLog
from tlog.ct.settings import LogSettings, LogState, SettingsFile
from tlog.ct.submission import Given, Pending, Submission
from tlog.ct.tile_entries import CtEntries
from tlog.errors import NotAdmitting, RefuseToStart
from tlog.head import Head
from tlog.lock import FileLock
from tlog.pool import Limits, Ticket
from tlog.sequencer import Sequencer
from tlog.storage import DirectoryStore
from tlog.witnesses import ASK_FIRST_SECONDS, WitnessAddress, Witnessing, WitnessStatus
from verifier.algorithms import PublicKey, Signer
from verifier.transparency.sct import SignedCertificateTimestamp
from verifier.transparency.tree_head import SignedTreeHead


class CtLog(ServedLog):
    """A log open for writing: ``create`` makes one, ``open`` starts it. Safe to call from many threads.

    Its directory holds what the world may read, laid out as static-ct-api (``checkpoint``, ``tile/``,
    ``issuer/``), and beside it ``log.toml``, ``roots.pem``, ``staging/`` and ``index.db``. The lock, which
    alone decides what the newest tree head is, lies outside: ``<name>.head`` and ``<name>.lock`` beside the
    directory, so that bringing back an old copy of the directory is noticed.

    Starting becomes the log's one writer, completes what a crash cut short and catches the index up. Raises
    RefuseToStart with what was found and what to do, LogSettingsError, or StorageError.
    """

    create = staticmethod(create_log)

    @classmethod
    def open(
        cls,
        directory: Path,
        signer: Signer,
        *,
        limits: Limits | None = None,
        lock_directory: Path | None = None,
        clock: Clock | None = None,
        witnesses: Sequence[WitnessAddress] = (),
        ask_first: float = ASK_FIRST_SECONDS,
    ) -> Self:
        """Start the log in ``directory``; ``signer`` holds its key, ``witnesses`` cosign its heads.

        They are asked before the first submission is taken, for ``ask_first`` seconds at most.
        """
        return cls(
            directory,
            signer,
            limits=limits,
            lock_directory=lock_directory,
            clock=clock,
            witnesses=witnesses,
            ask_first=ask_first,
        )

    def __init__(
        self,
        directory: Path,
        signer: Signer,
        *,
        limits: Limits | None = None,
        lock_directory: Path | None = None,
        clock: Clock | None = None,
        witnesses: Sequence[WitnessAddress] = (),
        ask_first: float = ASK_FIRST_SECONDS,
    ) -> None:
        self.directory = directory
        self._settings = SettingsFile(directory)
        settings = self._settings.current()
        if settings.key != signer.public_key.spki:
            raise RefuseToStart(f"the key of the log in {directory} is another one than the key given")
        self.key: PublicKey = signer.public_key
        self._limits = _within_merge_delay(limits or Limits(), settings)
        self._heads = CtHeads(settings.origin, self.key, signer)
        self._roots = AcceptedRoots(directory)
        self._admission = Admission(self._roots, settings)
        storage = DirectoryStore(directory)
        self._reader = LogReader(storage)
        lock = FileLock(lock_directory or directory.parent, directory.name)
        with ExitStack() as undo:
            undo.callback(lock.close)
            storage.sweep()
            self._promises = Promises(directory, signer, self._reader)
            undo.callback(self._promises.close)
            self._sequencer = Sequencer(
                storage,
                lock,
                self._heads,
                entries=CtEntries(),
                merged=self._merged,
                limits=self._limits,
                clock=clock,
                frozen=not settings.state.admits,
            )
            self._promises.catch_up(self._sequencer.head, self._sequencer.head.size)
            undo.pop_all()
        self._witnessing = Witnessing(self._sequencer, witnesses, ask_first=ask_first)
        if self._sequencer.frozen:  # no flush will come that has its head cosigned
            self._witnessing.offer(self._sequencer.head)
        self._sequencer.start()

    def _merged(self, tickets: Sequence[Ticket], leaf_hashes: Sequence[bytes], head: Head) -> None:
        self._promises.merged(tickets, leaf_hashes, head)
        self._witnessing.offer(head)

    def close(self) -> None:
        """Merge what waits, stop, and give up the lock; where a write hangs, its end gives it up."""
        self._witnessing.close()
        if self._sequencer.close():
            self._promises.close()

    # What the log is

    @property
    def settings(self) -> LogSettings:
        """What the log is and in which state; ``log.toml`` is looked at again when it changes."""
        settings = self._settings.current()
        if not settings.state.admits and not self._sequencer.frozen:
            self._sequencer.stop_admitting()
        return settings

    @property
    def log_id(self) -> bytes:
        """SHA-256 of the key's SubjectPublicKeyInfo."""
        return self.key.key_id

    @property
    def trouble(self) -> str | None:
        """What is wrong with it at present, None when nothing is."""
        return self._sequencer.trouble

    @property
    def witnesses(self) -> tuple[WitnessStatus, ...]:
        """How each witness stands, in the order in which they were given."""
        return self._witnessing.status()

    def freeze(self, state: LogState = LogState.READ_ONLY) -> SignedTreeHead:
        """Take no more submissions, for good, and return the final tree head."""
        if self._settings.current().state is not state:
            self._settings.change(state)
        return self._heads.signed_tree_head(self._sequencer.freeze().text)

    # Submissions

    def add_chain(self, chain: Sequence[bytes]) -> SignedCertificateTimestamp:
        """Take a certificate with the chain above it; returns once the entry is durable and published.

        Raises SubmissionRefused, NotAdmitting, or Unavailable with the time to wait.
        """
        return self.submit(chain, precertificate=False).wait(self._limits.wait)

    def add_pre_chain(self, chain: Sequence[bytes]) -> SignedCertificateTimestamp:
        """Take a precertificate with the chain above it; otherwise as ``add_chain``."""
        return self.submit(chain, precertificate=True).wait(self._limits.wait)

    def submit(self, chain: Sequence[bytes], *, precertificate: bool) -> Submission:
        """Take a chain as ``add_chain`` or ``add_pre_chain`` do, without waiting for the flush."""
        if not (state := self.settings.state).admits:
            raise NotAdmitting(f"the log is {state}: it takes no more submissions")
        admitted = self._admission.admit(chain, precertificate=precertificate, now=datetime.now(UTC))
        key = admitted.key
        while True:
            flushes = self._sequencer.flushes
            if (sct := self._promises.given(key, admitted.entry)) is not None:
                return Given(sct)
            ticket = self._sequencer.submit(
                key, lambda: CertificateDraft(admitted), can_be_shed=admitted.can_be_shed, after=flushes
            )
            if ticket is not None:  # else a flush has ended since, which may have brought this very entry
                return Pending(ticket)

    # Questions

    def get_roots(self) -> list[bytes]:
        """Return the accepted roots in DER."""
        return [root.der for root in self._roots.all()]

    def checkpoint(self) -> bytes:
        """Return the newest tree head as a checkpoint (signed note), with the cosignatures that it has."""
        return self._sequencer.checkpoint

    def _now(self) -> tuple[Head, CtHeads, LogReader]:
        return self._sequencer.head, self._heads, self._reader

    def _leaf_index(self, leaf_hash: bytes) -> int | None:
        return self._promises.leaf_index(leaf_hash)


def _within_merge_delay(limits: Limits, settings: LogSettings) -> Limits:
    """A tree head may never be older than the merge delay (RFC 6962 section 3); keep well within it."""
    return replace(limits, head_age=min(limits.head_age, settings.merge_delay.total_seconds() / 3))
