"""What waits for a flush: drafts of entries, the tickets of their submitters, and the pool's limits."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tlog.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry with its place: the leaf input that is hashed, its bytes in the data tile, and other objects
    that must be stored with it (key and bytes, the same bytes whenever the same key).
    """

    leaf: bytes
    bundled: bytes
    objects: Mapping[str, bytes] = field(default_factory=dict)


class Draft(Protocol):
    """An entry that waits for its place."""

    def seal(self, index: int, timestamp: int) -> Sealed:
        """Return the entry as leaf number ``index`` at ``timestamp`` (milliseconds). It must not fail."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much waits and how long. Times in seconds."""

    pool_size: int = 750
    period: float = 0.2
    head_age: float = 10.0  # a head older than this is signed anew, so that it never looks stale
    wait: float = 15.0  # how long a submitter waits before it is told to come back
    reserve: float = 0.2  # part of the pool kept from submissions that can be shed


class Ticket:
    """One submission's way through the sequencer; several submitters of the same entry share it."""

    __slots__ = ("_batch", "draft", "index", "key", "outcome", "timestamp")

    def __init__(self, key: bytes, draft: Draft, batch: "Batch") -> None:
        self.key = key
        self.draft = draft
        self.index = -1
        self.timestamp = -1
        self.outcome: object = None
        """What the layer above made of the merged entry (its promise)."""
        self._batch = batch

    def wait(self, timeout: float) -> None:
        """Return once the entry is merged; raises Unavailable with the reason if it was not."""
        if not self._batch.done.wait(timeout):
            raise Unavailable("the log is slow to store this submission; send it again", retry_after=5)
        if self._batch.failure is not None:
            raise Unavailable(self._batch.failure, retry_after=1)


class Batch:
    """The pool: tickets that will be merged together."""

    def __init__(self) -> None:
        self.tickets: list[Ticket] = []
        self.by_key: dict[bytes, Ticket] = {}
        self.done = threading.Event()
        self.failure: str | None = None
