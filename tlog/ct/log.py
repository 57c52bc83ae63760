"""One certificate log: takes submissions, promises what is stored, answers what is asked."""

import hashlib
import logging
import sqlite3
import threading
import warnings
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tlog.clock import Clock
from tlog.ct.admission import Admission, Admitted
from tlog.ct.errors import BadQuestion, LogSettingsError, NotFound
from tlog.ct.heads import CtHeads
from tlog.ct.index import Index, Indexed, Promise
from tlog.ct.reader import LogReader
from tlog.ct.roots import AcceptedRoots, save_roots
from tlog.ct.settings import FILE_NAME, LogSettings, LogState, load_settings, save_settings
from tlog.ct.tile_entries import CtEntries
from tlog.errors import NotAdmitting, RefuseToStart, Unavailable
from tlog.head import Head
from tlog.lock import FileLock
from tlog.sequencer import Limits, Sealed, Sequencer, Ticket
from tlog.startup import CHECKPOINT
from tlog.storage import DirectoryStore
from tlog.tree import TILE_WIDTH
from verifier.algorithms import PublicKey, Signer
from verifier.certificates import Certificate
from verifier.transparency.api import RawEntry
from verifier.transparency.digitally_signed import log_scheme
from verifier.transparency.entries import Entry, TimestampedEntry
from verifier.transparency.extensions import sct_extensions
from verifier.transparency.merkle import EMPTY_ROOT, hash_leaf
from verifier.transparency.sct import SignedCertificateTimestamp
from verifier.transparency.tiles import TileLeaf, issuer_path
from verifier.transparency.tree_head import SignedTreeHead
from verifier.transparency.verify import sign_sct

logger = logging.getLogger(__name__)

INDEX_FILE: Final = "index.db"
DEFAULT_MERGE_DELAY: Final = timedelta(seconds=60)
_SIGNING_THREADS: Final = 2


@dataclass(frozen=True, slots=True)
class _CertificateDraft:
    """An admitted chain that waits for its place in the tree."""

    admitted: Admitted

    def at(self, index: int, timestamp: int) -> TileLeaf:
        issuers = self.admitted.issuers
        return TileLeaf(
            TimestampedEntry(timestamp, self.admitted.entry, sct_extensions(index)),
            self.admitted.precertificate,
            tuple(hashlib.sha256(issuer).digest() for issuer in issuers),
        )

    def seal(self, index: int, timestamp: int) -> Sealed:
        entry = self.at(index, timestamp)
        objects = {
            issuer_path(fingerprint): issuer
            for fingerprint, issuer in zip(entry.chain, self.admitted.issuers, strict=True)
        }
        return Sealed(entry.timestamped.merkle_tree_leaf(), entry.encode(), objects)


class CtLog:
    """A log open for writing; ``create`` makes one, ``open`` starts it. Safe to call from many threads.

    Its directory holds what the world may read, laid out as static-ct-api (``checkpoint``, ``tile/``,
    ``issuer/``), and beside it ``log.toml``, ``roots.pem``, ``staging/`` and ``index.db``. The lock, which
    alone decides what the newest tree head is, lies outside: ``<name>.head`` and ``<name>.lock`` beside the
    directory, so that bringing back an old copy of the directory is noticed.
    """

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        name: str,
        origin: str,
        signer: Signer,
        roots: Iterable[Certificate],
        description: str = "",
        merge_delay: timedelta = DEFAULT_MERGE_DELAY,
        not_after: tuple[datetime | None, datetime | None] = (None, None),
        state: LogState = LogState.USABLE,
        lock_directory: Path | None = None,
        clock: Clock | None = None,
    ) -> LogSettings:
        """Make an empty log, with its first signed head. Raises RefuseToStart if one is there already.

        ``origin`` is the submission address without scheme and without a slash at the end; it can never
        change. A creation that a crash interrupted may be repeated.
        """
        if (directory / FILE_NAME).exists():
            raise RefuseToStart(f"{directory} already holds a log; choose another name")
        log_scheme(signer.public_key)
        settings = LogSettings(
            name, origin, signer.public_key.spki, description or f"{name} log of {origin}", state,
            datetime.now(UTC).replace(microsecond=0), merge_delay, *not_after,
        )  # fmt: skip
        directory.mkdir(parents=True, exist_ok=True)
        save_roots(directory, roots)
        _first_head(directory, CtHeads(origin, signer), lock_directory, clock or Clock())
        save_settings(directory, settings)  # last: from here on the log exists
        return settings

    @classmethod
    def open(
        cls,
        directory: Path,
        signer: Signer,
        *,
        limits: Limits | None = None,
        lock_directory: Path | None = None,
        clock: Clock | None = None,
    ) -> "CtLog":
        """Start a log: become its writer, complete what a crash cut short, catch the index up.

        Raises RefuseToStart with what was found and what to do, LogSettingsError, or StorageError.
        """
        settings = load_settings(directory)
        if settings.key != signer.public_key.spki:
            raise RefuseToStart(f"the key of the log in {directory} is another one than the key given")
        return cls(
            directory,
            settings,
            signer,
            limits or _limits(settings),
            lock_directory=lock_directory,
            clock=clock,
        )

    def __init__(
        self,
        directory: Path,
        settings: LogSettings,
        signer: Signer,
        limits: Limits,
        *,
        lock_directory: Path | None,
        clock: Clock | None,
    ) -> None:
        self.directory = directory
        self._settings = settings
        self._signer = signer
        self._limits = limits
        self._heads = CtHeads(settings.origin, signer)
        self._roots = AcceptedRoots(directory)
        self._admission = Admission(self._roots, lambda: self._settings)
        self._settings_lock = threading.Lock()
        self._storage = DirectoryStore(directory)
        self._reader = LogReader(self._storage)
        lock = FileLock(lock_directory or directory.parent, directory.name)
        try:
            self._storage.sweep()
            self._index = Index(directory / INDEX_FILE)
            self._workers = ThreadPoolExecutor(_SIGNING_THREADS, thread_name_prefix=f"signer {settings.name}")
            self._sequencer = Sequencer(
                self._storage, lock, self._heads,
                entries=CtEntries(), merged=self._merged, limits=limits, clock=clock,
                frozen=not settings.state.admits,
            )  # fmt: skip
            self._catch_up(self._sequencer.head)
        except BaseException:
            lock.close()
            raise
        self._sequencer.start()

    # What the log is

    @property
    def settings(self) -> LogSettings:
        """What the log is and in which state."""
        return self._settings

    @property
    def key(self) -> PublicKey:
        """The key that its promises and heads verify with."""
        return self._signer.public_key

    @property
    def log_id(self) -> bytes:
        """SHA-256 of the key's SubjectPublicKeyInfo."""
        return self.key.key_id

    @property
    def trouble(self) -> str | None:
        """Why it takes no submissions at present, None when it does."""
        return self._sequencer.trouble

    def close(self) -> None:
        """Merge what waits, stop, and give up the lock."""
        self._sequencer.close()
        self._workers.shutdown()
        self._index.close()

    def freeze(self) -> SignedTreeHead:
        """Take no more submissions, for good, and return the final tree head."""
        head = self._sequencer.freeze()
        self.change_state(LogState.READ_ONLY)
        return self._heads.signed_tree_head(head.text)

    def change_state(self, state: LogState) -> None:
        """Record a state. One that admits cannot follow one that does not; raises LogSettingsError."""
        with self._settings_lock:
            if state.admits and not self._settings.state.admits:
                raise LogSettingsError(
                    f"the log {self._settings.name} is {self._settings.state}, which is for good"
                )
            changed = self._settings.in_state(state, datetime.now(UTC).replace(microsecond=0))
            save_settings(self.directory, changed)
            self._settings = changed

    # Submissions

    def add_chain(self, chain: Sequence[bytes]) -> SignedCertificateTimestamp:
        """Take a certificate with the chain above it; returns once the entry is durable and published.

        Raises SubmissionRefused, NotAdmitting, or Unavailable with the time to wait.
        """
        return self._add(chain, precertificate=False)

    def add_pre_chain(self, chain: Sequence[bytes]) -> SignedCertificateTimestamp:
        """Take a precertificate with the chain above it; otherwise as ``add_chain``."""
        return self._add(chain, precertificate=True)

    def _add(self, chain: Sequence[bytes], *, precertificate: bool) -> SignedCertificateTimestamp:
        if not self._settings.state.admits:
            raise NotAdmitting(f"the log is {self._settings.state}: it takes no more submissions")
        admitted = self._admission.admit(chain, precertificate=precertificate, now=datetime.now(UTC))
        key = admitted.key
        if (promise := self._index.promise(key)) is not None:
            return self._again(key, admitted.entry, promise)
        ticket = self._sequencer.submit(
            key, lambda: _CertificateDraft(admitted), can_be_shed=admitted.can_be_shed
        )
        ticket.wait(self._limits.wait)
        if not isinstance(ticket.outcome, SignedCertificateTimestamp):
            raise Unavailable("the entry is stored but its promise could not be signed; send it again")
        return ticket.outcome

    def _again(self, key: bytes, entry: Entry, promise: Promise) -> SignedCertificateTimestamp:
        """Return the SCT that this entry got before; one that was never handed out is signed now."""
        extensions = sct_extensions(promise.index)
        signature = promise.signature
        if signature is None:
            made = sign_sct(entry, promise.timestamp, extensions, self._signer)
            signature = self._index.keep_signature(key, made.signature)
        scheme = log_scheme(self.key)
        return SignedCertificateTimestamp(self.log_id, promise.timestamp, extensions, scheme.value, signature)

    def _merged(self, tickets: Sequence[Ticket], leaf_hashes: Sequence[bytes], head: Head) -> None:
        """Sign the promises of entries that are now durable, and index them, before they are released."""
        self._catch_up(head, until=head.size - len(tickets))
        scts = list(self._workers.map(self._promise, tickets))
        rows = [
            Indexed(ticket.key, leaf_hash, Promise(ticket.index, ticket.timestamp, sct.signature))
            for ticket, leaf_hash, sct in zip(tickets, leaf_hashes, scts, strict=True)
        ]
        try:
            if rows:
                self._index.add(rows, head.size)
        except sqlite3.Error as error:
            # The entries are in the tree and their promises good. Without a row a resubmission could make a
            # second entry, which does no harm, until the next flush reads the rows again from the tree.
            logger.warning("%s: could not index %d entries: %s", self._settings.name, len(rows), error)
        for ticket, sct in zip(tickets, scts, strict=True):
            ticket.outcome = sct

    def _promise(self, ticket: Ticket) -> SignedCertificateTimestamp:
        draft = ticket.draft
        assert isinstance(draft, _CertificateDraft)  # noqa: S101 - the only drafts that this class submits
        return sign_sct(draft.admitted.entry, ticket.timestamp, sct_extensions(ticket.index), self._signer)

    def _catch_up(self, head: Head, until: int | None = None) -> None:
        """Read into the index what the tree has and it has not: after a crash, or after its loss."""
        until = head.size if until is None else until
        if (size := self._index.size) > until:
            self._index.start_over()
            size = 0
        while size < until:
            number, offset = divmod(size, TILE_WIDTH)
            size = min(until, (number + 1) * TILE_WIDTH)
            entries = self._reader.tile_entries(head, number)[offset : size - number * TILE_WIDTH]
            first = number * TILE_WIDTH + offset
            self._index.add([_indexed(first + at, entry) for at, entry in enumerate(entries)], size)

    # Questions

    def get_roots(self) -> list[bytes]:
        """Return the accepted roots in DER."""
        return [root.der for root in self._roots.all()]

    def get_sth(self) -> SignedTreeHead:
        """Return the newest tree head."""
        return self._heads.signed_tree_head(self._sequencer.head.text)

    def checkpoint(self) -> bytes:
        """Return the newest tree head as a checkpoint (signed note)."""
        return self._sequencer.head.text

    def get_sth_consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """Return the consistency proof between two tree sizes; raises BadQuestion."""
        return self._reader.consistency(self._sequencer.head, first, second)

    def get_proof_by_hash(self, leaf_hash: bytes, tree_size: int) -> tuple[int, tuple[bytes, ...]]:
        """Return a leaf's index and audit path in the tree of ``tree_size``; raises NotFound, BadQuestion."""
        head = self._sequencer.head
        _check_tree_size(tree_size, head)
        index = self._index.leaf_index(leaf_hash)
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


def unsafe_promise_without_entry(
    entry: Entry, signer: Signer, *, timestamp: datetime, leaf_index: int
) -> SignedCertificateTimestamp:
    """Sign an SCT for an entry that no log holds: the offence that auditors look for.

    For the demonstration's own throw-away logs only; a key that signs this once can never be trusted again.
    Warns each time.
    """
    warnings.warn(
        "an SCT was signed for an entry that is in no log; never do this with the key of a real log",
        RuntimeWarning,
        stacklevel=2,
    )
    milliseconds = int(timestamp.timestamp() * 1000)
    return sign_sct(entry, milliseconds, sct_extensions(leaf_index), signer)


def _first_head(directory: Path, heads: CtHeads, lock_directory: Path | None, clock: Clock) -> None:
    """Put the head of the empty tree in force; one that an interrupted creation left is kept."""
    lock = FileLock(lock_directory or directory.parent, directory.name)
    try:
        text = lock.load()
        if text is None:
            text = heads.sign(0, EMPTY_ROOT, clock.timestamp(0)).text
            lock.swap(None, text)
        elif heads.open(text).size:
            raise RefuseToStart(
                f"the lock beside {directory} belongs to a log that has entries, and the log is not there. "
                "Bring the directory back from a copy, or choose another name."
            )
        DirectoryStore(directory).replace(CHECKPOINT, text)
    finally:
        lock.close()


def _limits(settings: LogSettings) -> Limits:
    return Limits(head_age=min(Limits().head_age, settings.merge_delay.total_seconds() / 3))


def _check_tree_size(tree_size: int, head: Head) -> None:
    if not 0 < tree_size <= head.size:
        raise BadQuestion(f"tree_size {tree_size} is not between 1 and the tree's {head.size}")


def _indexed(index: int, entry: TileLeaf) -> Indexed:
    timestamped = entry.timestamped
    kind = bytes([timestamped.entry.entry_type])
    key = hashlib.sha256(kind + timestamped.entry.encode()).digest()
    return Indexed(key, timestamped.leaf_hash(), Promise(index, timestamped.timestamp, None))
