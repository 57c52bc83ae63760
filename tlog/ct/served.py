"""What the world may ask of a log, whether it runs or only its storage is read."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from tlog.ct.errors import BadQuestion, NotFound
from tlog.ct.heads import CtHeads
from tlog.ct.reader import LogReader
from tlog.ct.settings import LogSettings
from tlog.ct.submission import Submission
from tlog.head import Head
from tlog.witnesses import WitnessStatus
from verifier.transparency.api import RawEntry
from verifier.transparency.merkle import hash_leaf
from verifier.transparency.tree_head import SignedTreeHead


class ServedLog(ABC):
    """RFC 6962's questions and static-ct-api's files, answered from the stored tiles under one head.

    Each method may raise Unavailable, DamagedTree or StorageError besides what it names.
    """

    @property
    @abstractmethod
    def settings(self) -> LogSettings:
        """What the log is and in which state."""

    @property
    @abstractmethod
    def trouble(self) -> str | None:
        """Why it takes no submissions though its state allows them, None when it does."""

    @property
    def witnesses(self) -> tuple[WitnessStatus, ...]:
        """How the witnesses that it asks for cosignatures stand; none where it asks none."""
        return ()

    @abstractmethod
    def submit(self, chain: Sequence[bytes], *, precertificate: bool) -> Submission:
        """Take a chain as add-chain and add-pre-chain do.

        Raises SubmissionRefused, NotAdmitting, or Unavailable with the time to wait.
        """

    @abstractmethod
    def get_roots(self) -> list[bytes]:
        """Return the accepted roots in DER."""

    @abstractmethod
    def checkpoint(self) -> bytes:
        """Return the newest tree head as a checkpoint (signed note), with the cosignatures that it has."""

    @abstractmethod
    def _now(self) -> tuple[Head, CtHeads, LogReader]:
        """Return the head in force, what opens it, and what reads its tree."""

    @abstractmethod
    def _leaf_index(self, leaf_hash: bytes) -> int | None:
        """Return where a leaf of this hash should be, None if there is none."""

    def get_sth(self) -> SignedTreeHead:
        """Return the newest tree head."""
        head, heads, _ = self._now()
        return heads.signed_tree_head(head.text)

    def get_sth_consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """Return the consistency proof between two tree sizes; raises BadQuestion."""
        head, _, reader = self._now()
        return reader.consistency(head, first, second)

    def get_proof_by_hash(self, leaf_hash: bytes, tree_size: int) -> tuple[int, tuple[bytes, ...]]:
        """Return a leaf's index and audit path in the tree of ``tree_size``; raises NotFound, BadQuestion."""
        head, _, reader = self._now()
        _check_tree_size(tree_size, head)
        index = self._leaf_index(leaf_hash)
        if index is None or index >= head.size or reader.leaf_hash(head, index) != leaf_hash:
            raise NotFound("no entry of this log has that hash")
        if index >= tree_size:
            raise NotFound(f"the entry of that hash is not in the tree of {tree_size}, it came later")
        return index, reader.inclusion(head, leaf_hash, index, tree_size)

    def get_entries(self, start: int, end: int) -> list[RawEntry]:
        """Return entries ``start`` to ``end``, both included; fewer than asked where a tile of 256 ends."""
        head, _, reader = self._now()
        return reader.entries(head, start, end)

    def get_entry_and_proof(self, leaf_index: int, tree_size: int) -> tuple[RawEntry, tuple[bytes, ...]]:
        """Return one entry and its audit path in the tree of ``tree_size``; raises BadQuestion."""
        head, _, reader = self._now()
        _check_tree_size(tree_size, head)
        if leaf_index >= tree_size:
            raise BadQuestion(f"leaf_index {leaf_index} is beyond the last entry of a tree of {tree_size}")
        entry = reader.entries(head, leaf_index, leaf_index)[0]
        return entry, reader.inclusion(head, hash_leaf(entry.leaf_input), leaf_index, tree_size)

    def tile(self, path: str) -> bytes:
        """Return ``tile/...`` or ``issuer/...`` of static-ct-api; raises NotFound."""
        head, _, reader = self._now()
        return reader.static(head, path)


def _check_tree_size(tree_size: int, head: Head) -> None:
    if not 0 < tree_size <= head.size:
        raise BadQuestion(f"tree_size {tree_size} is not between 1 and the tree's {head.size}")
