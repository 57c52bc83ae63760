"""Threads that do the work of requests, for the server's one thread never may."""

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from web.logs.connection import Exchange


class Workers:
    """A few threads that take tasks from one queue."""

    def __init__(self, name: str, count: int, work: Callable[[Exchange], None]) -> None:
        self.tasks: SimpleQueue[Exchange | None] = SimpleQueue()
        self._work = work
        self._threads = [
            threading.Thread(target=self._run, name=f"{name} {number}", daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while (task := self.tasks.get()) is not None:
            self._work(task)

    def stop(self, grace: float) -> None:
        """End after the tasks at hand; what takes longer than the grace (seconds) ends with the process."""
        end = time.monotonic() + grace
        for _ in self._threads:
            self.tasks.put(None)
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
