"""A log's clock: strictly increasing milliseconds, and a refusal rather than a false timestamp."""

import time
from collections.abc import Callable

from tlog.errors import ClockJumped

MAX_STEP_MS = 5_000
"""How far the wall clock may step between two readings before the log stops believing it."""

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
    """

    def __init__(self, wall: Callable[[], int] = _wall, steady: Callable[[], int] = _steady) -> None:
        self._wall = wall
        self._steady = steady
        self._anchor = (wall(), steady())

    def timestamp(self, after: int) -> int:
        """Return milliseconds since 1970, greater than ``after``; raises ClockJumped."""
        wall, steady = self._wall(), self._steady()
        step = (wall - self._anchor[0]) - (steady - self._anchor[1])
        if abs(step) > MAX_STEP_MS:
            raise ClockJumped(
                f"the clock jumped {'forwards' if step > 0 else 'backwards'} by {abs(step) / 1000:.0f} s. "
                "Set it right; if the new time is the true one, restart the log.",
                retry_after=60,
            )
        if wall <= after - MAX_STEP_MS:
            raise ClockJumped(
                f"the clock is {(after - wall) / 1000:.0f} s behind the newest tree head. Set it right.",
                retry_after=60,
            )
        self._anchor = (wall, steady)
        return max(wall, after + 1)
