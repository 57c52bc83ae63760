"""What waits for a flush: drafts of entries, the tickets of their submitters, and the pool's limits."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tlog.errors import Unavailable

logger = logging.getLogger(__name__)


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
        self.check()

    def when_done(self, call: Callable[[], None]) -> None:
        """Have ``call`` made once, at the end of the flush by the writer's thread, or now if it has ended.

        It must be quick and not raise: the writer waits for it. ``check`` then tells how it ended.
        """
        self._batch.when_done(call)

    def check(self) -> None:
        """Raise Unavailable with the reason if the flush, which has ended, failed."""
        if self._batch.failure is not None:
            raise Unavailable(self._batch.failure, retry_after=1)


class Batch:
    """The pool: tickets that will be merged together. Filled under the sequencer's lock, ended once."""

    def __init__(self) -> None:
        self.tickets: list[Ticket] = []
        self.by_key: dict[bytes, Ticket] = {}
        self.done = threading.Event()
        self.failure: str | None = None
        self._ending = threading.Lock()  # between a call that is added and the end
        self._calls: list[Callable[[], None]] = []

    def when_done(self, call: Callable[[], None]) -> None:
        """Have ``call`` made at the end, or now if that has been."""
        with self._ending:
            if not self.done.is_set():
                self._calls.append(call)
                return
        call()

    def end(self) -> None:
        """Release everyone who waits; the first time counts."""
        with self._ending:
            self.done.set()
            calls, self._calls = self._calls, []
        for call in calls:
            try:
                call()
            except Exception:  # one waiter's trouble is not that of the others
                logger.exception("a waiter failed when it was released")
