"""What the layer above the engine provides: how its heads are signed and how its entries are bundled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Head:
    """A signed tree head; ``timestamp`` in milliseconds since 1970, ``text`` the checkpoint as published."""

    size: int
    root: bytes
    timestamp: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Cosigned:
    """Witnesses' signature lines for the tree of this size and root; no signature of ours is in them.

    A cosignature is over origin, size and root only (C2SP tlog-cosignature), so it stays good when the log
    signs the same tree again at a later time.
    """

    size: int
    root: bytes
    lines: bytes

    def of(self, head: Head) -> bool:
        """Whether the lines are for this head's tree."""
        return (self.size, self.root) == (head.size, head.root)

    def append_to(self, head: Head) -> bytes:
        """The checkpoint with the log's own signature first."""
        return head.text + self.lines


class HeadSigner(Protocol):
    """Signs and opens the heads of one log; the layer above chooses key and signature form."""

    origin: str

    def sign(self, size: int, root: bytes, timestamp: int) -> Head:
        """Return a signed head."""
        ...

    def open(self, text: bytes) -> Head:
        """Return the head in a checkpoint after verifying this log's own signature; raises DamagedTree."""
        ...


class EntryFormat(Protocol):
    """How entries lie in their tiles."""

    kind: str
    """The tiles' name: ``data`` for certificates (static-ct-api), ``entries`` otherwise (tlog-tiles)."""

    def leaves(self, bundle: bytes) -> Sequence[bytes]:
        """Return the leaf inputs, in order, of the entries in a tile; raises DamagedTree."""
        ...
