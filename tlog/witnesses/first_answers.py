"""A log that starts asks its witnesses before it takes anything: it may be an old copy of itself.

Where store and lock were brought back together, nothing on this machine knows that there was more. A witness
does, and a submission that is merged before it has said so forks the log.

The log is released as soon as every witness was asked once and one of them has cosigned the tree there is;
after a time limit it goes on without, for witnesses that are all gone must not stop a log for ever.
"""

import logging
import threading
from math import isinf
from typing import Final

from tlog.sequencer import Sequencer

logger = logging.getLogger(__name__)

ASK_FIRST_SECONDS: Final = 30.0
ASKING: Final = "it asks its witnesses first whether they know a newer tree"
"""The log's trouble meanwhile."""


class FirstAnswers:
    """Holds the log from the moment that this is made; ``seconds`` may be infinite. Thread-safe."""

    def __init__(self, sequencer: Sequencer, witnesses: int, seconds: float) -> None:
        self._sequencer = sequencer
        self._seconds = seconds
        self._changing = threading.Lock()  # guards the three below
        self._awaited = set(range(witnesses))
        self._confirmed = False
        self._holding = bool(witnesses) and seconds > 0
        self._timer: threading.Timer | None = None
        if self._holding:
            sequencer.hold(ASKING)
            self._start_timer()

    def _start_timer(self) -> None:
        if not isinf(self._seconds):
            self._timer = threading.Timer(self._seconds, self._give_up)
            self._timer.daemon = True
            self._timer.start()

    def answered(self, witness: int, cosigned: bool) -> None:
        """Take note of what an attempt at a witness, by its number, has brought."""
        with self._changing:
            self._awaited.discard(witness)
            self._confirmed = self._confirmed or cosigned
            if self._awaited or not self._confirmed:
                return
        self._release()

    def _give_up(self) -> None:
        stopped = self._sequencer.trouble != ASKING
        if self._release() and not stopped:
            logger.error(
                "%s: asked its witnesses for %g s whether there is a newer tree, and %s: it goes on",
                self._sequencer.signer.origin,
                self._seconds,
                "not all have answered" if self._confirmed else "none has cosigned the one that it has",
            )

    def _release(self) -> bool:
        with self._changing:
            holding, self._holding = self._holding, False
        if holding:
            self.close()
            self._sequencer.release()
        return holding

    def close(self) -> None:
        """Wait no longer, and leave the log as it is."""
        if self._timer is not None:
            self._timer.cancel()
