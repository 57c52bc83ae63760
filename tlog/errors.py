"""What can go wrong in a log, as the caller has to tell it apart."""


class TlogError(Exception):
    """Root of this room's errors."""


class StorageError(TlogError):
    """A storage call failed. A write that raises this may or may not have been stored."""


class NotStored(StorageError):
    """The object that was asked for does not exist."""


class Conflict(StorageError):
    """Another object already stands where this one was to be created: two writers, or damage."""


class StaleHead(TlogError):
    """The lock holds another tree head than the one that was to be replaced."""


class RefuseToStart(TlogError):
    """What is on disk cannot be continued safely; the message says what was found and what to do."""


class WriterActive(RefuseToStart):
    """Another process writes this log already."""


class DamagedTree(TlogError):
    """A stored tile or checkpoint does not agree with the tree that the log has signed."""


class Unavailable(TlogError):
    """The log cannot take this submission now; ``retry_after`` is in seconds."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Overloaded(Unavailable):
    """The pool of waiting submissions is full."""


class ClockJumped(Unavailable):
    """The wall clock moved in a way that would falsify the log's timestamps."""


class NotAdmitting(TlogError):
    """The log takes no submissions in its present state (frozen, retired)."""
