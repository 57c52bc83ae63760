"""Seam 5 of the house: what every log can be asked for, whichever protocol it speaks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from verifier.transparency.api import RawEntry
from verifier.transparency.tree_head import SignedTreeHead


@dataclass(frozen=True, slots=True)
class Located:
    """A leaf, where the log says that it is, and the path that should prove it."""

    leaf_hash: bytes
    index: int
    path: tuple[bytes, ...]


class EntrySource(Protocol):
    """What the follower needs of a log. Raises SourceError, and nothing else."""

    def entries(self, start: int, end: int) -> Sequence[RawEntry]:
        """Return entries from index ``start`` on, at least one and none at ``end`` or after it."""


class LogSource(EntrySource, Protocol):
    """Reads one log's public face. Every method raises SourceError, and nothing else, when it cannot.

    Nothing that a source returns is verified: callers check signatures, proofs and roots themselves.
    """

    def tree_head(self) -> SignedTreeHead:
        """Return the log's current tree head."""

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """Return the nodes of a consistency proof; 0 < first < second."""

    def at(self, index: int, size: int) -> Located:
        """Return the leaf that stands at ``index`` of the tree of ``size`` entries."""

    def find(self, leaf_hash: bytes, near: int, size: int) -> Located | None:
        """Return where a leaf is in the tree of ``size`` entries, looking about ``near`` first; or None."""
