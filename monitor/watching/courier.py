"""Delivers the notices of one channel, in order, until they have arrived or are visibly given up.

A notice is recorded as delivered after the receiver has taken it: a process killed in between delivers it
once more, under the same id. A channel that fails is left alone for longer and longer, also across restarts.
A notice that fails alone (a hostile name that the receiver stumbles over) must not hold up those behind it:
after a few failures the next one is tried, and when that one passes, the first is set aside for a while.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any, Final

from monitor.store.deliveries import Deliveries, Due, retry_pause
from monitor.watching.channel import NotDelivered, Sender
from monitor.watching.values import Notice

SHORTEST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(minutes=15)
LONGEST_ASIDE: Final = timedelta(hours=6)
PATIENCE: Final = 3
"""Failures of one notice before the next one is tried."""
POLL_SECONDS: Final = 1.0
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a courier needs of the store: its queue, the notices in it, what is sent of one; for how long."""

    deliveries: Deliveries
    notice: Callable[[int], Notice | None]
    content: Callable[[Notice], Mapping[str, Any]]
    give_up_after: timedelta
    release: Callable[[], None]


class Courier:
    """One channel's thread. ``wake`` says that something new may be there; ``stop`` ends what is going on."""

    def __init__(self, name: str, sender: Sender, desk: Desk) -> None:
        self.name = name
        self._sender = sender
        self._desk = desk
        self._alone: tuple[str, ...] = ()  # subjects that are not sent one by one
        self._awake, self._stop = Event(), Event()
        self._thread = Thread(target=self._run, name=f"channel {name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._awake.set()

    def end(self) -> None:
        """Begin to end: what is being sent fails, and stays queued."""
        self._stop.set()
        self._sender.cancel()
        self._awake.set()

    def stop(self) -> None:
        """End."""
        self.end()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                if not self._turn_safely():
                    self._awake.wait(POLL_SECONDS)
                    self._awake.clear()
        finally:
            self._desk.release()

    def _turn_safely(self) -> bool:
        """A turn must never end the thread: alerts would stop, and nobody would be told."""
        try:
            return self.turn(datetime.now(UTC))
        except Exception:
            logger.exception("channel %s: the delivery failed within this program", self.name)
            return False

    def turn(self, now: datetime) -> bool:
        """Try the next notice; returns whether it makes sense to go on at once."""
        due = self._desk.deliveries.due(self.name, now, without=self._alone)
        if due is None:
            return False
        failure = self._try(due)
        if failure is None:
            return True
        behind = self._desk.deliveries.due(self.name, now, after=due.notice, without=self._alone)
        return self._recover(due, failure, behind)

    def _recover(self, due: Due, failure: NotDelivered, behind: Due | None) -> bool:
        """Tell a receiver that is away from one that stumbles over this notice alone."""
        now = datetime.now(UTC)
        if due.attempts >= PATIENCE and behind is not None and self._try(behind) is None:
            pause = retry_pause(due.attempts, timedelta(minutes=1), LONGEST_ASIDE)
            self._desk.deliveries.set_aside(self.name, due.notice, now + pause)
            return True
        self._rest(failure)
        return False

    def _rest(self, failure: NotDelivered) -> None:
        """Leave the channel alone, the longer the more often it has failed."""
        failures = self._desk.deliveries.failures(self.name)
        asked = timedelta(seconds=failure.retry_after or 0)
        pause = max(asked, retry_pause(failures, SHORTEST_PAUSE, LONGEST_PAUSE))
        self._desk.deliveries.pause(self.name, datetime.now(UTC) + pause)

    def _try(self, due: Due) -> NotDelivered | None:
        """Deliver one notice and record what came of it."""
        notice = self._desk.notice(due.notice)
        try:
            if notice is not None:
                self._sender.send(self._desk.content(notice))
        except NotDelivered as failure:
            self._failed(due, failure)
            return failure
        self._desk.deliveries.delivered(self.name, due.notice, datetime.now(UTC))
        return None

    def _failed(self, due: Due, failure: NotDelivered) -> None:
        if self._stop.is_set():
            return
        now = datetime.now(UTC)
        dead = now - due.queued_at > self._desk.give_up_after
        self._desk.deliveries.failed(self.name, due.notice, str(failure), now, dead=dead)
        what = "given up" if dead else "will be tried again"
        logger.warning("channel %s: notice %s not delivered, %s: %s", self.name, due.notice, what, failure)
