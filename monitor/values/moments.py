"""Moments as RFC 6962 counts them, and times as people say them."""

from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400  # seconds


def from_ms(milliseconds: int) -> datetime:
    """Milliseconds since the epoch, as RFC 6962 counts time."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def to_ms(moment: datetime) -> int:
    """Return ``moment`` in milliseconds since the epoch."""
    return int(moment.timestamp() * 1000)


def in_words(seconds: float) -> str:
    """Return how long something takes, as people say it: ``45 s``, ``12 min``, ``3 h 5 min``, ``2 d 4 h``."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{round(whole / _MINUTE)} min"
    large, small, names = (_HOUR, _MINUTE, ("h", "min")) if whole < _DAY else (_DAY, _HOUR, ("d", "h"))
    count, rest = divmod(whole, large)
    return f"{count} {names[0]} {rest // small} {names[1]}"
