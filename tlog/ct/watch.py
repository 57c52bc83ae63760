"""A file that an operator may change while the log runs."""

import threading
import time
from pathlib import Path
from typing import Final

_LOOK_EVERY: Final = 1.0


class WatchedFile:
    """Tells, at most once a second, whether a file is another one than it was."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._looked = time.monotonic()
        self._stamp = self._look()

    def changed(self) -> bool:
        """Whether the file has changed since the last call that said so; a missing file has not."""
        if time.monotonic() - self._looked < _LOOK_EVERY:
            return False
        with self._lock:
            self._looked = time.monotonic()
            stamp = self._look()
            if stamp is None or stamp == self._stamp:
                return False
            self._stamp = stamp
            return True

    def _look(self) -> tuple[int, int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size
