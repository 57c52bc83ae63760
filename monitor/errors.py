"""What the monitor says when it cannot do something."""

from collections.abc import Mapping
from typing import Any


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
    """A leaf-hash prefix is not hexadecimal or matches too much.

    ``tree_head`` is the one that an answer would rest on, as get-sth writes it: a client chooses its prefix
    by a size that the log signed, for a made-up one would have it tell more digits than a crowd shares.
    """

    def __init__(self, message: str, tree_head: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.tree_head = tree_head
        self.tree_size = int(tree_head["tree_size"])


class SourceError(MonitorError):
    """A log could not be read. ``record`` is the answer as it came, for the evidence file."""

    code = "unavailable"

    def __init__(self, message: str, record: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.record = dict(record or {})


class Busy(SourceError):
    """The log asks to be left alone (429 or 503) for ``retry_after`` seconds, None when it did not say."""

    code = "busy"

    def __init__(
        self, message: str, retry_after: float | None, record: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message, record)
        self.retry_after = retry_after


class LeftAlone(Busy):
    """The log was not asked, for it wants to be left alone for ``retry_after`` seconds more."""


class Oversized(SourceError):
    """A body is longer than what was asked for could be."""

    code = "response-oversized"


class Bomb(Oversized):
    """A compressed body unpacks beyond what was asked for."""

    code = "response-bomb"


class TimedOut(SourceError):
    """The answer was not complete within the time allowed for it."""

    code = "response-timeout"


class Dripped(TimedOut):
    """Bytes came, but so few and so slowly that the answer would never have been whole."""

    code = "response-drip"


class RedirectRefused(SourceError):
    """A redirect leaves the log's own address."""

    code = "redirect-refused"


class RedirectEndless(RedirectRefused):
    """Redirects lead to no answer."""

    code = "redirect-endless"


class RedirectPrivate(RedirectRefused):
    """A redirect leads into a private network, where it could make this machine ask what others may not."""

    code = "redirect-private"


class RedirectScheme(RedirectRefused):
    """A redirect leads to another protocol."""

    code = "redirect-scheme"


class BadResponse(SourceError):
    """The answer is not what the protocol calls for: the message names the field."""

    code = "response-malformed"


class EntryCountWrong(BadResponse):
    """No entries came, or more than were asked for."""

    code = "entry-count-wrong"


class TileShort(BadResponse):
    """A tile of hashes has not the length of its width."""

    code = "tile-short"


class DataTileWrong(BadResponse):
    """A tile of entries cannot be taken apart into as many entries as it must hold."""

    code = "data-tile-wrong"


class IssuerMissing(SourceError):
    """A certificate that an entry names is not served."""

    code = "issuer-missing"


class IssuerWrong(BadResponse):
    """Another certificate is served than the one asked for by its fingerprint."""

    code = "issuer-wrong"


class KeyWrong(SourceError):
    """A checkpoint carries no signature of the log's key."""

    code = "head-key-wrong"


class WrongOrigin(SourceError):
    """What is served at the log's address is another log's, or not signed in its name."""

    code = "origin-wrong"
