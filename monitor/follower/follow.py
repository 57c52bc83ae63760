"""The follower: reads a log's entries in order, from the very one where it stopped, into the store."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event

from monitor.errors import BadResponse, Busy, SourceError
from monitor.follower.digest import digest
from monitor.follower.source import LogSource
from monitor.store import Logs
from verifier.transparency.api import RawEntry

DEFAULT_PAUSE = 2.0
LONGEST_PAUSE = 60.0
ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a follower stands: entries read, the size it reads towards, entries a second, seconds left."""

    position: int
    target: int
    rate: float
    left: float | None

    def __str__(self) -> str:
        rest = f", {self.left:.0f} s left" if self.left is not None and self.position < self.target else ""
        return f"{self.position:,} of {self.target:,} entries, {self.rate:,.0f}/s{rest}"


@dataclass(slots=True)
class Follower:
    """Follows one log. ``stop`` ends it between two batches; what was read stays."""

    log: int
    source: LogSource
    logs: Logs
    stop: Event = field(default_factory=Event)
    progress: Callable[[Progress], None] | None = None

    def follow(self, target: int, deadline: float | None = None) -> int:
        """Read until ``target`` entries are stored, ``stop`` is set or ``deadline`` (monotonic) has passed.

        Returns how many entries are stored now. Raises SourceError when the log cannot be read, and Moved
        when another process follows the same log; both leave the store exactly at an entry.
        """
        start = position = self.logs.size(self.log)
        began = time.monotonic()
        while position < target and not self._over(deadline):
            raw = self._entries(position, target, deadline)
            self.logs.append(self.log, digest(position, raw, self.logs.known), datetime.now(UTC))
            position += len(raw)
            if self.progress:
                self.progress(_progress(position, target, position - start, time.monotonic() - began))
        return position

    def _over(self, deadline: float | None) -> bool:
        return self.stop.is_set() or (deadline is not None and time.monotonic() > deadline)

    def _entries(self, start: int, end: int, deadline: float | None) -> Sequence[RawEntry]:
        """Ask until the log answers, as patiently as it wants and as the deadline allows."""
        attempt = 1
        while True:
            try:
                return _checked(self.source.entries(start, end), end - start)
            except BadResponse:
                raise
            except SourceError as error:
                if attempt == ATTEMPTS or not self._wait(error, attempt, deadline):
                    raise
            attempt += 1

    def _wait(self, error: SourceError, attempt: int, deadline: float | None) -> bool:
        """Wait before the next attempt; tell whether there is time for one."""
        asked = error.retry_after if isinstance(error, Busy) else None
        pause = min(LONGEST_PAUSE, asked if asked is not None else DEFAULT_PAUSE * 2 ** (attempt - 1))
        if deadline is not None and time.monotonic() + pause > deadline:
            return False
        return not self.stop.wait(pause)


def _checked(raw: Sequence[RawEntry], wanted: int) -> Sequence[RawEntry]:
    if not 0 < len(raw) <= wanted:
        raise BadResponse(f"{len(raw)} entries, expected 1 to {wanted}")
    return raw


def _progress(position: int, target: int, read: int, seconds: float) -> Progress:
    rate = read / seconds if seconds > 0 else 0.0
    return Progress(position, target, rate, (target - position) / rate if rate else None)
