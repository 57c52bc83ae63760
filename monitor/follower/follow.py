"""The follower: reads a log's entries in order, from the very one where it stopped, into the store."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Event

from monitor.errors import BadResponse, Busy, EntryCountWrong, IssuerMissing, SourceError
from monitor.follower.digest import digest
from monitor.follower.issuers import IssuerKeys
from monitor.follower.places import misplaced
from monitor.follower.source import EntrySource
from monitor.observations import Observations
from monitor.observations.values import Following
from monitor.store import Batch, Logs
from monitor.values import in_words
from verifier.transparency.api import RawEntry

DEFAULT_PAUSE = 2.0
LONGEST_PAUSE = 60.0
ATTEMPTS = 4
TELL_SECONDS = 1.0
MOST_ODD = 100  # entries of a batch that are kept as they came, whatever else is wrong with the log


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a follower stands: entries read, the size it reads towards, entries a second, seconds left."""

    position: int
    target: int
    rate: float
    left: float | None

    def __str__(self) -> str:
        waits = self.left is not None and self.position < self.target
        rest = f", {in_words(self.left or 0)} left" if waits else ""
        return f"{self.position:,} of {self.target:,} entries, {self.rate:,.0f}/s{rest}"


@dataclass(slots=True)
class Follower:
    """Follows one log. ``stop`` ends it between two batches; what was read stays."""

    log: int
    source: EntrySource
    logs: Logs
    stop: Event = field(default_factory=Event)
    tell: Callable[[str], None] | None = None
    name: str = ""
    observations: Observations | None = None
    _issuers: IssuerKeys = field(default_factory=IssuerKeys)
    _told: float = 0.0

    def follow(self, target: int, deadline: float | None = None) -> int:
        """Read until ``target`` entries are stored, ``stop`` is set or ``deadline`` (monotonic) has passed.

        Returns how many entries are stored now. Raises SourceError when the log cannot be read, and Moved
        when another process follows the same log; both leave the store exactly at an entry.
        """
        start = position = self.logs.size(self.log)
        began = time.monotonic()
        while position < target and not self._over(deadline):
            raw = self._entries(position, target, deadline)
            self.logs.append(self.log, self._batch(position, raw), datetime.now(UTC))
            position += len(raw)
            self._tell(_progress(position, target, position - start, time.monotonic() - began))
        return position

    def _batch(self, position: int, raw: Sequence[RawEntry]) -> Batch:
        odd = tuple(
            (index, entry.leaf_input, entry.extra_data)
            for index, entry in enumerate(raw, position)
            if self._issuers.differ(entry) or misplaced(index, entry)
        )[:MOST_ODD]
        batch = digest(position, raw, self.logs.known)
        return replace(batch, odd=odd) if odd else batch

    def _tell(self, progress: Progress) -> None:
        """Say where reading stands, and keep it for others now and then."""
        if self.tell:
            self.tell(f"{self.name}: {progress}")
        now = time.monotonic()
        if self.observations and (now - self._told > TELL_SECONDS or progress.position == progress.target):
            self._told = now
            following = Following(
                progress.position, progress.target, progress.rate, progress.left, datetime.now(UTC)
            )
            self.observations.tell_following(self.log, following)

    def _over(self, deadline: float | None) -> bool:
        return self.stop.is_set() or (deadline is not None and time.monotonic() > deadline)

    def _entries(self, start: int, end: int, deadline: float | None) -> Sequence[RawEntry]:
        """Ask until the log answers, as patiently as it wants and as the deadline allows."""
        attempt = 1
        while True:
            try:
                return _checked(self.source.entries(start, end), end - start, start)
            except (BadResponse, IssuerMissing):
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


def _checked(raw: Sequence[RawEntry], wanted: int, start: int) -> Sequence[RawEntry]:
    if not 0 < len(raw) <= wanted:
        record = {"start": start, "asked": wanted, "received": len(raw)}
        raise EntryCountWrong(f"{len(raw)} entries, expected 1 to {wanted}", record)
    return raw


def _progress(position: int, target: int, read: int, seconds: float) -> Progress:
    rate = read / seconds if seconds > 0 else 0.0
    return Progress(position, target, rate, (target - position) / rate if rate else None)
