"""Moments as RFC 6962 counts them."""

from datetime import UTC, datetime


def from_ms(milliseconds: int) -> datetime:
    """Milliseconds since the epoch, as RFC 6962 counts time."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def to_ms(moment: datetime) -> int:
    """Return ``moment`` in milliseconds since the epoch."""
    return int(moment.timestamp() * 1000)
