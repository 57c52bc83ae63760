"""A log's promises: signed for entries that are durable, kept, and given again to whoever asks again."""

import hashlib
import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tlog.ct.admission import Admitted
from tlog.ct.index import Index, Indexed, Promise
from tlog.ct.index_file import is_damage
from tlog.ct.reader import LogReader
from tlog.errors import Unavailable
from tlog.head import Head
from tlog.pool import Sealed, Ticket
from tlog.tree import TILE_WIDTH
from verifier.algorithms import Signer
from verifier.transparency.digitally_signed import log_scheme
from verifier.transparency.entries import Entry, TimestampedEntry
from verifier.transparency.sct import SignedCertificateTimestamp, sct_extensions
from verifier.transparency.tiles import TileLeaf, issuer_path
from verifier.transparency.verify import sign_sct

logger = logging.getLogger(__name__)

INDEX_FILE: Final = "index.db"
_SIGNING_THREADS: Final = min(8, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class CertificateDraft:
    """An admitted chain that waits for its place in the tree."""

    admitted: Admitted

    def seal(self, index: int, timestamp: int) -> Sealed:
        issuers = {hashlib.sha256(issuer).digest(): issuer for issuer in self.admitted.issuers}
        timestamped = TimestampedEntry(timestamp, self.admitted.entry, sct_extensions(index))
        return Sealed(
            timestamped.merkle_tree_leaf(),
            TileLeaf(timestamped, self.admitted.precertificate, tuple(issuers)).encode(),
            {issuer_path(fingerprint): issuer for fingerprint, issuer in issuers.items()},
        )


class Promises:
    """Signs, keeps and repeats the SCTs of one log, over its index."""

    def __init__(self, directory: Path, signer: Signer, reader: LogReader) -> None:
        self._signer = signer
        self._reader = reader
        self._index = Index(directory / INDEX_FILE)
        self._index_damaged = False
        self._workers = ThreadPoolExecutor(_SIGNING_THREADS, thread_name_prefix="promises")

    def close(self) -> None:
        """Close the index; the log must have stopped before."""
        self._workers.shutdown()
        self._index.close()

    def given(self, key: bytes, entry: Entry) -> SignedCertificateTimestamp | None:
        """Return the SCT that an entry has, None if it is not in the log.

        One whose SCT was never handed out (a crash came between), or was lost with the index, is signed now.
        """
        promise = self._looked_up(lambda: self._index.promise(key))
        if promise is None:
            return None
        extensions = sct_extensions(promise.index)
        signature = promise.signature
        if signature is None:
            made = sign_sct(entry, promise.timestamp, extensions, self._signer)
            signature = self._index.keep_signature(key, made.signature)
        scheme = log_scheme(self._signer.public_key)
        log_id = self._signer.public_key.key_id
        return SignedCertificateTimestamp(log_id, promise.timestamp, extensions, scheme.value, signature)

    def leaf_index(self, leaf_hash: bytes) -> int | None:
        """Return where a leaf of this hash should be; the caller compares the whole hash."""
        return self._looked_up(lambda: self._index.leaf_index(leaf_hash))

    def _looked_up[T](self, look: Callable[[], T]) -> T:
        """What the index says; raises Unavailable where its file is damaged, until it is made anew."""
        try:
            if not self._index_damaged:
                return look()
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            self._index_damaged = True
        raise Unavailable("the log is making its index anew; send it again", retry_after=10)

    def merged(self, tickets: Sequence[Ticket], leaf_hashes: Sequence[bytes], head: Head) -> None:
        """Sign the promises of entries that are now durable, and index them, before they are released."""
        scts = self._sign_all(tickets)
        rows = [
            Indexed(ticket.key, leaf_hash, Promise(ticket.index, ticket.timestamp, sct.signature))
            for ticket, leaf_hash, sct in zip(tickets, leaf_hashes, scts, strict=True)
        ]
        try:
            self.catch_up(head, head.size - len(tickets))
            if rows:
                self._index.add(rows, head.size)
        except sqlite3.Error as error:
            # The entries are in the tree and their promises good. Without a row a resubmission could make a
            # second entry, which does no harm; the next flush reads what is missing from the tree.
            logger.warning("could not index %d entries: %s", len(rows), error)
        for ticket, sct in zip(tickets, scts, strict=True):
            ticket.outcome = sct

    def catch_up(self, head: Head, until: int) -> None:
        """Read into the index what the tree has and it has not: after a crash, its loss, or damage to it."""
        try:
            if not self._index_damaged:
                return self._catch_up(head, until)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
        logger.error("%s is damaged; it is made anew from the tree", INDEX_FILE)
        self._index_damaged = True
        self._index.start_over()
        self._catch_up(head, until)
        self._index_damaged = False
        return None

    def _catch_up(self, head: Head, until: int) -> None:
        size = self._index.size
        if size > until:
            self._index.start_over()
            size = 0
        while size < until:
            number, offset = divmod(size, TILE_WIDTH)
            first, size = size, min(until, (number + 1) * TILE_WIDTH)
            entries = self._reader.tile_entries(head, number)[offset : size - number * TILE_WIDTH]
            self._index.add([_indexed(first + at, entry) for at, entry in enumerate(entries)], size)

    def _sign_all(self, tickets: Sequence[Ticket]) -> list[SignedCertificateTimestamp]:
        """Sign in several threads, a part of the flush each: libcrypto signs without Python's lock."""
        part = max(1, -(-len(tickets) // _SIGNING_THREADS))
        parts = [tickets[at : at + part] for at in range(0, len(tickets), part)]
        return [sct for signed in self._workers.map(self._sign_part, parts) for sct in signed]

    def _sign_part(self, tickets: Sequence[Ticket]) -> list[SignedCertificateTimestamp]:
        return [self._sign(ticket) for ticket in tickets]

    def _sign(self, ticket: Ticket) -> SignedCertificateTimestamp:
        draft = ticket.draft
        assert isinstance(draft, CertificateDraft)  # noqa: S101 -- certificate logs submit no others
        return sign_sct(draft.admitted.entry, ticket.timestamp, sct_extensions(ticket.index), self._signer)


def _indexed(index: int, entry: TileLeaf) -> Indexed:
    timestamped = entry.timestamped
    kind = bytes([timestamped.entry.entry_type])
    key = hashlib.sha256(kind + timestamped.entry.encode()).digest()
    return Indexed(key, timestamped.leaf_hash(), Promise(index, timestamped.timestamp, None))
