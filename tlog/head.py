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
