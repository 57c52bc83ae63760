"""Time as logs write it: milliseconds since 1970 in UTC, leap seconds not counted (RFC 6962 section 3.2)."""

from datetime import UTC, datetime, timedelta
from typing import Final

from verifier.errors import MalformedInput

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
MAX_TIMESTAMP: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND  # the year 9999


def to_datetime(timestamp: int) -> datetime:
    """Milliseconds as an aware datetime; they must have been checked."""
    return _EPOCH + timestamp * _MILLISECOND


def to_timestamp(moment: datetime) -> int:
    """An aware datetime as whole milliseconds, rounded down; ``MalformedInput`` before 1970."""
    return check_timestamp((moment - _EPOCH) // _MILLISECOND, "timestamp")


def check_timestamp(timestamp: int, field: str) -> int:
    """The timestamp itself; ``MalformedInput`` where it is before 1970 or after the year 9999."""
    if not 0 <= timestamp <= MAX_TIMESTAMP:
        raise MalformedInput(f"{field}: expected 0 to {MAX_TIMESTAMP} milliseconds, got {timestamp}")
    return timestamp
