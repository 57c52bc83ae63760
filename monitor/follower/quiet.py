"""What a log asked for with Retry-After holds in the next rounds too, for each endpoint by itself."""

import time
from urllib.parse import urlsplit

from monitor.errors import Busy, LeftAlone
from monitor.follower.meter import endpoint_of

LONGEST_QUIET = 300.0
"""Seconds; a log that asks for more is asked again: it may not escape its audits."""
MOST_KEPT = 1000

type _Place = tuple[str, str]


class Quiet:
    """Until when each endpoint of a host asked to be left alone. Thread-safe."""

    def __init__(self) -> None:
        self._until: dict[_Place, tuple[float, Busy]] = {}

    def check(self, url: str) -> None:
        """Raise LeftAlone while what ``url`` belongs to is not to be asked."""
        until, busy = self._until.get(_place(url), (0.0, None))
        left = until - time.monotonic()
        if busy is not None and left > 0:
            raise LeftAlone(
                f"{url}: the log asked to be left alone, for {left:.0f} s more", left, busy.record
            )

    def heed(self, url: str, busy: Busy) -> None:
        """Remember what the answer of ``url`` asked for."""
        if busy.retry_after:
            if len(self._until) >= MOST_KEPT:
                self._until.clear()
            until = time.monotonic() + min(busy.retry_after, LONGEST_QUIET)
            self._until[_place(url)] = until, busy


def _place(url: str) -> _Place:
    return urlsplit(url).netloc, endpoint_of(url)
