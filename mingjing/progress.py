"""A line on stderr for work that takes more than two seconds: how far, how fast, how long yet."""

import sys
import time
from typing import Final

QUIET_SECONDS: Final = 2.0
TERMINAL_SECONDS: Final = 0.2
FILE_SECONDS: Final = 10.0  # where stderr is kept, one line now and then


class Progress:
    """Called with how much is done of how much; says so on stderr. ``end`` clears the line."""

    def __init__(self, what: str, unit: str) -> None:
        self._what, self._unit = what, unit
        self._started = time.monotonic()
        self._next = self._started + QUIET_SECONDS
        self._shown = False

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        terminal = sys.stderr.isatty()
        self._next = now + (TERMINAL_SECONDS if terminal else FILE_SECONDS)
        self._shown = terminal
        rate = done / (now - self._started)
        left = f", {(total - done) / rate:,.0f} s left" if rate else ""
        line = f"{self._what}: {done:,} of {total:,} {self._unit}, {rate:,.0f}/s{left}"
        sys.stderr.write(f"\r\x1b[K{line}" if terminal else f"{line}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
