"""What the monitor says when it cannot do something."""


class MonitorError(Exception):
    """Root of this room's errors."""


class StoreError(MonitorError):
    """The database is not one that this program can use."""


class Moved(StoreError):
    """Another process has moved the log's position meanwhile; nothing was written."""


class UnknownLog(MonitorError):
    """No log of this name or LogID is followed."""


class NoVerifiedHead(MonitorError):
    """The log has no tree head yet whose root was rebuilt from its entries."""


class QueryError(MonitorError):
    """A search cannot be answered; the message says what was expected."""


class PrefixError(QueryError):
    """A leaf-hash prefix is not hexadecimal or matches too much."""

    def __init__(self, message: str, tree_size: int) -> None:
        super().__init__(message)
        self.tree_size = tree_size


class SourceError(MonitorError):
    """A log could not be read. This is unavailability, never evidence of an offence."""

    code = "unavailable"


class Busy(SourceError):
    """The log asks to be left alone (429 or 503) for ``retry_after`` seconds, None when it did not say."""

    def __init__(self, message: str, retry_after: float | None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Oversized(SourceError):
    """A body is longer than what was asked for could be."""

    code = "response-oversized"


class TimedOut(SourceError):
    """The answer was not complete within the time allowed for it."""

    code = "response-timeout"


class RedirectRefused(SourceError):
    """A redirect leaves the log's own address, or never ends."""

    code = "redirect-refused"


class BadResponse(SourceError):
    """The answer is not what the protocol calls for: the message names the field."""

    code = "response-malformed"


class WrongOrigin(SourceError):
    """What is served at the log's address is another log's, or not signed in its name."""

    code = "origin-wrong"
