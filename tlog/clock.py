"""A log's clock: strictly increasing milliseconds, and a refusal rather than a false timestamp."""

import os
import time
from collections.abc import Callable
from typing import Final

from tlog.errors import ClockJumped

MAX_STEP_MS: Final = 5_000
"""How far the wall clock may step between two readings before the log stops believing it."""

MAX_STANDSTILL_MS: Final = 90 * 86_400_000
"""How old the newest tree head may be before someone must confirm that the log stood still for so long."""

CONFIRMATION: Final = "MINGJING_TRUST_CLOCK"
"""The environment variable by which an operator says, with 1, that the clock is right after all."""

_MS = 1_000_000


def _wall() -> int:
    return time.time_ns() // _MS


def _steady() -> int:
    return (
        time.clock_gettime_ns(time.CLOCK_BOOTTIME) // _MS
    )  # goes on through a suspend, unlike CLOCK_MONOTONIC


class Clock:
    """Compares the wall clock with the machine's steady one, so that a jump is seen and named.

    A slow correction (NTP slewing, steps under ``MAX_STEP_MS``) is followed. After a larger step nothing is
    stamped until the clock is set right or, if the new time is the true one, the log is started again.

    A start has no steady clock to compare with, only the newest tree head. A time before that is refused. One
    far after it too: a head from the future could never be taken back, and the log would be at an end.
    """

    def __init__(self, wall: Callable[[], int] = _wall, steady: Callable[[], int] = _steady) -> None:
        self._wall = wall
        self._steady = steady
        self._anchor = (wall(), steady())
        self._confirmed = os.environ.get(CONFIRMATION) == "1"

    def timestamp(self, after: int) -> int:
        """Return milliseconds since 1970, greater than ``after`` (0: no head yet); raises ClockJumped."""
        wall, steady = self._wall(), self._steady()
        self._check_step((wall - self._anchor[0]) - (steady - self._anchor[1]))
        self._check_distance(wall - after, first=not after)
        self._anchor = (wall, steady)
        return max(wall, after + 1)

    def _check_step(self, step: int) -> None:
        if abs(step) > MAX_STEP_MS:
            raise ClockJumped(
                f"the clock jumped {'forwards' if step > 0 else 'backwards'} by {abs(step) / 1000:.0f} s. "
                "Set it right; if the new time is the true one, restart the log.",
                retry_after=60,
            )

    def _check_distance(self, since: int, *, first: bool) -> None:
        """Compare the time with the newest head's; ``since`` is in milliseconds."""
        if since <= -MAX_STEP_MS:
            raise ClockJumped(
                f"the clock is {-since / 1000:.0f} s behind the newest tree head. Set it right.",
                retry_after=60,
            )
        if since > MAX_STANDSTILL_MS and not first and not self._confirmed:
            raise ClockJumped(
                f"the clock is {since / 86_400_000:.0f} days after the newest tree head. Set it right; if "
                f"the log did stand still for so long, start it once with {CONFIRMATION}=1.",
                retry_after=60,
            )
