"""What a channel is to the one who sends through it."""

from collections.abc import Mapping
from typing import Any, Protocol

from monitor.errors import MonitorError


class NotDelivered(MonitorError):
    """A notice did not get through; it will be tried again, after ``retry_after`` seconds if given."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Sender(Protocol):
    """Sends one notice at a time."""

    def send(self, notice: Mapping[str, Any]) -> None:
        """Return when the receiver has taken the notice; raise NotDelivered otherwise."""

    def cancel(self) -> None:
        """End a send that is under way in another thread; it fails."""
