"""Seam 5 of the house: what every log can be asked for, whichever protocol it speaks."""

from collections.abc import Sequence
from typing import Protocol

from verifier.transparency.api import RawEntry
from verifier.transparency.tree_head import SignedTreeHead


class LogSource(Protocol):
    """Reads one log's public face. Every method raises SourceError, and nothing else, when it cannot.

    Nothing that a source returns is verified: callers check signatures, proofs and roots themselves.
    """

    def tree_head(self) -> SignedTreeHead:
        """Return the log's current tree head."""

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """Return the nodes of a consistency proof; 0 < first < second."""

    def entries(self, start: int, end: int) -> Sequence[RawEntry]:
        """Return entries from index ``start`` on, at least one and none at ``end`` or after it."""
