"""One witness asked for one log: at most one request under way, the newest head, patience in trouble."""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from tlog.errors import TlogError
from tlog.head import Head
from tlog.witnesses.client import (
    WitnessAddress,
    WitnessAhead,
    WitnessClient,
    WitnessHasSize,
    WitnessTrouble,
)
from verifier.errors import VerifierError
from verifier.transparency.add_checkpoint import AddCheckpoint
from verifier.transparency.checkpoint import Checkpoint
from verifier.transparency.cosignature import verify_cosignature
from verifier.transparency.note import NoteSignature

logger = logging.getLogger(__name__)

PAUSE: Final = 1.0
"""Seconds from one cosignature to the next request: a busy log makes several heads a second."""

LONGEST_PAUSE: Final = 300.0
CLOCK_TOLERANCE: Final = timedelta(minutes=5)
_EPOCH = datetime.fromtimestamp(0, UTC)  # a cosignature without a time says nothing about the newest tree
ATTEMPTS: Final = 3  # of one round: the size that a witness has may change under our hands, but not for ever

_AHEAD: Final = (
    "it has cosigned {} entries of this log, which has {}: an old copy of the log was brought back, and must "
    "not go on. Bring back the newest one; if it is the witness that is wrong, take it out of mingjing.toml"
)

Prove = Callable[[int, int], tuple[bytes, ...]]
"""Gives the consistency proof between two sizes of the log's tree, none from size 0 or between equal ones."""

Given = Callable[[Head, NoteSignature], None]
"""Told of a head and a verified cosignature of it."""

Ahead = Callable[[str], None]
"""Told that a witness knows a larger tree of this log than there is, in words."""

Answered = Callable[[bool], None]
"""Told after each attempt, and after all of the above: whether it brought a cosignature."""


@dataclass(frozen=True, slots=True)
class WitnessStatus:
    """How one witness stands to one log, for operators."""

    name: str
    url: str
    size: int | None = None
    """Entries of the last head that it cosigned; None when it has cosigned none since the log started."""
    cosigned_at: datetime | None = None
    """The time in that cosignature."""
    error: str | None = None
    """Why the last request brought none; None when it did."""
    failures: int = 0
    """Requests without a cosignature since the last one with."""


class Asker:
    """Runs in a thread of its own. ``pause`` is the shortest one, in seconds, between two requests."""

    def __init__(
        self,
        address: WitnessAddress,
        prove: Prove,
        given: Given,
        ahead: Ahead,
        *,
        answered: Answered,
        pause: float = PAUSE,
    ) -> None:
        self.status = WitnessStatus(address.witness.name, address.url)
        self._address = address
        self._client = WitnessClient(address.url, address.ca)
        self._prove = prove
        self._given = given
        self._ahead = ahead
        self._answered = answered
        self._pause = pause
        self._known = 0  # the size that the witness has, as far as we know; it corrects us
        self._changed = threading.Condition()  # guards the two below
        self._newest: Head | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"witness {self.status.name}", daemon=True)

    def start(self) -> None:
        """Start asking in the background."""
        self._thread.start()

    def offer(self, head: Head) -> None:
        """Name the head to be cosigned next, in place of an older one that still waits; returns at once."""
        with self._changed:
            self._newest = head
            self._changed.notify()

    def close(self) -> None:
        """Ask no more; a request under way is cut. Returns at once."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._client.cut()

    def join(self, seconds: float) -> None:
        """Wait for the end of the thread, not for ever: one that is connecting cannot be cut."""
        self._thread.join(seconds)

    def _run(self) -> None:
        while (head := self._next()) is not None:
            self._answered(self._turn(head))
            self._rest()
        self._client.close()

    def _turn(self, head: Head) -> bool:
        """Ask once; returns whether it brought a cosignature."""
        try:
            line, moment = self._ask(head)
            self.status = replace(self.status, size=head.size, cosigned_at=moment, error=None, failures=0)
            self._given(head, line)
        except Exception as error:  # noqa: BLE001 -- a witness's bytes must never end this thread
            self._failed(error)
            if isinstance(error, WitnessAhead):
                self._ahead(f"the witness {self.status.name}: {error}")
            self._put_back(head)
            return False
        return True

    def _next(self) -> Head | None:
        """Wait for a head; None when closed."""
        with self._changed:
            while self._newest is None and not self._closing:
                self._changed.wait()
            head, self._newest = self._newest, None
            return None if self._closing else head

    def _put_back(self, head: Head) -> None:
        """Ask for this head again if no newer one has come: a frozen log makes no more."""
        with self._changed:
            self._newest = self._newest or head

    def _ask(self, head: Head) -> tuple[NoteSignature, datetime]:
        """Return a verified cosignature of a head, and its time; raises TlogError or VerifierError."""
        checkpoint = Checkpoint.parse(head.text)
        for _ in range(ATTEMPTS):
            try:
                request = AddCheckpoint(self._known, self._prove(self._known, head.size), checkpoint)
                lines = self._client.add(request)
            except WitnessHasSize as other:
                if other.size > head.size:
                    raise WitnessAhead(_AHEAD.format(other.size, head.size)) from other
                self._known = other.size
            else:
                self._known = head.size
                return _verified(checkpoint, lines, self._address)
        raise WitnessTrouble("it names another size each time")

    def _failed(self, error: Exception) -> None:
        first = self.status.error != str(error)
        self.status = replace(self.status, error=str(error), failures=self.status.failures + 1)
        if not isinstance(error, TlogError | VerifierError):
            logger.error("witness %s: unexpected error", self.status.name, exc_info=error)
        elif first:
            logger.warning("witness %s: %s", self.status.name, error)

    def _rest(self) -> None:
        """Pause before the next request, longer after each failure; a failed head is asked for again."""
        doubled = min(LONGEST_PAUSE, self._pause * 2 ** min(self.status.failures, 16))
        spread = random.uniform(0.8, 1.2)  # noqa: S311 -- so that the logs of a machine do not ask in step
        until = time.monotonic() + doubled * spread
        with self._changed:
            while not self._closing and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)


def _verified(
    checkpoint: Checkpoint, lines: tuple[NoteSignature, ...], address: WitnessAddress
) -> tuple[NoteSignature, datetime]:
    """Return the witness's own line; what strangers signed is ignored (tlog-witness)."""
    witness = address.witness
    own = [line for line in lines if (line.name, line.key_id) == (witness.name, witness.key_id)][:1]
    moment = verify_cosignature(replace(checkpoint, signatures=tuple(own)), witness)
    if not _EPOCH < moment < datetime.now(UTC) + CLOCK_TOLERANCE:
        raise WitnessTrouble(f"its cosignature has the time {moment:%Y-%m-%d %H:%M:%S} UTC")
    return own[0], moment
