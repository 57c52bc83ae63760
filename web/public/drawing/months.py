"""Where a calendar has its lines: days, months or years, as many as have room."""

from collections.abc import Iterator
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Final

from web.public.language import Text

MOST: Final = 6
"""Lines in one picture: the words of more would touch on a phone."""
_DAYS: Final = (1, 2, 7, 14)
_MONTHS: Final = (1, 2, 3, 6, 12, 24, 60, 120, 300, 600, 1200, 2400, 12000)
_YEAR: Final = 12


def ticks(start: datetime, end: datetime) -> list[tuple[datetime, Text]]:
    """Return the lines between two moments with their words, oldest first, at most MOST."""
    for days in _DAYS:
        if (end - start).days // days <= MOST - 1:
            return [(moment, _day(moment)) for moment in _every_days(start, end, days)]
    for months in _MONTHS:
        found = list(_every_months(start, end, months))
        if len(found) <= MOST:
            return [(moment, _month(moment, months, first=not at)) for at, moment in enumerate(found)]
    return []


def _every_days(start: datetime, end: datetime, step: int) -> Iterator[datetime]:
    moment = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while (moment := moment + timedelta(days=step)) <= end:
        yield moment


def _every_months(start: datetime, end: datetime, step: int) -> Iterator[datetime]:
    number = (start.year * _YEAR + start.month - 1) // step * step
    while (number := number + step) // _YEAR <= min(end.year, MAXYEAR):
        moment = datetime(number // _YEAR, number % _YEAR + 1, 1, tzinfo=UTC)
        if moment > end:
            return
        if moment >= start:
            yield moment


def _day(moment: datetime) -> Text:
    return Text(f"{moment.day} {moment:%b}", f"{moment.month}月{moment.day}日")


def _month(moment: datetime, step: int, *, first: bool) -> Text:
    """A year stands once: at its first line, so that the words stay short."""
    if step % _YEAR == 0:
        return Text(f"{moment.year}", f"{moment.year}年")
    if first or moment.month <= step:
        return Text(f"{moment:%b} {moment.year}", f"{moment.year}年{moment.month}月")
    return Text(f"{moment:%b}", f"{moment.month}月")
