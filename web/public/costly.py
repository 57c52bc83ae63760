"""A value that takes time in proportion to the database: made anew at most one part in fifty of the time."""

import threading
import time
from collections.abc import Callable

_SHARE = 50


class Costly[T]:
    """Keeps the last value for fifty times as long as it took to make. Thread-safe; one thread makes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: T | None = None
        self._good_until = 0.0

    def get(self, make: Callable[[], T]) -> T:
        """Return the value kept, or ``make`` it; what ``make`` raises is passed on and nothing kept."""
        with self._lock:
            began = time.monotonic()
            if self._value is None or began >= self._good_until:
                self._value = make()
                ended = time.monotonic()
                self._good_until = ended + _SHARE * (ended - began)
            return self._value
