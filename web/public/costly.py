"""A value that takes time in proportion to the database: kept, and made anew beside the requests.

It is made at most one part in fifty of the time. Only the very first request waits for it; later ones get
what is there, and one that finds it old has it made anew by a thread of its own.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

_SHARE: Final = 50
logger = logging.getLogger(__name__)


class Costly[T]:
    """Keeps the last value for fifty times as long as it took to make. Thread-safe; one thread makes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: T | None = None
        self._good_until = 0.0
        self._making = False

    def get(self, make: Callable[[], T]) -> T:
        """Return the value. ``make`` runs here the first time, and raises here; later in another thread."""
        with self._lock:
            if self._value is None:
                self._value = self._made(make)
            elif not self._making and time.monotonic() >= self._good_until:
                self._making = True
                threading.Thread(target=self._again, args=(make,), name="costly", daemon=True).start()
            return self._value

    def _made(self, make: Callable[[], T]) -> T:
        began = time.monotonic()
        value = make()
        ended = time.monotonic()
        self._good_until = ended + _SHARE * (ended - began)
        return value

    def _again(self, make: Callable[[], T]) -> None:
        """Make the value anew; where that fails the old one stays, and the next request tries again."""
        try:
            value = self._made(make)
        except Exception:
            logger.exception("could not make a value anew")
        else:
            self._value = value
        self._making = False
