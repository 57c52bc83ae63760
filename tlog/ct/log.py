"""One certificate log: takes submissions, promises what is stored, answers what is asked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from tlog.clock import Clock
from tlog.ct.admission import Admission
from tlog.ct.creation import create_log
from tlog.ct.errors import BadQuestion, NotFound
from tlog.ct.heads import CtHeads
from tlog.ct.promises import CertificateDraft, Promises
from tlog.ct.reader import LogReader
from tlog.ct.roots import AcceptedRoots
from tlog.ct.settings import LogSettings, LogState, SettingsFile
from tlog.ct.submission import Given, Pending, Submission
from tlog.ct.tile_entries import CtEntries
from tlog.errors import NotAdmitting, RefuseToStart
from tlog.head import Head
from tlog.lock import FileLock
from tlog.pool import Limits
from tlog.sequencer import Sequencer
from tlog.storage import DirectoryStore
from verifier.algorithms import PublicKey, Signer
from verifier.transparency.api import RawEntry
from verifier.transparency.merkle import hash_leaf
from verifier.transparency.sct import SignedCertificateTimestamp
from verifier.transparency.tree_head import SignedTreeHead


class CtLog:
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
    ) -> Self:
        """Start the log in ``directory``; ``signer`` holds its key."""
        return cls(directory, signer, limits=limits, lock_directory=lock_directory, clock=clock)

    def __init__(
        self,
        directory: Path,
        signer: Signer,
        *,
        limits: Limits | None = None,
        lock_directory: Path | None = None,
        clock: Clock | None = None,
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
        try:
            storage.sweep()
            self._promises = Promises(directory, signer, self._reader)
            self._sequencer = Sequencer(
                storage,
                lock,
                self._heads,
                entries=CtEntries(),
                merged=self._promises.merged,
                limits=self._limits,
                clock=clock,
                frozen=not settings.state.admits,
            )
            self._promises.catch_up(self._sequencer.head, self._sequencer.head.size)
        except BaseException:
            lock.close()
            raise
        self._sequencer.start()

    def close(self) -> None:
        """Merge what waits, stop, and give up the lock; where a write hangs, its end gives it up."""
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

    def get_sth(self) -> SignedTreeHead:
        """Return the newest tree head."""
        return self._heads.signed_tree_head(self._sequencer.head.text)

    def checkpoint(self) -> bytes:
        """Return the newest tree head as a checkpoint (signed note), with the cosignatures that it has."""
        return self._sequencer.checkpoint

    def get_sth_consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """Return the consistency proof between two tree sizes; raises BadQuestion."""
        return self._reader.consistency(self._sequencer.head, first, second)

    def get_proof_by_hash(self, leaf_hash: bytes, tree_size: int) -> tuple[int, tuple[bytes, ...]]:
        """Return a leaf's index and audit path in the tree of ``tree_size``; raises NotFound, BadQuestion."""
        head = self._sequencer.head
        _check_tree_size(tree_size, head)
        index = self._promises.leaf_index(leaf_hash)
        if index is None or index >= head.size or self._reader.leaf_hash(head, index) != leaf_hash:
            raise NotFound("no entry of this log has that hash")
        if index >= tree_size:
            raise NotFound(f"the entry of that hash is not in the tree of {tree_size}, it came later")
        return index, self._reader.inclusion(head, leaf_hash, index, tree_size)

    def get_entries(self, start: int, end: int) -> list[RawEntry]:
        """Return entries ``start`` to ``end``, both included; fewer than asked where a tile of 256 ends."""
        return self._reader.entries(self._sequencer.head, start, end)

    def get_entry_and_proof(self, leaf_index: int, tree_size: int) -> tuple[RawEntry, tuple[bytes, ...]]:
        """Return one entry and its audit path in the tree of ``tree_size``; raises BadQuestion."""
        head = self._sequencer.head
        _check_tree_size(tree_size, head)
        if leaf_index >= tree_size:
            raise BadQuestion(f"leaf_index {leaf_index} is beyond the last entry of a tree of {tree_size}")
        entry = self._reader.entries(head, leaf_index, leaf_index)[0]
        return entry, self._reader.inclusion(head, hash_leaf(entry.leaf_input), leaf_index, tree_size)

    def tile(self, path: str) -> bytes:
        """Return ``tile/...`` or ``issuer/...`` of static-ct-api; raises NotFound."""
        return self._reader.static(self._sequencer.head, path)


def _within_merge_delay(limits: Limits, settings: LogSettings) -> Limits:
    """A tree head may never be older than the merge delay (RFC 6962 section 3); keep well within it."""
    return replace(limits, head_age=min(limits.head_age, settings.merge_delay.total_seconds() / 3))


def _check_tree_size(tree_size: int, head: Head) -> None:
    if not 0 < tree_size <= head.size:
        raise BadQuestion(f"tree_size {tree_size} is not between 1 and the tree's {head.size}")
