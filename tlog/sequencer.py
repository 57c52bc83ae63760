"""The one writer of a log: gathers submissions in a pool and merges them, flush by flush.

The order of a flush, and what a crash after each step leaves:

1. stage the new tiles as one object. Left: a staged batch that no head names; it is removed later.
2. swap the signed head in the lock. Left: a head whose tiles may not all be stored; the staged batch is
   replayed when the log starts again, by the same code.
3. store the tiles, 4. publish the checkpoint. Left: some or all of them, right as they are; replayed too.
5. tell the layer above (which signs the promises), 6. release the waiting submitters. Left: entries in the
   tree that nobody holds a promise for; a resubmission finds them.
7. remove partial tiles that full ones have replaced, and the staged batch.

Between two flushes the same thread publishes the head again with the cosignatures that witnesses gave for it
(``cosign``), so no older checkpoint can come after a newer one. A crash or failure there loses cosignatures
only: the lock knows the head without them.

A failure before step 2 fails this flush's submissions and changes nothing. From step 2 on it is unknown
what is in force, so the state in memory is thrown away and read again from the lock, as at a start.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from tlog.clock import Clock
from tlog.errors import (
    NotAdmitting,
    NotStored,
    Overloaded,
    RefuseToStart,
    StorageError,
    TlogError,
    Unavailable,
)
from tlog.head import Cosigned, EntryFormat, Head, HeadSigner
from tlog.lock import HeadLock
from tlog.pool import Batch, Draft, Limits, Sealed, Ticket
from tlog.staging import PREFIX, encode, staged_size, staging_key, store
from tlog.startup import CHECKPOINT, FINAL, State, load_state, remove_partials
from tlog.storage import Storage
from tlog.tree import TILE_WIDTH, Growth, Tile
from verifier.transparency.merkle import hash_leaf

logger = logging.getLogger(__name__)

_RECOVERY_PAUSE = 1.0
_HELD_RETRY = 3  # seconds
_KNOWN_OBJECTS = 4096


Merged = Callable[[Sequence[Ticket], Sequence[bytes], Head], None]
"""Told of the merged tickets, their leaf hashes and the new head, before the submitters are released."""


class Sequencer:
    """Runs the flushes of one log in a thread of its own. Raises RefuseToStart when the state is unsafe."""

    def __init__(
        self,
        storage: Storage,
        lock: HeadLock,
        signer: HeadSigner,
        *,
        entries: EntryFormat,
        merged: Merged,
        limits: Limits | None = None,
        clock: Clock | None = None,
        frozen: bool = False,
    ) -> None:
        self.storage = storage
        self.lock = lock
        self.signer = signer
        self.entries = entries
        self.limits = limits or Limits()
        self._merged = merged
        self._clock = clock or Clock()
        state = load_state(storage, lock, signer, entries)
        self._state: State | None = state  # None after a failed write, until it is read again
        self._head = state.head
        self._checkpoint = state.checkpoint
        self._cosigned: Cosigned | None = None  # the newest that was published
        self._stopped: str | None = None  # for good, until an operator has looked at it
        self._held: str | None = None  # until ``release``
        self._setback: str | None = None  # since the last flush, which failed; the next may not
        self._frozen = frozen
        self._final_due = frozen and not _is_stored(storage, FINAL)
        self._last_flush = 0.0
        self._writing_since: float | None = None  # monotonic; None while the writer thread rests
        self._uncleaned: list[str] = list(state.replayed)
        self._known: set[str] = set()  # entries' objects (issuers) that are stored and need not be again
        # _pool_changed guards _pool and _flushing: a ticket is in exactly one of them until it is done;
        # and _unpublished, the newest cosignatures that wait for the writer thread.
        self._pool_changed = threading.Condition()
        self._pool = Batch()
        self._flushing: Batch | None = None
        self._doubtful: Mapping[bytes, Ticket] = {}  # by key: a failed flush may have merged them or not
        self._unpublished: Cosigned | None = None
        self.flushes = 0  # that have ended, well or not
        self._closing = False
        self._thread: threading.Thread | None = None

    # Readers and submitters

    @property
    def head(self) -> Head:
        """The newest published head."""
        return self._head

    @property
    def checkpoint(self) -> bytes:
        """The newest checkpoint as published: the head's text, and the cosignatures that it has."""
        return self._checkpoint

    def cosign(self, size: int, root: bytes, lines: bytes) -> None:
        """Publish the head of this tree with these signature lines after the log's own; returns at once.

        A flush that is due comes first, and lines for another tree than the newest are dropped.
        """
        with self._pool_changed:
            self._unpublished = Cosigned(size, root, lines)
            self._pool_changed.notify_all()  # freeze() waits here too

    @property
    def frozen(self) -> bool:
        """Whether it takes no submissions any more."""
        return self._frozen

    @property
    def trouble(self) -> str | None:
        """What is wrong with the log at present, None when nothing is."""
        return self._stopped or self._held or self._hanging() or self._setback

    def _hanging(self) -> str | None:
        since = self._writing_since
        if since is None or (waited := time.monotonic() - since) < self.limits.wait:
            return None
        return f"the store has not answered for {waited:.0f} s"

    def submit(
        self, key: bytes, make: Callable[[], Draft], *, can_be_shed: bool = False, after: int | None = None
    ) -> Ticket | None:
        """Put an entry into the pool, or join the submission of the same key that is on its way.

        ``after`` is the number of ``flushes`` before the caller looked whether the entry is in the tree; None
        is returned if one has ended since, so that it looks again and no entry is ever taken twice.
        Raises Overloaded when the pool is full (for what ``can_be_shed``, already when nearly full),
        Unavailable when the log is in trouble, NotAdmitting when it is frozen or closed.
        """
        with self._pool_changed:
            if after is not None and after != self.flushes:
                return None
            for batch in (self._flushing, self._pool):
                if batch is not None and (ticket := batch.by_key.get(key)):
                    return ticket
            self._refuse_if_not_admitting()
            if key in self._doubtful:
                raise Unavailable("the log is finding out whether it has stored this entry; send it again")
            room = self.limits.pool_size - len(self._pool.tickets)
            if room <= (self.limits.pool_size * self.limits.reserve if can_be_shed else 0):
                raise Overloaded("the log has more submissions than it can merge now; send it again")
            ticket = Ticket(key, make(), self._pool)
            self._pool.tickets.append(ticket)
            self._pool.by_key[key] = ticket
            if len(self._pool.tickets) == 1:
                self._pool_changed.notify()
            return ticket

    def _refuse_if_not_admitting(self) -> None:
        if self._closing or self._frozen:
            raise NotAdmitting("the log is frozen" if self._frozen else "the log is shutting down")
        if self._stopped:
            raise Unavailable(f"the log takes no submissions: {self._stopped}", retry_after=60)
        if self._held:
            raise Unavailable(f"the log takes no submissions yet: {self._held}", retry_after=_HELD_RETRY)
        if hanging := self._hanging():
            raise Unavailable(f"the log takes no submissions now: {hanging}", retry_after=30)

    # The writer

    def start(self) -> None:
        """Start flushing in a background thread."""
        self._thread = threading.Thread(target=self._run, name=f"sequencer {self.signer.origin}", daemon=True)
        self._thread.start()

    def close(self) -> bool:
        """Merge what is in the pool, stop, and give the lock up; False when a write hangs.

        The lock is then kept until this process ends: the write may still happen, so nobody else may write.
        """
        with self._pool_changed:
            self._closing = True
            self._pool_changed.notify()
        if self._thread is not None:
            self._thread.join(self.limits.wait)
            if self._thread.is_alive():
                logger.critical("%s: stopped in the middle of a write that hangs", self.signer.origin)
                return False
        self.lock.close()
        return True

    def stop_admitting(self) -> None:
        """Take no more submissions, for good; the final head follows with the next flush. Returns at once."""
        with self._pool_changed:
            self._final_due = self._final_due or not self._frozen
            self._frozen = True
            self._pool_changed.notify_all()

    def freeze(self) -> Head:
        """Take no more submissions, merge those in the pool, and return the final head.

        Raises Unavailable when it is not signed in time; the writer goes on trying.
        """
        self.stop_admitting()
        if self._thread is None:
            self.flush()
        with self._pool_changed:
            if not self._pool_changed.wait_for(lambda: not self._final_due, self.limits.wait):
                raise Unavailable("the last submissions are not merged yet", retry_after=5)
        return self._head

    def stop(self, reason: str) -> None:
        """Take no submission and sign no head from now on: only a start after an operator's look may."""
        with self._pool_changed:
            known, self._stopped = self._stopped, reason
            self._pool_changed.notify()
        if reason != known:  # a witness says it again each time it is asked
            logger.critical("%s: %s", self.signer.origin, reason)

    def hold(self, reason: str) -> None:
        """Take no submission and sign no head until ``release``; to be called before ``start``."""
        with self._pool_changed:
            self._held = reason

    def release(self) -> None:
        """End what ``hold`` began; what stopped the log meanwhile stays."""
        with self._pool_changed:
            self._held = None
            self._pool_changed.notify_all()

    def _run(self) -> None:
        while self._wait_for_work():
            self._writing_since = time.monotonic()
            try:
                if self._flush_is_due():
                    self.flush()
                else:
                    self.publish_cosigned()
            except RefuseToStart as error:
                self._stopped = str(error)
                logger.critical("%s: %s", self.signer.origin, error)
            except TlogError as error:
                logger.error("%s: %s", self.signer.origin, error)  # noqa: TRY400 - expected, no traceback
                time.sleep(min(_RECOVERY_PAUSE, 5 * self.limits.period))
            except Exception:  # whatever it was, the state in memory can no longer be trusted
                logger.exception("%s: unexpected error in a flush", self.signer.origin)
                self._state = None
                time.sleep(_RECOVERY_PAUSE)
            finally:
                self._writing_since = None

    def _wait_for_work(self) -> bool:
        """Sleep until there is something to write; False when the log is closed and nothing waits."""
        with self._pool_changed:
            while not self._closing:
                if (remaining := self._due() - time.monotonic()) <= 0 or self._unpublished:
                    return True
                self._pool_changed.wait(None if remaining == float("inf") else remaining)
            return bool(self._pool.tickets)

    def _due(self) -> float:
        """When the next flush is due (monotonic); the caller holds ``_pool_changed``."""
        due = self._last_flush + self.limits.period
        if self._frozen and not self._pool.tickets:
            due = due if self._final_due else float("inf")
        elif not self._pool.tickets and self._state is not None:
            due = max(due, self._last_flush + self.limits.head_age)
        if (self._stopped or self._held) and not self._pool.tickets:
            due = float("inf")
        return due

    def _flush_is_due(self) -> bool:
        with self._pool_changed:
            return self._closing or self._due() <= time.monotonic()

    def publish_cosigned(self) -> None:
        """Publish the newest head with the cosignatures that wait for it; a failure loses only those.

        Only the writer thread (or a test) calls this.
        """
        with self._pool_changed:
            waiting, self._unpublished = self._unpublished, None
        if waiting is None or not waiting.of(self._head) or self._state is None or self._stopped:
            return
        checkpoint = waiting.append_to(self._head)
        try:
            self.storage.replace(CHECKPOINT, checkpoint)
        except StorageError as error:
            logger.warning("%s: could not publish cosignatures: %s", self.signer.origin, error)
            return
        self._cosigned, self._checkpoint = waiting, checkpoint

    def flush(self) -> None:
        """Merge the pool, or renew the head if it is empty. Only the writer thread (or a test) calls this."""
        self._last_flush = time.monotonic()
        with self._pool_changed:
            batch, self._pool = self._pool, Batch()
            self._flushing = batch
            final = self._frozen  # then nothing has come after this batch, and nothing will
        try:
            self._flush(batch)
        except BaseException as error:
            self._setback = _public(error)
            batch.failure = f"the log could not store this submission; send it again: {self._setback}"
            raise
        else:
            self._setback = None
            if final:
                self._record_final()
        finally:
            with self._pool_changed:
                self._flushing = None
                self.flushes += 1
            batch.end()

    def _record_final(self) -> None:
        """Keep the final head under a name of its own. Until that is done a crash or failure leaves a log
        that signs a final head once more, of the same tree.
        """
        try:
            self.storage.replace(FINAL, self._head.text)
        except StorageError as error:
            logger.warning("%s: could not record the final head: %s", self.signer.origin, error)
            return
        with self._pool_changed:
            self._final_due = False
            self._pool_changed.notify_all()

    def _flush(self, batch: Batch) -> None:
        if refused := self._stopped or self._held:
            raise Unavailable(refused)
        state = self._recovered()
        timestamp = self._clock.timestamp(state.head.timestamp)
        sealed = [
            ticket.draft.seal(state.head.size + offset, timestamp)
            for offset, ticket in enumerate(batch.tickets)
        ]
        leaf_hashes = [hash_leaf(entry.leaf) for entry in sealed]
        growth = state.edge.append(leaf_hashes)
        objects, tail = self._objects(state, growth, sealed)
        root = growth.edge.root()
        staged = staging_key(growth.edge.size, root)
        if objects:
            self.storage.create({staged: encode(objects)})  # step 1
        head = self.signer.sign(growth.edge.size, root, timestamp)
        self._state, self._doubtful = None, batch.by_key  # until the new state is known to be in force
        self.lock.swap(state.head.text, head.text)  # step 2
        if objects:
            store(self.storage, objects)  # step 3
        cosigned = self._cosigned
        checkpoint = cosigned.append_to(head) if cosigned and cosigned.of(head) else head.text
        self.storage.replace(CHECKPOINT, checkpoint)  # step 4
        self._head, self._checkpoint = head, checkpoint
        self._remember(sealed)
        for offset, ticket in enumerate(batch.tickets):
            ticket.index, ticket.timestamp = state.head.size + offset, timestamp
        self._merged(batch.tickets, leaf_hashes, head)  # step 5
        self._state, self._doubtful = State(head, growth.edge, tail, checkpoint), {}
        batch.end()  # step 6
        if objects:
            self._clean(objects)  # step 7

    def _remember(self, sealed: Sequence[Sealed]) -> None:
        """Spare the next flushes what this one has stored: a CA's entries share their issuers."""
        if len(self._known) > _KNOWN_OBJECTS:
            self._known.clear()
        self._known.update(key for entry in sealed for key in entry.objects)

    def _recovered(self) -> State:
        """Return the state; after a failure read it again from the lock, as a start does."""
        if self._state is None:
            state = load_state(self.storage, self.lock, self.signer, self.entries)
            self._known.clear()
            self._head, self._checkpoint = state.head, state.checkpoint
            self._uncleaned += state.replayed
            self._merged((), (), state.head)  # so that the layer above knows what was merged after all
            with self._pool_changed:  # who looked before that looks again
                self._state, self._doubtful = state, {}
                self.flushes += 1
            logger.warning(
                "%s: continues after a failed write at %d entries", self.signer.origin, self._head.size
            )
        return self._state

    def _objects(
        self, state: State, growth: Growth, sealed: Sequence[Sealed]
    ) -> tuple[dict[str, bytes], bytes]:
        """Return what a flush stores, entries before the hashes that commit to them, and the new tail."""
        objects: dict[str, bytes] = {}
        parts = [state.tail]
        index, width = divmod(state.head.size, TILE_WIDTH)
        for entry in sealed:
            objects.update((key, data) for key, data in entry.objects.items() if key not in self._known)
            parts.append(entry.bundled)
            width += 1
            if width == TILE_WIDTH:
                objects[Tile(self.entries.kind, index).key] = b"".join(parts)
                parts, index, width = [], index + 1, 0
        tail = b"".join(parts)
        if sealed and width:
            objects[Tile(self.entries.kind, index, width).key] = tail
        objects.update({tile.key: data for tile, data in growth.tiles.items()})
        return objects, tail

    def _clean(self, keys: Iterable[str]) -> None:
        """Remove what has been replaced. A failure costs space, nothing else, and is made good later."""
        self._uncleaned += keys
        try:
            remove_partials(self.storage, self._uncleaned)
            self._uncleaned.clear()
            for key in list(self.storage.keys(PREFIX)):
                if staged_size(key) <= self._head.size:
                    self.storage.delete(key)
        except StorageError as error:
            logger.warning("%s: could not tidy up: %s", self.signer.origin, error)


def _is_stored(storage: Storage, key: str) -> bool:
    try:
        storage.read(key)
    except NotStored:
        return False
    return True


def _public(error: BaseException) -> str:
    """Return what a submitter may read of a failure: the log's own sentences, not the disk's paths."""
    if isinstance(error, Unavailable):
        return str(error)
    return "a write failed" if isinstance(error, TlogError) else "an internal error"
